//! Reads what exists in one account and Region: `Scope` → `Sweep`.
//!
//! Kinds of resources have a file each; they call through `call` and take answers apart with `answers`. A part is read
//! to its last page or is an error: half a list would look like resources that went away. What to conclude from a
//! reading is `core`'s business.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use aws_sdk_ecs::types::Failure;
use axon_core::cloud::{CloudError, ErrorClass, Reading, Scope, ServiceKey, Sweep};
use axon_core::observe::{Cluster, ClusterName, ClusterStatus, PastDeployment, Provider, Service, ServiceTasks};
use axon_core::ownership;
use futures::stream::{self, StreamExt};

use crate::answers::Incomplete;
use crate::call::Caller;
use crate::error;
use crate::operations::Operation;

mod clusters;
mod ec2;
mod filters;
mod groups;
mod history;
mod images;
mod instances;
mod jobs;
mod machines;
mod parameters;
mod providers;
mod services;
mod subnets;
pub(crate) mod task_definitions;
mod tasks;
mod templates;

use task_definitions::Revisions;

/// Parts (clusters, services) that are read at the same time.
const PARTS: usize = 4;
/// Calls of one part that are under way at the same time.
const CALLS: usize = 8;
/// Page size of every list operation that lets us choose.
const PAGE: i32 = 100;

/// Calls refused as too fast that are asked again even if nothing was answered yet.
const PATIENCE: u32 = 5;
/// How often a call that failed is asked again.
const SECOND_TRIES: u32 = 2;

/// Reads everything in `scope`.
pub(crate) async fn sweep(caller: Caller, revisions: &Revisions, scope: Scope) -> Sweep {
    let started = caller.clock.now();
    let known = known_clusters(&scope);
    let clusters = clusters::all(&caller, &known).await;
    let (within, task_definitions, tasks, history, ec2, jobs) = futures::join!(
        Box::pin(within(&caller, &scope, &known, &clusters)),
        Box::pin(read_revisions(&caller, revisions, &scope.family_prefixes)),
        Box::pin(each(scope.tasks_of.clone(), |key| {
            let seen = scope.seen.tasks.get(&key).cloned().unwrap_or_default();
            tasks_of(caller.clone(), key, seen)
        })),
        Box::pin(each(scope.history_of.clone(), |key| history_of(caller.clone(), key))),
        Box::pin(ec2::read(&caller, &scope, &clusters)),
        Box::pin(jobs::read(&caller, &scope, &clusters)),
    );
    let (providers, services) = within;
    Sweep { started, clusters, providers, services, task_definitions, tasks, history, ec2, jobs, calls: caller.calls() }
}

/// Clusters that the scope names, directly or through a service.
fn known_clusters(scope: &Scope) -> BTreeSet<ClusterName> {
    let through_services = scope.services.iter().map(|(cluster, _)| cluster);
    scope.clusters.iter().chain(through_services).cloned().collect()
}

type Within = (BTreeMap<ClusterName, Reading<Vec<Provider>>>, BTreeMap<ClusterName, Reading<Vec<Service>>>);

/// Providers and services of every cluster that exists and is ours or known. Where nobody knows which clusters exist,
/// nothing is known of those in scope either.
async fn within(
    caller: &Caller,
    scope: &Scope,
    known: &BTreeSet<ClusterName>,
    clusters: &Reading<Vec<Cluster>>,
) -> Within {
    let clusters = match clusters {
        Ok(clusters) => clusters,
        Err(error) => {
            let unread = || known.iter().cloned();
            return (
                unread().map(|name| (name, Err(error.clone()))).collect(),
                unread().map(|name| (name, Err(error.clone()))).collect(),
            );
        }
    };
    let installation = scope.installation.to_string();
    let ours = |cluster: &&Cluster| {
        let tagged = cluster.tags.get(ownership::MANAGED_BY) == Some(&installation);
        cluster.status != ClusterStatus::Inactive && (tagged || known.contains(&cluster.name))
    };
    let names: BTreeSet<ClusterName> = clusters.iter().filter(ours).map(|cluster| cluster.name.clone()).collect();
    let read = each(names, |cluster| {
        let caller = caller.clone();
        let of_cluster = scope.services.iter().filter(|(name, _)| *name == cluster);
        let services: BTreeSet<String> = of_cluster.map(|(_, service)| service.clone()).collect();
        async move {
            let providers = providers::of(&caller, &cluster).await;
            let services = services::of(&caller, &cluster, services).await;
            (providers, services)
        }
    });
    let mut within = Within::default();
    for (cluster, (providers, services)) in read.await {
        within.0.insert(cluster.clone(), providers);
        within.1.insert(cluster, services);
    }
    within
}

