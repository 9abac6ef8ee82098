//! What RegisterTaskDefinition refuses. Every rule raises ClientException, which is what users of the live API report for
//! this operation; the messages are ours. Neighbours: `task_definition` calls it before `revision_defaults`.

use serde_json::Value;

use super::{
    expression, names, ports,
    revision_defaults::{units, wants_neuron},
};
use crate::wire::{fault::Fault, value::Read};

/// Container members that Managed Instances do not take.
const NOT_ON_MANAGED: [&str; 7] =
    ["disableNetworking", "dnsSearchDomains", "dnsServers", "dockerSecurityOptions", "extraHosts", "hostname", "links"];
/// Linux parameters that Managed Instances do not take.
const NOT_ON_MANAGED_LINUX: [&str; 4] = ["maxSwap", "sharedMemorySize", "swappiness", "tmpfs"];
/// Task members that Managed Instances do not take.
const NOT_ON_MANAGED_TASK: [&str; 4] = ["ephemeralStorage", "inferenceAccelerators", "ipcMode", "proxyConfiguration"];
/// The only attributes that a placement constraint on Managed Instances may name.
pub(crate) const MANAGED_ATTRIBUTES: [&str; 4] = [
    "attribute:ecs.subnet-id",
    "attribute:ecs.availability-zone",
    "attribute:ecs.instance-type",
    "attribute:ecs.cpu-architecture",
];

/// Where the tasks of a definition may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    ManagedInstances,
    Anything,
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::client(message))
}

pub(crate) fn check(input: &Value) -> Result<(), Fault> {
    if !names::plain(input.text("family").unwrap_or_default()) {
        return refuse("Family contains invalid characters: letters, digits, hyphens and underscores, at most 255.");
    }
    if input.to_string().len() > 64 * 1024 {
        return refuse("Actual length of the task definition is over the limit of 64 KiB.");
    }
    modelled(input)?;
    let managed = input.strings("requiresCompatibilities").iter().any(|c| c == "MANAGED_INSTANCES");
    let on = if managed { On::ManagedInstances } else { On::Anything };
    let containers = input.list("containerDefinitions");
    if containers.is_empty() || containers.len() > 10 {
        return refuse("A task definition has from 1 to 10 container definitions.");
    }
    sizes(input)?;
    for container in containers {
        self::container(input, container)?;
    }
    together(input, containers)?;
    placement(input, on)?;
    if on == On::ManagedInstances {
        on_managed(input, containers)?;
    }
    neuron(containers, on)
}

/// What this simulator has no meaning for.
fn modelled(input: &Value) -> Result<(), Fault> {
    for kind in input.strings("requiresCompatibilities") {
        if kind == "FARGATE" || kind == "EXTERNAL" {
            return Err(Fault::not_modelled(format!("task definitions for {kind}")));
        }
    }
    for member in ["trustedExecutionConfiguration", "inferenceAccelerators", "proxyConfiguration", "ephemeralStorage"] {
        let by_aws = input.strings("requiresCompatibilities").iter().any(|c| c == "MANAGED_INSTANCES")
            && NOT_ON_MANAGED_TASK.contains(&member);
        if input.has(member) && !by_aws {
            return Err(Fault::not_modelled(format!("{member} of a task definition")));
        }
    }
    for container in input.list("containerDefinitions") {
        for requirement in container.list("resourceRequirements") {
            if requirement.text("type") == Some("GPU") {
                return Err(Fault::not_modelled("resourceRequirements of type GPU"));
            }
        }
    }
    Ok(())
}

fn sizes(input: &Value) -> Result<(), Fault> {
    let containers = input.list("containerDefinitions");
    for (key, low, high) in [("cpu", 128, 196_608), ("memory", 4, 32_000_000)] {
        let Some(text) = input.text(key) else { continue };
        let Some(size) = units(key, text).filter(|s| (low..=high).contains(s)) else {
            return refuse(format!("Invalid '{key}' setting for task: {text}."));
        };
        let sum: i64 = containers.iter().filter_map(|c| c.number(key).or(c.number("memoryReservation"))).sum();
        if key == "memory" && sum > size {
            return refuse("The containers ask for more memory than the task has.");
        }
        let sum: i64 = containers.iter().filter_map(|c| c.number("cpu")).sum();
        if key == "cpu" && sum > size {
            return refuse("The containers ask for more cpu than the task has.");
        }
    }
    Ok(())
}

