//! One call that changes AWS, complete enough that whoever executes it has nothing left to decide.
//!
//! `plan` makes steps, `check` reviews them, `axon-aws` executes them, `preview` imagines their effect. A step names the
//! resource that it writes; two steps on one resource never run at once.

use std::fmt;

use serde::Serialize;

use crate::fingerprint::Fingerprint;
use crate::ownership::Tags;
use crate::shape::cluster::{CreateCluster, UpdateCluster};
use crate::shape::provider::{CreateCapacityProvider, UpdateCapacityProvider};
use crate::shape::service::{CreateService, UpdateService};
use crate::shape::task_definition::RegisterTaskDefinition;

/// A resource on AWS that Axon writes. The order is the order of creation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// An ECS cluster.
    Cluster(String),
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
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster {name}"),
            Self::CapacityProvider(name) => write!(f, "capacity provider {name}"),
            Self::TaskDefinition(family) => write!(f, "task definition {family}"),
            Self::Service { cluster, name } => write!(f, "service {cluster}/{name}"),
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
    /// ecs:CreateCapacityProvider
    CreateCapacityProvider(CreateCapacityProvider),
    /// ecs:UpdateCapacityProvider
    UpdateCapacityProvider(UpdateCapacityProvider),
    /// ecs:DeleteCapacityProvider
    #[serde(rename_all = "camelCase")]
    DeleteCapacityProvider {
        /// Provider name.
        name: String,
        /// Cluster that it belongs to.
        cluster: String,
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
            Self::CreateCapacityProvider(_) => "CreateCapacityProvider",
            Self::UpdateCapacityProvider(_) => "UpdateCapacityProvider",
            Self::DeleteCapacityProvider { .. } => "DeleteCapacityProvider",
            Self::RegisterTaskDefinition(_) => "RegisterTaskDefinition",
            Self::DeregisterTaskDefinition { .. } => "DeregisterTaskDefinition",
            Self::CreateService(_) => "CreateService",
            Self::UpdateService(_) => "UpdateService",
            Self::DeleteService { .. } => "DeleteService",
            Self::TagResource { .. } => "TagResource",
            Self::UntagResource { .. } => "UntagResource",
        }
    }

    /// What kind of change it is, for reading a plan at a glance.
    pub const fn change(&self) -> Change {
        match self {
            Self::CreateCluster(_)
            | Self::CreateCapacityProvider(_)
            | Self::RegisterTaskDefinition(_)
            | Self::CreateService(_) => Change::Create,
            Self::UpdateCluster(_)
            | Self::UpdateCapacityProvider(_)
            | Self::UpdateService(_)
            | Self::TagResource { .. }
            | Self::UntagResource { .. } => Change::Update,
            Self::DeleteCluster { .. }
            | Self::DeleteCapacityProvider { .. }
            | Self::DeregisterTaskDefinition { .. }
            | Self::DeleteService { .. } => Change::Delete,
        }
    }
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

/// Why a step is needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "cause", rename_all = "camelCase")]
pub enum Cause {
    /// It does not exist.
    Missing,
    /// No revision with this content exists.
    NewContent,
    /// One field differs.
    Field(FieldChange),
    /// The object is no longer declared.
    NotDeclared,
    /// A newer generation has taken over.
    Superseded {
        /// What took over.
        by: String,
    },
    /// More old revisions than `revisionHistoryLimit`.
    BeyondHistory {
        /// How many are kept.
        limit: u32,
    },
    /// The annotation `neuron.ecs/adopt` allows taking it over.
    Adoption,
    /// It failed to be created and cannot be repaired.
    Failed {
        /// AWS's reason.
        reason: String,
    },
}

/// One differing field of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Path in AWS's member names, dotted (`deploymentConfiguration.maximumPercent`).
    pub path: String,
    /// What AWS has, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<serde_json::Value>,
    /// What is wanted, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<serde_json::Value>,
}
