//! Container instances on EC2: what registers, what is described, draining, deregistration, and the chips of the machine.
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
use axon_sim::{Behaviour, Breach, Connection, Image, ImageActs, Loss};
use fleet::{fleet, launched, on_ec2, resource, shape};
use serde_json::{Value, json};

fn run(definition: &str, count: i64) -> Value {
    json!({"cluster": "ml", "taskDefinition": definition, "count": count, "launchType": "EC2"})
}

fn attribute(instance: &Value, name: &str) -> Value {
    let all = instance["attributes"].as_array().unwrap();
    all.iter().find(|a| a["name"] == name).map_or(Value::Null, |a| a["value"].clone())
}

fn listed(account: &mut Account, input: Value) -> usize {
    let mut input = input;
    input["cluster"] = json!("ml");
    account.call("ListContainerInstances", input)["containerInstanceArns"].as_array().unwrap().len()
}

fn arn(instance: &Value) -> String {
    instance["containerInstanceArn"].as_str().unwrap().to_owned()
}

#[test]
fn an_agent_registers_with_what_its_machine_and_user_data_say() {
    let mut account = fleet::empty();
    let mut pool = shape("pool", "inf2.xlarge", 1);
    pool.config = "ECS_CLUSTER=ml\nECS_INSTANCE_ATTRIBUTES={\"pool\":\"llm\",\"slot\":\"0\"}\n".to_owned();
    account.group(&pool);
    account.pass(30);
    assert_eq!(listed(&mut account, json!({})), 0);
    account.pass(300);
    let instance = account.instances()[0].clone();
    let machine = account.aws.world().machines()[0].clone();
    assert_eq!(instance["ec2InstanceId"], machine.id);
    assert_eq!(attribute(&instance, "ecs.ami-id"), machine.image);
    assert_eq!(attribute(&instance, "ecs.instance-type"), "inf2.xlarge");
    assert_eq!(attribute(&instance, "ecs.availability-zone"), "us-east-1a");
    assert_eq!(attribute(&instance, "ecs.subnet-id"), fleet::SUBNET_A);
    assert_eq!(attribute(&instance, "ecs.os-type"), "linux");
    assert_eq!(attribute(&instance, "pool"), "llm");
    assert_eq!((&instance["status"], &instance["agentConnected"]), (&json!("ACTIVE"), &json!(true)));
    assert!(instance["registeredAt"].is_number());
    assert!(!instance["versionInfo"]["agentVersion"].as_str().unwrap().is_empty());
    // Device paths are not a resource that ECS counts on EC2.
    let names: Vec<&Value> = instance["registeredResources"].as_array().unwrap().iter().map(|r| &r["name"]).collect();
    assert_eq!(names, ["CPU", "MEMORY", "PORTS", "PORTS_UDP"]);
    assert_eq!(listed(&mut account, json!({"filter": "attribute:pool == llm"})), 1);
    assert_eq!(listed(&mut account, json!({"filter": "attribute:pool == other"})), 0);
    assert_eq!(listed(&mut account, json!({"filter": format!("ec2InstanceId == {}", machine.id)})), 1);
    assert_eq!(listed(&mut account, json!({"status": "DRAINING"})), 0);
}

#[test]
fn a_cluster_that_does_not_exist_is_waited_for_and_a_bad_image_or_configuration_never_registers() {
    let mut account = fleet::empty();
    let mut pool = shape("pool", "inf2.xlarge", 1);
    pool.config = "ECS_CLUSTER=later\n".to_owned();
    account.group(&pool);
    account.pass(600);
    account.call("CreateCluster", json!({"clusterName": "later"}));
    account.pass(120);
    let answer = account.call("ListContainerInstances", json!({"cluster": "later"}));
    assert_eq!(answer["containerInstanceArns"].as_array().unwrap().len(), 1);
    account.aws.world_mut().add_image(Image::new("ami-mute", "mute", "1.0.0").acting(ImageActs::NeverRegisters));
    let mut mute = shape("mute", "inf2.xlarge", 1);
    mute.image = "ami-mute".to_owned();
    account.group(&mute);
    let mut wrong = shape("wrong", "inf2.xlarge", 1);
    wrong.config = "ECS_CLUSTER=ml\nECS_INSTANCE_ATTRIBUTES={pool:llm}\n".to_owned();
    account.group(&wrong);
    account.pass(1200);
    assert_eq!(listed(&mut account, json!({})), 0);
    assert_eq!(account.aws.world().machines().len(), 3);
}

