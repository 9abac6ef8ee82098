//! Amazon CloudWatch Logs: which function answers which operation. Neighbours: `aws` calls `answer` for a request whose shape is
//! already checked, `ecs::task` tells `driver` what becomes of containers, `world` keeps the groups. The rules are in the
//! submodules; none of them writes what a container does not say.

use serde_json::Value;

use crate::{
    wire::fault::{Answer, Fault},
    world::World,
};

mod describe;
pub(crate) mod driver;
mod filter;
mod get;
pub(crate) mod group;
mod groups;
mod page;

pub(crate) fn answer(world: &mut World, operation: &str, input: &Value) -> Answer {
    match operation {
        "CreateLogGroup" => groups::create(world, input),
        "DeleteLogGroup" => groups::delete(world, input),
        "DescribeLogGroups" => describe::groups(world, input),
        "DescribeLogStreams" => describe::streams(world, input),
        "GetLogEvents" => get::get(world, input),
        "FilterLogEvents" => filter::filter(world, input),
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

fn no_group() -> Fault {
    Fault::new("ResourceNotFoundException", "The specified log group does not exist.")
}

fn no_stream() -> Fault {
    Fault::new("ResourceNotFoundException", "The specified log stream does not exist.")
}
