//! Renders valid specifications into AWS's own requests.
//!
//! Between `validate` and `plan`: takes a [`Fleet`] and facts, gives [`Desired`]. `compile` makes jobs of
//! compilations first. One file per AWS request: `cluster`, `provider`, `group` (and what lies behind an Auto Scaling group), `task`,
//! `chips`, `container`, `service`, `packed`, `job`, `deployment`, `connect`; `overrides` merges what the typed specification has
//! no word for. Defaults of Axon are filled in by `spec`; here they get AWS's names. No rules and no I/O.

mod chips;
mod cluster;
mod compile;
mod connect;
mod container;
mod deployment;
mod group;
mod job;
mod overrides;
mod packed;
mod provider;
mod service;
mod task;

use std::collections::BTreeMap;

use crate::cloud::Facts;
use crate::desired::{Desired, DesiredService, PackedService};
use crate::neuron::Catalog;
use crate::ownership::{self, Installation, Tags};
use crate::revision::Revisions;
use crate::spec::{Accepted, Capacity, Drift, Fleet, Metadata, NeuronPool, NeuronService, ObjectKey, Policy, Prune};

pub use group::POOL_ATTRIBUTE;

/// What rendering needs besides the specification.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Whose resources they will be.
    pub installation: &'a Installation,
    /// Account, Region, partition.
    pub facts: &'a Facts,
    /// Which source revision each object is taken from.
    pub revisions: &'a Revisions,
}

/// A rendered fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// What should be true.
    pub desired: Desired,
    /// Objects that could not be rendered, and why.
    pub unresolved: BTreeMap<ObjectKey, String>,
}

/// Renders a whole fleet. An object that cannot be rendered is held as it is; the others go on.
pub fn resolve(fleet: &Fleet, context: Context<'_>) -> Resolved {
    let fleet = &*compile::expanded(fleet);
    let mut resolved = Resolved::default();
    let catalog = Catalog::builtin().refreshed(&context.facts.instance_types);
    resolved.desired.revisions.clone_from(context.revisions);
    resolved.desired.held.clone_from(&fleet.stalled);
    resolved.desired.drift = drift(fleet);
    for (name, accepted) in &fleet.clusters {
        let rendered = cluster::cluster(accepted, context);
        if let Some(cluster) = resolved.keep(&accepted.key(), accepted.policy, rendered) {
            resolved.desired.clusters.insert(name.clone(), cluster);
        }
    }
    for (name, accepted) in &fleet.pools {
        let rendered = match accepted.spec.capacity() {
            Capacity::ManagedInstances(managed) => provider::pool(accepted, managed, &catalog, context),
            Capacity::AutoScalingGroup(given) => group::pool(accepted, given, &catalog, context),
        };
        if let Some(pool) = resolved.keep(&accepted.key(), accepted.policy, rendered) {
            resolved.desired.pools.insert(name.clone(), pool);
        }
    }
    for (name, accepted) in &fleet.services {
        let rendered = match pool_of(&accepted.object, fleet) {
            Ok(pool) if packed::is_packed(&accepted.object, pool) => {
                packed::packed((accepted, &accepted.key()), pool, &catalog, context).map(Rendered::Packed)
            }
            Ok(pool) => service::service((accepted, &accepted.key()), pool, context)
                .map(|service| Rendered::Placed(Box::new(service))),
            Err(why) => Err(why),
        };
        match resolved.keep(&accepted.key(), accepted.policy, rendered) {
            Some(Rendered::Placed(service)) => drop(resolved.desired.services.insert(name.clone(), *service)),
            Some(Rendered::Packed(service)) => drop(resolved.desired.packed.insert(name.clone(), service)),
            None => {}
        }
    }
    for (name, accepted) in &fleet.jobs {
        let rendered = job::job(accepted, fleet, &catalog, context);
        if let Some(job) = resolved.keep(&accepted.key(), accepted.policy, rendered) {
            resolved.desired.jobs.insert(name.clone(), job);
        }
    }
    resolved
}

/// What becomes of changes by others, where it is not the default.
fn drift(fleet: &Fleet) -> BTreeMap<ObjectKey, Drift> {
    let clusters = fleet.clusters.values().map(|accepted| (accepted.key(), &accepted.spec.drift));
    let pools = fleet.pools.values().map(|accepted| (accepted.key(), &accepted.spec.drift));
    let services = fleet.services.values().map(|accepted| (accepted.key(), &accepted.spec.drift));
    let all = clusters.chain(pools).chain(services).filter(|(_, drift)| !drift.is_default());
    all.map(|(key, drift)| (key, drift.clone())).collect()
}

/// A service in one of its two forms.
enum Rendered {
    Placed(Box<DesiredService>),
    Packed(PackedService),
}

/// The pool of a service; of several, the first: they share a cluster.
fn pool_of<'f>(service: &NeuronService, fleet: &'f Fleet) -> Result<&'f NeuronPool, String> {
    let shares = service.spec.shares();
    let pool = shares.first().and_then(|share| fleet.pools.get(&share.pool));
    pool.map(|accepted| &accepted.object).ok_or_else(|| {
        let names: Vec<&str> = shares.iter().map(|share| share.pool.as_str()).collect();
        format!("its pool {} has no valid specification", names.join(", "))
    })
}

impl Resolved {
    fn keep<T>(&mut self, key: &ObjectKey, policy: Policy, rendered: Result<T, String>) -> Option<T> {
        if policy.suspend {
            self.desired.suspended.insert(key.clone());
        }
        match rendered {
            Ok(rendered) => Some(rendered),
            Err(why) => {
                self.desired.held.insert(key.clone());
                self.unresolved.insert(key.clone(), why);
                None
            }
        }
    }
}

/// Tags of a resource: labels and tags of the object, then the marks of ownership, which nobody can override.
fn tags<T>(accepted: &Accepted<T>, key: &ObjectKey, extra: &[&BTreeMap<String, String>], context: Context<'_>) -> Tags
where
    T: Labelled,
{
    let mut tags: Tags = accepted.object.metadata().labels.clone();
    for more in extra {
        tags.extend((*more).clone());
    }
    let keys: Vec<&str> = tags.keys().map(String::as_str).collect();
    let keys = keys.join(" ");
    // Tag values hold at most 256 characters; a longer list is not recorded and stale tags then stay.
    let recordable = (1..=256).contains(&keys.len()) && !tags.keys().any(|key| key.contains(' '));
    tags.extend(ownership::ownership_tags(context.installation, key));
    if recordable {
        tags.insert(ownership::TAG_KEYS.to_owned(), keys);
    }
    if accepted.policy.prune == Prune::Disabled {
        tags.insert(ownership::PRUNE.to_owned(), "Disabled".to_owned());
    }
    tags
}

trait Labelled {
    fn metadata(&self) -> &Metadata;
}

macro_rules! labelled {
    ($($object:ty),*) => {$(impl Labelled for $object {
        fn metadata(&self) -> &Metadata {
            &self.metadata
        }
    })*};
}

labelled!(crate::spec::NeuronCluster, crate::spec::NeuronPool, crate::spec::NeuronService);

/// AWS counts in signed 32-bit numbers; `validate` has refused anything larger.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
