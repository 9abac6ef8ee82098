//! What a step has put on record about a job, for whoever tells or counts it.
//!
//! Read by `events` and `metrics`; the records themselves are `axon_core::job`'s. An attempt and a run end exactly once on record,
//! whatever a status shows of them. Nothing is decided here.

use axon_core::job::{AttemptEnd, AttemptId, RecordName, RunEnd, RunId};
use axon_core::step::{Action, Step};

/// A record that was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Written {
    /// An attempt is about to be started.
    Intent(AttemptId),
    /// An attempt of a run is over.
    Result(RunId, AttemptId, AttemptEnd),
    /// A run is over.
    End(RunId, RunEnd),
    /// Where the nodes of an attempt are, or how one of them has ended: their attempt tells of it when it is over.
    Node,
    /// A run was asked for, or is to be stopped, or a schedule holds from now on.
    Asked,
}

/// The record that a step writes, if it writes one.
pub(crate) fn written(step: &Step) -> Option<Written> {
    let Action::PutParameter { name, value } = &step.action else { return None };
    // Below `/axon/<installation>/jobs`, and no installation has a slash in its id.
    let (end, _) = name.match_indices('/').nth(3)?;
    Some(match RecordName::parse(name.get(..end)?, name)? {
        RecordName::Intent(_, _, attempt) => Written::Intent(attempt),
        RecordName::Result(_, run, attempt) => Written::Result(run, attempt, serde_json::from_str(value).ok()?),
        RecordName::End(_, run) => Written::End(run, serde_json::from_str(value).ok()?),
        RecordName::Nodes(..) | RecordName::NodeResult(..) => Written::Node,
        RecordName::Since(_) | RecordName::Begin(..) | RecordName::Cancel(..) => Written::Asked,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use axon_core::job::record::{root, write};
    use axon_core::job::{Begin, RunResult, Verdict};
    use axon_core::spec::{Failure, Name, ObjectKey};
    use axon_core::step::{Cause, Resource};
    use jiff::Timestamp;

    use super::*;

    pub(crate) fn train() -> Name {
        "train".parse().unwrap()
    }

    pub(crate) fn run() -> RunId {
        RunId::new("3f2a").unwrap()
    }

    /// A step that writes a record.
    pub(crate) fn putting(name: &RecordName, value: &impl serde::Serialize) -> Step {
        let name = name.parameter(&root(&"prod".parse().unwrap()));
        Step {
            object: ObjectKey::job(train()),
            resource: Resource::Parameter(name.clone()),
            action: Action::PutParameter { name, value: write(value).unwrap() },
            because: vec![Cause::Missing],
        }
    }

    pub(crate) fn intent(number: u32) -> Step {
        putting(&RecordName::Intent(train(), run(), AttemptId { index: 3, number }), &"whatever")
    }

    pub(crate) fn result(verdict: Verdict, failure: Option<Failure>) -> Step {
        let end = AttemptEnd { failure, ..AttemptEnd::without_task(verdict, "lost", Timestamp::UNIX_EPOCH) };
        putting(&RecordName::Result(train(), run(), AttemptId { index: 3, number: 0 }), &end)
    }

    pub(crate) fn end(result: RunResult) -> Step {
        let at = Timestamp::UNIX_EPOCH;
        let end = RunEnd {
            work: run(),
            result,
            at: at + jiff::SignedDuration::from_secs(90),
            started: Some(at),
            succeeded: 1,
            failed: BTreeSet::new(),
            unknown: BTreeSet::new(),
            open: 0,
            attempts: 2,
            device_seconds: 360,
            message: "is over".to_owned(),
            ttl: 60,
        };
        putting(&RecordName::End(train(), run()), &end)
    }

    #[test]
    fn records_are_told_apart_by_their_names() {
        assert_eq!(written(&intent(1)), Some(Written::Intent(AttemptId { index: 3, number: 1 })));
        assert!(
            matches!(written(&result(Verdict::Failed, None)), Some(Written::Result(_, _, end)) if end.reason == "lost")
        );
        assert!(matches!(written(&end(RunResult::Complete)), Some(Written::End(_, end)) if end.attempts == 2));
        let begin = putting(&RecordName::Begin(train(), run()), &Begin::default());
        assert_eq!(written(&begin), Some(Written::Asked));
        let mut other = begin;
        other.action = Action::PutParameter { name: "/somebody/else".to_owned(), value: "{}".to_owned() };
        assert_eq!(written(&other), None);
    }
}
