//! The account as somebody else sees it: hands on it without Axon, and a summary that two accounts can be compared by.

use std::collections::BTreeMap;

use axon_runtime::clock::Clock as _;
use axon_sim::{Fault, LiveTask};
use serde_json::{Value, json};

use crate::World;

/// Tags that say when something happened, not what it is.
const HISTORY: [&str; 2] = ["neuron.ecs/revision", "neuron.ecs/pushed-after"];

impl World {
    /// Somebody else's call of ECS, now.
    pub fn act(&self, operation: &str, input: &Value) -> Value {
        self.act_on("ecs", operation, input)
    }

    /// Somebody else's call of `ecs`, `ec2`, `autoscaling`, `ssm` or `logs`, now; members are named as in the service model.
    pub fn act_on(&self, service: &str, operation: &str, input: &Value) -> Value {
        self.try_on(service, operation, input).unwrap()
    }

    /// The same, where AWS may refuse.
    pub fn try_on(&self, service: &str, operation: &str, input: &Value) -> Result<Value, Fault> {
        let now = self.clock.now();
        self.aws.with(|aws| {
            aws.advance_to(now);
            aws.act_on(service, operation, input)
        })
    }

    /// The one Auto Scaling group, as AWS describes it now.
    pub fn scaling_group(&self) -> Value {
        let answer = self.act_on("autoscaling", "DescribeAutoScalingGroups", &json!({}));
        let groups = answer["AutoScalingGroups"].as_array().unwrap();
        assert_eq!(groups.len(), 1, "{groups:#?}");
        groups[0].clone()
    }

    /// A service as AWS describes it now.
    pub fn service(&self, cluster: &str, name: &str) -> Value {
        let asked = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
        self.act("DescribeServices", &asked)["services"][0].clone()
    }

    /// The cluster as AWS describes it now.
    pub fn cluster(&self, name: &str) -> Value {
        let asked = json!({"clusters": [name], "include": ["TAGS", "SETTINGS", "CONFIGURATIONS"]});
        self.act("DescribeClusters", &asked)["clusters"][0].clone()
    }

    /// The providers of a cluster that are not gone, by name.
    pub fn providers(&self, cluster: &str) -> BTreeMap<String, Value> {
        let answer = self.act("DescribeCapacityProviders", &json!({"cluster": cluster, "include": ["TAGS"]}));
        let all = answer["capacityProviders"].as_array().unwrap().iter();
        let live = all.filter(|provider| provider["status"] != "INACTIVE" && provider["cluster"].is_string());
        live.map(|provider| (provider["name"].as_str().unwrap().to_owned(), provider.clone())).collect()
    }

    /// The one provider of a cluster.
    pub fn provider(&self, cluster: &str) -> Value {
        let providers = self.providers(cluster);
        assert_eq!(providers.len(), 1, "{providers:#?}");
        providers.into_values().next().unwrap()
    }

    /// ARNs of the active revisions of all task definitions.
    pub fn revisions(&self) -> Vec<String> {
        let answer = self.act("ListTaskDefinitions", &json!({"status": "ACTIVE"}));
        let arns = answer["taskDefinitionArns"].as_array().unwrap().iter();
        arns.map(|arn| arn.as_str().unwrap().to_owned()).collect()
    }

    /// Tasks of a service that are not yet stopped.
    pub fn tasks(&self, service: &str) -> Vec<LiveTask> {
        let tasks = self.aws.with(|aws| aws.world().live_tasks());
        tasks.into_iter().filter(|task| task.service.as_deref() == Some(service)).collect()
    }

    /// Tasks of a service that run and are meant to.
    pub fn running(&self, service: &str) -> usize {
        self.tasks(service).iter().filter(|task| task.status == "RUNNING" && task.desired == "RUNNING").count()
    }

    /// Everything that a cluster consists of, without ids and times.
    pub fn inventory(&self, cluster: &str) -> Value {
        let listed = self.act("ListServices", &json!({"cluster": cluster}));
        let services: BTreeMap<String, Value> = listed["serviceArns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arn| {
                let name = arn.as_str().unwrap().rsplit('/').next().unwrap();
                (name.to_owned(), self.summary_of(&self.service(cluster, name)))
            })
            .collect();
        let providers: BTreeMap<String, Value> = self
            .providers(cluster)
            .into_iter()
            .map(|(name, provider)| {
                let known = json!({
                    "status": provider["status"],
                    "managedInstances": provider["managedInstancesProvider"],
                    "tags": tags(&provider),
                });
                (name, known)
            })
            .collect();
        let found = self.cluster(cluster);
        let known = json!({"status": found["status"], "settings": found["settings"], "tags": tags(&found)});
        json!({"cluster": known, "providers": providers, "services": services})
    }

    fn summary_of(&self, service: &Value) -> Value {
        let revision = self.act("DescribeTaskDefinition", &json!({"taskDefinition": service["taskDefinition"]}));
        let deployments = service["deployments"].as_array().unwrap();
        json!({
            "status": service["status"],
            "desired": service["desiredCount"],
            "running": service["runningCount"],
            "deployments": deployments.len(),
            "configuration": service["deploymentConfiguration"],
            "strategy": service["capacityProviderStrategy"],
            "network": service["networkConfiguration"],
            "containers": revision["taskDefinition"]["containerDefinitions"],
            "tags": tags(service),
        })
    }
}

/// Tags that two installations of the same specification share.
pub fn tags(resource: &Value) -> BTreeMap<String, String> {
    let all = resource["tags"].as_array().into_iter().flatten();
    let pairs = all.map(|tag| {
        let text = |member: &str| tag[member].as_str().unwrap_or_default().to_owned();
        (text("key"), text("value"))
    });
    pairs.filter(|(key, _)| !HISTORY.contains(&key.as_str())).collect()
}
