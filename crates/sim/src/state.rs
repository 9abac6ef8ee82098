//! Everything that exists in the account: plain values, ordered maps only. Neighbours: `world` owns one, `ecs` changes it.
//! What changes it is not here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    behaviour::Behaviour,
    catalog::Type,
    stages::{Stages, Watch},
};

/// The resources of an account. Cloned only when reads are made to trail writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) providers: BTreeMap<String, Provider>,
    pub(crate) families: BTreeMap<String, Family>,
    pub(crate) services: BTreeMap<(String, String), Service>,
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) instances: BTreeMap<String, Instance>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) run_tokens: BTreeMap<(String, String), RunToken>,
    /// Ids of a service's tasks, stopped ones included.
    pub(crate) tasks_of_service: BTreeMap<(String, String), BTreeSet<String>>,
    /// Ids of the tasks on an instance that are not yet stopped.
    pub(crate) tasks_on: BTreeMap<String, BTreeSet<String>>,
    /// Tasks of a cluster that wait for a place, oldest first.
    pub(crate) unplaced: BTreeMap<String, BTreeMap<u64, String>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) status: &'static str,
    pub(crate) settings: Vec<Value>,
    pub(crate) configuration: Option<Value>,
    /// Names put by PutClusterCapacityProviders; managed instances providers belong by creation and are not in it.
    pub(crate) providers: Vec<String>,
    pub(crate) strategy: Vec<Value>,
    pub(crate) attachments_status: Option<&'static str>,
    /// The ARN of the default Service Connect namespace.
    pub(crate) namespace: Option<String>,
    pub(crate) tags: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) cluster: String,
    pub(crate) document: Value,
    pub(crate) status: &'static str,
    pub(crate) update_status: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) tags: Vec<Value>,
    /// Counts changes, so that an event of an older change does nothing.
    pub(crate) change: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Family {
    pub(crate) last: i64,
    pub(crate) revisions: BTreeMap<i64, Revision>,
}

#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub(crate) arn: String,
    pub(crate) document: Value,
    pub(crate) tags: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) cluster: String,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) status: &'static str,
    pub(crate) desired: i64,
    pub(crate) definition: String,
    pub(crate) strategy: Vec<Value>,
    pub(crate) launch_type: Option<String>,
    /// Members that are stored and returned as they are.
    pub(crate) document: Value,
    /// Members that only revisions and deployments return.
    pub(crate) revised: Value,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) history: Vec<Rollout>,
    pub(crate) revisions: BTreeMap<String, Value>,
    pub(crate) events: VecDeque<ServiceEvent>,
    pub(crate) tags: Vec<Value>,
    pub(crate) created_at: Timestamp,
    pub(crate) token: Option<String>,
    pub(crate) request: Value,
    pub(crate) steady: Steady,
}

/// Whether the service has said that it is steady since something last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Steady {
    No,
    Said,
}

#[derive(Debug, Clone)]
pub(crate) struct ServiceEvent {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

/// One entry of a service's `deployments`.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    /// `ecs-svc/<number>`.
    pub(crate) id: String,
    /// The ARN of the service revision it brings about.
    pub(crate) revision: String,
    pub(crate) definition: String,
    pub(crate) strategy: Vec<Value>,
    pub(crate) launch_type: Option<String>,
    pub(crate) network: Option<Value>,
    pub(crate) rollout: &'static str,
    pub(crate) rollout_reason: String,
    pub(crate) failed: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Tasks in a row that stopped before they ran.
    pub(crate) streak: u32,
    pub(crate) not_before: Option<Timestamp>,
    /// When the bake time of a rolling deployment is over.
    pub(crate) bake_until: Option<Timestamp>,
    pub(crate) unplaced_said: Option<Timestamp>,
}

/// One service deployment, as ListServiceDeployments knows it.
#[derive(Debug, Clone)]
pub(crate) struct Rollout {
    pub(crate) id: String,
    pub(crate) deployment: String,
    pub(crate) target: String,
    pub(crate) sources: Vec<String>,
    pub(crate) status: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) stages: Stages,
    pub(crate) alarms: Watch,
    pub(crate) configuration: Value,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
    pub(crate) rollback: Option<Value>,
    pub(crate) failures: i64,
    pub(crate) breaker: &'static str,
}

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
}

/// What a task takes from an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Needs {
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    pub(crate) all_chips: bool,
    /// Host paths of devices that the definition names itself.
    pub(crate) device_paths: Vec<String>,
    pub(crate) ports: BTreeSet<i64>,
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
    pub(crate) cluster: String,
    pub(crate) provider: String,
    pub(crate) kind: &'static Type,
    pub(crate) zone: String,
    pub(crate) subnet: String,
    /// The ARN of the capacity reservation group it runs in.
    pub(crate) reservation: Option<String>,
    pub(crate) serial: u64,
    pub(crate) status: &'static str,
    pub(crate) agent_connected: bool,
    pub(crate) impaired: bool,
    pub(crate) registered_at: Option<Timestamp>,
    pub(crate) images: BTreeSet<String>,
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    pub(crate) tags: Vec<Value>,
    pub(crate) version: i64,
    pub(crate) idle_since: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct RunToken {
    pub(crate) request: Value,
    pub(crate) tasks: Vec<String>,
    pub(crate) failures: Vec<Value>,
    pub(crate) made: Timestamp,
}

impl State {
    /// A service's tasks, stopped ones included, in the order of their ids.
    pub(crate) fn tasks_of<'s>(&'s self, service: &(String, String)) -> impl Iterator<Item = &'s Task> + use<'s> {
        self.tasks_of_service.get(service).into_iter().flatten().filter_map(|id| self.tasks.get(id))
    }

    /// The tasks on an instance that are not yet stopped.
    pub(crate) fn tasks_on_instance<'s>(&'s self, instance: &str) -> impl Iterator<Item = &'s Task> + use<'s> {
        self.tasks_on.get(instance).into_iter().flatten().filter_map(|id| self.tasks.get(id))
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

impl Service {
    pub(crate) fn key(&self) -> (String, String) {
        (self.cluster.clone(), self.name.clone())
    }

    pub(crate) fn primary_mut(&mut self) -> Option<&mut Deployment> {
        self.deployments.first_mut()
    }

    pub(crate) fn rollout_mut(&mut self, deployment: &str) -> Option<&mut Rollout> {
        self.history.iter_mut().find(|r| r.deployment == deployment)
    }

    /// Keeps the hundred newest, newest first.
    pub(crate) fn say(&mut self, event: ServiceEvent) {
        self.events.push_front(event);
        self.events.truncate(100);
    }
}
