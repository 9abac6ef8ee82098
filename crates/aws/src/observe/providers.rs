//! Capacity providers of one cluster, or those of Auto Scaling groups: DescribeCapacityProviders, page by page.
//!
//! Part of `observe`. Page size is AWS's: ten.

use aws_sdk_ecs::types::CapacityProviderField;
use axon_core::cloud::Reading;
use axon_core::observe::Provider;

use super::{only_missing, pages};
use crate::answers::providers::provider;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Providers that belong to `cluster`. ECS also tells of those of Auto Scaling groups that are associated with it; they
/// belong to no cluster, and one that stood in two places would have its tags and associations planned twice.
pub(super) async fn of(caller: &Caller, cluster: &str) -> Reading<Vec<Provider>> {
    let all = described(caller, Some(cluster)).await?;
    Ok(all.into_iter().filter(|provider| provider.auto_scaling_group.is_none()).collect())
}

/// Every provider of an Auto Scaling group in the account; ECS tells of them where no cluster is asked about.
pub(super) async fn of_groups(caller: &Caller) -> Reading<Vec<Provider>> {
    let all = described(caller, None).await?;
    Ok(all.into_iter().filter(|provider| provider.auto_scaling_group.is_some()).collect())
}

async fn described(caller: &Caller, cluster: Option<&str>) -> Reading<Vec<Provider>> {
    let found = pages(caller, Operation::DescribeCapacityProviders, |token| {
        let request = caller
            .ecs
            .describe_capacity_providers()
            .set_cluster(cluster.map(str::to_owned))
            .include(CapacityProviderField::Tags)
            .set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeCapacityProviders, request.send()).await?;
            only_missing(Operation::DescribeCapacityProviders, answer.failures)?;
            Ok((answer.capacity_providers, answer.next_token))
        }
    });
    let found = found.await?.into_iter();
    found
        .map(|sdk| complete(Operation::DescribeCapacityProviders, provider(sdk, cluster.unwrap_or_default())))
        .collect()
}
