//! What a NeuronJob can say: training or batch work that ends.
//!
//! Neighbours: the task is in `template`, what to do after failures in `retry`, when to start by itself in `schedule`; `resolve`
//! makes a task definition and RunTask requests out of it. Not here: device paths and placement, which Axon decides.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Checkpoint, Compile, Devices, Drift, Duration, Gang, JobOverrides, Metadata, Name, NetworkMode, Networking,
    NeuronJob, NeuronService, RetryPolicy, Schedule, ServiceOverrides, ServiceSpec, Template, UnknownOutcome,
};

/// Most indexes of one job. Each has records in Parameter Store, which holds 10,000 in an account and Region.
pub const MAX_COMPLETIONS: u32 = 1000;
/// Most nodes of one gang. Each of them has a record, and their instances have to fit into one.
pub const MAX_NODES: u32 = 64;
/// How often an index is tried again unless the spec says otherwise.
pub const DEFAULT_BACKOFF_LIMIT: u32 = 3;

/// Work that ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobSpec {
    /// The NeuronPool on which the tasks run.
    pub pool: Name,
    /// Neuron devices (chips) of each task: `all` devices of an instance, or a number. Default: `all`.
    #[serde(default)]
    pub devices: Devices,
    /// Instances that work together on each index, with a task on each, 1 to 64. With more than one, all of them start or none,
    /// on instances of one Auto Scaling group, and they end together. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1, max = 64))]
    pub nodes: u32,
    /// How several nodes find one another, and how long they may take to come. Default: as it says.
    #[serde(default, skip_serializing_if = "Gang::is_default")]
    pub gang: Gang,
    /// How many tasks must succeed, 1 to 1000. Each has an index from 0 on, in the variable `AXON_JOB_INDEX`. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub completions: u32,
    /// How many tasks may run at once. Default: as many as `completions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub parallelism: Option<u32>,
    /// How often an index is tried again after failures that count, 0 to 100; then the index has failed. Default: 3.
    #[serde(default = "backoff_limit")]
    #[schemars(range(max = 100))]
    pub backoff_limit: u32,
    /// Which failures count, and which end the job. Default: those that are nobody's fault (Spot interruptions, lost
    /// instances, images that cannot be pulled, no capacity, preemption) do not count, all others do.
    #[serde(default, skip_serializing_if = "RetryPolicy::is_default")]
    pub retry_policy: RetryPolicy,
    /// How long the job may take from its first attempt on; then its tasks are stopped and it has failed. Default: as long
    /// as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_deadline: Option<Duration>,
    /// How long the record of a job that has ended is kept after the job has left git. A job that comes back meanwhile is
    /// not run again. Default: `168h`, a week.
    #[serde(default = "week")]
    pub ttl_after_finished: Duration,
    /// While true, no task is started, and those that run are stopped. Their attempts do not count. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// When the job runs, again and again. Default: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Which job gets devices first where they are short: the higher number, then the older job; -1000 to 1000. Services come
    /// before all jobs. Default: 0.
    #[serde(default)]
    #[schemars(range(min = -1000, max = 1000))]
    pub priority: i32,
    /// NeuronJobs that must be complete before this one starts. Default: none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Name>,
    /// What to do when nobody can tell whether an attempt has run: ECS forgets tasks an hour after they have stopped. Default:
    /// `Report`.
    #[serde(default)]
    pub unknown_outcome: UnknownOutcome,
    /// Where the containers find and leave checkpoints. Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// The task of each index.
    pub template: Template,
    /// Compiles the model before the job starts, as the NeuronJob `<name>-compile`. Default: its tasks compile for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compile: Option<Compile>,
    /// Network mode, subnets and security groups of the tasks. Default: `AwsVpc` on Managed Instances, with those of the
    /// pool; `Bridge` on Auto Scaling groups, and `Host` where there are several nodes.
    #[serde(default)]
    pub networking: Networking,
    /// Whether `aws ecs execute-command` may open a shell in the containers. Default: false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub execute_command: bool,
    /// Tags on the tasks and task definitions, beside the ones Axon adds. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Members of AWS's own requests, merged last. Default: none.
    #[serde(default, skip_serializing_if = "JobOverrides::is_empty")]
    pub overrides: JobOverrides,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_one(value: &u32) -> bool {
    *value == 1
}

const fn backoff_limit() -> u32 {
    DEFAULT_BACKOFF_LIMIT
}

const fn week() -> Duration {
    Duration::from_seconds(7 * 24 * 60 * 60)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl JobSpec {
    /// A task that is run once on a pool; everything else is the default.
    pub fn new(pool: Name, template: Template) -> Self {
        Self {
            pool,
            devices: Devices::default(),
            nodes: one(),
            gang: Gang::default(),
            completions: one(),
            parallelism: None,
            backoff_limit: backoff_limit(),
            retry_policy: RetryPolicy::default(),
            active_deadline: None,
            ttl_after_finished: week(),
            suspend: false,
            schedule: None,
            priority: 0,
            depends_on: BTreeSet::new(),
            unknown_outcome: UnknownOutcome::default(),
            checkpoint: None,
            template,
            compile: None,
            networking: Networking::default(),
            execute_command: false,
            tags: BTreeMap::new(),
            overrides: JobOverrides::default(),
        }
    }

    /// Tasks that may run at once.
    pub fn parallelism(&self) -> u32 {
        self.parallelism.unwrap_or(self.completions).min(self.completions)
    }

    /// Whether several instances work on one index.
    pub const fn is_gang(&self) -> bool {
        self.nodes > 1
    }
}

impl NeuronJob {
    /// The service whose replicas would be tasks like those of this job: what is true of their containers, devices and pool is
    /// true here.
    pub fn as_service(&self) -> NeuronService {
        let JobSpec { pool, devices, template, networking, execute_command, tags, overrides, .. } = &self.spec;
        let mut service = ServiceSpec::new(pool.clone(), template.clone());
        service.devices = *devices;
        service.networking = networking.clone();
        if self.spec.is_gang() {
            service.networking.mode = networking.mode.or(Some(NetworkMode::Host));
        }
        service.execute_command = *execute_command;
        service.tags.clone_from(tags);
        service.drift = Drift::default();
        service.overrides =
            ServiceOverrides { task_definition: overrides.task_definition.clone(), ..ServiceOverrides::default() };
        let Metadata { name, labels, annotations } = &self.metadata;
        let metadata = Metadata { name: name.clone(), labels: labels.clone(), annotations: annotations.clone() };
        NeuronService::new(metadata, service)
    }
}
