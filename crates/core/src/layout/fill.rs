//! Puts tasks into gaps, the tightest first, and onto further rows when there is none.
//!
//! Neighbours: `keep` has placed what stays; `alike` finds gaps; `pack` searches harder for few rows. Not here: moving what
//! is placed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Spread;
use super::alike::{Alike, Class, Room};
use super::board::{Board, Line};
use super::scene::{FreeSet, Mask};
use crate::neuron::DeviceSet;

/// Places `missing` replicas of each task, using at most `cap` rows. Returns what found no place, by task.
pub(super) fn fill(board: &mut Board<'_>, missing: &[u32], cap: usize) -> Vec<u32> {
    let tasks = || missing.iter().enumerate().filter(|(_, missing)| **missing > 0);
    let scene = board.scene;
    let sizes = tasks().filter_map(|(task, _)| Some(scene.tasks.get(task)?.demand.devices));
    let mut left = vec![0; missing.len()];
    let mut alike = Alike::new(scene, &board.lines, sizes);
    for (task, missing) in tasks() {
        let rest = Filling::new(board, &mut alike, task, cap).map_or(*missing, |filling| filling.run(*missing));
        left.get_mut(task).into_iter().for_each(|left| *left = rest);
    }
    left
}

/// How well a place suits; the least is the best.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    merit: Merit,
    free: (u32, u32),
    order: usize,
    row: usize,
    set: DeviceSet,
}

/// What decides between classes of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Merit {
    takes_an_empty_instance: bool,
    changes_a_count: bool,
    /// For tasks that are spread, which like one set everywhere; else 0.
    set_rank: usize,
    waits_for_others: bool,
    loss: u128,
    fullest: Reverse<u32>,
}

/// One task being placed.
struct Filling<'f, 'a> {
    board: &'f mut Board<'a>,
    alike: &'f mut Alike<'a>,
    task: usize,
    cap: usize,
    spread: Spread,
    devices: u8,
    need: (u32, u32),
    is_alone: bool,
    /// Which sets come first where nothing else decides.
    order: BTreeMap<DeviceSet, usize>,
    /// Places by which no count changes.
    credit: BTreeMap<DeviceSet, u32>,
}

impl<'f, 'a> Filling<'f, 'a> {
    fn new(board: &'f mut Board<'a>, alike: &'f mut Alike<'a>, task: usize, cap: usize) -> Option<Self> {
        let known = board.scene.tasks.get(task)?;
        let it = known.demand;
        let credit = board.credit(task);
        let order = order(board, alike, task, &credit);
        let (need, is_alone) = ((it.cpu, it.memory), known.is_alone());
        Some(Self { board, alike, task, cap, spread: it.spread, devices: it.devices, need, is_alone, order, credit })
    }

    /// Places as many of `missing` as possible and returns the rest.
    fn run(mut self, missing: u32) -> u32 {
        if self.order.is_empty() {
            return missing;
        }
        for placed in 0..missing {
            let Some(place) = self.next() else { return missing - placed };
            self.put(&place);
        }
        0
    }

    fn put(&mut self, place: &Place) {
        self.board.lines.get(place.row).into_iter().for_each(|line| self.alike.remove(place.row, line));
        self.board.place(place.row, self.task, place.set);
        self.board.lines.get(place.row).into_iter().for_each(|line| self.alike.add(place.row, line));
        let left = self.credit.get(&place.set).map_or(0, |left| left.saturating_sub(1));
        match left {
            0 => self.credit.remove(&place.set),
            _ => self.credit.insert(place.set, left),
        };
    }

    /// The place for the next replica: in a gap, else on a further row; of a spread task, where it has the fewest.
    fn next(&mut self) -> Option<Place> {
        if self.spread == Spread::Pack {
            return self.gap(None).or_else(|| self.launch(self.board.least_used_zone()));
        }
        let held = self.board.in_zone.get(self.task);
        let held = |zone: usize| held.and_then(|held| held.get(&zone)).copied().unwrap_or_default();
        let mut zones: Vec<(u32, usize)> = (0..self.board.scene.zone_count()).map(|zone| (held(zone), zone)).collect();
        zones.sort_unstable();
        zones.chunk_by(|(one, _), (other, _)| one == other).find_map(|zones| {
            let options = zones.iter().filter_map(|(_, zone)| {
                let gap = self.gap(Some(*zone));
                let can_launch = self.may_open() && self.board.scene.launch.contains(zone);
                let opens = gap.as_ref().is_none_or(|place| place.merit.takes_an_empty_instance);
                let crowd = self.board.zone_used.get(*zone).copied().unwrap_or_default();
                (gap.is_some() || can_launch).then_some(((opens, crowd, *zone), gap))
            });
            let ((_, _, zone), gap) = options.min_by(|(one, _), (other, _)| one.cmp(other))?;
            gap.or_else(|| self.launch(zone))
        })
    }

