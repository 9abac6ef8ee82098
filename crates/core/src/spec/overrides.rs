//! Members of AWS's own requests that users may add where the typed spec has no word for them.
//!
//! Neighbours: `render` merges them last, `validate` refuses the ones that would contradict the spec.
//! Not here: which members AWS knows; see `validate`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Members of one AWS request, in AWS's spelling. Objects are merged member by member, lists replace lists (except
/// `containerDefinitions`, merged by container `name`), and `null` removes what Axon would send.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Raw(pub serde_json::Map<String, serde_json::Value>);

impl Raw {
    /// True if there is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The member called `name`.
    pub fn get(&self, name: &str) -> Option<&serde_json::Value> {
        self.0.get(name)
    }
}

impl JsonSchema for Raw {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Raw".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": true,
            "description": "Members of one AWS request, in AWS's spelling."
        })
    }
}

/// Overrides of a NeuronCluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterOverrides {
    /// Members of CreateCluster and UpdateCluster. Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub cluster: Raw,
}

/// Overrides of a NeuronPool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolOverrides {
    /// Members of CreateCapacityProvider and UpdateCapacityProvider. Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub capacity_provider: Raw,
    /// Members of a version of the launch template (RequestLaunchTemplateData). Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub launch_template: Raw,
    /// Members of CreateAutoScalingGroup and UpdateAutoScalingGroup. Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub auto_scaling_group: Raw,
}

/// Overrides of a NeuronService.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceOverrides {
    /// Members of RegisterTaskDefinition. Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub task_definition: Raw,
    /// Members of CreateService and UpdateService. Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub service: Raw,
}

/// Overrides of a NeuronJob.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobOverrides {
    /// Members of RegisterTaskDefinition. Default: none.
    #[serde(default, skip_serializing_if = "Raw::is_empty")]
    pub task_definition: Raw,
}

impl JobOverrides {
    /// True if there is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.task_definition.is_empty()
    }
}

impl ClusterOverrides {
    /// True if there is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.cluster.is_empty()
    }
}

impl PoolOverrides {
    /// True if there is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.capacity_provider.is_empty() && self.launch_template.is_empty() && self.auto_scaling_group.is_empty()
    }
}

impl ServiceOverrides {
    /// True if there is nothing to merge.
    pub fn is_empty(&self) -> bool {
        self.task_definition.is_empty() && self.service.is_empty()
    }
}
