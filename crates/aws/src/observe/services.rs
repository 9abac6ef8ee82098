//! Services of one cluster: ListServices → DescribeServices, ten a call.
//!
//! Part of `observe`. ECS does not list services that are draining, so services known from before are described too.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::ServiceField;
use axon_core::cloud::{CloudError, Reading};
use axon_core::observe::Service;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::{CALLS, PAGE, all_accounted_for, pages, patiently};
use crate::answers::{name_of, services::service};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Most services that one DescribeServices takes.
const DESCRIBED: usize = 10;

/// Services of `cluster`: those that AWS lists and the `known` ones.
pub(super) async fn of(caller: &Caller, cluster: &str, known: BTreeSet<String>) -> Reading<Vec<Service>> {
    let listed = pages(caller, Operation::ListServices, |token| {
        let request = caller.ecs.list_services().cluster(cluster).max_results(PAGE).set_next_token(token);
        async move {
            let answer = caller.send(Operation::ListServices, request.send()).await?;
            Ok((answer.service_arns, answer.next_token))
        }
    });
    let mut names = known;
    names.extend(listed.await?.iter().map(|arn| name_of(arn).to_owned()));
    let names: Vec<String> = names.into_iter().collect();
    let reading: Vec<_> = names.chunks(DESCRIBED).map(|chunk| described(caller, cluster, chunk.to_vec())).collect();
    let chunks: Vec<Vec<Service>> = stream::iter(reading).buffered(CALLS).try_collect().await?;
    Ok(chunks.into_iter().flatten().collect())
}

async fn described(caller: &Caller, cluster: &str, names: Vec<String>) -> Reading<Vec<Service>> {
    match patiently(caller, || batch(caller, cluster, names.clone())).await {
        Err(error) if purged(&error) => {
            // AWS's text promises this error for a service that was deleted long ago; one such name must not hide the
            // others of its batch.
            let mut found = Vec::new();
            for name in names {
                match patiently(caller, || batch(caller, cluster, vec![name.clone()])).await {
                    Err(error) if purged(&error) => {}
                    one => found.extend(one?),
                }
            }
            Ok(found)
        }
        read => read,
    }
}

fn purged(error: &CloudError) -> bool {
    error.code == "ServiceNotFoundException"
}

async fn batch(caller: &Caller, cluster: &str, names: Vec<String>) -> Reading<Vec<Service>> {
    let request =
        caller.ecs.describe_services().cluster(cluster).set_services(Some(names.clone())).include(ServiceField::Tags);
    let answer = caller.send(Operation::DescribeServices, request.send()).await?;
    let services = answer.services.unwrap_or_default();
    all_accounted_for(Operation::DescribeServices, (names.len(), services.len()), answer.failures)?;
    services.into_iter().map(|sdk| complete(Operation::DescribeServices, service(sdk))).collect()
}
