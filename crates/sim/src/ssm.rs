//! The public parameters of the ECS-optimized Neuron images, as Parameter Store serves them. Neighbours: `aws` routes here,
//! `world` holds the values. Only reads: nothing of the account's own parameters exists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, array, put_some, stamp},
    },
    world::World,
};

struct Image {
    path: &'static str,
    name: &'static str,
    id: &'static str,
    os: &'static str,
    recommended: bool,
}

const IMAGES: [Image; 4] = [
    Image {
        path: "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron",
        name: "al2023-ami-ecs-neuron-hvm-2023.0.20251215-kernel-6.1-x86_64",
        id: "ami-0a1b2c3d4e5f60718",
        os: "Amazon Linux 2023",
        recommended: true,
    },
    Image {
        path: "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron",
        name: "al2023-ami-ecs-neuron-hvm-2023.0.20251101-kernel-6.1-x86_64",
        id: "ami-0b1b2c3d4e5f60718",
        os: "Amazon Linux 2023",
        recommended: false,
    },
    Image {
        path: "/aws/service/ecs/optimized-ami/amazon-linux-2/inf",
        name: "amzn2-ami-ecs-inf-hvm-2.0.20251201-x86_64-ebs",
        id: "ami-0c1b2c3d4e5f60718",
        os: "Amazon Linux 2",
        recommended: true,
    },
    Image {
        path: "/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/inf",
        name: "amzn2-ami-ecs-kernel-5.10-inf-hvm-2.0.20251201-x86_64-ebs",
        id: "ami-0d1b2c3d4e5f60718",
        os: "Amazon Linux 2",
        recommended: true,
    },
];

const AGENT: &str = "1.101.0";
const RUNTIME: &str = "Docker version 25.0.13";

/// Every parameter at the start. The image ids are made up; the keys are the documented ones.
pub(crate) fn published() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for image in &IMAGES {
        let mut places = vec![format!("{}/{}", image.path, image.name)];
        if image.recommended {
            places.push(format!("{}/recommended", image.path));
        }
        for place in places {
            let document = json!({
                "ecs_agent_version": AGENT,
                "ecs_runtime_version": RUNTIME,
                "image_id": image.id,
                "image_name": image.name,
                "image_version": "1",
                "os": image.os,
                "schema_version": 1,
                "source_image_name": format!("source-of-{}", image.name),
            });
            for (key, value) in document.as_object().into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                all.insert(format!("{place}/{key}"), text);
            }
            all.insert(place, document.to_string());
        }
    }
    all
}

pub(crate) fn answer(world: &World, operation: &str, input: &Value) -> Answer {
    match operation {
        "GetParameter" => {
            let name = input.text("Name").unwrap_or_default();
            let found = one(world, name).ok_or_else(|| Fault::new("ParameterNotFound", ""))?;
            Ok(json!({"Parameter": found}))
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
            let (found, missing): (Vec<String>, Vec<String>) =
                unique.into_iter().partition(|n| one(world, n).is_some());
            let found = found.iter().filter_map(|n| one(world, n));
            Ok(json!({"Parameters": array(found), "InvalidParameters": array(missing)}))
        }
        "GetParametersByPath" => by_path(world, input),
        "GetParameterHistory" => {
            Err(Fault::not_modelled("GetParameterHistory: public parameters have no history to read"))
        }
        other => Err(Fault::not_modelled(format!("the operation {other}"))),
    }
}

/// A version or label after the name (`name:1`) is understood for version 1 only: public parameters here never change.
fn one(world: &World, name: &str) -> Option<Value> {
    let (bare, selector) = name.split_once(':').map_or((name, None), |(a, b)| (a, Some(b)));
    if selector.is_some_and(|s| s != "1") {
        return None;
    }
    let value = world.parameters.get(bare)?;
    let mut parameter = json!({
        "Name": bare,
        "Type": "String",
        "Value": value,
        "Version": 1,
        "LastModifiedDate": stamp(world.options.start),
        "ARN": format!("arn:aws:ssm:{}::parameter{bare}", world.options.region),
        "DataType": "text",
    });
    put_some(&mut parameter, "Selector", selector.map(|s| format!(":{s}")));
    Some(parameter)
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
    let keys: Vec<String> = world.parameters.keys().filter(under).cloned().collect();
    let mut paged = json!({});
    put_some(&mut paged, "maxResults", input.number("MaxResults"));
    put_some(&mut paged, "nextToken", input.text("NextToken"));
    let page = cut(keys, &paged, Sizes { usual: 10, most: 10 })
        .map_err(|_| Fault::new("InvalidNextToken", "The specified token is not valid."))?;
    let found = page.items.iter().filter_map(|n| one(world, n));
    let mut answer = json!({"Parameters": array(found)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}
