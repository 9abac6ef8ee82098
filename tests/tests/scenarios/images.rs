//! The image of a pool moves: good ones are rolled out, bad ones taken back, and no replica is missed on the way.

use std::time::Duration;

use axon_core::status::{ConditionType, Reason, Truth};
use axon_runtime::View;
use axon_sim::ImageActs;
use axon_tests::World;
use axon_tests::fleets::{ROLLING, edit};
use axon_tests::images::NEURON;
use axon_tests::operator::is_quiet;

const NEW: &str = "ami-0000000000000new1";

fn rolled(world: &World, image: &str) -> bool {
    let images = world.images();
    images.len() >= 3 && images.iter().all(|found| found == image)
}

fn pool_says(view: &View, kind: ConditionType) -> Option<(Truth, Reason, String)> {
    let pool = view.statuses.values().find(|status| status.object.name.as_str() == "rolling")?;
    let found = pool.condition(kind)?;
    Some((found.status, found.reason, found.message.clone()))
}

/// Lets time pass until `done`, and gives the fewest replicas that ran meanwhile.
async fn fewest_until(world: &World, what: &str, done: impl Fn() -> bool) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..1200 {
        world.pass(Duration::from_secs(15)).await;
        fewest = fewest.min(world.running("server"));
        if done() {
            return fewest;
        }
    }
    unreachable!("{what}: not within five hours; {:?}", world.images())
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_rolled_out_without_missing_a_replica() {
    let world = World::new(ROLLING);
    world.converge().await;
    let mut operator = world.start().await;
    operator.ready().await;
    world.publish(NEW, ImageActs::Good);
    let fewest = fewest_until(&world, "the roll-out", || rolled(&world, NEW) && is_quiet(&operator.view())).await;
    assert_eq!(fewest, 3, "replicas that ran at the worst moment");
    let view = operator.view();
    let (truth, _, message) = pool_says(&view, ConditionType::AmiResolved).unwrap();
    assert_eq!(truth, Truth::True);
    assert!(message.contains(NEW), "{message}");
    assert_eq!(pool_says(&view, ConditionType::AmiDrift), None);
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_whose_instances_never_register_is_taken_back() {
    let world = World::new(ROLLING);
    world.converge().await;
    let good = world.images()[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    world.publish(NEW, ImageActs::NeverRegisters);
    let quarantined = |view: &View| {
        pool_says(view, ConditionType::AmiResolved)
            .is_some_and(|(truth, _, message)| truth == Truth::False && message.contains(NEW))
    };
    let fewest = fewest_until(&world, "taken back", || quarantined(&operator.view()) && rolled(&world, &good)).await;
    assert_eq!(fewest, 3, "replicas that ran at the worst moment");
    world.pass(Duration::from_hours(1)).await;
    assert!(rolled(&world, &good), "it is not tried again: {:?}", world.images());
    assert_eq!(world.running("server"), 3);

    let newer = "ami-0000000000000new2";
    world.publish(newer, ImageActs::Good);
    fewest_until(&world, "a newer image", || rolled(&world, newer) && is_quiet(&operator.view())).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_on_which_tasks_fail_is_taken_back() {
    let world = World::new(ROLLING);
    world.converge().await;
    let good = world.images()[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    world.publish(NEW, ImageActs::TasksFail);
    let quarantined =
        |view: &View| pool_says(view, ConditionType::AmiResolved).is_some_and(|(truth, _, _)| truth == Truth::False);
    let fewest = fewest_until(&world, "taken back", || {
        quarantined(&operator.view()) && rolled(&world, &good) && world.running("server") == 3
    })
    .await;
    assert!(fewest >= 2, "{fewest} replicas ran at the worst moment; one instance is drained at once");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_leads_nowhere_keeps_the_image_in_force_and_says_so() {
    let world = World::new(ROLLING);
    world.converge().await;
    let good = world.images()[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    world.aws.with(|aws| {
        aws.world_mut().publish_parameter(format!("{NEURON}/recommended"), "{\"image_id\": \"ami-00000000000000bad\"}");
    });
    world.pass(Duration::from_mins(40)).await;
    let (truth, reason, message) = pool_says(&operator.view(), ConditionType::AmiResolved).unwrap();
    assert_eq!((truth, reason), (Truth::False, Reason::ImageUnusable));
    assert!(message.contains("ami-00000000000000bad") && message.contains(&good), "{message}");
    assert!(rolled(&world, &good));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_rollout_policy_a_new_image_is_for_new_instances_and_reported() {
    let world = World::new(&edit(ROLLING, "policy: Roll", "policy: Report"));
    world.converge().await;
    let good = world.images()[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    world.publish(NEW, ImageActs::Good);
    world.pass(Duration::from_mins(40)).await;
    operator.ready().await;
    let (_, _, message) = pool_says(&operator.view(), ConditionType::AmiDrift).unwrap();
    assert!(message.starts_with("3 of 3"), "{message}");
    assert!(rolled(&world, &good));
    operator.stop().await;
}