async fn read_revisions(
    caller: &Caller,
    revisions: &Revisions,
    prefixes: &BTreeSet<String>,
) -> Option<Reading<Vec<axon_core::observe::TaskDefinition>>> {
    if prefixes.is_empty() { None } else { Some(revisions.read(caller, prefixes).await) }
}

async fn tasks_of(caller: Caller, key: ServiceKey, seen: BTreeSet<String>) -> Reading<ServiceTasks> {
    tasks::of(&caller, &key, seen).await
}

async fn history_of(caller: Caller, key: ServiceKey) -> Reading<Vec<PastDeployment>> {
    patiently(&caller, || history::of(&caller, &key)).await
}

/// Reads each of `keys`, some at a time.
async fn each<K, V, F>(keys: BTreeSet<K>, mut read: impl FnMut(K) -> F) -> BTreeMap<K, V>
where
    K: Ord + Clone + Send,
    V: Send,
    F: Future<Output = V> + Send,
{
    let reading: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let reading = read(key.clone());
            async move { (key, reading.await) }
        })
        .collect();
    stream::iter(reading).buffer_unordered(PARTS).collect().await
}

/// Reads a list page by page, to the last. ECS and Systems Manager always send the list, empty or not: an answer without one is
/// no answer of theirs, whatever its status is, and proves nothing gone. The others answer in XML, which has a name.
pub(crate) async fn pages<T, F>(
    caller: &Caller,
    operation: Operation,
    mut page: impl FnMut(Option<String>) -> F,
) -> Reading<Vec<T>>
where
    F: Future<Output = Reading<(Option<Vec<T>>, Option<String>)>> + Send,
{
    let incomplete = |what| error::of_answer(operation, &Incomplete(what));
    let mut all = Vec::new();
    let mut token = None;
    let mut seen = BTreeSet::new();
    loop {
        let (found, next) = patiently(caller, || page(token.clone())).await?;
        if found.is_none() && matches!(operation.service(), "ecs" | "ssm") {
            return Err(incomplete("list"));
        }
        all.extend(found.into_iter().flatten());
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(all) };
        if !seen.insert(next.clone()) {
            return Err(incomplete("end: its pages go round in a circle"));
        }
        token = Some(next);
    }
}

/// Asks again when AWS says "too fast" or fails: of a thousand calls of a sweep some do whenever somebody else is busy or
/// AWS has a bad day, and beginning anew would never come to an end. The pace makes each wait. While AWS refuses more than
/// it answers, nothing is asked again: the next sweep is later.
pub(crate) async fn patiently<T, F>(caller: &Caller, mut ask: impl FnMut() -> F) -> Reading<T>
where
    F: Future<Output = Reading<T>> + Send,
{
    let mut tries = 0;
    loop {
        match ask().await {
            Err(error) if is_worth_asking(caller, error.class, tries) => caller.pause_after(error.class).await,
            answer => return answer,
        }
        tries += 1;
    }
}

fn is_worth_asking(caller: &Caller, class: ErrorClass, tries: u32) -> bool {
    let (throttled, failed) = (caller.throttled(), caller.failed());
    let answered = caller.calls().saturating_sub(throttled).saturating_sub(failed);
    match class {
        ErrorClass::Throttled => throttled <= answered.saturating_add(PATIENCE),
        // One that nothing was answered before costs seconds if the network is down. What AWS answers may be a failure, too.
        ErrorClass::Transient => tries < SECOND_TRIES && failed <= answered.saturating_add(1),
        _ => false,
    }
}

/// Makes it an error if something that was asked about is neither told nor said to be missing: `counts` are how many were
/// asked about and how many are told.
fn all_accounted_for(
    operation: Operation,
    (asked, told): (usize, usize),
    failures: Option<Vec<Failure>>,
) -> Result<(), CloudError> {
    let missing = failures.as_ref().map_or(0, Vec::len);
    only_missing(operation, failures)?;
    if told + missing < asked {
        return Err(error::of_answer(operation, &Incomplete("word about everything that was asked for")));
    }
    Ok(())
}

/// Makes entries of `failures[]` an error, except those that say that a thing is not there.
fn only_missing(operation: Operation, failures: Option<Vec<Failure>>) -> Result<(), CloudError> {
    let mut failures = failures.into_iter().flatten();
    match failures.find(|failure| failure.reason() != Some("MISSING")) {
        Some(failure) => Err(error::of_failure(operation, &failure)),
        None => Ok(()),
    }
}
