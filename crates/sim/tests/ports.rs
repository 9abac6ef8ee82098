//! Ports, memory and interfaces of container instances on EC2: what tasks take, until when, and what refuses them.
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

use axon_sim::Behaviour;
use fleet::{fleet, launched, on_ec2, resource, shape, with_port};
use serde_json::{Value, json};

fn run(definition: &str, count: i64) -> Value {
    json!({"cluster": "ml", "taskDefinition": definition, "count": count, "launchType": "EC2"})
}

#[test]
fn an_instance_registers_its_resources_with_the_reserved_ports_and_less_than_its_nominal_memory() {
    let mut account = fleet::empty();
    let mut pool = shape("pool", "inf2.xlarge", 1);
    pool.config = "ECS_CLUSTER=ml\nECS_RESERVED_MEMORY=256\n".to_owned();
    account.group(&pool);
    account.pass(300);
    let instance = account.instances()[0].clone();
    assert_eq!(resource(&instance, "registeredResources", "CPU"), 4096);
    assert_eq!(resource(&instance, "registeredResources", "MEMORY"), 16384 * 95 / 100 - 256);
    let reserved = json!(["22", "2375", "2376", "51678", "51679", "51680"]);
    assert_eq!(resource(&instance, "registeredResources", "PORTS"), reserved);
    assert_eq!(resource(&instance, "registeredResources", "PORTS_UDP"), json!([]));
    assert!(instance["ec2InstanceId"].as_str().unwrap().starts_with("i-"));
    assert!(instance.get("capacityProviderName").is_none());
}

#[test]
fn a_fixed_port_is_held_across_services_until_the_task_has_stopped() {
    let mut account = fleet("inf2.xlarge", 1);
    let mut stubborn = Behaviour::of("a:*");
    stubborn.stop_seconds = 600;
    account.aws.world_mut().behave(stubborn);
    account.register(with_port("a", 8080));
    account.register(with_port("b", 8080));
    account.call("CreateService", launched("first", "a", 1));
    account.pass(120);
    let held = account.instances()[0].clone();
    assert!(resource(&held, "remainingResources", "PORTS").as_array().unwrap().contains(&json!("8080")));
    account.call("CreateService", launched("second", "b", 1));
    account.pass(60);
    let said = account.events("second")[0].clone();
    assert!(said.contains("is already using a port required by your task"), "{said}");
    account.call("UpdateService", json!({"cluster": "ml", "service": "first", "desiredCount": 0}));
    account.pass(20);
    // The task ignores SIGTERM: for 30 seconds the port stays held although the task is meant to be stopped.
    assert_eq!(account.service("second")["runningCount"], 0);
    assert_eq!(account.service("second")["pendingCount"], 0);
    account.pass(180);
    assert_eq!(account.service("second")["runningCount"], 1);
}

#[test]
fn tasks_without_a_fixed_port_get_ports_from_the_ephemeral_range() {
    let mut account = fleet("inf2.xlarge", 1);
    let mut definition = on_ec2("a", &[]);
    definition["containerDefinitions"][0]["portMappings"] =
        json!([{"containerPort": 8080}, {"containerPort": 9090, "hostPort": 0, "protocol": "udp"}]);
    account.register(definition);
    account.call("RunTask", run("a", 2));
    account.pass(120);
    let mut ports: Vec<i64> = Vec::new();
    for task in account.tasks("RUNNING") {
        let bindings = task["containers"][0]["networkBindings"].as_array().unwrap().clone();
        assert_eq!(bindings.len(), 2);
        ports.extend(bindings.iter().filter(|b| b["protocol"] == "tcp").map(|b| b["hostPort"].as_i64().unwrap()));
    }
    ports.sort_unstable();
    assert_eq!(ports, [32768, 32769]);
    let instance = account.instances()[0].clone();
    assert_eq!(resource(&instance, "remainingResources", "PORTS").as_array().unwrap().len(), 6);
}

