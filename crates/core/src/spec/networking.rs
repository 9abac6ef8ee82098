//! How tasks are reached: network mode, target groups, Cloud Map, VPC Lattice.
//!
//! Neighbours: part of `service`; Service Connect has its own file. Not here: ports of containers (`container`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Capacity, Name};

/// Network mode, subnets and security groups of the tasks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Networking {
    /// `AwsVpc` gives each task its own network interface, `Host` the instance's, `Bridge` a network on the instance.
    /// Managed Instances know no `Bridge`. Default: `AwsVpc` on Managed Instances, `Bridge` on Auto Scaling groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<NetworkMode>,
    /// Subnets of the tasks, at most 16; only with `AwsVpc`. Default: those of the pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Security groups of the tasks, at most 5; only with `AwsVpc`. Default: those of the pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
    /// Whether tasks get a public address; only with `AwsVpc`. Default: not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<bool>,
}

impl Networking {
    /// The network mode of tasks on instances of this kind: the one given, else `AwsVpc` on Managed Instances and
    /// `Bridge` on Auto Scaling groups, where ECS keeps tasks off each other's Neuron devices by host ports.
    pub fn mode_on(&self, capacity: Capacity<'_>) -> NetworkMode {
        self.mode.unwrap_or(match capacity {
            Capacity::ManagedInstances(_) => NetworkMode::AwsVpc,
            Capacity::AutoScalingGroup(_) => NetworkMode::Bridge,
        })
    }
}

/// The network mode of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum NetworkMode {
    /// A network interface per task.
    AwsVpc,
    /// The instance's network.
    Host,
    /// A network on the instance; ports of containers become ports of the instance.
    Bridge,
}

/// A target group that sends traffic to a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// The target group. Its target type is `ip` for `AwsVpc` and `instance` for `Host` and `Bridge`.
    pub target_group_arn: String,
    /// The container that gets the traffic. Default: the Neuron container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,
    /// The container's port, one of its `ports`. Default: its only port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Second target group and listener rules; always with `BlueGreen`, `Canary` and `Linear`, never with `Rolling`.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_shift: Option<TrafficShift>,
}

/// What a load balancer needs to move traffic between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficShift {
    /// The second target group.
    pub alternate_target_group_arn: String,
    /// The listener rule (or listener, for a Network Load Balancer) of production traffic.
    pub production_listener_rule_arn: String,
    /// The listener rule (or listener) of test traffic. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_listener_rule_arn: Option<String>,
    /// The role ECS assumes to change the rules.
    pub role_arn: String,
}

/// An AWS Cloud Map service in which tasks register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceRegistry {
    /// The Cloud Map service.
    pub registry_arn: String,
    /// The container whose address is registered, for SRV records. Default: none, which registers an A record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,
    /// The container's port, for SRV records; together with `container`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A VPC Lattice target group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VpcLattice {
    /// The target group.
    pub target_group_arn: String,
    /// The role ECS assumes to register targets.
    pub role_arn: String,
    /// The name of the container port that gets the traffic.
    pub port_name: String,
}
