//! Takes reports in: facts, snapshots, sweeps and outcomes become events of `core`'s state, and log lines.
//!
//! Called by `reconciler` before every pass. Nothing is planned here.

use std::time::Duration;

use axon_core::cloud::{CloudError, ErrorClass, Facts, Sweep};
use axon_core::state::{Ended, Event};
use axon_core::step::Step;
use jiff::Timestamp;
use tracing::{debug, info, warn};

use super::{Controller, MOST_STEPS};
use crate::backoff;
use crate::clock::later;
use crate::events::{self, Before};
use crate::execution::{Execution, Report};
use crate::schedule::Completed;
use crate::settings::Until;
use crate::source::{Snapshot, SourceError};
use crate::specify::Specification;
use crate::view::DoneStep;

/// Sweeps in a row that AWS may refuse before a command that runs once gives up.
const MOST_REFUSED_SWEEPS: u32 = 3;

impl Controller {
    /// Learns from one report.
    pub(crate) fn learn(&mut self, report: Report, now: Timestamp) {
        match report {
            Report::Facts(result) => self.learn_facts(result, now),
            Report::Source(result) => {
                self.schedule.source_read(now);
                self.learned |= self.learn_source(result);
                return;
            }
            Report::Swept(sweep) => self.learn_sweep(*sweep, now),
            Report::Ended(execution) => self.learn_outcome(*execution),
        }
        self.learned = true;
    }

    fn learn_facts(&mut self, result: Result<Facts, CloudError>, now: Timestamp) {
        self.calls += 1;
        match result {
            Ok(facts) => {
                self.schedule.facts_known();
                self.facts_error = None;
                self.facts = Some(facts);
                self.specify();
            }
            Err(error) => {
                warn!(%error, "the account cannot be identified");
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
        self.specification = self.specifier.specify(snapshot, facts);
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
        self.last_sweep = Some(sweep.started);
        debug!(calls = sweep.calls, started = %sweep.started, "AWS was read");
        self.state.fold(Event::Swept(Box::new(sweep)));
        let errors = self.state.sweep_errors();
        for error in errors {
            warn!(%error, "a part of AWS cannot be read");
        }
        let refused = errors.iter().find(|error| is_refusal(error)).cloned();
        let complete = if errors.is_empty() { Completed::Wholly } else { Completed::InPart };
        self.schedule.swept(complete, now);
        if let Some(error) = refused.filter(|_| self.schedule.failed_sweeps() >= MOST_REFUSED_SWEEPS) {
            self.give_up(format!("AWS cannot be read: {error}"));
        }
    }

    fn learn_outcome(&mut self, execution: Execution) {
        let Execution { step, result, at } = execution;
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
            operation = step.action.operation(),
            outcome = outcome.as_ref().map_or_else(|error| format!("{:?}", error.class), |()| "Succeeded".to_owned()),
            attempt,
            "step ended"
        );
        let said = events::of_step(&step, outcome.as_ref().copied(), self.before(&step));
        self.events.file(said, at);
        if self.steps_done.len() >= MOST_STEPS {
            self.steps_done.pop_front();
        }
        self.steps_done.push_back(DoneStep { number: self.steps, at, step: step.clone(), result: outcome });
        self.in_flight.remove(&step.resource);
        let not_before = wait.map_or(at, |wait| later(at, wait));
        self.state.fold(Event::Ended(Box::new(Ended { step, result, at, not_before })));
    }

    /// How long a failed step waits. Being throttled is no failure of the step, so it is counted by itself.
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
    fn before(&self, step: &Step) -> Before {
        let revision = &self.specification.specified.revision;
        if self.ready_at.get(&step.object) == Some(revision) { Before::AsDeclared } else { Before::Otherwise }
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
