//! Rules for who gets the Neuron devices: how many, which container, and that nobody writes them by hand.
//!
//! Neighbours: called by `service`; counts and sets come from `neuron`. Not here: which replica gets which device.
//!
//! Source: the ECS page on Neuron workloads. On Managed Instances ECS hands out all devices of an instance or none; paths
//! written by hand are specific to one instance type; both ways exclude one another in a task definition.

use serde_json::Value;

use crate::diagnostic::Code;
use crate::spec::{Devices, NeuronPool, ServiceSpec};

use super::World;
use super::subject::Subject;

const CONTAINERS: &str = "/spec/template/containers";

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, spec: &ServiceSpec, pools: &[&NeuronPool]) {
    containers(subject, spec);
    by_hand(subject, spec);
    if let Devices::Count(count) = spec.devices {
        for pool in pools {
            number(subject, world, count.get(), pool);
        }
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

/// A number of devices: impossible, or possible only later.
fn number(subject: &mut Subject<'_>, world: &World<'_>, count: u8, pool: &NeuronPool) {
    let types = world.catalog.launchable(&pool.spec.managed_instances.instance_requirements);
    let name = &pool.metadata.name;
    let at = "/spec/devices";
    let [only] = types.as_slice() else {
        let list: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
        let message = format!(
            "devices is {count}, and the pool {name} matches {} instance types ({}); a number needs exactly one",
            types.len(),
            list.join(", ")
        );
        let help = "Write `devices: all`, or a pool with a single type.";
        subject.report(Code::DeviceCountNeedsOneType, at, message, help);
        return;
    };
    let counts = only.device_counts();
    if counts.contains(&count) {
        let message = format!("devices is {count}; this version gives a replica all devices of its {}", only.name);
        let help = "Write `devices: all`; numbers on managed pools come with the next milestone.";
        subject.report(Code::DeviceCountNotYet, at, message, help);
    } else {
        let allowed: Vec<String> = counts.iter().map(u8::to_string).collect();
        let message = format!("devices is {count}; {} of the pool {name} has {} chips", only.name, only.chips);
        let help = format!("{} can give out {} together.", only.name, allowed.join(", "));
        subject.report(Code::DeviceCountImpossible, at, message, help);
    }
}

/// Devices in overrides.
fn by_hand(subject: &mut Subject<'_>, spec: &ServiceSpec) {
    let Some(Value::Array(containers)) = spec.overrides.task_definition.get("containerDefinitions") else { return };
    for (index, container) in containers.iter().enumerate() {
        let at = format!("/spec/overrides/taskDefinition/containerDefinitions/{index}");
        let requirements = container.get("resourceRequirements").and_then(Value::as_array);
        let neuron = |item: &Value| matches!(item.get("type").and_then(Value::as_str), Some("NeuronDevice"));
        if requirements.is_some_and(|items| items.iter().any(neuron)) {
            let message = "NeuronDevice is written by hand";
            let help = "Remove it; `devices: all` writes it.";
            subject.report(Code::DevicesByHand, &format!("{at}/resourceRequirements"), message, help);
        }
        let devices = container.pointer("/linuxParameters/devices").and_then(Value::as_array);
        let path = devices.into_iter().flatten().find_map(|device| {
            let paths = [device.get("hostPath"), device.get("containerPath")];
            paths.into_iter().flatten().filter_map(Value::as_str).find(|path| path.starts_with("/dev/neuron"))
        });
        if let Some(path) = path {
            let at = format!("{at}/linuxParameters/devices");
            match spec.devices {
                Devices::All => {
                    let message = format!("{path} is written by hand beside `devices: all`; AWS forbids both together");
                    subject.report(Code::BothDeviceModes, &at, message, "Remove the paths.");
                }
                Devices::Count(_) => {
                    let message = format!("{path} is written by hand");
                    subject.report(Code::DevicesByHand, &at, message, "Remove it; `devices` decides.");
                }
            }
        }
    }
}
