//! What should be true on AWS: every resource that the specification asks for, rendered to the last member.
//!
//! Made by `resolve` from valid specifications and facts, read by `plan`, `check` and `judge`. Documents are AWS's own
//! requests without what only the plan can know: the revision of a task definition, the name of the provider in charge.

use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::Fingerprint;
use crate::job::RunId;
use crate::layout::Host;
use crate::neuron::DeviceSet;
use crate::observe::{HealthSignal, ImageSource, SubnetAnswer};
use crate::ownership::Tags;
use crate::revision::Revisions;
use crate::shape::cluster::CreateCluster;
use crate::shape::launch_template::LaunchTemplateData;
use crate::shape::provider::{AutoScalingGroupProvider, ManagedInstancesProvider};
use crate::shape::scaling_group::UpdateAutoScalingGroup;
use crate::shape::service::UpdateService;
use crate::shape::task_definition::RegisterTaskDefinition;
use crate::spec::{Adopt, Consolidation, Drift, JobPreemption, JobSpec, Name, ObjectKey, PoolRollout, Spread};

/// The whole target as it should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Clusters by name.
    pub clusters: BTreeMap<Name, DesiredCluster>,
    /// Pools by name.
    pub pools: BTreeMap<Name, DesiredPool>,
    /// Services whose replicas ECS places by itself, by name.
    pub services: BTreeMap<Name, DesiredService>,
    /// Services whose replicas get device ids from the layout of their pool, by name.
    pub packed: BTreeMap<Name, PackedService>,
    /// Jobs by name.
    pub jobs: BTreeMap<Name, DesiredJob>,
    /// Objects that are declared but cannot be rendered now: left alone, neither changed nor pruned.
    pub held: BTreeSet<ObjectKey>,
    /// Which source revision each object is taken from.
    pub revisions: Revisions,
    /// Objects that a person has suspended.
    pub suspended: BTreeSet<ObjectKey>,
    /// What becomes of changes by others, where it is not that everything is brought back.
    pub drift: BTreeMap<ObjectKey, Drift>,
}

impl Desired {
    /// Whether an object is declared, rendered or not.
    pub fn declares(&self, key: &ObjectKey) -> bool {
        use crate::spec::Kind;
        let rendered = match key.kind {
            Kind::NeuronCluster => self.clusters.contains_key(&key.name),
            Kind::NeuronPool => self.pools.contains_key(&key.name),
            Kind::NeuronService => self.services.contains_key(&key.name) || self.packed.contains_key(&key.name),
            Kind::NeuronJob => self.jobs.contains_key(&key.name),
        };
        rendered || self.held.contains(key)
    }

    /// Declared objects that are not what they are in `other`, or are not in it.
    pub fn differing(&self, other: &Self) -> BTreeSet<ObjectKey> {
        let clusters = self.clusters.iter().filter(|(name, cluster)| other.clusters.get(*name) != Some(*cluster));
        let pools = self.pools.iter().filter(|(name, pool)| other.pools.get(*name) != Some(*pool));
        let services = self.services.iter().filter(|(name, service)| other.services.get(*name) != Some(*service));
        let packed = self.packed.iter().filter(|(name, service)| other.packed.get(*name) != Some(*service));
        let jobs =
            self.jobs.iter().filter(|(name, job)| other.jobs.get(*name) != Some(*job)).map(|(_, job)| &job.object);
        let unpacked = clusters.map(|(_, c)| &c.object).chain(pools.map(|(_, p)| &p.object));
        let placed = services.map(|(_, s)| &s.object).chain(packed.map(|(_, s)| &s.object));
        unpacked.chain(placed).chain(jobs).cloned().collect()
    }

    /// Whether nothing at all is declared.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty()
            && self.pools.is_empty()
            && self.services.is_empty()
            && self.packed.is_empty()
            && self.jobs.is_empty()
            && self.held.is_empty()
    }

    /// Every declared object, rendered or not, in order of creation.
    pub fn objects(&self) -> BTreeSet<ObjectKey> {
        let clusters = self.clusters.values().map(|c| c.object.clone());
        let pools = self.pools.values().map(|p| p.object.clone());
        let services = self.services.values().map(|s| s.object.clone());
        let packed = self.packed.values().map(|s| s.object.clone());
        let jobs = self.jobs.values().map(|job| job.object.clone());
        clusters.chain(pools).chain(services).chain(packed).chain(jobs).chain(self.held.iter().cloned()).collect()
    }
}

