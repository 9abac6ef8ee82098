//! Auto Scaling groups as plain values, and what others may do to them: find, size, protect, end, tag.
//! Neighbours: `scaling` keeps desired and members equal, `create` and `update` answer requests. ECS calls only what is here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{activity::Activity, refresh::Refresh, scaling};
use crate::{ec2::instance::Market, engine::Event, state::State, wire::fault::Fault, world::World};

/// Where a member stands. Standby, warm pools and hooks at launch are not modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    Pending,
    InService,
    Terminating,
    /// A lifecycle hook holds it: managed draining.
    TerminatingWait,
    TerminatingProceed,
}

impl Lifecycle {
    /// As `LifecycleState` shows it.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Terminating => "Terminating",
            Self::TerminatingWait => "Terminating:Wait",
            Self::TerminatingProceed => "Terminating:Proceed",
        }
    }

    /// Counts towards the desired capacity.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Pending | Self::InService)
    }
}

/// An instance of a group.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) protected: bool,
    pub(crate) healthy: bool,
    /// Id, name and version of the launch template it was launched from.
    pub(crate) template: (String, String, i64),
    pub(crate) instance_type: String,
    pub(crate) zone: String,
    pub(crate) market: Market,
    pub(crate) joined_at: Timestamp,
    pub(crate) serial: u64,
    /// The activity that launches or terminates it.
    pub(crate) activity: String,
}

/// A tag of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupTag {
    pub(crate) value: String,
    pub(crate) propagate: bool,
}

/// An Auto Scaling group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) desired: i64,
    /// The subnets of VPCZoneIdentifier, in the order given.
    pub(crate) subnets: Vec<String>,
    /// `LaunchTemplate`, id and name both filled in.
    pub(crate) template: Option<Value>,
    /// `MixedInstancesPolicy`, with defaults.
    pub(crate) mixed: Option<Value>,
    pub(crate) new_instances_protected: bool,
    pub(crate) tags: BTreeMap<String, GroupTag>,
    pub(crate) members: BTreeMap<String, Member>,
    /// Members that are stored and returned as they are: cooldown, health check, policies, placement group and so on.
    pub(crate) document: Value,
    pub(crate) created_at: Timestamp,
    /// When and why its size last changed, until members follow.
    pub(crate) cause: Option<(Timestamp, String)>,
    /// It is being deleted with ForceDelete.
    pub(crate) deleting: bool,
    /// No launch is tried before this moment: the last one failed.
    pub(crate) not_before: Option<Timestamp>,
    /// Launches in a row that failed.
    pub(crate) failures: u32,
    /// The desired capacity for which the group has said that it cannot scale in.
    pub(crate) stuck_at: Option<i64>,
    /// Newest last.
    pub(crate) activities: Vec<Activity>,
    /// Newest last; all but the last are over.
    pub(crate) refreshes: Vec<Refresh>,
}

impl Group {
    /// The members that count towards the desired capacity.
    pub(crate) fn staying(&self) -> impl Iterator<Item = (&String, &Member)> {
        self.members.iter().filter(|(_, m)| m.lifecycle.stays())
    }
}

/// Whether a member is protected from scale-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    Protected,
    Unprotected,
}

/// A group by its name or ARN.
pub(crate) fn find<'s>(state: &'s State, named: &str) -> Option<&'s Group> {
    if named.starts_with("arn:") {
        return state.groups.values().find(|g| g.arn == named);
    }
    state.groups.get(named)
}

/// A group by its name, which must exist.
pub(crate) fn by_name<'w>(world: &'w mut World, name: &str) -> Result<&'w mut Group, Fault> {
    world.state.groups.get_mut(name).ok_or_else(|| missing(name))
}

fn missing(named: &str) -> Fault {
    super::invalid(format!("AutoScalingGroup name not found - AutoScalingGroup '{named}' not found"))
}

