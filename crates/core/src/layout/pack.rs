//! How few rows hold everything: the fresh packing, by which a layout is judged.
//!
//! Two ways are tried and the better one counts: `fill`, which gives every task its tightest gap, biggest first; and
//! filling one row after the other as full as it gets, which is what mixed sizes want (7 and 5 of 12 devices).
//!
//! Neighbours: `consolidate` moves tasks to get near it. Not here: what is there already.

use std::collections::BTreeMap;

use super::board::{Board, Line};
use super::fill::fill;
use super::scene::{Mask, Scene, mask};
use super::{Sharing, Spread};
use crate::neuron::DeviceSet;

/// Combinations tried for one row. Small rows are searched through; big ones get a good answer.
const TRIES: u32 = 4_000;

/// The best packing of all replicas onto rows that hold nothing but tasks of strangers, and what finds no place.
pub(super) fn fresh<'a>(scene: &'a Scene<'a>, bare: &Board<'a>) -> (Board<'a>, Vec<u32>) {
    let missing = bare.missing();
    let ways = Way::ALL.iter().map(|way| pack(bare, &missing, scene.max, *way));
    let cost = |(board, left): &(Board<'_>, Vec<u32>)| (left.iter().sum::<u32>(), board.used);
    ways.min_by_key(cost).unwrap_or_else(|| (bare.clone(), missing))
}

/// How to pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One task after the other.
    Tasks,
    /// One row after the other, devices being what is scarce.
    RowsByDevices,
    /// One row after the other, devices, CPU and memory being scarce as the demands have it.
    RowsByNeed,
}

impl Way {
    /// Each of them; the one that asks for the fewest changes first.
    pub(super) const ALL: [Self; 3] = [Self::Tasks, Self::RowsByDevices, Self::RowsByNeed];

    /// Those that are worth their time again and again: one task after the other looks at each row for each task.
    pub(super) fn affordable(board: &Board<'_>) -> &'static [Self] {
        match board.lines.len().saturating_mul(board.scene.tasks.len()) {
            ..=500_000 => &Self::ALL,
            _ => &[Self::RowsByDevices, Self::RowsByNeed],
        }
    }
}

/// Places `missing` beside what is on the board, on at most `cap` rows. Returns what found no place.
pub(super) fn pack<'a>(board: &Board<'a>, missing: &[u32], cap: usize, way: Way) -> (Board<'a>, Vec<u32>) {
    let mut board = board.clone();
    if way == Way::Tasks {
        let left = fill(&mut board, missing, cap);
        return (board, left);
    }
    let tasks = board.scene.tasks.iter().map(|task| task.demand);
    let is_free = tasks.map(|it| it.spread == Spread::Pack && it.sharing == Sharing::Shared);
    let (free, bound): (Vec<u32>, Vec<u32>) =
        missing.iter().zip(is_free).map(|(missing, free)| if free { (*missing, 0) } else { (0, *missing) }).unzip();
    let bound = fill(&mut board, &bound, cap);
    let left = Packing::new(&board, free, way).run(&mut board, cap);
    let left = left.iter().zip(&bound).map(|(free, bound)| free + bound).collect();
    (board, left)
}

/// Tasks that need the same.
#[derive(Debug)]
struct Kind {
    devices: u8,
    cpu: u32,
    memory: u32,
    /// The good of having one more of it on a row.
    value: u64,
    tasks: Vec<usize>,
}

/// Sets for tasks of some kinds on one row, and the good of it.
#[derive(Debug, Clone, Default)]
struct Pattern {
    value: u64,
    sets: Vec<(usize, DeviceSet)>,
}

/// What is free on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    used: Mask,
    cpu: u32,
    memory: u32,
}

struct Packing<'a> {
    scene: &'a Scene<'a>,
    /// The most valuable first.
    kinds: Vec<Kind>,
    /// Replicas still to be placed, by task.
    missing: Vec<u32>,
    credit: Vec<BTreeMap<DeviceSet, u32>>,
    tries: u32,
    best: Pattern,
}

impl<'a> Packing<'a> {
    fn new(board: &Board<'a>, missing: Vec<u32>, way: Way) -> Self {
        let credit = (0..missing.len()).map(|task| board.credit(task)).collect();
        Self {
            scene: board.scene,
            kinds: kinds(board.scene, &missing, way),
            missing,
            credit,
            tries: 0,
            best: Pattern::default(),
        }
    }

    fn run(mut self, board: &mut Board<'_>, cap: usize) -> Vec<u32> {
        let (mut used, mut empty) = (Vec::new(), Vec::new());
        for (row, line) in board.lines.iter().enumerate() {
            if line.is_used() { used.push(row) } else { empty.push(row) }
        }
        used.sort_by_key(|row| std::cmp::Reverse(board.lines.get(*row).map(Line::used_devices)));
        for row in used {
            self.load(board, row);
        }
        let mut empty = empty.into_iter();
        while board.used < cap && self.is_unfinished() {
            let row = empty.next().unwrap_or_else(|| board.open(None, board.least_used_zone()));
            let before = board.used;
            self.load(board, row);
            if board.used == before {
                break;
            }
        }
        self.missing
    }

    fn is_unfinished(&self) -> bool {
        self.missing.iter().any(|missing| *missing > 0)
    }

