//! What a service carries beside its tasks: Service Connect, volumes, VPC Lattice, monitoring, and what answers echo.
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

use account::{Account, managed, service};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/infra";

/// A cluster, a provider and the definition `llm` with a named port and a volume that is configured at launch.
fn ready() -> Account {
    let mut account = Account::new();
    account.ready();
    register(&mut account, "llm", json!([]));
    register(&mut account, "disk", json!([{"name": "models", "configuredAtLaunch": true}]));
    account
}

fn register(account: &mut Account, family: &str, volumes: Value) {
    let mut definition = managed(family, "vllm:1");
    definition["containerDefinitions"][0]["portMappings"] = json!([{"name": "http", "containerPort": 8080}]);
    definition["volumes"] = volumes;
    account.call("RegisterTaskDefinition", definition);
}

fn with(definition: &str, key: &str, value: Value) -> Value {
    let mut input = service("web", definition, 1);
    input[key] = value;
    input
}

fn update(key: &str, value: Value) -> Value {
    json!({"cluster": "ml", "service": "web", key: value})
}

fn deployments(answer: &Value) -> usize {
    answer["service"]["deployments"].as_array().unwrap().len()
}

fn revision(account: &mut Account) -> Value {
    let arn = account.service("web")["currentServiceRevisions"][0]["arn"].clone();
    account.call("DescribeServiceRevisions", json!({"serviceRevisionArns": [arn]}))["serviceRevisions"][0].clone()
}

fn connect() -> Value {
    json!({"enabled": true, "namespace": "prod", "services": [
        {"portName": "http", "discoveryName": "llm", "clientAliases": [{"port": 80, "dnsName": "llm.prod"}]}]})
}

#[test]
fn service_connect_is_returned_by_the_deployment_and_the_revision_but_not_by_the_service() {
    let mut account = ready();
    let created = account.call("CreateService", with("llm", "serviceConnectConfiguration", connect()));
    assert!(created["service"].get("serviceConnectConfiguration").is_none());
    let deployment = &created["service"]["deployments"][0];
    assert_eq!(deployment["serviceConnectConfiguration"], connect());
    assert_eq!(deployment["serviceConnectResources"][0]["discoveryName"], "llm");
    let arn = deployment["serviceConnectResources"][0]["discoveryArn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:servicediscovery:us-east-1:111122223333:service/srv-"));
    assert_eq!(revision(&mut account)["serviceConnectConfiguration"], connect());
}

#[test]
fn service_connect_that_is_off_is_accepted_and_starts_no_deployment_where_there_was_none() {
    let mut account = ready();
    account.call("CreateService", service("web", "llm", 1));
    let off = update("serviceConnectConfiguration", json!({"enabled": false}));
    assert_eq!(deployments(&account.call("UpdateService", off.clone())), 1);
    assert_eq!(deployments(&account.call("UpdateService", update("serviceConnectConfiguration", connect()))), 2);
    assert_eq!(deployments(&account.call("UpdateService", update("serviceConnectConfiguration", connect()))), 2);
    let answer = account.call("UpdateService", off);
    assert_eq!(answer["service"]["deployments"][0]["serviceConnectConfiguration"], json!({"enabled": false}));
    assert!(answer["service"]["deployments"][0].get("serviceConnectResources").is_none());
}

#[test]
fn service_connect_needs_a_named_port_one_alias_and_a_namespace() {
    let mut account = ready();
    for (pointer, value) in [
        ("/services/0/portName", json!("grpc")),
        ("/services/0/clientAliases", json!([])),
        ("/services/0/discoveryName", json!("-Bad")),
        ("/namespace", Value::Null),
    ] {
        let mut bad = connect();
        *bad.pointer_mut(pointer).unwrap() = value;
        let refused = account.refused("CreateService", with("llm", "serviceConnectConfiguration", bad));
        assert_eq!(refused, "InvalidParameterException", "{pointer}");
    }
}

