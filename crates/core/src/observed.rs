//! Everything last read about a target, with unknown kept apart from absent.
//!
//! `state` files sweeps and outcomes here; `plan`, `check` and `judge` ask for slots. A list that was never read to its
//! end answers `Unknown` for every name, so that nothing is created, replaced or pruned on a guess.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cloud::ServiceKey;
use crate::observe::{
    Cluster, ClusterName, ClusterStatus, Group, ImageAnswer, ImageSource, Instance, Machine, Parameter, PastDeployment,
    Provider, Service, ServiceTasks, StandaloneTask, SubnetAnswer, TaskDefinition, Template,
};
use crate::ownership::{self, Installation, Owner, Tags};
use crate::spec::ObjectKey;

/// What is known about one place where a resource can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Slot<'a, T> {
    /// Certainly nothing there.
    Absent,
    /// Not read yet.
    Unknown,
    /// Something that is not ours, and whose it is.
    Foreign(&'a T, Owner),
    /// Ours, and the object that it is for.
    Ours(&'a T, ObjectKey),
}

/// A list of resources by name (task definitions: by ARN).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Listing<T> {
    /// Never read to its end.
    #[default]
    Unread,
    /// As of the last complete reading and the outcomes since.
    Read(BTreeMap<String, T>),
}

impl<T> Listing<T> {
    /// What was read under a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        match self {
            Self::Unread => None,
            Self::Read(entries) => entries.get(name),
        }
    }

    /// All entries in order of their names; none if unread.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::Unread => None,
            Self::Read(entries) => Some(entries.values()),
        }
        .into_iter()
        .flatten()
    }

    /// Whether the list was ever read to its end.
    pub const fn is_read(&self) -> bool {
        matches!(self, Self::Read(_))
    }

    /// Files one entry. A list that was never read stays so: one entry is not the list.
    pub fn put(&mut self, name: String, entry: T) {
        if let Self::Read(entries) = self {
            entries.insert(name, entry);
        }
    }

    /// Removes one entry.
    pub fn remove(&mut self, name: &str) {
        if let Self::Read(entries) = self {
            entries.remove(name);
        }
    }

    /// Mutable access to one entry.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        match self {
            Self::Unread => None,
            Self::Read(entries) => entries.get_mut(name),
        }
    }

    fn slot(&self, name: &str, view: &View<'_, T>) -> Slot<'_, T> {
        match (self, self.get(name)) {
            (Self::Unread, _) => Slot::Unknown,
            (Self::Read(_), None) => Slot::Absent,
            (Self::Read(_), Some(entry)) => match ownership::owner((view.tags)(entry), view.installation) {
                Owner::Us(object) => Slot::Ours(entry, object),
                other @ (Owner::Other(_) | Owner::Nobody) => Slot::Foreign(entry, other),
            },
        }
    }
}

struct View<'a, T> {
    installation: &'a Installation,
    tags: fn(&T) -> &Tags,
}

/// All readings of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Clusters by name.
    pub clusters: Listing<Cluster>,
    /// Capacity providers by cluster and name.
    pub providers: BTreeMap<ClusterName, Listing<Provider>>,
    /// Services by cluster and name.
    pub services: BTreeMap<ClusterName, Listing<Service>>,
    /// Active revisions by ARN.
    pub task_definitions: Listing<TaskDefinition>,
    /// Tasks of the services that were looked into.
    pub tasks: BTreeMap<ServiceKey, ServiceTasks>,
    /// When they were read.
    pub tasks_read: BTreeMap<ServiceKey, Timestamp>,
    /// Past deployments of the services that were asked about.
    pub history: BTreeMap<ServiceKey, History>,
    /// Capacity providers of Auto Scaling groups by name; they belong to no cluster.
    pub group_providers: Listing<Provider>,
    /// Launch templates by name.
    pub templates: Listing<Template>,
    /// Auto Scaling groups by name.
    pub groups: Listing<Group>,
    /// EC2 instances of these groups by id.
    pub machines: Listing<Machine>,
    /// What the sources of images led to.
    pub images: BTreeMap<ImageSource, ImageAnswer>,
    /// What EC2 knows of the subnets of pools, by id. Of those that are not in here nothing is known.
    pub subnets: BTreeMap<String, SubnetAnswer>,
    /// Container instances by cluster and ARN.
    pub instances: BTreeMap<ClusterName, Listing<Instance>>,
    /// Records of jobs by full name.
    pub records: Listing<Parameter>,
    /// Tasks of jobs that have not stopped, or within the hour, by cluster and ARN.
    pub standalone: BTreeMap<ClusterName, Listing<StandaloneTask>>,
    /// When they were read.
    pub standalone_read: BTreeMap<ClusterName, Timestamp>,
}

