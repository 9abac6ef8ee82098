//! Deployments of services on EC2 where ports and chips leave no room: what waits, what stops first, what never collides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on should panic, and JSON literals read best handed over by value"
)]

mod account;
mod fleet;
mod forms;

use account::Account;
use axon_sim::{Behaviour, Options, Quirks, StoppingCounts};
use fleet::{launched, on_ec2, provided, shape};
use serde_json::{Value, json};

/// A definition of which one task holds the chip and a port of an inf2.xlarge.
fn guarded(family: &str, image: &str) -> Value {
    let mut definition = on_ec2(family, &["/dev/neuron0"]);
    definition["containerDefinitions"][0]["image"] = json!(image);
    definition["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 9000, "hostPort": 9000}]);
    definition
}

fn rolling(service: Value, low: i64, high: i64) -> Value {
    let mut service = service;
    service["deploymentConfiguration"] = json!({"minimumHealthyPercent": low, "maximumPercent": high});
    service
}

fn fleet(count: i64, quirks: Quirks) -> Account {
    let mut account = fleet::with(Options { quirks, ..fleet::options() });
    account.group(&shape("pool", "inf2.xlarge", count));
    account.pass(300);
    account.group_provider("inf2", "pool", json!({}));
    let mut stubborn = Behaviour::of("stubborn*");
    stubborn.stop_seconds = 600;
    account.aws.world_mut().behave(stubborn);
    account
}

fn deploy(account: &mut Account, definition: &str) {
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": definition}));
}

fn state(account: &mut Account) -> String {
    account.service("web")["deployments"][0]["rolloutState"].as_str().unwrap().to_owned()
}

#[test]
fn with_room_for_none_beside_the_old_tasks_a_start_first_deployment_waits_for_ever() {
    let mut account = fleet(2, Quirks::default());
    account.register(guarded("a", "a:1"));
    account.call("CreateService", rolling(provided("web", "a", 2, "inf2"), 100, 200));
    account.pass(300);
    assert_eq!(state(&mut account), "COMPLETED");
    account.register(guarded("a", "a:2"));
    deploy(&mut account, "a:2");
    account.pass(4 * 3600);
    assert_eq!(state(&mut account), "IN_PROGRESS");
    assert_eq!((account.count("RUNNING"), account.count("PROVISIONING")), (2, 2));
    let said = account.events("web").iter().any(|e| e.contains("is already using a port required by your task"));
    assert!(said);
    // One more instance is enough to get through.
    account.resize("pool", 3);
    account.pass(3600);
    assert_eq!(state(&mut account), "COMPLETED");
    assert!(account.aws.world().violations().is_empty());
}

#[test]
fn a_stop_first_deployment_gets_through_and_chips_never_collide() {
    for counts in [StoppingCounts::UntilStopped, StoppingCounts::UntilDesiredStopped] {
        for launch_type in [false, true] {
            let mut account = fleet(2, Quirks { stopping_counts: counts, ..Quirks::default() });
            account.register(guarded("a", "stubborn:1"));
            let service = if launch_type { launched("web", "a", 2) } else { provided("web", "a", 2, "inf2") };
            account.call("CreateService", rolling(service, 0, 100));
            account.pass(300);
            account.register(guarded("a", "stubborn:2"));
            deploy(&mut account, "a:2");
            account.pass(10);
            let waiting = account.count("PROVISIONING");
            let expected = if counts == StoppingCounts::UntilStopped || launch_type { 0 } else { 2 };
            assert_eq!(waiting, expected, "{counts:?} {launch_type}");
            account.pass(600);
            assert_eq!(state(&mut account), "COMPLETED", "{counts:?} {launch_type}");
            assert_eq!(account.service("web")["runningCount"], 2);
            assert!(account.aws.world().violations().is_empty());
        }
    }
}

#[test]
fn without_a_port_a_stop_first_deployment_can_hold_a_chip_twice() {
    let quirks = Quirks { stopping_counts: StoppingCounts::UntilDesiredStopped, ..Quirks::default() };
    let mut account = fleet(1, quirks);
    for image in ["stubborn:1", "stubborn:1"] {
        let mut bare = on_ec2("a", &["/dev/neuron0"]);
        bare["containerDefinitions"][0]["image"] = json!(image);
        account.register(bare);
    }
    account.call("CreateService", rolling(provided("web", "a:1", 1, "inf2"), 0, 100));
    account.pass(300);
    deploy(&mut account, "a:2");
    account.pass(300);
    assert_eq!(account.aws.world().violations().len(), 1);
}

#[test]
fn a_rolling_half_at_a_time_never_goes_below_its_minimum() {
    let mut account = fleet(4, Quirks::default());
    account.register(guarded("a", "a:1"));
    account.call("CreateService", rolling(launched("web", "a", 4), 50, 100));
    account.pass(300);
    account.register(guarded("a", "a:2"));
    deploy(&mut account, "a:2");
    let mut lowest = 4;
    for _ in 0..600 {
        account.pass(1);
        lowest = lowest.min(account.count("RUNNING"));
    }
    assert_eq!(lowest, 2);
    assert_eq!(state(&mut account), "COMPLETED");
    assert_eq!(account.count("RUNNING"), 4);
}

#[test]
fn two_services_that_share_a_port_never_share_an_instance() {
    let mut account = fleet(2, Quirks::default());
    account.register(guarded("a", "a:1"));
    account.register(guarded("b", "b:1"));
    account.call("CreateService", launched("one", "a", 1));
    account.call("CreateService", provided("two", "b", 1, "inf2"));
    account.pass(300);
    assert_eq!(account.count("RUNNING"), 2);
    account.call("UpdateService", json!({"cluster": "ml", "service": "one", "desiredCount": 2}));
    account.pass(600);
    assert_eq!(account.count("RUNNING"), 2);
    account.call("UpdateService", json!({"cluster": "ml", "service": "two", "desiredCount": 0}));
    account.pass(120);
    assert_eq!(account.service("one")["runningCount"], 2);
    assert!(account.aws.world().violations().is_empty());
}

#[test]
fn a_service_can_move_from_one_provider_to_another_and_to_a_launch_type_only_back() {
    let mut account = fleet(1, Quirks::default());
    account.group(&shape("other", "inf2.xlarge", 1));
    account.call("CreateCapacityProvider", fleet::group_provider("other", "other", json!({})));
    account.pass(300);
    account.associate(&["inf2", "other"]);
    account.register(guarded("a", "a:1"));
    account.call("CreateService", provided("web", "a", 1, "inf2"));
    account.pass(120);
    let to = |strategy: Value| json!({"cluster": "ml", "service": "web", "forceNewDeployment": true, "capacityProviderStrategy": strategy});
    account.call("UpdateService", to(json!([{"capacityProvider": "other", "weight": 1}])));
    account.pass(300);
    assert_eq!(account.tasks("RUNNING")[0]["capacityProviderName"], "other");
    assert_eq!(state(&mut account), "COMPLETED");
    assert_eq!(account.refused("UpdateService", to(json!([]))), "InvalidParameterException");
}
