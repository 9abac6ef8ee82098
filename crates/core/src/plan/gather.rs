//! Empties an instance that a pool can do without.
//!
//! Part of `plan`, after everything else: a layout may need fewer instances than there are with the very counts that the
//! slot services have. No call to ECS follows from such a layout, nothing moves, and the pool would stay as it is for
//! ever. So one instance is drained, and managed scaling, which sees it empty, takes it away.
//!
//! One at a time, and only where nothing else is going on, where whatever ECS chooses fits, and where no service falls
//! below its budget. What is drained is recognised by its state, so a restart goes on where it was. Not here: instances
//! that are out of date (`rollout`).

use std::collections::{BTreeMap, BTreeSet};

use super::rollout::{Node, NodeSides};
use super::{Evidence, Planner};
use crate::allocate::{Allocated, Ledger, PoolLayout, Units};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::layout::{InstanceState, LiveInstance};
use crate::spec::{Consolidation, Name};
use crate::step::{Action, Cause, Resource, Step};

impl Planner<'_> {
    pub(super) fn gather(&mut self) {
        let desired = self.world.desired;
        for pool in desired.pools.values() {
            for wanted in pool.groups().iter().filter(|wanted| wanted.consolidation == Consolidation::Drain) {
                if let Some(step) = self.spare(pool, wanted) {
                    self.step(step, Evidence::Reading);
                }
            }
        }
    }

    /// The step that drains an instance of a group, if there is one too many and nothing speaks against it.
    fn spare(&self, pool: &DesiredPool, wanted: &DesiredGroup) -> Option<Step> {
        let ledgers = self.steady(pool)?;
        let layouts = self.plan.allocation.pools.get(&pool.object.name)?;
        let found = layouts.iter().find(|layout| layout.instance_type == wanted.instance_type)?;
        let held = found.live.iter().filter(|live| !live.holds.is_empty()).count();
        let needed = found.layout.rows.len();
        let settled = found.changes.counts.is_empty() && found.layout.unplaced.is_empty();
        if !settled || needed >= held || !wanted.rollout.is_open(self.limits.now) {
            return None;
        }
        let nodes = self.calm(pool, wanted)?;
        let rows: BTreeSet<&str> = found.layout.rows.iter().filter_map(|row| row.instance.as_deref()).collect();
        let spare = |live: &&LiveInstance| {
            !live.holds.is_empty()
                && !rows.contains(live.id.as_str())
                && is_within(live, &ledgers)
                && fits(live, found, wanted.host.room())
        };
        let mut spare: Vec<&LiveInstance> = found.live.iter().filter(spare).collect();
        spare.sort_by_key(|live| (live.holds.len(), &live.id));
        let whole = |node: &&Node<'_>, live: &LiveInstance| {
            node.member.id == live.id && usize::try_from(node.tasks()).is_ok_and(|tasks| tasks == live.holds.len())
        };
        let node = spare.into_iter().find_map(|live| nodes.iter().find(|node| whole(node, live)))?;
        let action = Action::UpdateContainerInstancesState {
            cluster: pool.cluster.to_string(),
            instance: node.instance?.arn.clone(),
            status: "DRAINING",
        };
        let because = vec![Cause::Surplus { needed, held }];
        let resource = Resource::Instance(node.member.id.clone());
        Some(Step { object: pool.object.clone(), resource, action, because })
    }

    /// The budgets of the services of a pool, if all that is wanted of them runs and nothing is being done about them.
    fn steady(&self, pool: &DesiredPool) -> Option<BTreeMap<&Name, Ledger>> {
        let packed = || self.world.desired.packed.values().filter(|service| service.pool == pool.object.name);
        let objects: BTreeSet<_> = packed().map(|service| &service.object).chain([&pool.object]).collect();
        let steps = self.plan.steps.iter().chain(self.limits.in_flight.values()).map(|step| &step.object);
        let waiting = self.plan.waiting.iter().map(|waiting| &waiting.object);
        if steps.chain(waiting).any(|object| objects.contains(object)) {
            return None;
        }
        let ledger = |name: &Name| match self.plan.allocation.services.get(name)? {
            Allocated::Units(Units { ledger, unplaced: None, .. }) => Some(ledger),
            Allocated::Units(_) | Allocated::Blind { .. } => None,
        };
        let runs = |ledger: &&Ledger| ledger.available == ledger.replicas && ledger.total == ledger.replicas;
        packed().map(|service| Some((&service.object.name, *ledger(&service.object.name).filter(runs)?))).collect()
    }

    /// The instances of a group, if all take tasks, are up to date, and are more than its fewest.
    fn calm(&self, pool: &DesiredPool, wanted: &DesiredGroup) -> Option<Vec<Node<'_>>> {
        let observed = self.world.observed;
        let group = observed.groups.get(&wanted.name)?;
        let instances = observed.instances.get(pool.cluster.as_str());
        let NodeSides { current, outdated } = NodeSides::of(group, instances);
        let works =
            |node: &Node<'_>| node.lives() && node.instance.is_some_and(|it| it.status == "ACTIVE" && it.connected);
        let more = group.desired > wanted.settings.min_size.unwrap_or(0)
            && usize::try_from(group.desired).is_ok_and(|desired| desired == current.len());
        (more && outdated.is_empty() && current.iter().all(works)).then_some(current)
    }
}

/// Whether the services of its tasks may lack as many replicas, or start as many before they stop any.
fn is_within(live: &LiveInstance, ledgers: &BTreeMap<&Name, Ledger>) -> bool {
    let mut tasks: BTreeMap<&Name, u32> = BTreeMap::new();
    live.holds.iter().for_each(|hold| *tasks.entry(&hold.workload).or_default() += 1);
    tasks.iter().all(|(name, count)| {
        ledgers.get(name).is_some_and(|ledger| {
            let (may_stop, may_start) = (ledger.stoppable(*count), ledger.startable(*count));
            may_stop == *count || (may_stop == 0 && may_start == *count)
        })
    })
}

/// Whether each task fits on another instance, wherever ECS may put the rest of them: its devices are free there, and CPU
/// and memory are for all. Their sets do not overlap, since they are on one instance now.
fn fits(live: &LiveInstance, found: &PoolLayout, (most_cpu, most_memory): (u32, u32)) -> bool {
    let sum = |live: &LiveInstance| {
        live.holds
            .iter()
            .fold((0_u64, 0_u64), |(cpu, memory), hold| (cpu + u64::from(hold.cpu), memory + u64::from(hold.memory)))
    };
    let (cpu, memory) = sum(live);
    let others = || found.live.iter().filter(|other| other.id != live.id && other.state == InstanceState::Usable);
    live.holds.iter().all(|hold| {
        others().any(|other| {
            let (used_cpu, used_memory) = sum(other);
            !other.holds.is_empty()
                && other.holds.iter().all(|held| !held.devices.overlaps(hold.devices))
                && used_cpu + cpu <= most_cpu.into()
                && used_memory + memory <= most_memory.into()
        })
    })
}
