//! Which tasks of a packed service ECS counts as healthy, as far as that can be known.
//!
//! Part of `budget`; `plan/packed` takes turns from what it leaves. `live` reads it off tasks; ECS counts by itself, and goes on
//! while Axon thinks.

use std::collections::BTreeMap;

use super::live::{Standing, running};
use crate::observe::Service;

/// Tasks that ECS counts as healthy, over all ECS services: those that surely are, those of which it cannot be told, and
/// apart from both, those that may be by the time that something is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healthy {
    of: BTreeMap<String, (u32, u32, u32)>,
    surely: u32,
    perhaps: u32,
}

impl Healthy {
    pub(super) fn of(existing: &BTreeMap<&str, &Service>, standing: &BTreeMap<String, Standing>) -> Self {
        let one = |(name, found): (&&str, &&Service)| {
            let Standing { proven, trusted, young, .. } = standing.get(*name).copied().unwrap_or_default();
            // Services and tasks are not read in the same instant: a task that runs by the one need not run by the other yet.
            ((*name).to_owned(), (proven.min(running(found)), trusted.min(running(found)), young))
        };
        let of: BTreeMap<String, (u32, u32, u32)> = existing.iter().map(one).collect();
        let (surely, perhaps) = (of.values().map(|of| of.0).sum(), of.values().map(|of| of.1).sum());
        Self { of, surely, perhaps }
    }

    /// Tasks that surely are healthy.
    pub fn surely(&self) -> u32 {
        self.surely
    }

    fn one(&self, name: &str) -> (u32, u32, u32) {
        self.of.get(name).copied().unwrap_or_default()
    }

    /// The ways in which it may turn out which tasks are healthy: how many of this ECS service, and how many of all. A young task
    /// is taken for healthy here and for not healthy elsewhere, because ECS may have stopped another one for it already.
    pub(super) fn cases(&self, name: &str) -> [(u32, u32); 3] {
        let (proven, trusted, young) = self.one(name);
        [(proven, self.surely), (trusted, self.perhaps), (proven + young, self.surely + young)]
    }

    /// How many tasks of an ECS service may go without fewer than the floor being left; any number if none of them counts.
    pub(super) fn spare(&self, name: &str, floor: u32) -> u32 {
        let spare = |here: u32, in_all: u32| if here == 0 { u32::MAX } else { in_all.saturating_sub(floor) };
        self.cases(name).into_iter().map(|(here, in_all)| spare(here, in_all)).min().unwrap_or(0)
    }

    /// So many tasks of an ECS service go, the healthy ones first.
    pub(super) fn lose(&mut self, name: &str, gone: u32) {
        let (proven, trusted, _) = self.one(name);
        self.surely = self.surely.saturating_sub(proven.min(gone));
        self.perhaps = self.perhaps.saturating_sub(trusted.min(gone));
    }
}
