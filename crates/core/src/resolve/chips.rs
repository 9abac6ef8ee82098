//! Devices by hand: what a task definition says when Axon, and not ECS, chooses the Neuron devices.
//!
//! Part of `resolve`; which replica gets which devices is decided by `layout`, here each possible set is rendered.
//! Source: ECS developer guide, "Task definitions for AWS Neuron machine learning workloads", manual specification.
//!
//! ECS does not count Neuron devices. It does count host ports, over all services of an instance and until a task has
//! really stopped, so each device is reserved as a port that nothing listens on (ADR 008).

use crate::neuron::{DeviceSet, InstanceType, chip_port};
use crate::shape::container::{ContainerDefinition, Device, KernelCapabilities, PortMapping, Ulimit};
use crate::shape::task_definition::TaskDefinitionPlacementConstraint;
use crate::spec::{Capacity, Efa, NetworkMode};

/// One set of devices on one instance type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chips<'a> {
    pub(super) kind: &'a InstanceType,
    pub(super) set: DeviceSet,
    pub(super) capacity: Capacity<'a>,
    pub(super) mode: NetworkMode,
}

impl Chips<'_> {
    pub(super) fn compatibility(&self) -> &'static str {
        match self.capacity {
            Capacity::ManagedInstances(_) => "MANAGED_INSTANCES",
            Capacity::AutoScalingGroup(_) => "EC2",
        }
    }

    /// A task definition with device paths is good for one instance type. Managed Instances know no constraint on the
    /// operating system.
    pub(super) fn constraints(&self) -> Vec<TaskDefinitionPlacementConstraint> {
        let member_of = |expression: String| TaskDefinitionPlacementConstraint {
            r#type: Some("memberOf".to_owned()),
            expression: Some(expression),
        };
        let kind = member_of(format!("attribute:ecs.instance-type == {}", self.kind.name));
        match self.capacity {
            Capacity::ManagedInstances(_) => vec![kind],
            Capacity::AutoScalingGroup(_) => vec![member_of("attribute:ecs.os-type == linux".to_owned()), kind],
        }
    }

    /// Gives the devices to the container that runs the model.
    pub(super) fn give(&self, container: &mut ContainerDefinition) {
        let mut linux = container.linux_parameters.take().unwrap_or_default();
        linux.devices.extend(self.set.ids().map(|id| device(format!("/dev/neuron{id}"), &["read", "write"])));
        if let Capacity::AutoScalingGroup(group) = self.capacity {
            // The Neuron runtime locks memory that the device reads (example of the ECS page).
            let capabilities = linux.capabilities.get_or_insert_with(KernelCapabilities::default);
            if !capabilities.add.iter().any(|name| name == "IPC_LOCK") {
                capabilities.add.push("IPC_LOCK".to_owned());
            }
            if group.efa == Efa::Enabled && self.mode == NetworkMode::Host {
                let fabric = (0..self.kind.efa).map(|card| format!("/dev/infiniband/uverbs{card}"));
                linux.devices.extend(fabric.map(|path| device(path, &["read", "write", "mknod"])));
                if !container.ulimits.iter().any(|limit| limit.name == "memlock") {
                    // libfabric pins its buffers.
                    container.ulimits.push(Ulimit { name: "memlock".to_owned(), soft_limit: -1, hard_limit: -1 });
                }
            }
        }
        container.linux_parameters = Some(linux);
        match self.mode {
            NetworkMode::Bridge | NetworkMode::Host => {
                container.port_mappings.extend(self.set.ids().map(|id| {
                    let port = i32::from(chip_port(id));
                    PortMapping {
                        container_port: Some(port),
                        host_port: Some(port),
                        protocol: Some("tcp".to_owned()),
                        ..PortMapping::default()
                    }
                }));
            }
            // A task with an interface of its own takes no port of the instance; `validate` asks for a size that keeps
            // two of them apart.
            NetworkMode::AwsVpc => {}
        }
    }
}

fn device(path: String, permissions: &[&str]) -> Device {
    Device {
        container_path: Some(path.clone()),
        host_path: path,
        permissions: permissions.iter().map(|&permission| permission.to_owned()).collect(),
    }
}

/// What follows the name of a service in the names of its ECS services and families: nothing if there is just one set.
pub(super) fn suffix(kinds: usize, chips: &Chips<'_>) -> String {
    let kind = if kinds > 1 { format!("-{}", chips.kind.name.replace('.', "-")) } else { String::new() };
    let whole = chips.set.len() == usize::from(chips.kind.chips);
    let set = if whole { String::new() } else { format!("-n{}", chips.set) };
    format!("{kind}{set}")
}
