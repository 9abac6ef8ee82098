//! What is true on AWS, as last read: the readings that `axon-aws` delivers and `state` files away.
//!
//! Readings are facts without opinion; whose a resource is and what should happen to it is decided by
//! [`crate::ownership`] and [`crate::plan`]. Members carry AWS's meaning and unit. What AWS fills in by itself stays in
//! a reading; [`crate::diff`] knows what to ignore.

mod ec2;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::ownership::Tags;
use crate::shape;

pub use ec2::{
    Activity, Group, GroupMember, Image, ImageAnswer, ImageSource, Machine, NEWEST_ACTIVITIES, SubnetAnswer, Template,
    TemplateVersion,
};

/// Name of an ECS cluster.
pub type ClusterName = String;

/// An ECS cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Cluster name.
    pub name: ClusterName,
    /// Cluster ARN.
    pub arn: String,
    /// Life stage.
    pub status: ClusterStatus,
    /// Settings by name, for instance `containerInsights` → `enhanced`.
    pub settings: BTreeMap<String, String>,
    /// ECS Exec and storage configuration.
    pub configuration: Option<shape::cluster::ClusterConfiguration>,
    /// Default Service Connect namespace (ARN).
    pub service_connect_namespace: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Container instances, whoever brought them.
    pub registered_instances: i32,
    /// Capacity providers that are associated with it, of any kind.
    pub capacity_providers: Vec<String>,
    /// Strategy for whoever names none.
    pub default_strategy: Vec<shape::shared::CapacityProviderStrategyItem>,
    /// `attachmentsStatus`, AWS's own word (`UPDATE_IN_PROGRESS` …).
    pub attachments_status: Option<String>,
}

/// `status` of a cluster (ECS API, `Cluster`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// Usable.
    Active,
    /// Being made ready; not yet usable.
    Provisioning,
    /// Being torn down.
    Deprovisioning,
    /// Creation failed.
    Failed,
    /// Deleted; ECS may show it for a while.
    Inactive,
    /// A word that this version does not know.
    Other(String),
}

/// A capacity provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// Provider name, unique in account and Region.
    pub name: String,
    /// Provider ARN.
    pub arn: String,
    /// Cluster that it belongs to; empty for a provider of an Auto Scaling group, which belongs to none.
    pub cluster: ClusterName,
    /// Life stage.
    pub status: ProviderStatus,
    /// `updateStatus`, AWS's own word (`CREATE_IN_PROGRESS` …).
    pub update_status: Option<String>,
    /// `updateStatusReason`: why the last change failed.
    pub update_status_reason: Option<String>,
    /// What it launches, if it is a Managed Instances provider.
    pub managed_instances: Option<shape::provider::ManagedInstancesProvider>,
    /// The group behind it, if it is the provider of an Auto Scaling group.
    pub auto_scaling_group: Option<shape::provider::AutoScalingGroupProvider>,
    /// Tags.
    pub tags: Tags,
}

/// `status` of a capacity provider (ECS API, `CapacityProviderStatus`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderStatus {
    /// Being created; services may not use it yet.
    Provisioning,
    /// Usable.
    Active,
    /// Being deleted.
    Deprovisioning,
    /// Deleted; the name may stay blocked for a while.
    Inactive,
    /// A word that this version does not know.
    Other(String),
}

/// One revision of a task definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDefinition {
    /// Full ARN with revision.
    pub arn: String,
    /// Family.
    pub family: String,
    /// Revision number, 1 and up.
    pub revision: i32,
    /// Whether new tasks and services may use it.
    pub active: bool,
    /// Tags of this revision.
    pub tags: Tags,
}

/// An ECS service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Service name, unique in its cluster.
    pub name: String,
    /// Service ARN (long format).
    pub arn: String,
    /// Cluster that it runs in.
    pub cluster: ClusterName,
    /// Life stage.
    pub status: ServiceStatus,
    /// Everything that `UpdateService` could change, as it stands.
    pub settings: shape::service::UpdateService,
    /// `REPLICA` or `DAEMON`.
    pub scheduling_strategy: String,
    /// Tasks in state RUNNING.
    pub running: i32,
    /// Tasks in state PENDING.
    pub pending: i32,
    /// Deployments, as ECS lists them (the PRIMARY one first).
    pub deployments: Vec<Deployment>,
    /// The newest events, newest first.
    pub events: Vec<ServiceEvent>,
    /// Tags.
    pub tags: Tags,
}

/// `status` of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    /// Keeps its tasks running.
    Active,
    /// Deleted, tasks still stopping; the name is taken.
    Draining,
    /// Deleted; the name is free.
    Inactive,
    /// A word that this version does not know.
    Other(String),
}

/// One deployment of a service (`deployments[]` of DescribeServices).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Deployment id (`ecs-svc/…`).
    pub id: String,
    /// Whether this is the newest (`PRIMARY`).
    pub primary: bool,
    /// Task definition ARN.
    pub task_definition: String,
    /// Tasks wanted by this deployment.
    pub desired: i32,
    /// Tasks running in this deployment.
    pub running: i32,
    /// Tasks pending in this deployment.
    pub pending: i32,
    /// Tasks that failed to start or to become healthy.
    pub failed: i32,
    /// How the roll-out goes.
    pub rollout: Rollout,
    /// `rolloutStateReason`.
    pub reason: Option<String>,
    /// Creation time.
    pub created: Option<Timestamp>,
}

/// `rolloutState` of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Tasks are being replaced.
    InProgress,
    /// Steady.
    Completed,
    /// Stopped by the circuit breaker or an alarm.
    Failed,
    /// Not reported (another deployment controller).
    Unreported,
}

