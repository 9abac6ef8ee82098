//! Target groups of a service, and what the strategies that shift traffic need.
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
use axon_sim::NOT_MODELLED;
use serde_json::{Value, json};

const SHIFTING: [&str; 3] = ["BLUE_GREEN", "CANARY", "LINEAR"];

fn elb(resource: &str) -> String {
    format!("arn:aws:elasticloadbalancing:us-east-1:111122223333:{resource}")
}

fn group(name: &str) -> String {
    elb(&format!("targetgroup/{name}/0123456789abcdef"))
}

fn rule(number: u8) -> String {
    elb(&format!("listener-rule/app/ml/0123456789abcdef/0123456789abcdef/{number}"))
}

/// A target group with its alternate, a production and a test rule, and a role.
fn shifted() -> Value {
    let mut out = plain();
    out["advancedConfiguration"] = json!({
        "alternateTargetGroupArn": group("green"),
        "productionListenerRule": rule(1),
        "testListenerRule": rule(2),
        "roleArn": "arn:aws:iam::111122223333:role/ecsLoadBalancerRole",
    });
    out
}

fn plain() -> Value {
    json!({"targetGroupArn": group("blue"), "containerName": "server", "containerPort": 8080})
}

fn ready() -> Account {
    let mut account = Account::new();
    account.ready();
    for image in ["vllm:1", "vllm:2"] {
        let mut definition = managed("llm", image);
        definition["containerDefinitions"][0]["portMappings"] =
            json!([{"name": "http", "containerPort": 8080}, {"containerPort": 8081}]);
        account.call("RegisterTaskDefinition", definition);
    }
    account
}

fn with(strategy: &str, balancers: Value) -> Value {
    let mut input = service("web", "llm:1", 1);
    input["deploymentConfiguration"] = json!({"strategy": strategy});
    input["loadBalancers"] = balancers;
    input
}

fn update(key: &str, value: Value) -> Value {
    json!({"cluster": "ml", "service": "web", key: value})
}

/// The service revision of the primary deployment.
fn revision(account: &mut Account) -> Value {
    let arn = account.service("web")["currentServiceRevisions"][0]["arn"].clone();
    account.call("DescribeServiceRevisions", json!({"serviceRevisionArns": [arn]}))["serviceRevisions"][0].clone()
}

#[test]
fn every_strategy_takes_a_whole_advanced_configuration_and_returns_it_as_it_was_sent() {
    for strategy in ["ROLLING", "BLUE_GREEN", "CANARY", "LINEAR"] {
        let mut account = ready();
        let sent = json!([shifted()]);
        let created = account.call("CreateService", with(strategy, sent.clone()))["service"].clone();
        assert_eq!(created["loadBalancers"], sent, "{strategy}");
        assert_eq!(account.service("web")["loadBalancers"], sent, "{strategy}");
        assert_eq!(revision(&mut account)["loadBalancers"], sent, "{strategy}");
    }
}

#[test]
fn the_test_rule_may_be_left_out_and_a_network_load_balancer_is_named_by_its_listener() {
    let mut account = ready();
    let mut balancer = shifted();
    let advanced = balancer["advancedConfiguration"].as_object_mut().unwrap();
    advanced.remove("testListenerRule");
    advanced.insert("productionListenerRule".to_owned(), json!(elb("listener/net/ml/0123456789abcdef/1")));
    let created = account.call("CreateService", with("BLUE_GREEN", json!([balancer])));
    assert_eq!(created["service"]["loadBalancers"], json!([balancer]));
}

#[test]
fn a_strategy_that_shifts_traffic_needs_the_advanced_configuration_of_every_target_group() {
    let mut account = ready();
    for strategy in SHIFTING {
        let (code, message) = account.try_call("CreateService", with(strategy, json!([plain()]))).unwrap_err();
        assert_eq!(code, "ClientException", "{strategy}");
        assert!(message.starts_with("advancedConfiguration field is required for all loadBalancers"), "{message}");
    }
    let mut other = plain();
    other["targetGroupArn"] = json!(group("other"));
    let refused = account.refused("CreateService", with("ROLLING", json!([shifted(), other])));
    assert_eq!(refused, "InvalidParameterException", "either all or none");
}