    fn may_open(&self) -> bool {
        self.board.used < self.cap
    }

    /// The best place on the rows that there are.
    fn gap(&self, zone: Option<usize>) -> Option<Place> {
        let mut best: Option<Place> = None;
        // What is alone on its instance needs one without tasks.
        let offers = self.alike.offers(self.devices).skip_while(|(is_empty, ..)| self.is_alone && !is_empty);
        for (is_empty, loss, fullest, class) in offers {
            let bound = Merit {
                takes_an_empty_instance: *is_empty,
                changes_a_count: self.credit.is_empty(),
                set_rank: 0,
                waits_for_others: false,
                loss: *loss,
                fullest: *fullest,
            };
            // No class from here on is better than this one could be at best.
            if best.as_ref().is_some_and(|best| best.merit < bound) || *is_empty && !self.may_open() {
                break;
            }
            let place = || self.place(class, self.alike.tightest(class, self.need)?);
            if zone.is_none_or(|zone| zone == class.zone)
                && let Some(place) = place()
                && best.as_ref().is_none_or(|best| place < *best)
            {
                best = Some(place);
            }
        }
        best
    }

    /// The best place on a row of a class.
    fn place(&self, class: &Class, (cpu, memory, row): Room) -> Option<Place> {
        let openings = self.board.scene.openings(class.used);
        let free = self.board.scene.free_sets(self.devices, &openings);
        let line = class.leaving.and_then(|row| self.board.lines.get(row));
        let is_counted = |free: &FreeSet| self.credit.contains_key(&free.set);
        // Where only the loss counts, the first sets are the best.
        let is_free = self.spread == Spread::Pack && !self.is_alone;
        let decides = is_free && line.is_none() && self.credit.is_empty();
        let lowest = free.first()?.loss;
        let worth = free.iter().take_while(|free| !decides || free.loss == lowest);
        let places = worth.filter_map(|free| {
            let order = *self.order.get(&free.set)?;
            let merit = Merit {
                takes_an_empty_instance: class.is_empty,
                changes_a_count: !is_counted(free),
                set_rank: if self.spread == Spread::Zones { order } else { 0 },
                waits_for_others: line.is_some_and(|line| waits(line, self.task, free.mask)),
                loss: free.loss,
                fullest: Reverse(class.used.count_ones()),
            };
            Some(Place { merit, free: (cpu, memory), order, row, set: free.set })
        });
        places.min()
    }

    fn launch(&mut self, zone: usize) -> Option<Place> {
        if !self.may_open() {
            return None;
        }
        let row = self.board.open(None, zone);
        let line = self.board.lines.get(row)?;
        self.alike.add(row, line);
        let class = Class { used: 0, zone, is_empty: true, leaving: None };
        self.place(&class, (line.free_cpu(), line.free_memory(), row))
    }
}

/// True if a task of another workload has to leave first.
fn waits(line: &Line, task: usize, set: Mask) -> bool {
    line.leaving.iter().any(|(other, left)| *other != task && left & set != 0)
}

/// The order of a task's sets: what it has most of, then (if it is spread) what fits on most rows, then the lowest.
fn order(
    board: &Board<'_>,
    alike: &Alike<'_>,
    task: usize,
    credit: &BTreeMap<DeviceSet, u32>,
) -> BTreeMap<DeviceSet, usize> {
    let Some(known) = board.scene.tasks.get(task) else { return BTreeMap::new() };
    let placed = board.placed.get(task);
    let fitting = |set: DeviceSet| match known.demand.spread {
        Spread::Pack => 0,
        Spread::Zones => alike.fitting(set),
    };
    let key = |(set, _): &(DeviceSet, Mask)| {
        let has = placed.and_then(|placed| placed.get(set)).copied().unwrap_or_default();
        (Reverse(has + credit.get(set).copied().unwrap_or_default()), Reverse(fitting(*set)), *set)
    };
    let mut keys: Vec<_> = known.sets.iter().map(key).collect();
    keys.sort_unstable();
    keys.into_iter().enumerate().map(|(rank, (_, _, set))| (set, rank)).collect()
}
