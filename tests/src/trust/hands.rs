//! One call by hand over the line of a process, to see that the auditor notices what a process must never do.
//!
//! Neighbours: `audit` and `rules` are what is tried here, `stage` and `line` the way. No process of the product makes the call.

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::alone;
use super::fleet::{CLUSTER, Fleet};
use super::line::Air;
use super::play::{Trace, foreign, protect, settle};
use super::stage::{Rest, Stage, account};

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

impl Request {
    fn http(self) -> HttpRequest {
        let target = format!("AmazonEC2ContainerServiceV20141113.{}", self.operation);
        let scope = format!("AWS4-HMAC-SHA256 Credential=hand/20260101/us-east-1/{}/aws4_request", self.service);
        let mut request =
            http::Request::builder().method("POST").uri("https://aws.example/").header("authorization", scope);
        if self.service == "ecs" {
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
        settle(&mut stage, Rest::Ready, &mut Trace::default()).await;
        assert_eq!(stage.verdict(), Vec::<String>::new(), "before the call there is nothing to say");
        stage.stop().await;
        let request = call(&Hand { stage: &stage });
        let what = format!("{request:?}");
        let answer = stage.line().call(request.http()).await.unwrap();
        assert!(answer.status().is_success(), "{what}: {:?}", answer.body().bytes().map(String::from_utf8_lossy));
        stage.look().await;
        stage.verdict()
    })
}
