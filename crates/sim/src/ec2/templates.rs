//! Requests that change launch templates. Neighbours: `template` holds them, `template_read` shows them, `template_data` checks
//! what is in them. Error codes: "Error codes for the Amazon EC2 API".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    tags,
    template::{self, Template, Version},
    template_data, template_read,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::{Read, array},
    },
    world::World,
};

/// "Launch templates per Region" and "Launch template versions per launch template".
const TEMPLATES: usize = 5000;
const VERSIONS: usize = 10_000;

pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    let name = input.text("LaunchTemplateName").unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "().-/_".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
        let message = "Launch template names must have 3 to 128 characters: letters, digits and ( ) . - / _";
        return Err(Fault::new("InvalidLaunchTemplateName.MalformedException", message));
    }
    if let Some((template, _)) = replayed(world, input, None)? {
        return Ok(json!({"LaunchTemplate": template_read::template(world, &template)}));
    }
    if world.state.templates.values().any(|t| t.name == name) {
        let message = "Launch template name already in use.";
        return Err(Fault::new("InvalidLaunchTemplateName.AlreadyExistsException", message));
    }
    if world.state.templates.len() >= TEMPLATES {
        return Err(Fault::new("LaunchTemplateLimitExceeded", "You have reached the limit of launch templates."));
    }
    let data = input.at("LaunchTemplateData").cloned().unwrap_or_default();
    template_data::check(&data)?;
    let tags = tags::of_creation(input, "launch-template")?;
    let id = format!("lt-{}", world.ids.hex(17));
    let description = input.text("VersionDescription").map(str::to_owned);
    let version = Version { number: 1, description, data, created_at: world.now };
    let mut template = Template {
        id: id.clone(),
        name: name.to_owned(),
        created_at: world.now,
        default: 1,
        latest: 1,
        versions: BTreeMap::from([(1, version)]),
        tags,
        tokens: BTreeMap::new(),
    };
    remember(&mut template, input, 1);
    let shown = template_read::template(world, &template);
    world.state.templates.insert(id, template);
    Ok(json!({"LaunchTemplate": shown}))
}

/// What a client token made before, when the request is the same.
fn replayed(world: &World, input: &Value, of: Option<&str>) -> Result<Option<(Template, i64)>, Fault> {
    let Some(token) = input.text("ClientToken") else { return Ok(None) };
    let mut all = world.state.templates.values().filter(|t| of.is_none_or(|id| t.id == id));
    let Some((template, (request, version))) = all.find_map(|t| Some((t, t.tokens.get(token)?))) else {
        return Ok(None);
    };
    if request != input {
        let message = "The request has the client token of another request with other parameters.";
        return Err(Fault::new("IdempotentParameterMismatch", message));
    }
    Ok(Some((template.clone(), *version)))
}

fn remember(template: &mut Template, input: &Value, version: i64) {
    if let Some(token) = input.text("ClientToken") {
        template.tokens.insert(token.to_owned(), (input.clone(), version));
    }
}

fn named(world: &World, input: &Value) -> Result<Template, Fault> {
    template::find(world, input.text("LaunchTemplateId"), input.text("LaunchTemplateName")).cloned()
}

pub(crate) fn create_version(world: &mut World, input: &Value) -> Answer {
    let mut template = named(world, input)?;
    let resolve = template_read::alias(input);
    if let Some((before, version)) = replayed(world, input, Some(&template.id))? {
        let version = before.version(&version.to_string())?;
        return Ok(json!({"LaunchTemplateVersion": template_read::version(world, &before, version, resolve)}));
    }
    if template.versions.len() >= VERSIONS {
        let message = "You have reached the limit of versions of the launch template.";
        return Err(Fault::new("LaunchTemplateVersionLimitExceeded", message));
    }
    let given = input.at("LaunchTemplateData").cloned().unwrap_or_else(|| json!({}));
    let data = match input.text("SourceVersion") {
        Some(source) => template_data::inherit(&template.version(source)?.data, &given),
        None => given,
    };
    template_data::check(&data)?;
    let number = template.latest + 1;
    let description = input.text("VersionDescription").map(str::to_owned);
    let version = Version { number, description, data, created_at: world.now };
    let shown = template_read::version(world, &template, &version, resolve);
    template.latest = number;
    template.versions.insert(number, version);
    remember(&mut template, input, number);
    world.state.templates.insert(template.id.clone(), template);
    Ok(json!({"LaunchTemplateVersion": shown}))
}

/// Sets the default version; nothing else of a template can change.
pub(crate) fn modify(world: &mut World, input: &Value) -> Answer {
    let mut template = named(world, input)?;
    if let Some(version) = input.text("DefaultVersion") {
        template.default = template.version(version)?.number;
    }
    let shown = template_read::template(world, &template);
    world.state.templates.insert(template.id.clone(), template);
    Ok(json!({"LaunchTemplate": shown}))
}

/// Groups that name the template keep its name and fail to launch.
pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let template = named(world, input)?;
    world.state.templates.remove(&template.id);
    Ok(json!({"LaunchTemplate": template_read::template(world, &template)}))
}

/// At most 200 versions at once; each that cannot be deleted is answered by itself. The default version stays.
pub(crate) fn delete_versions(world: &mut World, input: &Value) -> Answer {
    let mut template = named(world, input)?;
    let wanted = input.strings("Versions");
    if wanted.len() > 200 {
        return Err(Fault::new("InvalidParameterValue", "At most 200 versions can be deleted at once."));
    }
    let (mut gone, mut failed) = (Vec::new(), Vec::new());
    for text in wanted {
        let number: i64 = text.parse().map_err(|_| {
            Fault::new("InvalidParameterValue", format!("'{text}' is not the number of a launch template version."))
        })?;
        let mut item = json!({
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "VersionNumber": number,
        });
        let code = match template.versions.contains_key(&number) {
            true if number == template.default => "unexpectedError",
            true => {
                template.versions.remove(&number);
                gone.push(item);
                continue;
            }
            false => "launchTemplateVersionDoesNotExist",
        };
        let error = json!({"Code": code, "Message": "The version is the default one or does not exist."});
        crate::wire::value::put(&mut item, "ResponseError", error);
        failed.push(item);
    }
    template.latest = template.versions.keys().next_back().copied().unwrap_or(template.latest);
    world.state.templates.insert(template.id.clone(), template);
    Ok(json!({
        "SuccessfullyDeletedLaunchTemplateVersions": array(gone),
        "UnsuccessfullyDeletedLaunchTemplateVersions": array(failed),
    }))
}
