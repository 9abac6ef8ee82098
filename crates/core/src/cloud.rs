//! The one port to the world: ask AWS, tell AWS. Implemented by `axon-aws`; called by `axon-runtime`.
//!
//! The values that pass through it live here: scopes and sweeps on the way in, outcomes on the way out, and the few
//! meanings that any AWS error is reduced to. No policy: when to call and what to conclude belong to `runtime` and
//! `state`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::observe::{
    Cluster, ClusterName, Group, Identity, ImageAnswer, ImageSource, Instance, Machine, Parameter, PastDeployment,
    Provider, Service, ServiceTasks, StandaloneTask, SubnetAnswer, TaskDefinition, Template, TemplateVersion,
};
use crate::ownership::Installation;
use crate::step::Step;

/// Reaches one target: an AWS account in a Region.
pub trait Cloud: Send + Sync {
    /// Looks up facts that resolving a specification needs.
    fn lookup(&self) -> impl Future<Output = Result<Facts, CloudError>> + Send;

    /// Reads what exists. Never fails as a whole: what could not be read says so in its place.
    fn observe(&self, scope: Scope) -> impl Future<Output = Sweep> + Send;

    /// Makes exactly one AWS call.
    fn execute(&self, step: &Step) -> impl Future<Output = Result<Effect, CloudError>> + Send;

    /// What time it is by AWS, as its answers so far have told, when the machine's clock shows this.
    fn aws_time(&self, machine: Timestamp) -> Timestamp;
}

/// Facts from outside the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who we are and where.
    pub identity: Identity,
    /// Neuron instance types as this Region offers them; empty if they could not be asked for.
    pub instance_types: Vec<InstanceTypeFacts>,
}

/// What EC2 says about an instance type with Neuron devices (DescribeInstanceTypes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceTypeFacts {
    /// For instance `inf2.48xlarge`.
    pub name: String,
    /// `VCpuInfo.DefaultVCpus`.
    pub vcpus: u32,
    /// `MemoryInfo.SizeInMiB`.
    pub memory_mib: u32,
    /// Neuron devices (chips).
    pub chips: u8,
    /// Physical NeuronCores of one device.
    pub cores_per_chip: u8,
    /// `NetworkInfo.EfaInfo.MaximumEfaInterfaces`.
    pub efa_interfaces: u8,
    /// Whether it can be bought as Spot.
    pub spot: bool,
}

/// A service by cluster and name.
pub type ServiceKey = (ClusterName, String);

/// What a sweep should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Clusters that carry this installation's id are read, besides the named ones.
    pub installation: Installation,
    /// Clusters that specifications name.
    pub clusters: BTreeSet<ClusterName>,
    /// Services known from before. They are described besides the listed ones, because ECS does not list a service that
    /// is draining.
    pub services: BTreeSet<ServiceKey>,
    /// Families whose revisions matter, by prefix; empty reads none.
    pub family_prefixes: BTreeSet<String>,
    /// Services whose tasks are wanted.
    pub tasks_of: BTreeSet<ServiceKey>,
    /// Services whose past deployments are wanted.
    pub history_of: BTreeSet<ServiceKey>,
    /// The EC2 path, if it is wanted.
    pub ec2: Option<Ec2Scope>,
    /// Records and tasks of jobs, if they are wanted.
    pub jobs: Option<JobScope>,
    /// What the last readings showed of it.
    pub seen: Seen,
}

/// What the last readings showed, by ARN. What a list of it lacks is asked for by name, and is gone when AWS says so: something
/// else that goes while a list is read page by page may hide what comes after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Tasks of services.
    pub tasks: BTreeMap<ServiceKey, BTreeSet<String>>,
    /// Tasks of jobs.
    pub standalone: BTreeMap<ClusterName, BTreeSet<String>>,
    /// Container instances.
    pub instances: BTreeMap<ClusterName, BTreeSet<String>>,
}

/// What a sweep should read of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobScope {
    /// Everything below this path of Parameter Store is read; nothing where what is known of it will do.
    pub records: Option<String>,
    /// Ends of the runs that are wanted (parameters). Those that the list of records lacks are asked for by name, like what decides on
    /// runs under way, for the reason of [`Seen`].
    pub ends: BTreeSet<String>,
    /// Tasks with this `startedBy` are read.
    pub started_by: String,
    /// Clusters whose tasks are wanted.
    pub tasks_of: BTreeSet<ClusterName>,
}

/// What a sweep should read of the EC2 path. Templates, groups and providers that carry this installation's id are read
/// besides the named ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ec2Scope {
    /// Launch templates and Auto Scaling groups (they share their names) that the specification names.
    pub names: BTreeSet<String>,
    /// Images to look up and verify.
    pub images: BTreeSet<ImageSource>,
    /// Clusters whose container instances are wanted.
    pub instances_of: BTreeSet<ClusterName>,
    /// Ids of subnets to look up; empty reads none.
    pub subnets: BTreeSet<String>,
}

/// One part of a sweep: read to the last page, or not to be concluded from.
pub type Reading<T> = Result<T, CloudError>;

