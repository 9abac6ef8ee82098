//! Placement on EC2: constraints by attribute and by group, distinct instances, and strategies.
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

use std::collections::BTreeMap;

use account::Account;
use axon_sim::{Behaviour, Options, Quirks, TaskGroupCounts};
use fleet::{fleet, launched, on_ec2, shape};
use serde_json::{Value, json};

fn run(definition: &str, count: i64, more: Value) -> Value {
    let mut input = json!({"cluster": "ml", "taskDefinition": definition, "count": count, "launchType": "EC2"});
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}

fn member_of(expression: &str) -> Value {
    json!({"placementConstraints": [{"type": "memberOf", "expression": expression}]})
}

/// Four instances: an inf2.xlarge and an inf2.8xlarge in each of two zones.
fn mixed() -> Account {
    let mut account = fleet::empty();
    for (name, kind) in [("small", "inf2.xlarge"), ("large", "inf2.8xlarge")] {
        let mut pool = shape(name, kind, 2);
        pool.subnets = vec![fleet::SUBNET_A, fleet::SUBNET_B];
        pool.config = format!("ECS_CLUSTER=ml\nECS_INSTANCE_ATTRIBUTES={{\"pool\":\"{name}\"}}\n");
        account.group(&pool);
    }
    account.pass(300);
    account.register(on_ec2("a", &[]));
    account.register(on_ec2("b", &[]));
    account
}

fn attribute(instance: &Value, name: &str) -> String {
    let all = instance["attributes"].as_array().unwrap();
    all.iter().find(|a| a["name"] == name).unwrap()["value"].as_str().unwrap().to_owned()
}

/// How many live tasks there are for each value of an attribute of their instances.
fn by(account: &mut Account, name: &str) -> BTreeMap<String, usize> {
    let instances = account.instances();
    let mut out = BTreeMap::new();
    for task in account.tasks("RUNNING") {
        let on = instances.iter().find(|i| i["containerInstanceArn"] == task["containerInstanceArn"]).unwrap();
        *out.entry(attribute(on, name)).or_default() += 1;
    }
    out
}

fn per_instance(account: &mut Account) -> Vec<usize> {
    let mut out: BTreeMap<String, usize> = BTreeMap::new();
    for task in account.tasks("RUNNING") {
        *out.entry(task["containerInstanceArn"].to_string()).or_default() += 1;
    }
    let mut counts: Vec<usize> = out.into_values().collect();
    counts.sort_unstable();
    counts
}

#[test]
fn expressions_over_attributes_choose_the_instances() {
    for (expression, name, value) in [
        ("attribute:ecs.instance-type == inf2.8xlarge", "ecs.instance-type", "inf2.8xlarge"),
        ("attribute:ecs.instance-type =~ inf2.x.*", "ecs.instance-type", "inf2.xlarge"),
        ("attribute:ecs.availability-zone == us-east-1b", "ecs.availability-zone", "us-east-1b"),
        ("attribute:pool == small and attribute:ecs.os-type == linux", "pool", "small"),
        ("not(attribute:pool == small)", "pool", "large"),
    ] {
        let mut account = mixed();
        account.call("RunTask", run("a", 4, member_of(expression)));
        account.pass(120);
        assert_eq!(by(&mut account, name), BTreeMap::from([(value.to_owned(), 4)]), "{expression}");
    }
    let mut account = mixed();
    let refused = account.call("RunTask", run("a", 1, member_of("attribute:missing exists")));
    assert_eq!(refused["failures"].as_array().unwrap().len(), 4);
    assert_eq!(refused["failures"][0]["reason"], "MemberOf placement constraint unsatisfied.");
}

#[test]
fn a_group_can_be_kept_away_from_another_and_be_sent_to_it() {
    let mut account = mixed();
    let mut first = run("a", 1, member_of("attribute:pool == small and attribute:ecs.availability-zone == us-east-1a"));
    first["group"] = json!("gang");
    account.call("RunTask", first);
    let away = account.call("RunTask", run("b", 8, member_of("not(task:group == gang) and attribute:pool == small")));
    assert_eq!(away["failures"], json!([]));
    account.pass(120);
    assert_eq!(
        by(&mut account, "ecs.availability-zone"),
        BTreeMap::from([("us-east-1a".into(), 1), ("us-east-1b".into(), 8)])
    );
    account.call("RunTask", run("b", 2, member_of("task:group == gang")));
    account.pass(120);
    assert_eq!(by(&mut account, "ecs.availability-zone")["us-east-1a"], 3);
}

