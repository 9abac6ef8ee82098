//! What users see of an object: conditions in Kubernetes' words.
//!
//! Made by `judge`, kept and served by `runtime` and `web`, printed by the command line. Plain data.

mod job;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::ObjectKey;

pub use job::{AttemptStatus, JobStatus, NodeStatus, RunState, RunStatus};

/// Status of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Which object.
    #[serde(flatten)]
    pub object: ObjectKey,
    /// Source revision that was last taken into account.
    pub observed_revision: String,
    /// Conditions, `Ready` first.
    pub conditions: Vec<Condition>,
    /// What exists on AWS for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// Replicas of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// Instances of a pool of Auto Scaling groups, by type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupStatus>,
    /// Runs of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobStatus>,
}

impl Status {
    /// The condition of a type.
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether the object is as declared and works.
    pub fn is_ready(&self) -> bool {
        self.condition(ConditionType::Ready).is_some_and(|ready| ready.status == Truth::True)
    }

    /// Whether it is a job all of whose tasks run: nothing is to be done until one of them ends.
    pub fn is_at_work(&self) -> bool {
        self.condition(ConditionType::Ready).is_some_and(|ready| ready.reason == Reason::JobRunning)
    }

    /// Whether only a person can bring the object further.
    pub fn is_stalled(&self) -> bool {
        self.condition(ConditionType::Stalled).is_some_and(|stalled| stalled.status == Truth::True)
    }
}

/// One statement about an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: Truth,
    /// One word for machines.
    pub reason: Reason,
    /// Cause, evidence and next step, for people.
    pub message: String,
    /// When `status` changed last.
    pub last_transition_time: Timestamp,
}

/// True, false, or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

/// What conditions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// The object is as declared and works.
    Ready,
    /// Axon or AWS is still working on it. Present only while true.
    Reconciling,
    /// Only a person can bring it further. Present only while true.
    Stalled,
    /// The specification of the object is valid.
    SpecValid,
    /// The capacity that it needs or offers can be used.
    CapacityReady,
    /// What exists is registered with ECS as rendered.
    Registered,
    /// Its tasks run and are healthy.
    Available,
    /// AWS has something else than declared. Present only while true.
    Drifted,
    /// The image of new instances is known and good.
    #[serde(rename = "AMIResolved")]
    AmiResolved,
    /// Instances run another image or launch template than new ones get. Present only while true.
    #[serde(rename = "AMIDrift")]
    AmiDrift,
    /// Every replica has Neuron devices.
    DevicesAllocated,
    /// The pool has subnets in several zones, so that replicas can be spread. Present only with `spread:
    /// AvailabilityZones`, once the subnets were read.
    Spread,
    /// The devices of every attempt that is due are there (Kueue's word).
    QuotaReserved,
    /// Something of the run was started (Kueue's word).
    Admitted,
    /// All tasks that are not over run.
    TasksReady,
    /// An attempt has lost its instance. Present only while its run goes on.
    Evicted,
    /// It is tried again. Present only while its run goes on.
    Requeued,
    /// The newest run is over, and every index has succeeded. Present only then.
    Complete,
    /// The newest run is over without that. Present only then.
    Failed,
}

/// Why a condition is as it is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Reason {
    /// As declared.
    Succeeded,
    /// Being created, changed or deleted.
    Progressing,
    /// Waits for another object or resource.
    DependencyNotReady,
    /// Not read yet.
    NotObserved,
    /// The specification is invalid; the last valid one stays in force.
    InvalidSpec,
    /// A name is taken by something that is not ours.
    NameConflict,
    /// AWS refused a call.
    CallRefused,
    /// AWS failed or was too busy; it is tried again.
    CallFailed,
    /// AWS has no capacity of this kind now.
    InsufficientCapacity,
    /// Tasks are starting.
    TasksStarting,
    /// Tasks stop or fail their health checks.
    TasksFailing,
    /// A deployment is under way.
    DeploymentInProgress,
    /// A deployment failed.
    DeploymentFailed,
    /// ECS rolled a deployment back.
    DeploymentRolledBack,
    /// AWS has something else than declared.
    DriftDetected,
    /// Suspended by a person.
    Suspended,
    /// Writing is switched off.
    ReadOnly,
    /// No longer declared, but not removed.
    PruneBlocked,
    /// Being removed.
    Pruning,
    /// The specification names subnets that do not exist.
    SubnetMissing,
    /// All subnets of the pool lie in one zone.
    OneZone,
    /// No good image is known, or a rollout has failed with the newest one.
    ImageUnusable,
    /// Instances are being replaced.
    RolloutInProgress,
    /// Instances are out of date.
    OutOfDate,
    /// No Neuron devices are left for some replicas or attempts.
    InsufficientDevices,
    /// Tasks of a job run.
    JobRunning,
    /// Attempts of a job have failed and are tried again.
    JobRetrying,
    /// An attempt of a job has given its devices to somebody who comes first.
    Preempted,
    /// A run of a job has ended without success.
    JobFailed,
    /// Nobody can tell whether an attempt of a job has run.
    OutcomeUnknown,
}

/// A resource on AWS behind an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// What it is, for instance `capacity provider`.
    pub kind: String,
    /// Name or ARN.
    pub id: String,
    /// State in AWS's words.
    pub state: String,
}

/// Replicas of a service and where they run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replicas {
    /// Tasks wanted.
    pub desired: i32,
    /// Tasks running.
    pub running: i32,
    /// Tasks starting.
    pub pending: i32,
    /// The tasks that were looked into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskStatus>,
}

impl Replicas {
    /// These and those of another ECS service of the same object.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.desired += other.desired;
        self.running += other.running;
        self.pending += other.pending;
        self.tasks.extend(other.tasks);
        self
    }
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// Task id (last part of the ARN).
    pub id: String,
    /// State in AWS's words.
    pub state: String,
    /// Health in AWS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Instance type that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// EC2 instance that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Ids of its Neuron devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neuron_devices: Vec<String>,
}

/// One Auto Scaling group of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupStatus {
    /// Name of the group and of its launch template.
    pub name: String,
    /// The type of its instances.
    pub instance_type: String,
    /// Devices of one instance.
    pub chips: u8,
    /// The image of new instances, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageStatus>,
    /// Version of the launch template that new instances get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_version: Option<i64>,
    /// Instances wanted.
    pub desired: i32,
    /// Instances at most.
    pub max: u32,
    /// Its instances.
    pub instances: Vec<InstanceStatus>,
}

/// The image in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageStatus {
    /// `ami-…`.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Version of the ECS agent in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

/// One instance and who holds its devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// `i-…`.
    pub id: String,
    /// Availability Zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// `status` of the container instance in ECS's words, or the lifecycle state in Auto Scaling's before it registers.
    pub state: String,
    /// Whether it was launched from an older version of the launch template.
    pub out_of_date: bool,
    /// Who holds each device; nothing if it is free.
    pub devices: Vec<Option<String>>,
}