/// An ECS cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredCluster {
    /// Object that asks for it.
    pub object: ObjectKey,
    /// Whether an existing cluster may be taken over.
    pub adopt: Adopt,
    /// The request that creates it, tags included.
    pub document: CreateCluster,
    /// Tags that it must carry.
    pub tags: Tags,
}

/// Capacity of one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredPool {
    /// Object that asks for it.
    pub object: ObjectKey,
    /// ECS cluster that it belongs to.
    pub cluster: Name,
    /// Where the instances come from.
    pub capacity: DesiredCapacity,
    /// Who may take devices from jobs that run.
    pub job_preemption: JobPreemption,
    /// Tags that its resources must carry.
    pub tags: Tags,
}

impl DesiredPool {
    /// Its capacity providers, in order of preference.
    pub fn providers(&self) -> Vec<&DesiredProvider> {
        match &self.capacity {
            DesiredCapacity::Managed { provider, .. } => vec![provider],
            DesiredCapacity::Groups(groups) => groups.iter().map(|group| &group.provider).collect(),
        }
    }

    /// Its Auto Scaling groups, in order of preference; none for Managed Instances.
    pub fn groups(&self) -> &[DesiredGroup] {
        match &self.capacity {
            DesiredCapacity::Managed { .. } => &[],
            DesiredCapacity::Groups(groups) => groups,
        }
    }
}

/// Where the instances of a pool come from.
#[derive(Clone, Debug, PartialEq)]
pub enum DesiredCapacity {
    /// ECS launches them.
    Managed {
        /// Its capacity provider.
        provider: DesiredProvider,
        /// What it launches.
        document: Box<ManagedInstancesProvider>,
        /// The instance type and what one offers, if only one type can be launched.
        host: Option<(String, Host)>,
    },
    /// Auto Scaling groups, one for each instance type.
    Groups(Vec<DesiredGroup>),
}

/// How the capacity provider of a pool is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredProvider {
    /// Hash of what AWS cannot change in place. Another generation is another provider.
    pub generation: String,
    /// Name of the first provider of this generation; later ones append `-2`, `-3` …
    pub name: String,
}

/// A launch template, the Auto Scaling group that launches from it, and the capacity provider in front.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredGroup {
    /// Name of the launch template and of the group.
    pub name: String,
    /// The type of its instances.
    pub instance_type: String,
    /// What an instance offers to tasks.
    pub host: Host,
    /// Where its image comes from.
    pub image: ImageSource,
    /// What a version of the template holds, without the image.
    pub template: LaunchTemplateData,
    /// Settings of the group, without the version of the template.
    pub settings: UpdateAutoScalingGroup,
    /// Its capacity provider.
    pub provider: DesiredProvider,
    /// What ECS does with the group, without its ARN.
    pub document: AutoScalingGroupProvider,
    /// Most instances.
    pub max_size: u32,
    /// How running instances are replaced.
    pub rollout: PoolRollout,
    /// Whether instances that could be spared are drained.
    pub consolidation: Consolidation,
}

impl DesiredGroup {
    /// Ids of the subnets that instances are launched in.
    pub fn subnets(&self) -> impl Iterator<Item = &str> {
        let listed = self.settings.vpc_zone_identifier.as_deref().unwrap_or_default();
        listed.split(',').map(str::trim).filter(|id| !id.is_empty())
    }

    /// The zones that instances can be launched in; none while one of the subnets was never looked up.
    pub fn zones<'a>(&self, known: &'a BTreeMap<String, SubnetAnswer>) -> Option<BTreeSet<&'a str>> {
        let mut zones = BTreeSet::new();
        for id in self.subnets() {
            if let SubnetAnswer::Found { zone } = known.get(id)? {
                zones.insert(zone.as_str());
            }
        }
        Some(zones)
    }
}

