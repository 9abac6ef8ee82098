//! What a layout changes about what is there.
//!
//! Neighbours: `plan` shows it. Not here: steps.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Layout, Live, Slot};
use crate::spec::Name;

/// The difference between a layout and what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Tasks that stay where they are.
    pub kept: u32,
    /// Replicas that leave one place and get another.
    pub moved: u32,
    /// Replicas that get a place and had none.
    pub gained: u32,
    /// Tasks that go and get no other place.
    pub freed: u32,
    /// Counts of slot services that differ from what is held, in order. A move within them is one down and one up.
    pub counts: Vec<CountChange>,
    /// Instances on which something changes: the living in the order given, then those to be launched.
    pub instances: Vec<InstanceChange>,
}

impl Changes {
    /// Replicas whose move ECS sees: they leave the slot service that counts them and join another.
    pub fn recounted(&self) -> u32 {
        let mut by_workload: BTreeMap<&Name, (u32, u32)> = BTreeMap::new();
        for CountChange { slot, from, to } in &self.counts {
            let (up, down) = by_workload.entry(&slot.workload).or_default();
            *up += to.saturating_sub(*from);
            *down += from.saturating_sub(*to);
        }
        by_workload.values().map(|(up, down)| up.min(down)).sum()
    }
}

/// A slot service whose count is to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountChange {
    /// Which.
    pub slot: Slot,
    /// How many instances hold it, draining ones too.
    pub from: u32,
    /// How many shall.
    pub to: u32,
}

/// What changes on one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstanceChange {
    /// The instance; none if it is to be launched.
    pub instance: Option<String>,
    /// Its Availability Zone, if known.
    pub zone: Option<String>,
    /// Slots that are new on it.
    pub gained: Vec<Slot>,
    /// Slots that go.
    pub freed: Vec<Slot>,
    /// Slots that stay.
    pub kept: Vec<Slot>,
}

impl Layout {
    /// What this layout changes. Tasks of workloads that are in no demand are left out by `is_ours`.
    pub fn changes(&self, live: &Live, is_ours: impl Fn(&Name) -> bool) -> Changes {
        let mut rows: Vec<InstanceChange> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for instance in &live.instances {
            let holds = instance.holds.iter().filter(|hold| is_ours(&hold.workload));
            let freed = holds.map(|hold| Slot { workload: hold.workload.clone(), devices: hold.devices }).collect();
            known.insert(&instance.id, rows.len());
            let (instance, zone) = (Some(instance.id.clone()), instance.zone.clone());
            rows.push(InstanceChange { instance, zone, gained: Vec::new(), freed, kept: Vec::new() });
        }
        for row in &self.rows {
            let at = row.instance.as_deref().and_then(|id| known.get(id)).and_then(|at| rows.get_mut(*at));
            match at {
                Some(found) => row.slots.iter().for_each(|slot| settle(found, slot)),
                None => rows.push(InstanceChange {
                    instance: row.instance.clone(),
                    zone: row.zone.clone(),
                    gained: row.slots.clone(),
                    freed: Vec::new(),
                    kept: Vec::new(),
                }),
            }
        }
        self.summed(rows)
    }

    fn summed(&self, mut rows: Vec<InstanceChange>) -> Changes {
        let mut counts: BTreeMap<Slot, (u32, u32)> = BTreeMap::new();
        let mut totals: BTreeMap<Name, (u32, u32)> = BTreeMap::new();
        let mut changes = Changes::default();
        for row in &rows {
            changes.kept += u32::try_from(row.kept.len()).unwrap_or(u32::MAX);
            row.kept.iter().chain(&row.freed).for_each(|slot| counts.entry(slot.clone()).or_default().0 += 1);
            row.gained.iter().for_each(|slot| totals.entry(slot.workload.clone()).or_default().0 += 1);
            row.freed.iter().for_each(|slot| totals.entry(slot.workload.clone()).or_default().1 += 1);
        }
        self.counts().into_iter().for_each(|(slot, to)| counts.entry(slot).or_default().1 = to);
        for (gained, freed) in totals.into_values() {
            changes.moved += gained.min(freed);
            changes.gained += gained.saturating_sub(freed);
            changes.freed += freed.saturating_sub(gained);
        }
        let counts = counts.into_iter().filter(|(_, (from, to))| from != to);
        changes.counts = counts.map(|(slot, (from, to))| CountChange { slot, from, to }).collect();
        rows.retain(|row| !row.gained.is_empty() || !row.freed.is_empty());
        changes.instances = rows;
        changes
    }
}

/// Counts a slot of the layout as kept if it is held, else as gained.
fn settle(row: &mut InstanceChange, slot: &Slot) {
    match row.freed.iter().position(|held| held == slot) {
        Some(at) => row.kept.push(row.freed.remove(at)),
        None => row.gained.push(slot.clone()),
    }
}
