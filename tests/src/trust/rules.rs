//! What one call may do: whose resource it changes, and whether anything that is declared is lost by it.
//!
//! The other half of `audit`, which keeps what is declared; `job_rules` is the part about jobs; `line` asks here before and after AWS does what was asked.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::asked::Asked;
use super::audit::{Auditor, tags};
use super::fleet::{CLUSTER, Fleet};

type Tags = BTreeMap<String, String>;

/// What a call was about, as it was before.
#[derive(Clone, Debug)]
pub struct Before {
    /// The resources with their tags; nothing of what did not exist.
    pub(super) targets: Vec<Target>,
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    /// In words.
    pub(super) what: String,
    pub(super) tags: Tags,
    /// The resource.
    pub(super) resource: Value,
}

/// Operations that make something which then is ours by the tags that they carry.
const MAKES: [&str; 7] = [
    "CreateCluster",
    "CreateCapacityProvider",
    "RegisterTaskDefinition",
    "CreateService",
    "CreateLaunchTemplate",
    "CreateAutoScalingGroup",
    "AssumeRole",
];

impl Auditor {
    /// What a call is about; nothing of one that only reads.
    pub fn before(&mut self, asked: &Asked) -> Option<Before> {
        if !crate::wire::is_write(&asked.operation) || MAKES.contains(&asked.operation.as_str()) {
            return crate::wire::is_write(&asked.operation).then(|| Before { targets: Vec::new() });
        }
        let targets = match asked.service.as_str() {
            "ssm" => self.job_targets(asked),
            "ecs" if ["RunTask", "StopTask"].contains(&asked.operation.as_str()) => self.job_targets(asked),
            "ecs" => self.ecs_targets(asked),
            "autoscaling" => self.groups(asked),
            "ec2" => self.ec2_targets(asked),
            _ => Vec::new(),
        };
        Some(Before { targets })
    }

    /// What AWS has done: was it right?
    pub fn after(&mut self, asked: &Asked, before: &Before) {
        for target in &before.targets {
            if !self.is_ours(&target.tags) {
                self.find(&format!("{} on {}, which is not ours: {:?}", asked.operation, target.what, target.tags));
            }
        }
        self.after_job_call(asked, before);
        match asked.operation.as_str() {
            "CreateService" => {
                self.learn(asked);
                self.compiled_first(asked);
            }
            "UpdateService" => {
                self.service_kept(asked, before);
                self.compiled_first(asked);
            }
            "DeleteService" => self.service_kept(asked, before),
            "DeleteCapacityProvider" | "DeleteAutoScalingGroup" | "DeleteLaunchTemplate" => {
                self.pool_kept(asked, before);
            }
            "DeleteCluster" => self.find(&format!("the cluster {} was deleted", asked.text("cluster"))),
            "DeregisterTaskDefinition" => self.revision_unused(asked),
            "TerminateInstances" | "TerminateInstanceInAutoScalingGroup" => self.instance_empty(asked, before),
            _ => {}
        }
    }

    fn learn(&mut self, asked: &Asked) {
        let all = tags(&asked.input);
        if !self.is_ours(&all) {
            self.find(&format!("the service {} was made without our tags", asked.text("serviceName")));
        }
        let object = all.get("neuron.ecs/name").cloned().unwrap_or_default();
        self.objects.insert(asked.text("serviceName").to_owned(), object);
    }

    /// A service was deleted or changed: of a declared object as many tasks stay desired as an update must leave.
    fn service_kept(&mut self, asked: &Asked, before: &Before) {
        let Some(target) = before.targets.first() else { return };
        let count = target.resource["desiredCount"].as_u64().unwrap_or(0);
        let wanted = asked.input["desiredCount"].as_u64();
        let less = asked.operation == "DeleteService" || wanted.is_some_and(|wanted| wanted < count);
        let Some(object) = target.tags.get("neuron.ecs/name").cloned().filter(|_| less && count > 0) else { return };
        let floor = self.floor(&object);
        let left: u64 =
            self.services_of(&object).iter().map(|service| service["desiredCount"].as_u64().unwrap_or(0)).sum();
        if left < u64::from(floor) && !self.is_excused(&object) {
            self.find(&format!(
                "{} of {} leaves {left} desired tasks of {object}, which is declared with at least {floor}",
                asked.operation, target.what
            ));
        }
    }

    /// The active services of an object in the cluster.
    fn services_of(&self, object: &str) -> Vec<Value> {
        let names: Vec<&String> = self.objects.iter().filter(|(_, of)| *of == object).map(|(name, _)| name).collect();
        let mut found = Vec::new();
        for names in names.chunks(10) {
            let seen = self.see("ecs", "DescribeServices", json!({"cluster": CLUSTER, "services": names}));
            found.extend(seen["services"].as_array().into_iter().flatten().cloned());
        }
        found.into_iter().filter(|service| service["status"] == "ACTIVE").collect()
    }

