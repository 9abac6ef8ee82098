//! Fills one row after the other as full as it gets.
//!
//! Neighbours: `pack` chooses between this and going task by task. Not here: tasks that are spread or want to be alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::board::{Board, Line};
use super::scene::{Mask, Scene, mask};
use crate::neuron::DeviceSet;

/// Combinations tried for one row at most. Small rows are searched through; big ones get a good answer.
const TRIES: u32 = 4_000;

/// Combinations tried for all rows, about: in a large pool chance evens out what a longer search would find.
const ALL_TRIES: u32 = 100_000;

/// What counts when a row is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scarce {
    Devices,
    /// Devices, CPU and memory, each as much as the demands take of it.
    AsNeeded,
}

/// Places `missing` beside what is on the board, on at most `cap` rows. Returns what found no place.
pub(super) fn fill_up(board: &mut Board<'_>, missing: Vec<u32>, cap: usize, scarce: Scarce) -> Vec<u32> {
    let credit = missing.iter().enumerate().map(|(task, missing)| match missing {
        0 => BTreeMap::new(),
        _ => board.credit(task),
    });
    let credit: Vec<_> = credit.collect();
    let kinds = kinds(board.scene, &missing, &credit, scarce);
    if kinds.is_empty() {
        return missing;
    }
    Packing::new(board, kinds, missing, credit).run(board, cap)
}

/// Tasks that need the same.
#[derive(Debug)]
struct Kind {
    devices: u8,
    cpu: u32,
    memory: u32,
    /// The good of having one more of it on a row.
    value: u64,
    /// The most good that a device can do, of this kind and those after it.
    density: u64,
    /// Replicas still to be placed.
    open: u32,
    /// Those who lack replicas, the first one last.
    tasks: Vec<usize>,
    /// The same, by sets that their slot services count for.
    counted: BTreeMap<DeviceSet, Vec<usize>>,
}

/// Sets for tasks of some kinds on one row, and the good of it.
#[derive(Debug, Clone, Default)]
struct Pattern {
    value: u64,
    sets: Vec<(usize, DeviceSet)>,
}

/// What is free on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Gap {
    used: Mask,
    cpu: u32,
    memory: u32,
}

struct Packing<'a> {
    scene: &'a Scene<'a>,
    chips: u32,
    /// The most valuable first.
    kinds: Vec<Kind>,
    /// Replicas still to be placed, by task.
    missing: Vec<u32>,
    credit: Vec<BTreeMap<DeviceSet, u32>>,
    /// By size of the biggest free set and by kind: a kind at or after which the next one that may fit is.
    skips: BTreeMap<u8, Vec<usize>>,
    /// What was best for such a gap and such a first kind; still the best if there are tasks for it.
    known: BTreeMap<(Gap, Option<usize>), Pattern>,
    tries_a_row: u32,
    tries: u32,
    path: Vec<(usize, DeviceSet)>,
    best: Pattern,
}

impl<'a> Packing<'a> {
    fn new(board: &Board<'a>, kinds: Vec<Kind>, missing: Vec<u32>, credit: Vec<BTreeMap<DeviceSet, u32>>) -> Self {
        let scene = board.scene;
        let chips = scene.host.chips();
        let devices: u64 = kinds.iter().map(|kind| u64::from(kind.devices) * u64::from(kind.open)).sum();
        let rows = u64::try_from(board.used).unwrap_or(u64::MAX).saturating_add(devices / u64::from(chips.max(1)));
        let tries_a_row = u64::from(ALL_TRIES).checked_div(rows).and_then(|tries| u32::try_from(tries).ok());
        Self {
            scene,
            chips: chips.into(),
            kinds,
            missing,
            credit,
            skips: BTreeMap::new(),
            known: BTreeMap::new(),
            tries_a_row: tries_a_row.unwrap_or(TRIES).clamp(30, TRIES),
            tries: 0,
            path: Vec::new(),
            best: Pattern::default(),
        }
    }

    fn run(mut self, board: &mut Board<'_>, cap: usize) -> Vec<u32> {
        let (mut used, mut empty) = (Vec::new(), Vec::new());
        for (row, line) in board.lines.iter().enumerate() {
            if line.is_used() { used.push(row) } else { empty.push(row) }
        }
        used.sort_by_key(|row| Reverse(board.lines.get(*row).map(Line::used_devices)));
        for row in used {
            self.load(board, row);
        }
        let mut empty = empty.into_iter();
        while board.used < cap && self.next(u8::MAX, 0) < self.kinds.len() {
            let row = empty.next().unwrap_or_else(|| board.open(None, board.least_used_zone()));
            let before = board.used;
            self.load(board, row);
            if board.used == before {
                break;
            }
        }
        self.missing
    }

