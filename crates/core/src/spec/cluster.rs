//! What a NeuronCluster can say: the settings of one ECS cluster.
//!
//! Neighbours: pools and services name a cluster; `render` makes CreateCluster, UpdateCluster and
//! PutClusterCapacityProviders out of it. Not here: the list of capacity providers, which follows from the pools.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterOverrides, Drift, Name};

/// The settings of one ECS cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterSpec {
    /// The target (AWS account and Region) by its name in the operator's configuration.
    /// Default: the only target, if there is just one. Pools and services follow their cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Name>,
    /// CloudWatch Container Insights for the cluster. Default: `Disabled`.
    #[serde(default)]
    pub container_insights: ContainerInsights,
    /// How `aws ecs execute-command` sessions are encrypted and logged. Default: as AWS does it without settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execute_command: Option<ExecuteCommandSettings>,
    /// Encryption of the storage that ECS manages. Default: AWS-owned keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_storage: Option<ManagedStorage>,
    /// What services of this cluster use for Service Connect unless they say otherwise. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ServiceConnectDefaults>,
    /// Tags on the cluster, beside the ones Axon adds. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What becomes of changes that others make on AWS. Default: they are brought back.
    #[serde(default, skip_serializing_if = "Drift::is_default")]
    pub drift: Drift,
    /// Members of AWS's own requests, merged last. Default: none.
    #[serde(default, skip_serializing_if = "ClusterOverrides::is_empty")]
    pub overrides: ClusterOverrides,
}

/// How much CloudWatch Container Insights collects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ContainerInsights {
    /// Nothing.
    #[default]
    Disabled,
    /// Cluster and service metrics.
    Enabled,
    /// Metrics down to tasks and containers.
    Enhanced,
}

/// Encryption and logging of `aws ecs execute-command` sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecuteCommandSettings {
    /// KMS key (ARN, id or alias) that encrypts the session. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Where the session is logged. Default: `Default`.
    #[serde(default)]
    pub logging: ExecuteCommandLogging,
    /// The destinations, only with `logging: Override`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<ExecuteCommandLogs>,
}

/// Where an `aws ecs execute-command` session is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ExecuteCommandLogging {
    /// Nowhere.
    None,
    /// Where the container logs to.
    #[default]
    Default,
    /// Where `logConfiguration` says.
    Override,
}

/// Destinations of `aws ecs execute-command` logs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecuteCommandLogs {
    /// CloudWatch log group; it must exist. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_watch_log_group_name: Option<String>,
    /// Whether the log group is encrypted. Default: false.
    #[serde(default)]
    pub cloud_watch_encryption_enabled: bool,
    /// S3 bucket; it must exist. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_bucket_name: Option<String>,
    /// Whether objects in the bucket are encrypted. Default: false.
    #[serde(default)]
    pub s3_encryption_enabled: bool,
    /// Folder in the bucket. Default: the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_key_prefix: Option<String>,
}

/// Encryption of storage that ECS manages for the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedStorage {
    /// KMS key (ARN or id).
    pub kms_key_id: String,
}

/// What services of the cluster use for Service Connect unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectDefaults {
    /// Cloud Map namespace, by ARN: AWS answers with the ARN, and a name could not be compared with it.
    pub namespace: String,
}
