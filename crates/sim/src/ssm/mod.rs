//! Parameter Store of AWS Systems Manager: which function answers which operation. Neighbours: `aws` calls `answer` for a request
//! whose shape is already checked; `state` keeps the account's own parameters, `world` the public ones. The rules are in the
//! submodules.

use serde_json::Value;

use crate::{
    wire::fault::{Answer, Fault},
    world::World,
};

mod delete;
mod names;
pub(crate) mod parameter;
pub(crate) mod published;
mod put;
mod read;
mod tags;

pub(crate) use read::value;

pub(crate) fn answer(world: &mut World, operation: &str, input: &Value) -> Answer {
    match operation {
        "GetParameter" => read::one(world, input),
        "GetParameters" => read::several(world, input),
        "GetParametersByPath" => read::by_path(world, input),
        "PutParameter" => put::put(world, input),
        "DeleteParameter" => delete::one(world, input),
        "DeleteParameters" => delete::several(world, input),
        "AddTagsToResource" => tags::add(world, input),
        "RemoveTagsFromResource" => tags::remove(world, input),
        "ListTagsForResource" => tags::list(world, input),
        "GetParameterHistory" => Err(Fault::not_modelled("GetParameterHistory")),
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

/// A request that the rules of Parameter Store do not allow.
fn wrong(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}