    /// Fills a row as well as it gets.
    fn load(&mut self, board: &mut Board<'_>, row: usize) {
        let Some(line) = board.lines.get(row).filter(|line| !line.is_closed()) else { return };
        let gap = Gap { used: line.used, cpu: line.free_cpu(), memory: line.free_memory() };
        let counts: Vec<u32> = self.kinds.iter().map(|kind| self.open(kind)).collect();
        // A further row is for the most valuable kind; what else goes there is a matter of filling it up.
        let must = if line.is_used() { None } else { counts.iter().position(|count| *count > 0) };
        self.tries = TRIES;
        self.best = Pattern::default();
        match must.and_then(|kind| Some((kind, self.fitting(kind, gap)?))) {
            Some((kind, set)) => {
                let counts: Vec<u32> =
                    counts.iter().enumerate().map(|(at, count)| count - u32::from(at == kind)).collect();
                let start = Pattern { value: self.value(kind), sets: vec![(kind, set)] };
                self.search(self.less(gap, kind, set), &counts, kind, start);
            }
            None => self.search(gap, &counts, 0, Pattern::default()),
        }
        for (kind, set) in std::mem::take(&mut self.best).sets {
            if let Some(task) = self.member(kind, set) {
                board.place(row, task, set);
            }
        }
    }

    /// How many replicas of a kind are missing.
    fn open(&self, kind: &Kind) -> u32 {
        kind.tasks.iter().filter_map(|task| self.missing.get(*task)).sum()
    }

    fn value(&self, kind: usize) -> u64 {
        self.kinds.get(kind).map_or(0, |kind| kind.value)
    }

    fn less(&self, gap: Gap, kind: usize, set: DeviceSet) -> Gap {
        let (cpu, memory) = self.kinds.get(kind).map_or((0, 0), |kind| (kind.cpu, kind.memory));
        Gap { used: gap.used | mask(set), cpu: gap.cpu.saturating_sub(cpu), memory: gap.memory.saturating_sub(memory) }
    }

    /// The set for one more of a kind, if there is room: the one that leaves the most.
    fn fitting(&self, kind: usize, gap: Gap) -> Option<DeviceSet> {
        let kind = self.kinds.get(kind).filter(|kind| kind.cpu <= gap.cpu && kind.memory <= gap.memory)?;
        self.scene.free_sets(kind.devices, gap.used).first().map(|free| free.set)
    }

    /// Tries combinations of kinds from `kind` on, those with many of the valuable ones first.
    fn search(&mut self, gap: Gap, counts: &[u32], kind: usize, so_far: Pattern) {
        if so_far.value > self.best.value {
            self.best = so_far.clone();
        }
        let Some(open) = counts.get(kind) else { return };
        if self.tries == 0 {
            return;
        }
        self.tries -= 1;
        let mut steps = vec![(gap, so_far)];
        for _ in 0..*open {
            let Some((gap, pattern)) = steps.last().cloned() else { break };
            let Some(set) = self.fitting(kind, gap) else { break };
            let mut sets = pattern.sets;
            sets.push((kind, set));
            steps.push((self.less(gap, kind, set), Pattern { value: pattern.value + self.value(kind), sets }));
        }
        while let Some((gap, pattern)) = steps.pop() {
            self.search(gap, counts, kind + 1, pattern);
        }
    }

    /// A task of this kind that lacks a replica, if possible one whose slot service counts for the set.
    fn member(&mut self, kind: usize, set: DeviceSet) -> Option<usize> {
        let lacks = |task: &&usize| self.missing.get(**task).is_some_and(|missing| *missing > 0);
        let counted = |task: &&usize| self.credit.get(**task).is_some_and(|credit| credit.contains_key(&set));
        let tasks = &self.kinds.get(kind)?.tasks;
        let task = *tasks.iter().filter(lacks).find(counted).or_else(|| tasks.iter().find(lacks))?;
        *self.missing.get_mut(task)? -= 1;
        if let Some(credit) = self.credit.get_mut(task) {
            let left = credit.get(&set).map_or(0, |left| left.saturating_sub(1));
            match left {
                0 => credit.remove(&set),
                _ => credit.insert(set, left),
            };
        }
        Some(task)
    }
}

/// The kinds of tasks that are missing, the most valuable first.
fn kinds(scene: &Scene<'_>, missing: &[u32], way: Way) -> Vec<Kind> {
    let mut kinds: BTreeMap<(u8, u32, u32), Vec<usize>> = BTreeMap::new();
    let mut need = [0_u64; 3];
    for (index, (task, missing)) in scene.tasks.iter().zip(missing).enumerate() {
        if *missing > 0 && !task.sets.is_empty() {
            let it = task.demand;
            kinds.entry((it.devices, it.cpu, it.memory)).or_default().push(index);
            for (need, one) in need.iter_mut().zip(shares(scene, (it.devices, it.cpu, it.memory))) {
                *need += one * u64::from(*missing);
            }
        }
    }
    let most = need.iter().copied().max().unwrap_or_default().max(1);
    let weights = match way {
        Way::Tasks | Way::RowsByDevices => [1000, 1, 1],
        Way::RowsByNeed => need.map(|need| need.saturating_mul(1000) / most),
    };
    let kind = |((devices, cpu, memory), tasks)| {
        let shares = shares(scene, (devices, cpu, memory));
        let value = shares.iter().zip(weights).map(|(share, weight)| share * weight).sum();
        Kind { devices, cpu, memory, value, tasks }
    };
    let mut kinds: Vec<_> = kinds.into_iter().map(kind).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse((kind.value, kind.devices)));
    kinds
}

/// Which share of an instance's devices, CPU and memory one task takes, in millionths.
fn shares(scene: &Scene<'_>, (devices, cpu, memory): (u8, u32, u32)) -> [u64; 3] {
    let most = scene.host.sets.keys().max().copied().unwrap_or(1);
    let share = |part: u32, whole: u32| u64::from(part) * 1_000_000 / u64::from(whole.max(1));
    [share(devices.into(), most.into()), share(cpu, scene.host.cpu), share(memory, scene.host.memory)]
}
