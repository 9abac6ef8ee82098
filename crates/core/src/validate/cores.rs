//! How many NeuronCores a service uses, as far as its command and environment say, against those of its devices.
//!
//! Neighbours: called by `group_fit` and `fit`; cores of a type come from `neuron`. Not here: which type ECS chooses on
//! Managed Instances (`fit`).

use crate::diagnostic::Code;
use crate::neuron::InstanceType;
use crate::spec::{Container, ServiceSpec};

use super::device_sets::per_replica;
use super::subject::Subject;

/// What the command and the environment of a container say about cores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// Logical cores that its processes use together, if they say so.
    pub(super) cores: Option<u32>,
    /// Physical cores per logical core, if it says so.
    pub(super) per_logical: Option<u8>,
}

impl Demand {
    pub(super) fn of(container: &Container) -> Self {
        let tensor = flag(container, &["--tensor-parallel-size", "-tp"]);
        let others =
            ["--pipeline-parallel-size", "--data-parallel-size"].map(|name| flag(container, &[name]).unwrap_or(1));
        let parallel = tensor.map(|tensor| others.into_iter().fold(tensor, u32::saturating_mul));
        let asked = container.env.get("NEURON_RT_NUM_CORES").and_then(|text| text.parse().ok());
        let per_logical = container.env.get("NEURON_LOGICAL_NC_CONFIG").and_then(|text| text.parse().ok());
        Self { cores: parallel.max(asked).filter(|cores| *cores > 0), per_logical }
    }

    /// Cores a process sees on an instance of a type.
    pub(super) fn of_instance(self, kind: &InstanceType) -> u32 {
        kind.logical_cores(self.per_logical)
    }

    /// Cores a process sees on so many devices of a type.
    fn of_devices(self, kind: &InstanceType, devices: u8) -> u32 {
        self.of_instance(kind) / u32::from(kind.chips.max(1)) * u32::from(devices)
    }
}

/// The number behind a flag of the program, as its own word or after `=`, in shell commands too.
fn flag(container: &Container, names: &[&str]) -> Option<u32> {
    let words = container.entry_point.iter().chain(&container.command).flat_map(|text| text.split_whitespace());
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        if names.contains(&name) {
            return value.or_else(|| words.peek().copied()).and_then(|text| text.parse().ok());
        }
    }
    None
}

/// Cores that the command uses, against those of the devices a replica gets.
pub(super) fn check(subject: &mut Subject<'_>, spec: &ServiceSpec, fitting: &[&InstanceType]) {
    let Some(demand) = spec.template.neuron_container().map(Demand::of) else { return };
    let Some(cores) = demand.cores else { return };
    let has = |kind: &InstanceType| demand.of_devices(kind, per_replica(kind, spec.devices));
    // That a type has fewer devices than asked for is said elsewhere.
    let fitting = || fitting.iter().filter(|kind| per_replica(kind, spec.devices) <= kind.chips);
    let (Some(most), Some(least)) = (fitting().max_by_key(|kind| has(kind)), fitting().min_by_key(|kind| has(kind)))
    else {
        return;
    };
    let at = place(spec);
    let gets = |kind: &InstanceType| format!("the {} devices of {} have {}", spec.devices, kind.name, has(kind));
    if cores > has(most) {
        let message = format!("the command uses {cores} NeuronCores; {}", gets(most));
        subject.report(Code::TooManyCores, &at, message, "Lower the number, or raise `devices`.");
    } else if cores > has(least) {
        let message = format!("the command uses {cores} NeuronCores, but {}", gets(least));
        subject.report(Code::MayLackCores, &at, message, "Name only types with enough cores in the pool.");
    } else if let Some(kind) = fitting().find(|kind| has(kind) >= cores.saturating_mul(2)) {
        let each = demand.of_devices(kind, 1).max(1);
        let needed = cores.div_ceil(each);
        if needed < u32::from(per_replica(kind, spec.devices)) {
            let message = format!("{}, and the command uses {cores}, which is {needed} of them", gets(kind));
            let help = format!("Write `devices: {}`, or use more cores.", fewest(kind, needed));
            subject.report(Code::OversizedInstance, &at, message, help);
        }
    }
}

/// The fewest devices, at least `needed`, that a type gives together.
fn fewest(kind: &InstanceType, needed: u32) -> u8 {
    kind.device_counts().into_iter().find(|count| u32::from(*count) >= needed).unwrap_or(kind.chips)
}

/// Where the command of the Neuron container stands.
pub(super) fn place(spec: &ServiceSpec) -> String {
    let neuron = spec.template.neuron_container().map(|container| &container.name);
    let index =
        spec.template.containers.iter().position(|container| Some(&container.name) == neuron).unwrap_or_default();
    format!("/spec/template/containers/{index}/command")
}