#[test]
fn a_draining_instance_stops_pending_service_tasks_at_once_and_leaves_standalone_tasks_alone() {
    let mut account = fleet("inf2.xlarge", 2);
    let mut slow = Behaviour::of("slow:*");
    slow.pull_seconds = 600;
    account.aws.world_mut().behave(slow);
    for family in ["fast", "slow", "job"] {
        account.register(on_ec2(family, &[]));
    }
    account.call("CreateService", launched("fast", "fast", 2));
    account.call("RunTask", run("job", 2));
    account.pass(120);
    account.call("CreateService", launched("slow", "slow", 2));
    account.pass(30);
    let instances = account.instances();
    let first = arn(&instances[0]);
    let drain = json!({"cluster": "ml", "containerInstances": [first], "status": "DRAINING"});
    let answer = account.call("UpdateContainerInstancesState", drain);
    assert_eq!(answer["containerInstances"][0]["status"], "DRAINING");
    assert_eq!(answer["failures"], json!([]));
    account.pass(10);
    let on = |account: &mut Account, group: &str| {
        let tasks = account.tasks("RUNNING");
        let mine = tasks.iter().filter(|t| t["group"] == group && t["containerInstanceArn"] == json!(first));
        mine.map(|t| t["lastStatus"].clone()).collect::<Vec<_>>()
    };
    assert!(on(&mut account, "service:slow").is_empty());
    // The default deployment configuration starts the replacement first.
    assert_eq!(on(&mut account, "service:fast"), ["RUNNING", "RUNNING"]);
    assert_eq!(on(&mut account, "family:job"), ["RUNNING", "RUNNING"]);
    account.pass(300);
    assert!(on(&mut account, "service:fast").is_empty());
    assert_eq!(account.service("fast")["runningCount"], 2);
    assert_eq!(on(&mut account, "family:job"), ["RUNNING", "RUNNING"]);
    assert_eq!(listed(&mut account, json!({"status": "DRAINING"})), 1);
    let back = json!({"cluster": "ml", "containerInstances": [first, "nothing"], "status": "ACTIVE"});
    let answer = account.call("UpdateContainerInstancesState", back);
    assert_eq!(answer["containerInstances"][0]["status"], "ACTIVE");
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let many: Vec<String> = (0..11).map(|n| format!("i{n}")).collect();
    let many = json!({"cluster": "ml", "containerInstances": many, "status": "DRAINING"});
    assert_eq!(account.refused("UpdateContainerInstancesState", many), "InvalidParameterException");
}

#[test]
fn draining_with_a_maximum_of_a_hundred_stops_first() {
    let mut account = fleet("inf2.xlarge", 2);
    account.register(on_ec2("a", &[]));
    let mut input = launched("web", "a", 1);
    input["deploymentConfiguration"] = json!({"minimumHealthyPercent": 0, "maximumPercent": 100});
    account.call("CreateService", input);
    account.pass(120);
    let on = account.tasks("RUNNING")[0]["containerInstanceArn"].clone();
    let drain = json!({"cluster": "ml", "containerInstances": [on], "status": "DRAINING"});
    account.call("UpdateContainerInstancesState", drain);
    account.pass(2);
    assert!(account.tasks("RUNNING").is_empty());
    account.pass(120);
    let now = account.tasks("RUNNING")[0].clone();
    assert_ne!(now["containerInstanceArn"], on);
}

#[test]
fn a_terminated_machine_leaves_an_inactive_container_instance_and_services_replace_its_tasks() {
    let mut account = fleet("inf2.xlarge", 2);
    account.register(on_ec2("a", &[]));
    account.call("CreateService", launched("web", "a", 1));
    account.pass(120);
    let task = account.tasks("RUNNING")[0].clone();
    let on = task["containerInstanceArn"].clone();
    let described = account.instances().iter().find(|i| i["containerInstanceArn"] == on).unwrap().clone();
    let machine = described["ec2InstanceId"].as_str().unwrap().to_owned();
    assert!(account.aws.world_mut().lose_machine(&machine, Loss::Hardware));
    account.pass(1);
    let input = json!({"cluster": "ml", "containerInstances": [on]});
    let gone = account.call("DescribeContainerInstances", input.clone())["containerInstances"][0].clone();
    assert_eq!((&gone["status"], &gone["agentConnected"]), (&json!("INACTIVE"), &json!(false)));
    let stopped = account.tasks("STOPPED")[0].clone();
    assert_eq!(stopped["taskArn"], task["taskArn"]);
    assert_eq!(stopped["stoppedReason"], format!("Host EC2 (instance {machine}) terminated."));
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
    // The group has replaced the machine; the old container instance is not listed and is forgotten later.
    assert_eq!(listed(&mut account, json!({})), 2);
    account.pass(3600);
    assert_eq!(account.call("DescribeContainerInstances", input)["failures"][0]["reason"], "MISSING");
}

