//! One call that changes AWS, complete enough that whoever executes it has nothing left to decide.
//!
//! `plan` makes steps, `check` reviews them, `axon-aws` executes them, `preview` imagines their effect. A step names the
//! resource that it writes; two steps on one resource never run at once.

mod cause;

use std::fmt;

use serde::Serialize;

use crate::fingerprint::Fingerprint;
use crate::ownership::Tags;
use crate::shape::cluster::{CreateCluster, PutClusterCapacityProviders, UpdateCluster};
use crate::shape::launch_template::{CreateLaunchTemplate, CreateLaunchTemplateVersion};
use crate::shape::provider::{CreateCapacityProvider, UpdateCapacityProvider};
use crate::shape::run_task::RunTask;
use crate::shape::scaling_group::{CreateAutoScalingGroup, GroupTag, UpdateAutoScalingGroup};
use crate::shape::service::{CreateService, UpdateService};
use crate::shape::task_definition::RegisterTaskDefinition;

pub use cause::{Cause, FieldChange};

/// A resource on AWS that Axon writes. The order is the order of creation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// An ECS cluster.
    Cluster(String),
    /// A launch template; names are unique in account and Region.
    LaunchTemplate(String),
    /// An Auto Scaling group; names are unique in account and Region.
    AutoScalingGroup(String),
    /// A capacity provider; names are unique in account and Region.
    CapacityProvider(String),
    /// All revisions of a task definition.
    TaskDefinition(String),
    /// A service in a cluster.
    #[serde(rename_all = "camelCase")]
    Service {
        /// Cluster name.
        cluster: String,
        /// Service name.
        name: String,
    },
    /// A record of a job, by the full name of its parameter.
    Parameter(String),
    /// A task of a job, by its `group`.
    #[serde(rename_all = "camelCase")]
    Task {
        /// Cluster name.
        cluster: String,
        /// Says which attempt of which job it is.
        group: String,
    },
    /// An EC2 instance of one of our groups, and the container instance on it.
    Instance(String),
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster {name}"),
            Self::LaunchTemplate(name) => write!(f, "launch template {name}"),
            Self::AutoScalingGroup(name) => write!(f, "Auto Scaling group {name}"),
            Self::CapacityProvider(name) => write!(f, "capacity provider {name}"),
            Self::TaskDefinition(family) => write!(f, "task definition {family}"),
            Self::Service { cluster, name } => write!(f, "service {cluster}/{name}"),
            Self::Parameter(name) => write!(f, "parameter {name}"),
            Self::Task { cluster, group } => write!(f, "task {cluster}/{group}"),
            Self::Instance(id) => write!(f, "instance {id}"),
        }
    }
}

