//! The history that people read: what happened to which object, in one word and one sentence.
//!
//! `controller` reports ended steps and changes of status; `view` shows the log. It is bounded, and the same thing said
//! again only counts up. Events are for people: nothing is decided by them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use axon_core::cloud::CloudError;
use axon_core::spec::ObjectKey;
use axon_core::status::{Condition, ConditionType, Reason, Status, Truth};
use axon_core::step::{Cause, Change, Step};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The most events that are kept.
pub(crate) const MOST_EVENTS: usize = 1_000;

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When it happened last.
    pub at: Timestamp,
    /// Which object.
    #[serde(serialize_with = "as_text")]
    pub object: ObjectKey,
    /// In one PascalCase word.
    pub reason: EventReason,
    /// In one sentence.
    pub message: String,
    /// How often the same was said.
    pub count: u32,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventReason {
    /// A resource was created.
    Created,
    /// A resource was changed because its specification did.
    Updated,
    /// A resource was changed back to what is declared.
    DriftCorrected,
    /// A resource was deleted.
    Deleted,
    /// AWS did not do what it was asked to.
    CallFailed,
    /// The object became as declared.
    Ready,
    /// Only a person can bring the object further.
    Stalled,
    /// A condition took on this reason.
    Because(Reason),
}

impl fmt::Display for EventReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(reason) => f.pad(&format!("{reason:?}")),
            own => f.pad(&format!("{own:?}")),
        }
    }
}

impl Serialize for EventReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn as_text<S: Serializer>(object: &ObjectKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(object)
}

/// What is said about an object, before it is filed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    object: ObjectKey,
    reason: EventReason,
    message: String,
}

/// Whether a changed resource had been as this very revision declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// It had, so something else changed it.
    AsDeclared,
    /// It had not, or nobody knows.
    Otherwise,
}

/// What there is to say about a step that ended.
pub(crate) fn of_step(step: &Step, result: Result<(), &CloudError>, before: Before) -> Said {
    let (operation, resource) = (step.action.operation(), &step.resource);
    let said = |reason, message| Said { object: step.object.clone(), reason, message };
    // Without the request id, which would make every failure a new event.
    if let Err(CloudError { code, message, .. }) = result {
        let message = format!("{operation} on {resource} answered {code}: {message}");
        return said(EventReason::CallFailed, message);
    }
    let fields: Vec<&str> = step.because.iter().filter_map(field).collect();
    match step.action.change() {
        Change::Create => said(EventReason::Created, format!("created {resource} ({operation})")),
        Change::Delete => said(EventReason::Deleted, format!("deleted {resource} ({operation})")),
        Change::Update if fields.is_empty() => said(EventReason::Updated, format!("changed {resource} ({operation})")),
        Change::Update => {
            let reason = match before {
                Before::AsDeclared => EventReason::DriftCorrected,
                Before::Otherwise => EventReason::Updated,
            };
            said(reason, format!("changed {} of {resource} ({operation})", fields.join(", ")))
        }
    }
}

fn field(cause: &Cause) -> Option<&str> {
    if let Cause::Field(change) = cause { Some(&change.path) } else { None }
}

/// What there is to say about how the statuses changed.
pub(crate) fn of_statuses(before: &BTreeMap<ObjectKey, Status>, after: &BTreeMap<ObjectKey, Status>) -> Vec<Said> {
    let pairs = after.iter().map(|(key, status)| (before.get(key), status));
    pairs.flat_map(|(before, after)| of_status(before, after)).collect()
}

