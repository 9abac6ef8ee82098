//! Capacity providers of one cluster: DescribeCapacityProviders, page by page.
//!
//! Part of `observe`. Page size is AWS's: ten.

use aws_sdk_ecs::types::CapacityProviderField;
use axon_core::cloud::Reading;
use axon_core::observe::Provider;

use super::{only_missing, pages};
use crate::answers::providers::provider;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Providers of `cluster`.
pub(super) async fn of(caller: &Caller, cluster: &str) -> Reading<Vec<Provider>> {
    let found = pages(|token| {
        let request = caller
            .ecs
            .describe_capacity_providers()
            .cluster(cluster)
            .include(CapacityProviderField::Tags)
            .set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeCapacityProviders, request.send()).await?;
            only_missing(Operation::DescribeCapacityProviders, answer.failures)?;
            Ok((answer.capacity_providers, answer.next_token))
        }
    });
    let found = found.await?.into_iter();
    found.map(|sdk| complete(Operation::DescribeCapacityProviders, provider(sdk, cluster))).collect()
}
