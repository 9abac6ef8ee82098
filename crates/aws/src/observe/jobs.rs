//! Records and tasks of jobs: GetParametersByPath, GetParameters for what a list may have skipped, and ListTasks →
//! DescribeTasks in every cluster that is wanted.
//!
//! Part of `observe`. ListTasks takes `startedBy` only without another filter, and then lists tasks that should run (ECS API
//! reference); those that should stop or have stopped are listed for the whole cluster, and whoever's they are is told by
//! their `group`. Tasks that were there the last time are described whether or not they are listed; one that is gone is left out.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::DesiredStatus;
use axon_core::cloud::{JobSweep, Reading, Scope};
use axon_core::job::record;
use axon_core::observe::{Cluster, ClusterName, ClusterStatus, Parameter, StandaloneTask};

use super::{PAGE, all_accounted_for, each, pages, parameters, patiently};
use crate::answers::parameters::parameter;
use crate::answers::tasks::standalone;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Most tasks that one DescribeTasks takes.
const DESCRIBED: usize = 100;
/// Most parameters that GetParametersByPath gives at once (Systems Manager API reference).
const PARAMETERS: i32 = 10;

pub(super) async fn read(
    caller: &Caller,
    Scope { jobs, seen, .. }: &Scope,
    clusters: &Reading<Vec<Cluster>>,
) -> Option<JobSweep> {
    let scope = jobs.as_ref()?;
    let tasks = match clusters {
        Ok(clusters) => {
            let lives = |name: &ClusterName| {
                clusters.iter().any(|cluster| cluster.name == *name && cluster.status == ClusterStatus::Active)
            };
            let names: BTreeSet<ClusterName> = scope.tasks_of.iter().filter(|name| lives(name)).cloned().collect();
            each(names, |cluster| {
                let (caller, started_by) = (caller.clone(), scope.started_by.clone());
                let seen = seen.standalone.get(&cluster).cloned().unwrap_or_default();
                async move { tasks_of(&caller, &cluster, &started_by, seen).await }
            })
            .await
        }
        Err(error) => scope.tasks_of.iter().map(|name| (name.clone(), Err(error.clone()))).collect(),
    };
    // After the tasks: a task whose record cannot be seen counts, but one that was recorded and is over must not look new.
    let records = match &scope.records {
        Some(path) => Some(records(caller, path, &scope.ends).await),
        None => None,
    };
    Some(JobSweep { records, tasks })
}

async fn records(caller: &Caller, path: &str, ends: &BTreeSet<String>) -> Reading<Vec<Parameter>> {
    let found = pages(caller, Operation::GetParametersByPath, |token| {
        let request = caller.ssm.get_parameters_by_path().path(path).recursive(true).max_results(PARAMETERS);
        let request = request.set_next_token(token);
        async move {
            let answer = caller.send(Operation::GetParametersByPath, request.send()).await?;
            Ok((answer.parameters, answer.next_token))
        }
    });
    let found = found.await?.into_iter().map(|sdk| complete(Operation::GetParametersByPath, parameter(sdk)));
    let mut found = found.collect::<Reading<Vec<Parameter>>>()?;
    let listed: BTreeSet<&str> = found.iter().map(|record| record.name.as_str()).collect();
    let mut unlisted = record::unlisted(path, &listed);
    unlisted.extend(ends.iter().filter(|end| !listed.contains(end.as_str())).cloned());
    let unlisted: Vec<String> = unlisted.into_iter().collect();
    for names in unlisted.chunks(parameters::NAMED) {
        let named = patiently(caller, || parameters::named(caller, names)).await?.into_iter();
        let named = named.map(|sdk| complete(Operation::GetParameters, parameter(sdk)));
        found.extend(named.collect::<Reading<Vec<Parameter>>>()?);
    }
    Ok(found)
}

async fn tasks_of(
    caller: &Caller,
    cluster: &str,
    started_by: &str,
    seen: BTreeSet<String>,
) -> Reading<Vec<StandaloneTask>> {
    let list = || caller.ecs.list_tasks().cluster(cluster).max_results(PAGE);
    let running = list().started_by(started_by);
    let stopped = list().desired_status(DesiredStatus::Stopped);
    let mut arns = seen;
    for ask in [running, stopped] {
        let listed = pages(caller, Operation::ListTasks, |token| {
            let request = ask.clone().set_next_token(token);
            async move {
                let answer = caller.send(Operation::ListTasks, request.send()).await?;
                Ok((answer.task_arns, answer.next_token))
            }
        });
        arns.extend(listed.await?);
    }
    let arns: Vec<String> = arns.into_iter().collect();
    let mut tasks: BTreeMap<String, StandaloneTask> = BTreeMap::new();
    for chunk in arns.chunks(DESCRIBED) {
        let described = patiently(caller, || described(caller, cluster, chunk.to_vec())).await?;
        tasks.extend(described.into_iter().map(|found| (found.task.arn.clone(), found)));
    }
    Ok(tasks.into_values().filter(|found| found.group.starts_with("axon:")).collect())
}

async fn described(caller: &Caller, cluster: &str, arns: Vec<String>) -> Reading<Vec<StandaloneTask>> {
    let request = caller.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns.clone()));
    let answer = caller.send(Operation::DescribeTasks, request.send()).await?;
    let tasks = answer.tasks.unwrap_or_default();
    all_accounted_for(Operation::DescribeTasks, (arns.len(), tasks.len()), answer.failures)?;
    tasks.into_iter().map(|sdk| complete(Operation::DescribeTasks, standalone(sdk, cluster))).collect()
}
