//! Groups come and go: CreateAutoScalingGroup and DeleteAutoScalingGroup. Neighbours: `policy` checks, `scaling` does what
//! follows.

use serde_json::{Value, json};

use super::{
    group::{self, Group},
    invalid, policy,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::{Read, fill, pick},
    },
    world::World,
};

/// Groups per Region: "Amazon EC2 Auto Scaling quotas".
const GROUPS: usize = 500;

pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default().to_owned();
    if name.contains(':') {
        return Err(invalid("The group name must not contain a colon."));
    }
    if world.state.groups.contains_key(&name) {
        let message =
            format!("AutoScalingGroup by this name already exists - A group with the name {name} already exists");
        return Err(Fault::new("AlreadyExists", message));
    }
    if world.state.groups.len() >= GROUPS {
        return Err(Fault::new("LimitExceeded", "You have reached the limit of Auto Scaling groups."));
    }
    let group = made(world, input, name.clone())?;
    policy::launchable(world, &group)?;
    world.state.groups.insert(name.clone(), group);
    group::wake(world, &name);
    Ok(json!({}))
}

fn made(world: &mut World, input: &Value, name: String) -> Result<Group, Fault> {
    let (min, max) = (input.number("MinSize").unwrap_or(0), input.number("MaxSize").unwrap_or(0));
    let desired = input.number("DesiredCapacity").unwrap_or(min);
    policy::sizes(min, max, desired)?;
    policy::members(input)?;
    let none = || invalid("At least one Availability Zone or VPC Subnet is required.");
    let subnets = policy::subnets(world, input)?.ok_or_else(none)?;
    let (template, mixed) = match (input.at("LaunchTemplate"), input.at("MixedInstancesPolicy")) {
        (Some(given), None) => (Some(policy::specification(world, given)?), None),
        (None, Some(given)) => (None, Some(policy::mixed(world, given, None)?)),
        _ => {
            return Err(invalid(
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or \
                 MixedInstancesPolicy parameter.",
            ));
        }
    };
    let tags = policy::tags(input, &name)?.into_iter().collect();
    let (region, account) = (&world.options.region, &world.options.account);
    let mut document = pick(input, &policy::STORED);
    fill(&mut document, "DefaultCooldown", 300);
    fill(&mut document, "HealthCheckType", "EC2");
    fill(&mut document, "HealthCheckGracePeriod", 0);
    fill(&mut document, "TerminationPolicies", json!(["Default"]));
    fill(
        &mut document,
        "AvailabilityZoneDistribution",
        json!({"CapacityDistributionStrategy": "balanced-best-effort"}),
    );
    let role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    fill(&mut document, "ServiceLinkedRoleARN", format!("arn:aws:iam::{account}:{role}"));
    let arn = format!("arn:aws:autoscaling:{region}:{account}:autoScalingGroup:");
    Ok(Group {
        arn: format!("{arn}{}:autoScalingGroupName/{name}", world.ids.uuid()),
        name,
        min,
        max,
        desired,
        subnets,
        template,
        mixed,
        new_instances_protected: input.flag("NewInstancesProtectedFromScaleIn").unwrap_or(false),
        tags,
        members: std::collections::BTreeMap::new(),
        document,
        created_at: world.now,
        cause: Some((
            world.now,
            format!("a user request created an AutoScalingGroup changing the desired capacity from 0 to {desired}"),
        )),
        deleting: false,
        not_before: None,
        failures: 0,
        stuck_at: None,
        activities: Vec::new(),
        refreshes: Vec::new(),
    })
}

/// Without ForceDelete only an empty group goes, and at once. With it, its instances are terminated first and no lifecycle
/// action is waited for.
pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    let force = input.flag("ForceDelete").unwrap_or(false);
    let group = group::by_name(world, name)?;
    let forbidden = match group.document.text("DeletionProtection") {
        Some("prevent-all-deletion") => true,
        Some("prevent-force-deletion") => force,
        _ => false,
    };
    if forbidden {
        return Err(invalid("The Auto Scaling group is protected from deletion by its DeletionProtection."));
    }
    if !force && group.staying().next().is_some() {
        let message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance \
                       request(s) still in the group.";
        return Err(Fault::new("ResourceInUse", message));
    }
    if !force && !group.members.is_empty() {
        let message = "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that \
                       group.";
        return Err(Fault::new("ScalingActivityInProgress", message));
    }
    if group.members.is_empty() {
        world.state.groups.remove(name);
        return Ok(json!({}));
    }
    group.deleting = true;
    (group.min, group.max, group.desired) = (0, 0, 0);
    group::wake(world, name);
    Ok(json!({}))
}
