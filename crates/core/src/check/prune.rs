//! Counts, without the planner's code, how much of what exists is no longer declared.
//!
//! Part of `check`. The words in the tags are compared with the words in the specification.

use std::collections::BTreeSet;

use crate::observe::{ClusterStatus, Service, ServiceStatus};
use crate::ownership::{ADOPTED, KIND, MANAGED_BY, NAME, PRUNE, Tags};
use crate::plan::Limits;
use crate::spec::{Kind, Name};
use crate::world::World;

/// Whether no more objects are undeclared than may be removed at once.
pub(super) fn is_within(world: World<'_>, limits: &Limits) -> bool {
    let declared: BTreeSet<(&str, &str)> = declared(world);
    let ours = world.installation.to_string();
    let found: Vec<&Tags> = all_tags(world).into_iter().filter(|tags| tags.get(MANAGED_BY) == Some(&ours)).collect();
    let lost = |tags: &&&Tags| {
        let stays = tags.contains_key(ADOPTED) || tags.get(PRUNE).map(String::as_str) == Some("Disabled");
        object(tags).is_some_and(|object| !stays && !declared.contains(&object))
    };
    let lost: BTreeSet<_> = found.iter().filter(lost).filter_map(|tags| object(tags)).collect();
    let known: BTreeSet<_> = found.iter().filter_map(|tags| object(tags)).chain(declared.iter().copied()).collect();
    let few = limits.prune_limits.max_objects.is_none_or(|most| u32::try_from(lost.len()).is_ok_and(|n| n <= most));
    let share = limits.prune_limits.max_percent.is_none_or(|most| {
        // In hundredths of an object, so that nothing is rounded.
        let allowed = usize::try_from(most).unwrap_or(usize::MAX).saturating_mul(known.len());
        lost.len() < 2 || lost.len().saturating_mul(100) <= allowed
    });
    few && share
}

fn runs(service: &Service) -> impl Iterator<Item = &str> {
    let deployed = service.deployments.iter().map(|deployment| deployment.task_definition.as_str());
    deployed.chain(service.settings.task_definition.as_deref())
}

fn object(tags: &Tags) -> Option<(&str, &str)> {
    let kind = tags.get(KIND)?.as_str();
    let name = tags.get(NAME)?.as_str();
    let is_readable = Kind::ALL.iter().any(|known| known.as_str() == kind) && Name::try_from(name.to_owned()).is_ok();
    is_readable.then_some((kind, name))
}

fn declared(world: World<'_>) -> BTreeSet<(&str, &str)> {
    let desired = world.desired;
    let services = desired.services.keys().chain(desired.packed.keys());
    let held = desired.held.iter().map(|key| (key.kind.as_str(), key.name.as_str()));
    let clusters = desired.clusters.keys().map(|name| ("NeuronCluster", name.as_str()));
    let pools = desired.pools.keys().map(|name| ("NeuronPool", name.as_str()));
    let jobs = desired.jobs.keys().map(|name| ("NeuronJob", name.as_str()));
    let services = services.map(|name| ("NeuronService", name.as_str()));
    clusters.chain(pools).chain(services).chain(jobs).chain(held).collect()
}

fn all_tags(world: World<'_>) -> Vec<&Tags> {
    let observed = world.observed;
    let clusters = observed.clusters.iter().filter(|found| found.status != ClusterStatus::Inactive);
    let services = || observed.all_services().filter(|found| found.status != ServiceStatus::Inactive);
    let mut all: Vec<&Tags> = clusters.map(|found| &found.tags).collect();
    all.extend(observed.all_providers().filter(|found| super::lives(found)).map(|found| &found.tags));
    all.extend(services().map(|found| &found.tags));
    // What a service runs goes with it, or stays with it.
    let tasks = observed.standalone.values().flat_map(crate::observed::Listing::iter);
    let tasks =
        tasks.filter(|found| found.task.last_status != "STOPPED").map(|found| found.task.task_definition.as_str());
    let busy: BTreeSet<&str> = services().flat_map(runs).chain(tasks).collect();
    let revisions = observed.task_definitions.iter().filter(|found| found.active);
    all.extend(revisions.filter(|found| !busy.contains(found.arn.as_str())).map(|found| &found.tags));
    all.extend(observed.groups.iter().map(|found| &found.tags));
    all.extend(observed.templates.iter().map(|found| &found.tags));
    all
}
