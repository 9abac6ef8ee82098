//! Runs of jobs and their attempts for people. Neighbours: `status` has them from an operator, `commands/job` from records.
//! Not here: what becomes of them.

use axon_core::neuron::DeviceSet;
use axon_core::status::{AttemptStatus, JobStatus, NodeStatus, RunState, RunStatus};
use jiff::Timestamp;

use super::time::{age, lasting};
use super::words::{NOTHING, one_line, word};
use crate::output::table::table;

/// The run that a row of a job speaks of: the newest that is not over, or else the newest of all.
fn foremost(job: &JobStatus) -> Option<&RunStatus> {
    job.runs.iter().find(|run| run.ended.is_none()).or_else(|| job.runs.first())
}

/// Indexes that have succeeded, of all: `2/40`.
pub(crate) fn done(job: &JobStatus) -> String {
    foremost(job).map_or(NOTHING.to_owned(), |run| format!("{}/{}", run.succeeded, run.completions))
}

/// How many Neuron devices attempts hold, where Axon chooses them.
pub(crate) fn devices(job: &JobStatus) -> usize {
    let attempts = job.runs.iter().flat_map(|run| &run.attempts).filter(|attempt| is_open(attempt));
    let sets = attempts.filter_map(|attempt| {
        let each = attempt.devices.as_deref()?.parse::<DeviceSet>().ok()?;
        Some(each.len() * attempt.nodes.len().max(1))
    });
    sets.sum()
}

/// Whether an attempt is not over: a task that has stopped gets its end with the next step.
fn is_open(attempt: &AttemptStatus) -> bool {
    attempt.ended.is_none()
}

/// The runs, as they are in the status.
pub(crate) fn runs(job: &JobStatus, now: Timestamp, columns: Option<u16>) -> String {
    let rows = job.runs.iter().map(|run| {
        vec![
            run.run.clone(),
            state(run.state),
            format!("{}/{}", run.succeeded, run.completions),
            run.active.to_string(),
            run.failed.to_string(),
            run.unknown.to_string(),
            since(run.started, now),
            took(run.started, run.ended, now),
            one_line(&run.message),
        ]
    });
    let heading = ["RUN", "STATE", "DONE", "ACTIVE", "FAILED", "UNKNOWN", "STARTED", "TOOK", "MESSAGE"];
    table(&heading, rows.collect(), columns)
}

/// Attempts of a run, and below each its nodes, if it has several.
pub(crate) fn attempts(attempts: &[AttemptStatus], now: Timestamp, columns: Option<u16>) -> String {
    let rows = attempts.iter().flat_map(|attempt| {
        let of_nodes = attempt.nodes.iter().map(|found| node(attempt, found));
        std::iter::once(row(attempt, now)).chain(of_nodes)
    });
    let heading = ["ATTEMPT", "STATE", "INSTANCE", "TYPE", "DEVICES", "EXIT", "FAILURE", "STARTED", "TOOK", "REASON"];
    table(&heading, rows.collect(), columns)
}

fn or_nothing(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| NOTHING.to_owned())
}

fn code(code: Option<i32>) -> String {
    code.map_or(NOTHING.to_owned(), |code| code.to_string())
}

fn row(attempt: &AttemptStatus, now: Timestamp) -> Vec<String> {
    vec![
        attempt.attempt.clone(),
        attempt.state.clone(),
        or_nothing(attempt.instance.as_ref()),
        or_nothing(attempt.instance_type.as_ref()),
        or_nothing(attempt.devices.as_ref()),
        code(attempt.exit_code),
        attempt.failure.map_or(NOTHING.to_owned(), |failure| word(&failure)),
        since(attempt.started, now),
        took(attempt.started, attempt.ended, now),
        attempt.reason.as_deref().map(one_line).unwrap_or_default(),
    ]
}

fn node(attempt: &AttemptStatus, node: &NodeStatus) -> Vec<String> {
    let nothing = || NOTHING.to_owned();
    vec![
        format!("{}.{}", attempt.attempt, node.rank),
        node.state.clone(),
        or_nothing(node.instance.as_ref()),
        or_nothing(attempt.instance_type.as_ref()),
        or_nothing(attempt.devices.as_ref()),
        code(node.exit_code),
        nothing(),
        nothing(),
        nothing(),
        node.reason.as_deref().map(one_line).unwrap_or_default(),
    ]
}

/// A state as it is written everywhere.
pub(crate) fn state(state: RunState) -> String {
    word(&state)
}

/// How long ago something began.
pub(crate) fn since(began: Option<Timestamp>, now: Timestamp) -> String {
    began.map_or(NOTHING.to_owned(), |began| format!("{} ago", age(now, began)))
}

/// How long something took, or has taken by now.
pub(crate) fn took(began: Option<Timestamp>, ended: Option<Timestamp>, now: Timestamp) -> String {
    began.map_or(NOTHING.to_owned(), |began| lasting(ended.unwrap_or(now).duration_since(began)))
}

#[cfg(test)]
pub(crate) mod tests {
    use axon_core::spec::{Failure, ObjectKey};
    use axon_core::status::{Condition, ConditionType, Reason, Status, Truth};

    use super::super::status::tests::{START, later, starting};
    use super::super::status::{object, overview};
    use super::*;

    fn attempt(id: &str, state: &str) -> AttemptStatus {
        AttemptStatus {
            attempt: id.to_owned(),
            state: state.to_owned(),
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
        }
    }