#[test]
fn the_namespace_of_the_cluster_stands_in_for_the_one_of_the_service() {
    let mut account = ready();
    let defaults = json!({"cluster": "ml", "serviceConnectDefaults": {"namespace": "team"}});
    let cluster = account.call("UpdateCluster", defaults)["cluster"].clone();
    let arn = cluster["serviceConnectDefaults"]["namespace"].clone();
    assert!(arn.as_str().unwrap().contains(":namespace/ns-"));
    let input = with("llm", "serviceConnectConfiguration", json!({"enabled": true}));
    let created = account.call("CreateService", input);
    assert_eq!(created["service"]["deployments"][0]["serviceConnectConfiguration"]["namespace"], arn);
    let none = json!({"cluster": "ml", "serviceConnectDefaults": {"namespace": ""}});
    assert!(account.call("UpdateCluster", none)["cluster"].get("serviceConnectDefaults").is_none());
}

fn volume(ebs: Value) -> Value {
    let mut ebs = ebs;
    ebs["roleArn"] = json!(ROLE);
    json!([{"name": "models", "managedEBSVolume": ebs}])
}

#[test]
fn a_volume_configured_at_launch_is_stored_and_its_change_starts_a_deployment() {
    let mut account = ready();
    let small = volume(json!({"sizeInGiB": 100, "volumeType": "gp3"}));
    let created = account.call("CreateService", with("disk", "volumeConfigurations", small.clone()));
    assert_eq!(created["service"]["deployments"][0]["volumeConfigurations"], small);
    assert_eq!(revision(&mut account)["volumeConfigurations"], small);
    assert_eq!(deployments(&account.call("UpdateService", update("volumeConfigurations", small))), 1);
    let large = volume(json!({"sizeInGiB": 200, "volumeType": "gp3"}));
    let updated = account.call("UpdateService", update("volumeConfigurations", large.clone()));
    assert_eq!(deployments(&updated), 2);
    assert_eq!(updated["service"]["deployments"][0]["volumeConfigurations"], large);
}

#[test]
fn volumes_must_match_the_task_definition_and_the_limits_of_their_type() {
    let mut account = ready();
    let ok = volume(json!({"sizeInGiB": 10}));
    let mut refused = |definition: &str, value: Value| {
        assert_eq!(
            account.refused("CreateService", with(definition, "volumeConfigurations", value.clone())),
            "InvalidParameterException",
            "{value}"
        );
    };
    refused("llm", ok);
    refused("disk", json!([]));
    for ebs in [
        json!({}),
        json!({"sizeInGiB": 0}),
        json!({"sizeInGiB": 100, "volumeType": "st1"}),
        json!({"sizeInGiB": 10, "volumeType": "io2"}),
        json!({"sizeInGiB": 10, "volumeType": "gp2", "throughput": 200}),
        json!({"sizeInGiB": 10, "volumeInitializationRate": 100}),
    ] {
        refused("disk", volume(ebs));
    }
}

