//! Tags: their rules and the three operations on them. Neighbours: every creating operation checks with `check`.
//! Propagation to tasks is in `task` and `scheduler`.

use serde_json::{Value, json};

use crate::{
    wire::{
        fault::{Answer, Fault},
        value::Read,
    },
    world::{World, tail},
};

pub(crate) const USUAL_LIMIT: usize = 50;

/// The tags of a creating request, in the order given.
pub(crate) fn check(tags: &[Value], limit: usize) -> Result<Vec<Value>, Fault> {
    let mut seen: Vec<&str> = Vec::new();
    for tag in tags {
        let key = tag.text("key").unwrap_or_default();
        let value = tag.text("value").unwrap_or_default();
        if key.is_empty() {
            return Err(Fault::invalid("Tag keys cannot be blank."));
        }
        if key.to_ascii_lowercase().starts_with("aws:") || value.to_ascii_lowercase().starts_with("aws:") {
            return Err(Fault::invalid("The prefix aws: is reserved for tags of AWS."));
        }
        if seen.contains(&key) {
            return Err(Fault::invalid(format!("Duplicate tag key '{key}'.")));
        }
        seen.push(key);
    }
    if seen.len() > limit {
        return Err(Fault::invalid(format!("A resource can have at most {limit} tags.")));
    }
    Ok(tags.iter().map(|t| json!({"key": t.text("key"), "value": t.text("value").unwrap_or_default()})).collect())
}

/// Adds or replaces.
pub(crate) fn merge(into: &mut Vec<Value>, tags: &[Value]) {
    for tag in tags {
        match into.iter_mut().find(|t| t.text("key") == tag.text("key")) {
            Some(old) => *old = tag.clone(),
            None => into.push(tag.clone()),
        }
    }
}

fn target<'w>(world: &'w mut World, arn: &str) -> Result<&'w mut Vec<Value>, Fault> {
    let missing = || Fault::new("ResourceNotFoundException", "The specified resource could not be found.");
    let prefix = world.arn("");
    let resource = arn.strip_prefix(&prefix).ok_or_else(|| Fault::invalid(format!("Invalid resource ARN: {arn}")))?;
    let mut parts = resource.split('/');
    let kind = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let state = &mut world.state;
    match (kind, rest.as_slice()) {
        ("cluster", [name]) => state.clusters.get_mut(*name).map(|c| &mut c.tags).ok_or_else(missing),
        ("capacity-provider", [name]) => state.providers.get_mut(*name).map(|p| &mut p.tags).ok_or_else(missing),
        ("service", [cluster, name]) => {
            let key = ((*cluster).to_owned(), (*name).to_owned());
            state.services.get_mut(&key).filter(|s| s.status != "INACTIVE").map(|s| &mut s.tags).ok_or_else(missing)
        }
        ("service", [_]) => Err(Fault::invalid("Long arn format must be used for tagging operations")),
        ("task", [_, id]) => state.tasks.get_mut(*id).map(|t| &mut t.tags).ok_or_else(missing),
        ("container-instance", [_, id]) => state.instances.get_mut(*id).map(|i| &mut i.tags).ok_or_else(missing),
        ("task-definition", [name]) => {
            let (family, revision) = name.rsplit_once(':').ok_or_else(missing)?;
            let revision: i64 = revision.parse().map_err(|_| missing())?;
            let family = state.families.get_mut(family).ok_or_else(missing)?;
            family.revisions.get_mut(&revision).map(|r| &mut r.tags).ok_or_else(missing)
        }
        _ => Err(Fault::invalid(format!("Invalid resource ARN: {arn}"))),
    }
}

pub(crate) fn tag(world: &mut World, input: &Value) -> Answer {
    let arn = input.text("resourceArn").unwrap_or_default();
    let added = check(input.list("tags"), USUAL_LIMIT)?;
    let limit = match world.state.providers.get(tail(arn)) {
        Some(provider) if provider.arn == arn && provider.group().is_none() => super::provider_validate::TAG_LIMIT,
        _ => USUAL_LIMIT,
    };
    let tags = target(world, arn)?;
    let mut merged = tags.clone();
    merge(&mut merged, &added);
    if merged.iter().filter(|t| t.text("key").is_some_and(|k| !k.starts_with("aws:"))).count() > limit {
        return Err(Fault::invalid(format!("A resource can have at most {limit} tags.")));
    }
    *tags = merged;
    Ok(json!({}))
}

pub(crate) fn untag(world: &mut World, input: &Value) -> Answer {
    let keys = input.strings("tagKeys");
    if keys.iter().any(|k| k.starts_with("aws:")) {
        return Err(Fault::invalid("Tags of AWS cannot be removed."));
    }
    let tags = target(world, input.text("resourceArn").unwrap_or_default())?;
    tags.retain(|t| !keys.iter().any(|k| t.text("key") == Some(k)));
    Ok(json!({}))
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    // The model lists no ResourceNotFoundException for this operation, unlike for the other two.
    let found = target(world, input.text("resourceArn").unwrap_or_default());
    let tags = found.map_err(|f| if f.code == "ResourceNotFoundException" { Fault::invalid(f.message) } else { f })?;
    Ok(json!({"tags": tags.clone()}))
}