fn container(input: &Value, container: &Value) -> Result<(), Fault> {
    let name = container.text("name").unwrap_or_default();
    if !names::plain(name) {
        return refuse("Container.name contains invalid characters or is missing.");
    }
    if container.text("image").unwrap_or_default().is_empty() {
        return refuse("Container.image should not be null or empty.");
    }
    let (hard, soft) = (container.number("memory"), container.number("memoryReservation"));
    if !input.has("memory") && hard.is_none() && soft.is_none() {
        return refuse(format!(
            "At least one of memory and memoryReservation must be given for the container '{name}'."
        ));
    }
    if hard.is_some_and(|m| m < 6) || soft.is_some_and(|m| m < 6) || hard.zip(soft).is_some_and(|(h, s)| s > h) {
        return refuse(format!("Invalid memory setting for the container '{name}'."));
    }
    ports(input, container)?;
    health(container)?;
    let volumes = input.list("volumes");
    for mount in container.list("mountPoints") {
        let source = mount.text("sourceVolume");
        if !volumes.iter().any(|v| v.text("name") == source) {
            return refuse(format!("Unknown volume '{}' in the container '{name}'.", source.unwrap_or_default()));
        }
    }
    let stop = container.number("stopTimeout").unwrap_or(30);
    if !(0..=86_400).contains(&stop) {
        return refuse(format!("Invalid stopTimeout for the container '{name}'."));
    }
    Ok(())
}

fn ports(input: &Value, container: &Value) -> Result<(), Fault> {
    let managed = input.strings("requiresCompatibilities").iter().any(|c| c == "MANAGED_INSTANCES");
    let bridge = matches!(input.text("networkMode"), Some("bridge") | None) && !managed;
    if input.text("networkMode") == Some("none") && !container.list("portMappings").is_empty() {
        return refuse("With the network mode none, port mappings cannot be specified.");
    }
    for port in container.list("portMappings") {
        if port.has("containerPortRange") && !managed {
            return Err(Fault::not_modelled("containerPortRange on EC2"));
        }
        let (inside, host) = (port.number("containerPort"), port.number("hostPort"));
        if inside.is_some_and(|p| !(1..=65_535).contains(&p)) || host.is_some_and(|p| !(0..=65_535).contains(&p)) {
            return refuse("Invalid port in portMappings.");
        }
        if !bridge && host.is_some_and(|h| Some(h) != inside) {
            return refuse("With the network modes awsvpc and host, the host port must equal the container port.");
        }
        if !matches!(port.text("protocol"), None | Some("tcp" | "udp")) {
            return refuse("Invalid protocol in portMappings.");
        }
    }
    Ok(())
}

fn health(container: &Value) -> Result<(), Fault> {
    let Some(check) = container.at("healthCheck") else { return Ok(()) };
    if check.list("command").is_empty() {
        return refuse("A health check must have a command.");
    }
    for (key, low, high) in [("interval", 5, 300), ("timeout", 2, 120), ("retries", 1, 10), ("startPeriod", 0, 300)] {
        if check.number(key).is_some_and(|n| !(low..=high).contains(&n)) {
            return refuse(format!("Invalid {key} of a health check: from {low} to {high}."));
        }
    }
    Ok(())
}

/// Rules between the containers of a task.
fn together(input: &Value, containers: &[Value]) -> Result<(), Fault> {
    let mut seen: Vec<&str> = Vec::new();
    for container in containers {
        let name = container.text("name").unwrap_or_default();
        if seen.contains(&name) {
            return refuse(format!("Duplicate container name '{name}'."));
        }
        seen.push(name);
    }
    if containers.iter().all(|c| c.flag("essential") == Some(false)) {
        return refuse("A task definition must have at least one essential container.");
    }
    for container in containers {
        for need in container.list("dependsOn") {
            let on = need.text("containerName").unwrap_or_default();
            let Some(target) = containers.iter().find(|c| c.text("name") == Some(on)) else {
                return refuse(format!("Unknown container '{on}' in dependsOn."));
            };
            if on == container.text("name").unwrap_or_default() {
                return refuse(format!("The container '{on}' depends on itself."));
            }
            if need.text("condition") == Some("HEALTHY") && !target.has("healthCheck") {
                return refuse(format!("The container '{on}' has no health check to depend on."));
            }
        }
    }
    let mut fixed = std::collections::BTreeSet::new();
    if let Some(twice) = ports::asked(input).into_iter().find(|p| !fixed.insert(*p)) {
        return refuse(format!("The host port {} is mapped more than once.", twice.number));
    }
    let volumes = input.list("volumes");
    if volumes.iter().any(|v| v.text("name").unwrap_or_default().is_empty()) {
        return refuse("A volume must have a name.");
    }
    Ok(())
}

