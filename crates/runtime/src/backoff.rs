//! How long to wait after a failed call, by what the failure means.
//!
//! `controller` asks when a step or a reading has failed and hands the answer to `core`, whose next plan is the retry:
//! there is no loop around any call. The schedule is the `backoff` crate's with its own randomness off; the jitter comes
//! from a hash, so that the same inputs give the same waiting times. No clock here.

use std::fmt::Display;
use std::time::Duration;

use axon_core::cloud::ErrorClass;
use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff as _;
use sha2::{Digest as _, Sha256};

/// No schedule grows any further after so many failures.
const LAST_GROWTH: u32 = 16;

/// The waiting times of one class of errors, before jitter.
#[derive(Clone, Copy, Debug)]
struct Course {
    first: Duration,
    factor: f64,
    most: Duration,
}

const fn course(class: ErrorClass) -> Course {
    let (first, factor, most) = match class {
        ErrorClass::Throttled => (1, 2.0, 30),
        ErrorClass::Transient | ErrorClass::Ambiguous | ErrorClass::NotFound => (2, 2.0, 120),
        ErrorClass::Conflict => (3, 1.5, 30),
        // Nothing that a program could mend: capacity, quota, permission, or the request itself.
        ErrorClass::NoCapacity | ErrorClass::Quota | ErrorClass::Denied | ErrorClass::Invalid => (15, 2.0, 600),
    };
    Course { first: Duration::from_secs(first), factor, most: Duration::from_secs(most) }
}

/// The longest that is waited after the `failures`th failure in a row (the first is 1).
pub(crate) fn longest(class: ErrorClass, failures: u32) -> Duration {
    let Course { first, factor, most } = course(class);
    let mut schedule = ExponentialBackoffBuilder::new()
        .with_initial_interval(first)
        .with_multiplier(factor)
        .with_max_interval(most)
        .with_randomization_factor(0.0)
        .with_max_elapsed_time(None)
        .build();
    let mut interval = first;
    for _ in 0..failures.clamp(1, LAST_GROWTH) {
        interval = schedule.next_backoff().unwrap_or(most);
    }
    interval.min(most)
}

/// How long to wait after a failure: full jitter, but at least a tenth, so that nothing is hammered.
pub(crate) fn delay(class: ErrorClass, failures: u32, what: &str) -> Duration {
    let longest = longest(class, failures);
    let floor = longest / 10;
    floor + longest.saturating_sub(floor).mul_f64(fraction(what, failures))
}

/// An interval, give or take a tenth of it: what is set to the same interval does not happen at the same moment.
pub(crate) fn around(interval: Duration, what: &str, round: impl Display) -> Duration {
    interval.mul_f64(0.9 + 0.2 * fraction(what, round))
}

/// A number from 0 to 1 that looks random and is not.
fn fraction(what: &str, which: impl Display) -> f64 {
    let digest = Sha256::digest(format!("{what}\n{which}"));
    let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    f64::from(number) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(class: ErrorClass) -> Vec<u64> {
        (1..=12).map(|failures| longest(class, failures).as_secs()).collect()
    }

    #[test]
    fn waiting_grows_by_what_the_error_means() {
        assert_eq!(table(ErrorClass::Throttled), [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30]);
        assert_eq!(table(ErrorClass::Transient), [2, 4, 8, 16, 32, 64, 120, 120, 120, 120, 120, 120]);
        assert_eq!(table(ErrorClass::Ambiguous), table(ErrorClass::Transient));
        assert_eq!(table(ErrorClass::Conflict), [3, 4, 6, 10, 15, 22, 30, 30, 30, 30, 30, 30]);
        assert_eq!(table(ErrorClass::Denied), [15, 30, 60, 120, 240, 480, 600, 600, 600, 600, 600, 600]);
        assert_eq!(table(ErrorClass::Invalid), table(ErrorClass::NoCapacity));
    }

    #[test]
    fn jitter_is_deterministic_and_differs_between_resources_and_attempts() {
        let wait = |failures, what| delay(ErrorClass::Transient, failures, what);
        assert_eq!(wait(3, "cluster a"), wait(3, "cluster a"));
        assert_ne!(wait(3, "cluster a"), wait(3, "cluster b"));
        assert_ne!(wait(7, "cluster a"), wait(8, "cluster a"));
    }

    #[test]
    fn an_interval_is_spread_by_a_tenth_and_no_more() {
        let minute = Duration::from_mins(1);
        let pauses: Vec<Duration> = (0..100).map(|round| around(minute, "fleet", round)).collect();
        assert!(pauses.iter().all(|pause| (54.0..=66.0).contains(&pause.as_secs_f64())), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause < minute) && pauses.iter().any(|pause| *pause > minute));
        assert_ne!(around(minute, "fleet", 1), around(minute, "other", 1));
    }

    #[test]
    fn jitter_stays_between_a_tenth_and_the_whole() {
        for failures in 1..=200 {
            for number in 0..50 {
                let longest = longest(ErrorClass::Denied, failures);
                let delay = delay(ErrorClass::Denied, failures, &number.to_string());
                assert!(delay >= longest / 10 && delay <= longest, "{delay:?} of {longest:?}");
            }
        }
    }
}
