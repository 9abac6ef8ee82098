//! Rules for what sends traffic to a service: target groups, Cloud Map, Service Connect, VPC Lattice.
//!
//! Neighbours: called by `service`; the containers' own ports are in `task`. Not here: how traffic moves between versions
//! (`rollout`).

use std::collections::BTreeSet;

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{Container, LoadBalancer, Name, NetworkMode, NeuronPool, ServiceConnect, ServiceSpec, Template};

use super::arn::{self, Resource};
use super::container::logging;
use super::site::Site;
use super::subject::Subject;
use super::task::is_port_name;
use super::{Referred, World};

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, spec: &ServiceSpec, pool: Option<&NeuronPool>) {
    if spec.load_balancers.len() > 5 {
        let message = format!("{} load balancers; ECS takes 5", spec.load_balancers.len());
        subject.report(Code::TooManyTargets, "/spec/loadBalancers", message, "Remove some.");
    }
    for (index, target) in spec.load_balancers.iter().enumerate() {
        load_balancer(subject, spec, target, &format!("/spec/loadBalancers/{index}"));
        target_type(subject, spec, pool, index);
    }
    registries(subject, spec, Site::of(spec, pool.as_slice()));
    for (index, lattice) in spec.vpc_lattice.iter().enumerate() {
        let at = format!("/spec/vpcLattice/{index}");
        arn::check(subject, &format!("{at}/targetGroupArn"), &lattice.target_group_arn, Resource::LatticeTargetGroup);
        arn::check(subject, &format!("{at}/roleArn"), &lattice.role_arn, Resource::Role);
        named_port(subject, &spec.template, &lattice.port_name, &format!("{at}/portName"));
    }
    if let Some(connect) = &spec.service_connect {
        namespace(subject, world, connect, pool);
        service_connect(subject, spec, connect);
    }
}

fn load_balancer(subject: &mut Subject<'_>, spec: &ServiceSpec, target: &LoadBalancer, at: &str) {
    arn::check(subject, &format!("{at}/targetGroupArn"), &target.target_group_arn, Resource::TargetGroup);
    let container = match &target.container {
        Some(name) => container_named(subject, &spec.template, name, &format!("{at}/container")),
        None => spec.template.neuron_container(),
    };
    if let Some(container) = container {
        container_port(subject, container, target.port, &format!("{at}/port"));
    }
    if let Some(shift) = &target.traffic_shift {
        let at = format!("{at}/trafficShift");
        let alternate = &shift.alternate_target_group_arn;
        arn::check(subject, &format!("{at}/alternateTargetGroupArn"), alternate, Resource::TargetGroup);
        let production = &shift.production_listener_rule_arn;
        arn::check(subject, &format!("{at}/productionListenerRuleArn"), production, Resource::Listener);
        let test = shift.test_listener_rule_arn.as_ref();
        arn::check_optional(subject, &format!("{at}/testListenerRuleArn"), test, Resource::Listener);
        arn::check(subject, &format!("{at}/roleArn"), &shift.role_arn, Resource::Role);
    }
}

/// With the instance's ports the targets are instances. A spec that says `Host` is told so; with `Bridge`, the usual mode
/// of Auto Scaling groups, every document of AWS says it.
fn target_type(subject: &mut Subject<'_>, spec: &ServiceSpec, pool: Option<&NeuronPool>, index: usize) {
    if Site::of(spec, pool.as_slice()).mode == NetworkMode::Host {
        let message = "with mode Host the target group must be of type instance, which cannot be seen offline";
        let at = format!("/spec/loadBalancers/{index}/targetGroupArn");
        subject.report(Code::HostTargetType, &at, message, "Check the target group.");
    }
}

fn registries(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>) {
    for (index, registry) in spec.service_registries.iter().enumerate() {
        let at = format!("/spec/serviceRegistries/{index}");
        arn::check(subject, &format!("{at}/registryArn"), &registry.registry_arn, Resource::CloudMapService);
        if registry.container.is_some() != registry.port.is_some() {
            let message = "container and port are given together or not at all";
            subject.report(Code::RegistryTarget, &at, message, "Give both for SRV records, none for A records.");
        } else if registry.container.is_none() && site.mode != NetworkMode::AwsVpc {
            let message = format!("with mode {:?} only SRV records can be registered, which need a port", site.mode);
            subject.report(Code::RegistryTarget, &at, message, "Give container and port.");
        }
        if let Some(name) = &registry.container
            && let Some(container) = container_named(subject, &spec.template, name, &format!("{at}/container"))
            && registry.port.is_some()
        {
            container_port(subject, container, registry.port, &format!("{at}/port"));
        }
    }
}

