//! Puts tasks into gaps, the tightest first, and onto further rows when there is none.
//!
//! Neighbours: `keep` has placed what stays; `pack` searches harder for few rows. Not here: moving what is placed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Spread;
use super::board::{Board, Line};
use super::scene::{FreeSet, Mask, mask};
use crate::neuron::DeviceSet;

/// Places `missing` replicas of each task, using at most `cap` rows. Returns what found no place, by task.
pub(super) fn fill(board: &mut Board<'_>, missing: &[u32], cap: usize) -> Vec<u32> {
    let tasks = missing.iter().enumerate();
    tasks
        .map(|(task, missing)| match missing {
            0 => 0,
            _ => Filling::new(board, task, cap).map_or(*missing, |filling| filling.run(*missing)),
        })
        .collect()
}

/// How well a place suits; the least is the best.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    takes_an_empty_instance: bool,
    changes_a_count: bool,
    /// For tasks that are spread, which like one set everywhere; else 0.
    set_rank: usize,
    waits_for_others: bool,
    loss: u128,
    fullest: Reverse<u32>,
    free: (u32, u32),
    order: usize,
    row: usize,
    set: DeviceSet,
}

/// Rows among which it does not matter which one a task is on: all of them, or those of one zone.
#[derive(Debug, Default)]
struct Group {
    places: BinaryHeap<Reverse<Place>>,
    /// Replicas of the task on them.
    held: u32,
}

/// One task being placed. While it is, a place only gets worse as others are taken (a count is used up), so an outdated
/// entry of a heap is found out when it comes to the top.
struct Filling<'f, 'a> {
    board: &'f mut Board<'a>,
    task: usize,
    cap: usize,
    spread: Spread,
    devices: u8,
    /// Which sets come first where nothing else decides.
    order: BTreeMap<DeviceSet, usize>,
    /// Places by which no count changes.
    credit: BTreeMap<DeviceSet, u32>,
    groups: Vec<Group>,
}

impl<'f, 'a> Filling<'f, 'a> {
    fn new(board: &'f mut Board<'a>, task: usize, cap: usize) -> Option<Self> {
        let known = board.scene.tasks.get(task)?;
        let spread = known.demand.spread;
        let groups = match spread {
            Spread::Pack => 1,
            Spread::Zones => board.scene.zone_count(),
        };
        let credit = board.credit(task);
        let order = order(board, task, &credit);
        let groups = std::iter::repeat_with(Group::default).take(groups).collect();
        let devices = known.demand.devices;
        let mut filling = Self { board, task, cap, spread, devices, order, credit, groups };
        for row in 0..filling.board.lines.len() {
            filling.offer(row);
            filling.count_held(row);
        }
        Some(filling)
    }

    fn group_of(&self, row: usize) -> usize {
        match self.spread {
            Spread::Pack => 0,
            Spread::Zones => self.board.lines.get(row).map_or(0, |line| line.zone),
        }
    }

    fn count_held(&mut self, row: usize) {
        let (group, task) = (self.group_of(row), self.task);
        let slots = self.board.lines.get(row).map_or(&[][..], |line| &line.slots);
        let held = slots.iter().map(|(of, _)| u32::from(*of == task)).sum::<u32>();
        self.groups.get_mut(group).into_iter().for_each(|group| group.held += held);
    }

    /// Makes the best place of a row known.
    fn offer(&mut self, row: usize) {
        let group = self.group_of(row);
        if let Some(place) = self.best(row) {
            self.groups.get_mut(group).into_iter().for_each(|group| group.places.push(Reverse(place.clone())));
        }
    }

    /// The best place on a row.
    fn best(&self, row: usize) -> Option<Place> {
        let line = self.board.lines.get(row)?;
        if !self.board.admits(line, self.task) {
            return None;
        }
        let free = self.board.scene.free_sets(self.devices, line.used);
        let is_counted = |free: &FreeSet| self.credit.contains_key(&free.set);
        // Where only the loss counts, the first sets are the best.
        let decides = self.spread == Spread::Pack && line.leaving.is_empty() && !free.iter().any(is_counted);
        let lowest = free.first()?.loss;
        let worth = free.iter().take_while(|free| !decides || free.loss == lowest);
        let places = worth.filter_map(|free| {
            let order = *self.order.get(&free.set)?;
            Some(Place {
                takes_an_empty_instance: !line.is_used(),
                changes_a_count: !is_counted(free),
                set_rank: if self.spread == Spread::Zones { order } else { 0 },
                waits_for_others: waits(line, self.task, free.mask),
                loss: free.loss,
                fullest: Reverse(line.used_devices()),
                free: (line.free_cpu(), line.free_memory()),
                order,
                row,
                set: free.set,
            })
        });
        places.min()
    }

