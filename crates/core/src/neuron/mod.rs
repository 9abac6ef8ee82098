//! What is known about Neuron instance types: chips, cores, memory, wiring, where they can run and what they cost.
//!
//! Neighbours: `validate` and `resolve` ask which types meet a pool's requirements, layout asks which devices belong
//! together. The built-in table is the fallback for what DescribeInstanceTypes says at run time.
//! Not here: prices to bill by, and anything about one account.

mod devices;
mod matching;
mod table;

use std::collections::BTreeMap;

pub use matching::{Exclusion, Nearest, pattern_matches};

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
    /// Most EFA interfaces.
    pub efa: u8,
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