fn container_named<'a>(
    subject: &mut Subject<'_>,
    template: &'a Template,
    name: &Name,
    at: &str,
) -> Option<&'a Container> {
    let found = template.containers.iter().find(|container| container.name == *name);
    if found.is_none() {
        let names = template.containers.iter().map(|container| container.name.as_str());
        let help = did_you_mean(name.as_str(), names).unwrap_or_default();
        subject.report(Code::UnknownContainer, at, format!("the template has no container {name}"), help);
    }
    found
}

fn container_port(subject: &mut Subject<'_>, container: &Container, port: Option<u16>, at: &str) {
    let ports: Vec<u16> = container.ports.iter().map(|port| port.container_port).collect();
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let has = if ports.is_empty() { "no ports".to_owned() } else { format!("the ports {list}") };
    match port {
        Some(port) if !ports.contains(&port) => {
            let message = format!("the container {} has {has}, not {port}", container.name);
            subject.report(Code::UnknownPort, at, message, "Use one of its ports, or add it.");
        }
        None if ports.len() != 1 => {
            let message = format!("no port is given, and the container {} has {has}", container.name);
            subject.report(Code::UnknownPort, at, message, "Give the port.");
        }
        Some(_) | None => {}
    }
}

fn named_port(subject: &mut Subject<'_>, template: &Template, name: &str, at: &str) {
    let ports = template.containers.iter().flat_map(|container| &container.ports);
    let names: Vec<&str> = ports.filter_map(|port| port.name.as_deref()).collect();
    if !names.contains(&name) {
        let message = format!("no container port is named {name:?}");
        let help = did_you_mean(name, names).unwrap_or_else(|| "Give a container port this name.".to_owned());
        subject.report(Code::UnknownPort, at, message, help);
    }
}

fn namespace(subject: &mut Subject<'_>, world: &World<'_>, connect: &ServiceConnect, pool: Option<&NeuronPool>) {
    let Some(pool) = pool else { return };
    let Referred::Valid(cluster) = world.cluster(&pool.spec.cluster) else { return };
    if connect.namespace.is_none() && cluster.spec.service_connect_defaults.is_none() {
        let message = format!("serviceConnect has no namespace, and the cluster {} has no default", pool.spec.cluster);
        let help = "Give serviceConnect.namespace.";
        subject.report(Code::NoNamespace, "/spec/serviceConnect", message, help);
    }
}

fn service_connect(subject: &mut Subject<'_>, spec: &ServiceSpec, connect: &ServiceConnect) {
    if let Some(namespace) = &connect.namespace {
        arn::check(subject, "/spec/serviceConnect/namespace", namespace, Resource::CloudMapNamespace);
    }
    let mut names = BTreeSet::new();
    for (index, service) in connect.services.iter().enumerate() {
        let at = format!("/spec/serviceConnect/services/{index}");
        named_port(subject, &spec.template, &service.port_name, &format!("{at}/portName"));
        let name = service.discovery_name.as_deref().unwrap_or(&service.port_name);
        let taken = !names.insert(name);
        if taken || !is_port_name(name) {
            let why = if taken { "is used twice" } else { "has characters or a length that cannot be used" };
            let help = "Use up to 64 lower-case letters, digits, `_` and `-`.";
            subject.report(Code::NameOfDiscovery, &format!("{at}/discoveryName"), format!("{name:?} {why}"), help);
        }
        if let Some(tls) = &service.tls {
            let authority = &tls.certificate_authority_arn;
            arn::check(subject, &format!("{at}/tls/certificateAuthorityArn"), authority, Resource::PrivateCa);
            arn::check_optional(subject, &format!("{at}/tls/roleArn"), tls.role_arn.as_ref(), Resource::Role);
        }
    }
    if let Some(log) = &connect.logging {
        logging(subject, log, "/spec/serviceConnect/logging");
    }
}
