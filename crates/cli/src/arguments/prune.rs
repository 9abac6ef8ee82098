//! How much may be removed at once. Neighbours: `commands` takes it in for `plan` and `run`.

use axon_core::plan::PruneLimits;
use clap::Args;

/// How much may be removed at once because it is no longer declared. Beyond that, nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct PruneArguments {
    /// Remove nothing when more objects than this are no longer declared [default: run 10, plan without limit].
    #[arg(long, env = "AXON_PRUNE_MAX_OBJECTS", hide_env = true, value_name = "N")]
    pub prune_max_objects: Option<u32>,
    /// Remove nothing when more percent of all objects than this are no longer declared; a single one may always go
    /// [default: run 50, plan without limit].
    #[arg(long, env = "AXON_PRUNE_MAX_PERCENT", hide_env = true, value_name = "N",
        value_parser = clap::value_parser!(u32).range(0..=100))]
    pub prune_max_percent: Option<u32>,
}

impl PruneArguments {
    /// The limits that were given; without one there is none.
    pub const fn limits(self) -> PruneLimits {
        PruneLimits { max_objects: self.prune_max_objects, max_percent: self.prune_max_percent }
    }
}
