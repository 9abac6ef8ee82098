//! What a person has switched on or off.
//!
//! Part of `state`, which hands it on to every plan. Plain data.

use crate::plan::{PruneLimits, Writes};
use crate::roles::RoleRules;

/// What a person has switched on or off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Whether to write at all.
    pub writes: Writes,
    /// Whether undeclared objects are removed.
    pub prune: Pruning,
    /// How much of that may be removed at once.
    pub prune_limits: PruneLimits,
    /// Which IAM roles may be passed.
    pub roles: RoleRules,
}

/// Whether undeclared objects are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruning {
    /// They stay.
    Off,
    /// They go, unless the source is incomplete or empty, or too many would.
    On,
}