/// One line of a service's event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEvent {
    /// Event id.
    pub id: String,
    /// When it was written.
    pub at: Option<Timestamp>,
    /// ECS's text.
    pub message: String,
}

/// How an earlier deployment of a service ended (ListServiceDeployments), newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDeployment {
    /// Service deployment ARN.
    pub arn: String,
    /// How it ended or stands.
    pub result: DeploymentResult,
    /// ECS's reason.
    pub reason: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// `status` of a service deployment, reduced to what matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentResult {
    /// `PENDING`, `IN_PROGRESS`.
    Running,
    /// `SUCCESSFUL`.
    Successful,
    /// `ROLLBACK_REQUESTED`, `ROLLBACK_IN_PROGRESS`.
    RollingBack,
    /// `ROLLBACK_SUCCESSFUL`.
    RolledBack,
    /// `ROLLBACK_FAILED`.
    RollbackFailed,
    /// `STOP_REQUESTED`, `STOPPED`: someone stopped it, or a newer one took over.
    Stopped,
    /// A word that this version does not know.
    Unknown,
}

/// A task of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Task ARN.
    pub arn: String,
    /// Task definition ARN.
    pub task_definition: String,
    /// `lastStatus`, AWS's own word.
    pub last_status: String,
    /// `desiredStatus`, AWS's own word.
    pub desired_status: String,
    /// `healthStatus`, AWS's own word.
    pub health: Option<String>,
    /// Container instance that it is placed on.
    pub container_instance: Option<String>,
    /// Availability Zone.
    pub availability_zone: Option<String>,
    /// When ECS created it.
    pub created: Option<Timestamp>,
    /// When it reached RUNNING.
    pub started: Option<Timestamp>,
    /// When it had stopped.
    pub stopped: Option<Timestamp>,
    /// Why it stopped, in ECS's words.
    pub stopped_reason: Option<String>,
    /// `stopCode`.
    pub stop_code: Option<String>,
    /// Its containers.
    pub containers: Vec<TaskContainer>,
}

/// Without a health check ECS counts a task for `minimumHealthyPercent` this long after it runs (Amazon ECS API reference,
/// DeploymentConfiguration).
const TRUSTED_AFTER: SignedDuration = SignedDuration::from_secs(40);

/// How ECS learns that a task is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthSignal {
    /// A container says so.
    Check,
    /// It runs for a while.
    Age,
}

impl Task {
    /// Whether ECS would count it for `minimumHealthyPercent`, as it was `read`: it runs and is healthy or, where its health
    /// is not asked for, has run for a while. What cannot be told counts.
    pub fn is_proven(&self, signal: HealthSignal, read: Option<Timestamp>) -> bool {
        match self.health.as_deref() {
            Some("HEALTHY") => true,
            Some("UNHEALTHY") => false,
            _ if signal == HealthSignal::Check => false,
            _ => !self.is_young(read),
        }
    }

    /// Whether it had started too short a time before it was `read` to count where its health is not asked for.
    pub fn is_young(&self, read: Option<Timestamp>) -> bool {
        let ages = !matches!(self.health.as_deref(), Some("HEALTHY" | "UNHEALTHY"));
        let age = self.started.zip(read).map(|(started, read)| read.duration_since(started));
        ages && age.is_some_and(|age| age < TRUSTED_AFTER)
    }

    /// Whether it runs and is meant to.
    pub fn runs(&self) -> bool {
        self.last_status == "RUNNING" && self.desired_status != "STOPPED"
    }
}

/// A task of ours that belongs to no service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandaloneTask {
    /// `group`: says which attempt it is.
    pub group: String,
    /// Cluster that it runs in.
    pub cluster: ClusterName,
    /// The task.
    pub task: Task,
}

/// A parameter of SSM Parameter Store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Full name.
    pub name: String,
    /// What it holds.
    pub value: String,
    /// When it was written; nothing if it was only just now.
    pub written: Option<Timestamp>,
}

/// A container of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskContainer {
    /// Container name.
    pub name: String,
    /// `lastStatus`.
    pub last_status: Option<String>,
    /// Exit code, if it ran and ended.
    pub exit_code: Option<i32>,
    /// ECS's reason for its state.
    pub reason: Option<String>,
    /// Ids of the Neuron devices that ECS assigned (managed mode only).
    pub neuron_device_ids: Vec<String>,
}

/// A container instance: what ECS knows of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Container instance ARN.
    pub arn: String,
    /// EC2 instance id.
    pub ec2_id: Option<String>,
    /// `ecs.instance-type`.
    pub instance_type: Option<String>,
    /// `ecs.availability-zone`.
    pub availability_zone: Option<String>,
    /// `status`, AWS's own word.
    pub status: String,
    /// Capacity provider that launched it.
    pub provider: Option<String>,
    /// Whether its agent is connected.
    pub connected: bool,
    /// `ecs.ami-id`.
    pub image: Option<String>,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// When it registered.
    pub registered: Option<Timestamp>,
    /// Tasks in state RUNNING, whoever's.
    pub running_tasks: i32,
    /// Tasks in state PENDING, whoever's.
    pub pending_tasks: i32,
}

/// Tasks of one service with the instances under them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTasks {
    /// Tasks that run or should run, and the ones that stopped within the hour.
    pub tasks: Vec<Task>,
    /// Instances by ARN.
    pub instances: BTreeMap<String, Instance>,
}

/// Account, Region and partition behind the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    /// For instance `us-east-1`.
    pub region: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
}
