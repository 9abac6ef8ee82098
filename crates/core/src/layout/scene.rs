//! The inputs of one computation, indexed: tasks in the order in which they get room, sets as bit masks, zones as numbers.
//!
//! Neighbours: every stage reads it, none changes it. Not here: who is where, which is `board`.

use std::cell::{OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Demand, Host, InstanceState, Live, Moves, Room, Sharing, Slot, Spread, Why};
use crate::neuron::DeviceSet;
use crate::spec::Name;

/// Devices as bits.
pub(super) type Mask = u128;

/// The bits of a set; devices above 127 have none.
pub(super) fn mask(set: DeviceSet) -> Mask {
    let from = |bit: u8| Mask::MAX.checked_shl(u32::from(bit)).unwrap_or(0);
    from(set.first()) & !set.last().checked_add(1).map_or(0, from)
}

/// A demand and what follows from it.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub(super) demand: &'a Demand,
    /// The sets it may have; none if it fits no instance.
    pub(super) sets: Vec<(DeviceSet, Mask)>,
    /// What its slot services count now.
    pub(super) standing: BTreeMap<DeviceSet, u32>,
}

impl Task<'_> {
    pub(super) fn is_alone(&self) -> bool {
        self.demand.sharing == Sharing::Alone
    }
}

/// A set that is free on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FreeSet {
    /// What taking it costs of the row's room.
    pub(super) loss: u128,
    pub(super) set: DeviceSet,
    pub(super) mask: Mask,
}

/// What is free on rows of which the same devices are taken.
#[derive(Debug)]
pub(super) struct Openings {
    used: Mask,
    /// Devices of the biggest set that is free; 0 if none is.
    pub(super) largest: u8,
    /// Free sets by size, each found when it is first asked for.
    by_size: Vec<OnceCell<Rc<[FreeSet]>>>,
}

