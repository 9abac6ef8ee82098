//! What a managed instances provider may say, with the creation errors that AWS documents for it ("Amazon ECS Managed
//! Instances errors"). Which of ClientException and InvalidParameterException each raises is not published: a name that is
//! taken raises ClientException (observed), everything else InvalidParameterException (a guess).
//! Neighbours: `provider` calls it, `requirements` says whether any instance type fits.

use serde_json::Value;

use super::{names, requirements};
use crate::{
    wire::{fault::Fault, value::Read},
    world::World,
};

/// AWS's page on these errors gives 45, below the usual 50.
pub(crate) const TAG_LIMIT: usize = 45;

pub(crate) fn name(name: &str) -> Result<(), Fault> {
    if name.trim().is_empty() {
        return Err(Fault::invalid("The capacity provider name cannot be blank."));
    }
    if !names::plain(name) {
        return Err(Fault::invalid("A capacity provider name has up to 255 letters, digits, underscores and hyphens."));
    }
    let lower = name.to_ascii_lowercase();
    if ["aws", "ecs", "fargate"].iter().any(|p| lower.starts_with(p)) {
        return Err(Fault::invalid("A capacity provider name cannot begin with aws, ecs or fargate."));
    }
    Ok(())
}

/// Checks the whole document after it is complete.
pub(crate) fn document(world: &World, document: &Value) -> Result<(), Fault> {
    let role = document.text("infrastructureRoleArn").unwrap_or_default();
    if !names::iam_arn(role, "role") {
        return Err(Fault::invalid(format!("The infrastructure role ARN '{role}' is not valid.")));
    }
    let after = document.at("infrastructureOptimization").and_then(|o| o.number("scaleInAfter"));
    if after.is_some_and(|s| !(-1..=3600).contains(&s)) {
        return Err(Fault::invalid("scaleInAfter must be -1 or from 0 to 3600."));
    }
    let template = document.at("instanceLaunchTemplate").unwrap_or(&Value::Null);
    let profile = template.text("ec2InstanceProfileArn").unwrap_or_default();
    if !names::iam_arn(profile, "instance-profile") {
        return Err(Fault::invalid(format!("The instance profile ARN '{profile}' is not valid.")));
    }
    network(template.at("networkConfiguration").unwrap_or(&Value::Null))?;
    storage(template)?;
    reservations(template)?;
    match template.at("instanceRequirements") {
        Some(wanted) => requirements::check(world, wanted),
        None => Ok(()),
    }
}

fn network(network: &Value) -> Result<(), Fault> {
    let subnets = network.strings("subnets");
    if subnets.is_empty() {
        return Err(Fault::invalid("The network configuration must have at least one subnet."));
    }
    if let Some(bad) = subnets.iter().find(|s| !names::ec2_id(s, "subnet-")) {
        return Err(Fault::invalid(format!("The subnet ID '{bad}' is not valid.")));
    }
    if let Some(bad) = network.strings("securityGroups").iter().find(|s| !names::ec2_id(s, "sg-")) {
        return Err(Fault::invalid(format!("The security group ID '{bad}' is not valid.")));
    }
    Ok(())
}

fn storage(template: &Value) -> Result<(), Fault> {
    let size = template.at("storageConfiguration").and_then(|s| s.number("storageSizeGiB"));
    if size.is_some_and(|s| !(30..=16_384).contains(&s)) {
        return Err(Fault::invalid("storageSizeGiB must be from 30 to 16384."));
    }
    let local = template.at("localStorageConfiguration").and_then(|s| s.flag("useLocalStorage")).unwrap_or(false);
    if local && template.flag("nitroEnclavesEnabled").unwrap_or(false) {
        return Err(Fault::invalid("Nitro Enclaves cannot be enabled together with local storage."));
    }
    Ok(())
}

fn reservations(template: &Value) -> Result<(), Fault> {
    let reserved = template.text("capacityOptionType") == Some("RESERVED");
    let Some(wanted) = template.at("capacityReservations").filter(|_| reserved) else {
        if reserved {
            return Err(Fault::invalid("capacityOptionType RESERVED needs capacityReservations."));
        }
        return refuse_reservations(template);
    };
    let group = wanted.text("reservationGroupArn");
    if let Some(bad) = group.filter(|g| !g.starts_with("arn:") || !g.contains(":resource-groups:")) {
        return Err(Fault::invalid(format!("'{bad}' is not the ARN of a resource group.")));
    }
    Ok(())
}

fn refuse_reservations(template: &Value) -> Result<(), Fault> {
    if template.has("capacityReservations") {
        return Err(Fault::invalid("capacityReservations can be given only with capacityOptionType RESERVED."));
    }
    Ok(())
}
