//! Clusters and managed instances capacity providers: their lives, their errors, their pages.
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
use axon_sim::{
    ExistingCluster, ManagedNamesInPut, NewerAcceleratorNames, OmittedOnUpdate, Options, PriceProtection, Quirks,
};
use serde_json::{Value, json};

fn with(quirks: Quirks) -> Account {
    let mut account = Account::with(Options { quirks, ..Options::default() });
    account.cluster();
    account
}

fn describe(account: &mut Account, name: &str) -> Value {
    let input = json!({"cluster": "ml", "capacityProviders": [name], "include": ["TAGS"]});
    account.call("DescribeCapacityProviders", input)["capacityProviders"][0].clone()
}

#[test]
fn a_provider_is_not_usable_before_it_is_active() {
    let mut account = Account::new();
    account.cluster();
    let created = account.call("CreateCapacityProvider", provider("inf2", &["inf2*"]))["capacityProvider"].clone();
    assert_eq!((&created["status"], &created["updateStatus"]), (&json!("PROVISIONING"), &json!("CREATE_IN_PROGRESS")));
    account.definition("llm", "vllm:1");
    assert_eq!(account.refused("CreateService", service("web", "llm", 1)), "InvalidParameterException");
    account.pass(30);
    let active = describe(&mut account, "inf2");
    assert_eq!((&active["status"], &active["updateStatus"]), (&json!("ACTIVE"), &json!("CREATE_COMPLETE")));
    account.call("CreateService", service("web", "llm", 1));
}

#[test]
fn a_provider_in_use_cannot_be_deleted_and_its_instances_end_with_it() {
    let mut account = Account::new();
    account.ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    account.pass(400);
    let delete = json!({"capacityProvider": "inf2", "cluster": "ml"});
    assert_eq!(account.refused("DeleteCapacityProvider", delete.clone()), "ClientException");
    account.call("DeleteService", json!({"cluster": "ml", "service": "web", "force": true}));
    account.pass(60);
    assert_eq!(account.aws.world().running_instances().len(), 1);
    let code = account.refused("DeleteCluster", json!({"cluster": "ml"}));
    assert_eq!(code, "ClusterContainsCapacityProviderException");
    let deleted = account.call("DeleteCapacityProvider", delete.clone())["capacityProvider"].clone();
    assert_eq!(deleted["status"], "DEPROVISIONING");
    account.pass(120);
    assert_eq!(describe(&mut account, "inf2")["status"], "INACTIVE");
    assert!(account.aws.world().running_instances().is_empty());
    assert_eq!(account.refused("DeleteCapacityProvider", delete), "ClientException");
    assert_eq!(account.refused("CreateCapacityProvider", provider("inf2", &["inf2*"])), "ClientException");
    account.pass(3600);
    account.provider("inf2", &["inf2*"]);
    assert_eq!(describe(&mut account, "inf2")["status"], "ACTIVE");
}

#[test]
fn a_failed_deletion_is_shown_and_can_be_tried_again() {
    let mut account = Account::new();
    account.ready();
    account.aws.world_mut().fail_next_change_of_provider("inf2", "stuck");
    let delete = json!({"capacityProvider": "inf2", "cluster": "ml"});
    account.call("DeleteCapacityProvider", delete.clone());
    account.pass(60);
    let found = describe(&mut account, "inf2");
    assert_eq!((&found["updateStatus"], &found["updateStatusReason"]), (&json!("DELETE_FAILED"), &json!("stuck")));
    account.call("DeleteCapacityProvider", delete);
    account.pass(60);
    assert_eq!(describe(&mut account, "inf2")["status"], "INACTIVE");
}

