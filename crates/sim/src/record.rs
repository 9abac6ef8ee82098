//! What an account keeps for whoever watches it from outside: calls, tasks that live, tasks that are told to stop, devices
//! that were used as they must not be. Plain values. Neighbours: `world` keeps and hands them out, `aws` and `ecs` note them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// One call that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// When, in virtual time.
    pub at: Timestamp,
    /// `ecs`, `ec2`, `autoscaling`, `ssm`, `logs` or `sts`.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The code of the error that was answered.
    pub error: Option<String>,
    /// The request body.
    pub body: Value,
}

/// A Neuron device that was used as it must not be: ECS prevents neither for devices named by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When it happened.
    pub at: Timestamp,
    /// What is wrong.
    pub breach: Breach,
    /// The container instance's ARN.
    pub instance: String,
    /// The EC2 instance's id.
    pub machine: String,
    /// The device's host path.
    pub device: String,
    /// The ARN of the task that held it; empty when the device does not exist.
    pub holder: String,
    /// The ARN of the task that took it, or tried to.
    pub intruder: String,
}

/// See [`Violation::breach`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// Two live tasks hold the same device.
    HeldTwice,
    /// The machine has no such device.
    NoSuchDevice,
}

/// A task that is not yet stopped, for invariants checked from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveTask {
    /// The task's ARN.
    pub arn: String,
    /// `lastStatus`.
    pub status: String,
    /// `desiredStatus`.
    pub desired: String,
    /// The service's name.
    pub service: Option<String>,
    /// The task definition's ARN.
    pub definition: String,
    /// The container instance's ARN, once placed.
    pub instance: Option<String>,
    /// Host paths of the Neuron devices it holds.
    pub devices: Vec<String>,
}

/// A turn in the life of a task of RunTask, for invariants checked from outside: ECS itself forgets it an hour after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneTurn {
    /// When.
    pub at: Timestamp,
    /// The task's ARN.
    pub task: String,
    /// Its group.
    pub group: String,
    /// The task definition's ARN.
    pub definition: String,
    /// What has happened.
    pub turn: Turn,
}

/// See [`LoneTurn::turn`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// RunTask has made it.
    Started,
    /// It is STOPPED.
    Stopped {
        /// `stopCode`.
        code: String,
        /// The exit code of the first essential container, if it ran.
        exit_code: Option<i64>,
    },
}

/// A task that ran and was told to stop, by whatever cause, for invariants checked from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopping {
    /// When.
    pub at: Timestamp,
    /// The task's ARN.
    pub task: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The service's name.
    pub service: Option<String>,
    /// The task definition's ARN.
    pub definition: String,
    /// `stopCode`: `ServiceSchedulerInitiated`, `EssentialContainerExited`, `UserInitiated`, or one of a lost
    /// instance.
    pub code: String,
    /// `stoppedReason`.
    pub reason: String,
    /// Whether it counted as healthy until then, as ECS counts for `minimumHealthyPercent`.
    pub healthy: bool,
    /// The healthy tasks that are left in its cluster, by service.
    pub healthy_left: BTreeMap<String, usize>,
}