    fn run(name: &str, state: RunState, succeeded: u32) -> RunStatus {
        RunStatus {
            run: name.to_owned(),
            state,
            started: Some(START),
            ended: None,
            completions: 40,
            succeeded,
            active: 0,
            failed: 0,
            unknown: 0,
            message: String::new(),
            attempts: Vec::new(),
        }
    }

    #[test]
    fn the_nodes_of_an_attempt_stand_below_it_and_all_their_devices_count() {
        let node = |rank: u32, state: &str| NodeStatus {
            rank,
            state: state.to_owned(),
            task: None,
            instance: Some(format!("i-{rank}")),
            exit_code: None,
            reason: None,
        };
        let nodes = vec![node(0, "RUNNING"), node(1, "PENDING")];
        let devices = Some("0-15".to_owned());
        let attempt = AttemptStatus { nodes, devices, ..attempt("0.1", "Starting") };
        let text = attempts(std::slice::from_ref(&attempt), START, None);
        let starts: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split_whitespace().take(3).collect()).collect();
        assert_eq!(starts, [["0.1", "Starting", "-"], ["0.1.0", "RUNNING", "i-0"], ["0.1.1", "PENDING", "i-1"]]);
        let runs = vec![RunStatus { attempts: vec![attempt], ..run("3f2a", RunState::Running, 0) }];
        assert_eq!(super::devices(&JobStatus { runs, next_run: None }), 32);
    }

    /// A job of which one attempt has failed and is tried again, after a run that was cancelled.
    pub(crate) fn retrying() -> Status {
        let failed = AttemptStatus {
            exit_code: Some(137),
            failure: Some(Failure::OutOfMemory),
            reason: Some("OutOfMemoryError: container killed\ndue to memory usage".to_owned()),
            started: Some(START),
            ended: Some(later(30)),
            devices: Some("0-3".to_owned()),
            ..attempt("3.0", "Failed")
        };
        let runs = AttemptStatus {
            instance: Some("i-0a".to_owned()),
            instance_type: Some("inf2.48xlarge".to_owned()),
            devices: Some("4-7".to_owned()),
            started: Some(later(40)),
            ..attempt("3.1", "RUNNING")
        };
        let current = RunStatus { active: 1, attempts: vec![failed, runs], ..run("3f2a", RunState::Running, 2) };
        let message = "was cancelled".to_owned();
        let before = RunStatus { ended: Some(later(20)), message, ..run("1b00", RunState::Cancelled, 7) };
        let ready = Condition {
            kind: ConditionType::Ready,
            status: Truth::False,
            reason: Reason::JobRunning,
            message: "run 3f2a: 2 of 40 indexes are done".to_owned(),
            last_transition_time: START,
        };
        Status {
            object: ObjectKey::job("train".parse().unwrap()),
            conditions: vec![ready],
            resources: Vec::new(),
            replicas: None,
            job: Some(JobStatus { runs: vec![current, before], next_run: Some(later(3_600)) }),
            ..starting()
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_row_of_a_job_says_how_many_indexes_are_done_and_only_then_is_there_such_a_column() {
        let expected = "\
KIND           NAME   READY  REASON         REPLICAS  DONE  DEVICES  AGE    MESSAGE
NeuronService  llama  False  TasksStarting  1/2       -     1        1m35s  1 of 2 tasks run the newest revision
NeuronJob      train  False  JobRunning     -         2/40  4        1m35s  run 3f2a: 2 of 40 indexes are done
";
        assert_eq!(plain(&overview([&starting(), &retrying()], later(95), None)), expected);
    }

    #[test]
    fn a_job_is_shown_down_to_the_attempts_of_its_runs() {
        let expected = "\
NeuronJob/train
Revision  dir@sha256:0a1b2c3d4e5f
Next run  1970-01-01T01:00:00Z

Conditions
  TYPE   STATUS  REASON      AGE    MESSAGE
  Ready  False   JobRunning  1m35s  run 3f2a: 2 of 40 indexes are done

Runs
  RUN   STATE      DONE  ACTIVE  FAILED  UNKNOWN  STARTED    TOOK   MESSAGE
  3f2a  Running    2/40  1       0       0        1m35s ago  1m35s
  1b00  Cancelled  7/40  0       0       0        1m35s ago  20s    was cancelled

Attempts of run 3f2a
  ATTEMPT  STATE    INSTANCE  TYPE           DEVICES  EXIT  FAILURE      STARTED    TOOK  REASON
  3.0      Failed   -         -              0-3      137   OutOfMemory  1m35s ago  30s   OutOfMemoryError: container killed due to memory usage
  3.1      RUNNING  i-0a      inf2.48xlarge  4-7      -     -            55s ago    55s
";
        assert_eq!(plain(&object(&retrying(), &[], later(95), None)), expected);
    }

    #[test]
    fn a_job_that_is_over_shows_its_newest_run() {
        let first = RunStatus { ended: Some(later(9)), ..run("b", RunState::Complete, 40) };
        let job = JobStatus { runs: vec![first, run("a", RunState::Pending, 0)], next_run: None };
        assert_eq!(done(&job), "0/40", "what is not over comes first");
        let job = JobStatus { runs: job.runs.into_iter().take(1).collect(), next_run: None };
        assert_eq!((done(&job), done(&JobStatus::default())), ("40/40".to_owned(), "-".to_owned()));
    }
}
