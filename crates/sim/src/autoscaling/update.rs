//! UpdateAutoScalingGroup: what is left out stays. Neighbours: `policy` checks, `scaling` follows. Members that run keep the
//! template and the protection they were launched with.

use serde_json::{Value, json};

use super::{
    group::{self, Group},
    invalid, policy,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::{Read, put},
    },
    world::World,
};

pub(crate) fn update(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    let before = group::by_name(world, name)?.clone();
    if before.deleting {
        return Err(Fault::new("ScalingActivityInProgress", "The Auto Scaling group is being deleted."));
    }
    policy::members(input)?;
    let mut group = before.clone();
    resized(world, &mut group, input)?;
    if let Some(subnets) = policy::subnets(world, input)? {
        group.subnets = subnets;
    }
    retemplated(world, &mut group, input)?;
    if let Some(protected) = input.flag("NewInstancesProtectedFromScaleIn") {
        group.new_instances_protected = protected;
    }
    for key in policy::STORED {
        if let Some(value) = input.at(key) {
            put(&mut group.document, key, value.clone());
        }
    }
    // -1 takes the default warmup away; an empty name takes the placement group away.
    if group.document.number("DefaultInstanceWarmup") == Some(-1) {
        put(&mut group.document, "DefaultInstanceWarmup", Value::Null);
    }
    if group.document.text("PlacementGroup") == Some("") {
        put(&mut group.document, "PlacementGroup", Value::Null);
    }
    group.not_before = None;
    world.state.groups.insert(name.to_owned(), group);
    group::wake(world, name);
    Ok(json!({}))
}

/// "If a new value for MinSize is larger than the current size of the group and DesiredCapacity is not given, the group's
/// desired capacity becomes the new MinSize", and the other way round for MaxSize.
fn resized(world: &World, group: &mut Group, input: &Value) -> Result<(), Fault> {
    group.min = input.number("MinSize").unwrap_or(group.min);
    group.max = input.number("MaxSize").unwrap_or(group.max);
    if group.max < group.min {
        policy::sizes(group.min, group.max, group.min)?;
    }
    let desired = input.number("DesiredCapacity").unwrap_or_else(|| group.desired.clamp(group.min, group.max));
    policy::sizes(group.min, group.max, desired)?;
    if desired != group.desired {
        let cause = format!(
            "a user request update of AutoScalingGroup constraints to min: {}, max: {}, desired: {desired} changing the \
             desired capacity from {} to {desired}",
            group.min, group.max, group.desired
        );
        group.cause = Some((world.now, cause));
    }
    group.desired = desired;
    Ok(())
}

fn retemplated(world: &World, group: &mut Group, input: &Value) -> Result<(), Fault> {
    let given = (input.at("LaunchTemplate"), input.at("MixedInstancesPolicy"));
    if given != (None, None) && group.refresh().is_some_and(|r| r.desired.is_some()) {
        return Err(invalid(
            "An active instance refresh with a desired configuration exists. All configuration options derived from the \
             desired configuration are not available for update while the instance refresh is active.",
        ));
    }
    match given {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            return Err(invalid("LaunchTemplate and MixedInstancesPolicy cannot be given together."));
        }
        (Some(given), None) => {
            group.template = Some(policy::specification(world, given)?);
            group.mixed = None;
        }
        (None, Some(given)) => {
            group.mixed = Some(policy::mixed(world, given, group.mixed.as_ref())?);
            group.template = None;
        }
    }
    policy::launchable(world, group)
}
