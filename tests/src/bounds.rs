//! How soon a number of calls can be made at best, if AWS's limits were all that there is.
//!
//! Scenarios and the convergence benchmark compare what a run took with it.

use std::collections::BTreeMap;
use std::time::Duration;

use axon_core::quota::{Share, quota_of};
use axon_sim::Call;

/// The least time in which these calls can be made from full buckets: what the slowest bucket takes, however the others
/// go meanwhile. Refused calls do not count.
pub fn least_time(calls: &[Call], share: Share) -> Duration {
    let mut drawn: BTreeMap<&str, (f64, f64, f64)> = BTreeMap::new();
    let share = f64::from(share.percent()) / 100.0;
    for call in calls.iter().filter(|call| call.error.is_none()) {
        let quota = quota_of(&call.service, &call.operation).unwrap();
        let (burst, rate) = (f64::from(quota.burst) * share, f64::from(quota.per_second) * share);
        drawn.entry(quota.name).or_insert((0.0, burst, rate)).0 += 1.0;
    }
    let times = drawn.values().map(|(count, burst, rate)| ((count - burst) / rate).max(0.0));
    Duration::from_secs_f64(times.fold(0.0, f64::max))
}
