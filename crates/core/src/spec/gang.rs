//! How the nodes of a NeuronJob with more than one find one another, and how long they may take to come.
//!
//! Neighbours: part of `job`; `plan` tells every node the addresses. Not here: placement groups and EFA, which the pool has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Duration;

/// What holds for jobs with several nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gang {
    /// How long the instances may take to stand ready, and after that the tasks until all of them run. Then the attempt is
    /// over as a whole, and the next one begins. Default: `20m`.
    #[serde(default = "twenty_minutes")]
    pub start_deadline: Duration,
    /// The port of node 0 in `MASTER_PORT`, 1024 to 65535. Default: 29500, that of PyTorch.
    #[serde(default = "master")]
    #[schemars(range(min = 1024))]
    pub master_port: u16,
    /// The port of node 0 in `NEURON_RT_ROOT_COMM_ID`, 1024 to 65535. Default: 62182.
    #[serde(default = "neuron")]
    #[schemars(range(min = 1024))]
    pub neuron_port: u16,
}

impl Default for Gang {
    fn default() -> Self {
        Self { start_deadline: twenty_minutes(), master_port: master(), neuron_port: neuron() }
    }
}

impl Gang {
    /// Whether nothing differs from the defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

const fn twenty_minutes() -> Duration {
    Duration::from_minutes(20)
}

const fn master() -> u16 {
    29_500
}

/// Above the ports that Linux gives to outgoing connections.
const fn neuron() -> u16 {
    62_182
}
