//! What ECS fills into a task definition before it describes it. Neighbours: `task_definition` registers with it,
//! `revision_validate` has already accepted the document. Sources: the ECS API reference's defaults, and the differences
//! that Terraform's AWS provider has to suppress.

use serde_json::{Value, json};

use crate::{
    quirks::DeviceDefaults,
    wire::value::{Read, array, fill, put},
    world::World,
};

/// The document as DescribeTaskDefinition returns it, without ARN, revision and times.
pub(crate) fn fill_in(world: &World, input: &Value) -> Value {
    let mut out = input.clone();
    if let Some(map) = out.as_object_mut() {
        map.remove("tags");
    }
    for key in ["volumes", "placementConstraints"] {
        fill(&mut out, key, json!([]));
    }
    let managed = input.strings("requiresCompatibilities").iter().any(|c| c == "MANAGED_INSTANCES");
    // The API's default is bridge. Managed Instances have no bridge; that awsvpc stands in for it there is a guess.
    fill(&mut out, "networkMode", if managed { "awsvpc" } else { "bridge" });
    for key in ["cpu", "memory"] {
        if let Some(units) = input.text(key).and_then(|t| units(key, t)) {
            put(&mut out, key, units.to_string());
        }
    }
    for key in ["taskRoleArn", "executionRoleArn"] {
        if let Some(role) = input.text(key).filter(|r| !r.starts_with("arn:")) {
            put(&mut out, key, format!("arn:aws:iam::{}:role/{role}", world.options.account));
        }
    }
    let mode = out.text("networkMode").unwrap_or_default().to_owned();
    let containers = input.list("containerDefinitions").iter().map(|c| container(world, c, &mode));
    put(&mut out, "containerDefinitions", array(containers));
    let (attributes, compatibilities) = (attributes(&out), compatibilities(&out));
    put(&mut out, "requiresAttributes", attributes);
    put(&mut out, "compatibilities", compatibilities);
    out
}

fn container(world: &World, input: &Value, mode: &str) -> Value {
    let mut out = input.clone();
    fill(&mut out, "cpu", 0);
    fill(&mut out, "essential", true);
    for key in ["environment", "mountPoints", "volumesFrom", "portMappings", "systemControls"] {
        fill(&mut out, key, json!([]));
    }
    let ports = out.list("portMappings").iter().map(|port| {
        let mut port = port.clone();
        fill(&mut port, "protocol", "tcp");
        if let Some(number) = port.at("containerPort").cloned() {
            fill(&mut port, "hostPort", if mode == "bridge" { json!(0) } else { number });
        }
        port
    });
    let ports = array(ports.collect::<Vec<_>>());
    put(&mut out, "portMappings", ports);
    if let Some(mut check) = out.at("healthCheck").cloned() {
        fill(&mut check, "interval", 30);
        fill(&mut check, "timeout", 5);
        fill(&mut check, "retries", 3);
        put(&mut out, "healthCheck", check);
    }
    let mut linux = out.at("linuxParameters").cloned();
    if let Some(linux) = linux.as_mut().filter(|l| l.has("devices")) {
        let devices: Vec<Value> = linux.list("devices").iter().map(|d| device(world, d)).collect();
        put(linux, "devices", devices);
    }
    if let Some(linux) = linux {
        put(&mut out, "linuxParameters", linux);
    }
    out
}

fn device(world: &World, input: &Value) -> Value {
    let mut out = input.clone();
    if world.options.quirks.device_defaults == DeviceDefaults::Filled {
        fill(&mut out, "containerPath", input.text("hostPath").unwrap_or_default());
        fill(&mut out, "permissions", json!(["read", "write", "mknod"]));
    }
    out
}

/// Task cpu and memory: a number of units, or `1 vCPU`, or `2 GB`.
pub(crate) fn units(key: &str, text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return Some(number);
    }
    let lower = text.to_ascii_lowercase();
    let number = lower.strip_suffix(if key == "cpu" { "vcpu" } else { "gb" })?.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = format!("{part:0<3}").get(..3)?.parse::<i64>().ok()?;
    Some((whole.parse::<i64>().ok()? * 1000 + part) * 1024 / 1000)
}

/// The agent capabilities that follow from the members modelled here; AWS derives more from the rest.
fn attributes(document: &Value) -> Value {
    let mut names = Vec::new();
    if document.has("taskRoleArn") {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if document.has("executionRoleArn") {
        names.push("ecs.capability.execution-role-awslogs");
    }
    if document.text("networkMode") == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    if document.list("containerDefinitions").iter().any(|c| c.has("healthCheck")) {
        names.push("ecs.capability.container-health-check");
    }
    array(names.into_iter().map(|n| json!({"name": n})))
}

/// Which launch types could run it. AWS computes this by rules it does not publish; here EC2 can run everything but managed
/// Neuron devices, and Managed Instances what was registered for them.
fn compatibilities(document: &Value) -> Value {
    let managed = document.strings("requiresCompatibilities").iter().any(|c| c == "MANAGED_INSTANCES");
    let mut names = Vec::new();
    if !document.list("containerDefinitions").iter().any(wants_neuron) {
        names.push("EC2");
    }
    if managed {
        names.push("MANAGED_INSTANCES");
    }
    array(names)
}

/// Whether a container asks for managed Neuron devices.
pub(crate) fn wants_neuron(container: &Value) -> bool {
    container.list("resourceRequirements").iter().any(|r| r.text("type") == Some("NeuronDevice"))
}