#[test]
fn deregistering_takes_an_instance_out_of_the_cluster_and_leaves_its_machine() {
    let mut account = fleet("inf2.xlarge", 1);
    account.register(on_ec2("a", &[]));
    account.call("RunTask", run("a", 1));
    account.pass(120);
    let instance = account.instances()[0].clone();
    assert_eq!(instance["runningTasksCount"], 1);
    let input = json!({"cluster": "ml", "containerInstance": arn(&instance)});
    assert_eq!(account.refused("DeregisterContainerInstance", input.clone()), "InvalidParameterException");
    let mut forced = input;
    forced["force"] = json!(true);
    let answer = account.call("DeregisterContainerInstance", forced.clone())["containerInstance"].clone();
    assert_eq!(account.refused("DeregisterContainerInstance", forced), "ClientException");
    assert_eq!(answer["status"], "INACTIVE");
    account.pass(60);
    assert_eq!(listed(&mut account, json!({})), 0);
    assert_eq!(account.aws.world().machines().len(), 1);
    assert_eq!(account.refused("RunTask", run("a", 1)), "InvalidParameterException");
}

#[test]
fn nothing_is_placed_where_the_agent_is_disconnected() {
    let mut account = fleet("inf2.xlarge", 1);
    account.register(on_ec2("a", &[]));
    let instance = arn(&account.instances()[0]);
    account.aws.world_mut().set_agent_connection(&instance, Connection::Disconnected);
    assert_eq!(account.call("RunTask", run("a", 1))["failures"][0]["reason"], "AGENT");
}

#[test]
fn attributes_are_put_listed_and_deleted_up_to_ten() {
    let mut account = fleet("inf2.xlarge", 1);
    let target = arn(&account.instances()[0]);
    let put = |name: &str| json!({"cluster": "ml", "attributes": [{"name": name, "value": "x", "targetId": target}]});
    for n in 0..10 {
        account.call("PutAttributes", put(&format!("a{n}")));
    }
    assert_eq!(account.refused("PutAttributes", put("a10")), "AttributeLimitExceededException");
    let list = json!({"cluster": "ml", "targetType": "container-instance", "attributeName": "a3"});
    assert_eq!(account.call("ListAttributes", list.clone())["attributes"][0]["targetId"], json!(target));
    let delete = json!({"cluster": "ml", "attributes": [{"name": "a3", "targetId": target}]});
    account.call("DeleteAttributes", delete);
    assert_eq!(account.call("ListAttributes", list)["attributes"], json!([]));
    account.call("PutAttributes", put("a10"));
    let mut missing = put("b");
    missing["attributes"][0]["targetId"] = json!("nothing");
    assert_eq!(account.refused("PutAttributes", missing), "TargetNotFoundException");
}

#[test]
fn two_tasks_that_name_one_chip_are_both_started_and_both_are_named_in_the_violation() {
    let mut account = fleet("inf2.xlarge", 1);
    account.register(on_ec2("a", &["/dev/neuron0"]));
    account.register(on_ec2("b", &["/dev/neuron0"]));
    let first = account.call("RunTask", run("a", 1))["tasks"][0]["taskArn"].clone();
    account.pass(120);
    let second = account.call("RunTask", run("b", 1))["tasks"][0]["taskArn"].clone();
    account.pass(120);
    assert_eq!(account.count("RUNNING"), 2);
    let machine = account.aws.world().machines()[0].id.clone();
    let found = account.aws.world().violations().to_vec();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].breach, found[0].device.as_str()), (Breach::HeldTwice, "/dev/neuron0"));
    assert_eq!((json!(found[0].holder), json!(found[0].intruder)), (first, second));
    assert_eq!(found[0].machine, machine);
}

