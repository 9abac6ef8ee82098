//! A pool that would do with fewer instances, though every count is right, is brought together.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_sim::LiveTask;
use axon_tests::World;
use axon_tests::fleets::{SHARED, edit};

/// Replicas of four of twelve devices, so that each of three sets of devices has an ECS service.
fn quarters(replicas: u32) -> String {
    let parts: Vec<&str> = SHARED.split("---").collect();
    let fleet = [parts[0], parts[1], parts[3]].join("---");
    let deployment = "deployment: {minimumHealthyPercent: 60, maximumPercent: 100}";
    edit(&fleet, "replicas: 1", &format!("replicas: {replicas}\n  {deployment}"))
}

fn running(world: &World) -> Vec<LiveTask> {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    tasks.into_iter().filter(|task| task.status == "RUNNING" && task.desired == "RUNNING").collect()
}

fn instances(tasks: &[LiveTask]) -> BTreeSet<String> {
    tasks.iter().filter_map(|task| task.instance.clone()).collect()
}

/// Leaves one task of each ECS service, each on an instance of its own.
fn scatter(world: &World) {
    let tasks = running(world);
    let services: BTreeSet<_> = tasks.iter().filter_map(|task| task.service.clone()).collect();
    let stays: BTreeSet<_> = services.into_iter().zip(instances(&tasks)).collect();
    for task in tasks {
        let place = (task.service.clone().unwrap(), task.instance.clone().unwrap());
        if !stays.contains(&place) {
            assert!(world.aws.with(|aws| aws.world_mut().end_task(&task.arn, 1)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_no_count_would_free_is_drained_within_the_budget() {
    let mut world = World::new(&quarters(9));
    world.settings.busy_interval = Duration::from_secs(30);
    let mut operator = world.start().await;
    operator.ready().await;
    assert_eq!((running(&world).len(), instances(&running(&world)).len()), (9, 3));
    scatter(&world);
    world.specify(&quarters(3));
    world.pass(Duration::from_secs(20)).await;
    assert_eq!((running(&world).len(), instances(&running(&world)).len()), (3, 3));
    world.calls();
    let mut fewest = 3;
    for _ in 0..120 {
        world.pass(Duration::from_mins(1)).await;
        fewest = fewest.min(running(&world).len());
    }
    operator.ready().await;
    let writes = world.writes();
    let drained = writes.iter().filter(|call| call.operation == "UpdateContainerInstancesState").count();
    assert_eq!((running(&world).len(), instances(&running(&world)).len(), drained), (3, 2, 1), "{writes:?}");
    assert!(fewest >= 2, "sixty per cent of three run all the time: {fewest}");
    assert_eq!(world.aws.with(|aws| aws.world().machines()).len(), 2, "the empty instance is gone");
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}
