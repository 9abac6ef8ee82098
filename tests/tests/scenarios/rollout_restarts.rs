//! A process that dies at any step of a roll-out, be it forward or back, changes nothing about where it ends.
//!
//! Every write to ECS, EC2 and Auto Scaling is a crash point, before and after its effect. The crashes follow one another
//! in a single roll-out: a world for each of them would cost minutes.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_sim::ImageActs;
use axon_tests::World;
use axon_tests::fleets::ROLLING;
use axon_tests::wire::Death;
use serde_json::Value;

const NEW: &str = "ami-0000000000000new1";

/// Three instances of the old image, and a new one that acts like this.
async fn published(acts: ImageActs) -> World {
    let world = World::new(ROLLING);
    world.converge().await;
    world.pass(Duration::from_mins(30)).await;
    world.publish(NEW, acts);
    world.calls();
    world
}

/// Goes on to the end and past it: the last instance is still on its way out when everything else is there.
async fn finish(world: &World) -> Value {
    for _ in 0..2 {
        world.apply().await;
        world.pass(Duration::from_mins(30)).await;
    }
    world.groups("ml")
}

/// Rolls with processes that die in their first write, by turns before and after its effect, until none has anything left
/// to write. Gives the services that were written to, and how often.
async fn with_restarts(world: &World) -> (BTreeSet<String>, usize) {
    let (mut services, mut writes, mut idle) = (BTreeSet::new(), 0, 0);
    while idle < 2 {
        let died = world.crash(1, Death::BeforeEffect).await && world.crash(1, Death::AfterEffect).await;
        if died {
            idle = 0;
        } else {
            idle += 1;
            world.pass(Duration::from_mins(15)).await;
        }
        for call in world.writes() {
            services.insert(call.service);
            writes += 1;
        }
        assert!(writes < 100, "it comes to an end");
    }
    (services, writes)
}

/// Where a roll-out ends, which must be the same with a crash at every write.
async fn end(acts: ImageActs, least: usize) -> Value {
    let undisturbed = finish(&published(acts).await).await;
    let world = published(acts).await;
    let (services, writes) = with_restarts(&world).await;
    assert!(writes >= least, "{writes} writes");
    assert_eq!(services.into_iter().collect::<Vec<_>>(), ["autoscaling", "ec2", "ecs"]);
    let disturbed = finish(&world).await;
    assert_eq!(disturbed, undisturbed);
    world.calls();
    world.apply().await;
    assert_eq!(world.writes(), [], "nothing is left to do");
    disturbed
}

fn sizes(end: &Value) -> String {
    let group = &end["groups"][0];
    format!("{} {} {}", group["version"], group["members"], group["sizes"])
}

#[tokio::test(start_paused = true)]
async fn a_rollout_ends_in_the_same_place_after_a_restart_at_every_write() {
    // A version, the group, and three times surge, mark, drain and termination.
    let end = Box::pin(end(ImageActs::Good, 11)).await;
    assert_eq!(sizes(&end), r#""2" ["2","2","2"] [0,3,6]"#);
}

#[tokio::test(start_paused = true)]
async fn an_image_on_which_tasks_fail_is_taken_back_with_a_restart_at_every_write() {
    // A version, the group, a surge, a drain, the mark, the group again, and back.
    let end = Box::pin(end(ImageActs::TasksFail, 8)).await;
    assert_eq!(sizes(&end), r#""1" ["1","1","1"] [0,3,6]"#);
    assert_eq!(end["templates"][0]["tags"]["neuron.ecs/quarantined"], NEW);
}

#[tokio::test(start_paused = true)]
async fn an_image_whose_instances_never_register_is_taken_back_with_a_restart_at_every_write() {
    let world = published(ImageActs::NeverRegisters).await;
    let (services, writes) = with_restarts(&world).await;
    // A version, the group, a surge, the mark, the group again and the termination; none of them is ECS's.
    assert!(writes >= 6, "{writes} writes");
    assert_eq!(services.into_iter().collect::<Vec<_>>(), ["autoscaling", "ec2"]);
    let end = finish(&world).await;
    assert_eq!(sizes(&end), r#""1" ["1","1","1"] [0,3,6]"#);
    assert_eq!(end["templates"][0]["tags"]["neuron.ecs/quarantined"], NEW);
}
