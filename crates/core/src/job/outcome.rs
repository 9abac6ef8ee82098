//! How an attempt has ended, read off a task that has stopped.
//!
//! Sources: ECS API reference, `Task.stopCode`; developer guide, "Stopped tasks error messages". What ECS says in words is
//! matched by the words of these pages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::observe::{Task, TaskContainer};
use crate::spec::Failure;

/// With this, reasons begin that Axon gives when it stops a task.
pub const OUR_REASON: &str = "axon: ";
/// With this, the reason goes on if somebody else gets the devices.
pub const PREEMPTED: &str = "preempted by ";

/// What an attempt comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// The container ended with exit code 0.
    Succeeded,
    /// It did not.
    Failed,
    /// Axon has stopped it, or it was never started.
    Cancelled,
    /// Nobody can tell.
    Unknown,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptEnd {
    /// What it comes to.
    pub verdict: Verdict,
    /// In what way it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The container that counts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// Its exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Exit codes of the other containers that did not end well, by container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_exit_codes: Vec<(String, i32)>,
    /// ECS's reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Task id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// When it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// Longest reason that is recorded, in characters: a record has 4096 in all.
const MAX_REASON: usize = 500;

impl AttemptEnd {
    /// An attempt that ended in some way without a task that shows how.
    pub fn without_task(verdict: Verdict, reason: impl Into<String>, now: Timestamp) -> Self {
        Self {
            verdict,
            failure: None,
            container: String::new(),
            exit_code: None,
            other_exit_codes: Vec::new(),
            reason: reason.into(),
            task: None,
            started: None,
            ended: Some(now),
        }
    }

    /// How a stopped task has ended; `container` is the one whose exit code counts.
    pub fn of(task: &Task, container: &str) -> Self {
        let main = task.containers.iter().find(|found| found.name == container).or_else(|| task.containers.first());
        let exit_code = main.and_then(|main| main.exit_code);
        let code = task.stop_code.as_deref().unwrap_or_default();
        let reason = task.stopped_reason.clone().unwrap_or_default();
        let detail = main.and_then(|main| main.reason.clone());
        let verdict = match (code, exit_code) {
            // An exit code says more than who has ended the task: the work may have been done before that.
            ("EssentialContainerExited", Some(0)) => Verdict::Succeeded,
            _ if is_preempted(&reason) => Verdict::Failed,
            _ if reason.starts_with(OUR_REASON) => Verdict::Cancelled,
            _ => Verdict::Failed,
        };
        let failed = (verdict == Verdict::Failed).then(|| failure(code, &reason, main));
        let full = match detail {
            Some(detail) if !reason.contains(&detail) => format!("{reason}: {detail}"),
            _ => reason,
        };
        let others = task.containers.iter().filter(|found| main.is_none_or(|main| main.name != found.name));
        Self {
            verdict,
            failure: failed,
            container: main.map(|main| main.name.clone()).unwrap_or_default(),
            exit_code,
            other_exit_codes: others
                .filter_map(|found| Some((found.name.clone(), found.exit_code.filter(|code| *code != 0)?)))
                .collect(),
            reason: full.chars().take(MAX_REASON).collect(),
            task: task.arn.rsplit('/').next().map(str::to_owned),
            started: task.started,
            ended: task.stopped,
        }
    }
}

/// Whether a task was stopped for somebody who comes first.
fn is_preempted(reason: &str) -> bool {
    reason.strip_prefix(OUR_REASON).is_some_and(|why| why.starts_with(PREEMPTED))
}

/// In what way a task has failed, by ECS's words.
fn failure(code: &str, reason: &str, main: Option<&TaskContainer>) -> Failure {
    let detail = main.and_then(|main| main.reason.as_deref()).unwrap_or_default();
    let says = |words: &str| reason.contains(words) || detail.contains(words);
    match code {
        _ if is_preempted(reason) => Failure::Preempted,
        "SpotInterruption" => Failure::SpotInterrupted,
        "TerminationNotice" => Failure::InstanceLost,
        _ if says("Host EC2") || says("instance is being terminated") => Failure::InstanceLost,
        _ if says("CannotPull") || says("CannotPullContainerError") || says("ImageNotFound") => Failure::ImagePull,
        _ if says("OutOfMemory") => Failure::OutOfMemory,
        _ if says("Capacity is unavailable") || says("RESOURCE:") || says("no container instance met") => {
            Failure::Capacity
        }
        "TaskFailedToStart" => Failure::Start,
        _ if main.and_then(|main| main.exit_code).is_some_and(|code| code != 0) && code != "UserInitiated" => {
            Failure::ExitCode
        }
        "UserInitiated" => Failure::Stopped,
        _ => Failure::Other,
    }
}