fn found<'w>(world: &'w mut World, named: &str) -> Result<&'w mut Group, Fault> {
    let name = find(&world.state, named).map(|g| g.name.clone());
    name.and_then(|n| world.state.groups.get_mut(&n)).ok_or_else(|| missing(named))
}

/// SetDesiredCapacity: refused outside of the group's minimum and maximum. `cause` is told in activities, such as
/// `a user request explicitly set group desired capacity`.
pub(crate) fn set_desired(world: &mut World, named: &str, desired: i64, cause: &str) -> Result<(), Fault> {
    let now = world.now;
    let group = found(world, named)?;
    if desired > group.max {
        let max = group.max;
        return Err(super::invalid(format!(
            "New SetDesiredCapacity value {desired} is above max value {max} for the AutoScalingGroup."
        )));
    }
    if desired < group.min {
        let min = group.min;
        return Err(super::invalid(format!(
            "New SetDesiredCapacity value {desired} is below min value {min} for the AutoScalingGroup."
        )));
    }
    let before = group.desired;
    group.desired = desired;
    group.cause = Some((now, format!("{cause} changing the desired capacity from {before} to {desired}")));
    group.not_before = None;
    let name = group.name.clone();
    wake(world, &name);
    Ok(())
}

/// SetInstanceProtection: every instance must be a member in service.
pub(crate) fn set_protection(world: &mut World, named: &str, ids: &[String], to: Protection) -> Result<(), Fault> {
    let group = found(world, named)?;
    for id in ids {
        match group.members.get(id).map(|m| m.lifecycle) {
            None => {
                let name = &group.name;
                return Err(super::invalid(format!("The instance {id} is not part of Auto Scaling group {name}.")));
            }
            Some(Lifecycle::InService) => {}
            Some(_) => {
                return Err(super::invalid(format!(
                    "The instance {id} is not in InService or EnteringStandby or Standby."
                )));
            }
        }
    }
    for id in ids {
        if let Some(member) = group.members.get_mut(id) {
            member.protected = to == Protection::Protected;
        }
    }
    let name = group.name.clone();
    wake(world, &name);
    Ok(())
}

/// Whether the group replaces an instance that is terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replacement {
    Replace,
    /// The desired capacity shrinks by one.
    Shrink,
}

/// TerminateInstanceInAutoScalingGroup, also for protected members. Returns the id of the activity.
pub(crate) fn terminate(world: &mut World, id: &str, replacement: Replacement) -> Result<String, Fault> {
    let missing = || super::invalid(format!("Instance Id not found - No managed instance found for instance ID: {id}"));
    let name = world.state.machines.get(id).and_then(|m| m.group.clone()).ok_or_else(missing)?;
    let group = world.state.groups.get_mut(&name).ok_or_else(missing)?;
    if group.members.get(id).is_none_or(|m| !m.lifecycle.stays()) {
        return Err(missing());
    }
    if replacement == Replacement::Shrink {
        if group.desired <= group.min {
            let min = group.min;
            return Err(super::invalid(format!(
                "Currently, desiredSize equals minSize ({min}). Terminating instance without replacement will violate \
                 group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's \
                 min size."
            )));
        }
        group.desired -= 1;
    }
    let cause = "instance was taken out of service in response to a user request".to_owned();
    let activity = scaling::end_member(world, &name, id, &cause);
    wake(world, &name);
    Ok(activity)
}

/// Adds or replaces a tag of a group.
pub(crate) fn tag(world: &mut World, named: &str, key: &str, tag: GroupTag) -> Result<(), Fault> {
    found(world, named)?.tags.insert(key.to_owned(), tag);
    Ok(())
}

/// The lifecycle action that holds an instance in Terminating:Wait is complete: it is terminated.
#[allow(dead_code, reason = "ECS's managed draining calls it")]
pub(crate) fn complete_lifecycle(world: &mut World, id: &str) {
    scaling::proceed(world, id);
}

/// The group looks at its members at once.
pub(crate) fn wake(world: &mut World, name: &str) {
    world.queue.push_once(world.now, Event::Group(name.to_owned()));
}
