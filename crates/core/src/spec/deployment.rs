//! How a new version of a service replaces the old one.
//!
//! Neighbours: part of `service`; `render` makes ECS's DeploymentConfiguration out of it.
//! Not here: which combinations make sense (`validate`), and what a rollout is doing right now (`observe`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Duration;

/// How a new version of a service replaces the old one.
///
/// Defaults follow AWS: no replica is stopped before its successor is healthy (`minimumHealthyPercent: 100`) and up to as
/// many again may run meanwhile (`maximumPercent: 200`). With `devices: all` each extra replica needs a whole further
/// instance; where capacity is fixed, use `minimumHealthyPercent: 0, maximumPercent: 100` to stop first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployment {
    /// How traffic moves to the new version. Default: `Rolling`.
    #[serde(default)]
    pub strategy: Strategy,
    /// The first step of a canary, only with `strategy: Canary`. Default: 5 % for 10 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The steps of a linear shift, only with `strategy: Linear`. Default: 10 % every 6 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<Linear>,
    /// How long the old version keeps running after all traffic moved, 0 to 24 hours in whole minutes; not with
    /// `Rolling`. Default: `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_time: Option<Duration>,
    /// Lambda functions or pauses at stages of a deployment. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_hooks: Vec<LifecycleHook>,
    /// Least healthy replicas during a rolling update, as a percentage of `replicas`, rounded up. Default: 100.
    #[serde(default = "hundred")]
    #[schemars(range(max = 100))]
    pub minimum_healthy_percent: u32,
    /// Most replicas during a rolling update, as a percentage of `replicas`, rounded down; 100 to 1000. Default: 200.
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 100, max = 1000))]
    pub maximum_percent: u32,
    /// Stops a deployment whose tasks do not become healthy. Default: enabled, with rollback.
    #[serde(default)]
    pub circuit_breaker: CircuitBreaker,
    /// CloudWatch alarms that fail a deployment. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Alarms>,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            strategy: Strategy::Rolling,
            canary: None,
            linear: None,
            bake_time: None,
            lifecycle_hooks: Vec::new(),
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            circuit_breaker: CircuitBreaker::default(),
            alarms: None,
        }
    }
}

const fn hundred() -> u32 {
    100
}

const fn two_hundred() -> u32 {
    200
}

const fn yes() -> bool {
    true
}

/// How traffic moves to the new version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Strategy {
    /// Tasks are replaced a few at a time.
    #[default]
    Rolling,
    /// A full second set is started, then all traffic moves at once.
    BlueGreen,
    /// A full second set is started, a small part of the traffic moves, then the rest.
    Canary,
    /// A full second set is started, traffic moves in equal steps.
    Linear,
}

/// The first step of a canary deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Canary {
    /// Part of the traffic that moves first, in percent, 0.1 to 100 in tenths. Default: 5.
    #[serde(default = "five_percent")]
    pub percent: f64,
    /// How long the canary is watched before the rest moves, 0 to 24 hours in whole minutes. Default: `10m`.
    #[serde(default = "ten_minutes")]
    pub bake_time: Duration,
}

impl Default for Canary {
    fn default() -> Self {
        Self { percent: five_percent(), bake_time: ten_minutes() }
    }
}

const fn five_percent() -> f64 {
    5.0
}

const fn ten_minutes() -> Duration {
    Duration::from_minutes(10)
}

/// The steps of a linear deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Linear {
    /// Part of the traffic that moves in each step, in percent, 3 to 100 in tenths. Default: 10.
    #[serde(default = "ten_percent")]
    pub step_percent: f64,
    /// How long each step is watched, 0 to 24 hours in whole minutes. Default: `6m`.
    #[serde(default = "six_minutes")]
    pub step_bake_time: Duration,
}

impl Default for Linear {
    fn default() -> Self {
        Self { step_percent: ten_percent(), step_bake_time: six_minutes() }
    }
}

const fn ten_percent() -> f64 {
    10.0
}

const fn six_minutes() -> Duration {
    Duration::from_minutes(6)
}

/// A Lambda function that runs, or a pause that waits for a person, at stages of a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LifecycleHook {
    /// What happens at the stages. Default: `Lambda`.
    #[serde(default)]
    pub target: HookTarget,
    /// The Lambda function; always with `target: Lambda`, never with `Pause`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda_arn: Option<String>,
    /// The role ECS assumes to call the function; always with `target: Lambda`, never with `Pause`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The stages at which the hook runs, at least one.
    pub stages: Vec<LifecycleStage>,
    /// What happens if the hook does not finish. Default: rollback after 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HookTimeout>,
}

/// What happens at a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum HookTarget {
    /// A Lambda function runs.
    #[default]
    Lambda,
    /// The deployment waits for ContinueServiceDeployment.
    Pause,
}

/// What happens if a hook does not finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookTimeout {
    /// How long to wait, 1 minute to 14 days in whole minutes. Default: `24h`.
    #[serde(default = "one_day")]
    pub after: Duration,
    /// What to do then. Default: `Rollback`.
    #[serde(default)]
    pub action: HookTimeoutAction,
}

const fn one_day() -> Duration {
    Duration::from_minutes(24 * 60)
}

/// What to do when a hook does not finish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum HookTimeoutAction {
    /// Go back to the old version.
    #[default]
    Rollback,
    /// Go on with the next stage.
    Continue,
}

/// A stage of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum LifecycleStage {
    /// A deployment starts while more than one version is active.
    ReconcileService,
    /// Before the new version starts.
    PreScaleUp,
    /// The new version runs, without traffic.
    PostScaleUp,
    /// Test traffic moves to the new version.
    TestTrafficShift,
    /// Test traffic has moved.
    PostTestTrafficShift,
    /// Before production traffic moves.
    PreProductionTrafficShift,
    /// Production traffic moves to the new version.
    ProductionTrafficShift,
    /// Production traffic has moved.
    PostProductionTrafficShift,
}

/// Stops a deployment whose tasks do not become healthy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CircuitBreaker {
    /// Whether such a deployment is stopped; without it, a broken one goes on for ever. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether the last version that worked comes back. Default: true.
    #[serde(default = "yes")]
    pub rollback: bool,
    /// Whether a healthy task sets the count of failures back to zero. Default: decided by AWS (true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_on_healthy_task: Option<bool>,
    /// How many failed tasks are too many. Default: decided by AWS (half of `replicas`, at least 3, at most 200).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<FailureThreshold>,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self { enabled: true, rollback: true, reset_on_healthy_task: None, threshold: None }
    }
}

/// How many failed tasks are too many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureThreshold {
    /// How `value` is read. Default: `BoundedPercent`.
    #[serde(default, rename = "type")]
    pub kind: ThresholdType,
    /// A percentage of `replicas`, or a number of tasks; at least 1. Default: 50.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1))]
    pub value: u32,
}

const fn fifty() -> u32 {
    50
}

/// How a failure threshold is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ThresholdType {
    /// A percentage of `replicas`, but at least 3 and at most 200 tasks.
    #[default]
    BoundedPercent,
    /// A percentage of `replicas`.
    UnboundedPercent,
    /// A number of tasks.
    Count,
}

/// CloudWatch alarms that fail a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alarms {
    /// Names of the alarms, at least one.
    pub names: Vec<String>,
    /// Whether the alarms are watched. Default: true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether the last version that worked comes back. Default: true.
    #[serde(default = "yes")]
    pub rollback: bool,
}
