//! Tags of groups and their rules. Neighbours: `create` reads the tags of new groups with it; `launch` passes those on that
//! propagate.

use serde_json::{Value, json};

use super::{
    cut,
    group::{self, GroupTag},
    invalid,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put_some},
    },
    world::World,
};

const MOST: usize = 50;

/// The group, the key and the tag of a request. Creating requests need not name the group.
pub(crate) fn read(tag: &Value, name: Option<&str>) -> Result<(String, String, GroupTag), Fault> {
    let key = tag.text("Key").unwrap_or_default();
    if key.is_empty() {
        return Err(invalid("Tag keys must not be empty."));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid("Tag keys starting with aws: are reserved for internal use."));
    }
    if tag.text("ResourceType").is_some_and(|t| t != "auto-scaling-group") {
        return Err(invalid("The only supported resource type is auto-scaling-group."));
    }
    let missing = || invalid("The tag must contain the parameter ResourceId.");
    let named = tag.text("ResourceId").or(name).ok_or_else(missing)?.to_owned();
    let value = tag.text("Value").unwrap_or_default().to_owned();
    Ok((named, key.to_owned(), GroupTag { value, propagate: tag.flag("PropagateAtLaunch").unwrap_or(false) }))
}

/// A tag as AWS shows it.
pub(crate) fn shown(name: &str, key: &str, tag: &GroupTag) -> Value {
    json!({
        "ResourceId": name,
        "ResourceType": "auto-scaling-group",
        "Key": key,
        "Value": tag.value,
        "PropagateAtLaunch": tag.propagate,
    })
}

/// A tag does not reach instances that run already.
pub(crate) fn put(world: &mut World, input: &Value) -> Answer {
    let mut given = Vec::new();
    for tag in input.list("Tags") {
        let (name, key, tag) = read(tag, None)?;
        group::by_name(world, &name)?;
        given.push((name, key, tag));
    }
    for (name, key, tag) in given {
        let group = group::by_name(world, &name)?;
        if group.tags.len() >= MOST && !group.tags.contains_key(&key) {
            return Err(Fault::new("LimitExceeded", format!("A group can have at most {MOST} tags.")));
        }
        group::tag(world, &name, &key, tag)?;
    }
    Ok(json!({}))
}

pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    for tag in input.list("Tags") {
        let (name, key, _) = read(tag, None)?;
        group::by_name(world, &name)?.tags.remove(&key);
    }
    Ok(json!({}))
}

pub(crate) fn describe(world: &World, input: &Value) -> Answer {
    let mut found = Vec::new();
    for (name, group) in &world.state.groups {
        for (key, tag) in &group.tags {
            let mut kept = true;
            for filter in input.list("Filters") {
                let values = filter.strings("Values");
                kept &= match filter.text("Name").unwrap_or_default() {
                    "auto-scaling-group" => values.contains(name),
                    "key" => values.contains(key),
                    "value" => values.contains(&tag.value),
                    "propagate-at-launch" => values.contains(&tag.propagate.to_string()),
                    other => return Err(invalid(format!("The filter {other} is not valid."))),
                };
            }
            if kept {
                found.push((format!("{name}\n{key}"), shown(name, key, tag)));
            }
        }
    }
    let page =
        cut(world.paging(), found.iter().map(|(k, _)| k.clone()).collect(), input, Sizes { usual: 50, most: 100 })?;
    let tags = found.into_iter().filter(|(k, _)| page.items.contains(k)).map(|(_, tag)| tag);
    let mut answer = json!({"Tags": array(tags)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}
