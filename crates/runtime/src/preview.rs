//! One look at AWS and everything that would be done about it, for `axon plan`.
//!
//! Beside the loop: the same `State`, the same planner, no writing. The imagination is `axon_core::preview`'s.

use std::collections::BTreeMap;

use axon_core::allocate::{PoolLayout, allocate};
use axon_core::cloud::{Cloud, CloudError};
use axon_core::job::agenda::Agenda;
use axon_core::observed::{Listing, Slot};
use axon_core::ownership::Installation;
use axon_core::plan::{Limits, PruneLimits, Writes};
use axon_core::preview::Preview;
use axon_core::roles::RoleRules;
use axon_core::spec::Name;
use axon_core::state::{Event, Permissions, Pruning, Specified, State};
use axon_core::world::World;
use jiff::Timestamp;

use crate::schedule::asks_more;

/// A first sweep shows clusters, a second one what is in clusters that only it found, a third one histories.
const MOST_SWEEPS: usize = 3;

/// What to preview.
#[derive(Clone, Debug)]
pub struct PreviewRequest {
    /// Whose resources are ours.
    pub installation: Installation,
    /// What should be true.
    pub specified: Specified,
    /// Whether undeclared objects would be removed.
    pub pruning: Pruning,
    /// How much of that at once.
    pub prune_limits: PruneLimits,
    /// Which IAM roles may be passed.
    pub roles: RoleRules,
}

/// What would be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Foreseen {
    /// Every step to the end.
    pub preview: Preview,
    /// Who would hold which Neuron devices, by pool and instance type, and what differs from who holds them now. Pools
    /// whose instances or tasks could not be read are absent.
    pub layouts: BTreeMap<Name, Vec<PoolLayout>>,
}

/// Reads AWS and plays the plan to its end. Errors of parts of the reading come beside the preview; if not even the
/// clusters can be read, there is none.
pub async fn preview<C: Cloud>(
    cloud: &C,
    now: Timestamp,
    request: PreviewRequest,
) -> Result<(Foreseen, Vec<CloudError>), CloudError> {
    let PreviewRequest { installation, specified, pruning, prune_limits, roles } = request;
    let permissions = Permissions { writes: Writes::Allowed, prune: pruning, prune_limits, roles: roles.clone() };
    let mut state = State::new(installation, permissions);
    let limits = Limits { prune_limits, roles, ..Limits::fresh(now, specified.prune(pruning)) };
    let desired = specified.desired.clone();
    state.fold(Event::Specified(Box::new(specified)));
    let mut scope = state.scope(now);
    for _ in 0..MOST_SWEEPS {
        let sweep = cloud.observe(scope.clone()).await;
        if let Err(error) = &sweep.clusters {
            return Err(error.clone());
        }
        state.fold(Event::Swept(Box::new(sweep)));
        // Planning says whose history it needs.
        let (_plan, _violations) = state.plan(now);
        let mut next = state.scope(now);
        // Where Axon chooses the devices, the plan depends on who holds them; elsewhere tasks matter to statuses only.
        if desired.packed.is_empty() && desired.jobs.is_empty() {
            next.tasks_of.clear();
        }
        if !asks_more(&next, &scope) {
            break;
        }
        scope = next;
    }
    let world = World { installation: state.installation(), desired: &desired, observed: state.observed() };
    let preview = axon_core::preview::preview(world, &limits);
    Ok((Foreseen { preview, layouts: layouts(world, now) }, state.sweep_errors().to_vec()))
}

/// The layouts that the preview aims at. A cluster that does not exist yet has nothing in it, and that is known without
/// reading.
fn layouts(world: World<'_>, now: Timestamp) -> BTreeMap<Name, Vec<PoolLayout>> {
    let mut observed = world.observed.clone();
    for pool in world.desired.pools.values() {
        let cluster = pool.cluster.as_str();
        if matches!(world.observed.cluster(cluster, world.installation), Slot::Absent) {
            observed.services.insert(cluster.to_owned(), Listing::Read(BTreeMap::new()));
        }
    }
    let world = World { observed: &observed, ..world };
    allocate(world, &Agenda::of(world, now)).pools
}
