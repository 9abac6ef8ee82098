//! Images of EC2 instances in a scenario: publishing them, and what has come of a roll-out.
//!
//! Neighbours: `account` looks at ECS. Nothing here decides which image is good.

use axon_sim::{Image, ImageActs};
use serde_json::{Value, json};

use crate::World;
use crate::account::tags;

/// Where AWS says which image is recommended; `/recommended` follows.
pub const NEURON: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";

impl World {
    /// A new image is the recommended one from now on.
    pub fn publish(&self, id: &str, acts: ImageActs) {
        let name = format!("al2023-ami-ecs-neuron-hvm-2023.0.{id}-kernel-6.1-x86_64");
        let image = Image::new(id, name, "1.200.0").acting(acts);
        self.aws.with(|aws| aws.world_mut().publish_image(NEURON, image));
    }

    /// Images of the instances that live, one an instance.
    pub fn images(&self) -> Vec<String> {
        let machines = self.aws.with(|aws| aws.world().machines());
        machines.into_iter().filter(|machine| machine.state == "running").map(|machine| machine.image).collect()
    }

    /// What the Auto Scaling groups of a cluster have come to, with everything that `inventory` says, without ids and
    /// times.
    pub fn groups(&self, cluster: &str) -> Value {
        let groups = self.ask("autoscaling", "DescribeAutoScalingGroups", &json!({}));
        let templates = self.ask("ec2", "DescribeLaunchTemplates", &json!({}));
        let groups = groups["AutoScalingGroups"].as_array().unwrap().iter().map(|group| {
            let members = group["Instances"].as_array().unwrap().iter();
            let versions: Vec<&Value> = members.map(|member| &member["LaunchTemplate"]["Version"]).collect();
            json!({
                "name": group["AutoScalingGroupName"],
                "sizes": [group["MinSize"], group["DesiredCapacity"], group["MaxSize"]],
                "version": group["LaunchTemplate"]["Version"],
                "members": versions,
            })
        });
        let templates = templates["LaunchTemplates"].as_array().unwrap().iter().map(|template| {
            let asked = json!({"LaunchTemplateId": template["LaunchTemplateId"]});
            let versions = self.ask("ec2", "DescribeLaunchTemplateVersions", &asked);
            let versions = versions["LaunchTemplateVersions"].as_array().unwrap().iter();
            let mut images: Vec<String> =
                versions.map(|v| format!("{} {}", v["VersionNumber"], v["LaunchTemplateData"]["ImageId"])).collect();
            images.sort();
            json!({"name": template["LaunchTemplateName"], "versions": images, "tags": ec2_tags(template)})
        });
        let instances = self.act("ListContainerInstances", &json!({"cluster": cluster, "status": "ACTIVE"}));
        json!({
            "groups": groups.collect::<Vec<_>>(),
            "templates": templates.collect::<Vec<_>>(),
            "active": instances["containerInstanceArns"].as_array().unwrap().len(),
            "ecs": self.inventory(cluster),
        })
    }

    fn ask(&self, service: &str, operation: &str, input: &Value) -> Value {
        self.aws.with(|aws| aws.act_on(service, operation, input)).unwrap()
    }
}

fn ec2_tags(resource: &Value) -> Value {
    let all = resource["Tags"].as_array().into_iter().flatten();
    let lower: Vec<Value> = all.map(|tag| json!({"key": tag["Key"], "value": tag["Value"]})).collect();
    json!(tags(&json!({ "tags": lower })))
}
