//! Requests about the size of a group and single members. Neighbours: `group` has what ECS calls too.

use serde_json::{Value, json};

use super::{
    activity,
    group::{self, Protection, Replacement},
    invalid,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        value::{Read, later},
    },
    world::World,
};

/// HonorCooldown refuses a change within the cooldown after the last activity began.
pub(crate) fn set_desired(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    let now = world.now;
    let group = group::by_name(world, name)?;
    if input.flag("HonorCooldown") == Some(true) {
        let cooldown = group.document.number("DefaultCooldown").unwrap_or(0);
        let last = group.activities.last().map(|a| a.ended_at.unwrap_or(a.started_at));
        if last.is_some_and(|at| later(at, cooldown) > now) {
            let message = "Scaling activity is in progress and blocks this action: the cooldown is not over.";
            return Err(Fault::new("ScalingActivityInProgress", message));
        }
    }
    let desired = input.number("DesiredCapacity").unwrap_or_default();
    group::set_desired(world, name, desired, "a user request explicitly set group desired capacity")?;
    Ok(json!({}))
}

pub(crate) fn set_protection(world: &mut World, input: &Value) -> Answer {
    let ids = input.strings("InstanceIds");
    if ids.is_empty() || ids.len() > 50 {
        return Err(invalid("Between 1 and 50 instance IDs must be given."));
    }
    let to = match input.flag("ProtectedFromScaleIn") {
        Some(true) => Protection::Protected,
        _ => Protection::Unprotected,
    };
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    group::by_name(world, name)?;
    group::set_protection(world, name, &ids, to)?;
    Ok(json!({}))
}

pub(crate) fn terminate(world: &mut World, input: &Value) -> Answer {
    let missing = || invalid("The request must contain the parameter InstanceId.");
    let id = input.text("InstanceId").ok_or_else(missing)?;
    let replacement = match input.flag("ShouldDecrementDesiredCapacity") {
        Some(true) => Replacement::Shrink,
        _ => Replacement::Replace,
    };
    let activity = group::terminate(world, id, replacement)?;
    let groups = world.state.groups.values();
    let mut shown =
        groups.filter_map(|g| g.activities.iter().find(|a| a.id == activity).map(|a| activity::shown(g, a)));
    Ok(json!({"Activity": shown.next()}))
}