/// What a sweep found. A part that was not asked for is absent from its map or `None`.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// When the first call was sent. Outcomes of calls that ended later are newer.
    pub started: Timestamp,
    /// All clusters of the account.
    pub clusters: Reading<Vec<Cluster>>,
    /// Capacity providers by cluster.
    pub providers: BTreeMap<ClusterName, Reading<Vec<Provider>>>,
    /// Services by cluster, including those that are draining and still described.
    pub services: BTreeMap<ClusterName, Reading<Vec<Service>>>,
    /// Active revisions of the families asked for.
    pub task_definitions: Option<Reading<Vec<TaskDefinition>>>,
    /// Tasks by service.
    pub tasks: BTreeMap<ServiceKey, Reading<ServiceTasks>>,
    /// Past deployments by service, newest first.
    pub history: BTreeMap<ServiceKey, Reading<Vec<PastDeployment>>>,
    /// The EC2 path.
    pub ec2: Option<Ec2Sweep>,
    /// Jobs.
    pub jobs: Option<JobSweep>,
    /// How many AWS calls it took.
    pub calls: u32,
}

/// What a sweep found of jobs.
#[derive(Clone, Debug)]
pub struct JobSweep {
    /// Every parameter below the path, if it was asked for.
    pub records: Option<Reading<Vec<Parameter>>>,
    /// Tasks that have not stopped, or within the hour, by cluster.
    pub tasks: BTreeMap<ClusterName, Reading<Vec<StandaloneTask>>>,
}

/// What a sweep found on the EC2 path.
#[derive(Clone, Debug)]
pub struct Ec2Sweep {
    /// Every capacity provider of an Auto Scaling group in the account.
    pub providers: Reading<Vec<Provider>>,
    /// Launch templates.
    pub templates: Reading<Vec<Template>>,
    /// Auto Scaling groups.
    pub groups: Reading<Vec<Group>>,
    /// EC2 instances of these groups that are not terminated.
    pub machines: Reading<Vec<Machine>>,
    /// Images by source.
    pub images: BTreeMap<ImageSource, Reading<ImageAnswer>>,
    /// Container instances that are not deregistered, by cluster.
    pub instances: BTreeMap<ClusterName, Reading<Vec<Instance>>>,
    /// An answer for each subnet asked about.
    pub subnets: Reading<BTreeMap<String, SubnetAnswer>>,
}

/// What a successful step left behind, as far as AWS's answer tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The cluster as answered.
    Cluster(Box<Cluster>),
    /// The provider as answered.
    Provider(Box<Provider>),
    /// The revision as answered.
    TaskDefinition(TaskDefinition),
    /// The service as answered.
    Service(Box<Service>),
    /// The launch template as answered, with its only version.
    Template(Template),
    /// Another version of the launch template with this id.
    TemplateVersion(String, TemplateVersion),
    /// The container instance of this cluster as answered, with the tasks that it has now.
    Instance(String, Box<Instance>),
    /// The parameter as written.
    Parameter(Parameter),
    /// Tasks as answered.
    Tasks(Vec<StandaloneTask>),
    /// Tags of the resource changed as asked.
    Tags,
    /// Done as asked; the answer says nothing about the resource.
    Done,
    /// What was to go is gone already.
    Gone,
}

/// One AWS call that has ended, for whoever counts and times them. It carries nothing of what was asked or answered.
#[derive(Clone, Copy, Debug)]
pub struct ObservedCall<'a> {
    /// Service prefix, as IAM spells it.
    pub service: &'static str,
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// How it ended.
    pub outcome: Result<(), &'a CloudError>,
    /// From sending to the answer.
    pub duration: Duration,
    /// How long it had waited for its turn before.
    pub waited: Duration,
}

/// Told of every AWS call: implemented by `axon-runtime`'s metrics, called by `axon-aws`.
pub trait CallObserver: fmt::Debug + Send + Sync {
    /// A call has ended. Called on the way of the answer, so it must be quick.
    fn observed(&self, call: &ObservedCall<'_>);
}

/// The meanings that AWS's error codes are reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ErrorClass {
    /// Too fast: slow down and send again. Not a failure of the object.
    Throttled,
    /// AWS or the network failed, surely without effect.
    Transient,
    /// The call may or may not have had its effect: read before writing again.
    Ambiguous,
    /// The resource is in a state that does not allow this now (being updated, in use): wait.
    Conflict,
    /// The thing named does not exist.
    NotFound,
    /// AWS has no capacity of this kind now.
    NoCapacity,
    /// A quota of the account is used up.
    Quota,
    /// Credentials or permissions do not allow it.
    Denied,
    /// The request itself is refused and will be refused again.
    Invalid,
}

/// An error of an AWS call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub struct CloudError {
    /// What to conclude.
    pub class: ErrorClass,
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// AWS's error code, or a short word for errors below AWS (`Timeout`, `Connect`).
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// `x-amzn-requestid`, for AWS support.
    pub request_id: Option<String>,
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}: {}", self.operation, self.code, self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}