fn of_status(before: Option<&Status>, after: &Status) -> Vec<Said> {
    let mut all = Vec::new();
    let mut say = |reason, message: String| all.push(Said { object: after.object.clone(), reason, message });
    let newly = |kind, of: fn(Reason) -> bool| {
        let now = after.condition(kind).filter(|now| now.status == Truth::True || kind == ConditionType::Ready)?;
        let was = before.and_then(|before| before.condition(kind)).map(|was| (was.status, was.reason));
        (of(now.reason) && was != Some((now.status, now.reason))).then_some(now)
    };
    // Being found as declared at the first look is no news.
    let was_not_ready =
        before.and_then(|before| before.condition(ConditionType::Ready)).is_some_and(|was| was.status == Truth::False);
    if after.is_ready() && was_not_ready {
        say(EventReason::Ready, "as declared".to_owned());
    }
    if let Some(stalled) = newly(ConditionType::Stalled, |_| true) {
        say(EventReason::Stalled, why_stalled(stalled));
    } else if let Some(ready) = newly(ConditionType::Ready, is_news) {
        say(EventReason::Because(ready.reason), ready.message.clone());
    }
    if let Some(drifted) = newly(ConditionType::Drifted, |_| true) {
        say(EventReason::Because(drifted.reason), drifted.message.clone());
    }
    all
}

/// A refused call is tried again and again, with other times in its message; the same event then only counts up.
fn why_stalled(stalled: &Condition) -> String {
    match stalled.reason {
        Reason::CallRefused => "CallRefused: AWS refuses a call; its event CallFailed says why".to_owned(),
        reason => format!("{reason:?}: {}", stalled.message),
    }
}

/// Whether a reason for not being ready is worth an event of its own. Ordinary progress is not, and failed calls and
/// stalls are told by themselves.
const fn is_news(reason: Reason) -> bool {
    match reason {
        Reason::InsufficientCapacity
        | Reason::TasksFailing
        | Reason::DeploymentFailed
        | Reason::DeploymentRolledBack
        | Reason::ImageUnusable
        | Reason::SubnetMissing
        | Reason::InsufficientDevices
        | Reason::PruneBlocked => true,
        Reason::Succeeded
        | Reason::Progressing
        | Reason::DependencyNotReady
        | Reason::NotObserved
        | Reason::InvalidSpec
        | Reason::NameConflict
        | Reason::CallRefused
        | Reason::CallFailed
        | Reason::TasksStarting
        | Reason::DeploymentInProgress
        | Reason::DriftDetected
        | Reason::Suspended
        | Reason::ReadOnly
        | Reason::RolloutInProgress
        | Reason::OneZone
        | Reason::OutOfDate
        | Reason::Pruning => false,
    }
}

/// The newest events, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(VecDeque<Event>);

impl Log {
    pub(crate) fn file(&mut self, said: Said, at: Timestamp) {
        let Said { object, reason, message } = said;
        let same = |event: &Event| event.object == object && event.reason == reason && event.message == message;
        let earlier = self.0.iter().rposition(same).and_then(|place| self.0.remove(place));
        let count = earlier.map_or(0, |event| event.count).saturating_add(1);
        if self.0.len() >= MOST_EVENTS {
            self.0.pop_front();
        }
        self.0.push_back(Event { at, object, reason, message, count });
    }

    pub(crate) fn to_vec(&self) -> Vec<Event> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Said {
        let object = ObjectKey::cluster("ml".parse().unwrap());
        Said { object, reason: EventReason::CallFailed, message: message.to_owned() }
    }

    #[test]
    fn the_same_thing_said_again_counts_up_and_moves_to_the_end() {
        let mut log = Log::default();
        for (at, message) in [(1, "a"), (2, "b"), (3, "a")] {
            log.file(said(message), Timestamp::from_second(at).unwrap());
        }
        let events = log.to_vec();
        let seen: Vec<_> = events.iter().map(|e| (e.message.as_str(), e.count, e.at.as_second())).collect();
        assert_eq!(seen, [("b", 1, 2), ("a", 2, 3)]);
    }

    #[test]
    fn the_log_forgets_the_oldest() {
        let mut log = Log::default();
        for number in 0..=MOST_EVENTS {
            log.file(said(&number.to_string()), Timestamp::UNIX_EPOCH);
        }
        let events = log.to_vec();
        assert_eq!((events.len(), events[0].message.as_str()), (MOST_EVENTS, "1"));
    }

    #[test]
    fn reasons_are_one_pascal_case_word() {
        let text = serde_json::to_string(&[EventReason::DriftCorrected, EventReason::Because(Reason::PruneBlocked)]);
        assert_eq!(text.unwrap(), r#"["DriftCorrected","PruneBlocked"]"#);
    }
}
