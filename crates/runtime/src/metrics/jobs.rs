//! What is counted of jobs: what steps put on record, and the queue.
//!
//! Part of `changes`. Ends of attempts and runs are counted by their records, which are written once; a status shows only some
//! of the attempts.

use std::time::Duration;

use axon_core::job::{AttemptEnd, RunEnd, Verdict};
use axon_core::spec::Kind;
use axon_core::status::{Reason, Status, Truth};
use axon_core::step::Step;

use super::catalog::Metric;
use super::changes::{Found, What, word};
use crate::job_record::{Written, written};

/// What a step that has succeeded says about a job.
pub(super) fn recorded(step: &Step) -> Vec<Found> {
    let name = step.object.name.to_string();
    match written(step) {
        Some(Written::Intent(attempt)) if attempt.number > 0 => {
            vec![Found { metric: Metric::JobRetries, labels: vec![name], what: What::Happened }]
        }
        Some(Written::Result(_, _, end)) => vec![attempt(name, &end)],
        Some(Written::End(_, end)) => run(name, &end),
        Some(Written::Intent(_) | Written::Node | Written::Asked) | None => Vec::new(),
    }
}

fn attempt(name: String, end: &AttemptEnd) -> Found {
    let outcome = match end.verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::Failed => "failed",
        Verdict::Cancelled => "cancelled",
        Verdict::Unknown => "unknown",
    };
    let failure = end.failure.as_ref().map(word).unwrap_or_default();
    Found { metric: Metric::JobAttempts, labels: vec![name, outcome.to_owned(), failure], what: What::Happened }
}

fn run(name: String, end: &RunEnd) -> Vec<Found> {
    let lasted = end.started.map(|started| Found {
        metric: Metric::JobRunDuration,
        labels: vec![word(&end.result)],
        what: What::Lasted(end.at.duration_since(started).as_secs_f64()),
    });
    let held = Found {
        metric: Metric::JobDeviceSeconds,
        labels: vec![name],
        what: What::Grew(Duration::from_secs(end.device_seconds).as_secs_f64()),
    };
    lasted.into_iter().chain([held]).collect()
}

/// Whether attempts of a job wait for devices.
pub(super) fn is_queued(status: &Status) -> bool {
    let lacks = status
        .conditions
        .iter()
        .any(|condition| condition.status == Truth::False && condition.reason == Reason::InsufficientDevices);
    status.object.kind == Kind::NeuronJob && lacks
}

#[cfg(test)]
mod tests {
    use axon_core::job::RunResult;
    use axon_core::spec::Failure;

    use super::*;
    use crate::job_record::tests::{end, intent, result};

    fn counted(step: &Step) -> Vec<String> {
        let found = recorded(step).into_iter().map(|found| match found.what {
            What::Happened => format!("{:?} {}", found.metric, found.labels.join(" ")),
            What::Lasted(by) | What::Grew(by) => format!("{:?} {} {by}", found.metric, found.labels.join(" ")),
        });
        found.collect()
    }

    #[test]
    fn attempts_are_counted_by_their_outcome_and_retries_when_they_are_intended() {
        assert_eq!(counted(&intent(0)), Vec::<String>::new());
        assert_eq!(counted(&intent(2)), ["JobRetries train"]);
        let spot = result(Verdict::Failed, Some(Failure::SpotInterrupted));
        assert_eq!(counted(&spot), ["JobAttempts train failed SpotInterrupted"]);
        assert_eq!(counted(&result(Verdict::Succeeded, None)), ["JobAttempts train succeeded "]);
    }

    #[test]
    fn a_run_is_timed_from_its_first_attempt_and_says_what_it_has_held() {
        let expected = ["JobRunDuration DeadlineExceeded 90", "JobDeviceSeconds train 360"];
        assert_eq!(counted(&end(RunResult::DeadlineExceeded)), expected);
    }
}