#[test]
fn canary_and_linear_need_something_that_carries_traffic_and_blue_green_does_not() {
    let mut account = ready();
    let connect = json!({"enabled": true, "namespace": "prod"});
    for strategy in ["CANARY", "LINEAR"] {
        let mut input = with(strategy, json!([]));
        assert_eq!(account.refused("CreateService", input.clone()), "InvalidParameterException", "{strategy}");
        input["serviceConnectConfiguration"] = json!({"enabled": false});
        assert_eq!(account.refused("CreateService", input.clone()), "InvalidParameterException", "{strategy}");
        input["serviceConnectConfiguration"] = connect.clone();
        input["serviceName"] = json!(strategy);
        account.call("CreateService", input);
    }
    account.call("CreateService", with("BLUE_GREEN", json!([])));
    let canary = update("deploymentConfiguration", json!({"strategy": "CANARY"}));
    assert_eq!(account.refused("UpdateService", canary), "InvalidParameterException");
}

#[test]
fn the_alternate_group_the_production_rule_and_the_role_are_needed_together() {
    let mut account = ready();
    for key in ["alternateTargetGroupArn", "productionListenerRule", "roleArn"] {
        for strategy in ["ROLLING", "BLUE_GREEN"] {
            let mut balancer = shifted();
            balancer["advancedConfiguration"].as_object_mut().unwrap().remove(key);
            let refused = account.try_call("CreateService", with(strategy, json!([balancer]))).unwrap_err();
            assert_eq!(refused.0, "InvalidParameterException", "{key}");
            assert!(refused.1.contains(key), "{}", refused.1);
        }
    }
}

#[test]
fn an_arn_of_the_wrong_kind_is_refused_by_the_name_of_its_member() {
    let mut account = ready();
    for (key, bad) in [
        ("alternateTargetGroupArn", rule(1)),
        ("alternateTargetGroupArn", "green".to_owned()),
        ("alternateTargetGroupArn", elb("targetgroup/green")),
        ("productionListenerRule", group("blue")),
        ("productionListenerRule", elb("listener/app/ml/0123456789abcdef/1")),
        ("productionListenerRule", elb("listener-rule/net/ml/a/b/1")),
        ("testListenerRule", String::new()),
        ("testListenerRule", elb("listener-rule/app/ml//b/1")),
        ("roleArn", "arn:aws:iam::111122223333:user/me".to_owned()),
    ] {
        let mut balancer = shifted();
        balancer["advancedConfiguration"][key] = json!(bad);
        let refused = account.refused("CreateService", with("BLUE_GREEN", json!([balancer])));
        assert_eq!(refused, "InvalidParameterException", "{key} {bad}");
    }
}

#[test]
fn no_target_group_is_used_twice_and_no_rule_for_both_kinds_of_traffic() {
    let mut account = ready();
    let mut same_group = shifted();
    same_group["advancedConfiguration"]["alternateTargetGroupArn"] = json!(group("blue"));
    let mut same_rule = shifted();
    same_rule["advancedConfiguration"]["testListenerRule"] = json!(rule(1));
    let mut second = shifted();
    second["containerPort"] = json!(8081);
    for balancers in [json!([same_group]), json!([same_rule]), json!([shifted(), second])] {
        let refused = account.refused("CreateService", with("BLUE_GREEN", balancers.clone()));
        assert_eq!(refused, "InvalidParameterException", "{balancers}");
    }
}

#[test]
fn a_classic_load_balancer_is_not_modelled() {
    let mut account = ready();
    let classic = json!([{"loadBalancerName": "old", "containerName": "server", "containerPort": 8080}]);
    assert_eq!(account.refused_code("CreateService", with("ROLLING", classic)), NOT_MODELLED);
}

