//! EC2 instances of Auto Scaling groups: DescribeInstances by the tag that Auto Scaling puts on them.
//!
//! Part of `observe`. Terminated instances, which EC2 shows for an hour, are not asked for.

use aws_sdk_ec2::types::Filter;
use axon_core::cloud::Reading;
use axon_core::observe::{Group, Machine};

use super::filters::{VALUES, filter};
use super::pages;
use crate::answers::machines::{GROUP_TAG, machine};
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// Page size; EC2's most.
const PAGE: i32 = 1000;
/// States of an instance that is not terminated.
const STATES: [&str; 5] = ["pending", "running", "shutting-down", "stopping", "stopped"];

/// Instances of `groups`.
pub(super) async fn of(caller: &Caller, groups: &[Group]) -> Reading<Vec<Machine>> {
    let mut machines = Vec::new();
    for chunk in groups.chunks(VALUES) {
        let of_groups = filter(&format!("tag:{GROUP_TAG}"), chunk.iter().map(|group| group.name.clone()));
        machines.extend(described(caller, of_groups).await?);
    }
    Ok(machines)
}

async fn described(caller: &Caller, of_groups: Filter) -> Reading<Vec<Machine>> {
    let states = filter("instance-state-name", STATES.map(str::to_owned));
    let reservations = pages(caller, Operation::DescribeInstances, |token| {
        let request = caller
            .ec2
            .describe_instances()
            .filters(of_groups.clone())
            .filters(states.clone())
            .max_results(PAGE)
            .set_next_token(token);
        async move {
            let answer = caller.send(Operation::DescribeInstances, request.send()).await?;
            Ok((answer.reservations, answer.next_token))
        }
    });
    let instances = reservations.await?.into_iter().flat_map(|reservation| reservation.instances.unwrap_or_default());
    instances.map(|sdk| complete(Operation::DescribeInstances, machine(sdk))).collect()
}
