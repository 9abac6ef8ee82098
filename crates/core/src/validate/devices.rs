//! Rules for who gets the Neuron devices: how many, which container, and that nobody writes them by hand.
//!
//! Neighbours: called by `service`; counts and sets come from `neuron`. Not here: which replica gets which device.
//!
//! Source: the ECS page on Neuron workloads. On Managed Instances ECS hands out all devices of an instance or none; paths
//! are specific to one instance type; both ways exclude one another in a task definition.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::diagnostic::Code;
use crate::neuron::{InstanceType, Topology};
use crate::spec::{Capacity, Devices, InstanceRequirements, NeuronPool, ServiceSpec};

use super::device_sets::gives;
use super::site::Site;
use super::subject::Subject;
use super::{World, device_sets, exclusive};

const CONTAINERS: &str = "/spec/template/containers";

pub(super) fn check(
    subject: &mut Subject<'_>,
    world: &World<'_>,
    spec: &ServiceSpec,
    site: Site<'_>,
    pools: &[&NeuronPool],
) {
    containers(subject, spec);
    by_hand(subject, spec, site);
    if site.on_managed() {
        number(subject, world, spec, site, pools);
    }
    if site.paths() {
        let types: Vec<&InstanceType> = pools.first().map(|pool| world.types(pool)).unwrap_or_default();
        device_sets::check(subject, spec, site, &types);
    }
}

fn containers(subject: &mut Subject<'_>, spec: &ServiceSpec) {
    let wanting: Vec<usize> = spec
        .template
        .containers
        .iter()
        .enumerate()
        .filter_map(|(index, container)| (container.neuron == Some(true)).then_some(index))
        .collect();
    if let [_, second, ..] = wanting.as_slice() {
        let message =
            format!("{} containers say `neuron: true`; at most one of a task gets the devices", wanting.len());
        let help = "Keep it on one container, or write two services.";
        subject.report(Code::TwoNeuronContainers, &format!("{CONTAINERS}/{second}/neuron"), message, help);
    }
    if !spec.template.containers.is_empty() && spec.template.neuron_container().is_none() {
        let help = "Remove `neuron: false` from the container that runs the model.";
        subject.report(Code::NoNeuronContainer, CONTAINERS, "every container says `neuron: false`", help);
    }
}

/// A number of devices on Managed Instances: paths name devices of one instance type.
fn number(subject: &mut Subject<'_>, world: &World<'_>, spec: &ServiceSpec, site: Site<'_>, pools: &[&NeuronPool]) {
    let Devices::Count(count) = spec.devices else { return };
    let mut types: Vec<&InstanceType> = pools.iter().flat_map(|pool| world.types(pool)).collect();
    types.sort_by_key(|kind| &kind.name);
    types.dedup_by_key(|kind| &kind.name);
    let (Some(pool), [first, rest @ ..]) = (pools.first(), types.as_slice()) else { return };
    if !rest.is_empty() {
        let list: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
        let pools: Vec<&str> = pools.iter().map(|pool| pool.metadata.name.as_str()).collect();
        let message = format!(
            "devices is {count}, and the pool {} matches {} instance types ({}); a number needs exactly one",
            pools.join(", "),
            types.len(),
            list.join(", ")
        );
        let help = "Write `devices: all`, or a pool with a single type.";
        subject.report(Code::DeviceCountNeedsOneType, "/spec/devices", message, help);
    } else if gives(first, spec.devices) {
        exclusive::check(subject, spec, site, (first, 0));
    } else {
        impossible(subject, world, count.get(), pool);
    }
}

/// The numbers of devices a type gives together.
pub(super) fn described(kind: &InstanceType) -> String {
    match kind.topology {
        Topology::Single => "1".to_owned(),
        Topology::Ring => format!("any 1 to {} in a row", kind.chips),
        Topology::Torus4x4 => {
            let counts: Vec<String> = kind.device_counts().iter().map(u8::to_string).collect();
            match counts.split_last() {
                Some((last, others)) if !others.is_empty() => format!("{} or {last} together", others.join(", ")),
                Some((last, _)) => last.clone(),
                None => "none".to_owned(),
            }
        }
    }
}

/// A number of devices that no type of the pool gives together, and what would do.
pub(super) fn impossible(subject: &mut Subject<'_>, world: &World<'_>, count: u8, pool: &NeuronPool) {
    let types = world.types(pool);
    let counts: BTreeSet<u8> = types.iter().flat_map(|kind| kind.device_counts()).collect();
    let near = [counts.range(..count).next_back(), counts.range(count..).next()];
    let near: Vec<String> = near.into_iter().flatten().map(u8::to_string).collect();
    let anyone = InstanceRequirements::default();
    let others = match pool.spec.capacity() {
        Capacity::ManagedInstances(_) => world.catalog.launchable(&anyone),
        Capacity::AutoScalingGroup(_) => world.catalog.matching(&anyone),
    };
    let other = others.into_iter().find(|kind| kind.device_counts().contains(&count));
    let each: Vec<String> = types.iter().map(|kind| format!("{} gives {}", kind.name, described(kind))).collect();
    let message = format!("devices is {count}; {} of the pool {}", each.join(", "), pool.metadata.name);
    let instead = other.map_or_else(String::new, |other| {
        let how = if other.topology == Topology::Ring { "any " } else { "" };
        format!(", or use {}, which gives {how}{count}", other.name)
    });
    let help = format!("Write {}{instead}.", near.join(" or "));
    subject.report(Code::DeviceCountImpossible, "/spec/devices", message, help);
}

/// Devices in overrides.
fn by_hand(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>) {
    let Some(Value::Array(containers)) = spec.overrides.task_definition.get("containerDefinitions") else { return };
    for (index, container) in containers.iter().enumerate() {
        let at = format!("/spec/overrides/taskDefinition/containerDefinitions/{index}");
        let requirements = container.get("resourceRequirements").and_then(Value::as_array);
        let neuron = |item: &Value| matches!(item.get("type").and_then(Value::as_str), Some("NeuronDevice"));
        if requirements.is_some_and(|items| items.iter().any(neuron)) {
            let message = "NeuronDevice is written by hand";
            let help = "Remove it; `devices` decides.";
            subject.report(Code::DevicesByHand, &format!("{at}/resourceRequirements"), message, help);
        }
        let devices = container.pointer("/linuxParameters/devices").and_then(Value::as_array);
        let path = devices.into_iter().flatten().find_map(|device| {
            let paths = [device.get("hostPath"), device.get("containerPath")];
            paths.into_iter().flatten().filter_map(Value::as_str).find(|path| path.starts_with("/dev/neuron"))
        });
        if let Some(path) = path {
            let at = format!("{at}/linuxParameters/devices");
            if spec.devices == Devices::All && site.group().is_none() {
                let message = format!("{path} is written by hand beside `devices: all`; AWS forbids both together");
                subject.report(Code::BothDeviceModes, &at, message, "Remove the paths.");
            } else {
                let message = format!("{path} is written by hand");
                subject.report(Code::DevicesByHand, &at, message, "Remove it; `devices` decides.");
            }
        }
    }
}
