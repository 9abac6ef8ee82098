//! What a NeuronPool can say: capacity with Neuron devices for one cluster.
//!
//! Neighbours: services name pools; `render` makes an ECS capacity provider out of it.
//! Not here: which instance types fit, which is a question to `neuron`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AutoScalingGroup, Drift, Duration, InstanceRequirements, Name, PoolOverrides};

/// Capacity with Neuron devices for one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolSpec {
    /// The NeuronCluster this pool belongs to. It cannot be changed afterwards: AWS binds the provider to its cluster.
    pub cluster: Name,
    /// EC2 instances that ECS launches, patches and terminates by itself. Exactly one of `managedInstances` and
    /// `autoScalingGroup` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_instances: Option<ManagedInstances>,
    /// EC2 instances in Auto Scaling groups of Axon's, with an image of your choice. Exactly one of `managedInstances` and
    /// `autoScalingGroup` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<AutoScalingGroup>,
    /// Tags on the capacity provider, beside the ones Axon adds; 45 in all. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What becomes of changes that others make on AWS. Default: they are brought back.
    #[serde(default, skip_serializing_if = "Drift::is_default")]
    pub drift: Drift,
    /// Members of AWS's own requests, merged last. Default: none.
    #[serde(default, skip_serializing_if = "PoolOverrides::is_empty")]
    pub overrides: PoolOverrides,
}

/// Where the instances of a pool come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Capacity<'a> {
    /// ECS launches them by itself.
    ManagedInstances(&'a ManagedInstances),
    /// Auto Scaling groups of Axon's launch them.
    AutoScalingGroup(&'a AutoScalingGroup),
}

/// What a spec without any capacity reads as; validation refuses such a spec.
static NOWHERE: ManagedInstances = ManagedInstances {
    infrastructure_role_arn: String::new(),
    instance_profile_arn: String::new(),
    subnets: Vec::new(),
    security_groups: Vec::new(),
    instance_requirements: InstanceRequirements::UNRESTRICTED,
    capacity_option: CapacityOption::OnDemand,
    reservations: None,
    storage_size_gib: None,
    local_storage: false,
    monitoring: Monitoring::Basic,
    fips: None,
    instance_metadata_tags_propagation: None,
    propagate_tags: PropagatePoolTags::CapacityProvider,
    scale_in_after: None,
    auto_repair: None,
};

impl PoolSpec {
    /// Where the instances come from. Validation refuses a spec that says both ways or none; such a spec reads as its
    /// Auto Scaling group, or as Managed Instances without subnets.
    pub fn capacity(&self) -> Capacity<'_> {
        match (&self.auto_scaling_group, &self.managed_instances) {
            (Some(group), _) => Capacity::AutoScalingGroup(group),
            (None, Some(managed)) => Capacity::ManagedInstances(managed),
            (None, None) => Capacity::ManagedInstances(&NOWHERE),
        }
    }
}

impl<'a> Capacity<'a> {
    /// The subnets in which instances are launched.
    pub fn subnets(self) -> &'a [String] {
        match self {
            Self::ManagedInstances(managed) => &managed.subnets,
            Self::AutoScalingGroup(group) => &group.subnets,
        }
    }

    /// The security groups of the instances.
    pub fn security_groups(self) -> &'a [String] {
        match self {
            Self::ManagedInstances(managed) => &managed.security_groups,
            Self::AutoScalingGroup(group) => &group.security_groups,
        }
    }

    /// How instances are bought.
    pub const fn option(self) -> CapacityOption {
        match self {
            Self::ManagedInstances(managed) => managed.capacity_option,
            Self::AutoScalingGroup(group) => group.capacity_option,
        }
    }

    /// True for Managed Instances.
    pub const fn is_managed(self) -> bool {
        match self {
            Self::ManagedInstances(_) => true,
            Self::AutoScalingGroup(_) => false,
        }
    }
}

