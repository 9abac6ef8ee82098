//! Rules for a task as a whole: its containers together, its roles and sizes.
//!
//! Neighbours: called by `service`; single containers are in `container`, their order in `dependencies`, volumes in
//! `volume`. Not here: devices, and whether the task fits on an instance.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::spec::{Container, NetworkMode, Port, Protocol, ServiceSpec, Template};

use super::arn::{self, Resource};
use super::site::Site;
use super::subject::Subject;
use super::{container, dependencies, identity, volume};

pub(super) const TEMPLATE: &str = "/spec/template";
const CONTAINERS: &str = "/spec/template/containers";

pub(super) fn check(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>) {
    let template = &spec.template;
    identity::tags(subject, &format!("{TEMPLATE}/tags"), &template.tags, 50);
    let roles = [("taskRoleArn", &template.task_role_arn), ("executionRoleArn", &template.execution_role_arn)];
    for (field, role) in roles {
        arn::check_optional(subject, &format!("{TEMPLATE}/{field}"), role.as_ref(), Resource::Role);
    }
    counts(subject, template);
    ports(subject, template, site);
    sizes(subject, template);
    execution_role(subject, template);
    volume::check(subject, template, site);
    for (index, one) in template.containers.iter().enumerate() {
        container::check(subject, (template, one), site, &format!("{CONTAINERS}/{index}"));
    }
    dependencies::check(subject, template);
}

fn counts(subject: &mut Subject<'_>, template: &Template) {
    let containers = &template.containers;
    if containers.is_empty() {
        subject.report(Code::NoContainers, CONTAINERS, "the task has no containers", "Add one.");
        return;
    }
    if containers.len() > 10 {
        let message = format!("the task has {} containers; ECS takes 10", containers.len());
        subject.report(Code::TooManyContainers, CONTAINERS, message, "Split the task.");
    }
    if !containers.iter().any(|container| container.essential) {
        let help = "Remove `essential: false` from the container that runs the model.";
        subject.report(Code::NoEssential, CONTAINERS, "no container is essential", help);
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        if !names.insert(&container.name) {
            let at = format!("{CONTAINERS}/{index}/name");
            let message = format!("a container called {} is there already", container.name);
            subject.report(Code::DuplicateContainer, &at, message, "Rename one.");
        }
    }
}

/// Names of ports, and of what Service Connect makes of them.
pub(super) fn is_port_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    !name.is_empty() && name.len() <= 64 && name.chars().all(allowed) && !name.starts_with('-')
}

#[derive(Default)]
struct Taken<'a> {
    /// Ports in a network namespace: that of the task, or with `Bridge` of one container.
    numbers: BTreeSet<(usize, u16, Protocol)>,
    /// Ports of the instance.
    fixed: BTreeSet<(u16, Protocol)>,
    names: BTreeSet<&'a str>,
}

fn ports(subject: &mut Subject<'_>, template: &Template, site: Site<'_>) {
    let mut taken = Taken::default();
    for (c, container) in template.containers.iter().enumerate() {
        let space = if site.mode == NetworkMode::Bridge { c } else { 0 };
        for (p, port) in container.ports.iter().enumerate() {
            let at = format!("{CONTAINERS}/{c}/ports/{p}");
            numbers(subject, port, (&mut taken, space), site, &at);
            port_name(subject, port, &mut taken, &at);
        }
    }
}

fn numbers<'a>(
    subject: &mut Subject<'_>,
    port: &'a Port,
    (taken, space): (&mut Taken<'a>, usize),
    site: Site<'_>,
    at: &str,
) {
    let number = port.container_port;
    if !taken.numbers.insert((space, number, port.protocol)) {
        let message = format!("port {number} is taken by a container of the same task");
        subject.report(Code::DuplicatePort, &format!("{at}/containerPort"), message, "Choose another port.");
    }
    let host = port.host_port.filter(|host| *host != number);
    if let Some(host) = host.filter(|_| site.mode != NetworkMode::Bridge) {
        let message = format!("hostPort is {host}, containerPort is {number}");
        subject.report(Code::HostPortDiffers, &format!("{at}/hostPort"), message, "Leave hostPort out.");
    }
    if site.mode == NetworkMode::Bridge
        && let Some(host) = site.fixed_port(port)
        && !taken.fixed.insert((host, port.protocol))
    {
        let message = format!("port {host} of the instance is taken by a container of the same task");
        subject.report(Code::DuplicatePort, &format!("{at}/hostPort"), message, "Choose another port.");
    }
}

fn port_name<'a>(subject: &mut Subject<'_>, port: &'a Port, taken: &mut Taken<'a>, at: &str) {
    let Some(name) = port.name.as_deref() else { return };
    if !is_port_name(name) {
        let message = format!("the port name {name:?} cannot be used");
        let help = "Use up to 64 lower-case letters, digits, `_` and `-`.";
        subject.report(Code::PortName, &format!("{at}/name"), message, help);
    }
    if !taken.names.insert(name) {
        let message = format!("another port is named {name:?}");
        subject.report(Code::DuplicatePort, &format!("{at}/name"), message, "Choose another name.");
    }
}

fn sizes(subject: &mut Subject<'_>, template: &Template) {
    let total = |pick: fn(&Container) -> Option<u32>| -> u64 {
        template.containers.iter().filter_map(pick).map(u64::from).sum()
    };
    let cpu = total(|container| container.cpu);
    let reserved = total(|container| container.memory_reservation.or(container.memory));
    let sums = [("cpu", cpu, template.cpu, "CPU units"), ("memory", reserved, template.memory, "MiB")];
    for (field, sum, has, unit) in sums.into_iter().filter(|(_, sum, has, _)| *sum > u64::from(*has)) {
        let message = format!("the containers ask for {sum} {unit} together, and the task has {has}");
        let help = format!("Raise template.{field}, or lower the containers'.");
        subject.report(Code::ContainersExceedTask, &format!("{TEMPLATE}/{field}"), message, help);
    }
}

fn execution_role(subject: &mut Subject<'_>, template: &Template) {
    if template.execution_role_arn.is_some() {
        return;
    }
    let needing = template.containers.iter().find(|container| {
        !container.secrets.is_empty()
            || !container.env_files.is_empty()
            || container.repository_credentials.is_some()
            || !container.logging.secret_options.is_empty()
    });
    if let Some(container) = needing {
        let message = format!("the container {} uses secrets, and the task has no execution role", container.name);
        subject.report(Code::NoExecutionRole, TEMPLATE, message, "Give template.executionRoleArn.");
    }
}
