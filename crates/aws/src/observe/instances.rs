//! Container instances of one cluster: ListContainerInstances → DescribeContainerInstances, a hundred a call.
//!
//! Part of `observe`; `tasks` describes the instances under its tasks here too. Instances that were there the last time are described
//! whether or not they are listed. One that is gone is left out.

use std::collections::BTreeSet;

use axon_core::cloud::Reading;
use axon_core::observe::Instance;

use super::{PAGE, all_accounted_for, pages, patiently};
use crate::answers::tasks::instance;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Most instances that one DescribeContainerInstances takes.
const DESCRIBED: usize = 100;

/// Every container instance of `cluster` that is not deregistered; `seen` are ARNs of those that were there the last time.
pub(super) async fn of(caller: &Caller, cluster: &str, seen: BTreeSet<String>) -> Reading<Vec<Instance>> {
    let listed = pages(caller, Operation::ListContainerInstances, |token| {
        let request = caller.ecs.list_container_instances().cluster(cluster).max_results(PAGE).set_next_token(token);
        async move {
            let answer = caller.send(Operation::ListContainerInstances, request.send()).await?;
            Ok((answer.container_instance_arns, answer.next_token))
        }
    });
    let mut arns = seen;
    arns.extend(listed.await?);
    let arns: Vec<String> = arns.into_iter().collect();
    let mut found = described(caller, cluster, &arns, Wanted::All).await?;
    found.retain(|instance| instance.status != "INACTIVE");
    Ok(found)
}

/// What an answer must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Something about every instance: what is not told must be said to be missing.
    All,
    /// What is known. Of a task, where it runs is only shown.
    Known,
}

/// Container instances by ARN.
pub(super) async fn described(
    caller: &Caller,
    cluster: &str,
    arns: &[String],
    wanted: Wanted,
) -> Reading<Vec<Instance>> {
    let mut instances = Vec::new();
    for chunk in arns.chunks(DESCRIBED) {
        instances.extend(patiently(caller, || batch(caller, cluster, chunk.to_vec(), wanted)).await?);
    }
    Ok(instances)
}

async fn batch(caller: &Caller, cluster: &str, arns: Vec<String>, wanted: Wanted) -> Reading<Vec<Instance>> {
    let request =
        caller.ecs.describe_container_instances().cluster(cluster).set_container_instances(Some(arns.clone()));
    let answer = caller.send(Operation::DescribeContainerInstances, request.send()).await?;
    let found = answer.container_instances.unwrap_or_default();
    let asked = if wanted == Wanted::All { arns.len() } else { 0 };
    all_accounted_for(Operation::DescribeContainerInstances, (asked, found.len()), answer.failures)?;
    found.into_iter().map(|sdk| complete(Operation::DescribeContainerInstances, instance(sdk))).collect()
}
