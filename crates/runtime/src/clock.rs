//! The one home of time: everything else is handed an instant, or asks a [`Clock`] to wait.
//!
//! `reconciler` reads it and sleeps on it; `axon-cli` chooses which one. No schedules here: when to wake up is decided by
//! `schedule`.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axon_core::cloud::Cloud;
use jiff::{SignedDuration, Timestamp};

/// Tells the time and waits.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Time that has passed since some instant, which nobody can set: what differs from [`Clock::now`] is a clock that was
    /// set, or a machine that was suspended.
    fn steady(&self) -> Duration;

    /// Completes after a duration of this clock's time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// What [`SystemClock::steady`] counts from.
static START: LazyLock<tokio::time::Instant> = LazyLock::new(instant);

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one home of the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Duration {
        START.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Simulated time that runs faster or slower than tokio's: a day in a minute, or, when a test pauses tokio's time, as
/// fast as the work allows.
#[derive(Clone, Copy, Debug)]
pub struct ScaledClock {
    start: Timestamp,
    origin: tokio::time::Instant,
    speed: f64,
}

impl ScaledClock {
    /// Begins at `start`, now. A speed that is not a positive number counts as 1.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self { start, origin: tokio::time::Instant::now(), speed }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        later(self.start, self.steady())
    }

    fn steady(&self) -> Duration {
        scaled(self.origin.elapsed(), self.speed)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(scaled(duration, 1.0 / self.speed)))
    }
}

/// The machine's clock, set right by AWS's: what AWS dates and what the loop dates are compared with each other.
///
/// When AWS's answers show another time than before, this clock is set, as [`Watch`] notices.
#[derive(Debug)]
pub(crate) struct AwsClock<C, K> {
    cloud: Arc<C>,
    machine: Arc<K>,
}

impl<C, K> AwsClock<C, K> {
    /// Goes by the machine's clock until an answer of AWS says otherwise.
    pub(crate) const fn new(cloud: Arc<C>, machine: Arc<K>) -> Self {
        Self { cloud, machine }
    }
}

impl<C: Cloud + 'static, K: Clock> Clock for AwsClock<C, K> {
    fn now(&self) -> Timestamp {
        self.cloud.aws_time(self.machine.now())
    }

    fn steady(&self) -> Duration {
        self.machine.steady()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.machine.sleep(duration)
    }
}

/// Real time for measuring how long something has taken, whatever the target's time.
#[allow(clippy::disallowed_methods, reason = "the one home of the machine's clock")]
pub(crate) fn instant() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The instant after a duration; the end of time if there is none.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// From one instant to another; nothing if that one has passed.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// Notices that a clock was set.
#[derive(Debug)]
pub(crate) struct Watch {
    now: Timestamp,
    steady: Duration,
}

/// A clock is corrected by less than this all the time, and no waiting time of ours minds.
const SET: SignedDuration = SignedDuration::from_secs(30);

impl Watch {
    /// Compares from now on.
    pub(crate) fn new(clock: &impl Clock) -> Self {
        Self { now: clock.now(), steady: clock.steady() }
    }

    /// By how much the clock was set since the last look, if it was.
    pub(crate) fn look(&mut self, clock: &impl Clock) -> Option<SignedDuration> {
        let next = Self::new(clock);
        let passed = SignedDuration::try_from(next.steady.saturating_sub(self.steady)).unwrap_or(SignedDuration::MAX);
        let by = next.now.duration_since(self.now).saturating_sub(passed);
        *self = next;
        (by.abs() > SET).then_some(by)
    }
}

fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn simulated_time_runs_at_its_speed_and_sleeps_are_as_much_shorter() {
        let start = Timestamp::from_second(1_000).unwrap();
        let clock = ScaledClock::new(start, 60.0);
        let before = tokio::time::Instant::now();
        clock.sleep(Duration::from_mins(2)).await;
        assert_eq!(before.elapsed(), Duration::from_secs(2));
        assert_eq!(clock.now(), Timestamp::from_second(1_120).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_speed_that_makes_no_sense_counts_as_one() {
        for speed in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            let clock = ScaledClock::new(Timestamp::UNIX_EPOCH, speed);
            clock.sleep(Duration::from_secs(5)).await;
            assert_eq!(clock.now(), Timestamp::from_second(5).unwrap());
        }
    }
}
