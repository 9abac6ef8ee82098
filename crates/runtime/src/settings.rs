//! What a reconciler is allowed to do, how often it looks, and when it is done.
//!
//! Filled by `axon-cli` from its arguments, read by `controller` and `schedule`. Plain data.

use std::time::Duration;

use axon_core::ownership::Installation;
use axon_core::plan::{PruneLimits, Writes};
use axon_core::quota::Share;
use axon_core::roles::RoleRules;
use axon_core::state::Pruning;
use axon_core::target::Target;

/// The settings of one reconciler.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose resources are ours.
    pub installation: Installation,
    /// Which target of several this one is; without it, everything declared is for it.
    pub target: Option<Target>,
    /// Whether anything may be written.
    pub writes: Writes,
    /// Whether undeclared objects are removed.
    pub pruning: Pruning,
    /// How much of that may be removed at once.
    pub prune_limits: PruneLimits,
    /// Which IAM roles specifications may have passed.
    pub roles: RoleRules,
    /// How much of the account's quotas for calls steps may take.
    pub share: Share,
    /// Calls that may be under way at once. AWS's limits on calls are what slows steps down; this one only bounds what is
    /// under way when AWS answers slowly. All buckets together refill about 90 tokens a second, so at a third of a second
    /// a call 30 are under way.
    pub max_concurrent_steps: usize,
    /// From one sweep to the next while nothing moves.
    pub sweep_interval: Duration,
    /// From one sweep to the next while something moves.
    pub busy_interval: Duration,
    /// From one look at the source to the next.
    pub source_interval: Duration,
    /// When to end.
    pub until: Until,
    /// When to give up, counted from the start.
    pub timeout: Option<Duration>,
    /// How long calls in flight are waited for at the end. The default is as long as a call may take.
    pub shutdown_grace: Duration,
}

impl Settings {
    /// Writes, prunes without limits, and runs until it is stopped.
    pub fn new(installation: Installation) -> Self {
        Self {
            installation,
            target: None,
            writes: Writes::Allowed,
            pruning: Pruning::On,
            prune_limits: PruneLimits::NONE,
            roles: RoleRules::ANY,
            share: Share::default(),
            max_concurrent_steps: 64,
            sweep_interval: Duration::from_mins(1),
            busy_interval: Duration::from_secs(5),
            source_interval: Duration::from_secs(2),
            until: Until::Stopped,
            timeout: None,
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// When a reconciler ends by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// Never: only when it is stopped.
    #[default]
    Stopped,
    /// When every declared object is ready and nothing is left to do.
    Ready,
    /// The same, or when whatever is not ready needs a person.
    Settled,
}