#[test]
fn host_mode_takes_the_container_ports_of_the_instance_by_protocol() {
    let mut account = fleet("inf2.xlarge", 1);
    for (family, protocol) in [("a", "tcp"), ("b", "udp"), ("c", "tcp")] {
        let mut definition = on_ec2(family, &[]);
        definition["networkMode"] = json!("host");
        definition["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 53, "protocol": protocol}]);
        account.register(definition);
    }
    assert_eq!(account.call("RunTask", run("a", 1))["failures"], json!([]));
    assert_eq!(account.call("RunTask", run("b", 1))["failures"], json!([]));
    let failed = account.call("RunTask", run("c", 1));
    assert_eq!(failed["tasks"], json!([]));
    assert_eq!(failed["failures"][0]["reason"], "RESOURCE:PORTS");
    account.pass(60);
    let instance = account.instances()[0].clone();
    assert_eq!(failed["failures"][0]["arn"], instance["containerInstanceArn"]);
    assert_eq!(resource(&instance, "remainingResources", "PORTS_UDP"), json!(["53"]));
}

#[test]
fn reserved_ports_and_more_than_a_hundred_ports_are_never_given() {
    let mut account = fleet("inf2.xlarge", 1);
    account.register(with_port("ssh", 22));
    assert_eq!(account.call("RunTask", run("ssh", 1))["failures"][0]["reason"], "RESOURCE:PORTS");
    let mut many = on_ec2("many", &[]);
    let ports: Vec<Value> = (1..=95).map(|n| json!({"containerPort": 1000 + n, "hostPort": 1000 + n})).collect();
    many["containerDefinitions"][0]["portMappings"] = json!(ports);
    account.register(many);
    assert_eq!(account.call("RunTask", run("many", 1))["failures"][0]["reason"], "RESOURCE:PORTS");
}

#[test]
fn awsvpc_tasks_take_no_port_of_the_instance_but_an_interface() {
    let mut account = fleet("inf2.xlarge", 1);
    let mut definition = with_port("a", 8080);
    definition["networkMode"] = json!("awsvpc");
    account.register(definition);
    let mut input = run("a", 4);
    input["networkConfiguration"] = json!({"awsvpcConfiguration": {"subnets": [fleet::SUBNET_A]}});
    // An inf2.xlarge has four interfaces, one of which is its own.
    let answer = account.call("RunTask", input.clone());
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 3);
    assert_eq!(answer["failures"][0]["reason"], "RESOURCE:ENI");
    account.pass(120);
    assert_eq!(account.count("RUNNING"), 3);
    let task = account.tasks("RUNNING")[0].clone();
    assert_eq!(task["attachments"][0]["status"], "ATTACHED");
    assert_eq!(task["containers"][0]["networkBindings"], json!([]));
    input["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!([fleet::SUBNET_B]);
    input["count"] = json!(1);
    let stopped = account.tasks("RUNNING")[0]["taskArn"].clone();
    account.call("StopTask", json!({"cluster": "ml", "task": stopped}));
    account.pass(60);
    assert_eq!(account.call("RunTask", input)["failures"][0]["reason"], "LOCATION");
}

#[test]
fn cpu_and_memory_are_counted_by_reservation_and_refused_with_their_reasons() {
    let mut account = fleet("inf2.xlarge", 1);
    let mut definition = on_ec2("soft", &[]);
    definition["containerDefinitions"][0]["memory"] = json!(12_000);
    account.register(definition);
    // memoryReservation counts where it is given, not the hard limit.
    assert_eq!(account.call("RunTask", run("soft", 10))["failures"], json!([]));
    assert_eq!(account.call("RunTask", run("soft", 10))["failures"][0]["reason"], "RESOURCE:MEMORY");
    let mut definition = on_ec2("busy", &[]);
    definition["containerDefinitions"][0]["cpu"] = json!(8192);
    account.register(definition);
    assert_eq!(account.call("RunTask", run("busy", 1))["failures"][0]["reason"], "RESOURCE:CPU");
}

#[test]
fn port_mappings_that_cannot_work_are_refused_when_they_are_registered() {
    let mut account = fleet::empty();
    let mut twice = with_port("a", 8080);
    twice["containerDefinitions"][0]["portMappings"] =
        json!([{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81, "hostPort": 8080}]);
    assert_eq!(account.refused("RegisterTaskDefinition", twice), "ClientException");
    let mut none = with_port("a", 8080);
    none["networkMode"] = json!("none");
    assert_eq!(account.refused("RegisterTaskDefinition", none.clone()), "ClientException");
    none["containerDefinitions"][0]["portMappings"] = json!([]);
    account.register(none);
    let public = json!({"awsvpcConfiguration": {"subnets": [fleet::SUBNET_A], "assignPublicIp": "ENABLED"}});
    let mut own = on_ec2("own", &[]);
    own["networkMode"] = json!("awsvpc");
    account.register(own);
    let mut input = run("own", 1);
    input["networkConfiguration"] = public;
    assert_eq!(account.refused("RunTask", input), "InvalidParameterException");
}

#[test]
fn without_instances_run_task_is_refused_and_a_service_waits() {
    let mut account = fleet::empty();
    account.register(with_port("a", 8080));
    assert_eq!(account.refused("RunTask", run("a", 1)), "InvalidParameterException");
    account.call("CreateService", launched("web", "a", 1));
    account.pass(30);
    assert!(account.events("web")[0].contains("No Container Instances were found in your cluster."));
    account.group(&shape("pool", "inf2.xlarge", 1));
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
    assert_eq!(account.tasks("RUNNING")[0]["launchType"], "EC2");
}
