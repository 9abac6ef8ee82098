//! One call by hand over the line of a process, to see that the auditor notices what a process must never do.
//!
//! Neighbours: `audit` and `rules` are what is tried here, `stage` and `line` the way. No process of the product makes the call.

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::account::account;
use super::alone;
use super::edit::Edit;
use super::fleet::{CLUSTER, Fleet};
use super::line::Air;
use super::play::{QUIET, foreign, protect, settle};
use super::stage::{Rest, Stage};
use super::trace::Trace;
use crate::installation;

/// A request as an SDK would send it, but for the signature.
#[derive(Clone, Debug)]
pub struct Request {
    service: &'static str,
    operation: String,
    body: String,
}

/// An ECS request.
pub fn ecs(operation: &str, input: &Value) -> Request {
    Request { service: "ecs", operation: operation.to_owned(), body: input.to_string() }
}

/// A request of EC2 or Auto Scaling.
pub fn form(service: &'static str, operation: &str, fields: &[(&str, &str)]) -> Request {
    let version = if service == "ec2" { "2016-11-15" } else { "2011-01-01" };
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    let fields = fields.concat();
    Request { service, operation: operation.to_owned(), body: format!("Action={operation}&Version={version}{fields}") }
}

/// A request of Systems Manager.
pub fn ssm(operation: &str, input: &Value) -> Request {
    Request { service: "ssm", operation: operation.to_owned(), body: input.to_string() }
}

impl Request {
    fn http(self) -> HttpRequest {
        let api = if self.service == "ssm" { "AmazonSSM" } else { "AmazonEC2ContainerServiceV20141113" };
        let target = format!("{api}.{}", self.operation);
        let scope = format!("AWS4-HMAC-SHA256 Credential=hand/20260101/us-east-1/{}/aws4_request", self.service);
        let mut request =
            http::Request::builder().method("POST").uri("https://aws.example/").header("authorization", scope);
        if ["ecs", "ssm"].contains(&self.service) {
            request = request.header("x-amz-target", target);
        }
        HttpRequest::try_from(request.body(SdkBody::from(self.body)).unwrap()).unwrap()
    }
}

/// What there is on the account, for a hand that looks for something to spoil.
#[derive(Debug)]
pub struct Hand<'a> {
    stage: &'a Stage,
}

impl Hand<'_> {
    /// The group of the only pool.
    pub fn group(&self) -> String {
        let groups = self.stage.world.act_on("autoscaling", "DescribeAutoScalingGroups", &json!({}));
        let all = groups["AutoScalingGroups"].as_array().unwrap();
        let ours = all.iter().find(|group| group["AutoScalingGroupName"] != "theirs").unwrap();
        ours["AutoScalingGroupName"].as_str().unwrap().to_owned()
    }

    /// The provider of the only pool, on which nothing runs, with nothing left that keeps AWS from deleting it.
    pub fn free_provider(&self) -> String {
        let nothing = json!({"cluster": CLUSTER, "capacityProviders": [], "defaultCapacityProviderStrategy": []});
        let listed = self.stage.world.act("DescribeCapacityProviders", &json!({"cluster": CLUSTER}));
        let name = listed["capacityProviders"][0]["name"].as_str().unwrap().to_owned();
        self.stage.world.act("PutClusterCapacityProviders", &nothing);
        name
    }

    /// The revision that a service runs.
    pub fn revision(&self, service: &str) -> String {
        self.stage.world.service(CLUSTER, service)["taskDefinition"].as_str().unwrap().to_owned()
    }

    /// A machine with a task on it.
    pub fn machine(&self) -> String {
        let machines = self.stage.world.aws.with(|aws| aws.world().machines());
        machines.into_iter().find(|machine| machine.state == "running").unwrap().id
    }

    /// Where the records of the only run of a job are, as `JOB/RUN`.
    pub fn run(&self, job: &str) -> String {
        let root = format!("/axon/{}/jobs/", installation());
        let names = self.stage.world.aws.with(|aws| aws.world().parameter_names(&format!("{root}{job}/")));
        let run = names[0].trim_start_matches(&root).rsplit_once('/').unwrap().0;
        run.to_owned()
    }

    /// The name of a record.
    pub fn record(&self, name: &str) -> String {
        format!("/axon/{}/jobs/{name}", installation())
    }

    /// Makes a record by hand, with a value that nobody asks for.
    pub fn put(&self, name: &str, value: &Value) -> Request {
        ssm("PutParameter", &json!({"Name": self.record(name), "Type": "String", "Value": value.to_string()}))
    }

    /// RunTask of an attempt, with the revision of another one that has a task.
    pub fn start(&self, attempt: &str) -> Request {
        let listed = self.stage.world.act("ListTasks", &json!({"cluster": CLUSTER, "startedBy": "axon/scenario"}));
        let mut tasks: Vec<Value> = listed["taskArns"].as_array().unwrap().clone();
        let stopped = json!({"cluster": CLUSTER, "desiredStatus": "STOPPED"});
        tasks.extend(self.stage.world.act("ListTasks", &stopped)["taskArns"].as_array().unwrap().iter().cloned());
        let seen = self.stage.world.act("DescribeTasks", &json!({"cluster": CLUSTER, "tasks": tasks}));
        let ours = |task: &&Value| task["group"].as_str().is_some_and(|group| group.starts_with("axon:"));
        let task = seen["tasks"].as_array().unwrap().iter().find(ours).unwrap();
        let strategy = json!([{"capacityProvider": task["capacityProviderName"], "weight": 1}]);
        let input = json!({
            "cluster": CLUSTER, "taskDefinition": task["taskDefinitionArn"], "capacityProviderStrategy": strategy,
            "group": format!("axon:{}/{attempt}", installation()),
        });
        ecs("RunTask", &input)
    }

    /// A task that lives, by a part of its group.
    pub fn task(&self, part: &str) -> String {
        let tasks = self.stage.world.aws.with(|aws| aws.world().live_tasks());
        let arns: Vec<String> = tasks.into_iter().map(|task| task.arn).collect();
        let seen = self.stage.world.act("DescribeTasks", &json!({"cluster": CLUSTER, "tasks": arns}));
        let fits = |task: &&Value| task["group"].as_str().is_some_and(|found| found.contains(part));
        let task = seen["tasks"].as_array().unwrap().iter().find(fits).unwrap();
        task["taskArn"].as_str().unwrap().to_owned()
    }

    /// The ARN of the stranger's cluster.
    pub fn their_cluster(&self) -> String {
        self.stage.world.cluster("theirs")["clusterArn"].as_str().unwrap().to_owned()
    }
}

