//! The clock of a target: the machine's, or one that runs as fast as the simulated AWS. Neighbours: `axon_runtime` has
//! both; this is the choice between them.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axon_runtime::clock::{Clock, ScaledClock, SystemClock};
use jiff::Timestamp;

/// Real or simulated time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Time {
    /// The machine's clock.
    System,
    /// Simulated time, and how fast it runs.
    Scaled(ScaledClock, f64),
}

impl Time {
    /// How much faster than real time it runs, if it is simulated.
    pub(crate) const fn speed(&self) -> Option<f64> {
        match self {
            Self::System => None,
            Self::Scaled(_, speed) => Some(*speed),
        }
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        match self {
            Self::System => SystemClock.now(),
            Self::Scaled(clock, _) => clock.now(),
        }
    }

    fn steady(&self) -> Duration {
        match self {
            Self::System => SystemClock.steady(),
            Self::Scaled(clock, _) => clock.steady(),
        }
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match self {
            Self::System => SystemClock.sleep(duration),
            Self::Scaled(clock, _) => clock.sleep(duration),
        }
    }
}
