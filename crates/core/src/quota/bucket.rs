//! One token bucket in the time that it is told: fills, gives tokens, slows down when AWS says "too fast", recovers.
//!
//! Part of `quota`. Whole numbers only, so that the same calls at the same instants always give the same answers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Quota, Share};

/// A token is divided into so many parts, and so is a speed.
const MILLION: i64 = 1_000_000;
/// A bucket that AWS complains about again and again still gives a tenth of its tokens.
const SLOWEST: i64 = MILLION / 10;
/// Calls that were sent together are refused together; that is one reason to slow down, not many.
const ONE_BLOW: i64 = 5_000;
/// Milliseconds in which a standing bucket comes back to its full speed.
const RECOVERY: i64 = 60_000;

/// A token bucket: Axon's share of one of AWS's.
#[derive(Clone, Debug)]
pub struct Bucket {
    quota: &'static Quota,
    share: i64,
    /// In millionths. Less than nothing when calls are waiting that have been promised their turn.
    tokens: i64,
    /// Up to when it has been filled, in milliseconds.
    filled: i64,
    /// How much of its rate it gives, in millionths.
    speed: i64,
    slowed: Option<i64>,
}

impl Bucket {
    /// A full bucket.
    pub fn new(quota: &'static Quota, share: Share, now: Timestamp) -> Self {
        let share = i64::from(share.percent());
        let mut bucket = Self { quota, share, tokens: 0, filled: now.as_millisecond(), speed: MILLION, slowed: None };
        bucket.tokens = bucket.burst();
        bucket
    }

