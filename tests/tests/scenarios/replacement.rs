//! What AWS cannot change in place is replaced without taking the service away.

use std::time::Duration;

use axon_tests::World;
use axon_tests::fleets::{SMALL, edit};
use axon_tests::operator::is_quiet;

#[tokio::test(start_paused = true)]
async fn another_capacity_option_moves_the_service_and_never_takes_it_away() {
    let world = World::new(SMALL);
    let mut operator = world.start().await;
    operator.ready().await;
    world.quiet(Duration::from_mins(10)).await;
    let old = world.provider("ml");
    world.specify(&edit(SMALL, "capacityOption: OnDemand", "capacityOption: Spot"));
    for second in 0.. {
        assert!(second < 7200, "{:#?}", axon_tests::reasons(&operator.view()));
        world.pass(Duration::from_secs(1)).await;
        assert!(world.running("llama") >= 2, "minimumHealthyPercent is 100; second {second}");
        let view = operator.view();
        if view.revision == "test@2" && is_quiet(&view) {
            break;
        }
    }
    let writes = world.writes();
    let operations: Vec<&str> = axon_tests::accepted(&writes);
    let place = |wanted: &str| operations.iter().position(|operation| *operation == wanted).unwrap();
    assert!(place("CreateCapacityProvider") < place("UpdateService"), "{operations:?}");
    assert!(place("UpdateService") < place("DeleteCapacityProvider"), "{operations:?}");
    operator.ready().await;
    world.pass(Duration::from_mins(20)).await;
    let new = world.provider("ml");
    assert_ne!(new["name"], old["name"]);
    assert_eq!(world.service("ml", "llama")["capacityProviderStrategy"][0]["capacityProvider"], new["name"]);
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_cannot_be_created_is_deleted_and_made_again() {
    let world = World::new(SMALL);
    let plan = world.plan().await;
    let names: Vec<String> = plan
        .steps()
        .filter(|step| step.action.operation() == "CreateCapacityProvider")
        .map(|step| step.resource.to_string())
        .collect();
    let name = names.first().unwrap().rsplit(' ').next().unwrap().to_owned();
    let reason = "the instance profile does not exist";
    world.aws.with(|aws| aws.world_mut().fail_next_change_of_provider(name.clone(), reason));
    let mut operator = world.start().await;
    operator.ready().await;
    let writes = world.writes();
    let of_providers = |operation: &&&str| operation.ends_with("CapacityProvider");
    let operations: Vec<&str> = axon_tests::accepted(&writes).iter().filter(of_providers).copied().collect();
    assert_eq!(operations, ["CreateCapacityProvider", "CreateCapacityProvider", "DeleteCapacityProvider"]);
    let made = world.provider("ml");
    assert_ne!(made["name"].as_str(), Some(name.as_str()), "the failed one's name is blocked");
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}
