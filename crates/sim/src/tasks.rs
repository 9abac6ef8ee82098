//! Tasks and container instances as plain values: what a task is made of, what it takes, what an instance has. Neighbours:
//! `state` keeps and re-exports them, `ecs` changes them. What changes them is not here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::{behaviour::Behaviour, catalog::Type};

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) serial: u64,
    pub(crate) cluster: String,
    pub(crate) definition: String,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) launch_type: &'static str,
    pub(crate) provider: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) subnets: Vec<String>,
    pub(crate) status: &'static str,
    pub(crate) desired: &'static str,
    pub(crate) containers: Vec<Container>,
    pub(crate) needs: Needs,
    /// Placement strategies, in order.
    pub(crate) placement: Vec<Value>,
    pub(crate) overrides: Value,
    pub(crate) tags: Vec<Value>,
    pub(crate) execute_command: Option<bool>,
    pub(crate) interface: Option<Interface>,
    pub(crate) stop_code: Option<&'static str>,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) times: Times,
    pub(crate) version: i64,
    pub(crate) behaviour: Behaviour,
    /// Counts changes of plan, so that an event of an older plan does nothing.
    pub(crate) plan: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    pub(crate) created: Option<Timestamp>,
    pub(crate) pull_started: Option<Timestamp>,
    pub(crate) pull_stopped: Option<Timestamp>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) healthy: Option<Timestamp>,
    pub(crate) stopping: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) stopped: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) arn: String,
    pub(crate) definition: Value,
    pub(crate) status: &'static str,
    pub(crate) health: &'static str,
    pub(crate) exit_code: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) runtime_id: Option<String>,
    pub(crate) devices: Vec<String>,
    /// Ports of the instance that lead to the container while it runs.
    pub(crate) bindings: Vec<Binding>,
}

/// One port of an instance that leads to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) host: Port,
    pub(crate) container: i64,
}

/// A port of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Port {
    pub(crate) protocol: Protocol,
    pub(crate) number: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

/// What a task takes from an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Needs {
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    pub(crate) all_chips: bool,
    /// Host paths of devices that the definition names itself.
    pub(crate) device_paths: Vec<String>,
    /// Fixed ports of the instance.
    pub(crate) ports: BTreeSet<Port>,
    /// A network interface of its own.
    pub(crate) interface: bool,
    pub(crate) distinct_instance: bool,
    pub(crate) expressions: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Interface {
    pub(crate) attachment: String,
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) mac: String,
    pub(crate) subnet: String,
    pub(crate) status: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) ec2_id: String,
    pub(crate) host: Host,
    pub(crate) cluster: String,
    pub(crate) provider: Option<String>,
    pub(crate) kind: &'static Type,
    /// Memory it registered, in MiB.
    pub(crate) memory: i64,
    pub(crate) zone: String,
    /// The ARN of the capacity reservation group it runs in.
    pub(crate) reservation: Option<String>,
    pub(crate) serial: u64,
    pub(crate) status: &'static str,
    pub(crate) agent_version: String,
    pub(crate) agent_connected: bool,
    pub(crate) impaired: bool,
    pub(crate) registered_at: Option<Timestamp>,
    pub(crate) images: BTreeSet<String>,
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    pub(crate) tags: Vec<Value>,
    pub(crate) version: i64,
    pub(crate) idle_since: Option<Timestamp>,
    /// Its group holds it until its tasks are gone.
    pub(crate) leaving: bool,
}

/// Whose machine a container instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// ECS launched it and ends it.
    Managed,
    /// An EC2 instance of the account whose agent registered it.
    Machine,
}

impl Instance {
    /// Registered and not yet deregistered.
    pub(crate) fn registered(&self) -> bool {
        self.registered_at.is_some() && self.status != "INACTIVE"
    }
}

impl Task {
    /// Not yet STOPPED: whatever it holds, it still holds.
    pub(crate) fn live(&self) -> bool {
        self.status != "STOPPED"
    }

    /// Meant to run, and running or on its way.
    pub(crate) fn wanted(&self) -> bool {
        self.desired == "RUNNING" && self.live()
    }
}