#[test]
fn a_rolling_service_moves_to_blue_green_with_or_after_its_advanced_configuration() {
    for at_once in ["together", "one after the other"] {
        let mut account = ready();
        account.call("CreateService", with("ROLLING", json!([plain()])));
        let blue_green = json!({"strategy": "BLUE_GREEN"});
        let alone = update("deploymentConfiguration", blue_green.clone());
        assert_eq!(account.refused("UpdateService", alone.clone()), "ClientException");
        let mut prepared = update("loadBalancers", json!([shifted()]));
        if at_once == "together" {
            prepared["deploymentConfiguration"] = blue_green;
        }
        let answer = account.call("UpdateService", prepared);
        assert_eq!(answer["service"]["deployments"].as_array().unwrap().len(), 2, "{at_once}");
        account.call("UpdateService", alone);
        let service = account.service("web");
        assert_eq!(service["loadBalancers"], json!([shifted()]));
        assert_eq!(service["deploymentConfiguration"]["strategy"], "BLUE_GREEN");
        let refused = account.refused("UpdateService", update("loadBalancers", json!([plain()])));
        assert_eq!(refused, "ClientException", "the strategy still needs it");
    }
}

#[test]
fn a_changed_advanced_configuration_starts_a_deployment_and_an_equal_one_does_not() {
    let mut account = ready();
    account.call("CreateService", with("BLUE_GREEN", json!([shifted()])));
    let deployments = |answer: Value| answer["service"]["deployments"].as_array().unwrap().len();
    assert_eq!(deployments(account.call("UpdateService", update("loadBalancers", json!([shifted()])))), 1);
    let mut changed = shifted();
    changed["advancedConfiguration"]["testListenerRule"] = json!(rule(3));
    assert_eq!(deployments(account.call("UpdateService", update("loadBalancers", json!([changed])))), 2);
    assert_eq!(account.service("web")["loadBalancers"], json!([changed]));
}

#[test]
fn each_completed_shift_moves_the_revision_to_the_other_target_group() {
    for strategy in SHIFTING {
        let mut account = ready();
        account.call("CreateService", with(strategy, json!([shifted()])));
        account.pass(7200);
        for (definition, serves) in [("llm:2", "green"), ("llm:1", "blue")] {
            account.call("UpdateService", update("taskDefinition", json!(definition)));
            account.pass(4 * 3600);
            assert_eq!(account.service("web")["deployments"][0]["rolloutState"], "COMPLETED");
            let resolved = revision(&mut account)["resolvedConfiguration"].clone();
            let expected = json!([{"targetGroupArn": group(serves), "productionListenerRule": rule(1)}]);
            assert_eq!(resolved["loadBalancers"], expected, "{strategy} {definition}");
            assert_eq!(account.service("web")["loadBalancers"], json!([shifted()]), "the service keeps what was sent");
        }
    }
}

#[test]
fn a_rolling_deployment_stays_on_the_target_group_that_serves() {
    let mut account = ready();
    account.call("CreateService", with("BLUE_GREEN", json!([shifted()])));
    account.pass(3600);
    account.call("UpdateService", update("taskDefinition", json!("llm:2")));
    account.pass(3600);
    account.call("UpdateService", update("deploymentConfiguration", json!({"strategy": "ROLLING"})));
    account.call("UpdateService", update("taskDefinition", json!("llm:1")));
    account.pass(3600);
    let revision = revision(&mut account);
    assert_eq!(revision["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"], group("green"));
}

#[test]
fn a_service_can_go_from_one_shifting_strategy_to_another() {
    let mut account = ready();
    let mut input = with("CANARY", json!([shifted()]));
    input["deploymentConfiguration"]["canaryConfiguration"] =
        json!({"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 20});
    account.call("CreateService", input);
    let linear = json!({"stepPercent": 25.0, "stepBakeTimeInMinutes": 5});
    let next = json!({"strategy": "LINEAR", "linearConfiguration": linear});
    let answer = account.call("UpdateService", update("deploymentConfiguration", next));
    let configuration = &answer["service"]["deploymentConfiguration"];
    assert_eq!(configuration["linearConfiguration"], linear);
    assert!(configuration.get("canaryConfiguration").is_none());
    let wrong = json!({"strategy": "BLUE_GREEN", "linearConfiguration": linear});
    let refused = account.refused("UpdateService", update("deploymentConfiguration", wrong));
    assert_eq!(refused, "InvalidParameterException", "what is sent must still fit");
}
