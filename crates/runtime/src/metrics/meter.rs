//! Where the loop of one target, its AWS calls and its sources are counted.
//!
//! Made by [`Metrics::target`](super::Metrics::target); `controller` and `reconciler` tell it what happens, `axon-aws`
//! tells it through [`CallObserver`]. Nothing here looks at anything by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axon_core::cloud::{CallObserver, CloudError, ErrorClass, ObservedCall};
use axon_core::step::{Change, Resource, Step};
use jiff::Timestamp;
use tokio::sync::watch;

use super::catalog::Metric;
use super::changes::{Changes, Found, What};
use super::gauges::Shown;
use super::{Inner, seconds};
use crate::clock::Clock;
use crate::events::Event;
use crate::execution::PANIC;
use crate::health::Pulse;
use crate::view::View;

/// What a call is counted as that did not fail.
const OK: &str = "OK";

/// Counts for one target. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Meter {
    inner: Arc<Inner>,
    target: Arc<str>,
    known: Arc<Mutex<Known>>,
}

/// What must be remembered to count and to time.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) changes: Changes,
    pub(super) running: BTreeMap<Resource, Timestamp>,
    pub(super) confirmed: BTreeMap<String, Timestamp>,
    pub(super) swept: Option<Timestamp>,
}

/// Whether a source could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceResult {
    /// It could; the revision it gave is confirmed.
    Success,
    /// It could not.
    Failure,
}

/// Whether a plan was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassResult {
    Success,
    Unsafe,
}

/// Whether a step is a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    First,
    Again,
}

/// A sweep that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Swept<'a> {
    pub(crate) calls: u32,
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) errors: &'a [CloudError],
}

impl Meter {
    pub(super) fn new(inner: Arc<Inner>, target: &str) -> Self {
        let meter = Self { inner, target: target.into(), known: Arc::default() };
        meter.begin();
        meter
    }

    /// A counter that has not moved is shown as zero, so that its first step is seen as one.
    fn begin(&self) {
        for result in ["success", "unsafe"] {
            self.add(Metric::Reconcile, &[result], 0.0);
        }
        for result in ["complete", "partial"] {
            self.add(Metric::Sweeps, &[result], 0.0);
        }
        for place in ["step", "sweep", "lookup", "loop"] {
            self.add(Metric::Panics, &[place], 0.0);
        }
    }

    /// The target's name.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The loop of the target has panicked and is begun again.
    pub fn panicked(&self) {
        self.add(Metric::Panics, &["loop"], 1.0);
    }

    /// A source was read, or was not. `source` is its name in the configuration.
    pub fn source_fetched(&self, source: &str, result: SourceResult, took: Duration) {
        let word = match result {
            SourceResult::Success => "success",
            SourceResult::Failure => "failure",
        };
        self.add(Metric::SourceFetches, &[source, word], 1.0);
        self.observe(Metric::SourceFetchDuration, &[source], took.as_secs_f64());
    }

    /// The source confirmed at this instant (of the target's time) that the revision in force is its newest.
    pub fn source_confirmed(&self, source: &str, at: Timestamp) {
        self.known().confirmed.insert(source.to_owned(), at);
    }

    /// Shows this loop at every scrape from now on.
    pub(crate) fn follow(&self, view: watch::Receiver<Arc<View>>, clock: Arc<dyn Clock>, pulse: Pulse) {
        let shown = Shown { view, clock, pulse, known: Arc::clone(&self.known) };
        self.inner.shown().insert(self.target.to_string(), shown);
    }

    pub(crate) fn passed(&self, result: PassResult, took: Duration) {
        let word = match result {
            PassResult::Success => "success",
            PassResult::Unsafe => "unsafe",
        };
        self.add(Metric::Reconcile, &[word], 1.0);
        self.observe(Metric::ReconcileDuration, &[], took.as_secs_f64());
    }

    pub(crate) fn started(&self, step: &Step, attempt: Try, now: Timestamp) {
        if attempt == Try::Again {
            self.add(Metric::StepRetries, &[step.object.kind.as_str()], 1.0);
        }
        self.known().running.insert(step.resource.clone(), now);
    }

    pub(crate) fn ended(&self, step: &Step, result: Result<(), &CloudError>, now: Timestamp) {
        let kind = step.object.kind.as_str();
        let word = result.map_or_else(|error| class(error.class), |()| "success");
        self.add(Metric::Steps, &[kind, change(step.action.change()), word], 1.0);
        let mut known = self.known();
        known.running.remove(&step.resource);
        match result {
            Ok(()) => {
                let counted = known.changes.stepped(step, now);
                drop(known);
                self.count(counted);
            }
            Err(error) => {
                drop(known);
                self.failed("step", error);
            }
        }
    }