/// EC2 instances that ECS launches, patches and terminates by itself (Amazon ECS Managed Instances).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedInstances {
    /// The role ECS assumes to launch instances: `arn:aws:iam::111122223333:role/ecsInfrastructureRole`.
    pub infrastructure_role_arn: String,
    /// The instance profile of the instances. AWS's managed policy may only pass roles whose name starts with
    /// `ecsInstanceRole`.
    pub instance_profile_arn: String,
    /// Subnets of one VPC in which instances are launched, at least one. Services use them too unless they name their own.
    pub subnets: Vec<String>,
    /// Security groups of the instances. Services use them too unless they name their own. Default: the VPC's default group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Which instance types may be launched.
    #[serde(default)]
    pub instance_requirements: InstanceRequirements,
    /// How instances are bought. It cannot be changed in place; Axon replaces the provider. Default: `OnDemand`.
    #[serde(default)]
    pub capacity_option: CapacityOption,
    /// The capacity reservations to use, only and always with `capacityOption: Reserved`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservations: Option<Reservations>,
    /// Size of the data volume in GiB, 30 to 16384. Container images with Neuron are large. Default: 80, by AWS.
    #[serde(rename = "storageSizeGib")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_size_gib: Option<u32>,
    /// Use the instance store instead of an EBS data volume. Default: false.
    #[serde(default)]
    pub local_storage: bool,
    /// CloudWatch metrics of the instances every five minutes or every minute. Default: `Basic`.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// FIPS-validated cryptography on the instances. It cannot be changed in place. Default: decided by AWS (on in
    /// GovCloud).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fips: Option<bool>,
    /// Whether the instance metadata service shows the instance's tags. Default: decided by AWS (true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_metadata_tags_propagation: Option<bool>,
    /// Whether the provider's tags are copied to instances, volumes and network interfaces. Default: `CapacityProvider`.
    #[serde(default)]
    pub propagate_tags: PropagatePoolTags,
    /// How long an instance stays idle before ECS terminates it: a duration up to `1h`, or `Never`. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in_after: Option<ScaleIn>,
    /// Whether ECS replaces instances whose health is impaired, such as a failing Neuron device. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_repair: Option<AutoRepair>,
}

/// How instances are bought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CapacityOption {
    /// At the list price, without commitment.
    #[default]
    OnDemand,
    /// Spare capacity that AWS may take back with two minutes' notice.
    Spot,
    /// From capacity reservations.
    Reserved,
}

/// Capacity reservations to launch into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reservations {
    /// The resource group that holds the reservations. Default: any open reservation that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_arn: Option<String>,
    /// What to do beside the reservations. Default: `First`.
    #[serde(default)]
    pub preference: ReservationPreference,
}

/// How strictly a pool keeps to its reservations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ReservationPreference {
    /// Nothing else: without a free reservation, nothing is launched.
    Only,
    /// Reservations first, then On-Demand.
    #[default]
    First,
    /// Never use reservations.
    Excluded,
}

/// How often CloudWatch gets metrics of the instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Monitoring {
    /// Every five minutes.
    #[default]
    Basic,
    /// Every minute, at a price.
    Detailed,
}

/// Where the tags of instances come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum PropagatePoolTags {
    /// From the capacity provider.
    #[default]
    CapacityProvider,
    /// From nowhere.
    None,
}

/// Whether ECS replaces impaired instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AutoRepair {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// How long an idle instance stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleIn {
    /// It is terminated after this time.
    After(Duration),
    /// It is never terminated for being idle.
    Never,
}

impl Serialize for ScaleIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::After(time) => time.serialize(serializer),
            Self::Never => serializer.serialize_str("Never"),
        }
    }
}

impl<'de> Deserialize<'de> for ScaleIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "Never" {
            return Ok(Self::Never);
        }
        Duration::from_str(&text).map(Self::After).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ScaleIn {
    fn schema_name() -> Cow<'static, str> {
        "ScaleIn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = format!("^(?:Never|{})$", Duration::PATTERN.trim_start_matches('^').trim_end_matches('$'));
        json_schema!({
            "type": "string",
            "format": "duration-hms-or-never",
            "pattern": pattern,
            "description": "A duration such as `90s`, `10m` or `1h`, or `Never`."
        })
    }
}
