//! An account with capacity on EC2: a cluster, launch templates, Auto Scaling groups and their capacity providers, made over
//! the wire. Used by the tests beside it; no behaviour is tested here.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use axon_sim::{Options, RunningGroup, Throttling};
use serde_json::{Value, json};

use crate::{account::Account, forms};

pub(crate) const SUBNET_A: &str = "subnet-0123456789abcdefa";
pub(crate) const SUBNET_B: &str = "subnet-0123456789abcdefb";
pub(crate) const IMAGE: &str = "ami-0neuron";

/// A group to be made.
#[derive(Debug, Clone)]
pub(crate) struct Shape<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) desired: i64,
    pub(crate) subnets: Vec<&'a str>,
    pub(crate) image: String,
    /// Lines of `/etc/ecs/ecs.config`.
    pub(crate) config: String,
    pub(crate) protected: bool,
    pub(crate) spot: bool,
}

pub(crate) fn shape<'a>(name: &'a str, kind: &'a str, desired: i64) -> Shape<'a> {
    Shape {
        name,
        kind,
        min: 0,
        max: 20,
        desired,
        subnets: vec![SUBNET_A],
        image: String::new(),
        config: "ECS_CLUSTER=ml\n".to_owned(),
        protected: false,
        spot: false,
    }
}

pub(crate) fn options() -> Options {
    let subnets = [(SUBNET_A.to_owned(), 'a'), (SUBNET_B.to_owned(), 'b')].into();
    Options { subnets, throttling: Throttling::Off, ..Options::default() }
}

/// A cluster `ml` and nothing else.
pub(crate) fn empty() -> Account {
    with(options())
}

pub(crate) fn with(options: Options) -> Account {
    let mut account = Account::with(options);
    account.cluster();
    account
}

/// A cluster `ml` with so many registered instances of one type, without a capacity provider.
pub(crate) fn fleet(kind: &str, count: i64) -> Account {
    let mut account = empty();
    account.group(&shape("pool", kind, count));
    account.pass(300);
    account
}

impl Account {
    pub(crate) fn group(&mut self, shape: &Shape<'_>) {
        let image = if shape.image.is_empty() { self.recommended_image() } else { shape.image.clone() };
        let script = format!("#!/bin/bash\ncat <<'EOF' >> /etc/ecs/ecs.config\n{}EOF\n", shape.config);
        let name = format!("{}-template", shape.name);
        let user_data = base64(script.as_bytes());
        let mut members = vec![
            ("LaunchTemplateName", name.as_str()),
            ("LaunchTemplateData.InstanceType", shape.kind),
            ("LaunchTemplateData.ImageId", &image),
            ("LaunchTemplateData.UserData", &user_data),
        ];
        if shape.spot {
            members.push(("LaunchTemplateData.InstanceMarketOptions.MarketType", "spot"));
        }
        forms::ec2(self, "CreateLaunchTemplate", &members);
        forms::groups(
            self,
            "CreateAutoScalingGroup",
            &[
                ("AutoScalingGroupName", shape.name),
                ("LaunchTemplate.LaunchTemplateName", &name),
                ("LaunchTemplate.Version", "$Latest"),
                ("MinSize", &shape.min.to_string()),
                ("MaxSize", &shape.max.to_string()),
                ("DesiredCapacity", &shape.desired.to_string()),
                ("VPCZoneIdentifier", &shape.subnets.join(",")),
                ("NewInstancesProtectedFromScaleIn", if shape.protected { "true" } else { "false" }),
            ],
        );
    }

    pub(crate) fn recommended_image(&mut self) -> String {
        let name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended/image_id";
        let (_, answer) = self.ssm("GetParameter", json!({"Name": name}));
        answer["Parameter"]["Value"].as_str().unwrap().to_owned()
    }

    pub(crate) fn resize(&mut self, group: &str, desired: i64) {
        let members = [("AutoScalingGroupName", group), ("DesiredCapacity", &desired.to_string())];
        forms::groups(self, "SetDesiredCapacity", &members);
    }

