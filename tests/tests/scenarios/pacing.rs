//! AWS's limits on calls: a big change takes as long as they demand and no longer, and nobody is told of a failure
//! because others call AWS, too.

use std::time::Duration;

use axon_core::quota::Share;
use axon_core::status::Reason;
use axon_runtime::clock::Clock as _;
use axon_runtime::{EventReason, View};
use axon_sim::{Call, Options};
use axon_tests::World;
use axon_tests::bounds::least_time;
use axon_tests::fleets::many;
use axon_tests::operator::is_quiet;

const SERVICES: usize = 100;

/// Installs a fleet from nothing: how long it took, and the writes.
async fn install(share: Share, count: usize) -> (Duration, Vec<Call>) {
    let mut world = World::with(Options::default(), &many(count));
    world.settings.share = share;
    let start = world.clock.now();
    world.converge().await;
    (world.clock.now().duration_since(start).try_into().unwrap(), world.writes())
}

#[tokio::test(start_paused = true)]
async fn a_hundred_services_are_installed_within_five_percent_of_what_the_limits_allow_and_no_write_is_refused() {
    for share in [Share::default(), Share::ALL] {
        // What instances need to boot and tasks to start, which no pacing shortens.
        let (alone, _) = install(share, 1).await;
        let (taken, writes) = install(share, SERVICES).await;
        let refused = writes.iter().filter(|call| call.error.is_some()).count();
        assert_eq!((writes.len(), refused), (2 + 2 * SERVICES, 0), "{share}: writes, and how many were refused");
        let least = least_time(&writes, share);
        assert!(least > Duration::from_secs(75), "{share}: the limits are felt");
        assert!(taken <= least.mul_f64(1.05) + alone, "{share}: {taken:?}; limits {least:?}, one service {alone:?}");
    }
}

/// Whether any object is said to have failed, now or ever.
fn tells_of_failure(view: &View) -> bool {
    let failed = |status: &axon_core::status::Status| {
        let failure = |reason| matches!(reason, Reason::CallFailed | Reason::CallRefused);
        status.is_stalled() || status.conditions.iter().any(|condition| failure(condition.reason))
    };
    view.statuses.values().any(failed) || view.events.iter().any(|event| event.reason == EventReason::CallFailed)
}

#[tokio::test(start_paused = true)]
async fn a_fleet_is_installed_and_nothing_is_called_a_failure_while_others_take_a_third_of_the_calls() {
    let world = World::new(&many(30));
    world.wire.crowd(30);
    let mut operator = world.start().await;
    let quiet = |view: &View| {
        assert!(!tells_of_failure(view), "{:#?}", axon_tests::reasons(view));
        !view.revision.is_empty() && is_quiet(view)
    };
    let view = operator.shows("everything is ready", quiet).await;
    let refused = view.steps_done.iter().filter(|done| done.result.is_err()).count();
    assert!(refused >= 10, "{refused} steps were refused");
    assert_eq!(view.statuses.len(), 32);
    world.wire.calm();
    world.quiet(Duration::from_mins(10)).await;
    operator.stop().await;
}
