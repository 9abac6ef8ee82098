//! Tasks as ECS describes and lists them. Neighbours: `task` lives them, `run_task` starts them.

use serde_json::{Value, json};

use super::{names, ports, task};
use crate::{
    quirks::StartedByWithStatus,
    state::{Container, Task},
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, array, put, put_some, stamp},
    },
    world::{World, tail},
};

pub(crate) fn task(world: &World, task: &Task, include: &[&str]) -> Value {
    let mut out = json!({
        "attachments": task::attachments(task),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "clusterArn": world.arn(&format!("cluster/{}", task.cluster)),
        "containers": array(task.containers.iter().map(|c| container(task, c))),
        "cpu": task.needs.cpu.to_string(),
        "memory": task.needs.memory.to_string(),
        "desiredStatus": task.desired,
        "lastStatus": task.status,
        "group": task.group,
        "healthStatus": health(task),
        "launchType": task.launch_type,
        "overrides": overrides(task),
        "tags": [],
        "taskArn": task.arn,
        "taskDefinitionArn": task.definition,
        "version": task.version,
        "enableExecuteCommand": task.execute_command.unwrap_or(false),
    });
    put_some(&mut out, "capacityProviderName", task.provider.clone());
    put_some(&mut out, "availabilityZone", task.zone.clone());
    let registered = world.instance_of(task).filter(|i| i.registered_at.is_some());
    put_some(&mut out, "containerInstanceArn", registered.map(|i| i.arn.clone()));
    put_some(&mut out, "startedBy", task.started_by.clone());
    put_some(&mut out, "stopCode", task.stop_code);
    put_some(&mut out, "stoppedReason", task.stopped_reason.clone());
    let times = &task.times;
    if task.status != "PROVISIONING" && times.pull_started.is_some() {
        put(&mut out, "connectivity", "CONNECTED");
        put_some(&mut out, "connectivityAt", times.pull_started.map(stamp));
    }
    for (key, at) in [
        ("createdAt", times.created),
        ("pullStartedAt", times.pull_started),
        ("pullStoppedAt", times.pull_stopped),
        ("startedAt", times.started),
        ("stoppingAt", times.stopping),
        ("executionStoppedAt", times.ended),
        ("stoppedAt", times.stopped),
    ] {
        put_some(&mut out, key, at.map(stamp));
    }
    if include.contains(&"TAGS") {
        put(&mut out, "tags", task.tags.clone());
    }
    out
}

fn overrides(task: &Task) -> Value {
    let mut out = task.overrides.clone();
    let given = out.list("containerOverrides").to_vec();
    let row = |c: &Container| {
        let name = c.definition.text("name");
        given.iter().find(|o| o.text("name") == name).cloned().unwrap_or_else(|| json!({"name": name}))
    };
    put(&mut out, "containerOverrides", array(task.containers.iter().map(row)));
    put(&mut out, "inferenceAcceleratorOverrides", Value::Array(Vec::new()));
    out
}

fn health(task: &Task) -> &'static str {
    let mut all = task.containers.iter().filter(|c| c.definition.has("healthCheck")).map(|c| c.health).peekable();
    if all.peek().is_none() {
        return "UNKNOWN";
    }
    let found: Vec<&str> = all.collect();
    if found.contains(&"UNHEALTHY") {
        "UNHEALTHY"
    } else if found.contains(&"UNKNOWN") {
        "UNKNOWN"
    } else {
        "HEALTHY"
    }
}

fn container(task: &Task, container: &Container) -> Value {
    let definition = &container.definition;
    let mut out = json!({
        "containerArn": container.arn,
        "taskArn": task.arn,
        "name": definition.text("name"),
        "image": definition.text("image"),
        "lastStatus": container.status,
        "networkBindings": ports::bindings(&container.bindings),
        "networkInterfaces": [],
        "healthStatus": container.health,
        "cpu": definition.number("cpu").unwrap_or(0).to_string(),
    });
    put_some(&mut out, "memory", definition.number("memory").map(|m| m.to_string()));
    put_some(&mut out, "memoryReservation", definition.number("memoryReservation").map(|m| m.to_string()));
    put_some(&mut out, "runtimeId", container.runtime_id.clone());
    put_some(&mut out, "exitCode", container.exit_code);
    put_some(&mut out, "reason", container.reason.clone());
    if let Some(interface) = &task.interface {
        let row = json!([{"attachmentId": interface.attachment, "privateIpv4Address": interface.address}]);
        put(&mut out, "networkInterfaces", row);
    }
    if !container.devices.is_empty() {
        put(&mut out, "neuronDeviceIds", array(container.devices.iter().cloned()));
    }
    out
}

/// A task of a cluster by id or ARN.
pub(crate) fn find<'w>(world: &'w World, cluster: &str, named: &str) -> Option<&'w Task> {
    let found = world.state.tasks.get(tail(named)).filter(|t| t.cluster == cluster)?;
    (!named.starts_with("arn:") || found.arn == named).then_some(found)
}

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let wanted = input.strings("tasks");
    names::some_names(&wanted, 100, "tasks")?;
    let include = input.strings("include");
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in &wanted {
        if let Some(t) = find(world, &cluster, named) {
            found.push(task(world, t, &include));
        } else {
            failures.push(names::missing(world, named, &format!("task/{cluster}")));
        }
    }
    Ok(json!({"tasks": found, "failures": failures}))
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    if input.has("daemonName") {
        return Err(Fault::not_modelled("the filter daemonName"));
    }
    let filters = ["containerInstance", "family", "serviceName", "launchType", "startedBy"];
    let used = filters.iter().filter(|f| input.has(f)).count();
    let quirk = world.options.quirks.started_by_with_status;
    let status = input.has("desiredStatus") && quirk == StartedByWithStatus::Rejected;
    if input.has("startedBy") && (used > 1 || status) {
        return Err(Fault::invalid("startedBy must be the only filter."));
    }
    if let Some(name) = input.text("serviceName") {
        let key = names::find_service(world, &cluster, name).ok_or_else(Fault::service_not_found)?;
        if world.state.services.get(&key).is_none_or(|s| s.status == "INACTIVE") {
            return Err(Fault::service_not_found());
        }
    }
    let desired = match input.text("desiredStatus").unwrap_or("RUNNING") {
        // ECS never sets a desired status of PENDING, so this filter finds nothing.
        "PENDING" => return Ok(json!({"taskArns": []})),
        other => other,
    };
    let same = |key: &str, have: Option<&str>| input.text(key).is_none_or(|w| Some(tail(w)) == have);
    let family = |t: &Task| tail(&t.definition).split(':').next().map(str::to_owned);
    let mut found: Vec<&Task> = world
        .state
        .tasks
        .values()
        .filter(|t| t.cluster == cluster && t.desired == desired)
        .filter(|t| same("containerInstance", t.instance.as_deref()))
        .filter(|t| same("serviceName", t.service.as_deref()))
        .filter(|t| same("family", family(t).as_deref()))
        .filter(|t| input.text("launchType").is_none_or(|l| l == t.launch_type))
        .filter(|t| input.text("startedBy").is_none_or(|s| Some(s) == t.started_by.as_deref()))
        .collect();
    found.sort_by_key(|t| t.serial);
    let page =
        cut(world.paging(), found.iter().map(|t| t.arn.clone()).collect(), input, Sizes { usual: 100, most: 100 })?;
    let mut answer = json!({"taskArns": page.items});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