    /// Our groups and templates by pool.
    pub(super) fn of_pools(&self) -> BTreeMap<String, usize> {
        let groups = self.see("autoscaling", "DescribeAutoScalingGroups", json!({}));
        let templates = self.see("ec2", "DescribeLaunchTemplates", json!({}));
        let mut counts = BTreeMap::new();
        for (kind, list) in [("group", &groups["AutoScalingGroups"]), ("template", &templates["LaunchTemplates"])] {
            for tags in list.as_array().into_iter().flatten().map(tags).filter(|tags| self.is_ours(tags)) {
                let pool = tags.get("neuron.ecs/name").cloned().unwrap_or_default();
                *counts.entry(format!("{kind} of {pool}")).or_default() += 1;
            }
        }
        counts
    }

    /// A provider, a group or a template of a declared pool goes only where another of its kind has come.
    fn pool_kept(&mut self, asked: &Asked, before: &Before) {
        let Some(target) = before.targets.first() else { return };
        let Some(pool) = target.tags.get("neuron.ecs/name").cloned() else { return };
        let declared = self.always(|fleet: &Fleet| fleet.pools.contains_key(&pool));
        if !declared || self.is_excused(&pool) {
            return;
        }
        let others = match asked.operation.as_str() {
            "DeleteCapacityProvider" => self.providers(),
            "DeleteAutoScalingGroup" => {
                let seen = self.see("autoscaling", "DescribeAutoScalingGroups", json!({}));
                seen["AutoScalingGroups"].as_array().cloned().unwrap_or_default()
            }
            _ => {
                let seen = self.see("ec2", "DescribeLaunchTemplates", json!({}));
                seen["LaunchTemplates"].as_array().cloned().unwrap_or_default()
            }
        };
        let same = |other: &&Value| {
            let of = tags(other);
            self.is_ours(&of) && of.get("neuron.ecs/name") == Some(&pool) && !is_going(other)
        };
        if others.iter().filter(same).count() == 0 {
            self.find(&format!("{} of {}: the pool {pool} is declared and has no other", asked.operation, target.what));
        }
    }

