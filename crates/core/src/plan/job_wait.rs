//! What a job waits for: the queue, its own tasks, other jobs, its schedule.
//!
//! Part of `waiting`; made by `job`.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::spec::ObjectKey;

/// What a job waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum JobWait {
    /// Tasks of a run are under way.
    Running {
        /// The run.
        run: String,
        /// Tasks that run.
        running: u32,
        /// Tasks that start, or whose end is being recorded.
        starting: u32,
        /// Indexes that are done.
        done: u32,
        /// All indexes.
        of: u32,
    },
    /// Attempts have no devices yet.
    Queued {
        /// The run.
        run: String,
        /// How many attempts.
        attempts: u32,
        /// Devices that they lack.
        devices: u32,
        /// Why, in words.
        why: String,
    },
    /// An attempt of several nodes waits until enough instances stand ready.
    Gathering {
        /// Which attempt.
        attempt: String,
        /// Instances that stand ready.
        ready: u32,
        /// How many it needs.
        of: u32,
        /// When it is given up and tried again.
        until: Timestamp,
    },
    /// Attempts have failed and are tried again later.
    Backoff {
        /// The run.
        run: String,
        /// How many.
        attempts: u32,
        /// When the first of them is due.
        until: Timestamp,
    },
    /// Another job must be complete first.
    Dependency {
        /// Which.
        job: ObjectKey,
        /// What it is instead.
        status: String,
        /// Whether it is over without success, so that a person has to do something.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
    },
    /// Tasks of an earlier version of the job are not over.
    Earlier {
        /// Which, in words.
        what: String,
    },
    /// A record would be longer than Parameter Store takes.
    TooLong {
        /// Its name.
        name: String,
        /// Most characters.
        most: usize,
    },
    /// The next run is not due yet.
    Schedule {
        /// When it is; nothing if never.
        next: Option<Timestamp>,
    },
    /// `suspend` is set.
    Suspended,
    /// A run has ended without success.
    Failed {
        /// The run.
        run: String,
        /// Why, in words.
        message: String,
    },
    /// What an intended attempt has come to is not known.
    Unclear {
        /// Which attempt.
        attempt: String,
        /// When it is given up.
        until: Timestamp,
    },
}

impl JobWait {
    /// Whether the specification wants it so.
    pub const fn is_planned(&self) -> bool {
        match self {
            Self::Schedule { .. } | Self::Suspended => true,
            Self::Running { .. }
            | Self::Queued { .. }
            | Self::Gathering { .. }
            | Self::Backoff { .. }
            | Self::Dependency { .. }
            | Self::Earlier { .. }
            | Self::TooLong { .. }
            | Self::Failed { .. }
            | Self::Unclear { .. } => false,
        }
    }

    /// Whether time alone can end this, without a person, and soon enough to wait for it.
    pub const fn passes(&self) -> bool {
        match self {
            Self::Running { .. }
            | Self::Queued { .. }
            | Self::Gathering { .. }
            | Self::Backoff { .. }
            | Self::Dependency { failed: false, .. }
            | Self::Earlier { .. }
            | Self::Unclear { .. } => true,
            Self::Schedule { .. }
            | Self::Dependency { failed: true, .. }
            | Self::Suspended
            | Self::Failed { .. }
            | Self::TooLong { .. } => false,
        }
    }
}

impl fmt::Display for JobWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { run, running, starting, done, of } => write!(
                f,
                "run {run}: {done} of {of} indexes are done; tasks: {running} running, {starting} starting or being recorded"
            ),
            Self::Queued { run, attempts, devices, why } => {
                write!(f, "run {run}: attempts without devices: {attempts}, which need {devices} Neuron devices: {why}")
            }
            Self::Gathering { attempt, ready, of, until } => write!(
                f,
                "attempt {attempt} starts when {of} idle instances of one type stand ready, {ready} do; its group is kept large \
                 enough until {until:.0}"
            ),
            Self::Backoff { run, attempts, until } => {
                write!(f, "run {run}: failed attempts to be tried again: {attempts}, the next at {until:.0}")
            }
            Self::Dependency { job, status, .. } => write!(f, "waits for {job} to be complete; it is {status}"),
            Self::Schedule { next: Some(next) } => write!(f, "the next run is due at {next:.0}"),
            Self::Schedule { next: None } => f.write_str("no run will ever be due by this schedule"),
            Self::Earlier { what } => f.write_str(what),
            Self::TooLong { name, most } => write!(
                f,
                "the record {name} would have more than {most} characters, the most that Parameter Store takes; name fewer subnets \
                 and security groups"
            ),
            Self::Suspended => f.write_str("`suspend` is true: no task is started until it is false"),
            Self::Failed { run, message } => {
                write!(f, "run {run} {message}. Mend what made it fail, then change the job or run `axon job retry`")
            }
            Self::Unclear { attempt, until } => write!(
                f,
                "attempt {attempt} was to be started and no task of it can be seen; at {until:.0} its outcome is given up as \
                 unknown"
            ),
        }
    }
}
