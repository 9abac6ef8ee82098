//! Takes reports in: facts, snapshots, sweeps and outcomes become events of `core`'s state, and log lines.
//!
//! Called by `reconciler` before every pass. Nothing is planned here.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_core::cloud::{CloudError, ErrorClass, Facts, Sweep};
use axon_core::state::{Ended, Event};
use axon_core::status::Truth;
use axon_core::step::Step;
use jiff::Timestamp;
use tracing::{debug, info, info_span, warn};

use super::{Controller, LOOKUP, MOST_STEPS, SOURCE, SWEEP};
use crate::backoff;
use crate::clock::later;
use crate::events::{self, Before};
use crate::execution::{Execution, Report};
use crate::metrics::SourceResult;
use crate::metrics::meter::Swept;
use crate::schedule::Completed;
use crate::settings::Until;
use crate::source::{Snapshot, SourceError, SourceStatus};
use crate::specify::Specification;
use crate::view::DoneStep;

/// What the sources of a target are counted as together. A source of its own name is counted where it is fetched.
const ALL_SOURCES: &str = "all";

/// Sweeps in a row that AWS may refuse before a command that runs once gives up.
const MOST_REFUSED_SWEEPS: u32 = 3;

impl Controller {
    /// Learns from one report.
    pub(crate) fn learn(&mut self, report: Report, now: Timestamp) {
        match report {
            Report::Facts(result) => self.learn_facts(result, now),
            Report::Source(result, statuses) => {
                self.source_was_read(&result, &statuses, now);
                self.schedule.source_read(now);
                let news = events::of_sources(&self.sources, &statuses);
                let moved = !news.is_empty();
                for said in news {
                    self.say(said, now);
                }
                self.sources = statuses;
                self.learned |= self.learn_source(result) || moved;
                return;
            }
            Report::Swept(sweep) => {
                info_span!("learn", target = self.telemetry.target()).in_scope(|| self.learn_sweep(*sweep, now));
            }
            Report::Ended(execution) => self.learn_outcome(*execution),
        }
        self.learned = true;
    }

    /// Counts what became of the sources. Files on disk are read as one, by the loop itself.
    fn source_was_read(&mut self, result: &Result<Snapshot, SourceError>, statuses: &[SourceStatus], now: Timestamp) {
        let meter = &self.telemetry.meter;
        self.telemetry.pulse.ended(SOURCE);
        let took = now.duration_since(self.source_begun.take().unwrap_or(now)).unsigned_abs();
        if statuses.is_empty() {
            match result {
                Ok(_) => {
                    meter.source_fetched(ALL_SOURCES, SourceResult::Success, took);
                    meter.source_confirmed(ALL_SOURCES, now);
                }
                Err(_) => meter.source_fetched(ALL_SOURCES, SourceResult::Failure, took),
            }
        }
        for status in statuses {
            let before = self.sources.iter().find(|before| before.name == status.name);
            if let Some(at) = status.last_fetched {
                meter.source_confirmed(&status.name, at);
                if before.is_none_or(|before| before.last_fetched != status.last_fetched) {
                    meter.source_fetched(&status.name, SourceResult::Success, took);
                }
            }
            let failed = |status: &SourceStatus| status.condition.status == Truth::False;
            if failed(status) && before.is_none_or(|before| before.condition != status.condition) {
                meter.source_fetched(&status.name, SourceResult::Failure, took);
            }
        }
    }

    fn learn_facts(&mut self, result: Result<Facts, CloudError>, now: Timestamp) {
        self.calls += 1;
        self.telemetry.pulse.ended(LOOKUP);
        match result {
            Ok(facts) => {
                self.schedule.facts_known(&facts);
                self.facts_error = None;
                self.facts = Some(facts);
                self.specify();
            }
            Err(error) => {
                warn!(%error, "the account cannot be identified");
                self.telemetry.meter.failed("lookup", &error);
                self.schedule.facts_failed(error.class, now);
                if is_refusal(&error) {
                    self.give_up(format!("the account cannot be identified: {error}"));
                }
                self.facts_error = Some(error);
            }
        }
    }

    /// Whether anything differs from the last time. The source is read every few seconds, and a plan costs more than that.
    fn learn_source(&mut self, result: Result<Snapshot, SourceError>) -> bool {
        let before = self.source_error.take();
        match result {
            Ok(snapshot) if self.snapshot.as_ref() != Some(&snapshot) => {
                self.snapshot = Some(snapshot);
                self.specify();
                true
            }
            Ok(_) => before.is_some(),
            Err(error) => {
                let error = error.to_string();
                let new = before.as_ref() != Some(&error);
                if new {
                    warn!(%error, "the source cannot be read; what was read before stays in force");
                }
                if self.snapshot.is_none() {
                    self.give_up(error.clone());
                }
                self.source_error = Some(error);
                new
            }
        }
    }

