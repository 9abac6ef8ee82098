//! The deciding half of the loop: learns from reports, plans, judges, and says what to start, when to look and when to
//! end.
//!
//! `reconciler` is the other half: it waits, calls, and hands reports in. Everything here is synchronous and told the
//! time, so that what happens when can be followed without any waiting. `learning` takes reports in, `verdict` ends runs;
//! planning, judging and showing are here. What to do is `axon_core`'s.

mod learning;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axon_core::cloud::{CloudError, Facts, Scope};
use axon_core::judge::{Case, judge};
use axon_core::plan::{Plan, Wait};
use axon_core::spec::ObjectKey;
use axon_core::state::{Event, Permissions, State};
use axon_core::status::Status;
use axon_core::step::{Resource, Step};
use axon_core::world::World;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tracing::{Span, debug, error, info, info_span};

use crate::clock::later;
use crate::events;
use crate::metrics::meter::{PassResult, Try};
use crate::pacing::Pacing;
use crate::schedule::{Look, Schedule, Urgency, asks_more};
use crate::settings::Settings;
use crate::source::{Snapshot, SourceStatus};
use crate::specify::{Specification, Specifier, declare_faults};
use crate::telemetry::Telemetry;
use crate::view::{DoneStep, Phase, View};

pub(crate) use verdict::Verdict;

/// The most ended steps that are shown.
const MOST_STEPS: usize = 200;

/// Something to begin.
#[derive(Debug)]
pub(crate) enum Begin {
    Facts,
    Source,
    Sweep(Box<Scope>),
}

/// Whether steps are still started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Closed,
}

/// Everything that a loop knows and decides.
#[derive(Debug)]
pub(crate) struct Controller {
    settings: Settings,
    telemetry: Telemetry,
    /// Tells the passes of this run from those of any other.
    run: String,
    state: State,
    specifier: Specifier,
    schedule: Schedule,
    pacing: Pacing,
    deadline: Option<Timestamp>,
    gate: Gate,
    facts: Option<Facts>,
    snapshot: Option<Snapshot>,
    specification: Specification,
    last_scope: Option<Scope>,
    in_flight: BTreeMap<Resource, Step>,
    throttled: BTreeMap<Resource, u32>,
    /// What the last pass left undone.
    plan: Plan,
    statuses: BTreeMap<ObjectKey, Status>,
    /// Under which revision an object was ready last.
    ready_at: BTreeMap<ObjectKey, String>,
    /// Whether anything was learned since the last pass.
    learned: bool,
    /// Outcomes since the last sweep began ask for another.
    stale: bool,
    stepped: bool,
    pass: u64,
    calls: u64,
    steps: u64,
    steps_done: VecDeque<DoneStep>,
    events: events::Log,
    facts_error: Option<CloudError>,
    source_error: Option<String>,
    source_begun: Option<Timestamp>,
    sources: Vec<SourceStatus>,
    violations: Vec<String>,
    last_sweep: Option<Timestamp>,
    fatal: Option<String>,
}

/// Names of looks, as they are told when one never ends.
const LOOKUP: &str = "the lookup of the account";
const SOURCE: &str = "the reading of the source";
const SWEEP: &str = "the reading of AWS";

/// Differs between runs, targets and processes.
fn run_id(target: &str, now: Timestamp) -> String {
    let seed = format!("{target} {} {}", now.as_nanosecond(), std::process::id());
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(seed).into();
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}

impl Controller {
    pub(crate) fn new(settings: Settings, now: Timestamp, telemetry: Telemetry) -> Self {
        let Settings { writes, pruning: prune, prune_limits, .. } = settings;
        let permissions = Permissions { writes, prune, prune_limits, roles: settings.roles.clone() };
        Self {
            state: State::new(settings.installation.clone(), permissions),
            specifier: Specifier::new(settings.installation.clone())
                .only(settings.target.clone())
                .under(settings.roles.clone()),
            schedule: Schedule::new(&settings, now),
            pacing: Pacing::new(settings.share, settings.max_concurrent_steps),
            deadline: settings.timeout.map(|timeout| later(now, timeout)),
            gate: Gate::Open,
            facts: None,
            snapshot: None,
            specification: Specification::default(),
            last_scope: None,
            in_flight: BTreeMap::new(),
            throttled: BTreeMap::new(),
            plan: Plan::default(),
            statuses: BTreeMap::new(),
            ready_at: BTreeMap::new(),
            learned: false,
            stale: false,
            stepped: false,
            pass: 0,
            calls: 0,
            steps: 0,
            steps_done: VecDeque::new(),
            events: events::Log::after(telemetry.ledger.earlier()),
            facts_error: None,
            source_error: None,
            source_begun: None,
            sources: Vec::new(),
            violations: Vec::new(),
            last_sweep: None,
            fatal: None,
            run: run_id(telemetry.target(), now),
            telemetry,
            settings,
        }
    }

