//! Which instance types a pool may use, attribute by attribute, with defaults that make sense for Neuron.
//!
//! Neighbours: part of `pool`; `neuron` matches it against the catalog, `render` sends it as ECS's
//! InstanceRequirementsRequest. Not here: the matching.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A price limit so high that it never excludes a type.
///
/// EC2 drops every type that costs 20 % more than the cheapest match unless told otherwise, which would leave only the
/// smallest size of a family. Whether ECS inherits that default is not documented, so it is always sent explicitly.
/// Source: `onDemandMaxPricePercentageOverLowestPrice` in the EC2 API model, which names 999999 as "off".
pub const NO_PRICE_PROTECTION: u32 = 999_999;

/// Attributes an instance type must have. Every member of ECS's InstanceRequirementsRequest is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceRequirements {
    /// Instance types by name; `*` stands for any characters (`inf2*`). At most 400. Not together with
    /// `excludedInstanceTypes`. Default: every type that has the other attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_instance_types: Vec<String>,
    /// Instance types to leave out; `*` stands for any characters. At most 400. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_instance_types: Vec<String>,
    /// vCPUs of the instance. Default: `{min: 1}`.
    #[serde(default)]
    pub v_cpu_count: MinBounds,
    /// Memory of the instance in MiB. Default: `{min: 1}`.
    #[serde(default)]
    #[serde(rename = "memoryMiB")]
    pub memory_mib: MinBounds,
    /// Makers of the accelerators. Default: `[amazon-web-services]`, which is Inferentia and Trainium.
    #[serde(default = "aws_only")]
    pub accelerator_manufacturers: Vec<AcceleratorManufacturer>,
    /// Accelerators by name, as AWS writes them. Default: any. ECS's documents and its API model disagree on the Neuron
    /// names; prefer `allowedInstanceTypes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accelerator_names: Vec<String>,
    /// Kinds of accelerators. Default: any. Whether Trainium counts as `inference` is not documented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accelerator_types: Vec<AcceleratorType>,
    /// Accelerators (Neuron chips) per instance. Default: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_count: Option<Bounds>,
    /// Memory of all accelerators together, in MiB. Default: any.
    #[serde(rename = "acceleratorTotalMemoryMiB")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_total_memory_mib: Option<Bounds>,
    /// Makers of the CPU. Default: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu_manufacturers: Vec<CpuManufacturer>,
    /// Memory per vCPU in GiB. Default: any.
    #[serde(rename = "memoryGiBPerVCpu")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_gib_per_v_cpu: Option<DecimalBounds>,
    /// Current or previous generation types. Default: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance_generations: Vec<InstanceGeneration>,
    /// Percentage over the cheapest match above which Spot types are left out. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_max_price_percentage_over_lowest_price: Option<u32>,
    /// Percentage over the cheapest match above which On-Demand types are left out. Default: 999999, which is no limit.
    #[serde(default = "no_price_protection")]
    pub on_demand_max_price_percentage_over_lowest_price: u32,
    /// Highest Spot price as a percentage of the best On-Demand price. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spot_price_as_percentage_of_optimal_on_demand_price: Option<u32>,
    /// Whether bare-metal types may be used. Default: decided by AWS (`Excluded`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare_metal: Option<Inclusion>,
    /// Whether burstable types may be used. Default: decided by AWS (`Excluded`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burstable_performance: Option<Inclusion>,
    /// Whether the type must support hibernation. Default: false.
    #[serde(default)]
    pub require_hibernate_support: bool,
    /// Network interfaces per instance. Default: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_count: Option<Bounds>,
    /// Whether types with instance store may be used. Default: decided by AWS (`Included`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_storage: Option<Inclusion>,
    /// Kinds of instance store. Default: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_storage_types: Vec<LocalStorageType>,
    /// Size of the instance store in GB. Default: any.
    #[serde(rename = "totalLocalStorageGB")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_local_storage_gb: Option<DecimalBounds>,
    /// Baseline bandwidth to EBS in Mbit/s. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_ebs_bandwidth_mbps: Option<Bounds>,
    /// Network bandwidth in Gbit/s. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_bandwidth_gbps: Option<DecimalBounds>,
}

impl InstanceRequirements {
    /// Requirements that every type meets, whoever made its accelerators.
    pub(crate) const UNRESTRICTED: Self = Self {
        allowed_instance_types: Vec::new(),
        excluded_instance_types: Vec::new(),
        v_cpu_count: MinBounds { min: 1, max: None },
        memory_mib: MinBounds { min: 1, max: None },
        accelerator_manufacturers: Vec::new(),
        accelerator_names: Vec::new(),
        accelerator_types: Vec::new(),
        accelerator_count: None,
        accelerator_total_memory_mib: None,
        cpu_manufacturers: Vec::new(),
        memory_gib_per_v_cpu: None,
        instance_generations: Vec::new(),
        spot_max_price_percentage_over_lowest_price: None,
        on_demand_max_price_percentage_over_lowest_price: NO_PRICE_PROTECTION,
        max_spot_price_as_percentage_of_optimal_on_demand_price: None,
        bare_metal: None,
        burstable_performance: None,
        require_hibernate_support: false,
        network_interface_count: None,
        local_storage: None,
        local_storage_types: Vec::new(),
        total_local_storage_gb: None,
        baseline_ebs_bandwidth_mbps: None,
        network_bandwidth_gbps: None,
    };
}

impl Default for InstanceRequirements {
    fn default() -> Self {
        Self { accelerator_manufacturers: aws_only(), ..Self::UNRESTRICTED }
    }
}

fn aws_only() -> Vec<AcceleratorManufacturer> {
    vec![AcceleratorManufacturer::AmazonWebServices]
}

const fn no_price_protection() -> u32 {
    NO_PRICE_PROTECTION
}

const fn one() -> u32 {
    1
}

/// A range whose lower end ECS requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MinBounds {
    /// The least allowed. Default: 1.
    #[serde(default = "one")]
    pub min: u32,
    /// The most allowed. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

impl Default for MinBounds {
    fn default() -> Self {
        Self { min: 1, max: None }
    }
}

/// A range of whole numbers, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bounds {
    /// The least allowed. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most allowed. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// A range of decimal numbers, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecimalBounds {
    /// The least allowed. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most allowed. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// Whether types with a feature may, must or must not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Inclusion {
    /// May be used.
    Included,
    /// Nothing else may be used.
    Required,
    /// Must not be used.
    Excluded,
}

/// A maker of accelerators, as AWS writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcceleratorManufacturer {
    /// Inferentia and Trainium.
    AmazonWebServices,
    /// AMD.
    Amd,
    /// NVIDIA.
    Nvidia,
    /// Xilinx.
    Xilinx,
    /// Habana.
    Habana,
}

/// A kind of accelerator, as AWS writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcceleratorType {
    /// Graphics processors.
    Gpu,
    /// Programmable logic.
    Fpga,
    /// Inference chips.
    Inference,
}

/// A maker of CPUs, as AWS writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CpuManufacturer {
    /// Intel.
    Intel,
    /// AMD.
    Amd,
    /// Graviton.
    AmazonWebServices,
}

/// A generation of instance types, as AWS writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceGeneration {
    /// Types AWS recommends for new work.
    Current,
    /// Older types.
    Previous,
}

/// A kind of instance store, as AWS writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LocalStorageType {
    /// Magnetic disks.
    Hdd,
    /// Solid-state disks.
    Ssd,
}
