//! What a NeuronService can say: replicas of an inference server on one pool or several.
//!
//! Neighbours: the task is in `template`, rollouts in `deployment`, traffic in `networking`; `render` makes task
//! definitions and an ECS service out of it. Not here: device paths and placement, which Axon decides.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    Compile, Deployment, Drift, Duration, LoadBalancer, Name, Networking, ServiceConnect, ServiceOverrides,
    ServiceRegistry, Template, VpcLattice,
};

/// How many task definition revisions stay registered unless the spec says otherwise.
pub const DEFAULT_REVISION_HISTORY: u32 = 3;

/// Replicas of an inference server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// The NeuronPool that carries the replicas. Exactly one of `pool` and `pools` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Name>,
    /// Several pools of the same cluster that share the replicas. Exactly one of `pool` and `pools` is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolShare>,
    /// Number of replicas. Default: the service is created with 1, and afterwards the number belongs to someone else,
    /// such as Application Auto Scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Neuron devices (chips) per replica: `all` devices of an instance, or a number. Default: `all`. A number, and a pool
    /// with Auto Scaling groups, make Axon choose device paths; the rest is up to ECS.
    /// With `all`, every replica occupies a whole instance, and one more instance is needed for every replica that a
    /// deployment starts before it stops an old one.
    #[serde(default)]
    pub devices: Devices,
    /// How replicas spread over the instances of Auto Scaling groups. Default: `Pack`.
    #[serde(default)]
    pub spread: Spread,
    /// The task each replica runs.
    pub template: Template,
    /// Compiles the model before each deployment, as the NeuronJob `<name>-compile`. Default: replicas compile for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compile: Option<Compile>,
    /// Network mode, subnets and security groups of the tasks. Default: `AwsVpc` on Managed Instances, with those of the
    /// pool; `Bridge` on Auto Scaling groups.
    #[serde(default)]
    pub networking: Networking,
    /// Target groups that send traffic to the replicas, at most 5. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// AWS Cloud Map services in which the replicas register. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_registries: Vec<ServiceRegistry>,
    /// Service Connect for the tasks. Default: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect: Option<ServiceConnect>,
    /// VPC Lattice target groups. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vpc_lattice: Vec<VpcLattice>,
    /// How a new version replaces the old one.
    #[serde(default)]
    pub deployment: Deployment,
    /// How long after a task's start failed health checks do not count. Loading a model takes minutes. Default: `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period: Option<Duration>,
    /// Whether ECS moves tasks between Availability Zones to even them out. Default: `Disabled`, since Neuron capacity
    /// is often offered in one zone only, and each move needs a free instance. AWS's own default is enabled.
    #[serde(default)]
    pub availability_zone_rebalancing: AvailabilityZoneRebalancing,
    /// Whether `aws ecs execute-command` may open a shell in the containers. Default: false.
    #[serde(default)]
    pub execute_command: bool,
    /// Where the tags of tasks come from. Default: `Service`.
    #[serde(default)]
    pub propagate_tags: PropagateTags,
    /// Whether ECS tags tasks with the cluster's and the service's name. Default: true.
    #[serde(default = "yes")]
    pub ecs_managed_tags: bool,
    /// How many old task definition revisions stay registered for rollbacks, 1 to 100. Default: 3.
    #[serde(default = "history")]
    #[schemars(range(min = 1, max = 100))]
    pub revision_history_limit: u32,
    /// Tags on the service, beside the ones Axon adds. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// What becomes of changes that others make on AWS. Default: they are brought back.
    #[serde(default, skip_serializing_if = "Drift::is_default")]
    pub drift: Drift,
    /// Members of AWS's own requests, merged last. Default: none.
    #[serde(default, skip_serializing_if = "ServiceOverrides::is_empty")]
    pub overrides: ServiceOverrides,
}

const fn yes() -> bool {
    true
}

const fn history() -> u32 {
    DEFAULT_REVISION_HISTORY
}

impl ServiceSpec {
    /// Replicas of a task on a pool; everything else is the default.
    pub fn new(pool: Name, template: Template) -> Self {
        Self {
            pool: Some(pool),
            pools: Vec::new(),
            replicas: None,
            devices: Devices::default(),
            spread: Spread::default(),
            template,
            compile: None,
            networking: Networking::default(),
            load_balancers: Vec::new(),
            service_registries: Vec::new(),
            service_connect: None,
            vpc_lattice: Vec::new(),
            deployment: Deployment::default(),
            health_check_grace_period: None,
            availability_zone_rebalancing: AvailabilityZoneRebalancing::default(),
            execute_command: false,
            propagate_tags: PropagateTags::default(),
            ecs_managed_tags: true,
            revision_history_limit: DEFAULT_REVISION_HISTORY,
            tags: BTreeMap::new(),
            drift: Drift::default(),
            overrides: ServiceOverrides::default(),
        }
    }

    /// The pools that carry the replicas, in the order written; `pool: x` reads as one share with weight 1.
    pub fn shares(&self) -> Vec<PoolShare> {
        match &self.pool {
            Some(pool) => vec![PoolShare { pool: pool.clone(), weight: 1, base: 0 }],
            None => self.pools.clone(),
        }
    }
}

/// One pool's share of the replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolShare {
    /// The NeuronPool.
    pub pool: Name,
    /// This pool's share of the replicas beyond every `base`, relative to the other weights, 0 to 1000. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(max = 1000))]
    pub weight: u32,
    /// Replicas that run on this pool before weights count, 0 to 100000; on one pool only. Default: 0.
    #[serde(default)]
    #[schemars(range(max = 100_000))]
    pub base: u32,
}

const fn one() -> u32 {
    1
}

/// How many Neuron devices (chips) a replica gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Devices {
    /// All devices of an instance.
    #[default]
    All,
    /// This many devices, chosen by Axon.
    Count(std::num::NonZeroU8),
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl Serialize for Devices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Count(count) => serializer.serialize_u8(count.get()),
        }
    }
}

impl<'de> Deserialize<'de> for Devices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrCount;
        impl de::Visitor<'_> for AllOrCount {
            type Value = Devices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a number of Neuron devices from 1 to 255")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Devices, E> {
                if text == "all" { Ok(Devices::All) } else { Err(E::invalid_value(de::Unexpected::Str(text), &self)) }
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Devices, E> {
                let narrow = u8::try_from(count).ok().and_then(std::num::NonZeroU8::new);
                narrow.map(Devices::Count).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(count), &self))
            }
        }
        deserializer.deserialize_any(AllOrCount)
    }
}

impl JsonSchema for Devices {
    fn schema_name() -> Cow<'static, str> {
        "Devices".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`all` devices of an instance, or a number of Neuron devices from 1 to 255.",
            "oneOf": [
                { "type": "string", "const": "all" },
                { "type": "integer", "minimum": 1, "maximum": 255 }
            ]
        })
    }
}

/// How replicas spread over instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Spread {
    /// Instances are filled one after the other.
    #[default]
    Pack,
    /// Over Availability Zones first, then instances are filled.
    AvailabilityZones,
}

/// Whether ECS evens tasks out between Availability Zones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AvailabilityZoneRebalancing {
    /// It does not.
    #[default]
    Disabled,
    /// It does; needs room for extra tasks.
    Enabled,
}

/// Where the tags of tasks come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum PropagateTags {
    /// From the service.
    #[default]
    Service,
    /// From the task definition.
    TaskDefinition,
    /// From nowhere.
    None,
}
