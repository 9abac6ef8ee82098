//! An account under test: calls go over the wire format, time moves when told, and every answer is held against the service
//! model. Used by the tests beside it; no behaviour is tested here.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use axon_sim::{Aws, Options, breaches};
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::{Value, json};

pub(crate) struct Account {
    pub(crate) aws: Aws,
}

pub(crate) type Outcome = Result<Value, (String, String)>;

impl Account {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        Self { aws: Aws::new(options) }
    }

    pub(crate) fn raw(&mut self, target: &str, body: &str) -> (u16, String) {
        let request = http::Request::post("/")
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let response = self.aws.answer(&request);
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    pub(crate) fn try_call(&mut self, operation: &str, input: Value) -> Outcome {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let (status, text) = self.raw(&target, &input.to_string());
        let body: Value = serde_json::from_str(&text).unwrap();
        let found = breaches(operation, status, &body);
        assert!(found.is_empty(), "{found:?} in {body}");
        if status == 200 {
            return Ok(body);
        }
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        Err((text("__type"), text("message")))
    }

    pub(crate) fn call(&mut self, operation: &str, input: Value) -> Value {
        self.try_call(operation, input).unwrap_or_else(|e| panic!("{operation}: {e:?}"))
    }

    pub(crate) fn refused(&mut self, operation: &str, input: Value) -> String {
        self.try_call(operation, input).expect_err("it was accepted").0
    }

    /// Like `refused`, for codes that AWS raises although the service model does not list them for the operation.
    pub(crate) fn refused_code(&mut self, operation: &str, input: Value) -> String {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let (status, text) = self.raw(&target, &input.to_string());
        assert_eq!(status, 400);
        let body: Value = serde_json::from_str(&text).unwrap();
        body["__type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ssm(&mut self, operation: &str, input: Value) -> (u16, Value) {
        let (status, text) = self.raw(&format!("AmazonSSM.{operation}"), &input.to_string());
        (status, serde_json::from_str(&text).unwrap())
    }

    pub(crate) fn try_logs(&mut self, operation: &str, input: Value) -> Outcome {
        let (status, text) = self.raw(&format!("Logs_20140328.{operation}"), &input.to_string());
        let body: Value = serde_json::from_str(&text).unwrap();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        if status == 200 { Ok(body) } else { Err((text("__type"), text("message"))) }
    }

    pub(crate) fn logs(&mut self, operation: &str, input: Value) -> Value {
        self.try_logs(operation, input).unwrap_or_else(|e| panic!("{operation}: {e:?}"))
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        let until = self.aws.now() + SignedDuration::from_secs(seconds);
        self.aws.advance_to(until);
    }

    pub(crate) fn cluster(&mut self) {
        self.call("CreateCluster", json!({"clusterName": "ml"}));
    }

    pub(crate) fn provider(&mut self, name: &str, types: &[&str]) {
        self.call("CreateCapacityProvider", provider(name, types));
        self.pass(30);
    }

    /// A cluster `ml` with the provider `inf2`, active.
    pub(crate) fn ready(&mut self) {
        self.cluster();
        self.provider("inf2", &["inf2*"]);
    }

    pub(crate) fn definition(&mut self, family: &str, image: &str) -> String {
        let answer = self.call("RegisterTaskDefinition", managed(family, image));
        answer["taskDefinition"]["taskDefinitionArn"].as_str().unwrap().to_owned()
    }

    pub(crate) fn service(&mut self, name: &str) -> Value {
        let answer = self.call("DescribeServices", json!({"cluster": "ml", "services": [name], "include": ["TAGS"]}));
        answer["services"][0].clone()
    }

    pub(crate) fn tasks(&mut self, desired: &str) -> Vec<Value> {
        let arns = self.call("ListTasks", json!({"cluster": "ml", "desiredStatus": desired}))["taskArns"].clone();
        if arns.as_array().unwrap().is_empty() {
            return Vec::new();
        }
        let answer = self.call("DescribeTasks", json!({"cluster": "ml", "tasks": arns, "include": ["TAGS"]}));
        answer["tasks"].as_array().unwrap().clone()
    }

    /// Events of a service, newest first.
    pub(crate) fn events(&mut self, name: &str) -> Vec<String> {
        let service = self.service(name);
        service["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn provider(name: &str, types: &[&str]) -> Value {
    json!({
        "name": name,
        "cluster": "ml",
        "managedInstancesProvider": {
            "infrastructureRoleArn": "arn:aws:iam::111122223333:role/infra",
            "instanceLaunchTemplate": {
                "ec2InstanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole",
                "networkConfiguration": {"subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
                                         "securityGroups": ["sg-0123456789abcdef0"]},
                "instanceRequirements": {
                    "vCpuCount": {"min": 1},
                    "memoryMiB": {"min": 1},
                    "acceleratorManufacturers": ["amazon-web-services"],
                    "allowedInstanceTypes": types,
                },
            },
        },
    })
}

pub(crate) fn managed(family: &str, image: &str) -> Value {
    json!({
        "family": family,
        "requiresCompatibilities": ["MANAGED_INSTANCES"],
        "networkMode": "awsvpc",
        "cpu": "2048",
        "memory": "8192",
        "containerDefinitions": [{
            "name": "server",
            "image": image,
            "portMappings": [{"containerPort": 8080}],
            "resourceRequirements": [{"type": "NeuronDevice", "value": "ALL"}],
        }],
    })
}

pub(crate) fn service(name: &str, definition: &str, desired: i64) -> Value {
    json!({
        "cluster": "ml",
        "serviceName": name,
        "taskDefinition": definition,
        "desiredCount": desired,
        "capacityProviderStrategy": [{"capacityProvider": "inf2", "weight": 1}],
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]}},
    })
}
