//! The public parameters of the ECS-optimized Neuron images, and the images published at the start. Neighbours: `read` serves
//! them, `world` holds the values, `ec2::knobs` publishes more. Nothing of the account's own parameters is here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use crate::{ec2::image::Image, wire::value::later};

/// Where the images of each operating system are published.
pub(crate) const AL2023: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";
const AL2: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2/inf";
const AL2_KERNEL_5_10: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2/kernel-5.10/inf";
const AGENT: &str = "1.101.0";
const RUNTIME: &str = "Docker version 25.0.13";
const DAY: i64 = 86_400;

/// Parameters by name, each with its versions, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(pub(super) BTreeMap<String, Vec<(Timestamp, String)>>);

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
