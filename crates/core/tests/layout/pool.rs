//! A pool that is played: demands that change, instances that come and go, and ECS placing tasks by counts.
//!
//! ECS sees counts and host ports, not rows; so tasks are put on any instance that has the ports, CPU and memory, in an
//! order and at places that the test draws. Nothing here knows how layouts are found.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::layout::{
    Demand, Hold, Host, InstanceState, Layout, Live, LiveInstance, Moves, Room, Sharing, Slot, Spread,
};
use axon_core::neuron::{Catalog, InstanceType};
use axon_core::spec::Name;
use proptest::prelude::*;

/// CPU units and MiB of one instance: few, so that they bind now and then.
pub(crate) const CPU: u32 = 16_000;
pub(crate) const MEMORY: u32 = 64_000;

pub(crate) const KINDS: [&str; 6] =
    ["trn1.32xlarge", "inf2.48xlarge", "inf2.24xlarge", "inf1.6xlarge", "trn2.48xlarge", "inf2.8xlarge"];

pub(crate) fn kind(name: &str) -> InstanceType {
    Catalog::builtin().get(name).unwrap().clone()
}

pub(crate) fn host(kind: &InstanceType) -> Host {
    Host::new(kind, CPU, MEMORY)
}

pub(crate) fn name(index: usize) -> Name {
    format!("w{index}").parse().unwrap()
}

/// A number that picks one of several things, as many as there happen to be. As proptest's `Index`, but to be written down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn index(self, of: usize) -> usize {
        let of = u128::try_from(of).unwrap();
        usize::try_from((of * u128::from(self.0)) >> 64).unwrap()
    }

    pub(crate) fn get<T>(self, of: &[T]) -> &T {
        &of[self.index(of.len())]
    }
}

impl Arbitrary for Draw {
    type Parameters = ();
    type Strategy = proptest::strategy::Map<proptest::num::u64::Any, fn(u64) -> Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        any::<u64>().prop_map(Self)
    }
}

/// Something that happens to the fleet, to the pool, or to tasks.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Demand {
        at: usize,
        replicas: u32,
        devices: Draw,
        need: (u32, u32),
        spread: bool,
    },
    Replicas {
        at: Draw,
        by: i32,
    },
    Resize {
        at: Draw,
        devices: Draw,
    },
    Remove(Draw),
    Drain(Draw),
    Lose(Draw),
    /// ECS catches up with the counts; the numbers draw where tasks stop and start.
    Settle(Vec<Draw>),
    /// Some of what ECS has to do happens.
    Part(Vec<Draw>),
}

pub(crate) fn demand_event() -> impl Strategy<Value = Event> {
    let need = prop_oneof![4 => (100_u32..1_000, 100_u32..4_000), 1 => (1_000_u32..9_000, 1_000_u32..40_000)];
    (0..6_usize, 0..7_u32, any::<Draw>(), need, prop::bool::weighted(0.2))
        .prop_map(|(at, replicas, devices, need, spread)| Event::Demand { at, replicas, devices, need, spread })
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let draws = || prop::collection::vec(any::<Draw>(), 8);
    prop_oneof![
        4 => demand_event(),
        4 => (any::<Draw>(), -3..4_i32).prop_map(|(at, by)| Event::Replicas { at, by }),
        1 => (any::<Draw>(), any::<Draw>()).prop_map(|(at, devices)| Event::Resize { at, devices }),
        1 => any::<Draw>().prop_map(Event::Remove),
        1 => any::<Draw>().prop_map(Event::Drain),
        1 => any::<Draw>().prop_map(Event::Lose),
        5 => draws().prop_map(Event::Settle),
        2 => draws().prop_map(Event::Part),
    ]
}

/// The pool and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) kind: InstanceType,
    pub(crate) demands: BTreeMap<Name, Demand>,
    pub(crate) live: Live,
    pub(crate) room: Room,
    launched: usize,
    draws: usize,
}

impl Pool {
    pub(crate) fn new(kind: InstanceType, room: Room) -> Self {
        Self { kind, demands: BTreeMap::new(), live: Live::default(), room, launched: 0, draws: 0 }
    }

    pub(crate) fn demanded(&self) -> Vec<Demand> {
        self.demands.values().cloned().collect()
    }

    pub(crate) fn host(&self) -> Host {
        host(&self.kind)
    }

    pub(crate) fn lay_out(&self) -> Layout {
        axon_core::layout::lay_out(&self.host(), &self.demanded(), &self.live, &self.room)
    }

    fn count(&self, devices: Draw) -> u8 {
        *devices.get(&self.kind.device_counts())
    }

