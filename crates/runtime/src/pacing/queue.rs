//! The steps that want tokens of one bucket, and in which order they get them.
//!
//! Made by `pacing` for each start of steps and thrown away afterwards; only whose turn it is outlives it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axon_core::quota::{Quota, quota_of};
use axon_core::spec::ObjectKey;
use axon_core::step::Step;

use super::Piece;

/// The queue of operations that AWS is not known to limit.
const UNLIMITED: &str = "unlimited";

/// Which piece of work is served next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Turn {
    /// The one with the fewest steps left.
    #[default]
    Smallest,
    /// The one that came up first.
    Oldest,
}

/// The steps of one bucket, twice: in the order of each turn.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) quota: Option<&'static Quota>,
    smallest: VecDeque<usize>,
    oldest: VecDeque<usize>,
    drawn: BTreeSet<usize>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        // Each step is in both orders until it is drawn from one and found drawn in the other.
        self.smallest.iter().filter(|place| !self.drawn.contains(place)).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.smallest.iter().all(|place| self.drawn.contains(place))
    }

    /// The place of the next step, by turns.
    pub(super) fn draw(&mut self, turn: &mut Turn) -> Option<usize> {
        let (order, after) = match turn {
            Turn::Smallest => (&mut self.smallest, Turn::Oldest),
            Turn::Oldest => (&mut self.oldest, Turn::Smallest),
        };
        while let Some(place) = order.pop_front() {
            if self.drawn.insert(place) {
                *turn = after;
                return Some(place);
            }
        }
        None
    }
}

/// A step in its queue.
struct Ticket {
    place: usize,
    piece: Piece,
    /// Steps that the piece has left, in this and in other queues.
    of_piece: usize,
    /// Steps that the object has left.
    of_object: usize,
}

/// The queues of these steps by bucket. `pieces` says what each object's steps belong to.
pub(super) fn sorted(steps: &[Step], pieces: &BTreeMap<ObjectKey, Piece>) -> BTreeMap<&'static str, Queue> {
    let piece_of = |step: &Step| pieces.get(&step.object).copied().unwrap_or(0);
    let mut of_piece: BTreeMap<Piece, usize> = BTreeMap::new();
    let mut of_object: BTreeMap<&ObjectKey, usize> = BTreeMap::new();
    for step in steps {
        *of_piece.entry(piece_of(step)).or_default() += 1;
        *of_object.entry(&step.object).or_default() += 1;
    }
    let mut tickets: BTreeMap<&'static str, (Option<&'static Quota>, Vec<Ticket>)> = BTreeMap::new();
    for (place, step) in steps.iter().enumerate() {
        let quota = quota_of(step.action.service(), step.action.operation());
        let piece = piece_of(step);
        let ticket = Ticket {
            place,
            piece,
            of_piece: of_piece.get(&piece).copied().unwrap_or(0),
            of_object: of_object.get(&step.object).copied().unwrap_or(0),
        };
        let name = quota.map_or(UNLIMITED, |quota| quota.name);
        tickets.entry(name).or_insert_with(|| (quota, Vec::new())).1.push(ticket);
    }
    tickets.into_iter().map(|(name, (quota, tickets))| (name, queue(quota, tickets))).collect()
}

fn queue(quota: Option<&'static Quota>, mut tickets: Vec<Ticket>) -> Queue {
    let places = |tickets: &[Ticket]| tickets.iter().map(|ticket| ticket.place).collect();
    tickets.sort_by_key(|ticket| (ticket.of_piece, ticket.piece, ticket.of_object, ticket.place));
    let smallest = places(&tickets);
    tickets.sort_by_key(|ticket| (ticket.piece, ticket.of_object, ticket.place));
    let oldest = places(&tickets);
    Queue { quota, smallest, oldest, drawn: BTreeSet::new() }
}
