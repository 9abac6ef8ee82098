//! How few rows hold everything: the fresh packing, by which a layout is judged.
//!
//! Two ways are tried and the better one counts: `fill`, which gives every task its tightest gap, biggest first; and
//! `rows`, which fills one row after the other as full as it gets, which is what mixed sizes want (7 and 5 of 12 devices).
//!
//! Neighbours: `consolidate` moves tasks to get near it. Not here: what is there already.

use super::board::Board;
use super::fill::fill;
use super::rows;
use super::scene::Scene;
use super::{Sharing, Spread};

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
}

/// Places `missing` beside what is on the board, on at most `cap` rows. Returns what found no place; there is none for it.
pub(super) fn pack<'a>(board: &Board<'a>, missing: &[u32], cap: usize, way: Way) -> (Board<'a>, Vec<u32>) {
    let mut board = board.clone();
    let scarce = match way {
        Way::Tasks => {
            let left = fill(&mut board, missing, cap);
            return (board, left);
        }
        Way::RowsByDevices => rows::Scarce::Devices,
        Way::RowsByNeed => rows::Scarce::AsNeeded,
    };
    let tasks = board.scene.tasks.iter().map(|task| task.demand);
    let is_free = tasks.map(|it| it.spread == Spread::Pack && it.sharing == Sharing::Shared);
    let (free, bound): (Vec<u32>, Vec<u32>) =
        missing.iter().zip(is_free).map(|(missing, free)| if free { (*missing, 0) } else { (0, *missing) }).unzip();
    let bound = fill(&mut board, &bound, cap);
    let left = rows::fill_up(&mut board, free, cap, scarce);
    // Not every combination for a row was tried. What would still fit must not be left out: it would find its place the
    // next time, and the layout would change although nothing has happened.
    let left = if left.iter().any(|left| *left > 0) { fill(&mut board, &left, cap) } else { left };
    let left = left.iter().zip(&bound).map(|(free, bound)| free + bound).collect();
    (board, left)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{at_most, demand, host, live};
    use super::super::{Demand, Hold};
    use super::*;

    #[test]
    fn a_task_that_fits_has_its_place_however_many_there_are_that_do_not() {
        let host = host("trn1.32xlarge");
        let mut live = live(&["i1: stranger 0-7"]);
        let half = host.memory / 2;
        live.instances[0].holds[0] = Hold { memory: half, ..live.instances[0].holds[0].clone() };
        // More than are tried for one row.
        let big = (1..=4_100).map(|more| Demand { memory: half + more, ..demand(&format!("big-{more}"), 1, 1) });
        let demands: Vec<_> = big.chain([demand("small", 1, 1)]).collect();
        let room = at_most(1);
        let scene = Scene::new(&host, &demands, &live, &room);
        let board = super::super::keep::keep(&scene, &live);
        for way in Way::ALL {
            let (_, left) = pack(&board, &board.missing(), scene.max, way);
            assert_eq!(left.iter().sum::<u32>(), 4_100, "{way:?}");
        }
    }
}