    /// Applies an event. Counts of services are those of the layout of this moment.
    pub(crate) fn play(&mut self, event: &Event) {
        match event {
            Event::Demand { at, replicas, devices, need: (cpu, memory), spread } => {
                let spread = if *spread { Spread::Zones } else { Spread::Pack };
                let (workload, devices) = (name(*at), self.count(*devices));
                let (replicas, cpu, memory) = (*replicas, *cpu, *memory);
                let sharing = Sharing::Shared;
                let demand = Demand {
                    workload,
                    replicas,
                    devices,
                    cpu,
                    memory,
                    spread,
                    sharing,
                    priority: 0,
                    moves: Moves::Freely,
                };
                self.demands.insert(demand.workload.clone(), demand);
            }
            Event::Replicas { at, by } => {
                if let Some(demand) = self.drawn(*at) {
                    demand.replicas = demand.replicas.saturating_add_signed(*by).min(9);
                }
            }
            Event::Resize { at, devices } => {
                let count = self.count(*devices);
                if let Some(demand) = self.drawn(*at) {
                    demand.devices = count;
                }
            }
            Event::Remove(at) => {
                let gone = self.drawn(*at).map(|demand| demand.workload.clone());
                if let Some(gone) = gone {
                    self.demands.remove(&gone);
                }
            }
            Event::Drain(at) => {
                if !self.live.instances.is_empty() {
                    let at = at.index(self.live.instances.len());
                    self.live.instances[at].state = InstanceState::Draining;
                }
            }
            Event::Lose(at) => {
                if !self.live.instances.is_empty() {
                    self.live.instances.remove(at.index(self.live.instances.len()));
                }
            }
            Event::Settle(draws) => self.follow(draws, usize::MAX),
            Event::Part(draws) => self.follow(draws, 2),
        }
    }

    fn drawn(&mut self, at: Draw) -> Option<&mut Demand> {
        let count = self.demands.len();
        (count > 0).then(|| self.demands.values_mut().nth(at.index(count)).unwrap())
    }

    /// ECS makes the counts of the layout true, with at most `limit` tasks stopped and as many started. Where nothing
    /// fits, Auto Scaling launches.
    fn follow(&mut self, draws: &[Draw], limit: usize) {
        let counts = self.lay_out().counts();
        self.live.wanted.clone_from(&counts);
        self.stop(&counts, draws, limit);
        self.start(&counts, draws, limit);
        self.live.instances.retain(|instance| !instance.holds.is_empty() || instance.state == InstanceState::Usable);
    }

    fn stop(&mut self, counts: &BTreeMap<Slot, u32>, draws: &[Draw], limit: usize) {
        // Tasks of an old revision, and all on draining instances, go first.
        let mut stopped = 0;
        for at in 0..self.live.instances.len() {
            for hold in self.live.instances[at].holds.clone() {
                let is_old = !self.is_current(&hold) || self.live.instances[at].state == InstanceState::Draining;
                if is_old && stopped < limit {
                    self.live.instances[at].holds.retain(|other| *other != hold);
                    stopped += 1;
                }
            }
        }
        loop {
            let held = self.held();
            let Some((slot, _)) = held.iter().find(|(slot, held)| counts.get(slot).unwrap_or(&0) < held) else {
                return;
            };
            if stopped >= limit {
                return;
            }
            let on = |instance: &&mut LiveInstance| instance.holds.iter().any(|hold| is(hold, slot));
            let mut on: Vec<_> = self.live.instances.iter_mut().filter(on).collect();
            let at = draws[self.draws % draws.len()].index(on.len());
            on[at].holds.retain(|hold| !is(hold, slot));
            (self.draws, stopped) = (self.draws + 1, stopped + 1);
        }
    }

    fn start(&mut self, counts: &BTreeMap<Slot, u32>, draws: &[Draw], limit: usize) {
        for (started, slot) in self.lacking(counts).into_iter().enumerate() {
            if started >= limit {
                return;
            }
            let it = &self.demands[&slot.workload];
            let hold = Hold { workload: slot.workload, devices: slot.devices, cpu: it.cpu, memory: it.memory };
            let mut open: Vec<_> = self.live.instances.iter_mut().filter(|instance| takes(instance, &hold)).collect();
            if open.is_empty() {
                self.launched += 1;
                let zones = &self.room.zones;
                let zone = (!zones.is_empty()).then(|| zones[self.launched % zones.len()].clone());
                let id = format!("i{}", self.launched);
                self.live.instances.push(LiveInstance { id, zone, state: InstanceState::Usable, holds: vec![hold] });
            } else {
                let at = draws[self.draws % draws.len()].index(open.len());
                open[at].holds.push(hold);
                self.draws += 1;
            }
        }
    }

    /// True if a task is of the revision in demand.
    fn is_current(&self, hold: &Hold) -> bool {
        self.demands.get(&hold.workload).is_some_and(|it| (it.cpu, it.memory) == (hold.cpu, hold.memory))
    }

    fn lacking(&self, counts: &BTreeMap<Slot, u32>) -> Vec<Slot> {
        let held = self.held();
        let lack = |(slot, count): (&Slot, &u32)| {
            let lack = count.saturating_sub(held.get(slot).copied().unwrap_or_default());
            std::iter::repeat_n(slot.clone(), usize::try_from(lack).unwrap())
        };
        counts.iter().flat_map(lack).collect()
    }