/// One AWS call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "operation", content = "request")]
pub enum Action {
    /// ecs:CreateCluster
    CreateCluster(CreateCluster),
    /// ecs:UpdateCluster
    UpdateCluster(UpdateCluster),
    /// ecs:DeleteCluster
    DeleteCluster {
        /// Cluster name.
        cluster: String,
    },
    /// ecs:PutClusterCapacityProviders
    PutClusterCapacityProviders(PutClusterCapacityProviders),
    /// ec2:CreateLaunchTemplate
    CreateLaunchTemplate(CreateLaunchTemplate),
    /// ec2:CreateLaunchTemplateVersion
    CreateLaunchTemplateVersion(CreateLaunchTemplateVersion),
    /// ec2:DeleteLaunchTemplate
    DeleteLaunchTemplate {
        /// `lt-…`.
        id: String,
        /// Its name.
        name: String,
    },
    /// ec2:CreateTags
    CreateTags {
        /// EC2's id of the resource.
        id: String,
        /// Tags to set; others stay.
        tags: Tags,
    },
    /// ec2:DeleteTags
    DeleteTags {
        /// EC2's id of the resource.
        id: String,
        /// Keys to remove.
        keys: Vec<String>,
    },
    /// autoscaling:CreateAutoScalingGroup
    CreateAutoScalingGroup(CreateAutoScalingGroup),
    /// autoscaling:UpdateAutoScalingGroup
    UpdateAutoScalingGroup(UpdateAutoScalingGroup),
    /// autoscaling:DeleteAutoScalingGroup with `ForceDelete`: its instances go with it.
    DeleteAutoScalingGroup {
        /// Group name.
        name: String,
    },
    /// autoscaling:CreateOrUpdateTags
    CreateOrUpdateTags {
        /// Group name.
        group: String,
        /// Tags to set; others stay.
        tags: Vec<GroupTag>,
    },
    /// autoscaling:DeleteTags
    DeleteGroupTags {
        /// Group name.
        group: String,
        /// Keys to remove.
        keys: Vec<String>,
    },
    /// autoscaling:SetDesiredCapacity
    SetDesiredCapacity {
        /// Group name.
        group: String,
        /// Instances wanted.
        desired: i32,
    },
    /// autoscaling:TerminateInstanceInAutoScalingGroup
    TerminateInstanceInAutoScalingGroup {
        /// `i-…`.
        instance: String,
        /// What becomes of its place.
        place: Place,
    },
    /// ecs:UpdateContainerInstancesState
    #[serde(rename_all = "camelCase")]
    UpdateContainerInstancesState {
        /// Cluster name.
        cluster: String,
        /// Container instance ARN.
        instance: String,
        /// `ACTIVE` or `DRAINING`.
        status: &'static str,
    },
    /// ecs:CreateCapacityProvider
    CreateCapacityProvider(CreateCapacityProvider),
    /// ecs:UpdateCapacityProvider
    UpdateCapacityProvider(UpdateCapacityProvider),
    /// ecs:DeleteCapacityProvider
    #[serde(rename_all = "camelCase")]
    DeleteCapacityProvider {
        /// Provider name.
        name: String,
        /// Cluster that it belongs to; none for the provider of an Auto Scaling group.
        cluster: Option<String>,
    },
    /// ecs:RegisterTaskDefinition
    RegisterTaskDefinition(RegisterTaskDefinition),
    /// ecs:DeregisterTaskDefinition
    #[serde(rename_all = "camelCase")]
    DeregisterTaskDefinition {
        /// ARN with revision.
        arn: String,
    },
    /// ecs:CreateService
    CreateService(CreateService),
    /// ecs:UpdateService
    UpdateService(UpdateService),
    /// ecs:DeleteService with `force`.
    DeleteService {
        /// Cluster name.
        cluster: String,
        /// Service name.
        service: String,
    },
    /// ssm:PutParameter of a name that must be free (`Overwrite` is false).
    PutParameter {
        /// Full name.
        name: String,
        /// What it shall hold.
        value: String,
    },
    /// ssm:DeleteParameters
    DeleteParameters {
        /// Full names, 1 to 10.
        names: Vec<String>,
    },
    /// ecs:RunTask
    RunTask(Box<RunTask>),
    /// ecs:StopTask
    StopTask {
        /// Cluster name.
        cluster: String,
        /// Task ARN.
        task: String,
        /// Why, in words; ECS keeps it with the task.
        reason: String,
    },
    /// ecs:TagResource
    TagResource {
        /// ARN of the resource.
        arn: String,
        /// Tags to set; others stay.
        tags: Tags,
    },
    /// ecs:UntagResource
    UntagResource {
        /// ARN of the resource.
        arn: String,
        /// Keys to remove.
        keys: Vec<String>,
    },
}

