//! What a loop is watched by: its name, its counts, its history, its pulse.
//!
//! Made by `axon-cli`, one for each target; handed to [`Reconciler::watched`](crate::Reconciler::watched). Without one a
//! loop works the same and nobody sees it.

use crate::health::Pulse;
use crate::history::{History, Ledger};
use crate::metrics::{Meter, Metrics};

/// What the loop of one target is watched by.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Where it is counted. Knows the target's name.
    pub meter: Meter,
    /// Where its events are filed.
    pub ledger: Ledger,
    /// Where it shows that it turns.
    pub pulse: Pulse,
}

impl Telemetry {
    /// For the target of this name, as logs, metrics and events spell it.
    pub fn new(target: &str, metrics: &Metrics, history: &History) -> Self {
        Self { meter: metrics.target(target), ledger: history.target(target), pulse: Pulse::new() }
    }

    /// The target's name.
    pub fn target(&self) -> &str {
        self.meter.target()
    }
}

impl Default for Telemetry {
    /// Seen by nobody.
    fn default() -> Self {
        Self::new("default", &Metrics::new(), &History::in_memory())
    }
}
