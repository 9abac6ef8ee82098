//! Frees instances when a layout without moves takes more than one above a fresh packing.
//!
//! Neighbours: `fill` made the layout without moves, `pack` the fresh one. Not here: judging when it is worth it beyond
//! counting instances.

use std::cmp::Reverse;

use super::board::{Board, Line};
use super::pack::{Way, pack};

/// Instances that a layout may take above a fresh packing before tasks are moved.
const SLACK: usize = 1;

/// The two ends between which a layout is looked for.
#[derive(Debug)]
pub(super) struct Aim<'a> {
    /// Everything packed anew.
    pub(super) fresh: Board<'a>,
    pub(super) fresh_left: Vec<u32>,
    /// What is there and, beside it, what was missing.
    pub(super) grown: Board<'a>,
    pub(super) grown_left: Vec<u32>,
}

impl<'a> Aim<'a> {
    /// The layout, what found no place in it, and how many rows the fresh packing has.
    pub(super) fn settle(self) -> (Board<'a>, Vec<u32>, usize) {
        let fresh = self.fresh.used;
        // Only the fresh packing says whether to move: it depends on the demands (and strangers) alone, so that the answer
        // stays the same while ECS makes the layout true.
        if self.holds(&self.grown, &self.grown_left) || !self.holds(&self.fresh, &self.fresh_left) {
            return (self.grown, self.grown_left, fresh);
        }
        let (board, left) = self.with_few_moves();
        (board, left, fresh)
    }

    fn limit(&self) -> usize {
        // Strangers alone may be on more instances than the pool shall have.
        (self.fresh.used + SLACK).min(self.grown.scene.max.max(self.fresh.used))
    }

    /// True if a layout has few rows and everything placed that can be.
    fn holds(&self, board: &Board<'_>, left: &[u32]) -> bool {
        // Placing more in total must not cost a workload a replica that it would have if nothing moved.
        let is_fair = self.grown.used > self.grown.scene.max
            || left.iter().zip(&self.grown_left).all(|(left, grown)| left <= grown);
        board.used <= self.limit() && is_fair && total(left) <= total(&self.fresh_left)
    }

    /// Keeps the fullest rows as they are, as many as possible, and packs the tasks of the others anew.
    fn with_few_moves(self) -> (Board<'a>, Vec<u32>) {
        let order = fullest_first(&self.grown);
        let mut best = None;
        let (mut low, mut high) = (0, self.limit().min(order.len()) + 1);
        while low < high {
            let middle = low.midpoint(high);
            match self.with_frozen(&order, middle) {
                Some(found) => (best, low) = (Some(found), middle + 1),
                None => high = middle,
            }
        }
        best.unwrap_or_else(|| (self.fresh.seated_on(&self.grown), self.fresh_left))
    }

    fn with_frozen(&self, order: &[usize], frozen: usize) -> Option<(Board<'a>, Vec<u32>)> {
        let base = self.grown.with_only(order, frozen);
        let missing = base.missing();
        if !has_volume(&base, &missing, (self.limit(), total(&self.fresh_left))) {
            return None;
        }
        let ways = Way::ALL.iter().map(|way| pack(&base, &missing, self.limit(), *way));
        ways.into_iter().find(|(board, left)| self.holds(board, left))
    }
}

/// False if `missing`, but for so many replicas, cannot fit on so many rows for the number of devices alone.
fn has_volume(board: &Board<'_>, missing: &[u32], (rows, left): (usize, u64)) -> bool {
    let whole = board.scene.host.sets.keys().max().copied().map_or(0, usize::from);
    let used = |line: &Line| usize::try_from(line.used_devices()).unwrap_or(whole);
    let gaps: usize =
        board.lines.iter().filter(|line| line.is_used()).map(|line| whole.saturating_sub(used(line))).sum();
    let room = gaps + rows.saturating_sub(board.used) * whole;
    let needs = board.scene.tasks.iter().zip(missing).filter(|(task, _)| !task.sets.is_empty());
    let needed: u64 = needs.map(|(task, missing)| u64::from(task.demand.devices) * u64::from(*missing)).sum();
    left > 0 || u64::try_from(room).is_ok_and(|room| needed <= room)
}

fn total(left: &[u32]) -> u64 {
    left.iter().copied().map(u64::from).sum()
}

/// Rows in use: those that cannot be freed, then those that would cost the most moves.
fn fullest_first(board: &Board<'_>) -> Vec<usize> {
    let used = board.lines.iter().enumerate().filter(|(_, line)| line.is_used());
    let key = |(row, line): (usize, &Line)| {
        let key = (Reverse(line.has_strangers), Reverse(line.used_devices()), Reverse(line.slots.len()));
        (key, line.origin.is_none(), row)
    };
    let mut keys: Vec<_> = used.map(key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, _, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::{demand, host, live, set};
    use super::super::scene::Scene;
    use super::super::{Demand, Room};
    use super::*;

    /// Whether four tasks of 4 devices and two of 1 may fit on `rows` instances of 16, where 4 devices of one are taken. Tasks
    /// that no instance can hold are missing, too.
    fn fits(rows: usize, left: u64) -> bool {
        let demands = [demand("four", 4, 4), demand("one", 2, 1), Demand { memory: 1_000_000, ..demand("none", 9, 1) }];
        let (host, live, room) = (host("trn1.32xlarge"), live(&[]), Room::default());
        let scene = Scene::new(&host, &demands, &live, &room);
        let mut board = Board::new(&scene);
        board.open(None, 0);
        board.block(0, set("0-3"), (1, 1));
        board.open(None, 0);
        let missing = board.missing();
        has_volume(&board, &missing, (rows, left))
    }

    #[test]
    fn devices_of_all_that_is_missing_are_compared_with_the_gaps_and_further_rows() {
        assert!(!fits(1, 0), "18 devices and a gap of 12");
        assert!(fits(2, 0), "18 devices, a gap of 12 and a row of 16");
    }

    #[test]
    fn volume_says_nothing_where_something_may_be_left_out() {
        assert!(fits(1, 1));
    }
}
