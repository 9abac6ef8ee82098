//! Where the tasks of a service run, as far as its pools are valid: kind of instances and network mode.
//!
//! Neighbours: made by `service`, read by the rules that hold on one kind of instances only. Not here: the rules.

use crate::spec::{AutoScalingGroup, Capacity, Container, Devices, NetworkMode, NeuronPool, Port, ServiceSpec};

/// Where the tasks of a service run. Without a valid pool it is neither kind, and rules of both are silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    capacity: Option<Capacity<'a>>,
    pub(super) mode: NetworkMode,
    devices: Devices,
}

impl<'a> Site<'a> {
    pub(super) fn of(spec: &ServiceSpec, pools: &[&'a NeuronPool]) -> Self {
        let capacity = pools.first().map(|pool| pool.spec.capacity());
        let mode = capacity.map(|capacity| spec.networking.mode_on(capacity)).or(spec.networking.mode);
        Self { capacity, mode: mode.unwrap_or(NetworkMode::AwsVpc), devices: spec.devices }
    }

    pub(super) fn on_managed(self) -> bool {
        self.capacity.is_some_and(Capacity::is_managed)
    }

    /// The settings of the Auto Scaling groups, if it is those.
    pub(super) fn group(self) -> Option<&'a AutoScalingGroup> {
        match self.capacity {
            Some(Capacity::AutoScalingGroup(group)) => Some(group),
            Some(Capacity::ManagedInstances(_)) | None => None,
        }
    }

    /// True if Axon writes device paths: for a number of devices, and in Auto Scaling groups always.
    pub(super) fn paths(self) -> bool {
        self.group().is_some() || (self.on_managed() && self.devices != Devices::All)
    }

    /// The port of the instance that a container's port takes for certain.
    pub(super) fn fixed_port(self, port: &Port) -> Option<u16> {
        match self.mode {
            NetworkMode::AwsVpc => None,
            NetworkMode::Host => Some(port.container_port),
            NetworkMode::Bridge => port.host_port.filter(|port| *port != 0),
        }
    }

    /// True if two replicas would want the same port of an instance.
    pub(super) fn has_fixed_ports(self, spec: &ServiceSpec) -> bool {
        let ports = |container: &Container| container.ports.iter().any(|port| self.fixed_port(port).is_some());
        spec.template.containers.iter().any(ports)
    }
}