    /// Fills a row as well as it gets.
    fn load(&mut self, board: &mut Board<'_>, row: usize) {
        let Some(line) = board.lines.get(row).filter(|line| !line.is_closed()) else { return };
        let gap = Gap { used: line.used, cpu: line.free_cpu(), memory: line.free_memory() };
        // A further row is for the most valuable kind; what else goes there is a matter of filling it up.
        let must = if line.is_used() { None } else { Some(self.next(u8::MAX, 0)) };
        for (kind, set) in self.pattern(gap, must).sets {
            if let Some(task) = self.member(kind, set) {
                board.place(row, task, set);
            }
        }
    }

    /// What is best for a gap.
    fn pattern(&mut self, gap: Gap, must: Option<usize>) -> Pattern {
        if let Some(known) = self.known.get(&(gap, must))
            && self.is_open(known)
        {
            return known.clone();
        }
        self.tries = self.tries_a_row;
        self.best = Pattern::default();
        self.path.clear();
        match must.and_then(|kind| Some((kind, self.fitting(kind, gap)?))) {
            Some((kind, set)) => {
                self.path.push((kind, set));
                self.take(kind, 1);
                self.search(self.less(gap, kind, set), kind, self.value(kind));
                self.take(kind, -1);
            }
            None => self.search(gap, 0, 0),
        }
        self.known.insert((gap, must), self.best.clone());
        std::mem::take(&mut self.best)
    }

    /// True if there are tasks for a pattern. Then it is as good as ever, for tasks only get fewer.
    fn is_open(&self, pattern: &Pattern) -> bool {
        let mut runs = pattern.sets.chunk_by(|(one, _), (other, _)| one == other);
        runs.all(|run| {
            let kind = run.first().and_then(|(kind, _)| self.kinds.get(*kind));
            kind.is_some_and(|kind| usize::try_from(kind.open).is_ok_and(|open| run.len() <= open))
        })
    }

    fn take(&mut self, kind: usize, count: i32) {
        self.kinds.get_mut(kind).into_iter().for_each(|kind| kind.open = kind.open.saturating_add_signed(-count));
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
        let openings = self.scene.openings(gap.used);
        self.scene.free_sets(kind.devices, &openings).first().map(|free| free.set)
    }

    /// The first kind from `kind` on that has open replicas and at most `size` devices; past the end if there is none.
    fn next(&mut self, size: u8, kind: usize) -> usize {
        let kinds = &self.kinds;
        let skips = self.skips.entry(size).or_insert_with(|| (0..kinds.len()).collect());
        let mut at = kind;
        while let Some(known) = kinds.get(at) {
            let skip = skips.get(at).copied().unwrap_or(at);
            if skip > at {
                at = skip;
            } else if known.open > 0 && known.devices <= size {
                break;
            } else {
                at += 1;
            }
        }
        // Whoever asks from here again need not go the whole way.
        let mut from = kind;
        while from < at {
            let Some(skip) = skips.get_mut(from) else { break };
            from = std::mem::replace(skip, at).max(from + 1);
        }
        at
    }

    /// Tries combinations of kinds from `kind` on, those with many of the valuable ones first.
    fn search(&mut self, gap: Gap, kind: usize, value: u64) {
        if value > self.best.value {
            self.best = Pattern { value, sets: self.path.clone() };
        }
        let largest = self.scene.openings(gap.used).largest;
        let free = u64::from(self.chips.saturating_sub(gap.used.count_ones()));
        let mut kind = kind;
        while self.tries > 0 {
            kind = self.next(largest, kind);
            let Some(known) = self.kinds.get(kind) else { return };
            if value.saturating_add(free.saturating_mul(known.density)) <= self.best.value {
                return;
            }
            let (worth, open) = (known.value, known.open);
            self.tries -= 1;
            let placed = self.path.len();
            let mut gaps = Vec::new();
            let mut gap = gap;
            for _ in 0..open {
                let Some(set) = self.fitting(kind, gap) else { break };
                self.path.push((kind, set));
                gap = self.less(gap, kind, set);
                gaps.push(gap);
            }
            let mut good = value.saturating_add(worth.saturating_mul(u64::try_from(gaps.len()).unwrap_or(0)));
            while let Some(gap) = gaps.pop() {
                self.path.truncate(placed + gaps.len() + 1);
                self.search(gap, kind + 1, good);
                good = good.saturating_sub(worth);
            }
            self.path.truncate(placed);
            kind += 1;
        }
    }