    /// The best place of a group.
    fn top(&mut self, group: usize) -> Option<Place> {
        loop {
            let Reverse(place) = self.groups.get_mut(group)?.places.pop()?;
            let current = self.best(place.row);
            let is_current = current.as_ref() == Some(&place);
            if let Some(current) = current {
                self.groups.get_mut(group)?.places.push(Reverse(current));
            }
            if is_current {
                return Some(place);
            }
        }
    }

    /// Places as many of `missing` as possible and returns the rest.
    fn run(mut self, missing: u32) -> u32 {
        if self.order.is_empty() {
            return missing;
        }
        for placed in 0..missing {
            let Some(place) = self.next() else { return missing - placed };
            let group = self.group_of(place.row);
            self.board.place(place.row, self.task, place.set);
            self.groups.get_mut(group).into_iter().for_each(|group| group.held += 1);
            let left = self.credit.get(&place.set).map_or(0, |left| left.saturating_sub(1));
            match left {
                0 => self.credit.remove(&place.set),
                _ => self.credit.insert(place.set, left),
            };
            // The entry in the heap is outdated now, which shows when it comes to the top.
        }
        0
    }

    /// The place for the next replica: in the group with the fewest, there in a gap, else on a further row.
    fn next(&mut self) -> Option<Place> {
        let may_open = self.board.used < self.cap;
        let groups: Vec<usize> = (0..self.groups.len()).collect();
        let options = groups.into_iter().filter_map(|group| {
            let held = self.groups.get(group)?.held;
            let top = self.top(group).filter(|place| may_open || !place.takes_an_empty_instance);
            if top.is_none() && !(may_open && self.can_launch(group)) {
                return None;
            }
            let opens = top.as_ref().is_none_or(|place| place.takes_an_empty_instance);
            let crowd = self.board.zone_used.get(group).copied().unwrap_or_default();
            Some(((held, opens, crowd, group), top))
        });
        let ((_, _, _, group), top) = options.min_by(|(a, _), (b, _)| a.cmp(b))?;
        top.or_else(|| self.launch(group))
    }

    fn can_launch(&self, group: usize) -> bool {
        self.spread == Spread::Pack || self.board.scene.launch.contains(&group)
    }

    fn launch(&mut self, group: usize) -> Option<Place> {
        let zone = match self.spread {
            Spread::Pack => self.board.least_used_zone(),
            Spread::Zones => group,
        };
        let row = self.board.open(None, zone);
        self.offer(row);
        self.best(row)
    }
}

/// True if a task of another workload has to leave first.
fn waits(line: &Line, task: usize, set: Mask) -> bool {
    line.leaving.iter().any(|(other, left)| *other != task && left & set != 0)
}

/// The order of a task's sets: what it has most of, then (if it is spread) what fits on most rows, then the lowest.
fn order(board: &Board<'_>, task: usize, credit: &BTreeMap<DeviceSet, u32>) -> BTreeMap<DeviceSet, usize> {
    let Some(known) = board.scene.tasks.get(task) else { return BTreeMap::new() };
    let placed = board.placed.get(task);
    let fitting = |set: DeviceSet| match known.demand.spread {
        Spread::Pack => 0,
        Spread::Zones => board.lines.iter().filter(|line| line.used & mask(set) == 0).count(),
    };
    let key = |(set, _): &(DeviceSet, Mask)| {
        let has = placed.and_then(|placed| placed.get(set)).copied().unwrap_or_default();
        (Reverse(has + credit.get(set).copied().unwrap_or_default()), Reverse(fitting(*set)), *set)
    };
    let mut keys: Vec<_> = known.sets.iter().map(key).collect();
    keys.sort_unstable();
    keys.into_iter().enumerate().map(|(rank, (_, _, set))| (set, rank)).collect()
}