#[test]
fn what_aws_documents_as_creation_errors_is_refused() {
    let mut account = Account::new();
    account.cluster();
    let template = |p: &mut Value, key: &str, value: Value| {
        p["managedInstancesProvider"]["instanceLaunchTemplate"][key] = value;
    };
    let mut bad: Vec<(Value, &str)> = Vec::new();
    let mut add = |change: &dyn Fn(&mut Value), code: &'static str| {
        let mut input = provider("p", &["inf2*"]);
        change(&mut input);
        bad.push((input, code));
    };
    let invalid = "InvalidParameterException";
    add(&|p| p["name"] = json!("aws-p"), invalid);
    add(&|p| p["name"] = json!(" "), invalid);
    add(&|p| p["cluster"] = Value::Null, invalid);
    add(&|p| p["cluster"] = json!("other"), "ClusterNotFoundException");
    add(&|p| p["managedInstancesProvider"] = Value::Null, invalid);
    add(&|p| p["managedInstancesProvider"]["infrastructureRoleArn"] = json!("role"), invalid);
    add(&|p| p["managedInstancesProvider"]["propagateTags"] = json!("SERVICE"), invalid);
    add(&|p| template(p, "ec2InstanceProfileArn", json!("profile")), invalid);
    add(&|p| template(p, "networkConfiguration", json!({"subnets": []})), invalid);
    add(&|p| template(p, "networkConfiguration", json!({"subnets": ["subnet-1"]})), invalid);
    add(&|p| template(p, "storageConfiguration", json!({"storageSizeGiB": 8})), invalid);
    add(
        &|p| template(p, "instanceRequirements", json!({"vCpuCount": {"min": 9999}, "memoryMiB": {"min": 1}})),
        invalid,
    );
    add(&|p| template(p, "instanceRequirements", json!({"allowedInstanceTypes": ["inf2*"]})), invalid);
    let tags: Vec<Value> = (0..46).map(|n| json!({"key": format!("k{n}"), "value": "v"})).collect();
    add(&|p| p["tags"] = json!(tags), invalid);
    add(&|p| p["autoScalingGroupProvider"] = json!({"autoScalingGroupArn": "a"}), invalid);
    for (input, code) in bad {
        account.pass(2);
        assert_eq!(account.refused("CreateCapacityProvider", input.clone()), code, "{input}");
    }
    account.provider("p", &["inf2*"]);
    assert_eq!(account.refused("CreateCapacityProvider", provider("p", &["inf2*"])), "ClientException");
}

#[test]
fn an_omitted_member_of_an_update_is_kept_or_reset_as_the_quirk_says() {
    for (quirk, size) in [(OmittedOnUpdate::Keep, 200), (OmittedOnUpdate::Reset, 80)] {
        let mut account = with(Quirks { omitted_on_update: quirk, ..Quirks::default() });
        let mut input = provider("inf2", &["inf2*"]);
        let template = &mut input["managedInstancesProvider"]["instanceLaunchTemplate"];
        template["storageConfiguration"] = json!({"storageSizeGiB": 200});
        account.call("CreateCapacityProvider", input.clone());
        account.pass(30);
        let mut update = input;
        let template = update["managedInstancesProvider"]["instanceLaunchTemplate"].as_object_mut().unwrap();
        template.remove("storageConfiguration");
        account.call("UpdateCapacityProvider", update.clone());
        assert_eq!(account.refused_code("UpdateCapacityProvider", update), "UpdateInProgressException");
        account.pass(30);
        let found = describe(&mut account, "inf2")["managedInstancesProvider"]["instanceLaunchTemplate"].clone();
        assert_eq!(found["storageConfiguration"]["storageSizeGiB"], size);
        assert_eq!(found["capacityOptionType"], "ON_DEMAND");
    }
}

#[test]
fn providers_come_in_pages_of_ten_and_missing_ones_as_failures() {
    let mut account = Account::new();
    account.cluster();
    for n in 0..14 {
        account.provider(&format!("p{n:02}"), &["inf2*"]);
    }
    let first = account.call("DescribeCapacityProviders", json!({"cluster": "ml"}));
    assert_eq!(first["capacityProviders"].as_array().unwrap().len(), 10);
    let input = json!({"cluster": "ml", "nextToken": first["nextToken"]});
    let second = account.call("DescribeCapacityProviders", input);
    assert_eq!(second["capacityProviders"].as_array().unwrap().len(), 4);
    assert!(second.get("nextToken").is_none());
    let input = json!({"capacityProviders": ["p01", "nope"], "cluster": "ml"});
    let answer = account.call("DescribeCapacityProviders", input);
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let fargate = account.call("DescribeCapacityProviders", json!({}));
    assert_eq!(fargate["capacityProviders"][0]["type"], "FARGATE");
}

#[test]
fn putting_managed_names_is_rejected_or_ignored_as_the_quirk_says() {
    let input = json!({"cluster": "ml", "capacityProviders": ["inf2"],
                       "defaultCapacityProviderStrategy": [{"capacityProvider": "inf2", "weight": 1}]});
    let mut account = with(Quirks::default());
    account.provider("inf2", &["inf2*"]);
    assert_eq!(account.refused("PutClusterCapacityProviders", input.clone()), "InvalidParameterException");
    let mut account = with(Quirks { managed_names_in_put: ManagedNamesInPut::Accepted, ..Quirks::default() });
    account.provider("inf2", &["inf2*"]);
    let put = account.call("PutClusterCapacityProviders", input.clone())["cluster"].clone();
    assert_eq!(put["attachmentsStatus"], "UPDATE_IN_PROGRESS");
    assert_eq!(account.refused_code("PutClusterCapacityProviders", input), "UpdateInProgressException");
    account.pass(10);
    let input = json!({"clusters": ["ml"], "include": ["ATTACHMENTS", "SETTINGS"]});
    let cluster = account.call("DescribeClusters", input)["clusters"][0].clone();
    assert_eq!(cluster["attachmentsStatus"], "UPDATE_COMPLETE");
    assert_eq!(cluster["capacityProviders"], json!(["inf2"]));
    assert_eq!(cluster["settings"][0]["name"], "containerInsights");
    account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input.as_object_mut().unwrap().remove("capacityProviderStrategy");
    let created = account.call("CreateService", input)["service"].clone();
    assert_eq!(created["capacityProviderStrategy"][0]["capacityProvider"], "inf2");
}

