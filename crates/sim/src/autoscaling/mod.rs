//! Amazon EC2 Auto Scaling: groups that keep their desired capacity of EC2 instances. Neighbours: `aws` calls `answer` for a
//! request whose shape is already checked and `happen` for what is due; `ec2::instance` tells what becomes of instances;
//! ECS calls the functions of `group`. The rules are in the submodules.

use serde_json::Value;

use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{self, Bad, Page, Paging, Sizes},
        value::Read,
    },
    world::World,
};

mod activity;
mod create;
mod describe;
pub(crate) mod group;
mod launch;
mod policy;
mod refresh;
mod refresh_requests;
mod refreshing;
mod requests;
mod scale_in;
pub(crate) mod scaling;
mod tags;
mod update;

pub(crate) use scaling::{ends as machine_ends, runs as machine_runs};

/// What Auto Scaling says of every input it does not like.
pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

/// The page that NextToken and MaxRecords ask for.
fn cut(paging: Paging, keys: Vec<String>, input: &Value, sizes: Sizes) -> Result<Page, Fault> {
    page::page(paging, keys, input.number("MaxRecords"), input.text("NextToken"), sizes).map_err(|bad| match bad {
        Bad::Size => invalid(format!("MaxRecords must be between 1 and {}.", sizes.most)),
        Bad::Token => Fault::new("InvalidNextToken", "The token is not valid."),
    })
}

pub(crate) fn answer(world: &mut World, operation: &str, input: &Value) -> Answer {
    match operation {
        "CreateAutoScalingGroup" => create::create(world, input),
        "UpdateAutoScalingGroup" => update::update(world, input),
        "DeleteAutoScalingGroup" => create::delete(world, input),
        "DescribeAutoScalingGroups" => describe::groups(world, input),
        "DescribeAutoScalingInstances" => describe::instances(world, input),
        "DescribeScalingActivities" => describe::activities(world, input),
        "SetDesiredCapacity" => requests::set_desired(world, input),
        "SetInstanceProtection" => requests::set_protection(world, input),
        "TerminateInstanceInAutoScalingGroup" => requests::terminate(world, input),
        "CreateOrUpdateTags" => tags::put(world, input),
        "DeleteTags" => tags::delete(world, input),
        "DescribeTags" => tags::describe(world, input),
        "StartInstanceRefresh" => refresh_requests::start(world, input),
        "CancelInstanceRefresh" => refresh_requests::cancel(world, input),
        "RollbackInstanceRefresh" => refresh_requests::rollback(world, input),
        "DescribeInstanceRefreshes" => refresh_requests::describe(world, input),
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

/// A group looks at its members.
pub(crate) fn happen(world: &mut World, group: &str) {
    scaling::look(world, group);
}
