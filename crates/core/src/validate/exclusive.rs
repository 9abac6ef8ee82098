//! Rules that keep two tasks with device paths off the same chips where ECS cannot count them.
//!
//! Neighbours: called by `group_fit` and `devices` for one service, by `sharing` for pairs of them. With `Bridge` and
//! `Host`, Axon reserves a host port for each chip, and ECS counts ports. With `AwsVpc` a task has no ports of the instance:
//! there, two tasks stay apart only if they do not fit together by CPU or memory. Not here: which chips a task gets.

use crate::diagnostic::Code;
use crate::neuron::InstanceType;
use crate::spec::{NetworkMode, ServiceSpec, Template};

use super::site::Site;
use super::subject::Subject;

/// True if two tasks can be on one instance of a type by CPU and memory, if it offers the most it may.
pub(super) fn fit_together(first: &Template, second: &Template, kind: &InstanceType, reserved_mib: u32) -> bool {
    let (cpu, memory) = kind.offers_at_most(reserved_mib);
    let fits = |a: u32, b: u32, has: u32| a.saturating_add(b) <= has;
    fits(first.cpu, second.cpu, cpu) && fits(first.memory, second.memory, memory)
}

/// Two replicas of one service. `place` is the type and the memory in MiB that the agent keeps.
pub(super) fn check(
    subject: &mut Subject<'_>,
    spec: &ServiceSpec,
    site: Site<'_>,
    (kind, reserved_mib): (&InstanceType, u32),
) {
    if site.mode != NetworkMode::AwsVpc || !fit_together(&spec.template, &spec.template, kind, reserved_mib) {
        return;
    }
    let (cpu, memory) = kind.offers_at_most(reserved_mib);
    let message = format!(
        "with AwsVpc ECS cannot count Neuron devices, and two tasks of {} CPU units and {} MiB fit on one {}",
        spec.template.cpu, spec.template.memory, kind.name
    );
    let other = if site.on_managed() { "Host" } else { "Bridge" };
    let help = format!(
        "Write `cpu: {}` or `memory: {}`, more than half of the instance, or use mode {other}.",
        cpu / 2 + 1,
        memory / 2 + 1
    );
    subject.report(Code::TasksCouldMeet, "/spec/template", message, help);
}