    /// A task of this kind that lacks a replica, if possible one whose slot service counts for the set.
    fn member(&mut self, kind: usize, set: DeviceSet) -> Option<usize> {
        let Self { kinds, missing, credit, .. } = self;
        let kind = kinds.get_mut(kind)?;
        let lacks = |task: usize| missing.get(task).is_some_and(|missing| *missing > 0);
        let counts = |task: usize| credit.get(task).is_some_and(|credit| credit.contains_key(&set));
        let counted = kind.counted.get_mut(&set).and_then(|tasks| last(tasks, |task| lacks(task) && counts(task)));
        let task = counted.or_else(|| last(&mut kind.tasks, lacks))?;
        kind.open = kind.open.saturating_sub(1);
        *missing.get_mut(task)? -= 1;
        if let Some(credit) = credit.get_mut(task) {
            let left = credit.get(&set).map_or(0, |left| left.saturating_sub(1));
            match left {
                0 => credit.remove(&set),
                _ => credit.insert(set, left),
            };
        }
        Some(task)
    }
}

/// The last task for which it holds; those for which it does not are dropped, since it never will again.
fn last(tasks: &mut Vec<usize>, holds: impl Fn(usize) -> bool) -> Option<usize> {
    while let Some(task) = tasks.last() {
        if holds(*task) {
            return Some(*task);
        }
        tasks.pop();
    }
    None
}

/// The kinds of tasks that are missing, the most valuable first.
fn kinds(scene: &Scene<'_>, missing: &[u32], credit: &[BTreeMap<DeviceSet, u32>], scarce: Scarce) -> Vec<Kind> {
    let mut groups: BTreeMap<(u8, u32, u32), Vec<usize>> = BTreeMap::new();
    let mut need = [0_u64; 3];
    for (index, (task, missing)) in scene.tasks.iter().zip(missing).enumerate() {
        if *missing > 0 && !task.sets.is_empty() {
            let it = task.demand;
            groups.entry((it.devices, it.cpu, it.memory)).or_default().push(index);
            for (need, one) in need.iter_mut().zip(shares(scene, (it.devices, it.cpu, it.memory))) {
                *need = need.saturating_add(one.saturating_mul(u64::from(*missing)));
            }
        }
    }
    let most = need.iter().copied().max().unwrap_or_default().max(1);
    let weights = match scarce {
        Scarce::Devices => [1000, 1, 1],
        Scarce::AsNeeded => need.map(|need| need.saturating_mul(1000) / most),
    };
    let kind = |((devices, cpu, memory), mut tasks): ((u8, u32, u32), Vec<usize>)| {
        let shares = shares(scene, (devices, cpu, memory));
        let value = shares.iter().zip(weights).map(|(share, weight)| share * weight).sum();
        let open = tasks.iter().filter_map(|task| missing.get(*task)).fold(0, |sum: u32, it| sum.saturating_add(*it));
        tasks.reverse();
        let mut counted: BTreeMap<DeviceSet, Vec<usize>> = BTreeMap::new();
        for task in &tasks {
            let sets = credit.get(*task).into_iter().flat_map(BTreeMap::keys);
            sets.for_each(|set| counted.entry(*set).or_default().push(*task));
        }
        Kind { devices, cpu, memory, value, density: 0, open, tasks, counted }
    };
    let mut kinds: Vec<_> = groups.into_iter().map(kind).collect();
    kinds.sort_by_key(|kind| Reverse((kind.value, kind.devices)));
    let mut density = 0;
    for kind in kinds.iter_mut().rev() {
        density = density.max(kind.value.div_ceil(u64::from(kind.devices.max(1))));
        kind.density = density;
    }
    kinds
}

/// Which share of an instance's devices, CPU and memory one task takes, in millionths.
fn shares(scene: &Scene<'_>, (devices, cpu, memory): (u8, u32, u32)) -> [u64; 3] {
    let most = scene.host.chips().max(1);
    let share = |part: u32, whole: u32| u64::from(part) * 1_000_000 / u64::from(whole.max(1));
    [share(devices.into(), most.into()), share(cpu, scene.host.cpu), share(memory, scene.host.memory)]
}

#[cfg(test)]
mod tests {
    use super::super::examples::{demand, host, live, name, set};
    use super::super::{Demand, Live, Room, Slot};
    use super::*;