#[test]
fn newer_accelerator_names_follow_the_quirk() {
    let mut input = provider("inf2", &["inf2*"]);
    let template = &mut input["managedInstancesProvider"]["instanceLaunchTemplate"];
    template["instanceRequirements"]["acceleratorNames"] = json!(["inferentia2"]);
    let mut account = with(Quirks::default());
    assert_eq!(account.refused("CreateCapacityProvider", input.clone()), "InvalidParameterException");
    let mut account = with(Quirks { newer_accelerator_names: NewerAcceleratorNames::Accepted, ..Quirks::default() });
    let (status, _) = account.raw("AmazonEC2ContainerServiceV20141113.CreateCapacityProvider", &input.to_string());
    assert_eq!(status, 200);
}

#[test]
fn price_protection_drops_what_costs_much_more_than_the_cheapest() {
    let mut input = provider("inf2", &["inf2*"]);
    let template = &mut input["managedInstancesProvider"]["instanceLaunchTemplate"];
    template["instanceRequirements"]["acceleratorCount"] = json!({"min": 1});
    let start = |quirk: PriceProtection, limit: Option<i64>| {
        let mut account = with(Quirks { price_protection: quirk, ..Quirks::default() });
        let mut input = input.clone();
        let template = &mut input["managedInstancesProvider"]["instanceLaunchTemplate"];
        if let Some(limit) = limit {
            template["instanceRequirements"]["onDemandMaxPricePercentageOverLowestPrice"] = json!(limit);
        }
        account.call("CreateCapacityProvider", input);
        account.pass(30);
        let mut definition = account::managed("llm", "vllm:1");
        definition["memory"] = json!("100000");
        account.call("RegisterTaskDefinition", definition);
        account.call("CreateService", service("web", "llm", 1));
        account.pass(600);
        account.aws.world().running_instances().len()
    };
    assert_eq!(start(PriceProtection::Off, None), 1);
    assert_eq!(start(PriceProtection::LikeEc2, None), 0);
    assert_eq!(start(PriceProtection::LikeEc2, Some(999_999)), 1);
}

#[test]
fn creating_a_cluster_again_follows_the_quirk() {
    let mut account = with(Quirks::default());
    account.call("CreateCluster", json!({"clusterName": "ml"}));
    let mut account = with(Quirks { existing_cluster: ExistingCluster::Rejected, ..Quirks::default() });
    assert_eq!(account.refused("CreateCluster", json!({"clusterName": "ml"})), "ClientException");
}

#[test]
fn a_deleted_cluster_is_inactive_and_then_missing() {
    let mut account = Account::new();
    account.cluster();
    let deleted = account.call("DeleteCluster", json!({"cluster": "ml"}));
    assert_eq!(deleted["cluster"]["status"], "INACTIVE");
    assert_eq!(account.refused("ListServices", json!({"cluster": "ml"})), "ClusterNotFoundException");
    account.pass(7200);
    let answer = account.call("DescribeClusters", json!({"clusters": ["ml"]}));
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
}

#[test]
fn tags_follow_their_rules() {
    let mut account = Account::new();
    account.ready();
    let arn = describe(&mut account, "inf2")["capacityProviderArn"].clone();
    let tag = |key: &str| json!({"resourceArn": arn, "tags": [{"key": key, "value": "v"}]});
    account.call("TagResource", tag("team"));
    assert_eq!(account.refused("TagResource", tag("aws:x")), "InvalidParameterException");
    let listed = account.call("ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(listed["tags"], json!([{"key": "team", "value": "v"}]));
    account.call("UntagResource", json!({"resourceArn": arn, "tagKeys": ["team"]}));
    assert_eq!(describe(&mut account, "inf2")["tags"], json!([]));
    let unknown = json!({"resourceArn": "arn:aws:ecs:us-east-1:111122223333:cluster/none"});
    assert_eq!(account.refused("ListTagsForResource", unknown), "InvalidParameterException");
}
