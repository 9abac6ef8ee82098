//! The history that people read: what happened to which object, in one word and one sentence.
//!
//! `controller` reports ended steps and changes of status; `view` shows the log. It is bounded, and the same thing said
//! again only counts up. Events are for people: nothing is decided by them.

mod job;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use axon_core::cloud::CloudError;
use axon_core::spec::ObjectKey;
use axon_core::status::{Condition, ConditionType, Reason, Status, Truth};
use axon_core::step::{Action, Cause, Change, Step};
use jiff::Timestamp;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{Error as _, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::job_record::written;
use crate::source::{SourceReason, SourceStatus};
use crate::subject::Subject;

/// The most events that are kept.
pub(crate) const MOST_EVENTS: usize = 1_000;

/// Something that happened to an object or a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When it happened last.
    pub at: Timestamp,
    /// To what.
    pub object: Subject,
    /// Whether somebody should look.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// In one PascalCase word.
    pub reason: EventReason,
    /// In one sentence.
    pub message: String,
    /// How often the same was said.
    pub count: u32,
    /// Source revision that was in force when it happened last.
    pub revision: String,
}

/// Whether an event asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventType {
    /// The operator does its work.
    Normal,
    /// Something does not work, or only a person can go on.
    Warning,
}

impl EventType {
    /// The word that users see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
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
    #[serde(skip)]
    Because(Reason),
    /// A run of a job has begun.
    RunBegun,
    /// Every index of a run has succeeded.
    RunCompleted,
    /// A run has ended without success.
    RunFailed,
    /// A run has ended because it was cancelled or left for a newer one.
    RunEnded,
    /// An attempt of a job has failed.
    AttemptFailed,
    /// A source became ready.
    SourceReady,
    /// A source is not ready for this reason.
    #[serde(skip)]
    Source(SourceReason),
}

impl EventReason {
    /// Whether it asks for attention.
    pub const fn kind(self) -> EventType {
        match self {
            Self::Created
            | Self::Updated
            | Self::DriftCorrected
            | Self::Deleted
            | Self::Ready
            | Self::RunBegun
            | Self::RunCompleted
            | Self::RunEnded
            | Self::SourceReady
            | Self::Because(Reason::Succeeded | Reason::DriftDetected | Reason::OutOfDate) => EventType::Normal,
            Self::CallFailed
            | Self::Stalled
            | Self::RunFailed
            | Self::AttemptFailed
            | Self::Because(_)
            | Self::Source(_) => EventType::Warning,
        }
    }
}

impl<'de> Deserialize<'de> for EventReason {
    /// One of our own words, or else the reason of a condition, or else that of a source.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let read = || -> StrDeserializer<'_, WordError> { word.as_str().into_deserializer() };
        Self::deserialize(read())
            .or_else(|_| Reason::deserialize(read()).map(Self::Because))
            .or_else(|_| SourceReason::deserialize(read()).map(Self::Source))
            .map_err(D::Error::custom)
    }
}

impl fmt::Display for EventReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(reason) => f.pad(&format!("{reason:?}")),
            Self::Source(reason) => f.pad(&format!("{reason:?}")),
            own => f.pad(&format!("{own:?}")),
        }
    }
}

impl Serialize for EventReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is said about an object, before it is filed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    object: Subject,
    pub(crate) reason: EventReason,
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

/// What there is to say about a step that ended. Records of jobs that a later event speaks of are not told, nor that old ones
/// were removed.
pub(crate) fn of_step(step: &Step, result: Result<(), &CloudError>, before: Before) -> Option<Said> {
    let (operation, resource) = (step.action.operation(), &step.resource);
    let said = |reason, message| Said { object: Subject::Object(step.object.clone()), reason, message };
    // Without the request id, which would make every failure a new event.
    if let Err(CloudError { code, message, .. }) = result {
        let message = format!("{operation} on {resource} answered {code}: {message}");
        return Some(said(EventReason::CallFailed, message));
    }
    if let Some(record) = written(step) {
        return job::of_record(&record).map(|(reason, message)| said(reason, message));
    }
    if matches!(step.action, Action::DeleteParameters { .. }) {
        return None;
    }
    Some(done(step, before, said))
}

fn done(step: &Step, before: Before, said: impl Fn(EventReason, String) -> Said) -> Said {
    let (operation, resource) = (step.action.operation(), &step.resource);
    let fields: Vec<&str> = step.because.iter().filter_map(field).collect();
    match step.action.change() {
        Change::Create => said(EventReason::Created, format!("created {resource} ({operation})")),
        Change::Delete => said(EventReason::Deleted, format!("deleted {resource} ({operation})")),
        Change::Update if fields.is_empty() => said(EventReason::Updated, format!("changed {resource} ({operation})")),
        Change::Update => {
            let drifted = corrects_drift(step, before);
            let reason = if drifted { EventReason::DriftCorrected } else { EventReason::Updated };
            said(reason, format!("changed {} of {resource} ({operation})", fields.join(", ")))
        }
    }
}