#[test]
fn distinct_instance_counts_tasks_of_the_group_that_are_meant_to_run() {
    let mut account = fleet("inf2.xlarge", 2);
    let mut stubborn = Behaviour::of("a:*");
    stubborn.stop_seconds = 600;
    account.aws.world_mut().behave(stubborn);
    account.register(on_ec2("a", &[]));
    let distinct = json!({"placementConstraints": [{"type": "distinctInstance"}]});
    let answer = account.call("RunTask", run("a", 3, distinct.clone()));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(answer["failures"][0]["reason"], "DistinctInstance placement constraint unsatisfied.");
    account.pass(120);
    let stopping = answer["tasks"][0]["taskArn"].clone();
    account.call("StopTask", json!({"cluster": "ml", "task": stopping}));
    account.pass(2);
    // The old task still runs, but it is meant to be stopped.
    assert_eq!(account.call("RunTask", run("a", 1, distinct))["failures"], json!([]));
    assert_eq!(account.aws.world().live_tasks().len(), 3);
}

#[test]
fn tasks_of_other_groups_do_not_matter_to_distinct_instance() {
    let mut account = fleet("inf2.xlarge", 1);
    account.register(on_ec2("a", &[]));
    for name in ["one", "two"] {
        let mut input = launched(name, "a", 1);
        input["placementConstraints"] = json!([{"type": "distinctInstance"}]);
        account.call("CreateService", input);
    }
    account.pass(120);
    assert_eq!(account.count("RUNNING"), 2);
}

#[test]
fn spread_and_binpack_choose_as_they_say() {
    let strategy = |strategies: Value| json!({"placementStrategy": strategies});
    let mut account = mixed();
    account.call("RunTask", run("a", 4, strategy(json!([{"type": "spread", "field": "instanceId"}]))));
    assert_eq!(per_instance(&mut account), [1, 1, 1, 1]);
    let mut account = mixed();
    account.call("RunTask", run("a", 4, strategy(json!([{"type": "binpack", "field": "memory"}]))));
    assert_eq!(per_instance(&mut account), [4]);
    account.pass(120);
    assert_eq!(by(&mut account, "pool"), BTreeMap::from([("small".to_owned(), 4)]));
    let mut account = mixed();
    let both =
        json!([{"type": "spread", "field": "attribute:ecs.availability-zone"}, {"type": "binpack", "field": "cpu"}]);
    account.call("RunTask", run("a", 6, strategy(both)));
    assert_eq!(per_instance(&mut account), [3, 3]);
    account.pass(120);
    assert_eq!(by(&mut account, "pool"), BTreeMap::from([("small".to_owned(), 6)]));
    let mut account = mixed();
    account.call("RunTask", run("a", 10, strategy(json!([{"type": "random"}]))));
    assert!(per_instance(&mut account).len() > 1);
}

#[test]
fn a_service_keeps_its_strategy_and_spreads_over_zones_without_one() {
    let mut account = mixed();
    account.call("CreateService", launched("web", "a", 4));
    account.pass(120);
    assert_eq!(
        by(&mut account, "ecs.availability-zone"),
        BTreeMap::from([("us-east-1a".into(), 2), ("us-east-1b".into(), 2)])
    );
    let mut account = mixed();
    let mut input = launched("web", "a", 4);
    input["placementStrategy"] = json!([{"type": "binpack", "field": "memory"}]);
    account.call("CreateService", input);
    account.pass(120);
    assert_eq!(per_instance(&mut account), [4]);
    assert_eq!(account.service("web")["placementStrategy"][0]["field"], "memory");
}

#[test]
fn strategies_that_mean_nothing_are_refused() {
    let mut account = mixed();
    let random = json!({"type": "random"});
    for strategies in [
        json!([{"type": "binpack", "field": "disk"}]),
        json!([{"type": "binpack"}]),
        json!([{"type": "spread", "field": "zone"}]),
        json!([random, random, random, random, random, random]),
    ] {
        let input = run("a", 1, json!({"placementStrategy": strategies}));
        assert_eq!(account.refused("RunTask", input), "InvalidParameterException");
    }
    let bad = run("a", 1, member_of("attribute:pool ~ small"));
    assert_eq!(account.refused("RunTask", bad), "InvalidParameterException");
}

#[test]
fn a_stopping_task_counts_for_its_group_or_not_by_the_quirk() {
    for (quirk, placed) in [(TaskGroupCounts::DesiredRunning, 1), (TaskGroupCounts::NotStopped, 0)] {
        let quirks = Quirks { task_group_counts: quirk, ..Quirks::default() };
        let mut account = fleet::with(Options { quirks, ..fleet::options() });
        account.group(&shape("pool", "inf2.xlarge", 1));
        account.pass(300);
        account.register(on_ec2("a", &[]));
        let mut first = run("a", 1, json!({}));
        first["group"] = json!("gang");
        let task = account.call("RunTask", first)["tasks"][0]["taskArn"].clone();
        account.pass(120);
        account.call("StopTask", json!({"cluster": "ml", "task": task}));
        let answer = account.call("RunTask", run("a", 1, member_of("not(task:group == gang)")));
        assert_eq!(answer["tasks"].as_array().unwrap().len(), placed, "{quirk:?}");
    }
}
