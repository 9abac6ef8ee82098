//! The envelope of a document: `apiVersion`, `kind`, `metadata`, `spec`, and the key under which the world knows it.
//!
//! Neighbours: `parse` builds an [`Object`] per document; `validate` sorts them into a `Fleet`.
//! Not here: the specs themselves.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterSpec, JobSpec, Metadata, Name, PoolSpec, ServiceSpec};

/// The API version of every document this build reads.
pub const API_VERSION: &str = "neuron.ecs/v1alpha1";

/// The version of the objects' format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only version there is so far.
    #[default]
    #[serde(rename = "neuron.ecs/v1alpha1")]
    V1Alpha1,
}

/// The kinds of objects. Their order is the order in which things must exist on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// An ECS cluster.
    NeuronCluster,
    /// Capacity with Neuron devices.
    NeuronPool,
    /// Replicas of an inference server.
    NeuronService,
    /// Work that ends.
    NeuronJob,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::NeuronCluster, Self::NeuronPool, Self::NeuronService, Self::NeuronJob];

    /// The kind as users write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeuronCluster => "NeuronCluster",
            Self::NeuronPool => "NeuronPool",
            Self::NeuronService => "NeuronService",
            Self::NeuronJob => "NeuronJob",
        }
    }

    /// The kind that users write as `text`.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object's identity within one target: `NeuronService/llama`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectKey {
    /// The kind.
    pub kind: Kind,
    /// The name, unique within the kind.
    pub name: Name,
}

impl ObjectKey {
    /// The key of a cluster.
    pub const fn cluster(name: Name) -> Self {
        Self { kind: Kind::NeuronCluster, name }
    }

    /// The key of a pool.
    pub const fn pool(name: Name) -> Self {
        Self { kind: Kind::NeuronPool, name }
    }

    /// The key of a service.
    pub const fn service(name: Name) -> Self {
        Self { kind: Kind::NeuronService, name }
    }

    /// The key of a job.
    pub const fn job(name: Name) -> Self {
        Self { kind: Kind::NeuronJob, name }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

macro_rules! object {
    ($(#[$doc:meta])* $object:ident, $tag:ident, $spec:ty) => {
        #[doc = concat!("The `kind` of a ", stringify!($object), " document.")]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum $tag {
            #[doc = concat!("The word `", stringify!($object), "`.")]
            #[default]
            $object,
        }

        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $object {
            /// The version of the format: `neuron.ecs/v1alpha1`.
            pub api_version: ApiVersion,
            /// The kind of the object.
            pub kind: $tag,
            /// Name, labels and annotations.
            pub metadata: Metadata,
            /// What should be true.
            pub spec: $spec,
        }

        impl $object {
            /// The object with this metadata and spec.
            pub const fn new(metadata: Metadata, spec: $spec) -> Self {
                Self { api_version: ApiVersion::V1Alpha1, kind: $tag::$object, metadata, spec }
            }

            /// The object's identity.
            pub fn key(&self) -> ObjectKey {
                ObjectKey { kind: Kind::$object, name: self.metadata.name.clone() }
            }
        }
    };
}

object!(
    /// An ECS cluster, created or adopted.
    NeuronCluster, NeuronClusterKind, ClusterSpec
);
object!(
    /// Capacity with Neuron devices for one cluster.
    NeuronPool, NeuronPoolKind, PoolSpec
);
object!(
    /// Replicas of an inference server on one pool or several.
    NeuronService, NeuronServiceKind, ServiceSpec
);
object!(
    /// Training or batch work that ends.
    NeuronJob, NeuronJobKind, JobSpec
);

/// One document, of whatever kind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Object {
    /// A cluster.
    Cluster(Box<NeuronCluster>),
    /// A pool.
    Pool(Box<NeuronPool>),
    /// A service.
    Service(Box<NeuronService>),
    /// A job.
    Job(Box<NeuronJob>),
}

impl Object {
    /// The object's identity.
    pub fn key(&self) -> ObjectKey {
        match self {
            Self::Cluster(cluster) => cluster.key(),
            Self::Pool(pool) => pool.key(),
            Self::Service(service) => service.key(),
            Self::Job(job) => job.key(),
        }
    }

    /// The object's metadata.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Cluster(cluster) => &cluster.metadata,
            Self::Pool(pool) => &pool.metadata,
            Self::Service(service) => &service.metadata,
            Self::Job(job) => &job.metadata,
        }
    }
}
