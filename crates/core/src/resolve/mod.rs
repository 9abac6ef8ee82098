//! Renders valid specifications into AWS's own requests.
//!
//! Between `validate` and `plan`: takes a [`Fleet`] and facts, gives [`Desired`]. One file per AWS request: `cluster`,
//! `provider`, `task`, `container`, `service`, `deployment`, `connect`; `overrides` merges what the typed specification
//! has no word for. Defaults of Axon are filled in by `spec`; here they get AWS's names. No rules and no I/O.

mod cluster;
mod connect;
mod container;
mod deployment;
mod overrides;
mod provider;
mod service;
mod task;

use std::collections::BTreeMap;

use crate::cloud::Facts;
use crate::desired::Desired;
use crate::ownership::{self, Installation, Tags};
use crate::spec::{Accepted, Fleet, Metadata, ObjectKey, Policy, Prune};

/// What rendering needs besides the specification.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Whose resources they will be.
    pub installation: &'a Installation,
    /// Account, Region, partition.
    pub facts: &'a Facts,
    /// Source revision, for the tags of what is written.
    pub revision: &'a str,
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
    let mut resolved = Resolved::default();
    context.revision.clone_into(&mut resolved.desired.revision);
    resolved.desired.held.clone_from(&fleet.stalled);
    for (name, accepted) in &fleet.clusters {
        let rendered = cluster::cluster(accepted, context);
        if let Some(cluster) = resolved.keep(&accepted.key(), accepted.policy, rendered) {
            resolved.desired.clusters.insert(name.clone(), cluster);
        }
    }
    for (name, accepted) in &fleet.pools {
        let rendered = provider::pool(accepted, context);
        if let Some(pool) = resolved.keep(&accepted.key(), accepted.policy, rendered) {
            resolved.desired.pools.insert(name.clone(), pool);
        }
    }
    for (name, accepted) in &fleet.services {
        let rendered = service::service(accepted, fleet, context);
        if let Some(service) = resolved.keep(&accepted.key(), accepted.policy, rendered) {
            resolved.desired.services.insert(name.clone(), service);
        }
    }
    resolved
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
