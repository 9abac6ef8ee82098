//! Rows being filled: what is free on each, and who is on it.
//!
//! Neighbours: `keep`, `fill`, `pack` and `consolidate` fill it; `output` writes it down. Not here: choosing.

use std::collections::BTreeMap;

use super::Spread;
use super::scene::{Mask, Scene, mask};
use crate::neuron::DeviceSet;

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The live instance it stands for, by number.
    pub(super) origin: Option<usize>,
    /// The number of its zone.
    pub(super) zone: usize,
    pub(super) slots: Vec<(usize, DeviceSet)>,
    /// Devices of tasks that leave soon, and of which task.
    pub(super) leaving: Vec<(usize, Mask)>,
    /// Devices that are taken, by slots or by strangers.
    pub(super) used: Mask,
    /// True if tasks without a demand are on it.
    pub(super) has_strangers: bool,
    cpu: u32,
    memory: u32,
    is_closed: bool,
}

impl Line {
    /// True if the instance is needed.
    pub(super) fn is_used(&self) -> bool {
        self.has_strangers || !self.slots.is_empty()
    }

    pub(super) fn used_devices(&self) -> u32 {
        self.used.count_ones()
    }

    /// True if it may take nobody else.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn free_cpu(&self) -> u32 {
        self.cpu
    }

    pub(super) fn free_memory(&self) -> u32 {
        self.memory
    }
}

#[derive(Debug, Clone)]
pub(super) struct Board<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) lines: Vec<Line>,
    /// How many of each set a task has, by task.
    pub(super) placed: Vec<BTreeMap<DeviceSet, u32>>,
    /// How many replicas a task has in each zone, by task; only of tasks that are spread.
    pub(super) in_zone: Vec<BTreeMap<usize, u32>>,
    /// How many rows are in use.
    pub(super) used: usize,
    /// How many rows of each zone are in use.
    pub(super) zone_used: Vec<usize>,
    /// True if it does not matter what slot services count now.
    is_forgetful: bool,
}

