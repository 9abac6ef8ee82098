//! What is so of each target now, read from its latest view at every scrape.
//!
//! [`Metrics::text`](super::Metrics::text) asks; `families` holds the values. Every gauge here is cleared first, so a
//! series ends with its object. Nothing is remembered and nothing is counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axon_core::spec::Kind;
use axon_core::status::{ConditionType, GroupStatus, Reason, Status, Truth};
use jiff::Timestamp;
use tokio::sync::watch;

use super::catalog::Metric;
use super::changes::word;
use super::families::Families;
use super::meter::Known;
use super::seconds;
use crate::clock::{Clock, SystemClock};
use crate::health::Pulse;
use crate::view::View;

/// A target that is shown.
pub(super) struct Shown {
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pulse: Pulse,
    pub(super) known: Arc<Mutex<Known>>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("pulse", &self.pulse).finish_non_exhaustive()
    }
}

/// Gauges that are set here and nowhere else.
const GAUGES: [Metric; 24] = [
    Metric::LoopLastTick,
    Metric::ReconcileLastSuccess,
    Metric::StepsInFlight,
    Metric::StepsLongestRunning,
    Metric::StepsPaced,
    Metric::PacingRatio,
    Metric::Waiting,
    Metric::PlanViolations,
    Metric::SweepLastSuccess,
    Metric::SourceRevisionAge,
    Metric::SourceFindings,
    Metric::ResourceInfo,
    Metric::StatusCondition,
    Metric::DriftedResources,
    Metric::PoolInstances,
    Metric::PoolInstancesDesired,
    Metric::PoolInstancesLimit,
    Metric::PoolInstancesOutOfDate,
    Metric::PoolDevices,
    Metric::PoolDevicesAllocated,
    Metric::AmiInfo,
    Metric::AmiAge,
    Metric::ServiceTasks,
    Metric::JobRuns,
];

/// Sets every gauge anew.
pub(super) fn show(families: &Families, targets: &BTreeMap<String, Shown>) {
    for gauge in GAUGES {
        families.clear(gauge);
    }
    for (name, shown) in targets {
        let view = Arc::clone(&shown.view.borrow());
        let page = Page { families, target: name, now: shown.clock.now() };
        page.turns(&shown.pulse);
        page.work(&view);
        page.remembered(&shown.known.lock().unwrap_or_else(PoisonError::into_inner));
        for status in view.statuses.values() {
            page.object(status);
        }
    }
}

/// One target's part of a scrape.
struct Page<'a> {
    families: &'a Families,
    target: &'a str,
    now: Timestamp,
}

