//! The list of operations is what the code calls, no more and no less.

use std::collections::BTreeSet;

use axon_aws::OPERATIONS;
use axon_core::cloud::Cloud;
use serde_json::json;

use crate::fake::{Fake, Reply, actions, cluster, cluster_arn, names, scope, service_arn, step, written};

fn anything(call: &crate::fake::Call) -> Reply {
    let task = "arn:aws:ecs:us-east-1:123456789012:task/main/1";
    let instance = "arn:aws:ecs:us-east-1:123456789012:container-instance/main/1";
    Reply::Ok(match call.operation.as_str() {
        "ListClusters" => json!({"clusterArns": [cluster_arn("main")]}),
        "DescribeClusters" => json!({"clusters": [cluster("main")]}),
        "ListServices" => json!({"serviceArns": [service_arn("main", "llama")]}),
        "DescribeServices" => json!({"services": [crate::fake::service("main", "llama", "ACTIVE")]}),
        "ListTaskDefinitions" => json!({"taskDefinitionArns": ["task-definition/axon-llama:3"]}),
        "ListTasks" => json!({"taskArns": [task]}),
        "DescribeTasks" => json!({"tasks": [{
            "taskArn": task,
            "taskDefinitionArn": names(call, "tasks").join(""),
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "containerInstanceArn": instance,
            "containers": [{"name": "server", "lastStatus": "RUNNING", "neuronDeviceIds": ["0", "1"]}],
        }]}),
        "DescribeContainerInstances" => json!({"containerInstances": [{
            "containerInstanceArn": instance,
            "status": "ACTIVE",
            "ec2InstanceId": "i-1",
            "attributes": [{"name": "ecs.instance-type", "value": "inf2.xlarge"}],
        }]}),
        _ => written(call),
    })
}

#[tokio::test]
async fn every_operation_of_the_list_is_called_and_no_other() {
    let fake = Fake::new(anything);
    let aws = fake.aws().await;
    let key = ("main".to_owned(), "llama".to_owned());
    let mut scope = scope("main");
    scope.family_prefixes.insert("axon-".to_owned());
    scope.tasks_of.insert(key.clone());
    scope.history_of.insert(key.clone());
    let sweep = aws.observe(scope).await;
    assert!(sweep.history.values().all(Result::is_ok));
    let tasks = sweep.tasks.get(&key).expect("asked for").as_ref().expect("read");
    assert_eq!(tasks.tasks[0].containers[0].neuron_device_ids, ["0", "1"]);
    let instance = tasks.instances.values().next().expect("one instance");
    assert_eq!(instance.instance_type.as_deref(), Some("inf2.xlarge"));
    assert!(aws.lookup().await.is_err(), "the fake does not speak XML");
    for action in actions() {
        aws.execute(&step(action)).await.expect("the fake says yes");
    }
    let called: BTreeSet<String> = fake.operations().into_iter().collect();
    let listed: BTreeSet<String> = OPERATIONS.iter().map(|(_, name)| (*name).to_owned()).collect();
    assert_eq!(called, listed);
    assert!(OPERATIONS.iter().all(|(service, name)| (*service == "sts") == (*name == "GetCallerIdentity")));
}
