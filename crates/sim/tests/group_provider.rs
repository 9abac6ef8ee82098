//! Capacity providers of Auto Scaling groups: what they may say, their lives, and their association with a cluster.
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

use account::{Account, provider};
use axon_sim::{GroupProviderCreation, ManagedNamesInPut, OmittedOnUpdate, Options, Quirks};
use fleet::{group_provider, on_ec2, provided, shape};
use serde_json::{Value, json};

fn describe(account: &mut Account, name: &str) -> Value {
    let input = json!({"capacityProviders": [name], "include": ["TAGS"]});
    account.call("DescribeCapacityProviders", input)["capacityProviders"][0].clone()
}

fn put(names: &[&str]) -> Value {
    json!({"cluster": "ml", "capacityProviders": names, "defaultCapacityProviderStrategy": []})
}

fn scaled() -> Value {
    json!({"managedScaling": {"status": "ENABLED"}})
}

#[test]
fn a_provider_of_a_group_comes_back_with_every_default_and_marks_its_group() {
    let mut account = fleet::empty();
    account.group(&shape("pool", "inf2.xlarge", 0));
    let mut input = group_provider("inf2", "pool", scaled());
    input["tags"] = json!([{"key": "team", "value": "ml"}]);
    let created = account.call("CreateCapacityProvider", input)["capacityProvider"].clone();
    assert_eq!((&created["status"], &created["updateStatus"]), (&json!("PROVISIONING"), &json!("CREATE_IN_PROGRESS")));
    account.pass(30);
    let found = describe(&mut account, "inf2");
    assert_eq!((&found["status"], &found["type"]), (&json!("ACTIVE"), &json!("EC2_AUTOSCALING")));
    assert!(found.get("cluster").is_none());
    let expected = json!({
        "autoScalingGroupArn": "pool",
        "managedTerminationProtection": "DISABLED",
        "managedDraining": "ENABLED",
        "managedScaling": {"status": "ENABLED", "targetCapacity": 100, "minimumScalingStepSize": 1,
                           "maximumScalingStepSize": 10000, "instanceWarmupPeriod": 300},
    });
    assert_eq!(found["autoScalingGroupProvider"], expected);
    assert_eq!(found["tags"], json!([{"key": "team", "value": "ml"}]));
    let tags = forms::groups(&mut account, "DescribeTags", &[]);
    assert!(tags.to_string().contains("AmazonECSManaged"), "{tags}");
    let listed = account.call("DescribeCapacityProviders", json!({}))["capacityProviders"].clone();
    assert!(listed.as_array().unwrap().iter().any(|p| p["name"] == "inf2"));
    assert_eq!(account.call("DescribeCapacityProviders", json!({"cluster": "ml"}))["capacityProviders"], json!([]));
}

#[test]
fn what_a_provider_of_a_group_may_not_say_is_refused() {
    let mut account = fleet::empty();
    account.group(&shape("pool", "inf2.xlarge", 0));
    let scaling = |key: &str, value: i64| {
        let mut settings = scaled();
        settings["managedScaling"][key] = json!(value);
        group_provider("inf2", "pool", settings)
    };
    let mut cluster = group_provider("inf2", "pool", scaled());
    cluster["cluster"] = json!("ml");
    let protected = json!({"managedScaling": {"status": "ENABLED"}, "managedTerminationProtection": "ENABLED"});
    for (input, code) in [
        (group_provider("inf2", "none", scaled()), "ClientException"),
        (group_provider("ecs-inf2", "pool", scaled()), "InvalidParameterException"),
        (scaling("targetCapacity", 0), "InvalidParameterException"),
        (scaling("targetCapacity", 101), "InvalidParameterException"),
        (scaling("minimumScalingStepSize", 10_001), "InvalidParameterException"),
        (scaling("instanceWarmupPeriod", 10_001), "InvalidParameterException"),
        (
            group_provider("inf2", "pool", json!({"managedTerminationProtection": "ENABLED"})),
            "InvalidParameterException",
        ),
        (group_provider("inf2", "pool", protected.clone()), "InvalidParameterException"),
        (cluster, "InvalidParameterException"),
    ] {
        assert_eq!(account.refused("CreateCapacityProvider", input.clone()), code, "{input}");
    }
    let mut safe = shape("safe", "inf2.xlarge", 0);
    safe.protected = true;
    account.group(&safe);
    account.call("CreateCapacityProvider", group_provider("safe", "safe", protected));
    account.call("CreateCapacityProvider", group_provider("inf2", "pool", scaled()));
    let again = group_provider("other", "pool", scaled());
    assert_eq!(account.refused("CreateCapacityProvider", again), "ClientException");
    let taken = group_provider("inf2", "pool", scaled());
    assert_eq!(account.refused("CreateCapacityProvider", taken), "ClientException");
}

