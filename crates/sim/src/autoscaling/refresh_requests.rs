//! StartInstanceRefresh, CancelInstanceRefresh, RollbackInstanceRefresh and DescribeInstanceRefreshes. Neighbours: `refresh`
//! holds the values, `refreshing` does the work. Texts of errors are guesses but for that of UpdateAutoScalingGroup.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    cut,
    group::{self, Group},
    invalid, launch, policy,
    refresh::{Refresh, Status},
    refreshing,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, fill, put_some},
        xml::instant,
    },
    world::World,
};

/// How many refreshes a group keeps. AWS keeps them for six weeks.
const KEPT: usize = 100;

pub(crate) fn start(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default().to_owned();
    let group = group::by_name(world, &name)?.clone();
    if group.deleting {
        return Err(invalid("The Auto Scaling group is being deleted."));
    }
    if group.refresh().is_some() {
        let message = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.";
        return Err(Fault::new("InstanceRefreshInProgress", message));
    }
    if input.text("Strategy") == Some("ReplaceRootVolume") {
        return Err(Fault::not_modelled("the strategy ReplaceRootVolume"));
    }
    let preferences = preferences(input.at("Preferences").cloned().unwrap_or_else(|| json!({})), &group)?;
    let desired = input.at("DesiredConfiguration").map(|given| configuration(world, &group, given)).transpose()?;
    if preferences.flag("AutoRollback") == Some(true) {
        irreversible(world, &group, desired.as_ref()).map_or(Ok(()), |why| Err(invalid(why)))?;
    }
    let id = world.ids.uuid();
    let refresh = Refresh {
        id: id.clone(),
        status: Status::Pending,
        reason: None,
        started_at: world.now,
        ended_at: None,
        preferences,
        desired,
        since: 0,
        total: 0,
        left: BTreeSet::new(),
        leaving: BTreeSet::new(),
        to_update: 0,
        surge: 0,
        moved_at: world.now,
        passed: 0,
        paused_until: None,
        bakes_until: None,
        rollback: None,
    };
    let group = group::by_name(world, &name)?;
    group.refreshes.push(refresh);
    let surplus = group.refreshes.len().saturating_sub(KEPT);
    group.refreshes.drain(..surplus);
    group::wake(world, &name);
    Ok(json!({"InstanceRefreshId": id}))
}

/// The preferences with their defaults: those of the command line, which the console's differ from.
fn preferences(mut given: Value, group: &Group) -> Result<Value, Fault> {
    let (least, most) = (given.number("MinHealthyPercentage"), given.number("MaxHealthyPercentage"));
    if most.is_some() && least.is_none() {
        return Err(invalid("You must specify MinHealthyPercentage if you specify MaxHealthyPercentage."));
    }
    if most.zip(least).is_some_and(|(most, least)| most - least > 100) {
        return Err(invalid("MaxHealthyPercentage and MinHealthyPercentage must not differ by more than 100."));
    }
    let checkpoints: Vec<i64> = given.list("CheckpointPercentages").iter().filter_map(Value::as_i64).collect();
    if !checkpoints.is_sorted_by(|a, b| a < b) {
        return Err(invalid("CheckpointPercentages must be unique and in ascending order."));
    }
    if checkpoints.is_empty() && given.has("CheckpointDelay") {
        return Err(invalid("You must specify CheckpointPercentages if you specify CheckpointDelay."));
    }
    if !checkpoints.is_empty() {
        fill(&mut given, "CheckpointDelay", 3600);
    }
    let maintenance = group.document.at("InstanceMaintenancePolicy").cloned().unwrap_or(Value::Null);
    let kept = |key: &str| maintenance.number(key).filter(|n| *n >= 0);
    let grace = group.document.number("HealthCheckGracePeriod").unwrap_or(0);
    fill(&mut given, "InstanceWarmup", group.document.number("DefaultInstanceWarmup").unwrap_or(grace));
    let most = kept("MaxHealthyPercentage").filter(|_| most.is_none() && least.is_none());
    if let Some(most) = most {
        fill(&mut given, "MaxHealthyPercentage", most);
    }
    fill(&mut given, "MinHealthyPercentage", kept("MinHealthyPercentage").unwrap_or(90));
    for key in ["SkipMatching", "AutoRollback"] {
        fill(&mut given, key, false);
    }
    for key in ["ScaleInProtectedInstances", "StandbyInstances"] {
        fill(&mut given, key, "Wait");
    }
    Ok(given)
}

