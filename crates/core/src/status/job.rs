//! What users see of a job: its runs and their attempts.
//!
//! Part of `status`. Plain data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::spec::Failure;

/// Runs of a job, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// Runs that are not over, and those that are remembered.
    pub runs: Vec<RunStatus>,
    /// When the next one is due by the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<Timestamp>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RunState {
    /// Nothing of it was started.
    Pending,
    /// Attempts run, or are about to.
    Running,
    /// Its tasks are stopped until it goes on.
    Suspended,
    /// Its tasks are being stopped, or come to their end.
    Ending,
    /// Every index has succeeded.
    Complete,
    /// An index has failed.
    Failed,
    /// It took longer than `activeDeadline`.
    DeadlineExceeded,
    /// It was cancelled.
    Cancelled,
    /// The job was changed or removed meanwhile.
    Superseded,
    /// Of some indexes nobody can tell.
    Unknown,
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Its name.
    pub run: String,
    /// How it stands.
    pub state: RunState,
    /// When its first attempt was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Indexes.
    pub completions: u32,
    /// Indexes that have succeeded.
    pub succeeded: u32,
    /// Indexes that are being tried.
    pub active: u32,
    /// Indexes that have failed.
    pub failed: u32,
    /// Indexes of which nobody can tell.
    pub unknown: u32,
    /// How it has ended, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Attempts: those that are not over, and the newest of the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptStatus>,
}

/// One attempt of one index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStatus {
    /// `3.0` is the first attempt of index 3.
    pub attempt: String,
    /// `Intended`, a task's state in AWS's words, or how it has ended: `Succeeded`, `Failed`, `Stopped`, `Unknown`.
    pub state: String,
    /// Task id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// EC2 instance that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Instance type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Ids of its Neuron devices, where Axon chooses them (`0-3`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<String>,
    /// Exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// In what way it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its nodes, where several work on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeStatus>,
    /// When its task ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When its task had stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// One node of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Rank, 0 and up.
    pub rank: u32,
    /// As of an attempt.
    pub state: String,
    /// Task id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// EC2 instance that it runs on or shall run on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why, in ECS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
