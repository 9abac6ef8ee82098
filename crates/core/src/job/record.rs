//! Records of jobs in SSM Parameter Store: their names and what they hold.
//!
//! Every record is written once and never changed; the name says everything that identifies it. Values are JSON with a version
//! and have at most 4096 characters, the most that a standard parameter holds (Parameter Store user guide). `axon-aws` stores
//! them as they are. Not here: when they are written.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::observe::Parameter;
use crate::ownership::Installation;
use crate::shape::run_task::RunTask;
use crate::spec::Name;

/// Most characters of a value.
pub const MAX_VALUE: usize = 4096;

/// Identifies a run of a job: 1 to 40 letters and digits. Runs of a schedule are called by the instant at which they were due.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A run of this name, if it can be one.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=40).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    /// The run that was due at an instant.
    pub fn due_at(instant: Timestamp) -> Self {
        Self(instant.strftime("%Y%m%dT%H%M%SZ").to_string())
    }

    /// When it was due, if its name says so.
    pub fn due(&self) -> Option<Timestamp> {
        let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &self.0).ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attempt of one index: `3.0` is the first attempt of index 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptId {
    /// Index, 0 and up.
    pub index: u32,
    /// How many attempts came before.
    pub number: u32,
}

impl AttemptId {
    fn parse(text: &str) -> Option<Self> {
        let (index, number) = text.split_once('.')?;
        Some(Self { index: plain(index)?, number: plain(number)? })
    }
}

/// A number as it is written without zeros in front.
fn plain(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// One task: an attempt, or one node of it: `3.0.2` is node 2 of the first attempt of index 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its rank among the nodes of the attempt; nothing for an attempt of one node.
    pub node: Option<u32>,
}

impl TaskId {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(attempt) = AttemptId::parse(text) {
            return Some(Self { attempt, node: None });
        }
        let (attempt, node) = text.rsplit_once('.')?;
        Some(Self { attempt: AttemptId::parse(attempt)?, node: Some(plain(node)?) })
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node {
            Some(node) => write!(f, "{}.{node}", self.attempt),
            None => self.attempt.fmt(f),
        }
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.number)
    }
}

/// The name of a record below [`root`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordName {
    /// Since when a schedule holds: [`Since`].
    Since(Name),
    /// A run was asked for: [`Begin`].
    Begin(Name, RunId),
    /// A run is to be stopped: [`Stop`].
    Cancel(Name, RunId),
    /// A run is over: [`RunEnd`].
    End(Name, RunId),
    /// An attempt is about to be started: [`Intent`].
    Intent(Name, RunId, AttemptId),
    /// On which instances the nodes of an attempt run, or that they do not: [`super::Nodes`].
    Nodes(Name, RunId, AttemptId),
    /// A node of an attempt is over: [`super::AttemptEnd`].
    NodeResult(Name, RunId, AttemptId, u32),
    /// An attempt is over: [`super::AttemptEnd`].
    Result(Name, RunId, AttemptId),
}

/// Where the records of an installation are.
pub fn root(installation: &Installation) -> String {
    format!("/axon/{installation}/jobs")
}

/// Records (parameters) that decide whether a run goes on and that a list lacks, for every run that it shows without an end. A list
/// that is read page by page while something goes may have skipped them.
pub fn unlisted(root: &str, listed: &BTreeSet<&str>) -> BTreeSet<String> {
    let runs: BTreeSet<_> = listed.iter().filter_map(|name| RecordName::parse(root, name)?.into_run()).collect();
    let deciding = |(job, run): (Name, RunId)| {
        let end = RecordName::End(job.clone(), run.clone());
        [end, RecordName::Begin(job.clone(), run.clone()), RecordName::Cancel(job, run)]
            .map(|name| name.parameter(root))
    };
    let open = runs.into_iter().map(deciding).filter(|[end, ..]| !listed.contains(end.as_str()));
    open.flatten().filter(|name| !listed.contains(name.as_str())).collect()
}

impl RecordName {
    /// Reads the name of a parameter below `root`.
    pub fn parse(root: &str, name: &str) -> Option<Self> {
        let rest = name.strip_prefix(root)?.strip_prefix('/')?;
        let (job, rest) = rest.split_once('/')?;
        let job: Name = job.parse().ok()?;
        let Some((run, entry)) = rest.split_once('/') else {
            return (rest == "since").then_some(Self::Since(job));
        };
        let run = RunId::new(run)?;
        match entry {
            "begin" => Some(Self::Begin(job, run)),
            "cancel" => Some(Self::Cancel(job, run)),
            "end" => Some(Self::End(job, run)),
            entry => {
                if let Some(attempt) = entry.strip_suffix(".nodes") {
                    return Some(Self::Nodes(job, run, AttemptId::parse(attempt)?));
                }
                let Some(over) = entry.strip_suffix(".end") else {
                    return Some(Self::Intent(job, run, AttemptId::parse(entry)?));
                };
                Some(match TaskId::parse(over)? {
                    TaskId { attempt, node: Some(node) } => Self::NodeResult(job, run, attempt, node),
                    TaskId { attempt, node: None } => Self::Result(job, run, attempt),
                })
            }
        }
    }

    /// The name of the parameter.
    pub fn parameter(&self, root: &str) -> String {
        match self {
            Self::Since(job) => format!("{root}/{job}/since"),
            Self::Begin(job, run) => format!("{root}/{job}/{run}/begin"),
            Self::Cancel(job, run) => format!("{root}/{job}/{run}/cancel"),
            Self::End(job, run) => format!("{root}/{job}/{run}/end"),
            Self::Intent(job, run, attempt) => format!("{root}/{job}/{run}/{attempt}"),
            Self::Nodes(job, run, attempt) => format!("{root}/{job}/{run}/{attempt}.nodes"),
            Self::NodeResult(job, run, attempt, node) => format!("{root}/{job}/{run}/{attempt}.{node}.end"),
            Self::Result(job, run, attempt) => format!("{root}/{job}/{run}/{attempt}.end"),
        }
    }