    /// No step is started from now on.
    pub(crate) const fn close(&mut self) {
        self.gate = Gate::Closed;
    }

    /// The source says that it has something new.
    pub(crate) fn source_changed(&mut self, now: Timestamp) {
        self.schedule.source_changed(now);
    }

    /// What begins now.
    pub(crate) fn begin(&mut self, now: Timestamp) -> Vec<Begin> {
        let looks = self.schedule.due(now);
        looks.into_iter().map(|look| self.begin_look(look, now)).collect()
    }

    fn begin_look(&mut self, look: Look, now: Timestamp) -> Begin {
        match look {
            Look::Facts => {
                self.telemetry.pulse.begun(LOOKUP);
                Begin::Facts
            }
            Look::Source => {
                self.telemetry.pulse.begun(SOURCE);
                self.source_begun = Some(now);
                Begin::Source
            }
            Look::Aws => {
                self.telemetry.pulse.begun(SWEEP);
                let scope = self.state.scope(now);
                self.last_scope = Some(scope.clone());
                // Only outcomes from now on can be newer than what is read.
                self.stale = false;
                self.stepped = false;
                Begin::Sweep(Box::new(scope))
            }
        }
    }

    /// The next instant at which there is something to do without any report.
    pub(crate) fn wake(&self) -> Option<Timestamp> {
        [self.schedule.next(), self.next_retry(), self.next_token(), self.deadline].into_iter().flatten().min()
    }

    /// When the first step may start that waits for nothing but AWS's limits on calls.
    fn next_token(&self) -> Option<Timestamp> {
        if self.may_start() { self.pacing.next() } else { None }
    }

    /// When the first failed step that still waits may be tried again.
    fn next_retry(&self) -> Option<Timestamp> {
        let retries = self.plan.waiting.iter().filter_map(|waiting| match &waiting.on {
            Wait::Retry { not_before, .. } => Some(*not_before),
            _ => None,
        });
        retries.min()
    }

    /// Whether another plan could differ from the last.
    pub(crate) fn wants_pass(&self, now: Timestamp) -> bool {
        self.learned || self.next_retry().is_some_and(|at| at <= now)
    }

    /// What the next pass is logged under; its steps are, too.
    pub(crate) fn span(&self) -> Span {
        self.span_of(self.pass + 1)
    }

    /// The same of the last pass, for those of its steps that start later.
    pub(crate) fn last_span(&self) -> Span {
        self.span_of(self.pass)
    }

    fn span_of(&self, pass: u64) -> Span {
        info_span!(
            "pass",
            reconcileID = format!("{}-{pass}", self.run),
            target = self.telemetry.target(),
            revision = self.specification.specified.revision,
        )
    }

    /// How long the last pass took.
    pub(crate) fn passed(&self, took: SignedDuration) {
        let result = if self.violations.is_empty() { PassResult::Success } else { PassResult::Unsafe };
        self.telemetry.meter.passed(result, took.unsigned_abs());
    }

    /// Whether a step of the last plan has waited for its token and may start. As long as nothing was learned, that
    /// plan is still the plan.
    pub(crate) fn has_tokens(&self, now: Timestamp) -> bool {
        self.next_token().is_some_and(|at| at <= now)
    }

    /// Plans, and says which steps to start. They count as in flight from now on.
    pub(crate) fn pass(&mut self, now: Timestamp) -> Vec<Step> {
        self.pass += 1;
        self.learned = false;
        let (plan, violations) = self.state.plan(now);
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        if violations != self.violations {
            for violation in &violations {
                error!(%violation, "the plan is not executed: this is a bug, please report it");
            }
        }
        self.violations = violations;
        self.plan = plan;
        self.pacing.sort(&self.plan.steps, &self.in_flight);
        let started = self.go_on(now);
        let (left, waiting) = (self.plan.steps.len(), self.plan.waiting.len());
        debug!(started = started.len(), left, waiting, "planned");
        self.judge(now);
        let urgency = self.urgency(now);
        if self.state.specified().is_some() {
            self.schedule.look_again(urgency, now);
        }
        started
    }