    fn providers(&self) -> Vec<Value> {
        let asked = json!({"cluster": CLUSTER, "include": ["TAGS"]});
        let mut found = self.see("ecs", "DescribeCapacityProviders", asked)["capacityProviders"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let rest = self.see("ecs", "DescribeCapacityProviders", json!({"include": ["TAGS"]}));
        found.extend(rest["capacityProviders"].as_array().into_iter().flatten().cloned());
        found
    }

    /// No active service is on a revision that is deregistered.
    fn revision_unused(&mut self, asked: &Asked) {
        let seen = self.see("ecs", "DescribeTaskDefinition", json!({"taskDefinition": asked.text("taskDefinition")}));
        let Some(arn) = seen["taskDefinition"]["taskDefinitionArn"].as_str().map(str::to_owned) else { return };
        let objects: Vec<String> = self.objects.values().cloned().collect();
        let users: Vec<Value> = objects.iter().flat_map(|object| self.services_of(object)).collect();
        if let Some(user) = users.iter().find(|service| service["taskDefinition"] == arn) {
            self.find(&format!("{arn} was deregistered and {} is on it", user["serviceName"]));
        }
    }

    /// No task that shall run is on a machine that is terminated.
    fn instance_empty(&mut self, asked: &Asked, before: &Before) {
        for target in &before.targets {
            let machine = target.resource["InstanceId"].as_str().unwrap_or_default().to_owned();
            let held = target.resource["tasks"].as_array().map_or(0, Vec::len);
            if held > 0 && !self.is_excused("*") {
                self.find(&format!("{} of {machine}, on which {held} tasks shall run", asked.operation));
            }
        }
    }

    fn ecs_targets(&self, asked: &Asked) -> Vec<Target> {
        let cluster = asked.text("cluster");
        match asked.operation.as_str() {
            "UpdateService" | "DeleteService" => self.service(cluster, asked.text("service")),
            "UpdateCapacityProvider" => self.provider(asked.text("name")),
            "DeleteCapacityProvider" => self.provider(asked.text("capacityProvider")),
            "DeregisterTaskDefinition" => self.revision(asked.text("taskDefinition")),
            "TagResource" | "UntagResource" => self.tagged(asked.text("resourceArn")),
            "UpdateContainerInstancesState"
            | "PutClusterCapacityProviders"
            | "UpdateCluster"
            | "UpdateClusterSettings"
            | "DeleteCluster" => self.cluster(cluster),
            _ => Vec::new(),
        }
    }

    fn tagged(&self, arn: &str) -> Vec<Target> {
        let kind = arn.split(':').nth(5).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        match kind {
            "service" => self.service(arn.split('/').nth(1).unwrap_or_default(), arn),
            "capacity-provider" => self.provider(arn),
            "task-definition" => self.revision(arn),
            _ => self.cluster(arn),
        }
    }

    fn service(&self, cluster: &str, name: &str) -> Vec<Target> {
        let asked = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
        all(&self.see("ecs", "DescribeServices", asked)["services"], &format!("service {name}"))
    }

    fn cluster(&self, name: &str) -> Vec<Target> {
        let asked = json!({"clusters": [name], "include": ["TAGS"]});
        all(&self.see("ecs", "DescribeClusters", asked)["clusters"], &format!("cluster {name}"))
    }

    fn provider(&self, name: &str) -> Vec<Target> {
        let short = name.rsplit('/').next().unwrap_or(name);
        let mut found = self.providers();
        found.retain(|provider| provider["name"] == short);
        found.truncate(1);
        all(&Value::Array(found), &format!("provider {name}"))
    }

    fn revision(&self, name: &str) -> Vec<Target> {
        let seen = self.see("ecs", "DescribeTaskDefinition", json!({"taskDefinition": name, "include": ["TAGS"]}));
        let tags = tags(&seen);
        let resource = seen["taskDefinition"].clone();
        if resource.is_null() { Vec::new() } else { vec![Target { what: format!("revision {name}"), tags, resource }] }
    }

    fn groups(&self, asked: &Asked) -> Vec<Target> {
        if asked.operation == "TerminateInstanceInAutoScalingGroup" {
            return self.machines(&[asked.text("InstanceId").to_owned()]);
        }
        let names = ["AutoScalingGroupName", "Tags.member.1.ResourceId"].map(|name| asked.text(name));
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let seen = self.see("autoscaling", "DescribeAutoScalingGroups", json!({"AutoScalingGroupNames": [name]}));
        all(&seen["AutoScalingGroups"], &format!("group {name}"))
    }

    fn ec2_targets(&self, asked: &Asked) -> Vec<Target> {
        let ids: Vec<String> = (1..100)
            .map(|number| {
                asked.text(&format!("ResourceId.{number}")).to_owned() + asked.text(&format!("InstanceId.{number}"))
            })
            .take_while(|id| !id.is_empty())
            .collect();
        if ids.iter().any(|id| id.starts_with("i-")) {
            return self.machines(&ids);
        }
        let (id, name) = (asked.text("LaunchTemplateId"), asked.text("LaunchTemplateName"));
        let template = ids.first().map_or(id, String::as_str);
        let wanted = match (template, name) {
            ("", "") => return Vec::new(),
            ("", name) => json!({"LaunchTemplateNames": [name]}),
            (id, _) => json!({"LaunchTemplateIds": [id]}),
        };
        all(
            &self.see("ec2", "DescribeLaunchTemplates", wanted)["LaunchTemplates"],
            &format!("template {template}{name}"),
        )
    }

    /// Machines with the tasks that shall run on them; they are ours by their group.
    fn machines(&self, ids: &[String]) -> Vec<Target> {
        let groups = self.see("autoscaling", "DescribeAutoScalingGroups", json!({}));
        let groups = groups["AutoScalingGroups"].as_array().cloned().unwrap_or_default();
        let one = |id: &String| {
            let of = |group: &&Value| {
                group["Instances"].as_array().into_iter().flatten().any(|i| i["InstanceId"] == id.as_str())
            };
            let group = groups.iter().find(of)?;
            let tasks: Vec<String> = self.tasks_on(id);
            let resource = json!({"InstanceId": id, "tasks": tasks});
            Some(Target { what: format!("machine {id}"), tags: tags(group), resource })
        };
        ids.iter().filter_map(one).collect()
    }
}

fn all(list: &Value, what: &str) -> Vec<Target> {
    let one = |resource: &Value| Target { what: what.to_owned(), tags: tags(resource), resource: resource.clone() };
    list.as_array().into_iter().flatten().filter(|resource| resource["status"] != "INACTIVE").map(one).collect()
}

/// Whether something is about to go.
fn is_going(resource: &Value) -> bool {
    resource["status"] == "INACTIVE"
        || resource["updateStatus"] == "DELETE_IN_PROGRESS"
        || resource["status"] == "DEPROVISIONING"
        || resource["Status"].is_string()
}
