//! What is different between two views of a target, as counts: conditions that changed, deployments and rollouts that
//! ended, shortages that began.
//!
//! `meter` asks at every publication and hands the answer to `families`. Counted from statuses only, so that a metric and
//! a status never tell different stories.

use std::collections::BTreeMap;

use axon_core::plan::{Wait, Waiting};
use axon_core::spec::{Kind, ObjectKey};
use axon_core::status::{Condition, ConditionType, Reason, Status, Truth};
use axon_core::step::{Action, Step};
use jiff::Timestamp;

use super::catalog::Metric;
use super::jobs;
use crate::view::View;

/// Something to count or to observe.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) metric: Metric,
    pub(super) labels: Vec<String>,
    pub(super) what: What,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    /// It happened once more.
    Happened,
    /// It lasted for so many seconds.
    Lasted(f64),
    /// It has grown by so much.
    Grew(f64),
}

/// What is remembered from view to view.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// When the deployment of a service began.
    deploying: BTreeMap<ObjectKey, Timestamp>,
    /// When attempts of a job began to wait for devices.
    queued: BTreeMap<ObjectKey, Timestamp>,
    /// The image of a pool whose rollout was counted last. An instance on its way out may be seen once more.
    rolled: BTreeMap<ObjectKey, String>,
    /// When a complete reading found an object Ready last.
    pub(super) ready: BTreeMap<ObjectKey, Timestamp>,
}

impl Changes {
    /// A step has succeeded: what is to be counted. A new service is deployed from then on.
    pub(super) fn stepped(&mut self, step: &Step, now: Timestamp) -> Vec<Found> {
        if matches!(step.action, Action::CreateService(_)) {
            self.deploying.entry(step.object.clone()).or_insert(now);
        }
        jobs::recorded(step)
    }

    /// What is to be counted.
    pub(super) fn between(&mut self, before: &View, after: &View, now: Timestamp) -> Vec<Found> {
        let mut found = Vec::new();
        for (key, status) in &after.statuses {
            let earlier = before.statuses.get(key);
            found.extend(shortages(earlier, status));
            found.extend(reported(key, before, after));
            found.extend(self.deployment(earlier, status, now));
            found.extend(self.queue(status, now));
            if let Some(earlier) = earlier {
                found.extend(transitions(earlier, status, now));
                let ended = rollout(key, (before, earlier), (after, status));
                found.extend(ended.filter(|_| self.is_another_image(status)));
            }
        }
        self.deploying.retain(|key, _| after.statuses.contains_key(key));
        self.queued.retain(|key, _| after.statuses.contains_key(key));
        self.rolled.retain(|key, _| after.statuses.contains_key(key));
        self.ready.retain(|key, _| after.statuses.contains_key(key));
        if let Some(swept) = after.last_sweep.filter(|_| after.sweep_errors.is_empty()) {
            for status in after.statuses.values().filter(|status| status.is_ready()) {
                self.ready.insert(status.object.clone(), swept);
            }
        }
        found
    }

    /// How long attempts of a job have waited for devices, once none waits any more.
    fn queue(&mut self, status: &Status, now: Timestamp) -> Option<Found> {
        if jobs::is_queued(status) {
            self.queued.entry(status.object.clone()).or_insert(now);
            return None;
        }
        let began = self.queued.remove(&status.object)?;
        let what = What::Lasted(now.duration_since(began).as_secs_f64());
        Some(Found { metric: Metric::JobQueueWait, labels: Vec::new(), what })
    }

    /// Whether the image in force is another one than when this was asked last.
    fn is_another_image(&mut self, status: &Status) -> bool {
        let image = status.groups.first().and_then(|group| group.image.as_ref());
        let Some(image) = image.map(|image| image.id.clone()) else { return true };
        self.rolled.insert(status.object.clone(), image.clone()).is_none_or(|before| before != image)
    }