#[test]
fn lattice_and_monitoring_are_returned_where_the_model_has_them() {
    let mut account = ready();
    let group = "arn:aws:vpc-lattice:us-east-1:111122223333:targetgroup/tg-0123456789abcdef0";
    let lattice = json!([{"roleArn": ROLE, "targetGroupArn": group, "portName": "http"}]);
    let monitoring = json!({"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 20}]});
    let mut input = with("llm", "vpcLatticeConfigurations", lattice.clone());
    input["monitoring"] = monitoring.clone();
    let created = account.call("CreateService", input)["service"].clone();
    assert!(created.get("monitoring").is_none());
    assert_eq!(created["deployments"][0]["vpcLatticeConfigurations"], lattice);
    assert!(created["deployments"][0].get("monitoring").is_none());
    assert_eq!(revision(&mut account)["monitoring"], monitoring);
    let gone = account.call("UpdateService", update("vpcLatticeConfigurations", json!([])));
    assert_eq!(deployments(&gone), 2);
    assert!(gone["service"]["deployments"][0].get("vpcLatticeConfigurations").is_none());
    let wrong = json!({"metricConfigurations": [{"metricNames": ["GPU"], "resolutionSeconds": 20}]});
    assert_eq!(account.refused("UpdateService", update("monitoring", wrong)), "InvalidParameterException");
}

#[test]
fn a_service_echoes_its_settings_with_the_defaults_of_ecs() {
    let mut account = ready();
    account.call("CreateService", service("web", "llm", 1));
    let echoed = account.service("web");
    let configuration = json!({"deploymentCircuitBreaker": {"enable": false, "rollback": false}, "maximumPercent": 200,
        "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0});
    assert_eq!(echoed["deploymentConfiguration"], configuration);
    assert_eq!(echoed["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "DISABLED");
    assert_eq!(echoed["availabilityZoneRebalancing"], "ENABLED");
    assert_eq!(echoed["healthCheckGracePeriodSeconds"], 0);
    assert_eq!(echoed["enableExecuteCommand"], false);
    assert_eq!(echoed["propagateTags"], "NONE");
    assert_eq!((&echoed["loadBalancers"], &echoed["serviceRegistries"]), (&json!([]), &json!([])));
}

#[test]
fn a_service_echoes_the_settings_that_were_sent() {
    let mut account = ready();
    let group = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/llm/0123456789abcdef";
    let mut input = service("web", "llm", 1);
    let sent = json!({
        "loadBalancers": [{"targetGroupArn": group, "containerName": "server", "containerPort": 8080,
            "advancedConfiguration": {"roleArn": ROLE,
                "alternateTargetGroupArn": group.replace("/llm/", "/llm-next/"),
                "productionListenerRule": group.replace("targetgroup/llm", "listener-rule/app/ml/a/b")}}],
        "serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-1"}],
        "availabilityZoneRebalancing": "DISABLED",
        "healthCheckGracePeriodSeconds": 120,
        "enableExecuteCommand": true,
        "enableECSManagedTags": true,
        "propagateTags": "SERVICE",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false,
                "thresholdConfiguration": {"type": "COUNT", "value": 4}},
            "maximumPercent": 150, "minimumHealthyPercent": 50, "strategy": "CANARY", "bakeTimeInMinutes": 3,
            "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5},
            "alarms": {"alarmNames": ["errors"], "enable": true, "rollback": true},
            "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]},
    });
    for (key, value) in sent.as_object().unwrap() {
        input[key] = value.clone();
    }
    account.call("CreateService", input);
    let echoed = account.service("web");
    for (key, value) in sent.as_object().unwrap() {
        assert_eq!(echoed[key], *value, "{key}");
    }
}

#[test]
fn only_creating_operations_answer_with_tags() {
    let mut account = ready();
    let tags = json!([{"key": "team", "value": "ml"}]);
    let mut definition = managed("tagged", "vllm:1");
    definition["tags"] = tags.clone();
    assert_eq!(account.call("RegisterTaskDefinition", definition)["tags"], tags);
    let created = account.call("CreateService", with("llm", "tags", tags.clone()));
    assert_eq!(created["service"]["tags"], tags);
    let updated = account.call("UpdateService", update("desiredCount", json!(0)));
    assert!(updated["service"].get("tags").is_none());
    assert_eq!(account.service("web")["tags"], tags);
    let deleted = account.call("DeleteService", json!({"cluster": "ml", "service": "web"}));
    assert!(deleted["service"].get("tags").is_none());
}

#[test]
fn a_standalone_task_cannot_leave_its_launch_volume_unconfigured() {
    let mut account = ready();
    let mut input = service("web", "disk", 1);
    let fields = input.as_object_mut().unwrap();
    fields.remove("serviceName");
    fields.remove("desiredCount");
    assert_eq!(account.refused("RunTask", input), "InvalidParameterException");
}
