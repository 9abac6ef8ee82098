//! A pool that would do with fewer instances, though every count is right, is brought together.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_sim::Options;
use axon_tests::World;
use axon_tests::fleets::{SHARED, edit};

/// Three replicas of four of twelve devices in three zones.
fn in_three_zones() -> String {
    let parts: Vec<&str> = SHARED.split("---").collect();
    let fleet = [parts[0], parts[1], parts[3]].join("---");
    let fleet = edit(&fleet, "subnet-4e5f6a7b]", "subnet-4e5f6a7b, subnet-8b9c0d1e]");
    let deployment = "deployment: {minimumHealthyPercent: 60, maximumPercent: 100}";
    edit(&fleet, "replicas: 1", &format!("replicas: 3\n  spread: AvailabilityZones\n  {deployment}"))
}

fn world() -> World {
    let subnets = [("subnet-0a1b2c3d", 'a'), ("subnet-4e5f6a7b", 'b'), ("subnet-8b9c0d1e", 'c')];
    let subnets = subnets.map(|(id, zone)| (id.to_owned(), zone)).into();
    let mut world = World::with(Options { subnets, ..Options::default() }, &in_three_zones());
    world.settings.busy_interval = Duration::from_secs(30);
    world
}

/// Tasks that run, and instances that have some.
fn running(world: &World) -> (usize, usize) {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    let running = tasks.iter().filter(|task| task.status == "RUNNING" && task.desired == "RUNNING");
    let on: BTreeSet<_> = running.clone().filter_map(|task| task.instance.as_ref()).collect();
    (running.count(), on.len())
}

#[tokio::test(start_paused = true)]
async fn replicas_that_no_longer_have_to_be_apart_come_together_within_their_budget() {
    let world = world();
    let mut operator = world.start().await;
    operator.ready().await;
    world.pass(Duration::from_hours(1)).await;
    assert_eq!(running(&world), (3, 3), "one in each zone");
    world.calls();
    world.specify(&edit(&in_three_zones(), "  spread: AvailabilityZones\n", ""));
    let mut fewest = 3;
    for _ in 0..180 {
        world.pass(Duration::from_mins(1)).await;
        fewest = fewest.min(running(&world).0);
    }
    operator.ready().await;
    assert_eq!(running(&world), (3, 2), "a layout may have one instance more than it needs");
    assert!(fewest >= 2, "sixty per cent of three run all the time: {fewest}");
    let drained: Vec<_> =
        world.writes().into_iter().filter(|call| call.operation == "UpdateContainerInstancesState").collect();
    // None if the deployments have brought two of them together by themselves.
    assert!(drained.len() <= 1, "{drained:?}");
    assert_eq!(world.aws.with(|aws| aws.world().machines()).len(), 2, "the empty instance is gone");
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}
