//! Container instances as ECS describes and lists them. Neighbours: `instance` changes them, `capacity` counts what is left.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    capacity::{self, Registered, Room},
    expression, instance, machines, names, ports,
};
use crate::{
    quirks::NeuronResource,
    state::{Host, Instance, Port, Protocol},
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put, put_some, stamp},
    },
    world::World,
};

pub(crate) fn instance(world: &World, instance: &Instance, include: &[&str]) -> Value {
    let tasks = || world.state.tasks_on_instance(&instance.id);
    let full = capacity::registered(instance);
    let none = BTreeSet::new();
    let attributes: Vec<Value> = instance
        .attributes
        .iter()
        .map(|(name, value)| match value {
            Some(value) => json!({"name": name, "value": value}),
            None => json!({"name": name}),
        })
        .collect();
    let mut out = json!({
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_id,
        "version": instance.version,
        "versionInfo": {"agentVersion": instance.agent_version, "agentHash": "00000000", "dockerVersion": runtime(instance)},
        "remainingResources": resources(world, capacity::remaining(world, instance), full, &ports::held(world, instance)),
        "registeredResources": resources(world, full, full, &none),
        "status": instance.status,
        "agentConnected": machines::connected(world, instance),
        "runningTasksCount": tasks().filter(|t| t.status == "RUNNING").count(),
        "pendingTasksCount": tasks().filter(|t| super::describe::starting(t.status)).count(),
        "attributes": attributes,
        "attachments": [],
        "tags": [],
    });
    put_some(&mut out, "capacityProviderName", instance.provider.clone());
    put_some(&mut out, "registeredAt", instance.registered_at.map(stamp));
    if include.contains(&"TAGS") {
        put(&mut out, "tags", instance.tags.clone());
    }
    if include.contains(&"CONTAINER_INSTANCE_HEALTH") {
        put(&mut out, "healthStatus", health(instance));
    }
    out
}

fn runtime(instance: &Instance) -> &'static str {
    match instance.host {
        Host::Managed => "containerd",
        Host::Machine => "DockerVersion: 25.0.13",
    }
}

fn resources(world: &World, room: Room, full: Room, held: &BTreeSet<Port>) -> Value {
    let integer = |name: &str, value: i64| json!({"name": name, "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": value});
    let set = |name: &str, values: &[String]| {
        json!({"name": name, "type": "STRINGSET", "doubleValue": 0.0, "longValue": 0, "integerValue": 0,
               "stringSetValue": values})
    };
    let mut out = vec![
        integer("CPU", room.cpu),
        integer("MEMORY", room.memory),
        set("PORTS", &ports::listed(held, Protocol::Tcp)),
        set("PORTS_UDP", &ports::listed(held, Protocol::Udp)),
    ];
    if full.chips > 0 {
        let ids: Vec<String> = (0..room.chips).map(|n| n.to_string()).collect();
        out.push(match world.options.quirks.neuron_resource {
            NeuronResource::Integer => integer("NEURON_DEVICES", room.chips),
            NeuronResource::StringSet => set("NEURON_DEVICES", &ids),
        });
    }
    Value::Array(out)
}

fn health(instance: &Instance) -> Value {
    let since = instance.registered_at.map(stamp);
    let row = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastUpdated": since, "lastStatusChange": since});
    let accelerators = if instance.impaired { "IMPAIRED" } else { "OK" };
    let mut details = vec![row("CONTAINER_RUNTIME", "OK")];
    if instance.kind.accelerators > 0 {
        details.push(row("ACCELERATED_COMPUTE", accelerators));
    }
    json!({"overallStatus": accelerators, "details": details})
}

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let wanted = input.strings("containerInstances");
    names::some_names(&wanted, 100, "containerInstances")?;
    let include = input.strings("include");
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in &wanted {
        if let Some(i) = instance::find(world, &cluster, named) {
            found.push(instance(world, i, &include));
        } else {
            failures.push(names::missing(world, named, &format!("container-instance/{cluster}")));
        }
    }
    Ok(json!({"containerInstances": found, "failures": failures}))
}

/// Without a status everything is listed but what is INACTIVE, as the API reference says.
pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let filter = input.text("filter").map(expression::parse).transpose().map_err(Fault::invalid)?;
    let status = input.text("status");
    let mut found: Vec<&Instance> = world
        .state
        .instances
        .values()
        .filter(|i| i.cluster == cluster && i.registered())
        .filter(|i| status.is_none_or(|s| s == i.status))
        .filter(|i| filter.as_ref().is_none_or(|f| f.holds(&Registered(world, i))))
        .collect();
    found.sort_by_key(|i| i.serial);
    let page =
        cut(world.paging(), found.iter().map(|i| i.arn.clone()).collect(), input, Sizes { usual: 100, most: 100 })?;
    let mut answer = json!({"containerInstanceArns": page.items});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