impl Page<'_> {
    fn set(&self, metric: Metric, labels: &[&str], value: f64) {
        let labels: Vec<&str> = std::iter::once(self.target).chain(labels.iter().copied()).collect();
        self.families.set(metric, &labels, value);
    }

    /// Where several things have the same labels.
    fn raise(&self, metric: Metric, labels: &[&str], by: f64) {
        let labels: Vec<&str> = std::iter::once(self.target).chain(labels.iter().copied()).collect();
        self.families.raise(metric, &labels, by);
    }

    /// In real time: the loop turns in it.
    fn turns(&self, pulse: &Pulse) {
        let last = SystemClock.now().saturating_sub(pulse.age()).unwrap_or(Timestamp::MIN);
        self.set(Metric::LoopLastTick, &[], seconds(last));
    }

    fn work(&self, view: &View) {
        self.set(Metric::StepsInFlight, &[], count(view.in_flight.len()));
        self.set(Metric::PlanViolations, &[], count(view.violations.len()));
        for paced in &view.paced {
            self.set(Metric::StepsPaced, &[paced.bucket], count(paced.steps));
            self.set(Metric::PacingRatio, &[paced.bucket], f64::from(paced.speed_percent) / 100.0);
        }
        for waiting in &view.waiting {
            self.raise(Metric::Waiting, &[&reason(&waiting.on)], 1.0);
        }
        for severity in ["error", "warning"] {
            let found = view.diagnostics.iter().filter(|found| found.severity.to_string() == severity);
            self.set(Metric::SourceFindings, &[severity], count(found.count()));
        }
    }

    fn remembered(&self, known: &Known) {
        self.set(Metric::StepsLongestRunning, &[], known.longest_running(self.now));
        if let Some(swept) = known.swept {
            self.set(Metric::SweepLastSuccess, &[], seconds(swept));
        }
        for (key, at) in &known.changes.ready {
            self.set(Metric::ReconcileLastSuccess, &[key.kind.as_str(), key.name.as_str()], seconds(*at));
        }
        for (source, at) in &known.confirmed {
            let age = self.now.duration_since(*at).as_secs_f64().max(0.0);
            self.set(Metric::SourceRevisionAge, &[source], age);
        }
    }

    fn object(&self, status: &Status) {
        let (kind, name) = (status.object.kind.as_str(), status.object.name.as_str());
        let ready = status.condition(ConditionType::Ready).map_or(Truth::Unknown, |ready| ready.status);
        let suspended = status.conditions.iter().any(|condition| condition.reason == Reason::Suspended);
        let (ready, suspended) = (word(&ready), if suspended { "true" } else { "false" });
        self.set(Metric::ResourceInfo, &[kind, name, &ready, suspended, &status.observed_revision], 1.0);
        for condition in &status.conditions {
            let (about, truth, reason) = (word(&condition.kind), word(&condition.status), word(&condition.reason));
            self.set(Metric::StatusCondition, &[kind, name, &about, &truth, &reason], 1.0);
            let drifts = matches!(condition.kind, ConditionType::Drifted | ConditionType::AmiDrift);
            if drifts && condition.status == Truth::True {
                self.raise(Metric::DriftedResources, &[kind, &about], 1.0);
            }
        }
        if let Some(replicas) = status.replicas.as_ref().filter(|_| status.object.kind == Kind::NeuronService) {
            for (state, tasks) in
                [("desired", replicas.desired), ("running", replicas.running), ("pending", replicas.pending)]
            {
                self.set(Metric::ServiceTasks, &[name, state], f64::from(tasks));
            }
        }
        for run in status.job.iter().flat_map(|job| &job.runs).filter(|run| run.ended.is_none()) {
            self.raise(Metric::JobRuns, &[name, &word(&run.state)], 1.0);
        }
        for group in &status.groups {
            self.group(name, group);
        }
    }

    fn group(&self, pool: &str, group: &GroupStatus) {
        let kind = [pool, group.instance_type.as_str()];
        self.set(Metric::PoolInstancesDesired, &kind, f64::from(group.desired));
        self.set(Metric::PoolInstancesLimit, &kind, f64::from(group.max));
        let outdated = group.instances.iter().filter(|instance| instance.out_of_date).count();
        self.set(Metric::PoolInstancesOutOfDate, &kind, count(outdated));
        for instance in &group.instances {
            let zone = instance.zone.as_deref().unwrap_or("unknown");
            let place = [pool, group.instance_type.as_str(), zone];
            self.raise(Metric::PoolInstances, &[pool, &group.instance_type, zone, &instance.state], 1.0);
            self.raise(Metric::PoolDevices, &place, f64::from(group.chips));
            self.raise(Metric::PoolDevicesAllocated, &place, count(instance.devices.iter().flatten().count()));
        }
        if let Some(image) = &group.image {
            let (ami, agent) = (image.name.as_deref().unwrap_or_default(), image.agent_version.as_deref());
            let labels = [pool, &group.instance_type, &image.id, ami, agent.unwrap_or_default()];
            self.set(Metric::AmiInfo, &labels, 1.0);
            if let Some(created) = image.created {
                self.set(Metric::AmiAge, &kind, self.now.duration_since(created).as_secs_f64());
            }
        }
    }
}

/// What is waited for, in one PascalCase word.
fn reason(wait: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(wait).unwrap_or_default();
    let word = value.get("waitsFor").and_then(|word| word.as_str()).unwrap_or("unknown");
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// More of anything than fits into 32 bits is not worth telling apart.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
