//! What a layout is made from: what an instance offers, what is in demand, what is there, and how far a pool may grow.
//!
//! Neighbours: `scene` indexes it for one computation. Not here: decisions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Slot;
use crate::neuron::{DeviceSet, InstanceType};
use crate::spec::Name;

/// What one instance offers to tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub(super) sets: BTreeMap<u8, Vec<DeviceSet>>,
    pub(super) cpu: u32,
    pub(super) memory: u32,
}

impl Host {
    /// An instance of this type with `cpu` CPU units and `memory` MiB for tasks: what it registers with ECS, less what
    /// tasks outside of the layout (log routers, monitoring) take on every instance.
    pub fn new(kind: &InstanceType, cpu: u32, memory: u32) -> Self {
        let sets = kind.device_counts().into_iter().map(|count| (count, kind.device_sets(count))).collect();
        Self { sets, cpu, memory }
    }

    /// Devices of an instance.
    pub fn chips(&self) -> u8 {
        self.sets.keys().max().copied().unwrap_or(0)
    }

    /// CPU units and MiB for tasks.
    pub fn room(&self) -> (u32, u32) {
        (self.cpu, self.memory)
    }

    /// The sets that `count` devices may be; none if the count is not allowed.
    pub fn sets(&self, count: u8) -> &[DeviceSet] {
        self.sets.get(&count).map_or(&[], Vec::as_slice)
    }
}

/// How the replicas of a workload are spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spread {
    /// On as few instances as possible.
    #[default]
    Pack,
    /// As evenly over Availability Zones as room allows, if need be on more instances.
    Zones,
}

/// Whether other tasks may run on the same instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sharing {
    /// Any task whose devices, CPU and memory fit beside it.
    #[default]
    Shared,
    /// None. For tasks with network mode `awsvpc`, whose ports say nothing about the instance.
    Alone,
}

/// What one workload needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The workload. If it is named twice, only the first demand counts.
    pub workload: Name,
    /// How many tasks.
    pub replicas: u32,
    /// Devices of one task.
    pub devices: u8,
    /// CPU units of one task.
    pub cpu: u32,
    /// Memory of one task in MiB.
    pub memory: u32,
    /// How the tasks are spread.
    pub spread: Spread,
    /// Whether other tasks may run beside one.
    pub sharing: Sharing,
    /// Who gets room first where it is short: the higher number, then the bigger device set.
    pub priority: i32,
    /// Whether tasks that have their devices can be given others.
    pub moves: Moves,
}

/// Whether tasks can be given other devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moves {
    /// By stopping one and starting another.
    #[default]
    Freely,
    /// They run to their end where they are: those that are held already are not among the replicas, and are in nobody's power.
    Never,
}

/// What there is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// The instances of the pool.
    pub instances: Vec<LiveInstance>,
    /// What the slot services are set to now. Tells tasks that wait for an instance, and which of the two tasks of a
    /// running deployment is surplus. A workload that is not in here is taken to be set to what it holds.
    pub wanted: BTreeMap<Slot, u32>,
}

/// One container instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveInstance {
    /// Its id, as the layout shall name it.
    pub id: String,
    /// Its Availability Zone, if known.
    pub zone: Option<String>,
    /// Whether tasks can be placed on it.
    pub state: InstanceState,
    /// What its devices are taken by.
    pub holds: Vec<Hold>,
}

/// Whether tasks can be placed on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum InstanceState {
    /// It takes tasks.
    Usable,
    /// It takes none and loses those it has.
    Draining,
}

/// A task that has devices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Hold {
    /// Whose task it is. A workload without a demand is somebody else's, or on its way out: its chips are taken.
    pub workload: Name,
    /// Its devices.
    pub devices: DeviceSet,
    /// CPU units it reserves.
    pub cpu: u32,
    /// MiB it reserves.
    pub memory: u32,
}

/// How far the pool may grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// The most instances that may hold tasks, draining ones not counted. None is without limit.
    pub max_instances: Option<u32>,
    /// Zones in which new instances may be launched. None given is: unknown, and new instances have no zone.
    pub zones: Vec<String>,
}
