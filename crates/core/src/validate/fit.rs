//! Rules for whether a task fits on Managed Instances, and whether the instance it would get makes sense for it.
//!
//! Neighbours: called by `service` for each pool; types and prices come from `neuron`. Not here: what capacity is free.
//!
//! ECS takes the cheapest matching type that fits cpu and memory of the task. `NeuronDevice=ALL` asks for all devices of
//! whatever instance that is, so neither the number of chips nor of cores has a say.

use std::collections::BTreeSet;

use crate::diagnostic::Code;
use crate::neuron::InstanceType;
use crate::spec::{Devices, InstanceRequirements, NeuronPool, ServiceSpec};

use super::World;
use super::cores::{self, Demand};
use super::subject::Subject;

/// The limit of one of AWS's two documents, in CPU units.
const TEN_VCPU: u32 = 10 * 1024;

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, spec: &ServiceSpec, pool: &NeuronPool) {
    let (cpu, memory) = (spec.template.cpu, spec.template.memory);
    if cpu > TEN_VCPU {
        let message = format!("the task asks for {cpu} CPU units; AWS's documents disagree on more than {TEN_VCPU}");
        let help = "Ask for 10240 if AWS refuses it.";
        subject.report(Code::CpuOverTen, "/spec/template/cpu", message, help);
    }
    let types = world.types(pool);
    let fitting: Vec<&InstanceType> = types.iter().copied().filter(|kind| kind.fits(cpu, memory)).collect();
    let Some(chosen) = fitting.first() else {
        too_large(subject, spec, pool, &types);
        return;
    };
    if spec.devices != Devices::All {
        cores::check(subject, spec, &fitting);
        return;
    }
    let demand = spec.template.neuron_container().map(Demand::of).unwrap_or_default();
    match demand.cores {
        Some(cores) => cores_fit(subject, world, &Choice { spec, pool, types: &types, chosen, cores, demand }),
        None => mixed(subject, pool, &fitting),
    }
}

fn too_large(subject: &mut Subject<'_>, spec: &ServiceSpec, pool: &NeuronPool, types: &[&InstanceType]) {
    let Some(largest) = types.iter().max_by_key(|kind| (kind.memory_mib, kind.vcpus)) else { return };
    let (cpu, memory) = (spec.template.cpu, spec.template.memory);
    let at = if cpu > largest.task_cpu() { "/spec/template/cpu" } else { "/spec/template/memory" };
    let message = format!(
        "a task of {cpu} CPU units and {memory} MiB fits on no type of the pool {}; the largest, {}, offers {} and {}",
        pool.metadata.name,
        largest.name,
        largest.task_cpu(),
        largest.task_memory_mib()
    );
    subject.report(Code::TaskTooLarge, at, message, "Ask for less, or allow a larger type.");
}

/// A service on a pool, with the type ECS is likely to take for it.
struct Choice<'a> {
    spec: &'a ServiceSpec,
    pool: &'a NeuronPool,
    types: &'a [&'a InstanceType],
    chosen: &'a InstanceType,
    cores: u32,
    demand: Demand,
}

impl Choice<'_> {
    fn has(&self, kind: &InstanceType) -> u32 {
        self.demand.of_instance(kind)
    }
}

fn cores_fit(subject: &mut Subject<'_>, world: &World<'_>, choice: &Choice<'_>) {
    let Choice { pool, chosen, cores, .. } = choice;
    let at = cores::place(choice.spec);
    let name = &pool.metadata.name;
    let Some(most) = choice.types.iter().max_by_key(|kind| choice.has(kind)) else { return };
    if *cores > choice.has(most) {
        let message = format!(
            "the command uses {cores} NeuronCores; the largest type of the pool {name}, {}, has {}",
            most.name,
            choice.has(most)
        );
        subject.report(Code::TooManyCores, &at, message, "Lower the number, or use a pool with a larger type.");
    } else if *cores > choice.has(chosen) {
        let message = format!(
            "the command uses {cores} NeuronCores, but ECS takes the cheapest type of the pool {name} that fits cpu and \
             memory, {}, which has {}",
            chosen.name,
            choice.has(chosen)
        );
        subject.report(Code::MayLackCores, &at, message, "Allow only types with enough cores.");
    } else {
        oversized(subject, world, choice, &at);
    }
}

fn oversized(subject: &mut Subject<'_>, world: &World<'_>, choice: &Choice<'_>, at: &str) {
    let Choice { spec, chosen, cores, .. } = choice;
    let per_chip = (choice.has(chosen) / u32::from(chosen.chips.max(1))).max(1);
    let needed = cores.div_ceil(per_chip);
    if u32::from(chosen.chips) < needed.saturating_mul(2) {
        return;
    }
    let everything = world.catalog.launchable(&InstanceRequirements::default());
    let (cpu, memory) = (spec.template.cpu, spec.template.memory);
    let enough =
        |kind: &&&InstanceType| kind.fits(cpu, memory) && choice.has(kind) >= *cores && kind.price < chosen.price;
    let help = match everything.iter().find(enough) {
        Some(smaller) => format!("Allow a smaller type; {} would do.", smaller.name),
        None => "Lower cpu and memory so that a smaller type fits.".to_owned(),
    };
    let message = format!(
        "each replica would get a whole {} with {} chips, and the command uses {cores} NeuronCores, which is {needed} of them",
        chosen.name, chosen.chips
    );
    subject.report(Code::OversizedInstance, at, message, help);
}

fn mixed(subject: &mut Subject<'_>, pool: &NeuronPool, fitting: &[&InstanceType]) {
    let chips: BTreeSet<u8> = fitting.iter().map(|kind| kind.chips).collect();
    let (Some(first), true) = (fitting.first(), chips.len() > 1) else { return };
    let list: Vec<String> = fitting.iter().map(|kind| format!("{} ({})", kind.name, kind.chips)).collect();
    let message = format!(
        "the pool {} has types with different numbers of chips that fit the task: {}; ECS takes the cheapest it can get, \
         most likely {}",
        pool.metadata.name,
        list.join(", "),
        first.name
    );
    let help = "Allow types with one number of chips, or say in the command how many cores it uses.";
    subject.report(Code::MixedChipCounts, "/spec/devices", message, help);
}