#[test]
fn a_chip_is_free_only_when_the_containers_have_ended() {
    let mut account = fleet("inf2.xlarge", 1);
    let mut stubborn = Behaviour::of("a:*");
    stubborn.stop_seconds = 600;
    account.aws.world_mut().behave(stubborn);
    account.register(on_ec2("a", &["/dev/neuron0"]));
    account.register(on_ec2("b", &["/dev/neuron0"]));
    account.call("RunTask", run("b", 1));
    account.pass(120);
    let cached = account.tasks("RUNNING")[0]["taskArn"].clone();
    account.call("StopTask", json!({"cluster": "ml", "task": cached}));
    account.pass(60);
    let first = account.call("RunTask", run("a", 1))["tasks"][0]["taskArn"].clone();
    account.pass(120);
    account.call("StopTask", json!({"cluster": "ml", "task": first}));
    account.pass(1);
    // distinctInstance looks at the desired status, so it does not keep the new task away from the chip.
    let mut input = run("b", 1);
    input["placementConstraints"] = json!([{"type": "distinctInstance"}]);
    input["group"] = json!("gang");
    account.call("RunTask", input);
    account.pass(20);
    assert_eq!(account.aws.world().violations().len(), 1);
    account.pass(60);
    assert_eq!(account.aws.world().live_tasks().len(), 1);
}

#[test]
fn chips_side_by_side_are_no_violation_and_a_path_that_is_not_there_is() {
    let mut account = fleet("inf2.24xlarge", 1);
    account.register(on_ec2("a", &["/dev/neuron0", "/dev/neuron1", "/dev/neuron2"]));
    account.register(on_ec2("b", &["/dev/neuron3", "/dev/neuron4", "/dev/neuron5"]));
    account.register(on_ec2("c", &["/dev/neuron6"]));
    account.call("RunTask", run("a", 1));
    account.call("RunTask", run("b", 1));
    account.pass(120);
    assert_eq!(account.count("RUNNING"), 2);
    assert!(account.aws.world().violations().is_empty());
    account.call("RunTask", run("c", 1));
    account.pass(120);
    let stopped = account.tasks("STOPPED")[0].clone();
    assert_eq!(stopped["stopCode"], "TaskFailedToStart");
    assert!(stopped["stoppedReason"].as_str().unwrap().starts_with("CannotStartContainerError"));
    let found = account.aws.world().violations().to_vec();
    assert_eq!((found.len(), found[0].breach), (1, Breach::NoSuchDevice));
}

#[test]
fn on_a_bad_image_tasks_with_chips_end_with_an_error_soon_after_they_start() {
    let mut account = fleet::empty();
    account.aws.world_mut().add_image(Image::new("ami-bad", "bad", "1.0.0").acting(ImageActs::TasksFail));
    let mut pool = shape("pool", "inf2.xlarge", 1);
    pool.image = "ami-bad".to_owned();
    account.group(&pool);
    account.pass(300);
    assert_eq!(account.instances()[0]["versionInfo"]["agentVersion"], "1.0.0");
    account.register(on_ec2("a", &["/dev/neuron0"]));
    account.register(on_ec2("b", &[]));
    account.call("RunTask", run("a", 1));
    account.call("RunTask", run("b", 1));
    account.pass(120);
    let stopped = account.tasks("STOPPED");
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0]["containers"][0]["exitCode"], 1);
    assert_eq!(account.count("RUNNING"), 1);
}

#[test]
fn the_nominal_memory_of_a_large_machine_is_not_all_there() {
    let mut account = fleet("trn1.32xlarge", 1);
    let instance = account.instances()[0].clone();
    let memory = resource(&instance, "registeredResources", "MEMORY").as_i64().unwrap();
    assert!(memory < 524_288 && memory > 480_000, "{memory}");
}

#[test]
fn nothing_is_placed_on_a_machine_that_shuts_down() {
    let mut account = fleet("inf2.xlarge", 1);
    account.register(on_ec2("a", &[]));
    account.resize("pool", 0);
    account.pass(1);
    let instance = account.instances()[0].clone();
    assert_eq!((&instance["status"], &instance["agentConnected"]), (&json!("ACTIVE"), &json!(false)));
    assert_eq!(account.call("RunTask", run("a", 1))["failures"][0]["reason"], "AGENT");
    account.pass(60);
    assert_eq!(account.refused("RunTask", run("a", 1)), "InvalidParameterException");
}