    /// Says which steps of the last plan to start now. They count as in flight from now on. No status changes by that: a
    /// step that is due and a step that is under way are the same to its object.
    pub(crate) fn go_on(&mut self, now: Timestamp) -> Vec<Step> {
        if !self.may_start() {
            return Vec::new();
        }
        let started = self.pacing.admit(&mut self.plan.steps, self.in_flight.len(), now);
        for step in &started {
            self.start(step, now);
        }
        started
    }

    fn may_start(&self) -> bool {
        self.gate == Gate::Open && self.violations.is_empty()
    }

    fn start(&mut self, step: &Step, now: Timestamp) {
        let failures = self.state.attempts(step);
        info!(
            object = %step.object,
            resource = %step.resource,
            aws.operation = step.action.operation(),
            attempt = failures + 1,
            "step started"
        );
        let attempt = if failures == 0 { Try::First } else { Try::Again };
        self.telemetry.meter.started(step, attempt, now);
        if attempt == Try::First && events::corrects_drift(step, self.before(step)) {
            self.telemetry.meter.drift_detected(step);
        }
        self.state.fold(Event::Started(Box::new(step.clone())));
        self.in_flight.insert(step.resource.clone(), step.clone());
    }

    fn judge(&mut self, now: Timestamp) {
        let Some(specified) = self.state.specified() else { return };
        let world = World {
            installation: self.state.installation(),
            desired: &specified.desired,
            observed: self.state.observed(),
        };
        let revisions = &specified.desired.revisions;
        let case = Case { world, plan: &self.plan, in_flight: &self.in_flight, now };
        let mut statuses = judge(case, &self.statuses);
        declare_faults(&mut statuses, &self.specification.faults, &self.statuses, now);
        self.ready_at.retain(|key, _| statuses.contains_key(key));
        for (key, _) in statuses.iter().filter(|(_, status)| status.is_ready()) {
            let revision = revisions.of(key);
            if self.ready_at.get(key).is_none_or(|known| known != revision) {
                self.ready_at.insert(key.clone(), revision.to_owned());
            }
        }
        for said in events::of_statuses(&self.statuses, &statuses) {
            self.say(said, now);
        }
        self.statuses = statuses;
    }

    /// Tells people, here and in the history.
    fn say(&mut self, said: events::Said, at: Timestamp) {
        let event = self.events.file(said, at, &self.specification.specified.revision);
        self.telemetry.meter.said(&event);
        self.telemetry.ledger.file(event);
    }

    fn urgency(&self, now: Timestamp) -> Urgency {
        let busy = self.is_busy();
        let more = self.last_scope.as_ref().is_none_or(|last| asks_more(&self.state.scope(now), last));
        // What a burst of steps has set off is looked at once, when its last one has ended.
        let burst_over = self.stepped && busy && self.in_flight.is_empty() && self.plan.steps.is_empty();
        if more || self.stale || burst_over {
            Urgency::Now
        } else if busy {
            Urgency::Busy
        } else {
            Urgency::Steady
        }
    }

    /// Whether anything moves that needs no person.
    fn is_busy(&self) -> bool {
        // Tasks of a job may run for days: how they end is seen soon enough by the usual sweep.
        let moves = |status: &Status| !status.is_ready() && !status.is_stalled() && !status.is_at_work();
        !self.in_flight.is_empty() || !self.plan.steps.is_empty() || self.statuses.values().any(moves)
    }

    /// Everything there is to show.
    pub(crate) fn view(&self) -> View {
        let phase = match (self.state.specified(), self.last_sweep) {
            (None, _) | (_, None) => Phase::Starting,
            (Some(_), Some(_)) if self.is_busy() => Phase::Working,
            (Some(_), Some(_)) => Phase::Steady,
        };
        let sweep_errors: BTreeSet<&CloudError> = self.facts_error.iter().chain(self.state.sweep_errors()).collect();
        View {
            revision: self.specification.specified.revision.clone(),
            statuses: self.statuses.clone(),
            diagnostics: self.specification.diagnostics.clone(),
            files: std::sync::Arc::clone(&self.specification.files),
            waiting: self.plan.waiting.clone(),
            in_flight: self.in_flight.values().cloned().collect(),
            paced: self.pacing.paced().to_vec(),
            phase,
            // The supervisor's, who puts them in.
            trouble: None,
            panics: 0,
            source_error: self.source_error.clone(),
            sources: self.sources.clone(),
            sweep_errors: sweep_errors.into_iter().cloned().collect(),
            violations: self.violations.clone(),
            last_sweep: self.last_sweep,
            calls: self.calls,
            pass: self.pass,
            steps_done: self.steps_done.iter().cloned().collect(),
            events: self.events.to_vec(),
        }
    }
}
