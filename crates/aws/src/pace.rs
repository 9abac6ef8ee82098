//! Keeps reads within Axon's share of AWS's limits: one token bucket for each of AWS's, shared by all reads of a target.
//!
//! Asked by `call` before each call and told when AWS refuses one as too fast. The numbers and how a bucket adapts are in
//! `axon_core::quota`; here is only the waiting. Writes are paced by the caller of `execute`, who knows which matter and
//! must not be made to wait here once more; no bucket is for both, so reads never take a write's token. Nothing is sent
//! from here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;
use axon_core::quota::{Bucket, Quota, Share, quota_of};
use jiff::Timestamp;

use crate::operations::{Access, Operation};

/// Between a call that failed and the same call again.
const PAUSE: Duration = Duration::from_millis(500);

/// The buckets of one account and Region.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: SharedTimeSource,
    sleep: SharedAsyncSleep,
    share: Share,
    buckets: Mutex<BTreeMap<&'static str, Bucket>>,
}

impl Pace {
    pub(crate) const fn new(clock: SharedTimeSource, sleep: SharedAsyncSleep, share: Share) -> Self {
        Self { clock, sleep, share, buckets: Mutex::new(BTreeMap::new()) }
    }

    /// Returns when `operation` may be sent.
    pub(crate) async fn turn(&self, operation: Operation) {
        let delay = self.with(operation, Bucket::reserve).unwrap_or_default();
        if !delay.is_zero() {
            self.sleep.sleep(delay).await;
        }
    }

    /// A moment in which a failure may pass.
    pub(crate) async fn pause(&self) {
        self.sleep.sleep(PAUSE).await;
    }

    /// AWS has refused `operation` as too fast.
    pub(crate) fn throttled(&self, operation: Operation) {
        self.with(operation, Bucket::throttled);
    }

    fn with<T>(&self, operation: Operation, change: impl FnOnce(&mut Bucket, Timestamp) -> T) -> Option<T> {
        let quota = quota_of_read(operation)?;
        let now = Timestamp::try_from(self.clock.now()).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut all = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Some(change(all.entry(quota.name).or_insert_with(|| Bucket::new(quota, self.share, now)), now))
    }
}

fn quota_of_read(operation: Operation) -> Option<&'static Quota> {
    match operation.access() {
        Access::Read => quota_of(operation.service(), operation.name()),
        Access::Write => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::rt::sleep::TokioSleep;
    use aws_smithy_async::time::StaticTimeSource;

    use super::*;
    use crate::operations::ALL;

    fn pace() -> Pace {
        let clock = SharedTimeSource::new(StaticTimeSource::from_secs(1_000));
        Pace::new(clock, SharedAsyncSleep::new(TokioSleep::new()), Share::default())
    }

    fn delay(pace: &Pace, operation: Operation) -> Option<Duration> {
        pace.with(operation, Bucket::reserve)
    }

    #[test]
    fn a_burst_of_reads_goes_through_at_once_and_the_next_one_waits() {
        let pace = pace();
        for _ in 0..80 {
            assert_eq!(delay(&pace, Operation::DescribeServices), Some(Duration::ZERO));
        }
        assert_eq!(delay(&pace, Operation::ListServices), Some(Duration::from_millis(63)), "one bucket for both");
        assert_eq!(delay(&pace, Operation::ListClusters), Some(Duration::ZERO), "every bucket counts for itself");
    }

    #[test]
    fn a_refused_read_makes_those_after_it_wait() {
        let pace = pace();
        pace.throttled(Operation::ListTasks);
        assert_eq!(delay(&pace, Operation::DescribeTasks), Some(Duration::from_millis(125)), "at half the speed");
        assert_eq!(delay(&pace, Operation::ListServices), Some(Duration::ZERO));
    }

    #[test]
    fn writes_are_paced_elsewhere() {
        assert_eq!(delay(&pace(), Operation::CreateService), None);
    }

    #[test]
    fn every_operation_that_aws_limits_has_a_bucket_of_its_own_service() {
        for operation in ALL.iter().filter(|operation| operation.service() != "sts") {
            let quota = quota_of(operation.service(), operation.name())
                .unwrap_or_else(|| panic!("{} has no bucket", operation.name()));
            assert_eq!(quota.service, operation.service(), "{}", operation.name());
        }
    }

    #[test]
    fn no_read_draws_from_the_bucket_of_a_write() {
        let of = |access| {
            ALL.iter().filter(move |op| op.access() == access).filter_map(|op| quota_of(op.service(), op.name()))
        };
        for quota in of(Access::Read) {
            assert!(of(Access::Write).all(|other| other.name != quota.name), "{}", quota.name);
        }
    }
}
