//! Rows that are alike, so that the best place for a task is found without looking at every row.
//!
//! Rows of one class have the same devices taken in the same zone. For a task they differ by free CPU and memory only, and
//! a thousand instances are of a few dozen classes.
//!
//! Neighbours: `fill` asks and keeps it up to date. Not here: which place is the best.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::board::Line;
use super::scene::{Mask, Scene, mask};
use crate::neuron::DeviceSet;

/// What rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    pub(super) used: Mask,
    pub(super) zone: usize,
    pub(super) is_empty: bool,
    /// The row itself where tasks are about to leave: it is a class of its own.
    pub(super) leaving: Option<usize>,
}

impl Class {
    fn of(row: usize, line: &Line) -> Self {
        let leaving = (!line.leaving.is_empty()).then_some(row);
        Self { used: line.used, zone: line.zone, is_empty: !line.is_used(), leaving }
    }
}

/// A row by its free CPU units and MiB.
pub(super) type Room = (u32, u32, usize);

/// Rows of one class.
#[derive(Debug, Default)]
struct Rooms {
    by_cpu: BTreeSet<Room>,
    /// MiB first.
    by_memory: BTreeSet<Room>,
}

impl Rooms {
    /// The row with the least CPU, then memory, that has this much.
    fn tightest(&self, (cpu, memory): (u32, u32)) -> Option<Room> {
        // From both ends at once: where one of the two is what is short, few rows have enough of it.
        let mut best: Option<Room> = None;
        let mut by_memory = self.by_memory.range((memory, 0, 0)..);
        for room in self.by_cpu.range((cpu, 0, 0)..) {
            if room.1 >= memory {
                return Some(*room);
            }
            match by_memory.next() {
                Some((free_memory, free_cpu, row)) if *free_cpu >= cpu => {
                    let room = (*free_cpu, *free_memory, *row);
                    best = Some(best.map_or(room, |best| best.min(room)));
                }
                Some(_) => {}
                None => return best,
            }
        }
        best
    }
}

/// A class as a task of some size sees it: rows in use first, then by what the cheapest set costs, then the fullest.
pub(super) type Offer = (bool, u128, Reverse<u32>, Class);

/// All rows that may take tasks, by class.
#[derive(Debug)]
pub(super) struct Alike<'a> {
    scene: &'a Scene<'a>,
    classes: BTreeMap<Class, Rooms>,
    /// Classes with a free set of this size.
    by_size: BTreeMap<u8, BTreeSet<Offer>>,
}

impl<'a> Alike<'a> {
    /// `sizes` are those that will be asked for.
    pub(super) fn new(scene: &'a Scene<'a>, lines: &[Line], sizes: impl Iterator<Item = u8>) -> Self {
        let by_size = sizes.map(|size| (size, BTreeSet::new())).collect();
        let mut alike = Self { scene, classes: BTreeMap::new(), by_size };
        lines.iter().enumerate().for_each(|(row, line)| alike.add(row, line));
        alike
    }

    pub(super) fn add(&mut self, row: usize, line: &Line) {
        if line.is_closed() {
            return;
        }
        let class = Class::of(row, line);
        if !self.classes.contains_key(&class) {
            self.announce(class, BTreeSet::insert);
        }
        let rooms = self.classes.entry(class).or_default();
        rooms.by_cpu.insert((line.free_cpu(), line.free_memory(), row));
        rooms.by_memory.insert((line.free_memory(), line.free_cpu(), row));
    }

    /// `line` is as it was when the row was added.
    pub(super) fn remove(&mut self, row: usize, line: &Line) {
        let class = Class::of(row, line);
        let Some(rooms) = self.classes.get_mut(&class) else { return };
        rooms.by_cpu.remove(&(line.free_cpu(), line.free_memory(), row));
        rooms.by_memory.remove(&(line.free_memory(), line.free_cpu(), row));
        if rooms.by_cpu.is_empty() {
            self.classes.remove(&class);
            self.announce(class, |offers, offer| offers.remove(&offer));
        }
    }

    fn announce(&mut self, class: Class, change: impl Fn(&mut BTreeSet<Offer>, Offer) -> bool) {
        let openings = self.scene.openings(class.used);
        for (size, offers) in self.by_size.range_mut(..=openings.largest) {
            if let Some(free) = self.scene.free_sets(*size, &openings).first() {
                change(offers, (class.is_empty, free.loss, Reverse(class.used.count_ones()), class));
            }
        }
    }

    /// Classes with a free set of this size, the most suitable first; those without tasks come last.
    pub(super) fn offers(&self, size: u8) -> impl Iterator<Item = &Offer> {
        self.by_size.get(&size).into_iter().flatten()
    }

    /// The row of a class with the least CPU, then memory, that has this much.
    pub(super) fn tightest(&self, class: &Class, need: (u32, u32)) -> Option<Room> {
        self.classes.get(class)?.tightest(need)
    }

    /// On how many rows a set is free.
    pub(super) fn fitting(&self, set: DeviceSet) -> usize {
        let free = self.classes.iter().filter(|(class, _)| class.used & mask(set) == 0);
        free.map(|(_, rooms)| rooms.by_cpu.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_tightest_row_is_the_one_with_the_least_cpu_then_memory_of_all_that_have_enough(
            rows in prop::collection::vec((0..9_u32, 0..9_u32), 0..12),
            (cpu, memory) in (0..9_u32, 0..9_u32),
        ) {
            let all: Vec<Room> = rows.iter().enumerate().map(|(row, (cpu, memory))| (*cpu, *memory, row)).collect();
            let by_memory = all.iter().map(|(cpu, memory, row)| (*memory, *cpu, *row)).collect();
            let rooms = Rooms { by_cpu: all.iter().copied().collect(), by_memory };
            let enough = all.into_iter().filter(|(free_cpu, free_memory, _)| *free_cpu >= cpu && *free_memory >= memory);
            prop_assert_eq!(rooms.tightest((cpu, memory)), enough.min());
        }
    }
}