/// A desired configuration with ids and names filled in, which the group could launch from.
fn configuration(world: &World, group: &Group, given: &Value) -> Result<Value, Fault> {
    let desired = match (given.at("LaunchTemplate"), given.at("MixedInstancesPolicy")) {
        (Some(template), None) => json!({"LaunchTemplate": policy::specification(world, template)?}),
        (None, Some(mixed)) => json!({"MixedInstancesPolicy": policy::mixed(world, mixed, group.mixed.as_ref())?}),
        _ => return Err(invalid("The desired configuration must have either LaunchTemplate or MixedInstancesPolicy.")),
    };
    let mut changed = group.clone();
    changed.configure(&desired);
    policy::launchable(world, &changed)?;
    Ok(desired)
}

/// Why a group could not go back to what it had.
fn irreversible(world: &World, group: &Group, desired: Option<&Value>) -> Option<String> {
    if desired.is_none() {
        return Some("A rollback needs an instance refresh with a desired configuration.".to_owned());
    }
    let moving = |s: &Value| matches!(s.text("Version"), None | Some("$Latest" | "$Default"));
    if launch::specifications(group).iter().any(|s| moving(s)) {
        return Some("The Auto Scaling group uses the launch template's $Latest or $Default version.".to_owned());
    }
    launch::uses_parameter(world, group)
        .then(|| "The launch template uses a Systems Manager parameter instead of an AMI ID.".to_owned())
}

fn none_active(name: &str) -> Fault {
    let message = format!("No in progress or pending Instance Refresh found for Auto Scaling group {name}");
    Fault::new("ActiveInstanceRefreshNotFound", message)
}

pub(crate) fn cancel(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    let waits = input.flag("WaitForTransitioningInstances") != Some(false);
    let now = world.now;
    let group = group::by_name(world, name)?;
    let refresh = group.refresh_mut().ok_or_else(|| none_active(name))?;
    let id = refresh.id.clone();
    refresh.surge = 0;
    refresh.status = Status::Cancelling;
    if !waits {
        refresh.status = Status::Cancelled;
        refresh.ended_at = Some(now);
    }
    group::wake(world, name);
    Ok(json!({"InstanceRefreshId": id}))
}

/// That a rollback which goes on already is none to roll back is a guess.
pub(crate) fn rollback(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    let group = group::by_name(world, name)?.clone();
    let forward = |r: &&Refresh| matches!(r.status, Status::Pending | Status::InProgress | Status::Baking);
    let refresh = group.refresh().filter(forward).ok_or_else(|| none_active(name))?;
    if let Some(why) = irreversible(world, &group, refresh.desired.as_ref()) {
        return Err(Fault::new("IrreversibleInstanceRefresh", why));
    }
    refreshing::roll_back(world, name, "A rollback was started by a user request.");
    group::wake(world, name);
    Ok(json!({"InstanceRefreshId": refresh.id}))
}

/// Newest first. Ids that the group does not have are left out, which is a guess.
pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let name = input.text("AutoScalingGroupName").unwrap_or_default();
    let paging = world.paging();
    let group = group::by_name(world, name)?;
    let wanted = input.strings("InstanceRefreshIds");
    let newest = group.refreshes.iter().rev();
    let ids = newest.map(|r| r.id.clone()).filter(|id| wanted.is_empty() || wanted.contains(id)).collect();
    let page = cut(paging, ids, input, Sizes { usual: 50, most: 100 })?;
    let found = page.items.iter().filter_map(|id| group.refreshes.iter().find(|r| r.id == *id));
    let mut answer = json!({"InstanceRefreshes": array(found.map(|r| shown(name, r)))});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

fn shown(name: &str, refresh: &Refresh) -> Value {
    // A rollback shows how many the refresh had not replaced, and those that are back.
    let to_update = match &refresh.rollback {
        None => refresh.to_update,
        Some(rollback) => rollback.to_update + refresh.total - refresh.to_update,
    };
    let mut out = json!({
        "InstanceRefreshId": refresh.id,
        "AutoScalingGroupName": name,
        "Status": refresh.status.shown(),
        "StartTime": instant(refresh.started_at),
        "PercentageComplete": refresh.percentage(),
        "InstancesToUpdate": to_update,
        "Preferences": refresh.preferences,
        "Strategy": "Rolling",
    });
    put_some(&mut out, "StatusReason", refresh.reason.clone());
    put_some(&mut out, "EndTime", refresh.ended_at.map(instant));
    put_some(&mut out, "DesiredConfiguration", refresh.desired.clone());
    let details = refresh.rollback.as_ref().map(|r| {
        json!({
            "RollbackReason": r.reason,
            "RollbackStartTime": instant(r.started_at),
            "PercentageCompleteOnRollback": r.percentage,
            "InstancesToUpdateOnRollback": r.to_update,
        })
    });
    put_some(&mut out, "RollbackDetails", details);
    out
}