    /// The end of a deployment, and how long it took if its beginning was seen.
    fn deployment(&mut self, before: Option<&Status>, after: &Status, now: Timestamp) -> Vec<Found> {
        let ready = after.condition(ConditionType::Ready);
        let Some(ready) = ready.filter(|_| after.object.kind == Kind::NeuronService) else { return Vec::new() };
        let news = reason(before, ConditionType::Ready) != Some(ready.reason);
        let result = match ready.reason {
            Reason::DeploymentInProgress => {
                self.deploying.entry(after.object.clone()).or_insert(now);
                return Vec::new();
            }
            Reason::Succeeded if self.deploying.contains_key(&after.object) => "succeeded",
            Reason::DeploymentFailed if news => "failed",
            Reason::DeploymentRolledBack if news => "rolled_back",
            _ => return Vec::new(),
        };
        let began = self.deploying.remove(&after.object);
        let ended = Found {
            metric: Metric::Deployments,
            labels: vec![after.object.name.to_string(), result.to_owned()],
            what: What::Happened,
        };
        let lasted = began.map(|began| Found {
            metric: Metric::DeploymentDuration,
            labels: vec![result.to_owned()],
            what: What::Lasted(now.duration_since(began).as_secs_f64()),
        });
        std::iter::once(ended).chain(lasted).collect()
    }
}

/// Conditions whose status is another one now.
fn transitions(before: &Status, after: &Status, now: Timestamp) -> Vec<Found> {
    let mut found = Vec::new();
    for was in &before.conditions {
        // A condition that is present only while true ends by its absence.
        let (status, until) = match after.condition(was.kind) {
            Some(is) => (Some(is.status), is.last_transition_time),
            None => (None, now),
        };
        if status != Some(was.status) {
            let lasted = until.duration_since(was.last_transition_time).as_secs_f64();
            found.push(Found {
                metric: Metric::StatusConditionTransition,
                labels: vec![after.object.kind.to_string(), word(&was.kind)],
                what: What::Lasted(lasted),
            });
        }
    }
    found
}

/// Drift that is only reported. What is taken back is counted with its step.
fn reported(key: &ObjectKey, before: &View, after: &View) -> Option<Found> {
    let is_reported =
        |waiting: &&Waiting| waiting.object == *key && matches!(waiting.on, Wait::Drift { .. } | Wait::Gone { .. });
    let new = after.waiting.iter().filter(is_reported).any(|waiting| !before.waiting.contains(waiting));
    new.then(|| Found { metric: Metric::DriftDetected, labels: vec![key.kind.to_string()], what: What::Happened })
}

