//! What a NeuronPool can say about instances of its own: image, launch template, Auto Scaling group.
//!
//! Neighbours: part of `pool`; how running instances are replaced is in `pool_rollout`. Axon makes one launch template,
//! one Auto Scaling group and one capacity provider for each instance type out of it.
//! Not here: what the types offer, which is a question to `neuron`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CapacityOption, Duration, InstanceRequirements, Monitoring, PoolRollout};

/// The public parameters of the ECS-optimized Amazon Linux 2023 (Neuron) AMI; `/recommended` or the name of an image
/// follows. Source: ECS developer guide, "Retrieving Amazon ECS-optimized Linux AMI metadata".
pub const NEURON_AMI_PARAMETERS: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";

/// EC2 instances in Auto Scaling groups of Axon's, one group for each instance type, scaled by ECS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoScalingGroup {
    /// Instance types by name, in order of preference; each gets a group of its own, since device paths are specific to
    /// a type. Exactly one of `instanceTypes` and `instanceRequirements` is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance_types: Vec<String>,
    /// Attributes the instance types must have; every type Axon knows that has them is used, the cheapest first.
    /// Exactly one of `instanceTypes` and `instanceRequirements` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_requirements: Option<InstanceRequirements>,
    /// The image of new instances. Default: the recommended ECS-optimized Amazon Linux 2023 (Neuron) AMI.
    #[serde(default, skip_serializing_if = "Ami::is_default")]
    pub ami: Ami,
    /// The instance profile of the instances; its role lets the ECS agent register them.
    pub instance_profile_arn: String,
    /// Subnets of one VPC in which instances are launched, at least one. Services with `AwsVpc` use them too unless they
    /// name their own.
    pub subnets: Vec<String>,
    /// Security groups of the instances. Services with `AwsVpc` use them too unless they name their own. Default: the
    /// VPC's default group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Fewest instances, for each instance type. Default: 0.
    #[serde(default)]
    pub min_size: u32,
    /// Most instances, for each instance type, at least 1.
    #[schemars(range(min = 1))]
    pub max_size: u32,
    /// Whether tasks of jobs are stopped when the pool is full and somebody who comes before them lacks devices. Default:
    /// `Never`.
    #[serde(default, skip_serializing_if = "JobPreemption::is_never")]
    pub job_preemption: JobPreemption,
    /// How instances are bought: `OnDemand` or `Spot`. Default: `OnDemand`.
    #[serde(default)]
    pub capacity_option: CapacityOption,
    /// The EBS volume with operating system, images and containers. Default: 200 GiB of encrypted `gp3`.
    #[serde(default)]
    pub root_volume: RootVolume,
    /// An existing placement group in which instances are launched. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement_group: Option<String>,
    /// Elastic Fabric Adapter on every network card of the instances. Every instance type must have it. Default:
    /// `Disabled`.
    #[serde(default)]
    pub efa: Efa,
    /// CloudWatch metrics of the instances every five minutes or every minute. Default: `Basic`.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// How many network hops an answer of the instance metadata service (always version 2) may take, 1 to 64; 1 keeps it
    /// from containers with `Bridge`. Default: 2.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 64))]
    pub metadata_hop_limit: u32,
    /// ECS attributes of the instances, name to value, at most 9; AWS takes 10, and Axon adds one. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Memory in MiB that the ECS agent keeps from tasks, for the operating system and the agent. Default: 1024.
    #[serde(default = "reserved")]
    pub reserved_memory_mib: u32,
    /// Shell lines that run at the first boot, as root, before Axon's settings of the ECS agent; at most 12288 bytes.
    /// Everyone who may describe launch templates can read them: no secrets. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// How ECS scales the groups. Managed scaling is always on.
    #[serde(default)]
    pub scaling: Scaling,
    /// What happens to running instances when the image or the launch template changes.
    #[serde(default)]
    pub rollout: PoolRollout,
}

const fn two() -> u32 {
    2
}

const fn reserved() -> u32 {
    1024
}

