//! What is known about Neuron instance types: chips, cores, memory, wiring, where they can run and what they cost.
//!
//! Neighbours: `validate` and `resolve` ask which types meet a pool's requirements, layout asks which devices belong
//! together. The built-in table is the fallback for what DescribeInstanceTypes says at run time.
//! Not here: prices to bill by, and anything about one account.

mod devices;
mod matching;
mod offers;
mod table;

use std::collections::BTreeMap;

pub use devices::{DeviceSet, ParseDeviceSetError};
pub use matching::{Exclusion, Nearest, pattern_matches};
pub use offers::{CHIP_PORTS, FIRST_CHIP_PORT, chip_port};

use crate::cloud::InstanceTypeFacts;
use crate::spec::CpuManufacturer;

/// How the chips of an instance are wired, which decides what sets of them can work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One chip.
    Single,
    /// Each chip has two neighbours; any run of neighbours works together.
    Ring,
    /// Four rows of four; one chip, one row, two rows or all work together.
    Torus4x4,
}

/// Whether ECS Managed Instances launch a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagedSupport {
    /// AWS's list of types for Managed Instances names it.
    Confirmed,
    /// AWS rules it out; the text says where.
    No(&'static str),
    /// AWS's documents disagree or are silent; the text says which.
    Unconfirmed(&'static str),
}

/// One instance type with Neuron devices. Names are open: AWS adds types, and unknown ones are no error in themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceType {
    /// The type, such as `inf2.8xlarge`.
    pub name: String,
    /// The part before the dot, such as `inf2`.
    pub family: String,
    /// vCPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Neuron chips, each one device `/dev/neuronN`.
    pub chips: u8,
    /// Physical NeuronCores per chip.
    pub cores_per_chip: u8,
    /// Physical cores that one logical core takes unless `NEURON_LOGICAL_NC_CONFIG` says otherwise: 2 on Trn2, else 1.
    pub cores_per_logical: u8,
    /// Device memory per chip in GiB.
    pub chip_memory_gib: u16,
    /// Most EFA interfaces; each is on a network card of its own, beginning with card 0.
    pub efa: u8,
    /// Network cards.
    pub network_cards: u8,
    /// Most network interfaces on all cards together; nothing is unknown.
    pub max_interfaces: Option<u16>,
    /// How the chips are wired.
    pub topology: Topology,
    /// Whether Managed Instances launch it.
    pub managed: ManagedSupport,
    /// Whether it is sold as Spot.
    pub spot: bool,
    /// The accelerator as EC2 spells it in `acceleratorNames`.
    pub accelerator: String,
    /// Instance store in GB; 0 is none, nothing is unknown.
    pub local_storage_gb: Option<u32>,
    /// Maker of the CPU.
    pub cpu: CpuManufacturer,
    /// Approximate On-Demand price in thousandths of a US dollar per hour, in us-east-1. Only the order matters: it is
    /// used to foresee which of several types ECS takes. AWS publishes the real prices.
    pub price: u32,
}

impl InstanceType {
    /// Physical cores of all chips.
    pub fn cores(&self) -> u32 {
        u32::from(self.chips) * u32::from(self.cores_per_chip)
    }

    /// Cores a process sees: physical cores, or with `per_logical` given, that many physical ones taken as one.
    pub fn logical_cores(&self, per_logical: Option<u8>) -> u32 {
        let per_logical = if self.cores_per_logical == 1 { 1 } else { per_logical.unwrap_or(self.cores_per_logical) };
        self.cores() / u32::from(per_logical.max(1))
    }

    /// CPU units a task can have (1024 for each vCPU).
    pub fn task_cpu(&self) -> u32 {
        self.vcpus.saturating_mul(1024)
    }

    /// MiB a task can have. The agent and the operating system keep some; AWS publishes no figure, so 3 % and at least
    /// 512 MiB are assumed.
    pub fn task_memory_mib(&self) -> u32 {
        self.memory_mib.saturating_sub((self.memory_mib / 100 * 3).max(512))
    }

    /// Device memory of all chips in MiB.
    pub fn total_chip_memory_mib(&self) -> u32 {
        u32::from(self.chips) * u32::from(self.chip_memory_gib) * 1024
    }

    /// True if a task of this size fits on an empty instance.
    pub fn fits(&self, cpu: u32, memory_mib: u32) -> bool {
        cpu <= self.task_cpu() && memory_mib <= self.task_memory_mib()
    }
}

/// The instance types that are known, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    types: BTreeMap<String, InstanceType>,
}

impl Catalog {
    /// The built-in table.
    pub fn builtin() -> Self {
        Self { types: table::rows().into_iter().map(|row| (row.name.clone(), row)).collect() }
    }

    /// This catalog with types added or replaced, for instance from DescribeInstanceTypes.
    #[must_use]
    pub fn with(mut self, types: impl IntoIterator<Item = InstanceType>) -> Self {
        self.types.extend(types.into_iter().map(|kind| (kind.name.clone(), kind)));
        self
    }

    /// This catalog, corrected by what EC2 says of the types that it knows, and with the types that it does not know and
    /// whose family it knows: chips of a family are wired alike.
    #[must_use]
    pub fn refreshed(mut self, facts: &[InstanceTypeFacts]) -> Self {
        for fact in facts {
            let known = self.types.get(&fact.name).cloned().or_else(|| self.sibling(fact));
            let Some(known) = known else { continue };
            let single = fact.chips <= 1;
            let kind = InstanceType {
                name: fact.name.clone(),
                vcpus: fact.vcpus,
                memory_mib: fact.memory_mib,
                chips: fact.chips,
                cores_per_chip: fact.cores_per_chip,
                efa: fact.efa_interfaces,
                spot: fact.spot,
                topology: if single { Topology::Single } else { known.topology },
                ..known
            };
            self.types.insert(kind.name.clone(), kind);
        }
        self
    }

    /// The type of the same family that is nearest in size. One with several chips tells nothing about one with one.
    fn sibling(&self, fact: &InstanceTypeFacts) -> Option<InstanceType> {
        let family = fact.name.split('.').next().unwrap_or_default();
        let alike = |kind: &&InstanceType| kind.family == family && (kind.chips > 1) == (fact.chips > 1);
        self.types.values().filter(alike).min_by_key(|kind| kind.vcpus.abs_diff(fact.vcpus)).cloned()
    }

    /// The type with this name.
    pub fn get(&self, name: &str) -> Option<&InstanceType> {
        self.types.get(name)
    }

    /// Every type, by name.
    pub fn iter(&self) -> impl Iterator<Item = &InstanceType> {
        self.types.values()
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::builtin()
    }
}
