//! What a large fleet costs: calls of a pass in which nothing changed, and no write without a reason.

use std::time::Duration;

use axon_sim::{Options, Throttling};
use axon_tests::World;
use axon_tests::fleets::many;

/// Services of the fleet.
const SERVICES: usize = 100;
/// Calls that a pass may cost.
const MOST_CALLS: usize = 15;

#[tokio::test(start_paused = true)]
async fn a_hundred_services_cost_fifteen_calls_a_pass_and_no_write_when_nothing_changes() {
    // Throttling is another scenario's subject; here it would only multiply the calls of the installation.
    let options = Options { throttling: Throttling::Off, ..Options::default() };
    let mut world = World::with(options, &many(SERVICES));
    world.settings.busy_interval = Duration::from_secs(30);
    let mut operator = world.start().await;
    operator.ready().await;
    let installation = world.writes();
    let created = installation.iter().filter(|call| call.operation == "CreateService" && call.error.is_none());
    assert_eq!(created.count(), SERVICES, "each service is created once");

    world.quiet(Duration::from_mins(10)).await;
    let before = operator.view().last_sweep;
    operator.shows("the next sweep", |view| view.last_sweep > before).await;
    world.calls();
    let since = operator.view().last_sweep;
    operator.shows("another sweep", |view| view.last_sweep > since).await;
    let calls: Vec<String> = world.calls().into_iter().map(|call| call.operation).collect();
    assert!(!calls.is_empty() && calls.len() <= MOST_CALLS, "{} calls: {calls:?}", calls.len());

    world.quiet(Duration::from_mins(10)).await;
    operator.stop().await;
}
