//! Launch templates and their versions as AWS shows them. Neighbours: `templates` changes them.

use serde_json::{Value, json};

use super::{
    filter, page, tags,
    template::{self, Template, Version},
    template_data,
};
use crate::{
    ssm,
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put, put_some},
        xml::instant,
    },
    world::World,
};

const PAGE: Sizes = Sizes { usual: 200, most: 200 };

/// Whether `resolve:ssm:` in ImageId is shown as the image it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alias {
    AsSent,
    Resolved,
}

pub(crate) fn alias(input: &Value) -> Alias {
    if input.flag("ResolveAlias") == Some(true) { Alias::Resolved } else { Alias::AsSent }
}

fn creator(world: &World) -> String {
    format!("arn:aws:sts::{}:assumed-role/simulated/session", world.options.account)
}

/// A template without its versions.
pub(crate) fn template(world: &World, template: &Template) -> Value {
    json!({
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": instant(template.created_at),
        "CreatedBy": creator(world),
        "DefaultVersionNumber": template.default,
        "LatestVersionNumber": template.latest,
        "Tags": tags::shown(&template.tags),
    })
}

/// A version of a template.
pub(crate) fn version(world: &World, template: &Template, version: &Version, alias: Alias) -> Value {
    let mut data = template_data::shown(&version.data);
    let parameter = version.data.text("ImageId").and_then(|i| i.strip_prefix("resolve:ssm:"));
    if let (Alias::Resolved, Some(parameter)) = (alias, parameter) {
        put_some(&mut data, "ImageId", ssm::value(world, parameter));
    }
    let mut out = json!({
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "CreateTime": instant(version.created_at),
        "CreatedBy": creator(world),
        "DefaultVersion": version.number == template.default,
    });
    put_some(&mut out, "VersionDescription", version.description.clone());
    put(&mut out, "LaunchTemplateData", data);
    out
}

pub(crate) fn describe(world: &World, input: &Value) -> Answer {
    filter::check(input, &["create-time", "launch-template-name"])?;
    let (ids, names) = (input.strings("LaunchTemplateIds"), input.strings("LaunchTemplateNames"));
    let mut found: Vec<&Template> = Vec::new();
    for id in &ids {
        found.push(template::find(world, Some(id), None)?);
    }
    for name in &names {
        found.push(template::find(world, None, Some(name))?);
    }
    if ids.is_empty() && names.is_empty() {
        found.extend(world.state.templates.values());
    }
    let mut keys = Vec::new();
    for template in found {
        let values = |name: &str| match name {
            "create-time" => Some(vec![instant(template.created_at)]),
            "launch-template-name" => Some(vec![template.name.clone()]),
            other => filter::of_tags(&template.tags, other),
        };
        if filter::keep(input, values)? && !keys.contains(&template.id) {
            keys.push(template.id.clone());
        }
    }
    let page = page(world.paging(), keys, input, PAGE)?;
    let shown = page.items.iter().filter_map(|id| world.state.templates.get(id)).map(|t| template(world, t));
    let mut answer = json!({"LaunchTemplates": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

/// Newest first, which is a guess. Without a template: the latest or default versions of all.
pub(crate) fn describe_versions(world: &World, input: &Value) -> Answer {
    filter::check(input, &["is-default-version", "image-id", "instance-type"])?;
    let wanted = input.strings("Versions");
    let (id, name) = (input.text("LaunchTemplateId"), input.text("LaunchTemplateName"));
    let mut found: Vec<(&Template, &Version)> = Vec::new();
    if id.is_none() && name.is_none() {
        if wanted.is_empty() || wanted.iter().any(|v| !matches!(v.as_str(), "$Latest" | "$Default")) {
            let message = "Without a launch template, the versions can only be $Latest and $Default.";
            return Err(Fault::new("InvalidParameterValue", message));
        }
        for template in world.state.templates.values() {
            for named in &wanted {
                found.push((template, template.version(named)?));
            }
        }
    } else {
        let template = template::find(world, id, name)?;
        if wanted.is_empty() {
            found.extend(in_range(template, input)?.into_iter().map(|v| (template, v)));
        }
        for named in &wanted {
            found.push((template, template.version(named)?));
        }
    }
    let mut kept: Vec<(String, Value)> = Vec::new();
    for (template, one) in found {
        let shown = version(world, template, one, alias(input));
        let key = format!("{}:{}", template.id, one.number);
        let values = |name: &str| {
            Some(match name {
                "is-default-version" => vec![(one.number == template.default).to_string()],
                "image-id" => one.data.text("ImageId").map(str::to_owned).into_iter().collect(),
                "instance-type" => one.data.text("InstanceType").map(str::to_owned).into_iter().collect(),
                _ => return None,
            })
        };
        if filter::keep(input, values)? && !kept.iter().any(|(k, _)| *k == key) {
            kept.push((key, shown));
        }
    }
    let page = page(world.paging(), kept.iter().map(|(k, _)| k.clone()).collect(), input, PAGE)?;
    let shown = kept.into_iter().filter(|(k, _)| page.items.contains(k)).map(|(_, v)| v);
    let mut answer = json!({"LaunchTemplateVersions": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn in_range<'t>(template: &'t Template, input: &Value) -> Result<Vec<&'t Version>, Fault> {
    let number = |key: &str, usual: i64| {
        let Some(text) = input.text(key) else { return Ok(usual) };
        let bad = || Fault::new("InvalidParameterValue", format!("The value of {key} is not a number."));
        text.parse::<i64>().map_err(|_| bad())
    };
    let (min, max) = (number("MinVersion", 1)?, number("MaxVersion", i64::MAX)?);
    Ok(template.versions.values().rev().filter(|v| (min..=max).contains(&v.number)).collect())
}