impl<'a> Board<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Self {
        let placed = vec![BTreeMap::new(); scene.tasks.len()];
        let in_zone = vec![BTreeMap::new(); scene.tasks.len()];
        let zone_used = vec![0; scene.zone_count()];
        Self { scene, lines: Vec::new(), placed, in_zone, used: 0, zone_used, is_forgetful: false }
    }

    /// Adds an empty row and returns its number.
    pub(super) fn open(&mut self, origin: Option<usize>, zone: usize) -> usize {
        self.lines.push(Line {
            origin,
            zone,
            slots: Vec::new(),
            leaving: Vec::new(),
            used: 0,
            has_strangers: false,
            cpu: self.scene.host.cpu,
            memory: self.scene.host.memory,
            is_closed: false,
        });
        self.lines.len() - 1
    }

    /// Takes devices, CPU units and MiB of a row for a task without a demand.
    pub(super) fn block(&mut self, row: usize, devices: DeviceSet, (cpu, memory): (u32, u32)) {
        let Some(line) = self.lines.get_mut(row) else { return };
        let was_used = line.is_used();
        line.has_strangers = true;
        line.used |= mask(devices);
        line.cpu = line.cpu.saturating_sub(cpu);
        line.memory = line.memory.saturating_sub(memory);
        if !was_used {
            let zone = line.zone;
            self.count(zone);
        }
    }

    /// True if the row has CPU and memory for the task, and company that suits it. Devices are another question.
    pub(super) fn admits(&self, line: &Line, task: usize) -> bool {
        let Some(task) = self.scene.tasks.get(task) else { return false };
        let fits = task.demand.cpu <= line.cpu && task.demand.memory <= line.memory;
        fits && !line.is_closed && !(task.is_alone() && line.is_used())
    }

    /// Puts a task on a row; the caller has asked [`Self::admits`] and knows that the devices are free.
    pub(super) fn place(&mut self, row: usize, task: usize, set: DeviceSet) {
        let (Some(line), Some(known)) = (self.lines.get_mut(row), self.scene.tasks.get(task)) else { return };
        let (was_used, zone) = (line.is_used(), line.zone);
        line.slots.push((task, set));
        line.used |= mask(set);
        line.cpu = line.cpu.saturating_sub(known.demand.cpu);
        line.memory = line.memory.saturating_sub(known.demand.memory);
        line.is_closed = known.is_alone();
        if !was_used {
            self.count(zone);
        }
        if let Some(placed) = self.placed.get_mut(task) {
            *placed.entry(set).or_default() += 1;
        }
        if known.demand.spread == Spread::Zones
            && let Some(in_zone) = self.in_zone.get_mut(task)
        {
            *in_zone.entry(zone).or_default() += 1;
        }
    }

    /// Counts a row of this zone as used.
    fn count(&mut self, zone: usize) {
        self.used += 1;
        self.zone_used.get_mut(zone).into_iter().for_each(|used| *used += 1);
    }

    /// The zone for a new row: where instances can be launched, the one with the fewest.
    pub(super) fn least_used_zone(&self) -> usize {
        let used = |zone: &usize| self.zone_used.get(*zone).copied().unwrap_or_default();
        self.scene.launch.iter().copied().min_by_key(used).unwrap_or_default()
    }

    /// The first rows of `order` as they are, the others without their slots.
    pub(super) fn with_only(&self, order: &[usize], frozen: usize) -> Self {
        let mut board = Self::new(self.scene);
        board.lines.clone_from(&self.lines);
        for line in &mut board.lines {
            for (task, set) in std::mem::take(&mut line.slots) {
                let Some(task) = self.scene.tasks.get(task) else { continue };
                line.used &= !mask(set);
                line.cpu = line.cpu.saturating_add(task.demand.cpu);
                line.memory = line.memory.saturating_add(task.demand.memory);
            }
            line.is_closed = false;
        }
        let used: Vec<usize> = board.lines.iter().filter(|line| line.is_used()).map(|line| line.zone).collect();
        for zone in used {
            board.count(zone);
        }
        for row in order.iter().take(frozen) {
            let slots = self.lines.get(*row).map_or(&[][..], |line| &line.slots);
            for (task, set) in slots {
                board.place(*row, *task, *set);
            }
        }
        board
    }

    /// Nothing but what strangers take, to be filled as if nothing else had ever been there. Empty instances are left out:
    /// in which zones they happen to be must not say how few would do, or the answer changed from time to time.
    pub(super) fn of_strangers(&self) -> Self {
        let mut board = self.with_only(&[], 0);
        board.lines.retain(|line| line.has_strangers);
        board.lines.iter_mut().for_each(|line| line.leaving.clear());
        Self { is_forgetful: true, ..board }
    }

    /// The slots of this board on the rows of `other`, of which it shares those with strangers.
    pub(super) fn seated_on(&self, other: &Self) -> Self {
        let mut board = other.with_only(&[], 0);
        let mut theirs: BTreeMap<usize, usize> = BTreeMap::new();
        let mut empty: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, line) in board.lines.iter().enumerate().rev() {
            match line.origin.filter(|_| line.has_strangers) {
                Some(origin) => drop(theirs.insert(origin, row)),
                None => empty.entry(line.zone).or_default().push(row),
            }
        }
        for line in self.lines.iter().filter(|line| !line.slots.is_empty()) {
            let tasks = line.slots.iter().filter_map(|(task, _)| self.scene.tasks.get(*task));
            let is_bound = tasks.into_iter().any(|task| task.demand.spread == Spread::Zones);
            let at_home = line.origin.and_then(|origin| theirs.get(&origin).copied());
            let nearby = at_home.or_else(|| empty.get_mut(&line.zone)?.pop());
            let row = nearby.or_else(|| if is_bound { None } else { empty.values_mut().find_map(Vec::pop) });
            let row = row.unwrap_or_else(|| board.open(None, line.zone));
            line.slots.iter().for_each(|(task, set)| board.place(row, *task, *set));
        }
        board
    }

    /// How many replicas of each task have no place.
    pub(super) fn missing(&self) -> Vec<u32> {
        let placed = |task: usize| self.placed.get(task).map_or(0, |placed| placed.values().sum::<u32>());
        let tasks = self.scene.tasks.iter().enumerate();
        tasks.map(|(task, known)| known.demand.replicas.saturating_sub(placed(task))).collect()
    }

    /// Of the sets that a task's slot services count for, how many have no place yet.
    pub(super) fn credit(&self, task: usize) -> BTreeMap<DeviceSet, u32> {
        let (Some(known), Some(placed)) = (self.scene.tasks.get(task), self.placed.get(task)) else {
            return BTreeMap::new();
        };
        if self.is_forgetful {
            return BTreeMap::new();
        }
        let open = |(set, count): (&DeviceSet, &u32)| {
            (*set, count.saturating_sub(placed.get(set).copied().unwrap_or_default()))
        };
        known.standing.iter().map(open).filter(|(_, count)| *count > 0).collect()
    }
}
