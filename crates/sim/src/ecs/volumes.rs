//! Volumes that a service configures at launch (managed EBS): checked, stored, returned; no volume is made. Neighbours:
//! `revised` calls it. Source: ServiceVolumeConfiguration and ServiceManagedEBSVolumeConfiguration in the API reference; the
//! exception type is InvalidParameterException (a guess).

use serde_json::Value;

use super::names;
use crate::wire::{fault::Fault, value::Read};

pub(crate) fn check(given: &[Value], definition: &Value) -> Result<(), Fault> {
    if given.len() > 1 {
        return Err(Fault::invalid("A task can have at most one volume that is configured at launch."));
    }
    let at_launch = |v: &&Value| v.flag("configuredAtLaunch") == Some(true);
    let mut wanted = definition.list("volumes").iter().filter(at_launch);
    for volume in given {
        let name = volume.text("name").unwrap_or_default();
        if !definition.list("volumes").iter().any(|v| v.text("name") == Some(name) && at_launch(&v)) {
            return Err(Fault::invalid(format!(
                "The task definition has no volume '{name}' that is configured at launch."
            )));
        }
        let Some(ebs) = volume.at("managedEBSVolume") else {
            return Err(Fault::invalid(format!("The volume '{name}' has no managedEBSVolume.")));
        };
        managed(ebs)?;
    }
    match wanted.find(|w| !given.iter().any(|g| g.text("name") == w.text("name"))) {
        Some(volume) => Err(Fault::invalid(format!(
            "The volume '{}' is configured at launch, but volumeConfigurations does not configure it.",
            volume.text("name").unwrap_or_default()
        ))),
        None => Ok(()),
    }
}

fn managed(ebs: &Value) -> Result<(), Fault> {
    let role = ebs.text("roleArn").unwrap_or_default();
    if !names::iam_arn(role, "role") {
        return Err(Fault::invalid(format!("The role '{role}' of a managed EBS volume is not valid.")));
    }
    // gp3 stands for no type at all; gp2, its elder, allows the same sizes.
    let kind = ebs.text("volumeType").unwrap_or("gp3");
    let (smallest, largest) = match kind {
        "gp2" | "gp3" => (1, 16_384),
        "io1" | "io2" => (4, 16_384),
        "st1" | "sc1" => (125, 16_384),
        "standard" => (1, 1_024),
        other => return Err(Fault::invalid(format!("'{other}' is not a volume type."))),
    };
    match ebs.number("sizeInGiB") {
        None if !ebs.has("snapshotId") => {
            return Err(Fault::invalid("A managed EBS volume needs sizeInGiB or snapshotId."));
        }
        Some(size) if !(smallest..=largest).contains(&size) => {
            return Err(Fault::invalid(format!("sizeInGiB of {kind} must be from {smallest} to {largest}.")));
        }
        _ => {}
    }
    if ebs.has("volumeInitializationRate") && !ebs.has("snapshotId") {
        return Err(Fault::invalid("volumeInitializationRate needs a snapshotId."));
    }
    speed(kind, ebs.number("iops"), ebs.number("throughput"))
}

fn speed(kind: &str, iops: Option<i64>, throughput: Option<i64>) -> Result<(), Fault> {
    let range = match kind {
        "gp3" => Some((3_000, 16_000)),
        "io1" => Some((100, 64_000)),
        "io2" => Some((100, 256_000)),
        _ => None,
    };
    match (range, iops) {
        (None, Some(_)) if kind != "gp2" => return Err(Fault::invalid(format!("iops is not supported for {kind}."))),
        (Some((low, high)), Some(iops)) if !(low..=high).contains(&iops) => {
            return Err(Fault::invalid(format!("iops of {kind} must be from {low} to {high}.")));
        }
        (Some(_), None) if kind != "gp3" => return Err(Fault::invalid(format!("iops is required for {kind}."))),
        _ => {}
    }
    if throughput.is_some_and(|t| kind != "gp3" || t > 1_000) {
        return Err(Fault::invalid("throughput is for gp3 only, and at most 1000."));
    }
    Ok(())
}
