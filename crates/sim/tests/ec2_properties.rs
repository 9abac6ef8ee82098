//! What holds on EC2 whatever is asked and in whatever order: nothing is given out twice, and services settle when they can.
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

use std::collections::BTreeSet;

use account::Account;
use axon_sim::{Behaviour, Loss, Options, Quirks, StoppingCounts};
use fleet::{on_ec2, provided, resource, shape};
use proptest::prelude::*;
use serde_json::json;

#[derive(Debug, Clone)]
enum Act {
    Scale(&'static str, i64),
    Deploy(&'static str),
    Pass(i64),
    StopOne,
    LoseOne,
    DrainOne,
    Resize(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = || prop_oneof![Just("one"), Just("two")];
    let act = prop_oneof![
        (name(), 0_i64..4).prop_map(|(name, count)| Act::Scale(name, count)),
        name().prop_map(Act::Deploy),
        (1_i64..400).prop_map(Act::Pass),
        Just(Act::StopOne),
        Just(Act::LoseOne),
        Just(Act::DrainOne),
        (0_i64..5).prop_map(Act::Resize),
    ];
    prop::collection::vec(act, 1..25)
}

/// A definition that holds the first chip and a port that every definition with that chip holds.
fn guarded(family: &str) -> serde_json::Value {
    let mut definition = on_ec2(family, &["/dev/neuron0"]);
    let ports = json!([{"containerPort": 9000, "hostPort": 9000}, {"containerPort": 80}]);
    definition["containerDefinitions"][0]["portMappings"] = ports;
    definition
}

fn perform(account: &mut Account, act: Act) {
    match act {
        Act::Scale(name, count) => {
            account.call("UpdateService", json!({"cluster": "ml", "service": name, "desiredCount": count}));
        }
        Act::Deploy(name) => {
            account.register(guarded(name));
            account.call("UpdateService", json!({"cluster": "ml", "service": name, "taskDefinition": name}));
        }
        Act::Pass(seconds) => account.pass(seconds),
        Act::StopOne => {
            if let Some(task) = account.tasks("RUNNING").first() {
                let arn = task["taskArn"].clone();
                account.call("StopTask", json!({"cluster": "ml", "task": arn}));
            }
        }
        Act::LoseOne => {
            let first = account.aws.world().machines().first().map(|m| m.id.clone());
            first.map(|id| account.aws.world_mut().lose_machine(&id, Loss::Hardware));
        }
        Act::DrainOne => {
            if let Some(instance) = account.instances().first() {
                let arn = instance["containerInstanceArn"].clone();
                let input = json!({"cluster": "ml", "containerInstances": [arn], "status": "DRAINING"});
                account.call("UpdateContainerInstancesState", input);
            }
        }
        Act::Resize(desired) => account.resize("pool", desired),
    }
}

fn nothing_is_given_out_twice(account: &mut Account) {
    let mut ports = BTreeSet::new();
    for task in account.tasks("RUNNING") {
        for binding in task["containers"][0]["networkBindings"].as_array().unwrap() {
            let key = (task["containerInstanceArn"].to_string(), binding["hostPort"].as_i64());
            assert!(ports.insert(key), "{task}");
        }
    }
    for instance in account.instances() {
        for name in ["CPU", "MEMORY"] {
            assert!(resource(&instance, "remainingResources", name).as_i64().unwrap() >= 0, "{instance}");
        }
    }
    assert_eq!(account.aws.world().violations(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn guarded_chips_are_never_shared_and_services_settle_when_there_is_room(acts in acts(), seed in 0_u64..1000) {
        let stopping_counts =
            if seed % 2 == 0 { StoppingCounts::UntilStopped } else { StoppingCounts::UntilDesiredStopped };
        let quirks = Quirks { stopping_counts, ..Quirks::default() };
        let mut account = fleet::with(Options { seed, quirks, ..fleet::options() });
        let mut stubborn = Behaviour::of("one:*");
        stubborn.stop_seconds = 600;
        account.aws.world_mut().behave(stubborn);
        account.group(&shape("pool", "inf2.xlarge", 3));
        account.pass(300);
        account.group_provider("inf2", "pool", json!({}));
        for (name, high) in [("one", 100), ("two", 200)] {
            account.register(guarded(name));
            let mut service = provided(name, name, 1, "inf2");
            service["deploymentConfiguration"] = json!({"minimumHealthyPercent": 0, "maximumPercent": high});
            account.call("CreateService", service);
        }
        for act in acts {
            perform(&mut account, act);
            nothing_is_given_out_twice(&mut account);
        }
        for instance in account.instances() {
            let arn = instance["containerInstanceArn"].clone();
            let input = json!({"cluster": "ml", "containerInstances": [arn], "status": "ACTIVE"});
            account.call("UpdateContainerInstancesState", input);
        }
        account.resize("pool", 12);
        account.pass(3 * 3600);
        nothing_is_given_out_twice(&mut account);
        for name in ["one", "two"] {
            let service = account.service(name);
            prop_assert_eq!(&service["runningCount"], &service["desiredCount"]);
            prop_assert_eq!(&service["deployments"][0]["rolloutState"], "COMPLETED");
        }
    }
}
