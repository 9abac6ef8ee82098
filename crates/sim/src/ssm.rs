//! The public parameters of the ECS-optimized Neuron images, as Parameter Store serves them, and the images published at the
//! start. Neighbours: `aws` routes here, `world` holds the values, `ec2::knobs` publishes more. Only reads: nothing of the
//! account's own parameters exists.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    ec2::image::Image,
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, array, later, put_some, stamp},
    },
    world::World,
};

/// Where the images of each operating system are published.
pub(crate) const AL2023: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";
const AL2: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2/inf";
const AL2_KERNEL_5_10: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/inf";
const AGENT: &str = "1.101.0";
const RUNTIME: &str = "Docker version 25.0.13";
const DAY: i64 = 86_400;

/// Parameters by name, each with its versions, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(BTreeMap<String, Vec<(Timestamp, String)>>);

impl Parameters {
    pub(crate) fn put(&mut self, name: String, value: String, now: Timestamp) {
        self.0.entry(name).or_default().push((now, value));
    }
}

/// The images that exist when the account begins, with the path they are published under, the older ones of a path first. The
/// ids are made up. "AMIs are deprecated two years after creation."
fn releases(start: Timestamp) -> Vec<(&'static str, Image)> {
    let image = |id: &str, name: &str, days: i64| {
        let created = later(start, -days * DAY);
        let mut image = Image::new(id, name, AGENT).created(created);
        image.deprecated_at = Some(later(created, 730 * DAY));
        image
    };
    let older = image("ami-0b1b2c3d4e5f60718", "al2023-ami-ecs-neuron-hvm-2023.0.20251101-kernel-6.1-x86_64", 61);
    let newer = image("ami-0a1b2c3d4e5f60718", "al2023-ami-ecs-neuron-hvm-2023.0.20251215-kernel-6.1-x86_64", 17);
    let al2 = image("ami-0c1b2c3d4e5f60718", "amzn2-ami-ecs-inf-hvm-2.0.20251201-x86_64-ebs", 31);
    let al2_510 = image("ami-0d1b2c3d4e5f60718", "amzn2-ami-ecs-kernel-5.10-inf-hvm-2.0.20251201-x86_64-ebs", 31);
    vec![(AL2023, older), (AL2023, newer), (AL2, al2), (AL2_KERNEL_5_10, al2_510)]
}

/// Every image at the start.
pub(crate) fn images(start: Timestamp) -> BTreeMap<String, Image> {
    releases(start).into_iter().map(|(_, image)| (image.id.clone(), image)).collect()
}

/// Every parameter at the start.
pub(crate) fn published(start: Timestamp) -> Parameters {
    let mut all = Parameters::default();
    for (path, image) in releases(start) {
        publish(&mut all, path, &image, image.created_at);
    }
    all
}

/// Publishes an image by its name and as the recommended one, each as a JSON document with a leaf for each of its keys. The
/// keys are the documented ones.
pub(crate) fn publish(all: &mut Parameters, path: &str, image: &Image, now: Timestamp) {
    let os = if image.name.starts_with("amzn2-") { "Amazon Linux 2" } else { "Amazon Linux 2023" };
    let document = json!({
        "ecs_agent_version": image.agent_version,
        "ecs_runtime_version": RUNTIME,
        "image_id": image.id,
        "image_name": image.name,
        // As in `…-hvm-2023.0.20251215-…`.
        "image_version": image.name.split("-hvm-").nth(1).and_then(|rest| rest.split('-').next()).unwrap_or("1"),
        "os": os,
        "schema_version": 1,
        "source_image_name": format!("source-of-{}", image.name),
    });
    let path = path.trim_end_matches('/');
    for place in [format!("{path}/{}", image.name), format!("{path}/recommended")] {
        for (key, value) in document.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            all.put(format!("{place}/{key}"), text, now);
        }
        all.put(place, document.to_string(), now);
    }
}

pub(crate) fn answer(world: &World, operation: &str, input: &Value) -> Answer {
    match operation {
        "GetParameter" => {
            let name = input.text("Name").unwrap_or_default();
            Ok(json!({"Parameter": one(world, name)?}))
        }
        "GetParameters" => {
            let names = input.strings("Names");
            let mut unique: Vec<String> = Vec::new();
            for name in names {
                if unique.contains(&name) {
                    return Err(Fault::new("ValidationException", "Names must not repeat."));
                }
                unique.push(name);
            }
            let (found, missing): (Vec<String>, Vec<String>) = unique.into_iter().partition(|n| one(world, n).is_ok());
            let found = found.iter().filter_map(|n| one(world, n).ok());
            Ok(json!({"Parameters": array(found), "InvalidParameters": array(missing)}))
        }
        "GetParametersByPath" => by_path(world, input),
        "GetParameterHistory" => {
            Err(Fault::not_modelled("GetParameterHistory: public parameters have no history to read"))
        }
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

/// The value of a parameter, as `resolve:ssm:` reads it: a name, with a version after a colon if wanted.
pub(crate) fn value(world: &World, name: &str) -> Option<String> {
    one(world, name).ok()?.text("Value").map(str::to_owned)
}

/// A number after the name (`name:1`) is a version. Labels do not exist: nobody has labelled a public parameter.
fn one(world: &World, name: &str) -> Result<Value, Fault> {
    let (bare, selector) = name.split_once(':').map_or((name, None), |(a, b)| (a, Some(b)));
    let missing = || Fault::new("ParameterNotFound", "");
    let versions = world.parameters.0.get(bare).ok_or_else(missing)?;
    let number = match selector {
        None => versions.len(),
        Some(text) => text.parse().unwrap_or(0),
    };
    let no_version = || {
        Fault::new("ParameterVersionNotFound", format!("Systems Manager could not find version {number} of {bare}."))
    };
    let (at, value) = number.checked_sub(1).and_then(|n| versions.get(n)).ok_or_else(no_version)?;
    let mut parameter = json!({
        "Name": bare,
        "Type": "String",
        "Value": value,
        "Version": number,
        "LastModifiedDate": stamp(*at),
        "ARN": format!("arn:aws:ssm:{}::parameter{bare}", world.options.region),
        "DataType": "text",
    });
    put_some(&mut parameter, "Selector", selector.map(|s| format!(":{s}")));
    Ok(parameter)
}

fn by_path(world: &World, input: &Value) -> Answer {
    if !input.list("ParameterFilters").is_empty() {
        return Err(Fault::not_modelled("ParameterFilters of GetParametersByPath"));
    }
    let path = input.text("Path").unwrap_or_default().trim_end_matches('/');
    if !path.starts_with('/') {
        return Err(Fault::new("ValidationException", "The path must begin with a slash."));
    }
    let recursive = input.flag("Recursive").unwrap_or(false);
    let under = |name: &&String| {
        let rest = name.strip_prefix(path).and_then(|r| r.strip_prefix('/'));
        rest.is_some_and(|r| recursive || !r.contains('/'))
    };
    let keys: Vec<String> = world.parameters.0.keys().filter(under).cloned().collect();
    let mut paged = json!({});
    put_some(&mut paged, "maxResults", input.number("MaxResults"));
    put_some(&mut paged, "nextToken", input.text("NextToken"));
    let page = cut(keys, &paged, Sizes { usual: 10, most: 10 })
        .map_err(|_| Fault::new("InvalidNextToken", "The specified token is not valid."))?;
    let found = page.items.iter().filter_map(|n| one(world, n).ok());
    let mut answer = json!({"Parameters": array(found)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}
