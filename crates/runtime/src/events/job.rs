//! What there is to say about jobs: runs that begin and end, attempts that fail or of which nobody knows.
//!
//! Part of `events`. Ends are told when they are put on record, once each; beginnings by the statuses.

use axon_core::job::progress::in_words;
use axon_core::job::{RunResult, Verdict};
use axon_core::status::{ConditionType, Reason, RunStatus, Status, Truth};

use super::EventReason;
use crate::job_record::Written;

/// What there is to say about a record. Of attempts that go well nothing: their run says so at its end.
pub(super) fn of_record(record: &Written) -> Option<(EventReason, String)> {
    match record {
        Written::Intent(_) | Written::Node | Written::Asked => None,
        Written::Result(run, attempt, end) => {
            let reason = match end.verdict {
                Verdict::Succeeded | Verdict::Cancelled => return None,
                Verdict::Failed => EventReason::AttemptFailed,
                Verdict::Unknown => EventReason::Because(Reason::OutcomeUnknown),
            };
            Some((reason, format!("attempt {attempt} of run {run} {}", in_words(end))))
        }
        Written::End(run, end) => {
            let reason = match end.result {
                RunResult::Complete => EventReason::RunCompleted,
                RunResult::Failed | RunResult::DeadlineExceeded => EventReason::RunFailed,
                RunResult::Unknown => EventReason::Because(Reason::OutcomeUnknown),
                RunResult::Cancelled | RunResult::Superseded => EventReason::RunEnded,
            };
            Some((reason, format!("run {run} {}", end.message)))
        }
    }
}

/// Runs that have begun. What runs at the first look is no news.
pub(super) fn begun(before: Option<&Status>, after: &Status) -> Vec<String> {
    let was_read =
        |status: &&Status| status.condition(ConditionType::Ready).is_some_and(|ready| ready.status != Truth::Unknown);
    let Some(before) = before.filter(was_read) else { return Vec::new() };
    let has_begun = |run: &&RunStatus| !run.attempts.is_empty();
    let known = |run: &&RunStatus| {
        let earlier = before.job.iter().flat_map(|job| &job.runs).find(|earlier| earlier.run == run.run);
        earlier.as_ref().is_some_and(has_begun)
    };
    let runs = after.job.iter().flat_map(|job| &job.runs).filter(|run| run.ended.is_none());
    let new = runs.filter(|run| has_begun(run) && !known(run));
    new.map(|run| format!("run {} has begun: {} indexes", run.run, run.completions)).collect()
}

#[cfg(test)]
mod tests {
    use axon_core::spec::{Failure, ObjectKey};
    use axon_core::status::{AttemptStatus, Condition, JobStatus, RunState};
    use jiff::Timestamp;

    use super::super::{Before, of_status, of_step};
    use super::*;
    use crate::job_record::tests::{end, intent, result, train};

    fn told(step: &axon_core::step::Step) -> Option<String> {
        of_step(step, Ok(()), Before::Otherwise).map(|said| format!("{}: {}", said.reason, said.message))
    }

    #[test]
    fn failures_and_ends_are_told_and_ordinary_records_are_not() {
        let lost = result(Verdict::Failed, Some(Failure::InstanceLost));
        assert_eq!(told(&lost).unwrap(), "AttemptFailed: attempt 3.0 of run 3f2a failed: InstanceLost (lost)");
        let unknown = result(Verdict::Unknown, None);
        assert!(told(&unknown).unwrap().starts_with("OutcomeUnknown: attempt 3.0 of run 3f2a ended nobody knows how"));
        assert_eq!(told(&intent(0)), None);
        assert_eq!(told(&result(Verdict::Succeeded, None)), None);
        let reasons = [RunResult::Complete, RunResult::DeadlineExceeded, RunResult::Unknown, RunResult::Cancelled]
            .map(|result| told(&end(result)).unwrap());
        assert_eq!(
            reasons,
            ["RunCompleted", "RunFailed", "OutcomeUnknown", "RunEnded"].map(|word| format!("{word}: run 3f2a is over"))
        );
    }

    fn status(ready: Truth, attempts: usize) -> Status {
        let attempt = AttemptStatus {
            attempt: "0.0".to_owned(),
            state: "RUNNING".to_owned(),
            task: None,
            instance: None,
            instance_type: None,
            devices: None,
            exit_code: None,
            failure: None,
            reason: None,
            nodes: Vec::new(),
            started: None,
            ended: None,
        };
        let run = RunStatus {
            run: "3f2a".to_owned(),
            state: RunState::Running,
            started: None,
            ended: None,
            completions: 2,
            succeeded: 0,
            active: 1,
            failed: 0,
            unknown: 0,
            message: String::new(),
            attempts: vec![attempt; attempts],
        };
        let ready = Condition {
            kind: ConditionType::Ready,
            status: ready,
            reason: Reason::JobRunning,
            message: String::new(),
            last_transition_time: Timestamp::UNIX_EPOCH,
        };
        Status {
            object: ObjectKey::job(train()),
            observed_revision: "r".to_owned(),
            conditions: vec![ready],
            resources: Vec::new(),
            replicas: None,
            groups: Vec::new(),
            job: Some(JobStatus { runs: vec![run], next_run: None }),
        }
    }

    #[test]
    fn a_run_is_told_when_its_first_attempt_shows_and_not_at_the_first_look() {
        let story = |before: Option<Status>, after: Status| {
            let said = of_status(before.as_ref(), &after);
            said.into_iter()
                .filter(|said| said.reason == EventReason::RunBegun)
                .map(|said| said.message)
                .collect::<Vec<_>>()
        };
        let running = || status(Truth::False, 1);
        assert_eq!(story(Some(status(Truth::False, 0)), running()), ["run 3f2a has begun: 2 indexes"]);
        assert_eq!(story(Some(running()), running()), Vec::<String>::new());
        assert_eq!(story(None, running()), Vec::<String>::new());
        assert_eq!(story(Some(status(Truth::Unknown, 0)), running()), Vec::<String>::new());
    }
}
