//! Custom attributes of container instances. Neighbours: `instance` sets the built-in ones, `capacity` evaluates them.

use serde_json::{Value, json};

use super::{instance, names};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put_some},
    },
    world::World,
};

/// The instance that an attribute of a request is for.
fn target(world: &World, cluster: &str, attribute: &Value) -> Result<String, Fault> {
    let named = attribute.text("targetId").ok_or_else(|| Fault::invalid("The targetId of an attribute is missing."))?;
    let found = instance::find(world, cluster, named).filter(|i| i.registered()).map(|i| i.id.clone());
    found.ok_or_else(|| Fault::new("TargetNotFoundException", "The specified target could not be found."))
}

fn valid(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./\\:@ ".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(plain)
}

/// Names that the agent or ECS sets.
fn built_in(name: &str) -> bool {
    name.starts_with("ecs.") || name.starts_with("com.amazonaws.ecs.")
}

pub(crate) fn put(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let attributes = input.list("attributes");
    if attributes.is_empty() || attributes.len() > 10 {
        return Err(Fault::invalid("From 1 to 10 attributes can be put at once."));
    }
    for attribute in attributes {
        let (name, value) = (attribute.text("name").unwrap_or_default(), attribute.text("value"));
        if !valid(name) || value.is_some_and(|v| !valid(v)) || built_in(name) {
            return Err(Fault::invalid(format!("The attribute '{name}' is not valid.")));
        }
        let id = target(world, &cluster, attribute)?;
        let Some(instance) = world.state.instances.get_mut(&id) else { continue };
        instance.attributes.insert(name.to_owned(), value.map(str::to_owned));
        if instance.attributes.keys().filter(|n| !built_in(n)).count() > 10 {
            instance.attributes.remove(name);
            let message = "A container instance can have at most 10 custom attributes.";
            return Err(Fault::new("AttributeLimitExceededException", message));
        }
    }
    Ok(json!({"attributes": attributes}))
}

pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let attributes = input.list("attributes");
    for attribute in attributes {
        let id = target(world, &cluster, attribute)?;
        let name = attribute.text("name").unwrap_or_default();
        if let Some(instance) = world.state.instances.get_mut(&id).filter(|_| !built_in(name)) {
            instance.attributes.remove(name);
        }
    }
    Ok(json!({"attributes": attributes}))
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let wanted = |key: &str, have: Option<&str>| input.text(key).is_none_or(|w| Some(w) == have);
    if input.has("attributeValue") && !input.has("attributeName") {
        return Err(Fault::invalid("attributeValue needs attributeName."));
    }
    let instances = world.state.instances.values().filter(|i| i.cluster == cluster && i.registered());
    let all = instances.flat_map(|i| i.attributes.iter().map(move |(name, value)| (i, name, value)));
    let keys = all
        .filter(|(_, n, v)| wanted("attributeName", Some(n)) && wanted("attributeValue", v.as_deref()))
        .map(|(i, n, v)| {
            let mut row = json!({"name": n, "targetId": i.arn, "targetType": "container-instance"});
            put_some(&mut row, "value", v.clone());
            row.to_string()
        })
        .collect();
    let page = cut(world.paging(), keys, input, Sizes { usual: 100, most: 100 })?;
    let rows: Vec<Value> = page.items.iter().filter_map(|r| serde_json::from_str(r).ok()).collect();
    let mut answer = json!({"attributes": rows});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
