//! Small changes beside a big roll-out: each gets its turn within seconds, and the big one ends all the same.

use std::time::Duration;

use axon_tests::World;
use axon_tests::fleets::{SMALL, edit, many};

const SERVICES: usize = 100;

/// A big fleet with one image, and one more service with another, which comes last in every order.
fn fleet(image: &str, of_zeta: &str) -> String {
    let service = SMALL.split("---").last().unwrap();
    let zeta = edit(&edit(service, "name: llama", "name: zeta"), "replicas: 2", "replicas: 1");
    format!("{}---{}", edit(&many(SERVICES), "vllm:1", image), edit(&zeta, "vllm:1", of_zeta))
}

/// Accepted calls of an operation since the last question whose resource is called so.
fn accepted(world: &World, operation: &str, of: &str) -> usize {
    world.aws.with(|aws| {
        let calls = aws.calls().iter().filter(|call| call.error.is_none() && call.operation == operation);
        let names = calls.filter_map(|call| call.body["service"].as_str().or(call.body["family"].as_str()));
        names.filter(|name| name.contains(of)).count()
    })
}

/// Seconds until AWS has accepted a call.
async fn seconds_until(world: &World, operation: &str, of: &str) -> usize {
    for second in 0..600 {
        if accepted(world, operation, of) > 0 {
            return second;
        }
        world.pass(Duration::from_secs(1)).await;
    }
    unreachable!("{operation} of {of} never comes")
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_service_lands_within_seconds_while_a_big_roll_out_goes_on() {
    let world = World::new(&fleet("vllm:1", "vllm:1"));
    let mut operator = world.start().await;
    operator.ready().await;
    world.calls();
    world.specify(&fleet("vllm:2", "vllm:1"));
    world.pass(Duration::from_secs(20)).await;
    let rolled = accepted(&world, "RegisterTaskDefinition", "llama");
    assert!((20..SERVICES / 2).contains(&rolled), "{rolled} are on their way");

    world.specify(&fleet("vllm:2", "vllm:3"));
    let registered = seconds_until(&world, "RegisterTaskDefinition", "zeta").await;
    assert!(registered <= 6, "{registered} seconds");
    let updated = registered + seconds_until(&world, "UpdateService", "zeta").await;
    assert!(updated <= 8, "{updated} seconds");
    let rolled = accepted(&world, "RegisterTaskDefinition", "llama");
    assert!(rolled < SERVICES, "the big one is still going on after {updated} seconds");
    operator.ready().await;
    assert_eq!(accepted(&world, "UpdateService", "llama"), SERVICES, "and ends all the same");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_waits_in_a_big_roll_out_no_longer_waits_when_it_is_changed_again() {
    let world = World::new(&fleet("vllm:1", "vllm:1"));
    let mut operator = world.start().await;
    operator.ready().await;
    world.calls();
    world.specify(&fleet("vllm:2", "vllm:2"));
    world.pass(Duration::from_secs(20)).await;
    assert_eq!(accepted(&world, "RegisterTaskDefinition", "zeta"), 0, "it has not had its turn");
    world.specify(&fleet("vllm:2", "vllm:3"));
    let registered = seconds_until(&world, "RegisterTaskDefinition", "zeta").await;
    assert!(registered <= 6, "{registered} seconds");
    operator.stop().await;
}