/// What the auditor says of one call, the fleet being at rest and its process gone.
pub fn findings_after(fleet: Fleet, call: impl FnOnce(&Hand<'_>) -> Request) -> Vec<String> {
    alone(1, async {
        let mut stage = Stage::new(account(1), Air::new(1, Vec::new()));
        foreign(&stage);
        protect(&stage);
        stage.declare(fleet);
        stage.start().await;
        settle(&mut stage, (Rest::Ready, QUIET), &mut Trace::default()).await;
        assert_eq!(stage.verdict(), Vec::<String>::new(), "before the call there is nothing to say");
        stage.stop().await;
        made(&stage, call(&Hand { stage: &stage })).await;
        stage.look().await;
        stage.verdict()
    })
}

/// What it says of calls one after the other, a process having worked on the fleet for so many seconds. Then something else may
/// happen, without a process.
pub fn findings_amid(
    fleet: Fleet,
    seconds: u64,
    then: Option<(Edit, u64)>,
    calls: &[fn(&Hand<'_>) -> Request],
) -> Vec<String> {
    alone(1, async {
        let mut stage = Stage::new(account(1), Air::new(1, Vec::new()));
        foreign(&stage);
        protect(&stage);
        stage.declare(fleet);
        stage.start().await;
        stage.pass(seconds).await;
        assert_eq!(stage.verdict(), Vec::<String>::new(), "before the call there is nothing to say");
        stage.stop().await;
        if let Some((edit, seconds)) = then {
            stage.declare(edit.apply(&stage.fleet));
            stage.pass(seconds).await;
        }
        for call in calls {
            made(&stage, call(&Hand { stage: &stage })).await;
        }
        stage.look().await;
        stage.verdict()
    })
}

/// What it says when time has passed after one call, in the middle of work on which nobody works any more.
pub fn findings_later(fleet: Fleet, seconds: u64, call: fn(&Hand<'_>) -> Request, later: u64) -> Vec<String> {
    alone(1, async {
        let mut stage = Stage::new(account(1), Air::new(1, Vec::new()));
        stage.declare(fleet);
        stage.start().await;
        stage.pass(seconds).await;
        stage.stop().await;
        made(&stage, call(&Hand { stage: &stage })).await;
        stage.pass(later).await;
        stage.look().await;
        stage.verdict()
    })
}

async fn made(stage: &Stage, request: Request) {
    let what = format!("{request:?}");
    let answer = stage.line().call(request.http()).await.unwrap();
    assert!(answer.status().is_success(), "{what}: {:?}", answer.body().bytes().map(String::from_utf8_lossy));
}
