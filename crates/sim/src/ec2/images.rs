//! DescribeImages. Neighbours: `image` says what an image is, `knobs` publishes and deregisters them. Every image belongs to
//! Amazon and is public.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    filter,
    image::{Image, ImageState},
    page, template_data,
};
use crate::{
    quirks::DeregisteredImage,
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put_some},
        xml::instant,
    },
    world::World,
};

/// The account that owns the ECS-optimized images.
const OWNER: &str = "591542846629";
const FILTERS: [&str; 9] = [
    "architecture",
    "creation-date",
    "image-id",
    "is-public",
    "name",
    "owner-alias",
    "owner-id",
    "root-device-type",
    "state",
];

/// "When an AMI is deprecated it does not appear unless you specify its ID or specify that deprecated AMIs must appear."
pub(crate) fn describe(world: &World, input: &Value) -> Answer {
    filter::check(input, &FILTERS)?;
    if !input.list("ExecutableUsers").is_empty() {
        return Err(Fault::not_modelled("ExecutableUsers of DescribeImages"));
    }
    let wanted = input.strings("ImageIds");
    for id in &wanted {
        exists(world, id)?;
    }
    let owners = input.strings("Owners");
    let owned = owners.is_empty() || owners.iter().any(|o| o == "amazon" || o == OWNER);
    let deprecated = input.flag("IncludeDeprecated") == Some(true);
    let mut ids = Vec::new();
    for image in world.images.values().filter(|i| i.state != ImageState::Deregistered && owned) {
        let current = deprecated || image.deprecated_at.is_none_or(|at| at > world.now);
        let listed = if wanted.is_empty() { current } else { wanted.contains(&image.id) };
        if listed && filter::keep(input, |name| values(image, name))? {
            ids.push(image.id.clone());
        }
    }
    let page = page(world.paging(), ids, input, Sizes { usual: 1000, most: 1000 })?;
    let mut answer = json!({"Images": array(page.items.iter().filter_map(|id| world.images.get(id)).map(shown))});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn exists(world: &World, id: &str) -> Result<(), Fault> {
    if !filter::well_formed(id, "ami-") {
        let message = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
        return Err(Fault::new("InvalidAMIID.Malformed", message));
    }
    let missing = || Fault::new("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist"));
    let image = world.images.get(id).ok_or_else(missing)?;
    match (image.state, world.options.quirks.deregistered_image) {
        (ImageState::Deregistered, DeregisteredImage::NotFound) => Err(missing()),
        (ImageState::Deregistered, DeregisteredImage::Unavailable) => {
            let message = format!("The image ID '{id}' is no longer available");
            Err(Fault::new("InvalidAMIID.Unavailable", message))
        }
        _ => Ok(()),
    }
}

fn state(image: &Image) -> &'static str {
    match image.state {
        ImageState::Available => "available",
        ImageState::Pending => "pending",
        ImageState::Deregistered => "deregistered",
    }
}

fn values(image: &Image, name: &str) -> Option<Vec<String>> {
    Some(vec![match name {
        "architecture" => image.architecture.clone(),
        "creation-date" => instant(image.created_at),
        "image-id" => image.id.clone(),
        "is-public" => "true".to_owned(),
        "name" => image.name.clone(),
        "owner-alias" => "amazon".to_owned(),
        "owner-id" => OWNER.to_owned(),
        "root-device-type" => "ebs".to_owned(),
        "state" => state(image).to_owned(),
        _ => return None,
    }])
}

fn shown(image: &Image) -> Value {
    let snapshot = image.id.strip_prefix("ami-").unwrap_or_default();
    let mut out = json!({
        "ImageId": image.id,
        "ImageLocation": format!("amazon/{}", image.name),
        "State": state(image),
        "OwnerId": OWNER,
        "CreationDate": instant(image.created_at),
        "Public": true,
        "Architecture": image.architecture,
        "ImageType": "machine",
        "Name": image.name,
        "RootDeviceType": "ebs",
        "RootDeviceName": template_data::ROOT,
        "BlockDeviceMappings": [{
            "DeviceName": template_data::ROOT,
            "Ebs": {
                "DeleteOnTermination": true,
                "SnapshotId": format!("snap-{snapshot}"),
                "VolumeSize": template_data::ROOT_GIB,
                "VolumeType": "gp3",
                "Encrypted": false,
            },
        }],
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": true,
        "ImageOwnerAlias": "amazon",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "ImdsSupport": "v2.0",
    });
    put_some(&mut out, "DeprecationTime", image.deprecated_at.map(|at: Timestamp| instant(at)));
    out
}
