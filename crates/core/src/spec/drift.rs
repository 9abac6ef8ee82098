//! What an object says about changes that others make to its resources on AWS.
//!
//! Neighbours: every kind has it as `spec.drift`; `validate` checks the pointers, `plan` obeys. Not here: what drift is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of changes that others make to the object's resources on AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drift {
    /// Whether such changes are brought back or only shown, in the condition `Drifted` and in events. Default: `Correct`.
    /// A change of the specification is applied either way, and then brings all fields of that request along.
    #[serde(default)]
    pub policy: DriftPolicy,
    /// Members of the object's resources that are left to others: JSON pointers (RFC 6901) into AWS's requests as
    /// `axon render` prints them, such as `/desiredCount`, `/deploymentConfiguration/maximumPercent` or `/tags/team`.
    /// They are sent when a resource is created, never compared afterwards, and keep AWS's value in updates. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
}

impl Drift {
    /// True if nothing differs from the defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of a difference that the specification did not cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DriftPolicy {
    /// It is brought back, and what is missing is made again.
    #[default]
    Correct,
    /// It is only shown, and what is missing is not made again.
    Report,
}
