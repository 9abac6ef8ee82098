//! What an account amounts to, without ids, times and what may differ between two ways to the same end.
//!
//! Neighbours: `play` compares the portrait after a history with that of a fresh installation of the last specification.
//! Read through the simulator's own operations; everything that carries our tags is in it, declared or not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::audit::tags;
use super::fleet::CLUSTER;
use crate::World;

/// Tags that tell of the way, not of the end; and what the layout has chosen.
const OF_THE_WAY: [&str; 6] = [
    "neuron.ecs/revision",
    "neuron.ecs/pushed-after",
    "neuron.ecs/quarantined",
    "neuron.ecs/devices",
    "neuron.ecs/instance-type",
    "neuron.ecs/fingerprint",
];

type Tags = BTreeMap<String, String>;

/// The portrait of everything with our tags.
pub fn portrait(world: &World) -> Value {
    let cluster = world.cluster(CLUSTER);
    let (providers, counts) = providers(world);
    json!({
        "cluster": {"status": cluster["status"], "settings": cluster["settings"], "tags": kept(&cluster)},
        "associated": counts,
        "providers": providers,
        "groups": groups(world),
        "services": services(world),
    })
}

fn ours(tags: &Tags) -> bool {
    tags.contains_key("neuron.ecs/managed-by")
}

fn kept(resource: &Value) -> Tags {
    let mut all = tags(resource);
    all.retain(|key, _| !OF_THE_WAY.contains(&key.as_str()));
    all
}

fn name(tags: &Tags) -> String {
    tags.get("neuron.ecs/name").cloned().unwrap_or_default()
}

/// By pool; and how many of each pool the cluster has.
fn providers(world: &World) -> (BTreeMap<String, Vec<Value>>, BTreeMap<String, usize>) {
    let cluster = world.act("DescribeCapacityProviders", &json!({"cluster": CLUSTER, "include": ["TAGS"]}));
    let account = world.act("DescribeCapacityProviders", &json!({"include": ["TAGS"]}));
    let associated = world.cluster(CLUSTER)["capacityProviders"].clone();
    let mut by_name = BTreeMap::new();
    for provider in [cluster, account].iter().filter_map(|answer| answer["capacityProviders"].as_array()).flatten() {
        by_name.insert(provider["name"].as_str().unwrap_or_default().to_owned(), provider.clone());
    }
    by_name.retain(|_, provider| provider["status"] != "INACTIVE" && ours(&tags(provider)));
    let (mut found, mut counts): (BTreeMap<String, Vec<Value>>, BTreeMap<String, usize>) = Default::default();
    for (own, provider) in by_name {
        let pool = name(&tags(&provider));
        if associated.as_array().into_iter().flatten().any(|known| known == own.as_str()) {
            *counts.entry(pool.clone()).or_default() += 1;
        }
        let mut group = provider["autoScalingGroupProvider"].clone();
        if let Some(members) = group.as_object_mut() {
            members.remove("autoScalingGroupArn");
        }
        let seen = json!({
            "status": provider["status"],
            "managed": provider["managedInstancesProvider"],
            "group": group,
            "tags": kept(&provider),
        });
        found.entry(pool).or_default().push(seen);
    }
    (found, counts)
}

/// By pool, each with what its instances are launched from.
fn groups(world: &World) -> BTreeMap<String, Vec<Value>> {
    let seen = world.act_on("autoscaling", "DescribeAutoScalingGroups", &json!({}));
    let listed = seen["AutoScalingGroups"].as_array().cloned().unwrap_or_default();
    let templates = world.act_on("ec2", "DescribeLaunchTemplates", &json!({}));
    let count = |pool: &str| {
        let all = templates["LaunchTemplates"].as_array().into_iter().flatten().map(tags);
        all.filter(|tags| ours(tags) && name(tags) == pool).count()
    };
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for group in listed.iter().filter(|group| ours(&tags(group))) {
        let pool = name(&tags(group));
        let portrait = json!({
            "min": group["MinSize"],
            "max": group["MaxSize"],
            "subnets": group["VPCZoneIdentifier"],
            "launches": launched(world, group),
            "templates": count(&pool),
            "tags": kept(group),
        });
        found.entry(pool).or_default().push(portrait);
    }
    // A template whose group is gone is an orphan, and shows here.
    for tags in templates["LaunchTemplates"].as_array().into_iter().flatten().map(tags).filter(ours) {
        found.entry(name(&tags)).or_default();
    }
    found
}

fn launched(world: &World, group: &Value) -> Value {
    let own = &group["LaunchTemplate"];
    let mixed = &group["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"];
    let template = if own.is_object() { own } else { mixed };
    let asked = json!({"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template["Version"]]});
    let seen = world.try_on("ec2", "DescribeLaunchTemplateVersions", &asked);
    let data = seen.map_or(Value::Null, |seen| seen["LaunchTemplateVersions"][0]["LaunchTemplateData"].clone());
    json!({"image": data["ImageId"], "type": data["InstanceType"], "userData": data["UserData"]})
}

/// By object: the tasks of all of its ECS services together, and what they run.
fn services(world: &World) -> BTreeMap<String, Value> {
    let listed = world.act("ListServices", &json!({"cluster": CLUSTER, "maxResults": 100}));
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for arn in listed["serviceArns"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let service = world.service(CLUSTER, arn);
        let all = tags(&service);
        if !ours(&all) {
            continue;
        }
        let mut seen = json!({
            "deployments": service["deployments"].as_array().map(Vec::len),
            "configuration": service["deploymentConfiguration"],
            "containers": containers(world, &service),
            "tags": kept(&service),
        });
        let object = name(&all);
        let before = found
            .get(&object)
            .map_or([0, 0], |known| [&known["desired"], &known["running"]].map(|n| n.as_u64().unwrap_or(0)));
        seen["desired"] = json!(before[0] + service["desiredCount"].as_u64().unwrap_or(0));
        seen["running"] = json!(before[1] + service["runningCount"].as_u64().unwrap_or(0));
        found.insert(object, seen);
    }
    found
}

/// Containers with how many devices and ports they have, not which.
fn containers(world: &World, service: &Value) -> Value {
    let seen = world.act("DescribeTaskDefinition", &json!({"taskDefinition": service["taskDefinition"]}));
    let mut containers = seen["taskDefinition"]["containerDefinitions"].clone();
    for container in containers.as_array_mut().into_iter().flatten() {
        let devices = container["linuxParameters"]["devices"].as_array().map(Vec::len);
        container["linuxParameters"]["devices"] = json!(devices);
        container["portMappings"] = json!(container["portMappings"].as_array().map(Vec::len));
        for variable in container["environment"].as_array_mut().into_iter().flatten() {
            if variable["name"] == "NEURON_RT_VISIBLE_CORES" || variable["name"] == "AWS_NEURON_VISIBLE_DEVICES" {
                variable["value"] = Value::Null;
            }
        }
    }
    containers
}
