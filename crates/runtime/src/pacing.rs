//! Which steps of a plan start now: no more than AWS's buckets have tokens for, and every piece of work in its turn.
//!
//! Between `controller`, which hands in the steps that are safe now, and `execution`, which makes the calls. The buckets
//! are `axon_core::quota`'s; here each has a queue. A piece of work is what came up together: the objects that one commit
//! changed, or that one reading found to differ. In each queue the smallest piece and the oldest take turns, so a repair
//! or a small change waits for one other step at most, and a big roll-out never stops. Within a piece, objects with few
//! steps go before those with many. No clock: instants come in.

mod queue;

use std::collections::{BTreeMap, BTreeSet};

use axon_core::quota::{Bucket, Share, quota_of};
use axon_core::spec::ObjectKey;
use axon_core::step::{Resource, Step};
use jiff::Timestamp;

use crate::view::Paced;

use queue::{Queue, Turn};

/// What a piece of work is called: pieces that came up later have higher numbers.
type Piece = u64;

/// The buckets of a target, and who has waited for them how long.
#[derive(Debug)]
pub(crate) struct Pacing {
    share: Share,
    /// Calls that may be under way at once.
    concurrent: usize,
    buckets: BTreeMap<&'static str, Lane>,
    pieces: BTreeMap<ObjectKey, Piece>,
    newest: Piece,
    next: Option<Timestamp>,
    paced: Vec<Paced>,
}

/// A bucket and whose turn it is at it.
#[derive(Debug)]
struct Lane {
    bucket: Bucket,
    turn: Turn,
}

impl Pacing {
    /// Full buckets.
    pub(crate) const fn new(share: Share, concurrent: usize) -> Self {
        Self {
            share,
            concurrent,
            buckets: BTreeMap::new(),
            pieces: BTreeMap::new(),
            newest: 0,
            next: None,
            paced: Vec::new(),
        }
    }

    /// When the next token comes that a step waits for.
    pub(crate) const fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// How many steps wait for which bucket.
    pub(crate) fn paced(&self) -> &[Paced] {
        &self.paced
    }

    /// AWS has refused a step as too fast.
    pub(crate) fn throttled(&mut self, step: &Step, now: Timestamp) {
        let Some(quota) = quota_of(step.action.service(), step.action.operation()) else { return };
        if let Some(lane) = self.buckets.get_mut(quota.name) {
            lane.bucket.throttled(now);
        }
    }

    /// What these objects should be has changed: what is left to do for them is another piece of work.
    pub(crate) fn renew(&mut self, changed: &BTreeSet<ObjectKey>) {
        self.pieces.retain(|object, _| !changed.contains(object));
    }

    /// Learns which objects have steps, of a new plan or under way. Those that had none before are a new piece of work.
    pub(crate) fn sort(&mut self, steps: &[Step], in_flight: &BTreeMap<Resource, Step>) {
        let busy: BTreeSet<&ObjectKey> = steps.iter().chain(in_flight.values()).map(|step| &step.object).collect();
        self.pieces.retain(|object, _| busy.contains(object));
        let new: Vec<&ObjectKey> = busy.into_iter().filter(|object| !self.pieces.contains_key(*object)).collect();
        if !new.is_empty() {
            self.newest += 1;
            self.pieces.extend(new.into_iter().map(|object| (object.clone(), self.newest)));
        }
    }

    /// Takes the steps out of `steps` that start now. What starts together does so in the order of the plan.
    pub(crate) fn admit(&mut self, steps: &mut Vec<Step>, running: usize, now: Timestamp) -> Vec<Step> {
        let mut queues = queue::sorted(steps, &self.pieces);
        let mut room = self.concurrent.saturating_sub(running);
        let mut admitted: Vec<usize> = Vec::new();
        // One of each queue at a time, so that no bucket's burst takes all the places.
        loop {
            let before = admitted.len();
            for queue in queues.values_mut() {
                if room == 0 {
                    break;
                }
                if let Some(step) = self.draw(queue, now) {
                    admitted.push(step);
                    room -= 1;
                }
            }
            if admitted.len() == before {
                break;
            }
        }
        self.remember_who_waits(&queues, now);
        if room == 0 {
            // The end of a call is waited for, not a token.
            self.next = None;
        }
        admitted.sort_unstable();
        take(steps, &admitted)
    }

    fn draw(&mut self, queue: &mut Queue, now: Timestamp) -> Option<usize> {
        if queue.is_empty() {
            return None;
        }
        let Some(quota) = queue.quota else { return queue.draw(&mut Turn::default()) };
        let share = self.share;
        let fresh = || Lane { bucket: Bucket::new(quota, share, now), turn: Turn::default() };
        let lane = self.buckets.entry(quota.name).or_insert_with(fresh);
        if lane.bucket.take(now) { queue.draw(&mut lane.turn) } else { None }
    }

    fn remember_who_waits(&mut self, queues: &BTreeMap<&'static str, Queue>, now: Timestamp) {
        self.next = None;
        self.paced.clear();
        for (name, queue) in queues.iter().filter(|(_, queue)| !queue.is_empty()) {
            let Some(lane) = self.buckets.get_mut(name) else { continue };
            let next = lane.bucket.next(now);
            if next > now {
                self.next = Some(self.next.map_or(next, |other| other.min(next)));
                let speed_percent = lane.bucket.speed_percent();
                self.paced.push(Paced { bucket: name, steps: queue.len(), speed_percent });
            }
        }
    }
}

/// Takes the steps at these places out of the list and keeps the order of the others.
fn take(steps: &mut Vec<Step>, places: &[usize]) -> Vec<Step> {
    if places.is_empty() {
        return Vec::new();
    }
    let mut slots: Vec<Option<Step>> = steps.drain(..).map(Some).collect();
    let taken = places.iter().filter_map(|place| slots.get_mut(*place).and_then(Option::take)).collect();
    steps.extend(slots.into_iter().flatten());
    taken
}

#[cfg(test)]
mod tests;
