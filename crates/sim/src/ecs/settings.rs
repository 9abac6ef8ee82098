//! Account settings: a small store with the documented names (the wire's enum) and defaults. Neighbours: `cluster` reads
//! containerInsights. One principal exists, so a user's setting and the account's default are the same thing.

use serde_json::{Value, json};

use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put_some},
    },
    world::World,
};

const DEFAULTS: [(&str, &str); 9] = [
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("fargateFIPSMode", "disabled"),
    ("guardDutyActivate", "off"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "on"),
    ("taskLongArnFormat", "enabled"),
];

pub(crate) fn value(world: &World, name: &str) -> String {
    let default = DEFAULTS.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    world.state.settings.get(name).cloned().or(default).unwrap_or_default()
}

fn principal(world: &World) -> String {
    format!("arn:aws:iam::{}:root", world.options.account)
}

pub(crate) fn put(world: &mut World, input: &Value) -> Answer {
    let (name, value) = (input.text("name").unwrap_or_default(), input.text("value").unwrap_or_default());
    let allowed: &[&str] = match name {
        "containerInsights" => &["enabled", "disabled", "enhanced"],
        "defaultLogDriverMode" => &["blocking", "non-blocking"],
        "serviceLongArnFormat" | "taskLongArnFormat" | "containerInstanceLongArnFormat" => &["enabled"],
        other => return Err(Fault::not_modelled(format!("changing the account setting {other}"))),
    };
    if !allowed.contains(&value) {
        return Err(Fault::invalid(format!("'{value}' is not a value of {name}.")));
    }
    world.state.settings.insert(name.to_owned(), value.to_owned());
    let principal = input.text("principalArn").map_or_else(|| principal(world), str::to_owned);
    Ok(json!({"setting": {"name": name, "value": value, "principalArn": principal, "type": "user"}}))
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let effective = input.flag("effectiveSettings").unwrap_or(false);
    let wanted = |name: &str| input.text("name").is_none_or(|n| n == name);
    let names = DEFAULTS.iter().map(|(n, _)| (*n).to_owned());
    let keys = names.filter(|n| wanted(n) && (effective || world.state.settings.contains_key(n)));
    let keys = keys.filter(|n| input.text("value").is_none_or(|v| v == value(world, n))).collect();
    let page = cut(world.paging(), keys, input, Sizes { usual: 10, most: 10 })?;
    let rows: Vec<Value> = page
        .items
        .iter()
        .map(|n| json!({"name": n, "value": value(world, n), "principalArn": principal(world), "type": "user"}))
        .collect();
    let mut answer = json!({"settings": rows});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
