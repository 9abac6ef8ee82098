//! Tags of parameters. Neighbours: `put` checks the tags of a new parameter here, `names` reads the names. Tags of other resources of
//! Systems Manager are not modelled.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{names, parameter::Parameter, wrong};
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::Read,
    },
    world::World,
};

/// "Most resources can have a maximum of 50 tags."
const MOST: usize = 50;

/// The tags of a request. The exceptions are guesses, but for the one that the API reference names.
pub(super) fn check(tags: &[Value]) -> Result<BTreeMap<String, String>, Fault> {
    let mut found = BTreeMap::new();
    for tag in tags {
        let key = tag.text("Key").unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(wrong("The prefix aws: is reserved for tags of AWS."));
        }
        if found.insert(key.to_owned(), tag.text("Value").unwrap_or_default().to_owned()).is_some() {
            return Err(wrong(format!("Duplicate tag key '{key}'.")));
        }
    }
    if found.len() > MOST {
        return Err(wrong(format!("A parameter can have at most {MOST} tags.")));
    }
    Ok(found)
}

fn target<'w>(world: &'w mut World, input: &Value) -> Result<&'w mut Parameter, Fault> {
    let kind = input.text("ResourceType").unwrap_or_default();
    if kind != "Parameter" {
        return Err(Fault::not_modelled(format!("tags of the resource type {kind}")));
    }
    let missing =
        || Fault::new("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID.");
    let name = names::given(input.text("ResourceId").unwrap_or_default()).map_err(|_| missing())?;
    world.state.parameters.get_mut(&name.key).ok_or_else(missing)
}

pub(super) fn add(world: &mut World, input: &Value) -> Answer {
    let added = check(input.list("Tags"))?;
    let parameter = target(world, input)?;
    let mut merged = parameter.tags.clone();
    merged.extend(added);
    if merged.len() > MOST {
        return Err(Fault::new("TooManyTagsError", format!("A parameter can have at most {MOST} tags.")));
    }
    parameter.tags = merged;
    Ok(json!({}))
}

pub(super) fn remove(world: &mut World, input: &Value) -> Answer {
    let keys = input.strings("TagKeys");
    target(world, input)?.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(world: &mut World, input: &Value) -> Answer {
    let tags = &target(world, input)?.tags;
    let rows: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    Ok(json!({"TagList": rows}))
}
