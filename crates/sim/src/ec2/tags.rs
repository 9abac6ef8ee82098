//! Tags of EC2 resources and their rules. Neighbours: `templates` reads the tags of new templates with it. Instances and launch
//! templates have tags; nothing else of EC2 exists in the account.

use serde_json::{Value, json};

use super::instance::Tags;
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::{Read, array},
    },
    world::World,
};

const MOST: usize = 50;

fn check(tags: &[Value]) -> Result<Tags, Fault> {
    let invalid = |message: String| Fault::new("InvalidParameterValue", message);
    let mut out = Tags::new();
    for tag in tags {
        let (key, value) = (tag.text("Key").unwrap_or_default(), tag.text("Value").unwrap_or_default());
        if key.is_empty() || key.chars().count() > 127 {
            return Err(invalid("Tag keys must have between 1 and 127 characters.".to_owned()));
        }
        if value.chars().count() > 255 {
            return Err(invalid("Tag values can have at most 255 characters.".to_owned()));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use".to_owned()));
        }
        if out.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(out)
}

fn within_limit(tags: &Tags) -> Result<(), Fault> {
    if tags.keys().filter(|k| !k.starts_with("aws:")).count() > MOST {
        return Err(Fault::new("TagLimitExceeded", "The maximum number of tags for a resource has been reached."));
    }
    Ok(())
}

/// The tags of a creating request: of the resource that it makes and of no other.
pub(crate) fn of_creation(input: &Value, kind: &str) -> Result<Tags, Fault> {
    let mut out = Tags::new();
    for specification in input.list("TagSpecifications") {
        let named = specification.text("ResourceType").unwrap_or_default();
        if named != kind {
            let message = format!("'{named}' is not a valid taggable resource type for this operation.");
            return Err(Fault::new("InvalidParameterValue", message));
        }
        out.extend(check(specification.list("Tags"))?);
    }
    within_limit(&out)?;
    Ok(out)
}

/// Tags as AWS shows them.
pub(crate) fn shown(tags: &Tags) -> Value {
    array(tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})))
}

fn of_resource<'w>(world: &'w mut World, id: &str) -> Result<&'w mut Tags, Fault> {
    let missing = |code| Fault::new(code, format!("The ID '{id}' does not exist"));
    if id.starts_with("i-") {
        let machine = world.state.machines.get_mut(id);
        return machine.map(|m| &mut m.tags).ok_or_else(|| missing("InvalidInstanceID.NotFound"));
    }
    if id.starts_with("lt-") {
        let template = world.state.templates.get_mut(id);
        return template.map(|t| &mut t.tags).ok_or_else(|| missing("InvalidLaunchTemplateId.NotFound"));
    }
    match id.split_once('-') {
        Some(_) => Err(Fault::not_modelled(format!("tags of the resource {id}"))),
        None => Err(Fault::new("InvalidID", format!("The ID '{id}' is not valid"))),
    }
}

/// All resources or none.
pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    let given = check(input.list("Tags"))?;
    let resources = input.strings("Resources");
    for id in &resources {
        let mut merged = of_resource(world, id)?.clone();
        merged.extend(given.clone());
        within_limit(&merged)?;
    }
    for id in &resources {
        of_resource(world, id)?.extend(given.clone());
    }
    Ok(json!({}))
}

/// "If you specify a tag key without a tag value, we delete any tag with this key regardless of its value. If you specify a
/// tag key with an empty string as the tag value, we delete the tag only if its value is an empty string. If you omit this
/// parameter, we delete all user-defined tags."
pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let given = input.list("Tags");
    if given.iter().any(|t| t.text("Key").is_some_and(|k| k.starts_with("aws:"))) {
        let message = "Tag keys starting with 'aws:' are reserved for internal use";
        return Err(Fault::new("InvalidParameterValue", message));
    }
    let resources = input.strings("Resources");
    for id in &resources {
        of_resource(world, id)?;
    }
    for id in &resources {
        let goes = |key: &String, value: &String| {
            let named = |t: &Value| t.text("Key") == Some(key) && t.text("Value").is_none_or(|v| v == value);
            if given.is_empty() { !key.starts_with("aws:") } else { given.iter().any(named) }
        };
        of_resource(world, id)?.retain(|key, value| !goes(key, value));
    }
    Ok(json!({}))
}