/// A task definition and the ECS service that runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredService {
    /// Object that asks for it.
    pub object: ObjectKey,
    /// Name of the ECS service: the object's, followed by the device ids if it has only some of an instance.
    pub name: String,
    /// ECS cluster that it runs in.
    pub cluster: Name,
    /// Whether an existing service may be taken over.
    pub adopt: Adopt,
    /// The revision to run, tags included.
    pub task_definition: RegisterTaskDefinition,
    /// Hash of the revision's content without tags.
    pub content: Fingerprint,
    /// Pools that its tasks run on.
    pub pools: Vec<PoolShare>,
    /// Settings of the service, without task definition, strategy and desired count.
    pub settings: UpdateService,
    /// Tasks wanted; `None` leaves the count to whoever scales the service.
    pub replicas: Option<i32>,
    /// Tags that it must carry.
    pub tags: Tags,
    /// Hash of everything that a deployment of it carries, to recognise a spec that ECS has rolled back.
    pub fingerprint: Fingerprint,
    /// Superseded revisions that are kept.
    pub history_limit: u32,
    /// The job that must have compiled its model before it is deployed.
    pub after: Option<Name>,
}

/// A service whose replicas get device ids from the layout of their pool: one ECS service for each set of devices.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedService {
    /// Object that asks for it.
    pub object: ObjectKey,
    /// ECS cluster that it runs in.
    pub cluster: Name,
    /// Pool that carries it.
    pub pool: Name,
    /// Replicas wanted; `None` leaves the count to whoever scales the ECS services.
    pub replicas: Option<u32>,
    /// What one replica takes of an instance beside its devices.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    /// Who gets devices first where they are short: the higher number.
    pub priority: i32,
    /// How its replicas are spread over instances.
    pub spread: Spread,
    /// How many may be missing or surplus while something changes.
    pub budget: Budget,
    /// Devices of one replica by instance type, for every type of the pool that can give them.
    pub devices: BTreeMap<String, u8>,
    /// What to run for each instance type and set of devices.
    pub variants: BTreeMap<(String, DeviceSet), DesiredService>,
}

impl PackedService {
    /// The job that must have compiled its model before it is deployed.
    pub fn after(&self) -> Option<&Name> {
        self.variants.values().find_map(|variant| variant.after.as_ref())
    }

    /// How ECS learns that its tasks are well.
    pub fn health_signal(&self) -> HealthSignal {
        let mut containers = self.variants.values().flat_map(|variant| &variant.task_definition.container_definitions);
        let checked = containers.any(|container| container.health_check.is_some());
        if checked { HealthSignal::Check } else { HealthSignal::Age }
    }
}

/// Work that ends: what its tasks are, and when they are to run.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredJob {
    /// Object that asks for it.
    pub object: ObjectKey,
    /// ECS cluster that it runs in.
    pub cluster: Name,
    /// The run that is wanted now; another template or size is another run. Runs of a schedule have names of their own.
    pub run: RunId,
    /// How often, how long, and what after failures.
    pub spec: JobSpec,
    /// What its tasks are.
    pub tasks: JobTasks,
    /// The container whose exit code is the result.
    pub container: String,
}

/// What the tasks of a job are: rendered as the service whose replicas would be such tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum JobTasks {
    /// ECS gives each all devices of an instance.
    Placed(Box<DesiredService>),
    /// Axon chooses their devices.
    Packed(Box<PackedService>),
}

impl DesiredJob {
    /// Everything that may be run.
    pub fn variants(&self) -> Vec<&DesiredService> {
        match &self.tasks {
            JobTasks::Placed(task) => vec![task],
            JobTasks::Packed(tasks) => tasks.variants.values().collect(),
        }
    }
}

/// Replicas that must be there and replicas that may be there while something changes, in percent of those wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Least, rounded up.
    pub minimum_healthy_percent: u32,
    /// Most, rounded down.
    pub maximum_percent: u32,
}

/// One entry of a capacity provider strategy, by pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolShare {
    /// Pool by name.
    pub pool: Name,
    /// The instance type of the group, for a pool of Auto Scaling groups.
    pub instance_type: Option<String>,
    /// Relative share of the tasks beyond the bases, 0 to 1000.
    pub weight: i32,
    /// Tasks that go here first.
    pub base: i32,
}