impl Action {
    /// AWS's name of the operation.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::CreateCluster(_) => "CreateCluster",
            Self::UpdateCluster(_) => "UpdateCluster",
            Self::DeleteCluster { .. } => "DeleteCluster",
            Self::PutClusterCapacityProviders(_) => "PutClusterCapacityProviders",
            Self::CreateLaunchTemplate(_) => "CreateLaunchTemplate",
            Self::CreateLaunchTemplateVersion(_) => "CreateLaunchTemplateVersion",
            Self::DeleteLaunchTemplate { .. } => "DeleteLaunchTemplate",
            Self::CreateTags { .. } => "CreateTags",
            Self::DeleteTags { .. } | Self::DeleteGroupTags { .. } => "DeleteTags",
            Self::CreateAutoScalingGroup(_) => "CreateAutoScalingGroup",
            Self::UpdateAutoScalingGroup(_) => "UpdateAutoScalingGroup",
            Self::DeleteAutoScalingGroup { .. } => "DeleteAutoScalingGroup",
            Self::CreateOrUpdateTags { .. } => "CreateOrUpdateTags",
            Self::SetDesiredCapacity { .. } => "SetDesiredCapacity",
            Self::TerminateInstanceInAutoScalingGroup { .. } => "TerminateInstanceInAutoScalingGroup",
            Self::UpdateContainerInstancesState { .. } => "UpdateContainerInstancesState",
            Self::CreateCapacityProvider(_) => "CreateCapacityProvider",
            Self::UpdateCapacityProvider(_) => "UpdateCapacityProvider",
            Self::DeleteCapacityProvider { .. } => "DeleteCapacityProvider",
            Self::RegisterTaskDefinition(_) => "RegisterTaskDefinition",
            Self::DeregisterTaskDefinition { .. } => "DeregisterTaskDefinition",
            Self::CreateService(_) => "CreateService",
            Self::UpdateService(_) => "UpdateService",
            Self::DeleteService { .. } => "DeleteService",
            Self::PutParameter { .. } => "PutParameter",
            Self::DeleteParameters { .. } => "DeleteParameters",
            Self::RunTask(_) => "RunTask",
            Self::StopTask { .. } => "StopTask",
            Self::TagResource { .. } => "TagResource",
            Self::UntagResource { .. } => "UntagResource",
        }
    }

    /// The AWS service whose operation it is, as IAM spells it.
    pub const fn service(&self) -> &'static str {
        match self {
            Self::CreateLaunchTemplate(_)
            | Self::CreateLaunchTemplateVersion(_)
            | Self::DeleteLaunchTemplate { .. }
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. } => "ec2",
            Self::CreateAutoScalingGroup(_)
            | Self::UpdateAutoScalingGroup(_)
            | Self::DeleteAutoScalingGroup { .. }
            | Self::CreateOrUpdateTags { .. }
            | Self::DeleteGroupTags { .. }
            | Self::SetDesiredCapacity { .. }
            | Self::TerminateInstanceInAutoScalingGroup { .. } => "autoscaling",
            Self::CreateCluster(_)
            | Self::UpdateCluster(_)
            | Self::DeleteCluster { .. }
            | Self::PutClusterCapacityProviders(_)
            | Self::UpdateContainerInstancesState { .. }
            | Self::CreateCapacityProvider(_)
            | Self::UpdateCapacityProvider(_)
            | Self::DeleteCapacityProvider { .. }
            | Self::RegisterTaskDefinition(_)
            | Self::DeregisterTaskDefinition { .. }
            | Self::CreateService(_)
            | Self::UpdateService(_)
            | Self::DeleteService { .. }
            | Self::RunTask(_)
            | Self::StopTask { .. }
            | Self::TagResource { .. }
            | Self::UntagResource { .. } => "ecs",
            Self::PutParameter { .. } | Self::DeleteParameters { .. } => "ssm",
        }
    }

    /// Whether AWS gives what is made a number and makes another one each time: nothing but a reading tells how many there are.
    pub const fn is_numbered(&self) -> bool {
        matches!(self, Self::RegisterTaskDefinition(_) | Self::CreateLaunchTemplateVersion(_))
    }

    /// Whether it only writes down how an attempt of a job has ended.
    pub fn is_result(&self) -> bool {
        matches!(self, Self::PutParameter { name, .. } if name.strip_suffix(".end").is_some())
    }

    /// What kind of change it is, for reading a plan at a glance.
    pub const fn change(&self) -> Change {
        match self {
            Self::CreateCluster(_)
            | Self::CreateLaunchTemplate(_)
            | Self::CreateLaunchTemplateVersion(_)
            | Self::CreateAutoScalingGroup(_)
            | Self::CreateCapacityProvider(_)
            | Self::RegisterTaskDefinition(_)
            | Self::CreateService(_)
            | Self::PutParameter { .. }
            | Self::RunTask(_) => Change::Create,
            Self::UpdateCluster(_)
            | Self::PutClusterCapacityProviders(_)
            | Self::CreateTags { .. }
            | Self::DeleteTags { .. }
            | Self::UpdateAutoScalingGroup(_)
            | Self::CreateOrUpdateTags { .. }
            | Self::DeleteGroupTags { .. }
            | Self::SetDesiredCapacity { .. }
            | Self::UpdateContainerInstancesState { .. }
            | Self::UpdateCapacityProvider(_)
            | Self::UpdateService(_)
            | Self::TagResource { .. }
            | Self::UntagResource { .. } => Change::Update,
            Self::DeleteCluster { .. }
            | Self::DeleteLaunchTemplate { .. }
            | Self::DeleteAutoScalingGroup { .. }
            | Self::TerminateInstanceInAutoScalingGroup { .. }
            | Self::DeleteCapacityProvider { .. }
            | Self::DeregisterTaskDefinition { .. }
            | Self::DeleteService { .. }
            | Self::DeleteParameters { .. }
            | Self::StopTask { .. } => Change::Delete,
        }
    }
}

/// What becomes of the place of a terminated instance in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// The group launches another instance.
    Refilled,
    /// The group wants one instance less (`ShouldDecrementDesiredCapacity`).
    Removed,
}

/// Kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Something new.
    Create,
    /// Something that stays, with other contents.
    Update,
    /// Something that goes.
    Delete,
}

/// A call, the resource that it writes, and why it is made.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Object that the step is for.
    pub object: crate::spec::ObjectKey,
    /// Resource that it writes.
    pub resource: Resource,
    /// The call.
    #[serde(flatten)]
    pub action: Action,
    /// Why: what is missing, or which fields differ.
    pub because: Vec<Cause>,
}

impl Step {
    /// Identifies the call and its request, for recognising a repetition.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.action)
    }
}