    /// What is held, by slot.
    pub(crate) fn held(&self) -> BTreeMap<Slot, u32> {
        let mut held = BTreeMap::new();
        for hold in self.live.instances.iter().flat_map(|instance| &instance.holds) {
            *held.entry(Slot { workload: hold.workload.clone(), devices: hold.devices }).or_default() += 1;
        }
        held
    }

    /// True if everything in demand is held, and nothing else.
    pub(crate) fn is_settled(&self) -> bool {
        let held = self.held();
        let of = |it: &Demand| held.iter().filter(|(slot, _)| slot.workload == it.workload).collect::<Vec<_>>();
        self.live.instances.iter().all(|instance| instance.state == InstanceState::Usable)
            && self.live.instances.iter().flat_map(|instance| &instance.holds).all(|hold| self.is_current(hold))
            && self.demands.values().all(|it| {
                let held = of(it);
                held.iter().all(|(slot, _)| slot.devices.len() == usize::from(it.devices))
                    && held.iter().map(|(_, count)| **count).sum::<u32>() == it.replicas
            })
    }
}

fn is(hold: &Hold, slot: &Slot) -> bool {
    hold.workload == slot.workload && hold.devices == slot.devices
}

/// What ECS checks: host ports (one a chip), CPU and memory.
fn takes(instance: &LiveInstance, hold: &Hold) -> bool {
    let sum = |part: fn(&Hold) -> u32| instance.holds.iter().map(part).sum::<u32>() + part(hold);
    instance.state == InstanceState::Usable
        && instance.holds.iter().all(|other| !other.devices.overlaps(hold.devices))
        && sum(|hold| hold.cpu) <= CPU
        && sum(|hold| hold.memory) <= MEMORY
}

/// What is wrong with a layout, whatever it is for.
pub(crate) fn faults(pool: &Pool, layout: &Layout) -> Vec<String> {
    let mut faults = Vec::new();
    for row in &layout.rows {
        let strangers = pool.live.instances.iter().filter(|it| Some(&it.id) == row.instance.as_ref());
        let strangers: Vec<_> =
            strangers.flat_map(|it| &it.holds).filter(|hold| !pool.demands.contains_key(&hold.workload)).collect();
        let mut taken = BTreeSet::new();
        let (mut cpu, mut memory) = (0, 0);
        for hold in &strangers {
            taken.extend(hold.devices.ids());
            (cpu, memory) = (cpu + hold.cpu, memory + hold.memory);
        }
        for slot in &row.slots {
            let it = &pool.demands[&slot.workload];
            if slot.devices.ids().any(|id| !taken.insert(id)) {
                faults.push(format!("{} {} overlaps in {row:?}", slot.workload, slot.devices));
            }
            if !pool.kind.device_sets(it.devices).contains(&slot.devices) {
                faults.push(format!("{} {} is no valid set", slot.workload, slot.devices));
            }
            (cpu, memory) = (cpu + it.cpu, memory + it.memory);
        }
        if !row.slots.is_empty() && (cpu > CPU || memory > MEMORY) {
            faults.push(format!("{cpu} CPU units and {memory} MiB on {row:?}"));
        }
        if pool
            .live
            .instances
            .iter()
            .any(|it| Some(&it.id) == row.instance.as_ref() && it.state != InstanceState::Usable)
        {
            faults.push(format!("{row:?} is draining"));
        }
    }
    for it in pool.demands.values() {
        let placed: u32 =
            layout.counts().iter().filter(|(slot, _)| slot.workload == it.workload).map(|(_, count)| count).sum();
        let lost: u32 =
            layout.unplaced.iter().filter(|lost| lost.workload == it.workload).map(|lost| lost.replicas).sum();
        if placed + lost != it.replicas {
            faults.push(format!("{} has {placed} and lacks {lost} of {}", it.workload, it.replicas));
        }
    }
    faults
}

/// The pool with exactly the layout's tasks on exactly its rows.
pub(crate) fn as_laid_out(pool: &Pool, layout: &Layout) -> Pool {
    let mut next = pool.clone();
    next.live.wanted = layout.counts();
    next.live.instances.retain(|it| it.state == InstanceState::Usable);
    for instance in &mut next.live.instances {
        instance.holds.retain(|hold| !pool.demands.contains_key(&hold.workload));
    }
    for (index, row) in layout.rows.iter().enumerate() {
        let holds = row.slots.iter().map(|slot| {
            let it = &pool.demands[&slot.workload];
            Hold { workload: slot.workload.clone(), devices: slot.devices, cpu: it.cpu, memory: it.memory }
        });
        let known = next.live.instances.iter_mut().find(|it| Some(&it.id) == row.instance.as_ref());
        match known {
            Some(instance) => instance.holds.extend(holds),
            None => next.live.instances.push(LiveInstance {
                id: format!("new{index}"),
                zone: row.zone.clone(),
                state: InstanceState::Usable,
                holds: holds.collect(),
            }),
        }
    }
    next
}
