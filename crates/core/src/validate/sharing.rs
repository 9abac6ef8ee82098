//! Rules for the services and jobs of one pool together: whether they keep off each other's devices, and whether all services
//! find room. Jobs wait in the queue.
//!
//! Neighbours: called by `validate` once every object has been judged alone. A pair that could meet is held as a whole:
//! which of the two came first cannot be seen. Not here: replicas of one service (`exclusive`, `group_room`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic};
use crate::neuron::{Catalog, InstanceType};
use crate::parse::Declared;
use crate::spec::{Capacity, Fleet, Kind, Name, NetworkMode, NeuronPool, NeuronService, ObjectKey};

use super::device_sets::{gives, per_replica};
use super::exclusive::fit_together;
use super::site::Site;

/// What is known once every object has been judged alone.
pub(super) struct Judged<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) objects: &'a [Declared],
}

/// What runs on a pool: a service, or the service whose replicas would be like the tasks of a job.
struct Sharer<'a> {
    key: ObjectKey,
    like: Cow<'a, NeuronService>,
}

/// Holds services and jobs that could get each other's devices, and warns of pools that are too small for all services.
pub(super) fn check(fleet: &mut Fleet, judged: &Judged<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let mut held: BTreeSet<ObjectKey> = BTreeSet::new();
    for (name, pool) in &fleet.pools {
        let services = on_pool(fleet, name);
        let jobs = fleet.jobs.values().filter(|job| job.spec.pool == *name);
        let jobs = jobs.map(|job| Sharer { key: job.key(), like: Cow::Owned(job.as_service()) });
        let sharers = services.iter().map(|service| Sharer { key: service.key(), like: Cow::Borrowed(*service) });
        let sharers: Vec<Sharer<'_>> = sharers.chain(jobs).chain(steps(fleet, name)).collect();
        let types = judged.catalog.types_of(pool.spec.capacity());
        for (index, first) in sharers.iter().enumerate() {
            for second in sharers.iter().skip(index + 1) {
                let Some((code, message, advice)) = conflict(pool, &types, &first.like, &second.like) else { continue };
                for (one, other) in [(first, second), (second, first)] {
                    held.insert(one.key.clone());
                    let message = format!("with {} on the pool {name}: {message}", other.key);
                    let found = judged.finding(code, &one.key, "/spec/devices");
                    diagnostics.extend(found.map(|found| Diagnostic { message, help: advice.to_owned(), ..found }));
                }
            }
        }
        overcommitted(judged, pool, &services, &types, diagnostics);
    }
    for key in held {
        hold(fleet, key);
    }
}

/// The tasks that compile on a pool, each with the workload that it is for.
fn steps<'a>(fleet: &'a Fleet, pool: &'a Name) -> impl Iterator<Item = Sharer<'a>> {
    let services = fleet.services.values().filter_map(|service| Some((service.key(), service.compile_job()?)));
    let jobs = fleet.jobs.values().filter_map(|job| Some((job.key(), job.compile_job()?)));
    let here = services.chain(jobs).filter(move |(_, step)| step.spec.pool == *pool);
    here.map(|(key, step)| Sharer { key, like: Cow::Owned(step.as_service()) })
}

/// Holds a service or a job that was valid alone.
pub(super) fn hold(fleet: &mut Fleet, key: ObjectKey) {
    match key.kind {
        Kind::NeuronService => drop(fleet.services.remove(&key.name)),
        Kind::NeuronJob => drop(fleet.jobs.remove(&key.name)),
        // Clusters and pools are judged alone.
        Kind::NeuronCluster | Kind::NeuronPool => return,
    }
    fleet.stalled.insert(key);
}

fn on_pool<'a>(fleet: &'a Fleet, pool: &Name) -> Vec<&'a NeuronService> {
    let services = fleet.services.values().map(|accepted| &accepted.object);
    services.filter(|service| service.spec.shares().iter().any(|share| share.pool == *pool)).collect()
}

impl Judged<'_> {
    /// A finding without text about a field of an object.
    pub(super) fn finding(&self, code: Code, key: &ObjectKey, at: &str) -> Option<Diagnostic> {
        let declared = self.objects.iter().find(|declared| declared.key == *key)?;
        Some(Diagnostic::new(code, declared.positions.of(at), "").about(key.clone()))
    }
}

/// Why two services, or tasks like theirs, must not share a pool.
fn conflict(
    pool: &NeuronPool,
    types: &[&InstanceType],
    first: &NeuronService,
    second: &NeuronService,
) -> Option<(Code, String, &'static str)> {
    let sites = [Site::of(&first.spec, &[pool]), Site::of(&second.spec, &[pool])];
    let reserved = match pool.spec.capacity() {
        Capacity::ManagedInstances(_) => 0,
        Capacity::AutoScalingGroup(group) => group.reserved_memory_mib,
    };
    let paths = sites.iter().filter(|site| site.paths()).count();
    if paths == 1 {
        let message = "one has `devices: all`, which ECS gives out, and one a number, which Axon does; ECS does not see \
                       the devices of the other";
        let help = "Use a pool for each of them.";
        return Some((Code::MixedDeviceModes, message.to_owned(), help));
    }
    if paths == 0 || sites.iter().all(|site| site.mode != NetworkMode::AwsVpc) {
        return None;
    }
    let shared = types.iter().find(|kind| {
        let able = gives(kind, first.spec.devices) && gives(kind, second.spec.devices);
        able && fit_together(&first.spec.template, &second.spec.template, kind, reserved)
    })?;
    let message = format!(
        "with AwsVpc ECS cannot count Neuron devices, and a task of each fits on one {} by CPU and memory",
        shared.name
    );
    let help = "Use mode Bridge or Host for both, tasks that are larger together than the instance, or two pools.";
    Some((Code::TasksCouldMeet, message, help))
}

/// Several services that together need more devices than the groups may have; one alone is an error of its own.
fn overcommitted(
    judged: &Judged<'_>,
    pool: &NeuronPool,
    services: &[&NeuronService],
    types: &[&InstanceType],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let (Capacity::AutoScalingGroup(group), [_, _, ..]) = (pool.spec.capacity(), services) else { return };
    let need = |service: &NeuronService| {
        let able = types.iter().filter(|kind| gives(kind, service.spec.devices));
        let least = able.map(|kind| per_replica(kind, service.spec.devices)).min().unwrap_or_default();
        u64::from(service.spec.replicas.unwrap_or(1)) * u64::from(least)
    };
    let needs: BTreeMap<&Name, u64> = services.iter().map(|s| (&s.metadata.name, need(s))).collect();
    let wanted: u64 = needs.values().sum();
    let has: u64 = types.iter().map(|kind| u64::from(kind.chips) * u64::from(group.max_size)).sum();
    if wanted > has {
        let list: Vec<String> = needs.iter().map(|(name, chips)| format!("{name} {chips}")).collect();
        let message = format!("its services need {wanted} chips ({}); maxSize allows {has}", list.join(", "));
        let at = "/spec/autoScalingGroup/maxSize";
        let found = judged.finding(Code::PoolOvercommitted, &pool.key(), at);
        let help = "Raise maxSize, or lower replicas.".to_owned();
        diagnostics.extend(found.map(|found| Diagnostic { message, help, ..found }));
    }
}
