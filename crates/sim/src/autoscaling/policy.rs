//! What a group may be: sizes, zones, termination policies, launch templates, mixed instances policies and their defaults.
//! Neighbours: `create` and `update` check with it. Sources: the API reference and the service model's documentation.

use serde_json::{Value, json};

use super::{
    group::{Group, GroupTag},
    invalid, launch,
};
use crate::{
    catalog,
    ec2::{subnet, template},
    quirks::GroupTemplate,
    wire::{
        fault::Fault,
        value::{Read, fill, put},
    },
    world::World,
};

/// Members that are stored and returned as they were sent.
pub(crate) const STORED: [&str; 13] = [
    "DefaultCooldown",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "PlacementGroup",
    "TerminationPolicies",
    "ServiceLinkedRoleARN",
    "MaxInstanceLifetime",
    "CapacityRebalance",
    "Context",
    "DefaultInstanceWarmup",
    "InstanceMaintenancePolicy",
    "AvailabilityZoneDistribution",
    "DeletionProtection",
];
const TERMINATION: [&str; 7] = [
    "Default",
    "OldestInstance",
    "NewestInstance",
    "OldestLaunchConfiguration",
    "OldestLaunchTemplate",
    "ClosestToNextInstanceHour",
    "AllocationStrategy",
];
const SPOT_STRATEGIES: [&str; 4] =
    ["lowest-price", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"];
const DAY: i64 = 86_400;

/// Sizes that fit each other.
pub(crate) fn sizes(min: i64, max: i64, desired: i64) -> Result<(), Fault> {
    if min < 0 || max < 0 {
        return Err(invalid("MinSize and MaxSize must not be negative."));
    }
    if max < min {
        return Err(invalid(format!("Max bound, {max}, must be greater than or equal to min bound, {min}")));
    }
    if !(min..=max).contains(&desired) {
        return Err(invalid(format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        )));
    }
    Ok(())
}

/// The subnets of VPCZoneIdentifier. A group of zones alone needs a default VPC, which the account does not have.
pub(crate) fn subnets(world: &World, input: &Value) -> Result<Option<Vec<String>>, Fault> {
    let zones = input.strings("AvailabilityZones");
    let Some(text) = input.text("VPCZoneIdentifier").filter(|t| !t.trim().is_empty()) else {
        return if zones.is_empty() { Ok(None) } else { Err(Fault::not_modelled("AvailabilityZones without subnets")) };
    };
    let found: Vec<String> = text.split(',').map(|s| s.trim().to_owned()).collect();
    for id in &found {
        if !subnet::exists(world, id) {
            return Err(invalid(format!("The subnet ID '{id}' does not exist")));
        }
    }
    let theirs: Vec<String> = found.iter().map(|s| world.zone_of(s)).collect();
    if !zones.is_empty() && (zones.iter().any(|z| !theirs.contains(z)) || theirs.iter().any(|z| !zones.contains(z))) {
        return Err(invalid(
            "The availability zones of the specified subnets and the Auto Scaling group do not match.",
        ));
    }
    Ok(Some(found))
}

/// Members whose values have rules of their own.
pub(crate) fn members(input: &Value) -> Result<(), Fault> {
    for policy in input.strings("TerminationPolicies") {
        if policy.starts_with("arn:") {
            return Err(Fault::not_modelled("termination policies that are Lambda functions"));
        }
        if !TERMINATION.contains(&policy.as_str()) {
            return Err(invalid(format!("The termination policy {policy} is not valid.")));
        }
    }
    let lifetime = input.number("MaxInstanceLifetime").unwrap_or(0);
    if lifetime != 0 && !(DAY..=365 * DAY).contains(&lifetime) {
        return Err(invalid("MaxInstanceLifetime must be 0 or between 86400 and 31536000 seconds."));
    }
    if let Some(kinds) = input.text("HealthCheckType") {
        if kinds.split(',').any(|k| !["EC2", "EBS", "ELB", "VPC_LATTICE"].contains(&k)) {
            return Err(invalid(format!("The health check type {kinds} is not valid.")));
        }
        if kinds.split(',').any(|k| k != "EC2") {
            return Err(Fault::not_modelled("health checks other than EC2"));
        }
    }
    for key in ["DefaultCooldown", "HealthCheckGracePeriod"] {
        if input.number(key).is_some_and(|n| n < 0) {
            return Err(invalid(format!("{key} must not be negative.")));
        }
    }
    if input.number("DefaultInstanceWarmup").is_some_and(|n| n < -1) {
        return Err(invalid("DefaultInstanceWarmup must be -1 or more."));
    }
    if input.text("DesiredCapacityType").is_some_and(|t| t != "units") {
        return Err(Fault::not_modelled("DesiredCapacityType other than units"));
    }
    Ok(())
}

