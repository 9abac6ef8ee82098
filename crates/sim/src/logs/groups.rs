//! CreateLogGroup and DeleteLogGroup. Neighbours: `driver` makes groups of task definitions, too. Keys, protection from deletion and
//! retention are not modelled.

use serde_json::{Value, json};

use super::no_group;
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::Read,
    },
    world::World,
};

pub(super) fn create(world: &mut World, input: &Value) -> Answer {
    let name = input.text("logGroupName").unwrap_or_default();
    let class = input.text("logGroupClass").unwrap_or("STANDARD");
    if class != "STANDARD" {
        return Err(Fault::not_modelled(format!("log groups of the class {class}")));
    }
    // "Log group names can't start with the string aws/"
    if name.starts_with("aws/") {
        return Err(Fault::invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    if !world.logs.create(name, class, world.now) {
        return Err(Fault::new("ResourceAlreadyExistsException", "The specified log group already exists"));
    }
    Ok(json!({}))
}

pub(super) fn delete(world: &mut World, input: &Value) -> Answer {
    if !world.logs.delete(input.text("logGroupName").unwrap_or_default()) {
        return Err(no_group());
    }
    Ok(json!({}))
}
