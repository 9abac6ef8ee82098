//! Whether a loop still turns: told by the loop, asked by whoever watches the process.
//!
//! `reconciler` beats a [`Pulse`] in every turn, and turns at least every [`TICK`] of real time even if nothing happens;
//! `/healthz` asks for trouble. Real time, as a simulated one says nothing about a hung thread. Whether the work succeeds
//! is no matter of health: statuses tell that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::instant;

/// How often a loop turns at least.
pub const TICK: Duration = Duration::from_secs(10);
/// Ticks that a loop may miss. A machine that is out of breath must not be killed for it.
const MISSED: u32 = 6;
/// How long a look at the source or at AWS may last. Every call in it has its own deadline, so this is a bug.
const LONGEST_LOOK: Duration = Duration::from_mins(30);

/// The pulse of one loop. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Mutex<Beats>>);

#[derive(Debug)]
struct Beats {
    last: Instant,
    looks: BTreeMap<&'static str, Instant>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

impl Pulse {
    /// Counts from now on: a loop that never begins is in trouble, too.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Beats { last: instant(), looks: BTreeMap::new() })))
    }

    /// The loop turns.
    pub fn beat(&self) {
        self.beats().last = instant();
    }

    /// Another loop turns in the place of one that was lost, and with it whatever it looked at.
    pub(crate) fn begin_anew(&self) {
        *self.beats() = Beats { last: instant(), looks: BTreeMap::new() };
    }

    /// A look has begun.
    pub(crate) fn begun(&self, look: &'static str) {
        self.beats().looks.insert(look, instant());
    }

    /// A look has ended.
    pub(crate) fn ended(&self, look: &'static str) {
        self.beats().looks.remove(look);
    }

    /// How long ago the loop turned last.
    pub fn age(&self) -> Duration {
        self.beats().last.elapsed()
    }

    /// What is wrong with the loop, in words, if anything is.
    pub fn trouble(&self) -> Option<String> {
        let beats = self.beats();
        let silent = beats.last.elapsed();
        if silent > TICK * MISSED {
            let (silent, tick) = (silent.as_secs(), TICK.as_secs());
            return Some(format!("its loop has not turned for {silent} s and should every {tick} s"));
        }
        let (look, since) = beats.looks.iter().find(|(_, since)| since.elapsed() > LONGEST_LOOK)?;
        Some(format!(
            "{look} has lasted for {} s and should end within {} s",
            since.elapsed().as_secs(),
            LONGEST_LOOK.as_secs()
        ))
    }

    fn beats(&self) -> MutexGuard<'_, Beats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_turns_is_well_and_one_that_stands_still_is_named() {
        let pulse = Pulse::new();
        tokio::time::sleep(TICK * MISSED).await;
        assert_eq!(pulse.trouble(), None);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(pulse.trouble().unwrap(), "its loop has not turned for 61 s and should every 10 s");
        pulse.beat();
        assert_eq!((pulse.trouble(), pulse.age()), (None, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_never_ends_is_trouble_while_the_loop_turns() {
        let pulse = Pulse::new();
        pulse.begun("a sweep");
        tokio::time::sleep(LONGEST_LOOK + Duration::from_secs(1)).await;
        pulse.beat();
        assert!(pulse.trouble().unwrap().starts_with("a sweep has lasted for 1801 s"), "{:?}", pulse.trouble());
        pulse.ended("a sweep");
        assert_eq!(pulse.trouble(), None);
    }
}