#[test]
fn older_examples_show_a_provider_that_is_active_at_once() {
    let quirks = Quirks { group_provider_creation: GroupProviderCreation::AtOnce, ..Quirks::default() };
    let mut account = fleet::with(Options { quirks, ..fleet::options() });
    account.group(&shape("pool", "inf2.xlarge", 0));
    let created = account.call("CreateCapacityProvider", group_provider("inf2", "pool", scaled()));
    assert_eq!(created["capacityProvider"]["status"], "ACTIVE");
}

#[test]
fn an_update_keeps_or_resets_what_it_leaves_out_but_never_the_group() {
    for (omitted, warm_up) in [(OmittedOnUpdate::Keep, 60), (OmittedOnUpdate::Reset, 300)] {
        let quirks = Quirks { omitted_on_update: omitted, ..Quirks::default() };
        let mut account = fleet::with(Options { quirks, ..fleet::options() });
        account.group(&shape("pool", "inf2.xlarge", 0));
        let settings = json!({"managedScaling": {"status": "ENABLED", "instanceWarmupPeriod": 60}});
        account.call("CreateCapacityProvider", group_provider("inf2", "pool", settings));
        let update = json!({"name": "inf2", "autoScalingGroupProvider":
            {"managedScaling": {"status": "ENABLED", "targetCapacity": 90}}});
        let refused = account.refused_code("UpdateCapacityProvider", update.clone());
        assert_eq!(refused, "UpdateInProgressException");
        account.pass(30);
        let answer = account.call("UpdateCapacityProvider", update)["capacityProvider"].clone();
        assert_eq!(answer["updateStatus"], "UPDATE_IN_PROGRESS");
        account.pass(30);
        let found = describe(&mut account, "inf2");
        assert_eq!(found["updateStatus"], "UPDATE_COMPLETE");
        let details = &found["autoScalingGroupProvider"];
        assert_eq!(details["autoScalingGroupArn"], "pool");
        assert_eq!(details["managedScaling"]["targetCapacity"], 90);
        assert_eq!(details["managedScaling"]["instanceWarmupPeriod"], warm_up);
    }
}

#[test]
fn a_strategy_may_name_only_associated_and_active_providers_of_one_kind() {
    let mut account = fleet::empty();
    account.provider("managed", &["inf2*"]);
    account.group(&shape("pool", "inf2.xlarge", 0));
    account.register(on_ec2("a", &[]));
    account.call("CreateCapacityProvider", group_provider("inf2", "pool", scaled()));
    assert_eq!(account.refused("PutClusterCapacityProviders", put(&["inf2"])), "InvalidParameterException");
    account.pass(30);
    assert_eq!(account.refused("CreateService", provided("web", "a", 1, "inf2")), "InvalidParameterException");
    account.associate(&["inf2"]);
    let mut mixed = provided("web", "a", 1, "inf2");
    mixed["capacityProviderStrategy"] =
        json!([{"capacityProvider": "inf2", "weight": 1}, {"capacityProvider": "managed", "weight": 1}]);
    assert_eq!(account.refused("CreateService", mixed), "InvalidParameterException");
    account.definition("neuron", "n:1");
    let mut wrong = provided("web", "neuron", 1, "inf2");
    wrong["networkConfiguration"] = json!({"awsvpcConfiguration": {"subnets": [fleet::SUBNET_A]}});
    assert_eq!(account.refused("CreateService", wrong), "InvalidParameterException");
    account.call("CreateService", provided("web", "a", 1, "inf2"));
}

