//! Everything that exists in the account: plain values, ordered maps only. Neighbours: `world` owns one, `ecs` changes it.
//! What changes it is not here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    autoscaling::group::Group,
    ec2::{instance::Machine, template::Template},
    ssm::parameter::Parameter,
    stages::{Stages, Watch},
};

pub(crate) use crate::tasks::{Binding, Container, Host, Instance, Interface, Needs, Port, Protocol, Task, Times};

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
    /// Groups of all tasks that belonged to no service, in the order of their creation. It forgets none.
    pub(crate) standalone_groups: Vec<String>,
    /// Ids of a service's tasks, stopped ones included.
    pub(crate) tasks_of_service: BTreeMap<(String, String), BTreeSet<String>>,
    /// Ids of the tasks on an instance that are not yet stopped.
    pub(crate) tasks_on: BTreeMap<String, BTreeSet<String>>,
    /// Tasks of a cluster that wait for a place, oldest first.
    pub(crate) unplaced: BTreeMap<String, BTreeMap<u64, String>>,
    /// EC2 instances by id, terminated ones included for a while. Managed instances are not among them.
    pub(crate) machines: BTreeMap<String, Machine>,
    /// Launch templates by id.
    pub(crate) templates: BTreeMap<String, Template>,
    /// Auto Scaling groups by name.
    pub(crate) groups: BTreeMap<String, Group>,
    /// The account's own parameters, by name with a leading slash.
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// When the parameters that are no more were deleted.
    pub(crate) deleted_parameters: BTreeMap<String, Timestamp>,
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
    pub(crate) backing: Backing,
    /// `managedInstancesProvider` or `autoScalingGroupProvider`, as it is described.
    pub(crate) document: Value,
    pub(crate) status: &'static str,
    pub(crate) update_status: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) tags: Vec<Value>,
    /// Counts changes, so that an event of an older change does nothing.
    pub(crate) change: u64,
    /// What managed scaling of a group remembers.
    pub(crate) scaling: Scaling,
}

/// Where the capacity of a provider comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backing {
    /// Instances that ECS launches for one cluster.
    ManagedInstances { cluster: String },
    /// An Auto Scaling group of the account, by name.
    Group { name: String },
}

/// Managed scaling between two looks at a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scaling {
    /// When the next look is due; none while nothing keeps it going.
    pub(crate) next: Option<Timestamp>,
    /// Data points in a row below the target.
    pub(crate) below: i64,
    /// When the group last grew at ECS's request.
    pub(crate) grew_at: Option<Timestamp>,
    /// The last CapacityProviderReservation, in thousandths of a per cent.
    pub(crate) reservation: Option<i64>,
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

impl Provider {
    /// The cluster that a managed instances provider belongs to.
    pub(crate) fn cluster(&self) -> Option<&str> {
        match &self.backing {
            Backing::ManagedInstances { cluster } => Some(cluster),
            Backing::Group { .. } => None,
        }
    }

    /// The name of the Auto Scaling group behind it.
    pub(crate) fn group(&self) -> Option<&str> {
        match &self.backing {
            Backing::ManagedInstances { .. } => None,
            Backing::Group { name } => Some(name),
        }
    }

    /// Whether it belongs to a cluster by creation.
    pub(crate) fn belongs_to(&self, cluster: &str) -> bool {
        self.cluster() == Some(cluster)
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
