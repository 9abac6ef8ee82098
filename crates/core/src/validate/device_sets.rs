//! How many replicas of a service an instance can carry by its devices, and what works for a single set of devices only.
//!
//! Neighbours: called by `service` for pools on which Axon writes device paths; layout chooses the sets. Not here: CPU and
//! memory (`group_fit`).
//!
//! A task definition names the devices of one set on one instance type, so Axon makes an ECS service for each. Whatever
//! must belong to exactly one ECS service cannot be used then.

use crate::diagnostic::Code;
use crate::neuron::{CHIP_PORTS, InstanceType};
use crate::spec::{Devices, NetworkMode, Protocol, ServiceSpec, Strategy};

use super::site::Site;
use super::subject::Subject;

/// Ports on which an instance itself listens: SSH, Docker, and the ECS agent. ECS counts them as taken. Source: ECS API
/// reference, `PortMapping.hostPort`.
const INSTANCE_PORTS: [u16; 6] = [22, 2375, 2376, 51678, 51679, 51680];

/// True if a replica can have its devices on an instance of a type.
pub(super) fn gives(kind: &InstanceType, devices: Devices) -> bool {
    sets(kind, devices) > 0
}

/// How many devices a replica gets on an instance of a type.
pub(super) fn per_replica(kind: &InstanceType, devices: Devices) -> u8 {
    match devices {
        Devices::All => kind.chips,
        Devices::Count(count) => count.get(),
    }
}

/// How many replicas an instance carries by its devices alone.
pub(super) fn sets(kind: &InstanceType, devices: Devices) -> u32 {
    match devices {
        Devices::All => 1,
        Devices::Count(count) => kind.disjoint_sets(count.get()),
    }
}

/// How many replicas an instance carries by its devices and ports. With `AwsVpc` tasks are kept apart by their size.
pub(super) fn per_instance(spec: &ServiceSpec, site: Site<'_>, kind: &InstanceType) -> u32 {
    let alone = site.mode == NetworkMode::AwsVpc || site.has_fixed_ports(spec);
    if alone { sets(kind, spec.devices).min(1) } else { sets(kind, spec.devices) }
}

pub(super) fn check(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>, types: &[&InstanceType]) {
    ports(subject, spec, site);
    let most = types.iter().max_by_key(|kind| sets(kind, spec.devices));
    let Some(most) = most.filter(|kind| gives(kind, spec.devices)) else { return };
    one_replica(subject, spec, site, most);
    let total: u32 = types.iter().map(|kind| sets(kind, spec.devices)).sum();
    if total > 1 {
        single_only(subject, spec, total);
    }
}

fn ports(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>) {
    for (c, container) in spec.template.containers.iter().enumerate() {
        for (p, port) in container.ports.iter().enumerate().filter(|(_, port)| port.protocol == Protocol::Tcp) {
            let Some(number) = site.fixed_port(port) else { continue };
            let why = if CHIP_PORTS.contains(&number) {
                format!("Axon keeps {} to {} to count Neuron chips", CHIP_PORTS.start(), CHIP_PORTS.end())
            } else if site.group().is_some() && INSTANCE_PORTS.contains(&number) {
                "the instance itself listens on it".to_owned()
            } else {
                continue;
            };
            let field = if site.mode == NetworkMode::Host { "containerPort" } else { "hostPort" };
            let at = format!("/spec/template/containers/{c}/ports/{p}/{field}");
            let message = format!("port {number} of the instance is not free: {why}");
            subject.report(Code::HostPortTaken, &at, message, "Choose another port.");
        }
    }
}

fn one_replica(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>, kind: &InstanceType) {
    let has = sets(kind, spec.devices);
    if has < 2 || spec.replicas == Some(1) || site.mode == NetworkMode::AwsVpc || !site.has_fixed_ports(spec) {
        return;
    }
    let message = format!(
        "{} has devices for {has} replicas, but all of them want the same port of the instance, so it carries one",
        kind.name
    );
    let help = "Use mode Bridge without hostPort, or take all devices of a smaller type.";
    subject.report(Code::OneReplicaPerInstance, "/spec/template/containers", message, help);
}

fn single_only(subject: &mut Subject<'_>, spec: &ServiceSpec, sets: u32) {
    let connect = spec.service_connect.as_ref().is_some_and(|connect| !connect.services.is_empty());
    let given = [
        ("/spec/serviceConnect/services", "a name of Service Connect", connect),
        ("/spec/serviceRegistries", "a service registry", !spec.service_registries.is_empty()),
        ("/spec/deployment/strategy", "a strategy that moves traffic", spec.deployment.strategy != Strategy::Rolling),
        ("/spec/replicas", "a number of replicas that others decide", spec.replicas.is_none()),
    ];
    for (at, what, _) in given.into_iter().filter(|(_, _, given)| *given) {
        let message = format!(
            "devices is {}, so Axon makes up to {sets} ECS services, one for each set of devices; {what} belongs to one",
            spec.devices
        );
        let help = if at == "/spec/replicas" {
            "Give `replicas`, or use `devices: all` on a pool with one instance type."
        } else {
            "Use a load balancer with the strategy Rolling, or `devices: all` on a pool with one instance type."
        };
        subject.report(Code::DeviceSets, at, message, help);
    }
}