#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) host: &'a Host,
    /// First come, first served.
    pub(super) tasks: Vec<Task<'a>>,
    /// The most rows that may be in use.
    pub(super) max: usize,
    /// Zones in which instances can be launched.
    pub(super) launch: Vec<usize>,
    ids: Vec<&'a str>,
    zones: Vec<Option<&'a str>>,
    /// The sets of each size, the biggest size first.
    sizes: Vec<Vec<Mask>>,
    numbers: BTreeMap<&'a Name, usize>,
    /// Answers of [`Self::openings`], which is asked the same for row after row.
    openings: RefCell<BTreeMap<Mask, Rc<Openings>>>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(host: &'a Host, demands: &'a [Demand], live: &'a Live, room: &'a Room) -> Self {
        let standing = standing(live);
        let mut named = BTreeSet::new();
        let mut tasks: Vec<_> = demands
            .iter()
            .filter(|demand| named.insert(&demand.workload))
            .map(|demand| Task {
                demand,
                sets: sets(host, demand),
                standing: standing.get(&demand.workload).cloned().unwrap_or_default(),
            })
            .collect();
        tasks.sort_by_key(|task| {
            let it = task.demand;
            (Reverse((it.priority, it.devices, it.cpu, it.memory)), it.spread == Spread::Pack, &it.workload)
        });
        let launch: BTreeSet<Option<&str>> = room.zones.iter().map(|zone| Some(zone.as_str())).collect();
        let lived = live.instances.iter().map(|instance| instance.zone.as_deref());
        let zones: BTreeSet<_> = launch.iter().copied().chain(lived).chain([None]).collect();
        let zones: Vec<_> = zones.into_iter().collect();
        let may = |zone: Option<&str>| launch.contains(&zone) || launch.is_empty() && zone.is_none();
        let launch = zones.iter().enumerate().filter(|(_, zone)| may(**zone)).map(|(index, _)| index).collect();
        let max = room.max_instances.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
        let ids = live.instances.iter().map(|instance| instance.id.as_str()).collect();
        let sizes = host.sets.values().rev().map(|sets| sets.iter().map(|set| mask(*set)).collect()).collect();
        let numbers = tasks.iter().enumerate().map(|(number, task)| (&task.demand.workload, number)).collect();
        let openings = RefCell::default();
        Self { host, tasks, max, launch, ids, zones, sizes, numbers, openings }
    }

    pub(super) fn task(&self, workload: &Name) -> Option<usize> {
        self.numbers.get(workload).copied()
    }

    /// Whether tasks of a demand can be given other devices.
    pub(super) fn may_move(&self, task: usize) -> bool {
        self.tasks.get(task).is_some_and(|task| task.demand.moves == Moves::Freely)
    }

    /// The number of a zone.
    pub(super) fn zone_index(&self, zone: Option<&str>) -> usize {
        self.zones.iter().position(|known| *known == zone).unwrap_or_default()
    }

    pub(super) fn zone_count(&self) -> usize {
        self.zones.len()
    }

    pub(super) fn zone(&self, index: usize) -> Option<String> {
        self.zones.get(index).copied().flatten().map(str::to_owned)
    }

    pub(super) fn id(&self, origin: Option<usize>) -> Option<String> {
        self.ids.get(origin?).map(|id| (*id).to_owned())
    }

    /// What is free beside the devices in `used`.
    pub(super) fn openings(&self, used: Mask) -> Rc<Openings> {
        let find = || {
            let is_free = |(_, sets): &(&u8, &Vec<DeviceSet>)| sets.iter().any(|set| mask(*set) & used == 0);
            let largest = self.host.sets.iter().rev().find(is_free).map_or(0, |(count, _)| *count);
            let by_size = std::iter::repeat_with(OnceCell::new).take(usize::from(largest) + 1).collect();
            Rc::new(Openings { used, largest, by_size })
        };
        Rc::clone(self.openings.borrow_mut().entry(used).or_insert_with(find))
    }

    /// The sets of `count` devices that are free, those that leave the most room first.
    pub(super) fn free_sets(&self, count: u8, openings: &Openings) -> Rc<[FreeSet]> {
        let find = || {
            let before = self.room(openings.used);
            let sets = self.host.sets(count).iter().map(|set| (*set, mask(*set)));
            let free = sets.filter(|(_, mask)| *mask != 0 && openings.used & mask == 0);
            let loss = |mask| before.saturating_sub(self.room(openings.used | mask));
            let mut found: Vec<_> = free.map(|(set, mask)| FreeSet { loss: loss(mask), set, mask }).collect();
            found.sort_unstable();
            found.into()
        };
        openings.by_size.get(usize::from(count)).map_or_else(|| [].into(), |cell| Rc::clone(cell.get_or_init(find)))
    }

    /// How much room is left beside the devices in `used`: for every size, the biggest first, how many sets of it fit at
    /// once, five bits a size. The difference of two values is what a placement costs, and one set of a bigger size costs
    /// more than any number of smaller ones.
    fn room(&self, used: Mask) -> u128 {
        let fitting = |sets: &Vec<Mask>| {
            let take = |(taken, count): (Mask, u128), set: &Mask| match taken & set {
                0 => (taken | set, count + 1),
                _ => (taken, count),
            };
            sets.iter().fold((used, 0), take).1.min(31)
        };
        self.sizes.iter().take(25).fold(0, |digits, sets| digits << 5 | fitting(sets))
    }

    /// Why a task has replicas without a place.
    pub(super) fn why(&self, task: &Task<'_>) -> Why {
        let Demand { devices, cpu, memory, .. } = *task.demand;
        let host = self.host;
        if host.sets(devices).is_empty() {
            return Why::DeviceCount { devices, allowed: host.sets.keys().copied().collect() };
        }
        if task.sets.is_empty() {
            return Why::TooBig { cpu, memory, host_cpu: host.cpu, host_memory: host.memory };
        }
        Why::MaxInstances { max: u32::try_from(self.max).unwrap_or(u32::MAX) }
    }
}

fn sets(host: &Host, demand: &Demand) -> Vec<(DeviceSet, Mask)> {
    if demand.cpu > host.cpu || demand.memory > host.memory {
        return Vec::new();
    }
    let sets = host.sets(demand.devices).iter().map(|set| (*set, mask(*set)));
    let sets = sets.filter(|(_, mask)| *mask != 0);
    match demand.sharing {
        Sharing::Shared => sets.collect(),
        // Whoever is alone needs no choice: one slot service for all.
        Sharing::Alone => sets.take(1).collect(),
    }
}

/// What the slot services count, by workload.
fn standing(live: &Live) -> BTreeMap<&Name, BTreeMap<DeviceSet, u32>> {
    let mut counts: BTreeMap<&Name, BTreeMap<DeviceSet, u32>> = BTreeMap::new();
    let mut add = |workload, devices, count: u32| {
        let found = counts.entry(workload).or_default().entry(devices).or_default();
        *found = found.saturating_add(count);
    };
    let told: BTreeSet<&Name> = live.wanted.keys().map(|slot| &slot.workload).collect();
    live.wanted.iter().for_each(|(Slot { workload, devices }, count)| add(workload, *devices, *count));
    for hold in live.instances.iter().flat_map(|instance| &instance.holds) {
        if !told.contains(&hold.workload) {
            add(&hold.workload, hold.devices, 1);
        }
    }
    counts
}

/// True if tasks can stay on an instance in this state.
pub(super) const fn is_usable(state: InstanceState) -> bool {
    match state {
        InstanceState::Usable => true,
        InstanceState::Draining => false,
    }
}
