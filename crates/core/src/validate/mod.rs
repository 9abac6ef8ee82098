//! Documents to a fleet: every rule that needs more than one field, all findings at once.
//!
//! Neighbours: `parse` hands in documents, `resolve` takes the fleet. An object with an error is held: it is in
//! `Fleet::stalled`, not in the maps, and what is on AWS stays as it is. Objects that refer to a held object are no errors
//! themselves. Not here: anything that must be asked of AWS.

mod arn;
mod cluster;
mod compile;
mod container;
mod cores;
mod dependencies;
mod device_sets;
mod devices;
mod drift;
mod exclusive;
mod fit;
mod gang;
mod group;
mod group_fit;
mod group_rollout;
mod group_room;
mod group_types;
mod identity;
mod job;
mod job_order;
mod job_work;
mod members;
mod networking;
mod overrides;
mod passed;
mod pool;
mod pool_types;
mod probe;
mod retry;
mod rollout;
mod same_name;
mod service;
mod sharing;
mod site;
mod subject;
mod task;
mod traffic;
mod volume;

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, sort};
use crate::neuron::{Catalog, InstanceType};
use crate::parse::{Declared, Parsed};
use crate::roles::RoleRules;
use crate::spec::{Accepted, Completeness, Fleet, Kind, Name, NeuronCluster, NeuronPool, Object, ObjectKey, Policy};

use sharing::Judged;
use subject::Subject;

/// A fleet, and everything found on the way to it.
#[derive(Debug, Clone, Default)]
pub struct Validated {
    /// The objects that meet every rule, and which ones are held.
    pub fleet: Fleet,
    /// Findings of parsing and validating, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
}

impl Validated {
    /// True if any object is held or any document could not be told apart.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// What a reference leads to.
pub(crate) enum Referred<'a, T> {
    /// A valid object.
    Valid(&'a T),
    /// An object that is declared and held.
    Held,
    /// Nothing.
    Missing,
}

/// What rules about one object may know of the others.
pub(crate) struct World<'a> {
    catalog: &'a Catalog,
    roles: &'a RoleRules,
    fleet: &'a Fleet,
    declared: &'a BTreeMap<ObjectKey, usize>,
}

impl World<'_> {
    /// The instance types of a pool, in the order in which they are used.
    fn types(&self, pool: &NeuronPool) -> Vec<&InstanceType> {
        self.catalog.types_of(pool.spec.capacity())
    }

    fn cluster(&self, name: &Name) -> Referred<'_, NeuronCluster> {
        let found = self.fleet.clusters.get(name).map(|accepted| &accepted.object);
        self.refer(found, &ObjectKey::cluster(name.clone()))
    }

    fn pool(&self, name: &Name) -> Referred<'_, NeuronPool> {
        let found = self.fleet.pools.get(name).map(|accepted| &accepted.object);
        self.refer(found, &ObjectKey::pool(name.clone()))
    }

    fn refer<'a, T>(&self, found: Option<&'a T>, key: &ObjectKey) -> Referred<'a, T> {
        match found {
            Some(object) => Referred::Valid(object),
            None if self.declared.contains_key(key) => Referred::Held,
            None => Referred::Missing,
        }
    }

    /// The names of all declared objects of a kind, valid or not.
    fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.declared.keys().filter(move |key| key.kind == kind).map(|key| key.name.as_str())
    }
}

/// Judges everything that was parsed, with any role allowed.
pub fn validate(parsed: Parsed, catalog: &Catalog) -> Validated {
    validate_under(&RoleRules::ANY, parsed, catalog)
}

/// Judges everything that was parsed; an object that would pass a role that `roles` does not allow is held. Clusters come first,
/// then pools, then services and jobs, since each kind refers to the ones before.
pub fn validate_under(roles: &RoleRules, parsed: Parsed, catalog: &Catalog) -> Validated {
    let Parsed { objects, mut diagnostics, unkeyed } = parsed;
    let mut fleet = Fleet::default();
    if !unkeyed.is_empty() {
        fleet.complete = Completeness::Partial;
    }
    let mut declared: BTreeMap<ObjectKey, usize> = BTreeMap::new();
    for object in &objects {
        *declared.entry(object.key.clone()).or_default() += 1;
    }
    duplicates(&objects, &declared, &mut diagnostics);
    for kind in Kind::ALL {
        for object in objects.iter().filter(|object| object.key.kind == kind) {
            let unique = declared.get(&object.key) == Some(&1);
            let world = World { catalog, roles, fleet: &fleet, declared: &declared };
            match judge(object, &world, &mut diagnostics).filter(|_| unique) {
                Some(policy) => admit(&mut fleet, object, policy),
                None => {
                    fleet.stalled.insert(object.key.clone());
                }
            }
        }
    }
    let judged = Judged { catalog, objects: &objects };
    sharing::check(&mut fleet, &judged, &mut diagnostics);
    same_name::check(&mut fleet, &judged, &mut diagnostics);
    job_order::check(&mut fleet, &judged, &mut diagnostics);
    identity::unused(&fleet, &objects, &mut diagnostics);
    sort(&mut diagnostics);
    Validated { fleet, diagnostics }
}

fn duplicates(objects: &[Declared], declared: &BTreeMap<ObjectKey, usize>, diagnostics: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&ObjectKey, &Declared> = BTreeMap::new();
    for object in objects.iter().filter(|object| declared.get(&object.key).is_some_and(|count| *count > 1)) {
        let Some(earlier) = first.get(&object.key) else {
            first.insert(&object.key, object);
            continue;
        };
        let at = object.positions.of("/metadata/name");
        let message = format!("declared again; the first declaration is at {}", earlier.location);
        let found = Diagnostic::new(Code::DuplicateObject, at, message).about(object.key.clone());
        let found = found.and_see(earlier.location.clone(), "the first declaration");
        diagnostics.push(found.with_help("Remove one of them, or give it another name."));
    }
}

/// Applies every rule to one object. The answer is its policy, if there is no error.
fn judge(declared: &Declared, world: &World<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Policy> {
    let object = declared.object.as_ref()?;
    let mut subject = Subject::new(&declared.key, &declared.positions);
    let policy = identity::policy(&mut subject, object.metadata());
    passed::check(&mut subject, world.roles, object);
    match object {
        Object::Cluster(cluster) => cluster::check(&mut subject, cluster),
        Object::Pool(pool) => pool::check(&mut subject, world, pool),
        Object::Service(service) => service::check(&mut subject, world, service),
        Object::Job(job) => job::check(&mut subject, world, job),
    }
    let found = subject.into_found();
    let valid = !found.iter().any(Diagnostic::is_error);
    diagnostics.extend(found);
    policy.filter(|_| valid)
}

fn admit(fleet: &mut Fleet, declared: &Declared, policy: Policy) {
    let name = declared.key.name.clone();
    let source = declared.location.clone();
    match &declared.object {
        Some(Object::Cluster(object)) => {
            fleet.clusters.insert(name, Accepted { object: (**object).clone(), policy, source });
        }
        Some(Object::Pool(object)) => {
            fleet.pools.insert(name, Accepted { object: (**object).clone(), policy, source });
        }
        Some(Object::Service(object)) => {
            fleet.services.insert(name, Accepted { object: (**object).clone(), policy, source });
        }
        Some(Object::Job(object)) => {
            fleet.jobs.insert(name, Accepted { object: (**object).clone(), policy, source });
        }
        None => {}
    }
}
