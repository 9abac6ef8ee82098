//! Tasks of one service with the instances under them: ListTasks → DescribeTasks → DescribeContainerInstances.
//!
//! Part of `observe`. Tasks that should stop or have stopped are listed by a second ListTasks. Tasks that were there the last time
//! are described whether or not they are listed. A task or an instance that is gone is left out.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::DesiredStatus;
use axon_core::cloud::{Reading, ServiceKey};
use axon_core::observe::{Instance, ServiceTasks, Task};

use super::{PAGE, all_accounted_for, instances, pages, patiently};
use crate::answers::tasks::task;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Most tasks that one DescribeTasks takes.
const DESCRIBED: usize = 100;

/// Tasks of a service; `seen` are ARNs of those that were there the last time.
pub(super) async fn of(
    caller: &Caller,
    (cluster, service): &ServiceKey,
    seen: BTreeSet<String>,
) -> Reading<ServiceTasks> {
    let mut arns = seen;
    for desired in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let listed = pages(caller, Operation::ListTasks, |token| {
            let request = caller
                .ecs
                .list_tasks()
                .cluster(cluster)
                .service_name(service)
                .desired_status(desired.clone())
                .max_results(PAGE)
                .set_next_token(token);
            async move {
                let answer = caller.send(Operation::ListTasks, request.send()).await?;
                Ok((answer.task_arns, answer.next_token))
            }
        });
        arns.extend(listed.await?);
    }
    let arns: Vec<String> = arns.into_iter().collect();
    let mut tasks = Vec::new();
    for chunk in arns.chunks(DESCRIBED) {
        tasks.extend(patiently(caller, || described(caller, cluster, chunk.to_vec())).await?);
    }
    let instances = instances_under(caller, cluster, &tasks).await?;
    Ok(ServiceTasks { tasks, instances })
}

async fn described(caller: &Caller, cluster: &str, arns: Vec<String>) -> Reading<Vec<Task>> {
    let request = caller.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns.clone()));
    let answer = caller.send(Operation::DescribeTasks, request.send()).await?;
    let tasks = answer.tasks.unwrap_or_default();
    all_accounted_for(Operation::DescribeTasks, (arns.len(), tasks.len()), answer.failures)?;
    tasks.into_iter().map(|sdk| complete(Operation::DescribeTasks, task(sdk))).collect()
}

async fn instances_under(caller: &Caller, cluster: &str, tasks: &[Task]) -> Reading<BTreeMap<String, Instance>> {
    let arns: BTreeSet<String> = tasks.iter().filter_map(|task| task.container_instance.clone()).collect();
    let arns: Vec<String> = arns.into_iter().collect();
    let found = instances::described(caller, cluster, &arns, instances::Wanted::Known).await?;
    Ok(found.into_iter().map(|instance| (instance.arn.clone(), instance)).collect())
}