    /// A group: its desired capacity, the lifecycle states of its members, and the protected ones.
    pub(crate) fn group_now(&mut self, name: &str) -> RunningGroup {
        self.aws.world().groups()[name].clone()
    }

    /// The provider of a group, associated with `ml`.
    pub(crate) fn group_provider(&mut self, name: &str, group: &str, settings: Value) {
        self.call("CreateCapacityProvider", group_provider(name, group, settings));
        self.pass(30);
        self.associate(&[name]);
    }

    pub(crate) fn associate(&mut self, names: &[&str]) {
        let input = json!({"cluster": "ml", "capacityProviders": names, "defaultCapacityProviderStrategy": []});
        self.call("PutClusterCapacityProviders", input);
        self.pass(30);
    }

    pub(crate) fn register(&mut self, definition: Value) {
        self.call("RegisterTaskDefinition", definition);
    }

    /// Container instances that are not INACTIVE, oldest first.
    pub(crate) fn instances(&mut self) -> Vec<Value> {
        let arns = self.call("ListContainerInstances", json!({"cluster": "ml"}))["containerInstanceArns"].clone();
        if arns.as_array().unwrap().is_empty() {
            return Vec::new();
        }
        let input = json!({"cluster": "ml", "containerInstances": arns, "include": ["TAGS"]});
        self.call("DescribeContainerInstances", input)["containerInstances"].as_array().unwrap().clone()
    }

    /// How many tasks of a service are in a status.
    pub(crate) fn count(&mut self, status: &str) -> usize {
        self.aws.world().live_tasks().iter().filter(|t| t.status == status).count()
    }
}

pub(crate) fn group_provider(name: &str, group: &str, settings: Value) -> Value {
    let mut details = settings;
    details["autoScalingGroupArn"] = json!(group);
    json!({"name": name, "autoScalingGroupProvider": details})
}

/// A resource of a container instance.
pub(crate) fn resource(instance: &Value, which: &str, name: &str) -> Value {
    let all = instance[which].as_array().unwrap();
    let found = all.iter().find(|r| r["name"] == name).unwrap();
    if found["type"] == "STRINGSET" { found["stringSetValue"].clone() } else { found["integerValue"].clone() }
}

/// A task definition for EC2 in bridge mode with one container that has 1000 MiB and the devices given.
pub(crate) fn on_ec2(family: &str, devices: &[&str]) -> Value {
    let devices: Vec<Value> = devices.iter().map(|d| json!({"hostPath": d, "containerPath": d})).collect();
    json!({
        "family": family,
        "requiresCompatibilities": ["EC2"],
        "containerDefinitions": [{
            "name": "server",
            "image": format!("{family}:1"),
            "memoryReservation": 1000,
            "linuxParameters": {"devices": devices},
        }],
    })
}

/// The same with a fixed port of the instance.
pub(crate) fn with_port(family: &str, port: i64) -> Value {
    let mut definition = on_ec2(family, &[]);
    definition["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": port, "hostPort": port}]);
    definition
}

/// A service of the launch type EC2.
pub(crate) fn launched(name: &str, definition: &str, desired: i64) -> Value {
    json!({"cluster": "ml", "serviceName": name, "taskDefinition": definition, "desiredCount": desired, "launchType": "EC2"})
}

/// A service of a provider.
pub(crate) fn provided(name: &str, definition: &str, desired: i64, provider: &str) -> Value {
    json!({"cluster": "ml", "serviceName": name, "taskDefinition": definition, "desiredCount": desired,
           "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}]})
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0_u32, |w, (i, b)| w | u32::from(*b) << (16 - 8 * i));
        for place in 0..4 {
            let letter = char::from(LETTERS[usize::try_from(word >> (18 - 6 * place) & 63).unwrap()]);
            out.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    out
}
