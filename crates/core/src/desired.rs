//! What should be true on AWS: every resource that the specification asks for, rendered to the last member.
//!
//! Made by `resolve` from valid specifications and facts, read by `plan`, `check` and `judge`. Documents are AWS's own
//! requests without what only the plan can know: the revision of a task definition, the name of the provider in charge.

use std::collections::{BTreeMap, BTreeSet};

use crate::fingerprint::Fingerprint;
use crate::ownership::Tags;
use crate::shape::cluster::CreateCluster;
use crate::shape::provider::ManagedInstancesProvider;
use crate::shape::service::UpdateService;
use crate::shape::task_definition::RegisterTaskDefinition;
use crate::spec::{Adopt, Name, ObjectKey};

/// The whole target as it should be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Clusters by name.
    pub clusters: BTreeMap<Name, DesiredCluster>,
    /// Pools by name.
    pub pools: BTreeMap<Name, DesiredPool>,
    /// Services by name.
    pub services: BTreeMap<Name, DesiredService>,
    /// Objects that are declared but cannot be rendered now: left alone, neither changed nor pruned.
    pub held: BTreeSet<ObjectKey>,
    /// Source revision, for the tags of what is written.
    pub revision: String,
    /// Objects that a person has suspended.
    pub suspended: BTreeSet<ObjectKey>,
}

impl Desired {
    /// Whether an object is declared, rendered or not.
    pub fn declares(&self, key: &ObjectKey) -> bool {
        use crate::spec::Kind;
        let rendered = match key.kind {
            Kind::NeuronCluster => self.clusters.contains_key(&key.name),
            Kind::NeuronPool => self.pools.contains_key(&key.name),
            Kind::NeuronService => self.services.contains_key(&key.name),
        };
        rendered || self.held.contains(key)
    }

    /// Whether nothing at all is declared.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.pools.is_empty() && self.services.is_empty() && self.held.is_empty()
    }

    /// Every declared object, rendered or not, in order of creation.
    pub fn objects(&self) -> BTreeSet<ObjectKey> {
        let clusters = self.clusters.values().map(|c| c.object.clone());
        let pools = self.pools.values().map(|p| p.object.clone());
        let services = self.services.values().map(|s| s.object.clone());
        clusters.chain(pools).chain(services).chain(self.held.iter().cloned()).collect()
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

/// A Managed Instances capacity provider.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredPool {
    /// Object that asks for it.
    pub object: ObjectKey,
    /// ECS cluster that it belongs to.
    pub cluster: Name,
    /// Hash of what AWS cannot change in place. Another generation is another provider.
    pub generation: String,
    /// Name of the first provider of this generation; later ones append `-2`, `-3` …
    pub provider_name: String,
    /// What it launches.
    pub document: ManagedInstancesProvider,
    /// Tags that it must carry.
    pub tags: Tags,
}

/// A task definition and the ECS service that runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredService {
    /// Object that asks for it.
    pub object: ObjectKey,
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
}

/// One entry of a capacity provider strategy, by pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolShare {
    /// Pool by name.
    pub pool: Name,
    /// Relative share of the tasks beyond the bases, 0 to 1000.
    pub weight: i32,
    /// Tasks that go here first.
    pub base: i32,
}
