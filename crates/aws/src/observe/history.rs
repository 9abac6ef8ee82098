//! How earlier deployments of a service ended: the first page of ListServiceDeployments.
//!
//! Part of `observe`. Twenty are enough to see whether the newest revision was rolled back.

use std::cmp::Reverse;

use axon_core::cloud::{Reading, ServiceKey};
use axon_core::observe::PastDeployment;

use crate::answers::present;
use crate::answers::services::past_deployment;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// AWS's default and most.
const NEWEST: i32 = 20;

/// The newest deployments of a service, newest first.
pub(super) async fn of(caller: &Caller, (cluster, service): &ServiceKey) -> Reading<Vec<PastDeployment>> {
    let request = caller.ecs.list_service_deployments().cluster(cluster).service(service).max_results(NEWEST);
    let answer = caller.send(Operation::ListServiceDeployments, request.send()).await?;
    let found = complete(Operation::ListServiceDeployments, present(answer.service_deployments, "serviceDeployments"))?;
    let found = found.into_iter();
    let mut past: Vec<PastDeployment> =
        found.map(|sdk| complete(Operation::ListServiceDeployments, past_deployment(sdk))).collect::<Reading<_>>()?;
    past.sort_by_key(|deployment| Reverse(deployment.created));
    Ok(past)
}
