//! Layouts of small pools, written out.

mod consolidate;
mod fill;
mod keep;
mod told;

use std::collections::BTreeMap;

use super::*;
use crate::neuron::{Catalog, DeviceSet};
use crate::spec::Name;

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn set(text: &str) -> DeviceSet {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last): (u8, u8) = (first.parse().unwrap(), last.parse().unwrap());
    DeviceSet::new(first, last - first + 1).unwrap()
}

pub(super) fn host(kind: &str) -> Host {
    let catalog = Catalog::builtin();
    let kind = catalog.get(kind).unwrap();
    Host::new(kind, kind.task_cpu(), kind.task_memory_mib())
}

pub(super) fn demand(workload: &str, replicas: u32, devices: u8) -> Demand {
    Demand {
        workload: name(workload),
        replicas,
        devices,
        cpu: 1024,
        memory: 1024,
        spread: Spread::Pack,
        sharing: Sharing::Shared,
        priority: 0,
        moves: Moves::Freely,
    }
}

pub(super) fn spread(workload: &str, replicas: u32, devices: u8) -> Demand {
    Demand { spread: Spread::Zones, ..demand(workload, replicas, devices) }
}

/// An instance from `id[@zone][!]: workload devices, …`; `!` says that it drains.
fn instance(text: &str) -> LiveInstance {
    let (id, holds) = text.split_once(':').unwrap();
    let state = if id.ends_with('!') { InstanceState::Draining } else { InstanceState::Usable };
    let (id, zone) = match id.trim_end_matches('!').split_once('@') {
        Some((id, zone)) => (id, Some(zone.to_owned())),
        None => (id.trim_end_matches('!'), None),
    };
    let hold = |text: &str| {
        let (workload, devices) = text.trim().split_once(' ').unwrap();
        Hold { workload: name(workload), devices: set(devices), cpu: 1024, memory: 1024 }
    };
    let holds = holds.split(',').filter(|text| !text.trim().is_empty()).map(hold).collect();
    LiveInstance { id: id.to_owned(), zone, state, holds }
}

pub(super) fn live(instances: &[&str]) -> Live {
    Live { instances: instances.iter().map(|text| instance(text)).collect(), wanted: BTreeMap::new() }
}

/// A layout in the same notation; an instance to be launched is `new`.
fn shown(layout: &Layout) -> Vec<String> {
    let row = |row: &Row| {
        let slots: Vec<_> = row.slots.iter().map(|slot| format!("{} {}", slot.workload, slot.devices)).collect();
        let zone = row.zone.as_ref().map_or(String::new(), |zone| format!("@{zone}"));
        format!("{}{zone}: {}", row.instance.as_deref().unwrap_or("new"), slots.join(", "))
    };
    layout.rows.iter().map(row).collect()
}

fn counted(layout: &Layout) -> Vec<String> {
    layout.counts().iter().map(|(slot, count)| format!("{} {} x{count}", slot.workload, slot.devices)).collect()
}

fn in_zones(zones: &[&str]) -> Room {
    Room { max_instances: None, zones: zones.iter().map(|zone| (*zone).to_owned()).collect() }
}

pub(super) fn at_most(max: u32) -> Room {
    Room { max_instances: Some(max), zones: Vec::new() }
}

fn moved(layout: &Layout, live: &Live) -> u32 {
    layout.changes(live, |_| true).moved
}