    pub(crate) fn drift_detected(&self, step: &Step) {
        self.add(Metric::DriftDetected, &[step.object.kind.as_str()], 1.0);
    }

    pub(crate) fn drift_corrected(&self, step: &Step) {
        self.add(Metric::DriftCorrected, &[step.object.kind.as_str()], 1.0);
    }

    pub(crate) fn swept(&self, sweep: Swept<'_>) {
        let Swept { calls, started, ended, errors } = sweep;
        let word = if errors.is_empty() { "complete" } else { "partial" };
        self.add(Metric::Sweeps, &[word], 1.0);
        self.observe(Metric::SweepDuration, &[], ended.duration_since(started).as_secs_f64());
        self.observe(Metric::SweepRequests, &[], f64::from(calls));
        if errors.is_empty() {
            self.known().swept = Some(started);
        }
        for error in errors {
            self.failed("sweep", error);
        }
    }

    /// Something at this place failed, which is counted by its meaning; if that was a panic, it is counted as one, too.
    pub(crate) fn failed(&self, place: &str, error: &CloudError) {
        self.add(Metric::ReconcileErrors, &[class(error.class)], 1.0);
        if error.code == PANIC {
            self.add(Metric::Panics, &[place], 1.0);
        }
    }

    pub(crate) fn said(&self, event: &Event) {
        self.add(Metric::Events, &[event.kind.as_str(), &event.reason.to_string()], 1.0);
    }

    /// Counts what is different between two views.
    pub(crate) fn changed(&self, before: &View, after: &View, now: Timestamp) {
        let counted = self.known().changes.between(before, after, now);
        self.count(counted);
    }

    fn count(&self, counted: Vec<Found>) {
        for found in counted {
            let labels: Vec<&str> = found.labels.iter().map(String::as_str).collect();
            match found.what {
                What::Happened => self.add(found.metric, &labels, 1.0),
                What::Lasted(seconds) => self.observe(found.metric, &labels, seconds),
                What::Grew(by) => self.add(found.metric, &labels, by),
            }
        }
    }

    fn add(&self, metric: Metric, labels: &[&str], by: f64) {
        self.inner.families.add(metric, &self.with_target(labels), by);
    }

    fn observe(&self, metric: Metric, labels: &[&str], value: f64) {
        self.inner.families.observe(metric, &self.with_target(labels), value);
    }

    fn with_target<'a>(&'a self, labels: &[&'a str]) -> Vec<&'a str> {
        std::iter::once(&*self.target).chain(labels.iter().copied()).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallObserver for Meter {
    fn observed(&self, call: &ObservedCall<'_>) {
        let ObservedCall { service, operation, outcome, duration, waited } = *call;
        let code = match outcome {
            Ok(()) => OK,
            Err(error) => self.inner.codes.label(&error.code),
        };
        self.add(Metric::AwsRequests, &[service, operation, code], 1.0);
        self.observe(Metric::AwsRequestDuration, &[service, operation], duration.as_secs_f64());
        let throttled = outcome.is_err_and(|error| error.class == ErrorClass::Throttled);
        self.add(Metric::AwsThrottles, &[service, operation], if throttled { 1.0 } else { 0.0 });
        self.add(Metric::AwsPacing, &[service, operation], waited.as_secs_f64());
    }
}

/// The class as a value of a label.
const fn class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Throttled => "Throttled",
        ErrorClass::Transient => "Transient",
        ErrorClass::Ambiguous => "Ambiguous",
        ErrorClass::Conflict => "Conflict",
        ErrorClass::NotFound => "NotFound",
        ErrorClass::NoCapacity => "NoCapacity",
        ErrorClass::Quota => "Quota",
        ErrorClass::Denied => "Denied",
        ErrorClass::Invalid => "Invalid",
    }
}

const fn change(change: Change) -> &'static str {
    match change {
        Change::Create => "create",
        Change::Update => "update",
        Change::Delete => "delete",
    }
}

impl Known {
    /// Age of the oldest call that is under way.
    pub(super) fn longest_running(&self, now: Timestamp) -> f64 {
        self.running.values().min().map_or(0.0, |began| seconds(now) - seconds(*began))
    }
}