#[test]
fn putting_providers_replaces_both_lists_takes_a_while_and_shows_what_ecs_attached() {
    let mut account = fleet::empty();
    for name in ["one", "two"] {
        account.group(&shape(name, "inf2.xlarge", 0));
        account.call("CreateCapacityProvider", group_provider(name, name, scaled()));
    }
    account.pass(30);
    let mut input = put(&["one", "two"]);
    input["defaultCapacityProviderStrategy"] = json!([{"capacityProvider": "one", "weight": 1}]);
    let answer = account.call("PutClusterCapacityProviders", input.clone())["cluster"].clone();
    assert_eq!(answer["attachmentsStatus"], "UPDATE_IN_PROGRESS");
    assert_eq!(account.refused("PutClusterCapacityProviders", input), "UpdateInProgressException");
    account.pass(30);
    let cluster = |account: &mut Account| {
        let input = json!({"clusters": ["ml"], "include": ["ATTACHMENTS"]});
        account.call("DescribeClusters", input)["clusters"][0].clone()
    };
    let found = cluster(&mut account);
    assert_eq!(found["attachmentsStatus"], "UPDATE_COMPLETE");
    assert_eq!(found["capacityProviders"], json!(["one", "two"]));
    let kinds: Vec<&str> =
        found["attachments"].as_array().unwrap().iter().map(|a| a["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["as_policy", "managed_draining", "as_policy", "managed_draining"]);
    account.associate(&["two"]);
    let found = cluster(&mut account);
    assert_eq!(found["capacityProviders"], json!(["two"]));
    assert_eq!(found["defaultCapacityProviderStrategy"], json!([]));
}

#[test]
fn a_provider_in_use_can_neither_be_disassociated_nor_deleted() {
    let mut account = fleet::empty();
    account.group(&shape("pool", "inf2.xlarge", 1));
    account.pass(300);
    account.group_provider("inf2", "pool", json!({}));
    assert_eq!(account.instances()[0]["capacityProviderName"], "inf2");
    account.register(on_ec2("a", &[]));
    account.call("CreateService", provided("web", "a", 1, "inf2"));
    account.pass(120);
    assert_eq!(account.tasks("RUNNING")[0]["capacityProviderName"], "inf2");
    assert_eq!(account.refused("PutClusterCapacityProviders", put(&[])), "ResourceInUseException");
    let delete = json!({"capacityProvider": "inf2"});
    assert_eq!(account.refused("DeleteCapacityProvider", delete.clone()), "ClientException");
    account.call("DeleteService", json!({"cluster": "ml", "service": "web", "force": true}));
    // The service no longer names it, but a task that still stops does.
    assert_eq!(account.refused("PutClusterCapacityProviders", put(&[])), "ResourceInUseException");
    account.pass(120);
    assert_eq!(account.refused("DeleteCapacityProvider", delete.clone()), "ClientException");
    account.associate(&[]);
    let deleted = account.call("DeleteCapacityProvider", delete)["capacityProvider"].clone();
    assert_eq!(deleted["updateStatus"], "DELETE_IN_PROGRESS");
    account.pass(30);
    assert_eq!(describe(&mut account, "inf2")["status"], "INACTIVE");
    // The group and its instance stay.
    assert_eq!(account.instances().len(), 1);
    assert!(account.instances()[0].get("capacityProviderName").is_none());
    account.pass(1200);
    account.call("CreateCapacityProvider", group_provider("inf2", "pool", json!({})));
}

#[test]
fn names_of_managed_instances_are_refused_beside_groups_or_ignored_by_the_quirk() {
    for (quirk, accepted) in [(ManagedNamesInPut::Rejected, false), (ManagedNamesInPut::Accepted, true)] {
        let quirks = Quirks { managed_names_in_put: quirk, ..Quirks::default() };
        let mut account = fleet::with(Options { quirks, ..fleet::options() });
        account.call("CreateCapacityProvider", provider("managed", &["inf2*"]));
        account.group(&shape("pool", "inf2.xlarge", 0));
        account.call("CreateCapacityProvider", group_provider("inf2", "pool", scaled()));
        account.pass(30);
        let answer = account.try_call("PutClusterCapacityProviders", put(&["inf2", "managed"]));
        assert_eq!(answer.is_ok(), accepted, "{answer:?}");
    }
}

#[test]
fn a_provider_with_managed_scaling_serves_one_cluster() {
    let mut account = fleet::empty();
    account.call("CreateCluster", json!({"clusterName": "other"}));
    account.group(&shape("pool", "inf2.xlarge", 0));
    account.group_provider("inf2", "pool", scaled());
    let mut input = put(&["inf2"]);
    input["cluster"] = json!("other");
    assert_eq!(account.refused("PutClusterCapacityProviders", input), "InvalidParameterException");
}

#[test]
fn termination_protection_needs_protected_instances_only_when_it_is_turned_on() {
    let mut account = fleet::empty();
    let mut pool = shape("pool", "inf2.xlarge", 2);
    pool.protected = true;
    account.group(&pool);
    account.pass(300);
    account.group_provider("inf2", "pool", scaled());
    let update = |protection: &str| {
        let settings = json!({"managedScaling": {"status": "ENABLED"}, "managedTerminationProtection": protection});
        json!({"name": "inf2", "autoScalingGroupProvider": settings})
    };
    let unprotect = |account: &mut Account| {
        let id = account.group_now("pool").members.keys().next().unwrap().clone();
        let members =
            [("AutoScalingGroupName", "pool"), ("InstanceIds.member.1", &id), ("ProtectedFromScaleIn", "false")];
        forms::groups(account, "SetInstanceProtection", &members);
    };
    account.call("UpdateCapacityProvider", update("ENABLED"));
    account.pass(10);
    unprotect(&mut account);
    account.call("UpdateCapacityProvider", update("ENABLED"));
    account.pass(10);
    account.call("UpdateCapacityProvider", update("DISABLED"));
    account.pass(10);
    unprotect(&mut account);
    assert_eq!(account.refused("UpdateCapacityProvider", update("ENABLED")), "InvalidParameterException");
}

#[test]
fn a_cluster_has_at_most_twenty_providers() {
    let mut account = fleet::empty();
    let names: Vec<String> = (0..21).map(|n| format!("p{n}")).collect();
    for name in &names {
        account.group(&shape(name, "inf2.xlarge", 0));
        account.call("CreateCapacityProvider", group_provider(name, name, json!({})));
    }
    account.pass(30);
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(account.refused("PutClusterCapacityProviders", put(&all)), "InvalidParameterException");
    account.call("PutClusterCapacityProviders", put(&all[..20]));
}