    /// Which sets each task got, how many instances of twelve devices it takes, and what found no place on `cap` of them.
    fn filled(live: &Live, demands: &[Demand], cap: usize) -> (Vec<BTreeMap<DeviceSet, u32>>, usize, Vec<u32>) {
        let (host, room) = (host("inf2.48xlarge"), Room::default());
        let scene = Scene::new(&host, demands, live, &room);
        let mut board = super::super::keep::keep(&scene, live);
        let missing = board.missing();
        let left = fill_up(&mut board, missing, cap, Scarce::Devices);
        (board.placed, board.used, left)
    }

    /// The same where nothing runs yet, without the sets.
    fn rows(demands: &[Demand], cap: usize) -> (usize, Vec<u32>) {
        let (_, used, left) = filled(&Live::default(), demands, cap);
        (used, left)
    }

    #[test]
    fn every_row_is_filled_as_the_first_one_was_while_there_are_tasks() {
        let demands = [demand("seven", 6, 7), demand("five", 6, 5)];
        assert_eq!(rows(&demands, 9), (6, vec![0, 0]));
        assert_eq!(rows(&demands, 4), (4, vec![2, 2]));
    }

    #[test]
    fn a_row_that_cannot_be_filled_as_the_one_before_is_filled_in_another_way() {
        let demands = [demand("seven", 3, 7), demand("five", 1, 5), demand("four", 2, 4)];
        assert_eq!(rows(&demands, 9), (3, vec![0, 0, 0]), "seven and five, seven and four, seven and four");
        let demands = [demand("five", 3, 5), demand("four", 1, 4)];
        assert_eq!(rows(&demands, 9), (2, vec![0, 0]), "five and five, five and four");
    }

    #[test]
    fn a_task_for_which_there_is_no_company_has_a_row() {
        assert_eq!(rows(&[demand("seven", 1, 7)], 9), (1, vec![0]));
    }

    #[test]
    fn two_small_tasks_go_before_a_bigger_one_beside_which_neither_fits() {
        let (_, _, left) = filled(&live(&["i1: stranger 0-3"]), &[demand("five", 1, 5), demand("four", 2, 4)], 1);
        assert_eq!(left, [1, 0]);
    }

    #[test]
    fn a_place_goes_to_a_workload_whose_service_counts_for_it_as_often_as_it_does() {
        let count = |workload| (Slot { workload: name(workload), devices: set("0-3") }, 1);
        let live = Live { wanted: ["a", "b"].map(count).into(), ..Live::default() };
        let (placed, used, _) = filled(&live, &[demand("a", 4, 4), demand("b", 2, 4)], 9);
        assert_eq!(used, 2);
        assert_eq!([0, 1].map(|task: usize| placed[task][&set("0-3")]), [1, 1]);
    }

    #[test]
    fn of_what_is_worth_the_same_the_bigger_goes_first() {
        let eight = Demand { cpu: 2048, memory: 2048, ..demand("eight", 1, 8) };
        let (_, _, left) = filled(&live(&["i1: stranger 0-3"]), &[eight, demand("four", 2, 4)], 1);
        assert_eq!(left, [0, 2]);
    }

    #[test]
    fn what_is_worth_most_is_what_takes_most_of_what_is_scarce_among_all_that_can_be_placed() {
        let (host, live, room) = (host("trn1.32xlarge"), Live::default(), Room::default());
        let demands = [
            Demand { cpu: host.cpu / 5, ..demand("wide", 2, 4) },
            Demand { memory: host.memory / 2, ..demand("fat", 4, 1) },
            Demand { cpu: host.cpu * 100, ..demand("giant", 1, 8) },
            Demand { cpu: host.cpu, ..demand("placed", 9, 16) },
        ];
        let scene = Scene::new(&host, &demands, &live, &room);
        let missing = scene.tasks.iter().map(|task| if task.demand.devices < 16 { task.demand.replicas } else { 0 });
        let (missing, credit): (Vec<_>, Vec<_>) = missing.map(|missing| (missing, BTreeMap::new())).unzip();
        let by = |scarce| kinds(&scene, &missing, &credit, scarce).iter().map(|kind| kind.devices).collect::<Vec<_>>();
        assert_eq!(by(Scarce::Devices), [4, 1]);
        assert_eq!(by(Scarce::AsNeeded), [1, 4], "they take 12 of 16 devices, and twice the memory of an instance");
    }
}
