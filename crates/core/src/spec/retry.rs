//! What a NeuronJob does after failures and where it goes on.
//!
//! Neighbours: part of `job`; `plan` decides by it. The words follow Kubernetes' pod failure policy.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

/// Rules for attempts that have failed; the first that fits decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryPolicy {
    /// The rules, at most 20. An attempt that no rule fits counts against `backoffLimit`, unless its failure was nobody's fault
    /// (`SpotInterrupted, InstanceLost, ImagePull, Capacity`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RetryRule>,
}

impl RetryPolicy {
    /// Whether there is no rule.
    pub fn is_default(&self) -> bool {
        self.rules.is_empty()
    }
}

/// What to do after failures of a kind. Exactly one of `onExitCodes` and `onFailures` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryRule {
    /// What to do.
    pub action: RetryAction,
    /// Fits an attempt in which a container ended with one of these exit codes, 1 to 255. Default: fits none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_exit_codes: BTreeSet<u8>,
    /// The container whose exit code it is. Default: the one that does the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,
    /// Fits an attempt that failed in one of these ways. Default: fits none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_failures: BTreeSet<Failure>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RetryAction {
    /// Try again; it counts against `backoffLimit`.
    Count,
    /// Try again; it does not count.
    Ignore,
    /// Do not try this index again.
    FailIndex,
    /// Stop everything: the job has failed.
    FailJob,
}

/// Ways in which an attempt fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Failure {
    /// A container ended with another exit code than 0.
    ExitCode,
    /// A container was killed for its memory.
    OutOfMemory,
    /// EC2 took a Spot instance back.
    SpotInterrupted,
    /// The instance failed, was terminated or drained.
    InstanceLost,
    /// An image could not be pulled.
    ImagePull,
    /// There was no room for the task.
    Capacity,
    /// It gave its devices to a service or to a job of higher priority.
    Preempted,
    /// A task could not start for another reason: a secret, a volume, a role.
    Start,
    /// Somebody stopped the task.
    Stopped,
    /// Anything else.
    Other,
}

impl Failure {
    /// Whether it is nobody's fault: trying again is right whatever the program does.
    pub const fn is_disruption(self) -> bool {
        match self {
            Self::SpotInterrupted | Self::InstanceLost | Self::ImagePull | Self::Capacity | Self::Preempted => true,
            Self::ExitCode | Self::OutOfMemory | Self::Start | Self::Stopped | Self::Other => false,
        }
    }
}

/// What to do with an attempt of which nobody can tell whether it has run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum UnknownOutcome {
    /// Say so, and run nothing twice.
    #[default]
    Report,
    /// Run it again: it does no harm to run twice.
    Retry,
}

/// Where the containers find and leave checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    /// A place that outlives the task, for instance `s3://bucket/llama` or the path of an EFS volume. Every attempt of an
    /// index finds `<location>/<index>` in the variable.
    pub location: String,
    /// The environment variable that names it. Default: `AXON_CHECKPOINT`.
    #[serde(default = "variable")]
    pub variable: String,
}

fn variable() -> String {
    "AXON_CHECKPOINT".to_owned()
}