/// The image of new instances. At most one of the fields is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ami {
    /// A parameter of Systems Manager that holds the image's id, or a JSON text with `image_id`. Default:
    /// `/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_parameter: Option<String>,
    /// The name of an ECS-optimized Amazon Linux 2023 (Neuron) AMI, which pins its version:
    /// `al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id of an image: `ami-0123456789abcdef0`. It must have the Neuron driver and the ECS agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Where the id of an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmiSource<'a> {
    /// It is read from this parameter of Systems Manager.
    Parameter(Cow<'a, str>),
    /// It is given.
    Id(&'a str),
}

impl Ami {
    /// True if nothing is given.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Where the image's id comes from: the id, the parameter of the named image, the parameter given, or that of the
    /// recommended image, in this order. A valid spec gives at most one.
    pub fn source(&self) -> AmiSource<'_> {
        match (&self.id, &self.name, &self.ssm_parameter) {
            (Some(id), _, _) => AmiSource::Id(id),
            (None, Some(name), _) => AmiSource::Parameter(Cow::Owned(format!("{NEURON_AMI_PARAMETERS}/{name}"))),
            (None, None, Some(parameter)) => AmiSource::Parameter(Cow::Borrowed(parameter)),
            (None, None, None) => AmiSource::Parameter(Cow::Owned(format!("{NEURON_AMI_PARAMETERS}/recommended"))),
        }
    }
}

/// The EBS volume with operating system, images and containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootVolume {
    /// Size in GiB, 30 to 16384. Container images with Neuron are large. Default: 200.
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 30, max = 16_384))]
    pub size_gib: u32,
    /// The type of the volume. Default: `gp3`.
    #[serde(rename = "type")]
    #[serde(default)]
    pub kind: VolumeType,
    /// Input and output operations per second; always with `io1` and `io2`, never with `gp2`. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<u32>,
    /// Throughput in MiB per second; only with `gp3`. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<u32>,
    /// Whether the volume is encrypted. Default: true.
    #[serde(default = "yes")]
    pub encrypted: bool,
    /// The KMS key of the encryption: its id, its ARN, or an alias. Default: the account's key for EBS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
}

impl Default for RootVolume {
    fn default() -> Self {
        let size_gib = two_hundred();
        Self { size_gib, kind: VolumeType::default(), iops: None, throughput: None, encrypted: true, kms_key_id: None }
    }
}

const fn two_hundred() -> u32 {
    200
}

const fn yes() -> bool {
    true
}

/// A type of EBS volume that can hold an operating system, as AWS writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VolumeType {
    /// General purpose, speed independent of size.
    #[default]
    Gp3,
    /// General purpose, speed by size.
    Gp2,
    /// Provisioned operations per second.
    Io1,
    /// Provisioned operations per second, more durable.
    Io2,
}

impl VolumeType {
    /// The type as AWS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gp3 => "gp3",
            Self::Gp2 => "gp2",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
        }
    }
}

/// Whether instances have Elastic Fabric Adapter interfaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Efa {
    /// They have one ordinary interface.
    #[default]
    Disabled,
    /// Every network card that can has one.
    Enabled,
}

/// How ECS scales the groups of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Percentage of the instances that tasks should fill, 1 to 100; less keeps spare ones. Default: 100.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 100))]
    pub target_capacity: u32,
    /// Fewest instances launched at once, 1 to 10000. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub minimum_step: u32,
    /// Most instances launched at once, 1 to 10000. Default: 10. AWS's own default is 10000.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 10_000))]
    pub maximum_step: u32,
    /// How long after its launch an instance does not count as spare, up to 10000 seconds. Default: `5m`.
    #[serde(default = "five_minutes")]
    pub warmup: Duration,
    /// Whether an instance is drained when the replicas on it would fit on the others. Default: `Drain`.
    #[serde(default)]
    pub consolidation: Consolidation,
}

/// Who may take devices from jobs that run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum JobPreemption {
    /// Nobody. Whoever lacks devices waits until tasks end.
    #[default]
    Never,
    /// Services, and jobs of a higher `priority`. The tasks that are stopped have failed as `Preempted`, which does not
    /// count, and are tried again when there is room.
    LowerPriority,
}

impl JobPreemption {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_never(&self) -> bool {
        *self == Self::Never
    }
}

/// What happens to an instance that a pool can do without although tasks run on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Consolidation {
    /// One at a time is drained, while everything else is at rest and a window of `rollout` is open. ECS moves its tasks
    /// within the budgets of their services and then takes the empty instance away.
    #[default]
    Drain,
    /// It stays until its tasks end for another reason.
    Off,
}

impl Default for Scaling {
    fn default() -> Self {
        Self {
            target_capacity: hundred(),
            minimum_step: one(),
            maximum_step: ten(),
            warmup: five_minutes(),
            consolidation: Consolidation::default(),
        }
    }
}

const fn hundred() -> u32 {
    100
}

const fn one() -> u32 {
    1
}

const fn ten() -> u32 {
    10
}

const fn five_minutes() -> Duration {
    Duration::from_minutes(5)
}
