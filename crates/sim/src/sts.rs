//! Who the caller is. Neighbours: `aws` decodes the form and wraps the answer. Credentials are made up, never checked,
//! and last an hour of virtual time by their own word only.

use std::collections::BTreeMap;

use jiff::fmt::strtime;

use crate::{
    wire::{fault::Fault, value::later, xml::escape},
    world::{World, tail},
};

pub(crate) fn answer(world: &mut World, action: &str, form: &BTreeMap<String, String>) -> Result<String, Fault> {
    match action {
        "GetCallerIdentity" => {
            let account = world.options.account.clone();
            let arn = format!("arn:aws:sts::{account}:assumed-role/simulated/session");
            Ok(format!("<Arn>{arn}</Arn><UserId>AROASIMULATED0000000:session</UserId><Account>{account}</Account>"))
        }
        "AssumeRole" => assume(world, form),
        "" => Err(Fault::new("MissingAction", "The request names no operation.")),
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

fn assume(world: &mut World, form: &BTreeMap<String, String>) -> Result<String, Fault> {
    for key in form.keys() {
        let known = ["Action", "Version", "RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"];
        if !known.contains(&key.as_str()) {
            return Err(Fault::not_modelled(format!("the AssumeRole member {key}")));
        }
    }
    let required = |key: &str| {
        let missing = || Fault::new("ValidationError", format!("The member {key} is required."));
        form.get(key).cloned().ok_or_else(missing)
    };
    let (role, session) = (required("RoleArn")?, required("RoleSessionName")?);
    let account = role.split(':').nth(4).unwrap_or_default();
    if !role.starts_with("arn:") || !role.contains(":role/") || account.is_empty() {
        return Err(Fault::new("ValidationError", format!("{role} is invalid")));
    }
    let seconds: i64 = form.get("DurationSeconds").map_or(Ok(3600), |s| s.parse()).unwrap_or(0);
    if !(900..=43_200).contains(&seconds) {
        return Err(Fault::new("ValidationError", "DurationSeconds must be between 900 and 43200."));
    }
    let until = strtime::format("%Y-%m-%dT%H:%M:%SZ", later(world.now, seconds)).unwrap_or_default();
    let id = world.request_ids.hex(16).to_uppercase();
    Ok(format!(
        "<Credentials><AccessKeyId>ASIA{id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>{until}</Expiration></Credentials><AssumedRoleUser>\
         <AssumedRoleId>AROA{id}:{}</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/{}/{}</Arn></AssumedRoleUser>",
        world.request_ids.hex(40),
        world.request_ids.hex(64),
        escape(&session),
        escape(tail(&role)),
        escape(&session),
    ))
}
