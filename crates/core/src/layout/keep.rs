//! Which live tasks stay where they are.
//!
//! Neighbours: `fill` places what is missing afterwards. Not here: moving anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::board::{Board, Line};
use super::scene::{Scene, is_usable, mask};
use super::{Hold, Live, Spread};
use crate::neuron::DeviceSet;

/// A task on a row.
type Claim = (usize, DeviceSet);

/// Rows, the one with the fewest devices taken first.
type ByLoad = BTreeSet<(u32, Reverse<usize>)>;

/// A board with a row for every usable instance and on it the tasks that stay: right size, usable instance, nobody in
/// the way, and no more than there are replicas.
pub(super) fn keep<'a>(scene: &'a Scene<'a>, live: &Live) -> Board<'a> {
    let mut bare = Board::new(scene);
    let mut claims: Vec<Vec<Claim>> = vec![Vec::new(); scene.tasks.len()];
    for (origin, instance) in live.instances.iter().enumerate().filter(|(_, instance)| is_usable(instance.state)) {
        let row = bare.open(Some(origin), scene.zone_index(instance.zone.as_deref()));
        for Hold { workload, devices, cpu, memory } in &instance.holds {
            match scene.task(workload).filter(|task| scene.may_move(*task)).and_then(|task| claims.get_mut(task)) {
                Some(claims) => claims.push((row, *devices)),
                None => bare.block(row, *devices, (*cpu, *memory)),
            }
        }
    }
    let mut crowded = bare.clone();
    let stay: Vec<Vec<Claim>> =
        claims.iter().enumerate().map(|(task, claims)| undisputed(&mut crowded, task, claims)).collect();
    let mut loads: Vec<u32> = crowded.lines.iter().map(Line::used_devices).collect();
    for (task, stay) in stay.into_iter().enumerate() {
        let kept = Surplus::new(&crowded, task, &stay, &mut loads).trimmed();
        for (row, set) in &kept {
            bare.place(*row, task, *set);
        }
        let gone = claims.get(task).into_iter().flatten().filter(|claim| !kept.contains(claim));
        for (row, set) in gone {
            bare.lines.get_mut(*row).into_iter().for_each(|line| line.leaving.push((task, mask(*set))));
        }
    }
    bare
}

/// Places the claims that are valid beside what is placed already, and returns them.
fn undisputed(board: &mut Board<'_>, task: usize, claims: &[Claim]) -> Vec<Claim> {
    let Some(known) = board.scene.tasks.get(task) else { return Vec::new() };
    let mut claims = claims.to_vec();
    claims.sort_unstable();
    claims.retain(|(row, set)| {
        let Some(line) = board.lines.get(*row) else { return false };
        let is_free = line.used & mask(*set) == 0 && known.sets.iter().any(|(valid, _)| valid == set);
        let stands = is_free && board.admits(line, task);
        if stands {
            board.place(*row, task, *set);
        }
        stands
    });
    claims
}

/// Tasks of one workload, of which some have to go.
struct Surplus<'s> {
    replicas: usize,
    stay: BTreeSet<Claim>,
    /// How many devices of each row are taken.
    loads: &'s mut [u32],
    /// Tasks that are alike but for the row, by zone (only if that matters) and set; the emptiest row first.
    alike: BTreeMap<(usize, DeviceSet), ByLoad>,
    /// The group of each row's zone.
    zone_of: BTreeMap<usize, usize>,
    in_zone: BTreeMap<usize, u32>,
    of_set: BTreeMap<DeviceSet, u32>,
    standing: &'s BTreeMap<DeviceSet, u32>,
}

impl<'s> Surplus<'s> {
    fn new(board: &'s Board<'_>, task: usize, stay: &[Claim], loads: &'s mut [u32]) -> Self {
        static NONE: BTreeMap<DeviceSet, u32> = BTreeMap::new();
        let known = board.scene.tasks.get(task);
        let spread = known.map_or(Spread::Pack, |known| known.demand.spread);
        let zone = |row: usize| match spread {
            Spread::Pack => 0,
            Spread::Zones => board.lines.get(row).map_or(0, |line| line.zone),
        };
        let mut surplus = Self {
            replicas: known.and_then(|known| usize::try_from(known.demand.replicas).ok()).unwrap_or_default(),
            stay: stay.iter().copied().collect(),
            loads,
            alike: BTreeMap::new(),
            zone_of: stay.iter().map(|(row, _)| (*row, zone(*row))).collect(),
            in_zone: BTreeMap::new(),
            of_set: BTreeMap::new(),
            standing: known.map_or(&NONE, |known| &known.standing),
        };
        for (row, set) in stay {
            let (zone, load) = (surplus.zone(*row), surplus.load(*row));
            surplus.alike.entry((zone, *set)).or_default().insert((load, Reverse(*row)));
            *surplus.in_zone.entry(zone).or_default() += 1;
            *surplus.of_set.entry(*set).or_default() += 1;
        }
        surplus
    }

    fn zone(&self, row: usize) -> usize {
        self.zone_of.get(&row).copied().unwrap_or_default()
    }

    fn load(&self, row: usize) -> u32 {
        self.loads.get(row).copied().unwrap_or_default()
    }

    fn trimmed(mut self) -> BTreeSet<Claim> {
        while self.stay.len() > self.replicas {
            let Some(claim) = self.next() else { break };
            self.drop(claim);
        }
        self.stay
    }

    /// Who goes next: a task that no slot service counts for, then one in the fullest zone, then one whose instance is
    /// the nearest to empty.
    fn next(&self) -> Option<Claim> {
        let key = |((zone, set), rows): (&(usize, DeviceSet), &ByLoad)| {
            let (load, row) = rows.first()?;
            let is_counted = self.of_set.get(set) <= self.standing.get(set);
            Some((is_counted, Reverse(self.in_zone.get(zone).copied()), *load, *row, *set))
        };
        self.alike.iter().filter_map(key).min().map(|(_, _, _, Reverse(row), set)| (row, set))
    }

    fn drop(&mut self, (row, set): Claim) {
        let (zone, before) = (self.zone(row), self.load(row));
        let after = before.saturating_sub(u32::try_from(set.len()).unwrap_or(u32::MAX));
        self.loads.get_mut(row).into_iter().for_each(|load| *load = after);
        self.stay.remove(&(row, set));
        self.alike.get_mut(&(zone, set)).into_iter().for_each(|rows| {
            rows.remove(&(before, Reverse(row)));
        });
        let lowest = (row, DeviceSet::LOWEST);
        for (_, other) in self.stay.range(lowest..).take_while(|(at, _)| *at == row) {
            if let Some(rows) = self.alike.get_mut(&(zone, *other)) {
                rows.remove(&(before, Reverse(row)));
                rows.insert((after, Reverse(row)));
            }
        }
        self.in_zone.entry(zone).and_modify(|count| *count -= 1);
        self.of_set.entry(set).and_modify(|count| *count -= 1);
    }
}
