//! All clusters of the account: ListClusters → DescribeClusters, a hundred a call.
//!
//! Part of `observe`; what is in the clusters is read by its neighbours.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::ClusterField;
use axon_core::cloud::Reading;
use axon_core::observe::{Cluster, ClusterName};

use super::{PAGE, all_accounted_for, pages, patiently};
use crate::answers::{clusters::cluster, name_of};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Most clusters that one DescribeClusters takes.
const DESCRIBED: usize = 100;

/// Every cluster, the `known` ones even if AWS does not list them.
pub(super) async fn all(caller: &Caller, known: &BTreeSet<ClusterName>) -> Reading<Vec<Cluster>> {
    let listed = pages(caller, Operation::ListClusters, |token| {
        let request = caller.ecs.list_clusters().max_results(PAGE).set_next_token(token);
        async move {
            let answer = caller.send(Operation::ListClusters, request.send()).await?;
            Ok((answer.cluster_arns, answer.next_token))
        }
    });
    let mut names: BTreeSet<String> = listed.await?.iter().map(|arn| name_of(arn).to_owned()).collect();
    names.extend(known.iter().cloned());
    let names: Vec<String> = names.into_iter().collect();
    let mut all = Vec::new();
    for chunk in names.chunks(DESCRIBED) {
        all.extend(patiently(caller, || described(caller, chunk.to_vec())).await?);
    }
    Ok(all)
}

async fn described(caller: &Caller, names: Vec<String>) -> Reading<Vec<Cluster>> {
    let request = caller
        .ecs
        .describe_clusters()
        .set_clusters(Some(names.clone()))
        .include(ClusterField::Settings)
        .include(ClusterField::Configurations)
        .include(ClusterField::Attachments)
        .include(ClusterField::Tags);
    let answer = caller.send(Operation::DescribeClusters, request.send()).await?;
    let clusters = answer.clusters.unwrap_or_default();
    all_accounted_for(Operation::DescribeClusters, (names.len(), clusters.len()), answer.failures)?;
    clusters.into_iter().map(|sdk| complete(Operation::DescribeClusters, cluster(sdk))).collect()
}
