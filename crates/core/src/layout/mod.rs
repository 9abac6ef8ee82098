//! Which devices of which instance every replica gets: the layout of a pool whose instances ECS fills by count.
//!
//! ECS does not count Neuron devices. Each (workload, device set) is an ECS service of its own, a slot service, whose
//! desired count is the number of instances that hold this set for the workload; ECS chooses the instance. So what this
//! module decides is a multiset of slots, and it finds it by filling rows, one a (possible) instance.
//!
//! A layout is computed each time from live tasks, never from the layout before:
//!
//! 1. `keep`: tasks that are right where they are stay ([`Hold`]s on usable instances, of the size in demand).
//! 2. `fill`: what is missing goes into the tightest gaps, then onto new instances.
//! 3. `pack`: how few instances would do if nothing ran yet.
//! 4. `consolidate`: if 2 needs more than one instance above 3, as few replicas as possible move.
//!
//! **Tasks on their way out.** A task that is not kept (too many, wrong size, on a draining instance) is taken to stop as
//! soon as the counts change, so its chips count as free, though other workloads avoid them if they can do so without a
//! further instance. ECS makes the new task wait for the host ports of the old one. Tasks of a workload that is in no
//! demand are not ours to stop: their chips, CPU and memory are taken until they are gone.
//!
//! **Counts, not rows.** When a set has to be chosen, one that the workload's slot services already count for comes
//! first: then no count changes, and nothing moves that need not.
//!
//! **No preemption.** Where room is short, priority decides who gets what is free; running tasks are not evicted.
//!
//! Neighbours: `neuron` says which sets are valid; `resolve` makes slot services of [`Layout::counts`]; `plan` shows
//! [`Layout::changes`]. Not here: ports, ECS, and which instance ECS really chooses.

mod alike;
mod board;
mod changes;
mod consolidate;
mod fill;
mod input;
mod keep;
mod output;
mod pack;
mod rows;
mod scene;

pub use changes::{Changes, CountChange, InstanceChange};
pub use input::{Demand, Hold, Host, InstanceState, Live, LiveInstance, Moves, Room, Sharing, Spread};
pub use output::{Layout, Row, Slot, Unplaced, Why};

use scene::Scene;

/// Places every replica, moving as few as possible. Same inputs, same layout; the order of `demands` and of
/// `live.instances` decides nothing but ties between equal instances.
///
/// Never an error: what cannot be placed is in [`Layout::unplaced`] with the reason.
pub fn lay_out(host: &Host, demands: &[Demand], live: &Live, room: &Room) -> Layout {
    let scene = Scene::new(host, demands, live, room);
    let kept = keep::keep(&scene, live);
    let (fresh, fresh_left) = pack::fresh(&scene, &kept.of_strangers());
    let mut grown = kept.clone();
    let left = fill::fill(&mut grown, &kept.missing(), scene.max);
    let aim = consolidate::Aim { fresh, fresh_left, grown, grown_left: left };
    let (board, left, fresh) = aim.settle();
    output::layout(&board, &left, fresh)
}

#[cfg(test)]
mod examples;