/// Past deployments of a service as of a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// When they were read.
    pub read: Timestamp,
    /// Newest first.
    pub deployments: Vec<PastDeployment>,
}

impl Observed {
    /// The cluster of a name. A deleted one that ECS still shows is absent.
    pub fn cluster(&self, name: &str, installation: &Installation) -> Slot<'_, Cluster> {
        match self.clusters.slot(name, &View { installation, tags: |cluster| &cluster.tags }) {
            Slot::Ours(cluster, _) | Slot::Foreign(cluster, _) if cluster.status == ClusterStatus::Inactive => {
                Slot::Absent
            }
            slot @ (Slot::Absent | Slot::Unknown | Slot::Foreign(..) | Slot::Ours(..)) => slot,
        }
    }

    /// The service of a name in a cluster, in whatever stage of life.
    pub fn service(&self, cluster: &str, name: &str, installation: &Installation) -> Slot<'_, Service> {
        match self.services.get(cluster) {
            Some(listing) => listing.slot(name, &View { installation, tags: |service| &service.tags }),
            None if self.is_gone(cluster) => Slot::Absent,
            None => Slot::Unknown,
        }
    }

    /// The capacity provider of a name in a cluster, in whatever stage of life.
    pub fn provider(&self, cluster: &str, name: &str, installation: &Installation) -> Slot<'_, Provider> {
        match self.providers.get(cluster) {
            Some(listing) => listing.slot(name, &View { installation, tags: |provider| &provider.tags }),
            None if self.is_gone(cluster) => Slot::Absent,
            None => Slot::Unknown,
        }
    }

    /// The launch template of a name.
    pub fn template(&self, name: &str, installation: &Installation) -> Slot<'_, Template> {
        self.templates.slot(name, &View { installation, tags: |template| &template.tags })
    }

    /// The Auto Scaling group of a name, in whatever stage of life.
    pub fn group(&self, name: &str, installation: &Installation) -> Slot<'_, Group> {
        self.groups.slot(name, &View { installation, tags: |group| &group.tags })
    }

    /// The provider of an Auto Scaling group of a name, in whatever stage of life.
    pub fn group_provider(&self, name: &str, installation: &Installation) -> Slot<'_, Provider> {
        self.group_providers.slot(name, &View { installation, tags: |provider| &provider.tags })
    }

    /// Every provider, of every cluster and of none.
    pub fn all_providers(&self) -> impl Iterator<Item = &Provider> {
        self.providers.values().flat_map(Listing::iter).chain(self.group_providers.iter())
    }

    /// Every provider of ours by the object that it is for, with the name of the cluster that it was found in, if any.
    pub fn providers_by_owner(
        &self,
        installation: &Installation,
    ) -> BTreeMap<ObjectKey, Vec<(Option<&str>, &Provider)>> {
        let of_clusters = self.providers.iter().flat_map(|(cluster, listing)| {
            let place = Some(cluster.as_str());
            listing.iter().map(move |provider| (place, provider))
        });
        let of_groups = self.group_providers.iter().map(|provider| (None, provider));
        let mut by_owner: BTreeMap<ObjectKey, Vec<(Option<&str>, &Provider)>> = BTreeMap::new();
        for (place, provider) in of_clusters.chain(of_groups) {
            if let Owner::Us(owner) = ownership::owner(&provider.tags, installation) {
                by_owner.entry(owner).or_default().push((place, provider));
            }
        }
        by_owner
    }

    /// Every service of every cluster.
    pub fn all_services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().flat_map(Listing::iter)
    }

    /// Whether a cluster surely does not exist, so that nothing can be in it.
    fn is_gone(&self, cluster: &str) -> bool {
        self.clusters.is_read() && self.clusters.get(cluster).is_none_or(|c| c.status == ClusterStatus::Inactive)
    }
}
