//! What every object says about itself: its name, its labels and its annotations.
//!
//! Neighbours: `policy` reads the annotations Axon knows; `validate` checks names and label texts.
//! Not here: anything about AWS.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

/// The name and the free-form facts of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The object's name, unique among all objects of its kind in one target. It becomes the name on AWS.
    pub name: Name,
    /// Free key-value pairs for selecting objects in `axon status` and the web pages. Default: none.
    /// They are not sent to AWS; `spec.tags` are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Key-value pairs. Axon reads `neuron.ecs/prune` (`Enabled`, `Disabled`; default `Enabled`), `neuron.ecs/adopt`
    /// (`Never`, `IfTagged`, `Always`; default `Never`) and `neuron.ecs/suspend` (`"true"`, `"false"`; default
    /// `"false"`); all others are yours. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}
