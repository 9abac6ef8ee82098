//! Whether subnets exist, and in which zones: DescribeSubnets for all ids together.
//!
//! Part of `observe`. Ids are a filter, as EC2 refuses a whole call over one id that does not exist; one that it does not
//! answer does not exist.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::cloud::Reading;
use axon_core::observe::SubnetAnswer;

use super::filters::{VALUES, filter};
use super::pages;
use crate::answers::present;
use crate::call::{Caller, complete};
use crate::operations::Operation;

/// An answer for each of `ids`.
pub(super) async fn of(caller: &Caller, ids: &BTreeSet<String>) -> Reading<BTreeMap<String, SubnetAnswer>> {
    let mut answers: BTreeMap<String, SubnetAnswer> =
        ids.iter().map(|id| (id.clone(), SubnetAnswer::Missing)).collect();
    let ids: Vec<String> = ids.iter().cloned().collect();
    for chunk in ids.chunks(VALUES) {
        let ask = caller.ec2.describe_subnets().filters(filter("subnet-id", chunk.to_vec()));
        let found = pages(caller, Operation::DescribeSubnets, |token| {
            let request = ask.clone().set_next_token(token);
            async move {
                let answer = caller.send(Operation::DescribeSubnets, request.send()).await?;
                Ok((answer.subnets, answer.next_token))
            }
        });
        for subnet in found.await? {
            let id = complete(Operation::DescribeSubnets, present(subnet.subnet_id, "subnetId"))?;
            let zone = complete(Operation::DescribeSubnets, present(subnet.availability_zone, "availabilityZone"))?;
            answers.insert(id, SubnetAnswer::Found { zone });
        }
    }
    Ok(answers)
}
