//! Providers of reserved and of spot capacity.
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

use account::{Account, provider, service};
use axon_sim::Shortage;
use serde_json::{Value, json};

const GROUP: &str = "arn:aws:resource-groups:us-east-1:111122223333:group/neuron";

fn reserved(preference: &str) -> Value {
    let mut input = provider("inf2", &["inf2*"]);
    let template = &mut input["managedInstancesProvider"]["instanceLaunchTemplate"];
    template["capacityOptionType"] = json!("RESERVED");
    template["capacityReservations"] = json!({"reservationGroupArn": GROUP, "reservationPreference": preference});
    input
}

/// A service of two tasks on a provider of reserved capacity.
fn running(preference: &str) -> Account {
    let mut account = Account::new();
    account.cluster();
    account.call("CreateCapacityProvider", reserved(preference));
    account.pass(30);
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 2));
    account
}

/// The zone of the first subnet, which is one that the provider can use.
fn zone(account: &mut Account) -> String {
    let mut other = Account::new();
    other.ready();
    other.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!(["subnet-0123456789abcdef0"]);
    other.call("CreateService", input);
    other.pass(600);
    account.pass(600);
    other.tasks("RUNNING")[0]["availabilityZone"].as_str().unwrap().to_owned()
}

#[test]
fn reservations_only_keeps_tasks_waiting_until_there_is_a_reservation() {
    let mut account = running("RESERVATIONS_ONLY");
    let zone = zone(&mut account);
    assert!(account.tasks("RUNNING").iter().all(|t| t["lastStatus"] == "PROVISIONING"));
    assert!(account.events("web").iter().any(|e| e.contains("unable to place a task")));
    account.aws.world_mut().reserve(GROUP, "inf2.xlarge", &zone, 1);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
    account.aws.world_mut().reserve(
        "arn:aws:resource-groups:us-east-1:111122223333:group/other",
        "inf2.xlarge",
        &zone,
        5,
    );
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1, "another group's reservations do not count");
    account.aws.world_mut().reserve(GROUP, "inf2.8xlarge", &zone, 1);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 2);
    assert_eq!(account.aws.world().reserved_instances().len(), 2);
}

#[test]
fn a_shortage_does_not_touch_reserved_capacity() {
    let mut account = running("RESERVATIONS_ONLY");
    let zone = zone(&mut account);
    account.aws.world_mut().run_short(Shortage { instance_type: "*".into(), zone: None });
    account.aws.world_mut().reserve(GROUP, "inf2.xlarge", &zone, 2);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 2);
}

#[test]
fn reservations_first_falls_back_to_on_demand() {
    let mut account = Account::new();
    account.cluster();
    account.call("CreateCapacityProvider", reserved("RESERVATIONS_FIRST"));
    account.pass(30);
    let zone = zone(&mut account);
    account.aws.world_mut().reserve(GROUP, "inf2.8xlarge", &zone, 1);
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 2));
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 2);
    assert_eq!(account.aws.world().reserved_instances().into_values().collect::<Vec<_>>(), [GROUP]);
    let mut types: Vec<&str> = account.aws.world().running_instances().into_values().collect();
    types.sort_unstable();
    assert_eq!(types, ["inf2.8xlarge", "inf2.xlarge"], "the reservation goes before the cheaper type");
}

#[test]
fn reservations_excluded_never_uses_them() {
    let mut account = Account::new();
    account.cluster();
    account.call("CreateCapacityProvider", reserved("RESERVATIONS_EXCLUDED"));
    account.pass(30);
    let zone = zone(&mut account);
    account.aws.world_mut().reserve(GROUP, "inf2.xlarge", &zone, 2);
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 2));
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 2);
    assert!(account.aws.world().reserved_instances().is_empty());
}

#[test]
fn reserved_capacity_and_reservations_are_given_together_or_not_at_all() {
    let mut account = Account::new();
    account.cluster();
    let mut alone = reserved("RESERVATIONS_ONLY");
    let template = alone["managedInstancesProvider"]["instanceLaunchTemplate"].as_object_mut().unwrap();
    template.remove("capacityReservations");
    assert_eq!(account.refused("CreateCapacityProvider", alone), "InvalidParameterException");
    let mut on_demand = reserved("RESERVATIONS_ONLY");
    on_demand["managedInstancesProvider"]["instanceLaunchTemplate"]["capacityOptionType"] = json!("ON_DEMAND");
    assert_eq!(account.refused("CreateCapacityProvider", on_demand), "InvalidParameterException");
    let created = account.call("CreateCapacityProvider", reserved("RESERVATIONS_ONLY"));
    let template = &created["capacityProvider"]["managedInstancesProvider"]["instanceLaunchTemplate"];
    assert_eq!(template["capacityReservations"]["reservationGroupArn"], GROUP);
}

#[test]
fn a_provider_of_spot_capacity_runs_tasks() {
    let mut account = Account::new();
    account.cluster();
    let mut input = provider("inf2", &["inf2*"]);
    input["managedInstancesProvider"]["instanceLaunchTemplate"]["capacityOptionType"] = json!("SPOT");
    let created = account.call("CreateCapacityProvider", input);
    let template = &created["capacityProvider"]["managedInstancesProvider"]["instanceLaunchTemplate"];
    assert_eq!(template["capacityOptionType"], "SPOT");
    account.pass(30);
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
}
