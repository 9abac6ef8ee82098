//! One container of a task.
//!
//! Neighbours: part of `template`; `render` makes a ContainerDefinition out of it.
//! Not here: Neuron device paths, which Axon adds to the one container that gets the devices.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Linux, Name, SystemControl, Ulimit};

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// The container's name, unique in the task.
    pub name: Name,
    /// The image with its registry and tag or digest.
    pub image: String,
    /// Whether this container gets the Neuron devices. Default: the first container that does not say otherwise gets
    /// them, the others do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neuron: Option<bool>,
    /// Arguments. Default: those of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The program. Default: that of the image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entry_point: Vec<String>,
    /// Environment variables, name to value. Values are texts: `1.10`, `no` and `010` stay as written. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Environment variables whose values ECS reads from Secrets Manager or Parameter Store, name to ARN. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Files of environment variables in S3, by ARN, ending in `.env`. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_files: Vec<String>,
    /// Ports the container listens on. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// A command that tells whether the container is healthy. Without one, and without a load balancer, a replica counts
    /// as healthy 40 seconds after it started, model loaded or not. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Where output goes. Default: driver `Awslogs` with log group `/axon/<cluster>/<service>` and the container's name
    /// as stream prefix. `axon logs` reads it back.
    #[serde(default)]
    pub logging: Logging,
    /// Volumes in the container's file system. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Containers that must have reached a condition before this one starts. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ContainerDependency>,
    /// Whether the task ends when this container ends. Default: true.
    #[serde(default = "yes")]
    pub essential: bool,
    /// CPU units of the container. Default: it shares what the task has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Memory in MiB above which the container is killed. Default: what the task has.
    #[schemars(range(min = 6))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// Memory in MiB kept for the container; less than `memory`. Default: none.
    #[schemars(range(min = 6))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<u32>,
    /// Linux settings. Default: those of ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux: Option<Linux>,
    /// Limits of the operating system. Default: those of the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ulimits: Vec<Ulimit>,
    /// How long containers that depend on this one wait for it, up to `10m` on Managed Instances. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<Duration>,
    /// How long the container may take to end after SIGTERM, up to `24h` on Managed Instances. Default: `30s`, by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<Duration>,
    /// User, or user and group, the program runs as. Default: that of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Directory the program starts in. Default: that of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Whether the root file system is read-only. Default: false.
    #[serde(default)]
    pub readonly_root_filesystem: bool,
    /// Whether the container has all rights on the instance. Default: false.
    #[serde(default)]
    pub privileged: bool,
    /// Whether ECS restarts the container without ending the task. Default: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// Docker labels. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub docker_labels: BTreeMap<String, String>,
    /// Kernel parameters. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_controls: Vec<SystemControl>,
    /// A secret with the user name and password of a private registry outside AWS, by ARN. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<String>,
    /// Makes this container the log router for others with `driver: Awsfirelens`. Default: it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firelens: Option<Firelens>,
}

const fn yes() -> bool {
    true
}

/// A port the container listens on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    /// The port in the container.
    #[schemars(range(min = 1))]
    pub container_port: u16,
    /// The port on the instance. With `AwsVpc` and `Host` it is the container's port; only `Bridge` can have another.
    /// Default: the container's port; with `Bridge`, one that Docker chooses for each replica.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// The protocol. Default: `Tcp`.
    #[serde(default)]
    pub protocol: Protocol,
    /// A name for Service Connect and VPC Lattice: lower-case letters, digits, `_` and `-`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What Service Connect assumes about the traffic. Default: plain TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<AppProtocol>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// An application protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AppProtocol {
    /// HTTP/1.
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
}

/// A command that tells whether a container is healthy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// The command: `["CMD-SHELL", "curl -f http://localhost:8080/health"]` or `["CMD", "program", "argument"]`.
    pub command: Vec<String>,
    /// Time between two checks, `5s` to `5m`. Default: `30s`.
    #[serde(default = "thirty_seconds")]
    pub interval: Duration,
    /// Time one check may take, `2s` to `1m`. Default: `5s`.
    #[serde(default = "five_seconds")]
    pub timeout: Duration,
    /// Failed checks in a row that make the container unhealthy, 1 to 10. Default: 3.
    #[serde(default = "three")]
    pub retries: u32,
    /// Time after the start in which failed checks do not count, up to `5m`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Duration>,
}

const fn thirty_seconds() -> Duration {
    Duration::from_seconds(30)
}

const fn five_seconds() -> Duration {
    Duration::from_seconds(5)
}

const fn three() -> u32 {
    3
}

/// Where a container's output goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logging {
    /// The log driver. Default: `Awslogs`.
    #[serde(default)]
    pub driver: LogDriver,
    /// CloudWatch log group, with `Awslogs`. It must exist, or the option `awslogs-create-group` be `"true"`; else no
    /// container starts. Default: `/axon/<cluster>/<name>`, which the driver creates where it is missing: the execution role
    /// needs `logs:CreateLogGroup` for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Region of the log group, with `Awslogs`. Default: the target's Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// First part of the log stream's name, with `Awslogs`; Managed Instances need one. Default: the container's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_prefix: Option<String>,
    /// Further options of the driver, in its own spelling. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Options whose values ECS reads from Secrets Manager or Parameter Store, name to ARN. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_options: BTreeMap<String, String>,
}

/// A log driver that Managed Instances know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum LogDriver {
    /// CloudWatch Logs.
    #[default]
    Awslogs,
    /// A log router in the same task.
    Awsfirelens,
    /// Splunk.
    Splunk,
    /// Files on the instance.
    JsonFile,
    /// No log settings are sent.
    None,
}

/// A volume in a container's file system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mount {
    /// The name of a volume of the template.
    pub volume: Name,
    /// The absolute path in the container.
    pub path: String,
    /// Whether the container may only read. Default: false.
    #[serde(default)]
    pub read_only: bool,
}

/// A container that must have reached a condition before another starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerDependency {
    /// The other container's name.
    pub container: Name,
    /// The condition. Default: `Start`.
    #[serde(default)]
    pub condition: DependencyCondition,
}

/// A condition of a container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DependencyCondition {
    /// It has started.
    #[default]
    Start,
    /// It has ended, however.
    Complete,
    /// It has ended with exit code 0.
    Success,
    /// Its health check passes.
    Healthy,
}

/// Whether ECS restarts a container without ending the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartPolicy {
    /// Whether it does. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Exit codes after which it does not. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_exit_codes: Vec<i32>,
    /// How long the container must have run, `1m` to `30m`. Default: `5m`, by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_period: Option<Duration>,
}

/// Makes a container the log router of the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Firelens {
    /// The program.
    #[serde(rename = "type")]
    pub kind: FirelensType,
    /// Its options, in ECS's spelling. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// A log router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum FirelensType {
    /// Fluent Bit.
    Fluentbit,
    /// Fluentd.
    Fluentd,
}