/// A LaunchTemplateSpecification with id and name both filled in, as groups show it. Without a version it is the default one.
pub(crate) fn specification(world: &World, given: &Value) -> Result<Value, Fault> {
    if given.has("LaunchTemplateId") == given.has("LaunchTemplateName") {
        return Err(invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName"));
    }
    let unusable = |f: Fault| invalid(format!("You must use a valid fully-formed launch template. {}", f.message));
    let (found, _) = template::resolve(world, given).map_err(unusable)?;
    Ok(json!({
        "LaunchTemplateId": found.id,
        "LaunchTemplateName": found.name,
        "Version": given.text("Version").unwrap_or("$Default"),
    }))
}

/// A mixed instances policy with its defaults, on top of the one the group has.
pub(crate) fn mixed(world: &World, given: &Value, before: Option<&Value>) -> Result<Value, Fault> {
    let mut policy = before.cloned().unwrap_or_else(|| json!({}));
    if let Some(launch) = given.at("LaunchTemplate") {
        put(&mut policy, "LaunchTemplate", template_and_overrides(world, launch)?);
    }
    if !policy.has("LaunchTemplate") {
        return Err(invalid("The mixed instances policy must contain a launch template."));
    }
    let mut distribution = policy.at("InstancesDistribution").cloned().unwrap_or_else(|| json!({}));
    for (key, value) in given.at("InstancesDistribution").and_then(Value::as_object).into_iter().flatten() {
        put(&mut distribution, key, value.clone());
    }
    check_distribution(&distribution)?;
    fill(&mut distribution, "OnDemandAllocationStrategy", "prioritized");
    fill(&mut distribution, "OnDemandBaseCapacity", 0);
    fill(&mut distribution, "OnDemandPercentageAboveBaseCapacity", 100);
    fill(&mut distribution, "SpotAllocationStrategy", "lowest-price");
    if distribution.text("SpotAllocationStrategy") == Some("lowest-price") {
        fill(&mut distribution, "SpotInstancePools", 2);
    }
    put(&mut policy, "InstancesDistribution", distribution);
    Ok(policy)
}

fn template_and_overrides(world: &World, given: &Value) -> Result<Value, Fault> {
    let base = specification(world, given.at("LaunchTemplateSpecification").unwrap_or(&Value::Null))?;
    let mut overrides = Vec::new();
    for item in given.list("Overrides") {
        let mut item = item.clone();
        if item.text("InstanceType").is_some_and(|t| catalog::find(t).is_none()) {
            let named = item.text("InstanceType").unwrap_or_default();
            return Err(invalid(format!("The instance type {named} is not supported.")));
        }
        if let Some(own) = item.at("LaunchTemplateSpecification") {
            let own = specification(world, own)?;
            put(&mut item, "LaunchTemplateSpecification", own);
        }
        overrides.push(item);
    }
    for used in overrides.iter().filter_map(|o| o.at("LaunchTemplateSpecification")).chain([&base]) {
        if template::resolve(world, used)?.1.data.has("InstanceMarketOptions") {
            return Err(invalid(
                "Incompatible launch template: You cannot use a launch template that is set to request Spot Instances \
                 (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed instances policy.",
            ));
        }
    }
    Ok(json!({"LaunchTemplateSpecification": base, "Overrides": overrides}))
}

fn check_distribution(distribution: &Value) -> Result<(), Fault> {
    let strategy = distribution.text("OnDemandAllocationStrategy").unwrap_or("prioritized");
    if !["prioritized", "lowest-price"].contains(&strategy) {
        return Err(invalid(format!("The on-demand allocation strategy {strategy} is not valid.")));
    }
    let strategy = distribution.text("SpotAllocationStrategy").unwrap_or("lowest-price");
    if !SPOT_STRATEGIES.contains(&strategy) {
        return Err(invalid(format!("The Spot allocation strategy {strategy} is not valid.")));
    }
    if distribution.has("SpotInstancePools") && strategy != "lowest-price" {
        return Err(invalid("SpotInstancePools option is only available with the lowest-price allocation strategy."));
    }
    if distribution.number("OnDemandBaseCapacity").is_some_and(|n| n < 0) {
        return Err(invalid("OnDemandBaseCapacity must not be negative."));
    }
    if distribution.number("OnDemandPercentageAboveBaseCapacity").is_some_and(|n| !(0..=100).contains(&n)) {
        return Err(invalid("OnDemandPercentageAboveBaseCapacity must be between 0 and 100."));
    }
    Ok(())
}

/// Whether the group could launch: AWS tries a dry run of RunInstances when a group is created or changes its template.
pub(crate) fn launchable(world: &World, group: &Group) -> Result<(), Fault> {
    match world.options.quirks.group_template {
        GroupTemplate::Checked => launch::check(world, group).map_err(|message| {
            let prefix = "You must use a valid fully-formed launch template. ";
            invalid(if message.starts_with(prefix) { message } else { format!("{prefix}{message}") })
        }),
        GroupTemplate::CheckedAtLaunch => Ok(()),
    }
}

/// The tags of a creating request.
pub(crate) fn tags(input: &Value, name: &str) -> Result<Vec<(String, GroupTag)>, Fault> {
    input.list("Tags").iter().map(|t| super::tags::read(t, Some(name)).map(|(_, key, tag)| (key, tag))).collect()
}