fn placement(input: &Value, on: On) -> Result<(), Fault> {
    let constraints = input.list("placementConstraints");
    if constraints.len() > 10 {
        return refuse("A task definition can have at most 10 placement constraints.");
    }
    for constraint in constraints {
        check_expression(constraint.text("expression").unwrap_or_default(), on)?;
    }
    Ok(())
}

/// Checks one memberOf expression.
pub(crate) fn check_expression(text: &str, on: On) -> Result<(), Fault> {
    if text.len() > 2000 {
        return refuse("An expression can have at most 2000 characters.");
    }
    let parsed = expression::parse(text).map_err(|e| Fault::client(format!("Invalid expression '{text}': {e}")))?;
    if on == On::ManagedInstances
        && let Some(bad) = parsed.subjects().into_iter().find(|s| !MANAGED_ATTRIBUTES.contains(s))
    {
        return refuse(format!("'{bad}' cannot be used in a placement constraint on Managed Instances."));
    }
    Ok(())
}

fn on_managed(input: &Value, containers: &[Value]) -> Result<(), Fault> {
    let no = |member: &str| refuse(format!("'{member}' is not supported on Managed Instances."));
    if let Some(member) = NOT_ON_MANAGED_TASK.iter().find(|m| input.has(m)) {
        return no(member);
    }
    if !matches!(input.text("networkMode"), None | Some("awsvpc" | "host")) {
        return refuse("Managed Instances support the network modes awsvpc and host only.");
    }
    if let Some(volume) = input
        .list("volumes")
        .iter()
        .find(|v| v.has("dockerVolumeConfiguration") || v.has("fsxWindowsFileServerVolumeConfiguration"))
    {
        return no(&format!("volume {}", volume.text("name").unwrap_or_default()));
    }
    for container in containers {
        if let Some(member) = NOT_ON_MANAGED.iter().find(|m| container.has(m)) {
            return no(member);
        }
        let linux = container.at("linuxParameters").unwrap_or(&Value::Null);
        if let Some(member) = NOT_ON_MANAGED_LINUX.iter().find(|m| linux.has(m)) {
            return no(member);
        }
        let log = container.at("logConfiguration").unwrap_or(&Value::Null);
        let driver = log.text("logDriver");
        if driver.is_some_and(|d| !["awslogs", "splunk", "awsfirelens", "json-file"].contains(&d)) {
            return no(driver.unwrap_or_default());
        }
        let prefix = log.at("options").is_some_and(|o| o.has("awslogs-stream-prefix"));
        if driver == Some("awslogs") && !prefix {
            return refuse("The log driver awslogs needs the option awslogs-stream-prefix on Managed Instances.");
        }
        if container.list("resourceRequirements").iter().any(|r| r.text("type") == Some("InferenceAccelerator")) {
            return no("InferenceAccelerator");
        }
    }
    Ok(())
}

/// The rules of the ECS page on AWS Neuron workloads.
fn neuron(containers: &[Value], on: On) -> Result<(), Fault> {
    let asking = containers.iter().filter(|c| wants_neuron(c)).count();
    if asking == 0 {
        return Ok(());
    }
    if on == On::Anything {
        return refuse("NeuronDevice needs the compatibility MANAGED_INSTANCES.");
    }
    if asking > 1 {
        return refuse("Only one container definition of a task can ask for NeuronDevice.");
    }
    for container in containers {
        let requirements = container.list("resourceRequirements");
        let neuron: Vec<&Value> = requirements.iter().filter(|r| r.text("type") == Some("NeuronDevice")).collect();
        if neuron.len() > 1 || neuron.iter().any(|r| r.text("value") != Some("ALL")) {
            return refuse("NeuronDevice must be asked for once, with the value ALL.");
        }
        if !device_paths(container).is_empty() {
            return refuse("NeuronDevice cannot be mixed with Neuron devices in linuxParameters.");
        }
    }
    Ok(())
}

/// Host paths of Neuron devices that a container names itself.
pub(crate) fn device_paths(container: &Value) -> Vec<String> {
    let devices = container.at("linuxParameters").unwrap_or(&Value::Null).list("devices");
    let paths = devices.iter().filter_map(|d| d.text("hostPath"));
    paths.filter(|p| p.starts_with("/dev/neuron")).map(str::to_owned).collect()
}
