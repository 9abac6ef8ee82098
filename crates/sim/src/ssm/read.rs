//! Parameters as reads show them, the account's own and the public ones. Neighbours: `names` reads the names, `put` and
//! `published` make what is read. Whether reads of parameters can trail writes on AWS is not confirmed: they do as the readings of
//! the other services do.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    names::{self, Asked},
    wrong,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, array, put_some, stamp},
    },
    world::World,
};

/// Where the public parameters are.
const PUBLIC: &str = "/aws/";

pub(super) fn one(world: &World, input: &Value) -> Answer {
    let name = input.text("Name").unwrap_or_default();
    Ok(json!({"Parameter": named(world, name)?}))
}

/// "The results for GetParameters requests are listed in alphabetical order in query responses."
pub(super) fn several(world: &World, input: &Value) -> Answer {
    let names = input.strings("Names");
    let unique: BTreeSet<&String> = names.iter().collect();
    if unique.len() < names.len() {
        return Err(wrong("Names must not repeat."));
    }
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in unique {
        match named(world, name) {
            Ok(parameter) => found.push(parameter),
            Err(fault) if missing(&fault) => invalid.push(name.clone()),
            Err(fault) => return Err(fault),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

fn missing(fault: &Fault) -> bool {
    matches!(fault.code, "ParameterNotFound" | "ParameterVersionNotFound")
}

/// The value of a parameter, as `resolve:ssm:` reads it: a name, with a version after a colon if wanted.
pub(crate) fn value(world: &World, name: &str) -> Option<String> {
    named(world, name).ok()?.text("Value").map(str::to_owned)
}

/// One version of one parameter.
struct Shown<'w> {
    name: &'w str,
    kind: &'w str,
    arn: String,
    at: Timestamp,
    value: &'w str,
    version: i64,
}

/// A number after the name (`name:1`) is a version. There are no labels: LabelParameterVersion is not modelled.
fn named(world: &World, text: &str) -> Result<Value, Fault> {
    let asked = names::asked(world, text)?;
    let Shown { name, kind, arn, at, value, version } = find(world, &asked)?;
    let mut parameter = json!({
        "Name": name,
        "Type": kind,
        "Value": value,
        "Version": version,
        "LastModifiedDate": stamp(at),
        "ARN": arn,
        "DataType": "text",
    });
    put_some(&mut parameter, "Selector", asked.selector.map(|s| format!(":{s}")));
    Ok(parameter)
}

fn find<'w>(world: &'w World, asked: &Asked) -> Result<Shown<'w>, Fault> {
    let key = &asked.name.key;
    let number = |latest: i64| asked.selector.as_ref().map_or(latest, |text| text.parse().unwrap_or(0));
    let absent = |number: i64| {
        let message = format!("Systems Manager could not find version {number} of {}.", asked.name.text);
        Fault::new("ParameterVersionNotFound", message)
    };
    if let Some(own) = world.state.parameters.get(key) {
        let version = number(own.latest());
        let found = own.versions.get(&version).ok_or_else(|| absent(version))?;
        let arn = names::arn(world, key);
        return Ok(Shown { name: &own.name, kind: &own.kind, arn, at: found.made, value: &found.value, version });
    }
    let none = || Fault::new("ParameterNotFound", "");
    let (name, versions) = world.parameters.0.get_key_value(key).ok_or_else(none)?;
    let version = number(i64::try_from(versions.len()).unwrap_or(0));
    let index = usize::try_from(version).ok().and_then(|n| n.checked_sub(1));
    let (at, value) = index.and_then(|n| versions.get(n)).ok_or_else(|| absent(version))?;
    Ok(Shown { name, kind: "String", arn: names::public_arn(world, key), at: *at, value, version })
}

/// Public parameters are found below `/aws` only.
pub(super) fn by_path(world: &World, input: &Value) -> Answer {
    if !input.list("ParameterFilters").is_empty() {
        return Err(Fault::not_modelled("ParameterFilters of GetParametersByPath"));
    }
    let given = input.text("Path").unwrap_or_default();
    if !given.starts_with('/') {
        return Err(wrong("The path must begin with a slash."));
    }
    let path = given.trim_end_matches('/');
    let recursive = input.flag("Recursive").unwrap_or(false);
    let under = |name: &&String| {
        let rest = name.strip_prefix(path).and_then(|r| r.strip_prefix('/'));
        let hidden = name.starts_with(PUBLIC) && path.is_empty();
        rest.is_some_and(|r| !hidden && (recursive || !r.contains('/')))
    };
    let all = world.parameters.0.keys().chain(world.state.parameters.keys());
    let keys: BTreeSet<String> = all.filter(under).cloned().collect();
    let mut paged = json!({});
    put_some(&mut paged, "maxResults", input.number("MaxResults"));
    put_some(&mut paged, "nextToken", input.text("NextToken"));
    let page = cut(world.paging(), keys.into_iter().collect(), &paged, Sizes { usual: 10, most: 10 })
        .map_err(|_| Fault::new("InvalidNextToken", "The specified token is not valid."))?;
    let found = page.items.iter().filter_map(|n| named(world, n).ok());
    let mut answer = json!({"Parameters": array(found)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}
