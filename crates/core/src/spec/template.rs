//! The task each replica runs: size, roles, containers and volumes.
//!
//! Neighbours: part of `service`; `render` makes RegisterTaskDefinition out of it.
//! Not here: networking and devices, which belong to the service.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Container, Volume};

/// The task each replica runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// CPU units of the task; 1024 are one vCPU.
    #[schemars(range(min = 128, max = 196_608))]
    pub cpu: u32,
    /// Memory of the task in MiB.
    #[schemars(range(min = 4))]
    pub memory: u32,
    /// The role the containers act as. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,
    /// The role ECS acts as to pull private images, read secrets and write logs. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    /// The containers, 1 to 10.
    pub containers: Vec<Container>,
    /// The volumes containers may mount. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// The process namespace the containers share. Default: one for each container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<PidMode>,
    /// Tags on the task definition, beside the ones Axon adds. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Template {
    /// The container that gets the Neuron devices: the one with `neuron: true`, else the first that does not say
    /// `neuron: false`.
    pub fn neuron_container(&self) -> Option<&Container> {
        let wanted = self.containers.iter().find(|c| c.neuron == Some(true));
        wanted.or_else(|| self.containers.iter().find(|c| c.neuron.is_none()))
    }
}

/// The process namespace containers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum PidMode {
    /// The instance's.
    Host,
    /// One for the task.
    Task,
}
