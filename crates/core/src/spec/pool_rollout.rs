//! What a NeuronPool can say about replacing its instances: whether, how many at once, how carefully and when.
//!
//! Neighbours: part of `auto_scaling_group`; the windows are in `rollout_window`. Not here: replacing tasks of a service
//! (`deployment`).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, RolloutWindow};

/// What happens to running instances when the image or the launch template changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolRollout {
    /// Whether running instances are replaced. Default: `Report`.
    #[serde(default)]
    pub policy: RolloutPolicy,
    /// Instances of the pool drained at once, at least 1. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub max_unavailable: u32,
    /// How long tasks on a new instance must be well before the next one is replaced. Default: `10m`.
    #[serde(default = "ten_minutes")]
    pub soak: Duration,
    /// How long a new instance may take to register and its tasks to become healthy before the rollout is undone.
    /// Default: `20m`.
    #[serde(default = "twenty_minutes")]
    pub timeout: Duration,
    /// When instances may be replaced. Default: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<RolloutWindow>,
}

impl Default for PoolRollout {
    fn default() -> Self {
        Self {
            policy: RolloutPolicy::default(),
            max_unavailable: one(),
            soak: ten_minutes(),
            timeout: twenty_minutes(),
            windows: Vec::new(),
        }
    }
}

impl PoolRollout {
    /// True if instances may be replaced now: without windows always, else while one of them is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.windows.is_empty() || self.windows.iter().any(|window| window.is_open(now))
    }

    /// When the next window opens after now; nothing without windows, or if none ever opens.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        self.windows.iter().filter_map(|window| window.next_opening(now)).min()
    }
}

const fn one() -> u32 {
    1
}

const fn ten_minutes() -> Duration {
    Duration::from_minutes(10)
}

const fn twenty_minutes() -> Duration {
    Duration::from_minutes(20)
}

/// Whether running instances are replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RolloutPolicy {
    /// New instances get the new image and template, running ones stay, and the status counts them.
    #[default]
    Report,
    /// Running instances are drained and replaced.
    Roll,
    /// New instances get the old image and template too, and the status says what is waiting.
    Hold,
}