/// Whether a step takes back what somebody else has changed.
pub(crate) fn corrects_drift(step: &Step, before: Before) -> bool {
    let names_fields = step.because.iter().any(|cause| field(cause).is_some());
    before == Before::AsDeclared && step.action.change() == Change::Update && names_fields
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
    let subject = || Subject::Object(after.object.clone());
    let mut say = |reason, message: String| all.push(Said { object: subject(), reason, message });
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
    for message in job::begun(before, after) {
        say(EventReason::RunBegun, message);
    }
    if let Some(stalled) = newly(ConditionType::Stalled, |_| true) {
        if stalled.reason == Reason::PruneBlocked {
            say(EventReason::Because(stalled.reason), stalled.message.clone());
        } else {
            say(EventReason::Stalled, why_stalled(stalled));
        }
    } else if let Some(ready) = newly(ConditionType::Ready, is_news) {
        say(EventReason::Because(ready.reason), ready.message.clone());
    }
    let drift = |status: &Status| status.condition(ConditionType::Drifted).cloned();
    let earlier = before.and_then(drift).map(|drifted| drifted.message);
    // Where nothing is being brought back, another field that drifts is news, too.
    let is_news =
        |drifted: &Condition| earlier.is_none() || (after.is_ready() && earlier.as_ref() != Some(&drifted.message));
    if let Some(drifted) = drift(after).filter(is_news) {
        say(EventReason::Because(drifted.reason), drifted.message);
    }
    all
}

/// What there is to say about how the sources changed. Being good at the first look is no news.
pub(crate) fn of_sources(before: &[SourceStatus], after: &[SourceStatus]) -> Vec<Said> {
    let news = |now: &SourceStatus| {
        let was = before.iter().find(|was| was.name == now.name).map(|was| &was.condition);
        let (reason, message) = match now.condition.status {
            Truth::Unknown => return None,
            Truth::True => {
                was.filter(|was| was.status == Truth::False)?;
                (EventReason::SourceReady, "what is in force is what the source has".to_owned())
            }
            Truth::False => {
                let known = was.is_some_and(|was| was.status == Truth::False && was.reason == now.condition.reason);
                if known {
                    return None;
                }
                (EventReason::Source(now.condition.reason), now.condition.message.clone())
            }
        };
        Some(Said { object: Subject::Source(now.name.clone()), reason, message })
    };
    after.iter().filter_map(news).collect()
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
        | Reason::JobRetrying
        | Reason::OutcomeUnknown
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
        | Reason::JobRunning
        | Reason::Preempted
        | Reason::JobFailed
        | Reason::Pruning => false,
    }
}

/// The newest events, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(VecDeque<Event>);

impl Log {
    /// Continues what an earlier process said.
    pub(crate) fn after(earlier: Vec<Event>) -> Self {
        Self(earlier.into())
    }

    /// Files what is said, and gives back how it stands in the log.
    pub(crate) fn file(&mut self, said: Said, at: Timestamp, revision: &str) -> Event {
        let Said { object, reason, message } = said;
        let same = |event: &Event| event.object == object && event.reason == reason && event.message == message;
        let earlier = self.0.iter().rposition(same).and_then(|place| self.0.remove(place));
        let count = earlier.map_or(0, |event| event.count).saturating_add(1);
        if self.0.len() >= MOST_EVENTS {
            self.0.pop_front();
        }
        let revision = revision.to_owned();
        let event = Event { at, object, kind: reason.kind(), reason, message, count, revision };
        self.0.push_back(event.clone());
        event
    }

    pub(crate) fn to_vec(&self) -> Vec<Event> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Said {
        let object = Subject::Object(ObjectKey::cluster("ml".parse().unwrap()));
        Said { object, reason: EventReason::CallFailed, message: message.to_owned() }
    }

    #[test]
    fn the_same_thing_said_again_counts_up_and_moves_to_the_end() {
        let mut log = Log::default();
        for (at, message) in [(1, "a"), (2, "b"), (3, "a")] {
            log.file(said(message), Timestamp::from_second(at).unwrap(), "r");
        }
        let events = log.to_vec();
        let seen: Vec<_> = events.iter().map(|e| (e.message.as_str(), e.count, e.at.as_second())).collect();
        assert_eq!(seen, [("b", 1, 2), ("a", 2, 3)]);
    }

    #[test]
    fn the_log_forgets_the_oldest() {
        let mut log = Log::default();
        for number in 0..=MOST_EVENTS {
            log.file(said(&number.to_string()), Timestamp::UNIX_EPOCH, "r");
        }
        let events = log.to_vec();
        assert_eq!((events.len(), events[0].message.as_str()), (MOST_EVENTS, "1"));
    }

    #[test]
    fn reasons_are_one_pascal_case_word() {
        let text = serde_json::to_string(&[EventReason::DriftCorrected, EventReason::Because(Reason::PruneBlocked)]);
        assert_eq!(text.unwrap(), r#"["DriftCorrected","PruneBlocked"]"#);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let reasons = [EventReason::CallFailed, EventReason::Ready, EventReason::Because(Reason::PruneBlocked)];
        for reason in reasons {
            let said = Said { reason, ..said("a") };
            let event = Log::default().file(said, Timestamp::UNIX_EPOCH, "main@sha1:0a");
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
        assert!(serde_json::from_str::<EventReason>(r#""Because""#).is_err());
        assert!(serde_json::from_str::<EventReason>(r#""Tomorrow""#).is_err());
    }

    #[test]
    fn failures_ask_for_attention_and_work_does_not() {
        assert_eq!(EventReason::CallFailed.kind(), EventType::Warning);
        assert_eq!(EventReason::Because(Reason::InsufficientCapacity).kind(), EventType::Warning);
        assert_eq!(EventReason::DriftCorrected.kind(), EventType::Normal);
    }
}
