//! Rules for whether a task fits on the instances of Auto Scaling groups, and how well it uses them.
//!
//! Neighbours: called by `service` and `job`; what instances offer comes from `neuron`, room for all replicas is in `group_room`. Not
//! here: Managed Instances (`fit`).

use crate::diagnostic::Code;
use crate::neuron::InstanceType;
use crate::spec::{AutoScalingGroup, Devices, NetworkMode, NeuronPool, ServiceSpec};

use super::device_sets::{gives, per_replica, sets};
use super::site::Site;
use super::subject::Subject;
use super::{World, cores, devices, exclusive, group_room};

/// A service on the Auto Scaling groups of a pool.
pub(super) struct Placed<'a> {
    pub(super) spec: &'a ServiceSpec,
    pub(super) pool: &'a NeuronPool,
    pub(super) group: &'a AutoScalingGroup,
    pub(super) site: Site<'a>,
}

impl Placed<'_> {
    /// How many replicas fit on an instance by CPU and memory, devices aside.
    pub(super) fn by_size(&self, kind: &InstanceType) -> u32 {
        let (cpu, memory) = kind.offers(self.group.reserved_memory_mib);
        let template = &self.spec.template;
        (cpu / template.cpu.max(1)).min(memory / template.memory.max(1))
    }
}

/// A service: its task, and room for all replicas.
pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, placed: &Placed<'_>) {
    let fitting = task(subject, world, placed);
    if !fitting.is_empty() {
        group_room::check(subject, placed, &fitting);
    }
}

/// The task of a service or of a job, on one instance. The answer are the types on which it can run.
pub(super) fn task<'w>(subject: &mut Subject<'_>, world: &'w World<'_>, placed: &Placed<'_>) -> Vec<&'w InstanceType> {
    let types = world.types(placed.pool);
    let able: Vec<&InstanceType> = types.iter().copied().filter(|kind| gives(kind, placed.spec.devices)).collect();
    if able.is_empty() {
        if let (Devices::Count(count), false) = (placed.spec.devices, types.is_empty()) {
            devices::impossible(subject, world, count.get(), placed.pool);
        }
        return Vec::new();
    }
    let fitting: Vec<&InstanceType> = able.iter().copied().filter(|kind| placed.by_size(kind) > 0).collect();
    if fitting.is_empty() {
        too_large(subject, placed, &able);
        return Vec::new();
    }
    for kind in types.iter().filter(|kind| !fitting.iter().any(|fit| fit.name == kind.name)) {
        never_used(subject, placed, kind);
    }
    for kind in &fitting {
        exclusive::check(subject, placed.spec, placed.site, (kind, placed.group.reserved_memory_mib));
        wasted(subject, placed, kind);
    }
    cores::check(subject, placed.spec, &fitting);
    fitting
}

fn too_large(subject: &mut Subject<'_>, placed: &Placed<'_>, types: &[&InstanceType]) {
    let Some(largest) = types.iter().max_by_key(|kind| (kind.memory_mib, kind.vcpus)) else { return };
    let (cpu, memory) = (placed.spec.template.cpu, placed.spec.template.memory);
    let reserved = placed.group.reserved_memory_mib;
    let (has_cpu, has_memory) = largest.offers(reserved);
    let at = if cpu > has_cpu { "/spec/template/cpu" } else { "/spec/template/memory" };
    let message = format!(
        "a task of {cpu} CPU units and {memory} MiB fits on no type of the pool {}; the largest, {}, offers {has_cpu} and \
         {has_memory}, without what the system takes and the {reserved} MiB of reservedMemoryMib",
        placed.pool.metadata.name, largest.name
    );
    let help = format!("Ask for at most {has_cpu} CPU units and {has_memory} MiB, or add a larger type.");
    subject.report(Code::TaskTooLarge, at, message, help);
}

fn never_used(subject: &mut Subject<'_>, placed: &Placed<'_>, kind: &InstanceType) {
    let devices = placed.spec.devices;
    let why = if gives(kind, devices) {
        let (cpu, memory) = kind.offers(placed.group.reserved_memory_mib);
        format!("it offers {cpu} CPU units and {memory} MiB")
    } else {
        format!("it cannot give {devices} devices together; it gives {}", devices::described(kind))
    };
    let message = format!("no replica runs on {} of the pool {}: {why}", kind.name, placed.pool.metadata.name);
    let help = "Leave it if other services use the type; else take it out of the pool.";
    subject.report(Code::TypeNeverUsed, "/spec/devices", message, help);
}

/// Chips that CPU or memory leave without work. Silent for services whose replicas all fit on one instance.
fn wasted(subject: &mut Subject<'_>, placed: &Placed<'_>, kind: &InstanceType) {
    let spec = placed.spec;
    let by_chips = sets(kind, spec.devices);
    let by_size = if placed.site.mode == NetworkMode::AwsVpc { 1 } else { placed.by_size(kind) };
    if by_size >= by_chips || spec.replicas.is_some_and(|replicas| replicas <= by_size) {
        return;
    }
    let (cpu, memory) = kind.offers(placed.group.reserved_memory_mib);
    let idle = u32::from(kind.chips).saturating_sub(by_size * u32::from(per_replica(kind, spec.devices)));
    let (cause, help) = if placed.site.mode == NetworkMode::AwsVpc {
        ("AwsVpc keeps replicas on instances of their own".to_owned(), "Use mode Bridge.".to_owned())
    } else {
        let cause = format!("{} CPU units and {} MiB each let {by_size} fit", spec.template.cpu, spec.template.memory);
        (cause, format!("Ask for at most {} CPU units and {} MiB.", cpu / by_chips, memory / by_chips))
    };
    let message = format!(
        "{} has devices for {by_chips} replicas, but {cause}; {idle} of its {} chips would stay without work",
        kind.name, kind.chips
    );
    subject.report(Code::ChipsWasted, "/spec/devices", message, help);
}
