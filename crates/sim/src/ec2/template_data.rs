//! Launch template data: what is checked when a template is made, how versions inherit, and what keeps it from launching.
//! Neighbours: `templates` stores it, `autoscaling::launch` launches from it. "Launch template parameters are not fully
//! validated when you create the launch template": most mistakes show at launch.

use serde_json::{Value, json};

use crate::{
    catalog::Type,
    wire::{
        base64,
        fault::Fault,
        value::{Read, put},
    },
};

/// The root volume of the ECS-optimized images, in GiB.
pub(crate) const ROOT_GIB: i64 = 30;
pub(crate) const ROOT: &str = "/dev/xvda";
const USER_DATA: usize = 16_384;

/// What AWS checks at once.
pub(crate) fn check(data: &Value) -> Result<(), Fault> {
    if data.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(Fault::new("MissingParameter", "The request must contain the parameter LaunchTemplateData."));
    }
    if let Some(text) = data.text("UserData") {
        let malformed = || Fault::new("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
        if base64::decode(text).ok_or_else(malformed)?.len() > USER_DATA {
            let message = format!("User data is limited to {USER_DATA} bytes");
            return Err(Fault::new("InvalidParameterValue", message));
        }
    }
    let hops = data.at("MetadataOptions").and_then(|m| m.number("HttpPutResponseHopLimit"));
    if hops.is_some_and(|h| !(1..=64).contains(&h)) {
        return Err(Fault::new("InvalidParameterValue", "HttpPutResponseHopLimit must be between 1 and 64."));
    }
    Ok(())
}

/// "The new version inherits the launch parameters from the source version. If you specify additional launch parameters, they
/// overwrite any corresponding launch parameters inherited": top-level parameters as a whole.
pub(crate) fn inherit(source: &Value, given: &Value) -> Value {
    let mut data = source.clone();
    for (key, value) in given.as_object().into_iter().flatten() {
        put(&mut data, key, value.clone());
    }
    data
}

/// What RunInstances would say of the data for a type, if anything.
pub(crate) fn problem(data: &Value, kind: &Type) -> Option<String> {
    let interfaces = data.list("NetworkInterfaces");
    if !interfaces.is_empty() && !data.list("SecurityGroupIds").is_empty() {
        let text = "Network interfaces and an instance-level security groups may not be specified on the same request";
        return Some(text.to_owned());
    }
    let profile = data.at("IamInstanceProfile");
    if profile.is_some_and(|p| p.has("Arn") && p.has("Name")) {
        return Some("Cannot specify both the ARN and the name of an instance profile.".to_owned());
    }
    for mapping in data.list("BlockDeviceMappings").iter().filter(|m| m.text("DeviceName") == Some(ROOT)) {
        let size = mapping.at("Ebs").and_then(|e| e.number("VolumeSize"));
        if let Some(size) = size.filter(|s| *s < ROOT_GIB) {
            return Some(format!(
                "Volume of size {size}GB is smaller than the snapshot of the image, expect size >= {ROOT_GIB}GB"
            ));
        }
    }
    cards(interfaces, kind)
}

fn is_efa(interface: &Value) -> bool {
    matches!(interface.text("InterfaceType"), Some("efa" | "efa-only"))
}

/// "One EFA for each network card"; the primary interface cannot be EFA only.
fn cards(interfaces: &[Value], kind: &Type) -> Option<String> {
    let mut places = Vec::new();
    for interface in interfaces {
        let card = interface.number("NetworkCardIndex").unwrap_or(0);
        let device = interface.number("DeviceIndex").unwrap_or(0);
        if card >= kind.network_cards {
            return Some(format!("Network card index {card} is not valid for the instance type {}.", kind.name));
        }
        if is_efa(interface) && kind.efa == 0 {
            return Some(format!("EFA interfaces are not supported on {}.", kind.name));
        }
        if interface.text("InterfaceType") == Some("efa-only") && (card, device) == (0, 0) {
            return Some("The primary network interface cannot be of the type efa-only.".to_owned());
        }
        if places.contains(&(card, device)) {
            return Some(format!("Each network interface requires a device index of its own on network card {card}."));
        }
        places.push((card, device));
    }
    let efa = i64::try_from(interfaces.iter().filter(|i| is_efa(i)).count()).unwrap_or(i64::MAX);
    (efa > kind.efa).then(|| format!("The instance type {} supports at most {} EFA interfaces.", kind.name, kind.efa))
}

/// The data as responses show it.
pub(crate) fn shown(data: &Value) -> Value {
    let mut out = data.clone();
    if let Some(options) = data.at("MetadataOptions") {
        let mut options = options.clone();
        put(&mut options, "State", "pending");
        put(&mut out, "MetadataOptions", options);
    }
    if data.is_null() { json!({}) } else { out }
}
