//! PutParameter. Neighbours: `names` checks the name, `parameter` is what it makes, `tags` checks the tags. Sources: the API
//! reference, and "Managing parameter tiers" in the user guide. Where no source is given the order of the checks is a guess.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Value, json};

use super::{
    names::{self, Name},
    parameter::{Parameter, Version},
    tags, wrong,
};
use crate::{
    quirks::RecreatedParameter,
    wire::{
        fault::{Answer, Fault},
        value::{Read, later},
    },
    world::World,
};

/// "You can create a maximum of 10,000 standard parameters for each Region in an Amazon Web Services account."
const MOST: usize = 10_000;
/// "Standard parameters have a value limit of 4 KB"; AWS's message says 4096 characters. That they are bytes is a guess, the
/// stricter one.
const LONGEST: usize = 4096;
/// "After deleting a parameter, wait for at least 30 seconds to create a parameter with the same name."
const WAIT: i64 = 30;

pub(super) fn put(world: &mut World, input: &Value) -> Answer {
    let name = names::new(world, input.text("Name").unwrap_or_default())?;
    unmodelled(input)?;
    let overwrite = input.flag("Overwrite").unwrap_or(false);
    let tags = tags::check(input.list("Tags"))?;
    if overwrite && !tags.is_empty() {
        let message = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please \
                       remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
                       RemoveTagsFromResource.";
        return Err(wrong(message));
    }
    let value = value(input)?;
    let kind = input.text("Type");
    match world.state.parameters.get(&name.key) {
        Some(_) if !overwrite => {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(Fault::new("ParameterAlreadyExists", message));
        }
        Some(old) if kind.is_some_and(|k| k != old.kind) => {
            let message = "A parameter cannot change its type. Create a new, unique parameter.";
            return Err(Fault::new("HierarchyTypeMismatchException", message));
        }
        Some(_) => {}
        None => create(world, &name, kind, tags)?,
    }
    let version = Version { made: world.now, value };
    let number = world.state.parameters.get_mut(&name.key).map_or(0, |parameter| parameter.add(version));
    Ok(json!({"Version": number, "Tier": "Standard"}))
}

/// What the simulator refuses besides the members that the table of shapes refuses.
fn unmodelled(input: &Value) -> Result<(), Fault> {
    let refused = [("Type", "SecureString"), ("Tier", "Advanced"), ("Tier", "Intelligent-Tiering")];
    if let Some((member, word)) = refused.iter().find(|(member, word)| input.text(member) == Some(word)) {
        return Err(Fault::not_modelled(format!("{member} {word} of PutParameter")));
    }
    match input.text("DataType") {
        None | Some("text" | "") => Ok(()),
        Some(other) => Err(Fault::not_modelled(format!("the data type {other} of PutParameter"))),
    }
}

/// The value, if it may be one. That an `AllowedPattern` need not match the whole value, and that it counts for the request that
/// brings it alone, are guesses.
fn value(input: &Value) -> Result<String, Fault> {
    let value = input.text("Value").unwrap_or_default();
    if value.is_empty() {
        return Err(wrong(
            "Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
        ));
    }
    if value.len() > LONGEST {
        return Err(wrong(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, \
             upgrade the parameter to use the advanced-parameter tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        ));
    }
    // "You can't include values wrapped in double brackets {{}} or {{ssm:parameter-name}} in a parameter value."
    if value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        return Err(wrong("Parameter value can't nest another parameter. Do not use \"{{}}\" in the value."));
    }
    let Some(pattern) = input.text("AllowedPattern").filter(|p| !p.is_empty()) else { return Ok(value.to_owned()) };
    let pattern = Regex::new(pattern).map_err(|_| {
        Fault::new("InvalidAllowedPatternException", "The allowed pattern is not a valid regular expression.")
    })?;
    if !pattern.is_match(value) {
        let message = "Parameter value, cannot be validated against allowedPattern.";
        return Err(Fault::new("ParameterPatternMismatchException", message));
    }
    Ok(value.to_owned())
}

fn create(world: &mut World, name: &Name, kind: Option<&str>, tags: BTreeMap<String, String>) -> Result<(), Fault> {
    let kind = kind.ok_or_else(|| wrong("A parameter type is required when you create a parameter."))?;
    if world.state.parameters.len() >= MOST {
        let message = format!(
            "You have reached the maximum number of standard parameters for this AWS account and Region ({MOST})."
        );
        return Err(Fault::new("ParameterLimitExceeded", message));
    }
    let now = world.now;
    world.state.deleted_parameters.retain(|_, deleted| later(*deleted, WAIT) > now);
    let lately = world.state.deleted_parameters.contains_key(&name.key);
    if lately && world.options.quirks.recreated_parameter == RecreatedParameter::Refused {
        return Err(Fault::new("TooManyUpdates", "There are concurrent updates for this parameter. Try again later."));
    }
    let parameter = Parameter { name: name.text.clone(), kind: kind.to_owned(), versions: BTreeMap::new(), tags };
    world.state.parameters.insert(name.key.clone(), parameter);
    Ok(())
}
