//! Launch templates as plain values, and which version of which one a specification means. Neighbours: `templates` answers
//! requests about them, `autoscaling` launches from them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{filter, instance::Tags};
use crate::{
    wire::{base64, fault::Fault, value::Read},
    world::World,
};

/// A launch template.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// `lt-…`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) default: i64,
    pub(crate) latest: i64,
    pub(crate) versions: BTreeMap<i64, Version>,
    pub(crate) tags: Tags,
    /// Client tokens that made it or a version of it, with the request.
    pub(crate) tokens: BTreeMap<String, (Value, i64)>,
}

/// A version of a launch template.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) number: i64,
    pub(crate) description: Option<String>,
    /// LaunchTemplateData as sent, merged with the source version.
    pub(crate) data: Value,
    pub(crate) created_at: Timestamp,
}

/// The template that an id or a name means.
pub(crate) fn find<'w>(world: &'w World, id: Option<&str>, name: Option<&str>) -> Result<&'w Template, Fault> {
    let templates = &world.state.templates;
    match (id, name) {
        (Some(_), Some(_)) => Err(Fault::new(
            "InvalidParameterCombination",
            "You must specify either a launch template ID or a launch template name, not both.",
        )),
        (Some(id), None) => templates.get(id).ok_or_else(|| {
            let code = if filter::well_formed(id, "lt-") {
                "InvalidLaunchTemplateId.NotFound"
            } else {
                "InvalidLaunchTemplateId.Malformed"
            };
            let what = if filter::well_formed(id, "lt-") { "does not exist" } else { "is not valid" };
            Fault::new(code, format!("The specified launch template, with template ID {id}, {what}."))
        }),
        (None, Some(name)) => templates.values().find(|t| t.name == name).ok_or_else(|| {
            let message = format!("The specified launch template, with template name {name}, does not exist.");
            Fault::new("InvalidLaunchTemplateName.NotFoundException", message)
        }),
        (None, None) => Err(Fault::new(
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateId or LaunchTemplateName.",
        )),
    }
}

impl Template {
    /// A version by number, `$Latest` or `$Default`.
    pub(crate) fn version(&self, named: &str) -> Result<&Version, Fault> {
        let number = match named {
            "$Latest" => Some(self.latest),
            "$Default" | "" => Some(self.default),
            other => other.parse().ok(),
        };
        number.and_then(|n| self.versions.get(&n)).ok_or_else(|| {
            let message =
                format!("Could not find the specified version {named} for the launch template with ID {}.", self.id);
            Fault::new("InvalidLaunchTemplateId.VersionNotFound", message)
        })
    }
}

/// The template and version of a LaunchTemplateSpecification: by its id where it has one, as groups fill in both; without a
/// version the default one.
pub(crate) fn resolve<'w>(world: &'w World, specification: &Value) -> Result<(&'w Template, &'w Version), Fault> {
    let id = specification.text("LaunchTemplateId");
    let name = specification.text("LaunchTemplateName").filter(|_| id.is_none());
    let template = find(world, id, name)?;
    let version = template.version(specification.text("Version").unwrap_or_default())?;
    Ok((template, version))
}

/// The decoded user data of launch template data; it was checked when the template was made.
pub(crate) fn user_data(data: &Value) -> String {
    let bytes = data.text("UserData").and_then(base64::decode).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
