//! Replicas that share instances of Auto Scaling groups, each on its own chips.
//!
//! That no two tasks ever hold one chip is checked by the simulated AWS in every scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use axon_core::status::Reason;
use axon_sim::{Behaviour, Loss};
use axon_tests::World;
use axon_tests::fleets::{OTHER, SHARED, edit};
use axon_tests::operator::is_quiet;

/// Services of the cluster with the tasks that they run.
fn services(world: &World) -> BTreeMap<String, usize> {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    let mut running = BTreeMap::new();
    for task in tasks.iter().filter(|task| task.status == "RUNNING" && task.desired == "RUNNING") {
        *running.entry(task.service.clone().unwrap_or_default()).or_default() += 1;
    }
    running
}

fn instances(world: &World) -> usize {
    world.aws.with(|aws| aws.world().machines().iter().filter(|machine| machine.state == "running").count())
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn three_services_share_the_chips_of_two_instances_and_a_plan_right_after_is_empty() {
    let world = World::new(SHARED);
    world.converge().await;
    let expected = [("large-n0-6", 1), ("medium-n7-10", 1), ("small-n0", 1), ("small-n11", 1)];
    assert_eq!(services(&world), counts(&expected), "twelve chips on the first instance, one on the second");
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    let mut operator = world.start().await;
    operator.ready().await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(instances(&world), 2);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_replicas_fill_the_gaps_before_they_need_an_instance() {
    let world = World::new(SHARED);
    world.converge().await;
    world.specify(&edit(SHARED, "replicas: 2", "replicas: 6"));
    world.converge().await;
    let running = services(&world);
    assert_eq!(running.values().sum::<usize>(), 8, "{running:?}");
    assert_eq!((running["large-n0-6"], running["medium-n7-10"]), (1, 1), "nobody moved: {running:?}");
    assert_eq!(instances(&world), 2, "five free chips were enough");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_moves_stays_until_the_new_one_is_healthy() {
    let check = "healthCheck: {command: [CMD-SHELL, \"curl -f http://localhost:8080/health\"], startPeriod: 5m}";
    let container = "ports: [{containerPort: 8080}]}]";
    let checked = edit(SHARED, container, &format!("ports: [{{containerPort: 8080}}], {check}}}]"));
    let world = World::new(&checked);
    // A model that takes minutes to load.
    let slow = Behaviour { healthy_after_seconds: 240, ..Behaviour::of("*") };
    world.aws.with(|aws| aws.world_mut().behave(slow));
    world.converge().await;
    world.aws.with(|aws| aws.world_mut().take_stoppings());
    world.specify(&edit(&edit(&checked, "devices: 4", "devices: 5"), "cpu: 32768", "cpu: 40960"));
    world.converge().await;
    let moved: Vec<_> = world.aws.with(|aws| aws.world_mut().take_stoppings());
    let of_medium = |name: &str| name.starts_with("medium");
    let left = moved.iter().filter(|stop| stop.service.as_deref().is_some_and(of_medium)).map(|stop| {
        stop.healthy_left.iter().filter(|(name, _)| of_medium(name)).map(|(_, count)| count).sum::<usize>()
    });
    assert_eq!(left.collect::<Vec<_>>(), [1], "one replica has moved, and another was healthy when it stopped");
}

#[tokio::test(start_paused = true)]
async fn a_replica_of_another_size_moves_within_its_budget() {
    let world = World::new(SHARED);
    world.converge().await;
    world.specify(&edit(&edit(SHARED, "devices: 4", "devices: 5"), "cpu: 32768", "cpu: 40960"));
    let mut operator = world.start().await;
    let mut fewest = usize::MAX;
    for _ in 0..240 {
        world.pass(Duration::from_secs(15)).await;
        let medium =
            services(&world).iter().filter(|(name, _)| name.starts_with("medium")).map(|(_, count)| count).sum();
        fewest = fewest.min(medium);
        if is_quiet(&operator.view()) && services(&world).keys().all(|name| name != "medium-n7-10") {
            break;
        }
    }
    operator.ready().await;
    assert_eq!(fewest, 1, "the old replica stayed until the new one ran");
    assert_eq!(services(&world).values().sum::<usize>(), 4);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_version_rolls_through_every_set_of_chips() {
    let world = World::new(&edit(SHARED, "replicas: 2", "replicas: 6"));
    world.converge().await;
    world.specify(&edit(&edit(SHARED, "replicas: 2", "replicas: 6"), "small:1", "small:2"));
    let mut operator = world.start().await;
    let mut fewest = usize::MAX;
    for _ in 0..480 {
        world.pass(Duration::from_secs(15)).await;
        let small: usize =
            services(&world).iter().filter(|(name, _)| name.starts_with("small")).map(|(_, count)| count).sum();
        fewest = fewest.min(small);
        if operator.view().revision.ends_with('3') && is_quiet(&operator.view()) {
            break;
        }
    }
    operator.ready().await;
    assert!(fewest >= 6, "{fewest} replicas ran at the worst moment");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_instance_is_replaced_and_its_replicas_come_back() {
    let world = World::new(SHARED);
    world.converge().await;
    let machine = world.aws.with(|aws| aws.world().machines()[0].id.clone());
    world.aws.with(|aws| aws.world_mut().lose_machine(&machine, Loss::Hardware));
    let mut operator = world.start().await;
    world.pass(Duration::from_mins(30)).await;
    operator.ready().await;
    assert_eq!(services(&world).values().sum::<usize>(), 4);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn replicas_beyond_the_largest_group_are_said_to_lack_devices() {
    let world = World::new(&edit(SHARED, "maxSize: 4", "maxSize: 1"));
    let applied = world.apply().await;
    let small = applied.view.statuses.values().find(|status| status.object.name.as_str() == "small").unwrap();
    let ready = small.conditions.first().unwrap();
    assert_eq!(ready.reason, Reason::InsufficientDevices, "{ready:?}");
    assert!(ready.message.contains("maxSize"), "{}", ready.message);
    assert_eq!(services(&world).values().sum::<usize>(), 3, "what fits runs");
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_leaves_the_source_takes_group_and_template_with_it() {
    let world = World::new(&format!("{SHARED}---{OTHER}"));
    world.converge().await;
    world.specify(OTHER);
    let mut operator = world.start().await;
    operator.ready().await;
    world.pass(Duration::from_hours(1)).await;
    operator.ready().await;
    let mut deletions: Vec<String> = world.writes().into_iter().map(|call| call.operation).collect();
    deletions.retain(|operation| operation.starts_with("Delete"));
    deletions.dedup();
    let order =
        ["DeleteService", "DeleteCapacityProvider", "DeleteAutoScalingGroup", "DeleteLaunchTemplate", "DeleteCluster"];
    let found: Vec<&str> = deletions.iter().map(String::as_str).filter(|name| order.contains(name)).collect();
    let mut unique = found.clone();
    unique.sort_by_key(|name| order.iter().position(|known| known == name));
    assert_eq!(found, unique, "in the order that works");
    let left = world.aws.with(|aws| (aws.world().groups().len(), aws.world().templates().len(), instances_of(aws)));
    assert_eq!(left, (0, 0, 0));
    operator.stop().await;
}

fn instances_of(aws: &axon_sim::Aws) -> usize {
    aws.world().machines().len()
}