    /// Takes a token if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        self.fill(now);
        let granted = self.tokens >= MILLION;
        if granted {
            self.tokens -= MILLION;
        }
        granted
    }

    /// Takes a token that may still have to come, and says how long that takes.
    pub fn reserve(&mut self, now: Timestamp) -> Duration {
        self.fill(now);
        self.tokens -= MILLION;
        Duration::from_millis(self.millis_until(0).unsigned_abs())
    }

    /// When the next token is there.
    pub fn next(&mut self, now: Timestamp) -> Timestamp {
        self.fill(now);
        let wait = SignedDuration::from_millis(self.millis_until(MILLION));
        now.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// AWS has refused a call: its bucket is empty, whoever has emptied it. Halves the speed, which comes back by itself.
    pub fn throttled(&mut self, now: Timestamp) {
        self.fill(now);
        self.tokens = self.tokens.min(0);
        if self.slowed.is_none_or(|slowed| self.filled - slowed >= ONE_BLOW) {
            self.speed = (self.speed / 2).max(SLOWEST);
            self.slowed = Some(self.filled);
        }
    }

    /// Percent of its usual rate that it gives at present: 100 unless AWS has complained lately.
    pub fn speed_percent(&self) -> u8 {
        u8::try_from(self.speed * 100 / MILLION).unwrap_or(100)
    }

    /// Never less than one token, or nothing could ever be called.
    fn burst(&self) -> i64 {
        (i64::from(self.quota.burst) * self.share * MILLION / 100).max(MILLION)
    }

    /// Millionths of a token in a second; at a share of 1 % and a tenth of the speed still a thousand.
    fn rate(&self) -> i64 {
        i64::from(self.quota.per_second) * self.share * self.speed / 100
    }

    fn fill(&mut self, now: Timestamp) {
        let now = now.as_millisecond();
        // From a clock that was set back, time counts anew from there.
        let elapsed = (now - self.filled).max(0);
        self.tokens =
            elapsed.saturating_mul(self.rate()).div_euclid(1_000).saturating_add(self.tokens).min(self.burst());
        self.speed = elapsed.saturating_mul(MILLION).div_euclid(RECOVERY).saturating_add(self.speed).min(MILLION);
        self.filled = now;
        self.slowed = self.slowed.map(|slowed| slowed.min(now));
    }

    /// Milliseconds, rounded up, until there are so many tokens.
    fn millis_until(&self, tokens: i64) -> i64 {
        let missing = tokens.saturating_sub(self.tokens).max(0);
        let rate = self.rate().max(1);
        (missing.saturating_mul(1_000)).saturating_add(rate - 1) / rate
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quota::quota_of;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    /// One a second, twenty at once.
    fn registrations(percent: u32) -> Bucket {
        let quota = quota_of("ecs", "RegisterTaskDefinition").unwrap();
        Bucket::new(quota, Share::try_from(percent).unwrap(), at(0))
    }

    /// Milliseconds at which tokens were had, asking as soon as one may be there.
    fn taken(bucket: &mut Bucket, from: i64, count: usize) -> Vec<i64> {
        let mut now = at(from);
        let mut times = Vec::new();
        while times.len() < count {
            now = bucket.next(now);
            assert!(bucket.take(now), "a promised token is there");
            times.push(now.duration_since(at(0)).as_millis().try_into().unwrap());
        }
        times
    }

    #[test]
    fn a_burst_goes_at_once_and_then_one_token_follows_the_other() {
        assert_eq!(taken(&mut registrations(100), 0, 23)[18..], [0, 0, 1_000, 2_000, 3_000]);
        assert_eq!(taken(&mut registrations(80), 0, 19)[15..], [0, 1_250, 2_500, 3_750]);
    }

    #[test]
    fn no_more_is_saved_than_the_burst() {
        let mut bucket = registrations(80);
        taken(&mut bucket, 0, 16);
        assert_eq!(taken(&mut bucket, 3_600_000, 17)[15..], [3_600_000, 3_601_250]);
    }

    #[test]
    fn the_smallest_share_still_gives_something() {
        assert_eq!(taken(&mut registrations(1), 0, 3), [0, 100_000, 200_000]);
    }

    #[test]
    fn a_refusal_empties_the_bucket_and_halves_its_speed_which_comes_back_within_a_minute() {
        let mut bucket = registrations(100);
        bucket.throttled(at(0));
        assert!(!bucket.take(at(0)));
        assert_eq!((bucket.speed_percent(), bucket.next(at(0))), (50, at(2_000)));
        bucket.fill(at(15_000));
        assert_eq!(bucket.speed_percent(), 75);
        bucket.fill(at(30_000));
        assert_eq!(bucket.speed_percent(), 100);
    }

    #[test]
    fn calls_that_are_refused_together_are_one_reason_to_slow_down() {
        let mut bucket = registrations(100);
        for millis in [0, 10, 400, 4_999] {
            bucket.throttled(at(millis));
        }
        assert!((50..60).contains(&bucket.speed_percent()), "{}", bucket.speed_percent());
    }

    #[test]
    fn it_never_stops_however_long_aws_complains() {
        let mut bucket = registrations(100);
        for second in 0..600 {
            bucket.throttled(at(second * 1_000));
        }
        assert!((10..=20).contains(&bucket.speed_percent()), "{}", bucket.speed_percent());
        assert!(bucket.next(at(600_000)) <= at(610_000));
    }

    #[test]
    fn turns_are_promised_one_after_the_other() {
        let quota = quota_of("ecs", "DescribeServices").unwrap();
        let mut bucket = Bucket::new(quota, Share::default(), at(0));
        let waits: Vec<u128> = (0..83).map(|_| bucket.reserve(at(0)).as_millis()).collect();
        assert_eq!(waits[78..], [0, 0, 63, 125, 188]);
        assert_eq!(bucket.reserve(at(1_000)).as_millis(), 0, "what was waited for has come");
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_for_that_and_goes_on_from_there() {
        let mut bucket = registrations(100);
        taken(&mut bucket, 0, 20);
        assert!(!bucket.take(at(-60_000)));
        assert!(!bucket.take(at(-59_100)));
        assert!(bucket.take(at(-59_000)));
    }

    proptest! {
        /// Whatever is asked, whenever, and however AWS complains: no more goes out than AWS lets in, and what is promised
        /// is kept.
        #[test]
        fn no_more_is_given_than_the_share_and_a_promise_holds(
            percent in 1_u32..=100,
            asked in proptest::collection::vec((0_i64..4_000, 0_u8..8), 1..200),
        ) {
            let quota = quota_of("ecs", "DescribeServices").unwrap();
            let mut bucket = Bucket::new(quota, Share::try_from(percent).unwrap(), at(0));
            let (mut now, mut given) = (0, 0_i64);
            for (pause, what) in asked {
                now += pause;
                match what {
                    0 => bucket.throttled(at(now)),
                    1 => {
                        let next = bucket.next(at(now));
                        prop_assert!(next >= at(now));
                        now = next.as_millisecond() - 1_000_000;
                        prop_assert!(bucket.take(next), "a promised token is there");
                        given += 1;
                    }
                    _ => given += i64::from(bucket.take(at(now))),
                }
                prop_assert!((10..=100).contains(&bucket.speed_percent()));
                let share = i64::from(percent);
                let most = (i64::from(quota.burst) * share / 100).max(1) + 1
                    + i64::from(quota.per_second) * share * now / 100_000;
                prop_assert!(given <= most, "{given} of {most} after {now} ms");
            }
        }
    }
}
