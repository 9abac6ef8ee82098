//! The image of a pool moves: good ones are rolled out, bad ones taken back, and no replica is missed on the way.

use std::time::Duration;

use axon_core::status::{ConditionType, Reason, Truth};
use axon_runtime::View;
use axon_sim::{Image, ImageActs};
use axon_tests::World;
use axon_tests::fleets::{ROLLING, edit};
use axon_tests::operator::is_quiet;
use axon_tests::wire::Death;

const NEURON: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";
const NEW: &str = "ami-0000000000000new1";

fn publish(world: &World, id: &str, acts: ImageActs) {
    let name = format!("al2023-ami-ecs-neuron-hvm-2023.0.{id}-kernel-6.1-x86_64");
    let image = Image::new(id, name, "1.200.0").acting(acts);
    world.aws.with(|aws| aws.world_mut().publish_image(NEURON, image));
}

/// Images of the instances that live, one an instance.
fn images(world: &World) -> Vec<String> {
    let machines = world.aws.with(|aws| aws.world().machines());
    machines.into_iter().filter(|machine| machine.state == "running").map(|machine| machine.image).collect()
}

fn rolled(world: &World, image: &str) -> bool {
    let images = images(world);
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
    unreachable!("{what}: not within five hours; {:?}", images(world))
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_rolled_out_without_missing_a_replica() {
    let world = World::new(ROLLING);
    world.converge().await;
    let mut operator = world.start().await;
    operator.ready().await;
    publish(&world, NEW, ImageActs::Good);
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
    let good = images(&world)[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    publish(&world, NEW, ImageActs::NeverRegisters);
    let quarantined = |view: &View| {
        pool_says(view, ConditionType::AmiResolved)
            .is_some_and(|(truth, _, message)| truth == Truth::False && message.contains(NEW))
    };
    let fewest = fewest_until(&world, "taken back", || quarantined(&operator.view()) && rolled(&world, &good)).await;
    assert_eq!(fewest, 3, "replicas that ran at the worst moment");
    world.pass(Duration::from_hours(1)).await;
    assert!(rolled(&world, &good), "it is not tried again: {:?}", images(&world));
    assert_eq!(world.running("server"), 3);

    let newer = "ami-0000000000000new2";
    publish(&world, newer, ImageActs::Good);
    fewest_until(&world, "a newer image", || rolled(&world, newer) && is_quiet(&operator.view())).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_on_which_tasks_fail_is_taken_back() {
    let world = World::new(ROLLING);
    world.converge().await;
    let good = images(&world)[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    publish(&world, NEW, ImageActs::TasksFail);
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
    let good = images(&world)[0].clone();
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
    let good = images(&world)[0].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    publish(&world, NEW, ImageActs::Good);
    world.pass(Duration::from_mins(40)).await;
    operator.ready().await;
    let (_, _, message) = pool_says(&operator.view(), ConditionType::AmiDrift).unwrap();
    assert!(message.starts_with("3 of 3"), "{message}");
    assert!(rolled(&world, &good));
    operator.stop().await;
}

/// Rolls to an image with a process that dies in its `count`th write to ECS, and finishes with others. The wire tells
/// writes of JSON services only: forms to EC2 and Auto Scaling are not counted as crash points.
async fn disturbed(count: u32, death: Death) -> bool {
    let world = World::new(ROLLING);
    world.converge().await;
    publish(&world, NEW, ImageActs::Good);
    if !world.crash(count, death).await {
        return false;
    }
    world.converge().await;
    // The last old instance is still on its way out.
    world.pass(Duration::from_mins(15)).await;
    assert!(rolled(&world, NEW), "{death:?} of write {count}: {:?}", images(&world));
    assert_eq!(world.running("server"), 3);
    true
}

#[tokio::test(start_paused = true)]
async fn a_rollout_ends_in_the_same_place_after_a_crash_at_any_write_to_ecs() {
    let mut points = 0;
    for death in [Death::BeforeEffect, Death::AfterEffect] {
        let mut count = 1;
        while disturbed(count, death).await {
            count += 1;
        }
        points += count - 1;
    }
    assert!(points >= 6, "{points} crash points");
}