    fn specify(&mut self) {
        let (Some(snapshot), Some(facts)) = (&self.snapshot, &self.facts) else { return };
        let before = std::mem::take(&mut self.specification);
        self.specification = self.specifier.specify(snapshot, facts);
        self.pacing.renew(&self.specification.specified.desired.differing(&before.specified.desired));
        let Specification { specified, diagnostics, faults, .. } = &self.specification;
        let objects = specified.desired.objects().len();
        info!(
            revision = %specified.revision,
            objects,
            findings = diagnostics.len(),
            faulty = faults.len(),
            "a specification was read"
        );
        self.state.fold(Event::Specified(Box::new(specified.clone())));
    }

    fn learn_sweep(&mut self, sweep: Sweep, now: Timestamp) {
        self.calls += u64::from(sweep.calls);
        self.telemetry.pulse.ended(SWEEP);
        let (calls, started) = (sweep.calls, sweep.started);
        self.last_sweep = Some(started);
        debug!(calls = sweep.calls, started = %sweep.started, "AWS was read");
        self.state.fold(Event::Swept(Box::new(sweep)));
        let errors = self.state.sweep_errors();
        self.telemetry.meter.swept(Swept { calls, started, ended: now, errors });
        // One call may be the reading of several parts.
        for error in errors.iter().collect::<BTreeSet<_>>() {
            warn!(%error, "a part of AWS cannot be read; what was read of it before stays in force");
        }
        let refused = errors.iter().find(|error| is_refusal(error)).cloned();
        let complete = if errors.is_empty() { Completed::Wholly } else { Completed::InPart };
        self.schedule.swept(complete, now);
        if let Some(error) = refused.filter(|_| self.schedule.failed_sweeps() >= MOST_REFUSED_SWEEPS) {
            self.give_up(format!("AWS cannot be read: {error}"));
        }
    }

    fn learn_outcome(&mut self, execution: Execution) {
        let Execution { step, result, at, span } = execution;
        let _entered = span.enter();
        self.calls += 1;
        self.steps += 1;
        self.stepped = true;
        let attempt = self.state.attempts(&step) + 1;
        let wait = match &result {
            Ok(_) => {
                self.throttled.remove(&step.resource);
                None
            }
            Err(error) => Some(self.wait_after(&step, error.class, attempt)),
        };
        let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
        info!(
            object = %step.object,
            resource = %step.resource,
            aws.operation = step.action.operation(),
            outcome = outcome.as_ref().map_or_else(|error| format!("{:?}", error.class), |()| "Succeeded".to_owned()),
            attempt,
            "step ended"
        );
        self.telemetry.meter.ended(&step, outcome.as_ref().copied(), at);
        if outcome.as_ref().is_err_and(|error| error.class == ErrorClass::Throttled) {
            self.pacing.throttled(&step, at);
        } else {
            let before = self.before(&step);
            if outcome.is_ok() && events::corrects_drift(&step, before) {
                self.telemetry.meter.drift_corrected(&step);
            }
            if let Some(said) = events::of_step(&step, outcome.as_ref().copied(), before) {
                self.say(said, at);
            }
        }
        if self.steps_done.len() >= MOST_STEPS {
            self.steps_done.pop_front();
        }
        self.steps_done.push_back(DoneStep { number: self.steps, at, step: step.clone(), result: outcome });
        self.in_flight.remove(&step.resource);
        let not_before = wait.map_or(at, |wait| later(at, wait));
        self.state.fold(Event::Ended(Box::new(Ended { step, result, at, not_before })));
    }

    /// How long a failed step waits. Being throttled is no failure of the step or its object: it is counted by itself, is no
    /// event, and slows its bucket down.
    fn wait_after(&mut self, step: &Step, class: ErrorClass, attempt: u32) -> Duration {
        self.stale |= matches!(class, ErrorClass::Ambiguous | ErrorClass::Conflict | ErrorClass::NotFound);
        let failures = if class == ErrorClass::Throttled {
            let count = self.throttled.entry(step.resource.clone()).or_default();
            *count = count.saturating_add(1);
            *count
        } else {
            self.throttled.remove(&step.resource);
            attempt
        };
        backoff::delay(class, failures, &step.resource.to_string())
    }

    /// Whether the object was ready under the revision in force, so that a change of it corrects drift.
    pub(super) fn before(&self, step: &Step) -> Before {
        let revision = self.specification.specified.desired.revisions.of(&step.object);
        let ready_at = self.ready_at.get(&step.object).map(String::as_str);
        if ready_at == Some(revision) { Before::AsDeclared } else { Before::Otherwise }
    }

    /// A command that runs once says at once what no waiting will mend; a service goes on trying.
    fn give_up(&mut self, why: String) {
        if self.settings.until != Until::Stopped {
            self.fatal.get_or_insert(why);
        }
    }
}

/// Whether AWS will say the same again until a person has done something.
const fn is_refusal(error: &CloudError) -> bool {
    matches!(error.class, ErrorClass::Denied | ErrorClass::Invalid)
}
