//! A layout: rows of slots, and what found no place.
//!
//! Neighbours: `changes` compares it with what is there. Not here: how it is found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::board::Board;
use crate::neuron::DeviceSet;
use crate::spec::Name;

/// Who has which devices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Slot {
    /// The workload.
    pub workload: Name,
    /// The devices of one instance.
    pub devices: DeviceSet,
}

/// One instance that holds something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The instance; none if it is still to be launched.
    pub instance: Option<String>,
    /// Its Availability Zone, if known.
    pub zone: Option<String>,
    /// What it holds, by device.
    pub slots: Vec<Slot>,
}

/// Replicas without a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unplaced {
    /// The workload.
    pub workload: Name,
    /// How many of its replicas, the ones with the highest indexes.
    pub replicas: u32,
    /// Why.
    pub why: Why,
}

/// Why replicas have no place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Why {
    /// One task may not have this many devices of this instance type.
    DeviceCount {
        /// What was asked for.
        devices: u8,
        /// What is allowed.
        allowed: Vec<u8>,
    },
    /// One task asks for more CPU or memory than an empty instance has.
    TooBig {
        /// CPU units of the task.
        cpu: u32,
        /// MiB of the task.
        memory: u32,
        /// CPU units of an instance.
        host_cpu: u32,
        /// MiB of an instance.
        host_memory: u32,
    },
    /// The pool may not have more instances.
    MaxInstances {
        /// The limit.
        max: u32,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceCount { devices, allowed } => {
                let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
                write!(f, "a task may not have {devices} devices of this instance type, only {}", allowed.join(", "))
            }
            Self::TooBig { cpu, memory, host_cpu, host_memory } => write!(
                f,
                "a task needs {cpu} CPU units and {memory} MiB; an instance has {host_cpu} CPU units and {host_memory} MiB"
            ),
            Self::MaxInstances { max } => write!(f, "the pool may have {max} instances, and they are full"),
        }
    }
}

/// Where everything goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Instances that hold something: those that live, in the order given, then those still to be launched.
    pub rows: Vec<Row>,
    /// What found no place, most important first.
    pub unplaced: Vec<Unplaced>,
    /// How many instances would do if nothing ran yet. The layout may take one more so that nothing moves.
    pub fresh: u32,
}

impl Layout {
    /// What the slot services are to be set to. A slot that is absent is to be set to 0.
    pub fn counts(&self) -> BTreeMap<Slot, u32> {
        let mut counts = BTreeMap::new();
        for slot in self.rows.iter().flat_map(|row| &row.slots) {
            let count: &mut u32 = counts.entry(slot.clone()).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    /// How many instances hold something.
    pub fn instances(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }
}

/// Writes a board down. `left` are replicas without a place, by task.
pub(super) fn layout(board: &Board<'_>, left: &[u32], fresh: usize) -> Layout {
    let scene = board.scene;
    let rows = board.lines.iter().filter(|line| !line.slots.is_empty()).map(|line| {
        let slot = |(task, devices): (usize, DeviceSet)| {
            scene.tasks.get(task).map(|task| Slot { workload: task.demand.workload.clone(), devices })
        };
        let mut slots: Vec<Slot> = line.slots.iter().copied().filter_map(slot).collect();
        slots.sort_by_key(|slot| slot.devices);
        Row { instance: scene.id(line.origin), zone: scene.zone(line.zone), slots }
    });
    let lost = scene.tasks.iter().zip(left).filter(|(_, left)| **left > 0);
    let unplaced = lost.map(|(task, left)| Unplaced {
        workload: task.demand.workload.clone(),
        replicas: *left,
        why: scene.why(task),
    });
    Layout { rows: rows.collect(), unplaced: unplaced.collect(), fresh: u32::try_from(fresh).unwrap_or(u32::MAX) }
}
