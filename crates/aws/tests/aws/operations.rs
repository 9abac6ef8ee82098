//! The list of operations is what the code calls, no more and no less.

use std::collections::BTreeSet;

use axon_aws::OPERATIONS;
use axon_core::cloud::{Cloud, Ec2Scope, JobScope};
use axon_core::logs::{LogStream, Logs, PageFrom, WantedPage};
use axon_core::observe::ImageSource;
use serde_json::json;

use crate::fake::{
    Fake, INSTANCE, Reply, actions, cluster, cluster_arn, names, scope, service_arn, step, written, xml,
};

fn anything(call: &crate::fake::Call) -> Reply {
    let task = "arn:aws:ecs:us-east-1:123456789012:task/main/1";
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
            "startedAt": 1_700_000_000,
            "group": "axon:test/a/r/0.0",
            "containerInstanceArn": INSTANCE,
            "containers": [{"name": "server", "lastStatus": "RUNNING", "neuronDeviceIds": ["0", "1"]}],
        }]}),
        "ListContainerInstances" => json!({"containerInstanceArns": [INSTANCE]}),
        "GetParametersByPath" => {
            json!({"Parameters": [{"Name": "/axon/test/jobs/a/r/0.0", "Value": "{}", "LastModifiedDate": 1_700_000_000}]})
        }
        "GetLogEvents" => json!({"events": [], "nextForwardToken": "f", "nextBackwardToken": "b"}),
        "GetParameters" if call.body["Names"] == json!(["/ami"]) => {
            json!({"Parameters": [{"Name": "/ami", "Value": "ami-1"}]})
        }
        "GetParameters" => json!({"InvalidParameters": call.body["Names"]}),
        "DescribeLaunchTemplates" => {
            let item =
                "<item><launchTemplateId>lt-1</launchTemplateId><launchTemplateName>t</launchTemplateName></item>";
            return xml(call, &format!("<launchTemplates>{item}</launchTemplates>"));
        }
        "DescribeAutoScalingGroups" => {
            let group = "<member><AutoScalingGroupName>g</AutoScalingGroupName><AutoScalingGroupARN>a</AutoScalingGroupARN>\
                <DesiredCapacity>1</DesiredCapacity></member>";
            return xml(call, &format!("<AutoScalingGroups>{group}</AutoScalingGroups>"));
        }
        "GetCallerIdentity" => {
            return xml(call, "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/axon</Arn>");
        }
        "DescribeContainerInstances" => json!({"containerInstances": [{
            "containerInstanceArn": INSTANCE,
            "status": "ACTIVE",
            "ec2InstanceId": "i-1",
            "attributes": [{"name": "ecs.instance-type", "value": "inf2.xlarge"}],
        }]}),
        _ => return written(call),
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
    scope.jobs = Some(JobScope {
        records: Some("/axon/test/jobs".to_owned()),
        ends: BTreeSet::new(),
        started_by: "axon/test".to_owned(),
        tasks_of: ["main".to_owned()].into(),
    });
    let images = [ImageSource::Parameter("/ami".to_owned())].into();
    let (instances_of, subnets) = (["main".to_owned()].into(), ["subnet-1".to_owned()].into());
    scope.ec2 = Some(Ec2Scope { images, instances_of, subnets, ..Ec2Scope::default() });
    let sweep = aws.observe(scope).await;
    assert!(sweep.history.values().all(Result::is_ok));
    let tasks = sweep.tasks.get(&key).expect("asked for").as_ref().expect("read");
    assert_eq!(tasks.tasks[0].containers[0].neuron_device_ids, ["0", "1"]);
    assert_eq!(tasks.tasks[0].started.map(jiff::Timestamp::as_second), Some(1_700_000_000));
    let instance = tasks.instances.values().next().expect("one instance");
    assert_eq!(instance.instance_type.as_deref(), Some("inf2.xlarge"));
    let ec2 = sweep.ec2.expect("asked for");
    assert!(ec2.templates.is_ok() && ec2.groups.is_ok() && ec2.machines.is_ok() && ec2.providers.is_ok());
    let jobs = sweep.jobs.expect("asked for");
    let records = jobs.records.expect("asked for").expect("read");
    assert_eq!((records[0].name.as_str(), records[0].value.as_str()), ("/axon/test/jobs/a/r/0.0", "{}"));
    let own: Vec<&str> = jobs.tasks["main"].as_ref().expect("read").iter().map(|found| found.group.as_str()).collect();
    assert_eq!(own, ["axon:test/a/r/0.0"]);
    aws.lookup().await.expect("an identity");
    let stream = LogStream { region: None, group: "g".to_owned(), name: "s".to_owned() };
    let wanted = WantedPage { stream: &stream, from: PageFrom::Head, since: None, limit: None };
    aws.page(&wanted).await.expect("the fake has no lines");
    for action in actions() {
        aws.execute(&step(action)).await.expect("the fake says yes");
    }
    let service = |uri: &str| uri.trim_start_matches("https://").split('.').next().map(str::to_owned);
    let called: BTreeSet<(Option<String>, String)> =
        fake.calls().into_iter().map(|call| (service(&call.uri), call.operation)).collect();
    let listed = OPERATIONS.iter().map(|(service, name)| (Some((*service).to_owned()), (*name).to_owned()));
    assert_eq!(called, listed.collect());
}
