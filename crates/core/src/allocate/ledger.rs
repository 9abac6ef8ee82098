//! The budget of a packed service: how many of its replicas may be missing, and how many tasks there may be.
//!
//! Part of `budget`; `plan/packed` takes turns from what it leaves.

use super::Healthy;
use crate::desired::Budget;

/// How many replicas there are and how many there must and may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Replicas that run and are wanted.
    pub available: u32,
    /// Fewest that must run.
    pub floor: u32,
    /// Tasks that run, start, or are asked for.
    pub total: u32,
    /// Most tasks that may.
    pub ceiling: u32,
    /// Replicas wanted in the end.
    pub replicas: u32,
}

impl Ledger {
    pub(super) fn new(replicas: u32, budget: Budget) -> Self {
        let share = |percent: u32, up: u32| {
            u32::try_from((u64::from(replicas) * u64::from(percent) + u64::from(up)) / 100).unwrap_or(u32::MAX)
        };
        Self {
            floor: share(budget.minimum_healthy_percent, 99).min(replicas),
            ceiling: share(budget.maximum_percent, 0).max(replicas),
            replicas,
            ..Self::default()
        }
    }

    /// Replicas of an ECS service of `count` tasks that a deployment may stop before it starts others.
    pub fn stoppable(&self, count: u32) -> u32 {
        self.replicas.saturating_sub(self.floor).min(count)
    }

    /// Tasks that a deployment of an ECS service of `count` tasks may start before it stops others.
    pub fn startable(&self, count: u32) -> u32 {
        self.ceiling.saturating_sub(self.replicas).min(count)
    }

    /// What a deployment of an ECS service needs of which `count` of `wanted` tasks run: how many it stops and starts ahead of
    /// one another. One that lacks tasks has as many fewer to stop: its least is a share of what is wanted.
    pub fn turn(&self, count: u32, wanted: u32) -> (u32, u32) {
        let least = wanted.saturating_sub(self.stoppable(wanted));
        (self.stoppable(count).min(count.saturating_sub(least)), self.startable(count))
    }

    /// Takes what a deployment of the ECS service `name` stops and starts; false if there is not enough left of it now. Nothing
    /// that is healthy is stopped for a task that has only just started.
    pub fn take_turn(&mut self, healthy: &mut Healthy, name: &str, (stopped, started): (u32, u32)) -> bool {
        let enough_stay =
            self.available >= self.floor.saturating_add(stopped) && healthy.spare(name, self.floor) >= stopped;
        // Where something is down already, a deployment that stops nothing may be what brings it back.
        let may_stop = stopped == 0 || enough_stay;
        let may_start = started == 0 || self.total.saturating_add(started) <= self.ceiling;
        let enough = may_stop && may_start;
        if enough {
            self.available = self.available.saturating_sub(stopped);
            self.total = self.total.saturating_add(started);
            healthy.lose(name, stopped);
        }
        enough
    }
}