    /// The run that it is about.
    fn into_run(self) -> Option<(Name, RunId)> {
        match self {
            Self::Since(_) => None,
            Self::Begin(job, run)
            | Self::Cancel(job, run)
            | Self::End(job, run)
            | Self::Intent(job, run, _)
            | Self::Nodes(job, run, _)
            | Self::NodeResult(job, run, _, _)
            | Self::Result(job, run, _) => Some((job, run)),
        }
    }

    /// Whose record it is.
    pub const fn job(&self) -> &Name {
        match self {
            Self::Since(job)
            | Self::Begin(job, _)
            | Self::Cancel(job, _)
            | Self::End(job, _)
            | Self::Intent(job, _, _)
            | Self::Nodes(job, _, _)
            | Self::NodeResult(job, _, _, _)
            | Self::Result(job, _, _) => job,
        }
    }
}

/// Since when a schedule holds. What was due before is not made up for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Since {
    /// When Axon has seen the schedule first.
    pub at: Timestamp,
}

/// A run that was asked for, by a schedule or by a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Begin {
    /// Only these indexes; empty means all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub indexes: BTreeSet<u32>,
    /// Who has asked for it, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// A run that is to be stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// Why, in words.
    pub reason: String,
}

/// What is about to be started. The request is repeated from here word for word, so that AWS recognises its `clientToken`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The request.
    pub request: RunTask,
    /// The container whose exit code is the result.
    pub container: String,
    /// Instance type and devices, where Axon chooses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<(String, String)>,
    /// CPU units and MiB of the task.
    pub size: (u32, u32),
    /// Where several nodes work on it: how many, and how they find one another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gang: Option<super::Gang>,
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RunResult {
    /// Every index has succeeded.
    Complete,
    /// An index has failed for good, or a rule of `retryPolicy` has ended the job.
    Failed,
    /// It took longer than `activeDeadline`.
    DeadlineExceeded,
    /// A person has cancelled it.
    Cancelled,
    /// The job was changed or removed meanwhile.
    Superseded,
    /// Of some indexes nobody can tell how they have ended, and no index has failed.
    Unknown,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    /// The work that was run: the name of the run that the specification asked for then.
    pub work: RunId,
    /// How.
    pub result: RunResult,
    /// When.
    pub at: Timestamp,
    /// When its first attempt was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Indexes that have succeeded.
    pub succeeded: u32,
    /// Indexes that have failed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failed: BTreeSet<u32>,
    /// Indexes of which nobody can tell.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unknown: BTreeSet<u32>,
    /// Indexes that were not run to their end.
    #[serde(default)]
    pub open: u32,
    /// Attempts of all indexes.
    pub attempts: u32,
    /// Seconds for which devices were held, times their number.
    #[serde(default)]
    pub device_seconds: u64,
    /// Why, in words.
    pub message: String,
    /// Seconds for which this record outlives the job.
    pub ttl: u32,
}

impl RunEnd {
    /// Asks for the indexes again that have not succeeded.
    pub fn again(&self, by: &str) -> Begin {
        Begin { indexes: self.failed.iter().chain(&self.unknown).copied().collect(), by: by.to_owned() }
    }
}

/// Reads what a parameter holds.
pub fn read<T: DeserializeOwned>(parameter: &Parameter) -> Option<T> {
    serde_json::from_str(&parameter.value).ok()
}

/// Writes what a parameter is to hold, if it is short enough.
pub fn write(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok().filter(|text| text.chars().count() <= MAX_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let root = root(&"prod.1".parse().unwrap());
        let (job, run): (Name, _) = ("train".parse().unwrap(), RunId::new("3f2a").unwrap());
        let attempt = AttemptId { index: 12, number: 3 };
        for name in [
            RecordName::Since(job.clone()),
            RecordName::Begin(job.clone(), run.clone()),
            RecordName::Cancel(job.clone(), run.clone()),
            RecordName::End(job.clone(), run.clone()),
            RecordName::Intent(job.clone(), run.clone(), attempt),
            RecordName::Nodes(job.clone(), run.clone(), attempt),
            RecordName::NodeResult(job.clone(), run.clone(), attempt, 7),
            RecordName::Result(job, run, attempt),
        ] {
            assert_eq!(RecordName::parse(&root, &name.parameter(&root)), Some(name));
        }
    }

    #[test]
    fn what_is_no_record_is_not_read_as_one() {
        let root = "/axon/prod/jobs";
        for name in [
            "/axon/prod2/jobs/a/since",
            "/axon/prod/jobs/a",
            "/axon/prod/jobs/a/r/1",
            "/axon/prod/jobs/a/r/01.0",
            "/axon/prod/jobs/a/r/1.0.2",
            "/axon/prod/jobs/a/r/1.0.2.nodes",
        ] {
            assert_eq!(RecordName::parse(root, name), None, "{name}");
        }
    }

    #[test]
    fn a_run_of_a_schedule_is_called_by_its_instant() {
        let due: Timestamp = "2026-11-26T02:00:00Z".parse().unwrap();
        let run = RunId::due_at(due);
        assert_eq!((run.as_str(), run.due()), ("20261126T020000Z", Some(due)));
        assert_eq!(RunId::new(run.as_str()), Some(run));
        assert_eq!(RunId::new("3f2a").unwrap().due(), None);
    }
}