/// Shortages that an object has now and did not have before, each reason once.
fn shortages(before: Option<&Status>, after: &Status) -> Vec<Found> {
    let lacks = |condition: &Condition| {
        condition.status == Truth::False
            && matches!(condition.reason, Reason::InsufficientCapacity | Reason::InsufficientDevices)
    };
    let of = |status: &Status| -> Vec<Reason> {
        let mut reasons: Vec<Reason> = status.conditions.iter().filter(|c| lacks(c)).map(|c| c.reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    };
    let earlier = before.map(of).unwrap_or_default();
    let new = of(after).into_iter().filter(|reason| !earlier.contains(reason));
    new.map(|reason| Found {
        metric: Metric::LaunchFailures,
        labels: vec![after.object.kind.to_string(), after.object.name.to_string(), word(&reason)],
        what: What::Happened,
    })
    .collect()
}

/// A rollout of an image ends when nothing is out of date any more, or when its image is put aside.
fn rollout(key: &ObjectKey, before: (&View, &Status), after: (&View, &Status)) -> Option<Found> {
    let aside = |view: &View| {
        view.waiting.iter().any(|waiting| waiting.object == *key && matches!(waiting.on, Wait::Quarantined { .. }))
    };
    let drifts = |status: &Status| status.condition(ConditionType::AmiDrift).is_some();
    let result = match (aside(before.0), aside(after.0)) {
        (false, true) => "failed",
        // Instances that go back to the image before are no success of the new one.
        (_, false) if drifts(before.1) && !drifts(after.1) => "succeeded",
        _ => return None,
    };
    Some(Found {
        metric: Metric::AmiRollouts,
        labels: vec![key.name.to_string(), result.to_owned()],
        what: What::Happened,
    })
}

fn reason(status: Option<&Status>, kind: ConditionType) -> Option<Reason> {
    status.and_then(|status| status.condition(kind)).map(|condition| condition.reason)
}

/// The word that users see: what serializing a unit variant gives.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "Unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axon_core::step::Resource;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn condition(kind: ConditionType, status: Truth, reason: Reason, since: i64) -> Condition {
        Condition { kind, status, reason, message: String::new(), last_transition_time: at(since) }
    }

    fn view(key: &ObjectKey, conditions: Vec<Condition>) -> View {
        let status = Status {
            object: key.clone(),
            observed_revision: "r".to_owned(),
            conditions,
            resources: Vec::new(),
            replicas: None,
            groups: Vec::new(),
            job: None,
        };
        View { statuses: [(key.clone(), status)].into(), files: Arc::default(), ..View::default() }
    }

    fn ready(key: &ObjectKey, reason: Reason, since: i64) -> View {
        let status = if reason == Reason::Succeeded { Truth::True } else { Truth::False };
        view(key, vec![condition(ConditionType::Ready, status, reason, since)])
    }

    fn service() -> ObjectKey {
        ObjectKey::service("llama".parse().unwrap())
    }

    fn pool() -> ObjectKey {
        ObjectKey::pool("chips".parse().unwrap())
    }

    /// What is counted of this metric over a story of views, one every ten seconds, as `labels` or `labels in n s`.
    fn counted(metric: Metric, story: &[View]) -> Vec<String> {
        let mut changes = Changes::default();
        let mut all = Vec::new();
        for (number, pair) in (1..).zip(story.windows(2)) {
            let found = changes.between(&pair[0], &pair[1], at(number * 10));
            all.extend(found.into_iter().filter(|found| found.metric == metric));
        }
        all.into_iter()
            .map(|found| match found.what {
                What::Happened => found.labels.join(" "),
                What::Lasted(seconds) => format!("{} in {seconds} s", found.labels.join(" ")),
                What::Grew(by) => format!("{} by {by}", found.labels.join(" ")),
            })
            .collect()
    }

    #[test]
    fn a_deployment_is_counted_once_with_its_end_and_its_length() {
        let key = service();
        let story = [
            ready(&key, Reason::Succeeded, 0),
            ready(&key, Reason::DeploymentInProgress, 10),
            ready(&key, Reason::TasksStarting, 10),
            ready(&key, Reason::Succeeded, 30),
            ready(&key, Reason::Succeeded, 30),
        ];
        assert_eq!(counted(Metric::Deployments, &story), ["llama succeeded"]);
        assert_eq!(counted(Metric::DeploymentDuration, &story), ["succeeded in 20 s"]);
        let story = [
            ready(&key, Reason::DeploymentInProgress, 10),
            ready(&key, Reason::DeploymentRolledBack, 10),
            ready(&key, Reason::DeploymentRolledBack, 10),
        ];
        assert_eq!(counted(Metric::Deployments, &story), ["llama rolled_back"]);
    }

    #[test]
    fn a_task_that_is_replaced_is_no_deployment() {
        let key = service();
        let story = [
            ready(&key, Reason::Succeeded, 0),
            ready(&key, Reason::TasksStarting, 10),
            ready(&key, Reason::Succeeded, 20),
        ];
        assert_eq!(counted(Metric::Deployments, &story), Vec::<String>::new());
    }

    #[test]
    fn a_condition_that_changes_or_goes_is_timed() {
        let key = service();
        let starting = vec![
            condition(ConditionType::Ready, Truth::False, Reason::TasksStarting, 0),
            condition(ConditionType::Reconciling, Truth::True, Reason::TasksStarting, 3),
        ];
        let story = [view(&key, starting), ready(&key, Reason::Succeeded, 8), ready(&key, Reason::Succeeded, 8)];
        let expected = ["NeuronService Ready in 8 s", "NeuronService Reconciling in 7 s"];
        assert_eq!(counted(Metric::StatusConditionTransition, &story), expected);
    }

    #[test]
    fn a_shortage_is_counted_when_it_begins() {
        let key = service();
        let story = [
            ready(&key, Reason::TasksStarting, 0),
            ready(&key, Reason::InsufficientCapacity, 0),
            ready(&key, Reason::InsufficientCapacity, 0),
            ready(&key, Reason::Succeeded, 20),
            ready(&key, Reason::InsufficientCapacity, 30),
        ];
        assert_eq!(counted(Metric::LaunchFailures, &story), ["NeuronService llama InsufficientCapacity"; 2]);
    }

    #[test]
    fn the_wait_for_devices_is_timed_from_its_beginning_to_its_end() {
        let key = ObjectKey::job("train".parse().unwrap());
        let story = [
            ready(&key, Reason::JobRunning, 0),
            ready(&key, Reason::InsufficientDevices, 5),
            ready(&key, Reason::InsufficientDevices, 5),
            ready(&key, Reason::JobRunning, 30),
            ready(&key, Reason::JobRunning, 30),
        ];
        assert_eq!(counted(Metric::JobQueueWait, &story), [" in 20 s"]);
        let service = [ready(&service(), Reason::InsufficientDevices, 0), ready(&service(), Reason::Succeeded, 9)];
        assert_eq!(counted(Metric::JobQueueWait, &service), Vec::<String>::new());
    }

    #[test]
    fn a_rollout_succeeds_when_nothing_is_out_of_date_and_fails_when_its_image_is_put_aside() {
        let key = pool();
        let drifting = view(&key, vec![condition(ConditionType::AmiDrift, Truth::True, Reason::OutOfDate, 0)]);
        let current = ready(&key, Reason::Succeeded, 0);
        let put_aside = |view: &View| {
            let what = "ami-1".to_owned();
            let on = Wait::Quarantined { what, template: "lt-1".to_owned(), kept: None };
            View { waiting: vec![Waiting { object: key.clone(), on }], ..view.clone() }
        };
        assert_eq!(counted(Metric::AmiRollouts, &[drifting.clone(), current.clone()]), ["chips succeeded"]);
        let story = [drifting.clone(), put_aside(&drifting), put_aside(&current)];
        assert_eq!(counted(Metric::AmiRollouts, &story), ["chips failed"], "going back is no success");
    }

    #[test]
    fn drift_that_is_only_reported_is_counted_when_it_is_found_and_when_it_becomes_another() {
        let key = service();
        let gone = |name: &str| {
            let on = Wait::Gone { resource: Resource::TaskDefinition(name.to_owned()) };
            let waiting = vec![Waiting { object: key.clone(), on }];
            View { waiting, ..ready(&key, Reason::Succeeded, 0) }
        };
        let story =
            [ready(&key, Reason::Succeeded, 0), gone("a"), gone("a"), gone("b"), ready(&key, Reason::Succeeded, 0)];
        assert_eq!(counted(Metric::DriftDetected, &story), ["NeuronService"; 2]);
    }

    #[test]
    fn only_a_complete_reading_confirms_that_an_object_is_ready() {
        let key = service();
        let mut changes = Changes::default();
        let seen = View { last_sweep: Some(at(5)), ..ready(&key, Reason::Succeeded, 0) };
        changes.between(&View::default(), &seen, at(6));
        assert_eq!(changes.ready.get(&key), Some(&at(5)));
        let starting = View { last_sweep: Some(at(8)), ..ready(&key, Reason::TasksStarting, 7) };
        changes.between(&seen, &starting, at(9));
        assert_eq!(changes.ready.get(&key), Some(&at(5)), "it stays as long as the object does");
        changes.between(&starting, &View::default(), at(10));
        assert_eq!(changes.ready.get(&key), None);
    }
}
