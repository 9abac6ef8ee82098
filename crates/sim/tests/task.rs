//! Task definitions and tasks: defaults, refusals, RunTask's tokens, exit codes, forgotten tasks, shared devices.
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

use account::{Account, managed};
use axon_sim::{Acts, Behaviour};
use serde_json::{Value, json};

fn run(definition: &str, count: i64) -> Value {
    json!({
        "cluster": "ml",
        "taskDefinition": definition,
        "count": count,
        "capacityProviderStrategy": [{"capacityProvider": "inf2", "weight": 1}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
    })
}

fn ready() -> Account {
    let mut account = Account::new();
    account.ready();
    account
}

#[test]
fn a_registered_definition_comes_back_with_the_defaults_of_ecs() {
    let mut account = Account::new();
    let input = json!({
        "family": "plain",
        "cpu": "1 vCPU",
        "memory": "2 GB",
        "executionRoleArn": "pull",
        "containerDefinitions": [{"name": "a", "image": "i", "portMappings": [{"containerPort": 80}],
                                  "healthCheck": {"command": ["CMD", "true"]}}],
        "tags": [{"key": "k", "value": "v"}],
    });
    let answer = account.call("RegisterTaskDefinition", input);
    let definition = &answer["taskDefinition"];
    let container = &definition["containerDefinitions"][0];
    assert_eq!((&definition["cpu"], &definition["memory"]), (&json!("1024"), &json!("2048")));
    assert_eq!(definition["networkMode"], "bridge");
    assert_eq!(definition["executionRoleArn"], "arn:aws:iam::111122223333:role/pull");
    assert_eq!((&container["cpu"], &container["essential"]), (&json!(0), &json!(true)));
    assert_eq!(container["portMappings"], json!([{"containerPort": 80, "protocol": "tcp", "hostPort": 0}]));
    assert_eq!(container["healthCheck"]["interval"], 30);
    for key in ["environment", "mountPoints", "volumesFrom", "systemControls"] {
        assert_eq!(container[key], json!([]));
    }
    assert_eq!((&definition["volumes"], &definition["placementConstraints"]), (&json!([]), &json!([])));
    assert!(definition.get("tags").is_none());
    assert_eq!(answer["tags"][0]["key"], "k");
    let again = account.call("DescribeTaskDefinition", json!({"taskDefinition": "plain", "include": ["TAGS"]}));
    assert_eq!(again, answer);
}

#[test]
fn what_managed_instances_and_neuron_do_not_allow_is_refused() {
    let mut account = Account::new();
    let mut bad: Vec<Value> = Vec::new();
    let mut add = |change: &dyn Fn(&mut Value)| {
        let mut input = managed("llm", "i");
        change(&mut input);
        bad.push(input);
    };
    let neuron = |value: Value| json!([{"type": "NeuronDevice", "value": value}]);
    add(&|d| d["family"] = json!("a/b"));
    add(&|d| d["containerDefinitions"] = json!([]));
    add(&|d| d["networkMode"] = json!("bridge"));
    add(&|d| d["ipcMode"] = json!("host"));
    add(&|d| d["requiresCompatibilities"] = json!(["EC2"]));
    add(&|d| d["containerDefinitions"][0]["resourceRequirements"] = neuron(json!("2")));
    add(&|d| d["containerDefinitions"][0]["resourceRequirements"] = neuron(json!("all")));
    add(&|d| d["containerDefinitions"][0]["hostname"] = json!("h"));
    add(&|d| d["containerDefinitions"][0]["linuxParameters"] = json!({"sharedMemorySize": 64}));
    add(&|d| d["containerDefinitions"][0]["linuxParameters"] = json!({"devices": [{"hostPath": "/dev/neuron0"}]}));
    add(&|d| d["containerDefinitions"][0]["dependsOn"] = json!([{"containerName": "x", "condition": "START"}]));
    add(&|d| d["containerDefinitions"][0]["logConfiguration"] = json!({"logDriver": "awslogs", "options": {}}));
    add(&|d| d["containerDefinitions"][0]["environment"] = json!([{"name": "x", "value": "y".repeat(70_000)}]));
    add(&|d| d["cpu"] = json!("much"));
    add(&|d| d["placementConstraints"] = json!([{"type": "memberOf", "expression": "attribute:ecs.os-type == linux"}]));
    add(&|d| {
        let mut second = d["containerDefinitions"][0].clone();
        second["name"] = json!("second");
        d["containerDefinitions"].as_array_mut().unwrap().push(second);
    });
    for input in bad {
        assert_eq!(account.refused("RegisterTaskDefinition", input.clone()), "ClientException", "{input}");
    }
    let mut odd = managed("llm", "i");
    odd["containerDefinitions"][0]["resourceRequirements"] = json!([{"type": "Foo", "value": "ALL"}]);
    assert_eq!(account.refused("RegisterTaskDefinition", odd), "InvalidParameterException");
}

#[test]
fn revisions_are_never_reused_and_go_only_when_unused() {
    let mut account = ready();
    account.definition("llm", "i");
    account.call("RunTask", run("llm", 1));
    account.definition("llm", "i");
    assert_eq!(account.refused("DeregisterTaskDefinition", json!({"taskDefinition": "llm"})), "ClientException");
    let answer = account.call("DeleteTaskDefinitions", json!({"taskDefinitions": ["llm:1", "llm:9"]}));
    assert_eq!(answer["failures"].as_array().unwrap().len(), 2);
    account.call("DeregisterTaskDefinition", json!({"taskDefinition": "llm:1"}));
    assert_eq!(account.refused("RunTask", run("llm:1", 1)), "ClientException");
    let answer = account.call("DeleteTaskDefinitions", json!({"taskDefinitions": ["llm:1"]}));
    assert_eq!(answer["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
    account.pass(600);
    account.call("DescribeTaskDefinition", json!({"taskDefinition": "llm:1"}));
    let task = account.tasks("RUNNING")[0]["taskArn"].clone();
    account.call("StopTask", json!({"cluster": "ml", "task": task}));
    account.pass(600);
    assert_eq!(account.refused("DescribeTaskDefinition", json!({"taskDefinition": "llm:1"})), "ClientException");
    assert!(account.definition("llm", "i").ends_with("llm:3"));
    let input = json!({"familyPrefix": "llm", "sort": "DESC", "maxResults": 1});
    let listed = account.call("ListTaskDefinitions", input);
    assert!(listed["taskDefinitionArns"][0].as_str().unwrap().ends_with("llm:3"));
    assert!(listed["nextToken"].is_string());
    assert_eq!(account.call("ListTaskDefinitionFamilies", json!({}))["families"], json!(["llm"]));
}

#[test]
fn a_task_goes_through_its_states_and_is_forgotten_an_hour_after_it_stopped() {
    let mut account = ready();
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(Acts::Ends { after_seconds: 30, exit_code: 7 }));
    account.definition("job", "job:1");
    let arn = account.call("RunTask", run("job", 1))["tasks"][0]["taskArn"].clone();
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..400 {
        let answer = account.call("DescribeTasks", json!({"cluster": "ml", "tasks": [arn]}));
        let status = answer["tasks"][0]["lastStatus"].as_str().unwrap().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        account.pass(1);
    }
    assert_eq!(seen, ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEPROVISIONING", "STOPPED"]);
    let task = account.tasks("STOPPED")[0].clone();
    assert_eq!(task["containers"][0]["exitCode"], 7);
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    account.pass(3700);
    let answer = account.call("DescribeTasks", json!({"cluster": "ml", "tasks": [arn]}));
    assert_eq!(answer["failures"], json!([{"arn": arn, "reason": "MISSING"}]));
}

#[test]
fn a_token_brings_the_same_tasks_back_and_other_parameters_conflict() {
    let mut account = ready();
    account.definition("job", "job:1");
    let mut input = run("job", 2);
    input["clientToken"] = json!("t-1");
    let first = account.call("RunTask", input.clone());
    let again = account.call("RunTask", input.clone());
    assert_eq!(first["tasks"][1]["taskArn"], again["tasks"][1]["taskArn"]);
    input["count"] = json!(3);
    let (_, text) = account.raw("AmazonEC2ContainerServiceV20141113.RunTask", &input.to_string());
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["__type"], "ConflictException");
    assert_eq!(body["resourceIds"].as_array().unwrap().len(), 2);
    assert_eq!(account.tasks("RUNNING").len(), 2);
}

#[test]
fn run_task_refuses_what_aws_refuses() {
    let mut account = ready();
    account.definition("job", "job:1");
    let mut bad: Vec<(Value, &str)> = vec![(run("job", 11), "InvalidParameterException")];
    let mut add = |key: &str, value: Value, code: &'static str| {
        let mut input = run("job", 1);
        input[key] = value;
        bad.push((input, code));
    };
    add("propagateTags", json!("SERVICE"), "InvalidParameterException");
    add("launchType", json!("EC2"), "InvalidParameterException");
    add("networkConfiguration", Value::Null, "InvalidParameterException");
    add("taskDefinition", json!("none"), "ClientException");
    add("cluster", json!("none"), "ClusterNotFoundException");
    add("startedBy", json!("a b"), "InvalidParameterException");
    add("startedBy", json!("a.b"), "InvalidParameterException");
    add("placementConstraints", json!([{"type": "memberOf", "expression": "nonsense"}]), "InvalidParameterException");
    for (input, code) in bad {
        assert_eq!(account.refused("RunTask", input.clone()), code, "{input}");
    }
    let mut managed = run("job", 1);
    managed.as_object_mut().unwrap().remove("capacityProviderStrategy");
    managed["launchType"] = json!("MANAGED_INSTANCES");
    assert_eq!(account.refused("RunTask", managed), "InvalidParameterException");
    let filters = json!({"cluster": "ml", "startedBy": "x", "family": "job"});
    assert_eq!(account.refused("ListTasks", filters), "InvalidParameterException");
    assert_eq!(account.refused("ListTasks", json!({"cluster": "ml", "serviceName": "x"})), "ServiceNotFoundException");
}

#[test]
fn stopping_a_task_takes_its_tags_and_its_device_only_when_it_ended() {
    let mut account = ready();
    account.definition("job", "job:1");
    let mut input = run("job", 1);
    input["tags"] = json!([{"key": "k", "value": "v"}]);
    input["startedBy"] = json!("axon/1");
    let arn = account.call("RunTask", input)["tasks"][0]["taskArn"].clone();
    account.pass(400);
    let listed = account.call("ListTasks", json!({"cluster": "ml", "startedBy": "axon/1"}));
    assert_eq!(listed["taskArns"], json!([arn]));
    let stopped = account.call("StopTask", json!({"cluster": "ml", "task": arn, "reason": "enough"}));
    assert_eq!(stopped["task"]["desiredStatus"], "STOPPED");
    assert_eq!(account.aws.world().live_tasks()[0].devices, ["/dev/neuron0"]);
    account.pass(30);
    assert!(account.aws.world().live_tasks().is_empty());
    let task = account.tasks("STOPPED")[0].clone();
    assert_eq!((&task["stopCode"], &task["stoppedReason"]), (&json!("UserInitiated"), &json!("enough")));
    assert_eq!(task["tags"], json!([]));
}

#[test]
fn two_tasks_with_the_same_device_path_are_both_started_and_the_violation_is_recorded() {
    let mut account = ready();
    let mut input = managed("manual", "m:1");
    let container = input["containerDefinitions"][0].as_object_mut().unwrap();
    container.remove("resourceRequirements");
    container.insert("linuxParameters".to_owned(), json!({"devices": [{"hostPath": "/dev/neuron0"}]}));
    input["cpu"] = json!("512");
    input["memory"] = json!("1024");
    account.call("RegisterTaskDefinition", input);
    account.call("RunTask", run("manual", 2));
    account.pass(600);
    assert_eq!(account.aws.world().running_instances().len(), 1);
    assert_eq!(account.aws.world().violations().len(), 1);
    assert_eq!(account.aws.world().violations()[0].device, "/dev/neuron0");
}

#[test]
fn a_device_that_the_instance_does_not_have_keeps_the_task_from_starting() {
    let mut account = ready();
    let mut input = managed("manual", "m:1");
    let container = input["containerDefinitions"][0].as_object_mut().unwrap();
    container.remove("resourceRequirements");
    container.insert("linuxParameters".to_owned(), json!({"devices": [{"hostPath": "/dev/neuron9"}]}));
    account.call("RegisterTaskDefinition", input);
    account.call("RunTask", run("manual", 1));
    account.pass(600);
    assert_eq!(account.tasks("STOPPED")[0]["stopCode"], "TaskFailedToStart");
}

#[test]
fn distinct_instance_and_an_instance_type_expression_are_honoured() {
    let mut account = ready();
    let mut input = managed("manual", "m:1");
    input["containerDefinitions"][0].as_object_mut().unwrap().remove("resourceRequirements");
    let expression = "attribute:ecs.instance-type == inf2.8xlarge";
    input["placementConstraints"] = json!([{"type": "memberOf", "expression": expression}]);
    account.call("RegisterTaskDefinition", input);
    let mut input = run("manual", 2);
    input["placementConstraints"] = json!([{"type": "distinctInstance"}]);
    account.call("RunTask", input);
    account.pass(600);
    let types: Vec<&str> = account.aws.world().running_instances().into_values().collect();
    assert_eq!(types, ["inf2.8xlarge", "inf2.8xlarge"]);
}
