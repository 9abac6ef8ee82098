//! What CreateCluster and UpdateCluster set, and that DescribeClusters gives back exactly that.
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

use account::Account;
use axon_sim::{ClusterNamespace, Options, Quirks};
use serde_json::{Value, json};

const NAMESPACE: &str = "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-0123456789abcdef";

fn described(account: &mut Account) -> Value {
    let include = json!(["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]);
    account.call("DescribeClusters", json!({"clusters": ["ml"], "include": include}))["clusters"][0].clone()
}

/// A configuration with every member, and with both booleans as given.
fn configuration(encrypted: &Value) -> Value {
    json!({
        "executeCommandConfiguration": {
            "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/exec",
            "logging": "OVERRIDE",
            "logConfiguration": {
                "cloudWatchLogGroupName": "/ecs/exec",
                "cloudWatchEncryptionEnabled": encrypted,
                "s3BucketName": "exec-logs",
                "s3EncryptionEnabled": encrypted,
                "s3KeyPrefix": "ml",
            },
        },
        "managedStorageConfiguration": {
            "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/storage",
            "fargateEphemeralStorageKmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/ephemeral",
        },
    })
}

/// Every member of the request, with booleans that are false.
fn everything() -> Value {
    json!({
        "clusterName": "ml",
        "tags": [{"key": "team", "value": "nlp"}, {"key": "empty", "value": ""}],
        "settings": [{"name": "containerInsights", "value": "enhanced"}],
        "configuration": configuration(&json!(false)),
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 2}],
        "serviceConnectDefaults": {"namespace": NAMESPACE},
    })
}

#[test]
fn every_member_of_create_cluster_is_described_as_it_was_sent() {
    let mut account = Account::new();
    let sent = everything();
    let created = account.call("CreateCluster", sent.clone())["cluster"].clone();
    let found = described(&mut account);
    for (key, value) in sent.as_object().unwrap() {
        assert_eq!(created[key], *value, "created {key}");
        assert_eq!(found[key], *value, "described {key}");
    }
}

#[test]
fn each_member_of_create_cluster_can_be_sent_alone() {
    for (key, value) in everything().as_object().unwrap() {
        if key == "defaultCapacityProviderStrategy" {
            continue;
        }
        let mut account = Account::new();
        let mut sent = json!({"clusterName": "ml"});
        sent[key] = value.clone();
        account.call("CreateCluster", sent);
        assert_eq!(described(&mut account)[key], *value, "{key}");
    }
}

#[test]
fn a_boolean_of_the_log_configuration_is_true_false_or_absent_as_it_was_sent() {
    for sent in [json!(true), json!(false), Value::Null] {
        let mut account = Account::new();
        let input = json!({"clusterName": "ml", "configuration": configuration(&sent)});
        account.call("CreateCluster", input);
        let found = described(&mut account)["configuration"]["executeCommandConfiguration"].clone();
        for key in ["cloudWatchEncryptionEnabled", "s3EncryptionEnabled"] {
            assert_eq!(found["logConfiguration"].get(key), Some(&sent).filter(|v| !v.is_null()), "{key}");
        }
    }
}

#[test]
fn update_cluster_changes_each_member_and_leaves_the_others() {
    let mut only_storage = configuration(&json!(true));
    only_storage.as_object_mut().unwrap().remove("executeCommandConfiguration");
    for (key, value) in [
        ("settings", json!([{"name": "containerInsights", "value": "disabled"}])),
        ("configuration", configuration(&json!(true))),
        ("configuration", only_storage),
        ("configuration", json!({"executeCommandConfiguration": {"logging": "NONE"}})),
        ("serviceConnectDefaults", json!({"namespace": NAMESPACE.replace("0123", "4567")})),
    ] {
        let mut account = Account::new();
        account.call("CreateCluster", everything());
        let mut expected = described(&mut account);
        expected[key] = value.clone();
        let answer = account.call("UpdateCluster", json!({"cluster": "ml", key: value}));
        assert_eq!(answer["cluster"], expected, "{key}");
        assert_eq!(described(&mut account), expected, "{key}");
    }
}

#[test]
fn a_boolean_can_be_changed_from_true_to_false() {
    let mut account = Account::new();
    let mut sent = everything();
    sent["configuration"] = configuration(&json!(true));
    account.call("CreateCluster", sent);
    let off = configuration(&json!(false));
    account.call("UpdateCluster", json!({"cluster": "ml", "configuration": off}));
    assert_eq!(described(&mut account)["configuration"], off);
}

#[test]
fn a_namespace_that_was_named_is_described_by_its_arn_and_an_empty_name_removes_it() {
    let mut account = Account::new();
    account.call("CreateCluster", json!({"clusterName": "ml", "serviceConnectDefaults": {"namespace": "prod"}}));
    let arn = described(&mut account)["serviceConnectDefaults"]["namespace"].clone();
    assert!(arn.as_str().unwrap().starts_with("arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-"));
    let mut named = |name: &str| {
        let input = json!({"cluster": "ml", "serviceConnectDefaults": {"namespace": name}});
        account.call("UpdateCluster", input)["cluster"].get("serviceConnectDefaults").cloned()
    };
    assert_eq!(named("prod").unwrap()["namespace"], arn, "the same name is the same namespace");
    assert_ne!(named("test").unwrap()["namespace"], arn);
    assert!(named("").is_none());
}

#[test]
fn a_namespace_that_was_named_can_be_described_by_that_name() {
    let quirks = Quirks { cluster_namespace: ClusterNamespace::AsSent, ..Quirks::default() };
    let mut account = Account::with(Options { quirks, ..Options::default() });
    let defaults = json!({"namespace": "prod"});
    account.call("CreateCluster", json!({"clusterName": "ml", "serviceConnectDefaults": defaults}));
    assert_eq!(described(&mut account)["serviceConnectDefaults"], defaults);
}

#[test]
fn logs_that_override_need_a_log_configuration() {
    let mut account = Account::new();
    account.call("CreateCluster", json!({"clusterName": "ml"}));
    let wrong = json!({"executeCommandConfiguration": {"logging": "OVERRIDE"}});
    let input = json!({"clusterName": "other", "configuration": wrong});
    assert_eq!(account.refused("CreateCluster", input), "InvalidParameterException");
    let input = json!({"cluster": "ml", "configuration": wrong});
    assert_eq!(account.refused("UpdateCluster", input), "InvalidParameterException");
    assert!(described(&mut account).get("configuration").is_none());
}

#[test]
fn statistics_have_the_eight_names_of_the_api_reference() {
    let mut account = Account::new();
    account.call("CreateCluster", json!({"clusterName": "ml"}));
    let cluster = described(&mut account);
    let names: Vec<&str> =
        cluster["statistics"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let wanted = [
        "runningEC2TasksCount",
        "runningFargateTasksCount",
        "pendingEC2TasksCount",
        "pendingFargateTasksCount",
        "activeEC2ServiceCount",
        "activeFargateServiceCount",
        "drainingEC2ServiceCount",
        "drainingFargateServiceCount",
    ];
    assert_eq!(names, wanted);
    assert!(cluster["statistics"].as_array().unwrap().iter().all(|one| one["value"] == "0"));
}
