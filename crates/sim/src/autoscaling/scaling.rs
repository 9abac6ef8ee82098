//! The engine of a group: members that are gone are replaced, members follow the desired capacity, surplus members end.
//! Neighbours: `launch` chooses where and what, `scale_in` chooses who goes, `activity` records.
//! AZ rebalancing, cooldowns and warm-up of policies are not modelled.

use jiff::Timestamp;

use super::{
    activity::{self, Start},
    group::{Group, Lifecycle},
    launch, refreshing, scale_in,
};
use crate::{
    ec2::instance::{self, MachineState},
    ecs::machines::{self, Terminating},
    engine::Event,
    wire::{
        value::{Read, later},
        xml::instant,
    },
    world::World,
};

/// Seconds until the EC2 health check of a group notices that an instance is gone. The simulator's own.
const NOTICED: i64 = 45;
/// Seconds until a failed launch is tried again, doubled for each failure in a row up to the second. The simulator's own.
const RETRY: (i64, i64) = (60, 480);
/// "User initiated shutdown" is what EC2 says of an instance that its group terminated.
const BY_GROUP: (&str, &str) =
    ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown");

/// A group looks at its members and does what is due.
pub(crate) fn look(world: &mut World, name: &str) {
    end_dead(world, name);
    end_old(world, name);
    let Some(group) = world.state.groups.get(name) else { return };
    if group.deleting {
        return delete(world, name);
    }
    refreshing::step(world, name);
    let Some(group) = world.state.groups.get(name) else { return };
    let (have, wanted) = (count(group), group.wanted());
    if have < wanted {
        launch_missing(world, name);
    } else if have > wanted {
        scale_in::shrink(world, name);
    } else if let Some(group) = world.state.groups.get_mut(name) {
        group.stuck_at = None;
    }
}

pub(crate) fn count(group: &Group) -> i64 {
    i64::try_from(group.staying().count()).unwrap_or(i64::MAX)
}

/// Members whose instance someone else has taken away are replaced.
fn end_dead(world: &mut World, name: &str) {
    let Some(group) = world.state.groups.get(name) else { return };
    let dead = |id: &str| world.state.machines.get(id).is_none_or(|m| !m.live());
    let lost: Vec<String> = group.staying().filter(|(id, _)| dead(id)).map(|(id, _)| id.clone()).collect();
    for id in lost {
        let cause = "an instance was taken out of service in response to an EC2 health check indicating it has been \
                     terminated or stopped";
        if let Some(member) = world.state.groups.get_mut(name).and_then(|g| g.members.get_mut(&id)) {
            member.healthy = false;
        }
        let activity = begin_end(world, name, &id, cause);
        if let Some(member) = world.state.groups.get_mut(name).and_then(|g| g.members.get_mut(&id)) {
            member.lifecycle = Lifecycle::TerminatingProceed;
            member.activity = activity;
        }
        left(world, &id);
    }
}

/// MaxInstanceLifetime: members in service that are older are replaced, unless they are protected from scale-in.
fn end_old(world: &mut World, name: &str) {
    let Some(group) = world.state.groups.get(name) else { return };
    let lifetime = group.document.number("MaxInstanceLifetime").filter(|n| *n > 0);
    let Some(lifetime) = lifetime else { return };
    let mut due: Vec<(Timestamp, String)> = Vec::new();
    for (id, member) in group.members.iter().filter(|(_, m)| m.lifecycle == Lifecycle::InService && !m.protected) {
        due.push((later(member.joined_at, lifetime), id.clone()));
    }
    due.sort();
    for (at, id) in due {
        if at > world.now {
            world.queue.push_once(at, Event::Group(name.to_owned()));
            break;
        }
        end_member(world, name, &id, "an instance was taken out of service because it exceeded the maximum lifetime");
    }
}

fn launch_missing(world: &mut World, name: &str) {
    let Some(group) = world.state.groups.get(name) else { return };
    if let Some(at) = group.not_before.filter(|at| *at > world.now) {
        world.queue.push_once(at, Event::Group(name.to_owned()));
        return;
    }
    let (have, wanted) = (count(group), group.wanted());
    let cause = format!(
        "{}At {} an instance was started in response to a difference between desired and actual capacity, increasing the \
         capacity from {have} to {wanted}.",
        told(group),
        instant(world.now)
    );
    for _ in have..wanted {
        if let Err(message) = launch::one(world, name, &cause) {
            return failed(world, name, &cause, message);
        }
    }
    if let Some(group) = world.state.groups.get_mut(name) {
        group.not_before = None;
        group.failures = 0;
        group.cause = None;
    }
}

/// Why the group's size changed, as the beginning of a cause. What nobody asked for, a replacement, has none.
pub(super) fn told(group: &Group) -> String {
    let told = group.cause.as_ref().map(|(at, cause)| format!("At {} {cause}.  ", instant(*at)));
    told.unwrap_or_default()
}

fn failed(world: &mut World, name: &str, cause: &str, message: String) {
    let description = format!("Launching a new EC2 instance.  Status Reason: {message}");
    let start = Start { description, cause: cause.to_owned(), place: None };
    activity::fail(world, name, start, message);
    let now = world.now;
    let Some(group) = world.state.groups.get_mut(name) else { return };
    let wait = RETRY.0.checked_shl(group.failures).unwrap_or(RETRY.1).clamp(RETRY.0, RETRY.1);
    group.failures = group.failures.saturating_add(1).min(16);
    let at = later(now, wait);
    group.not_before = Some(at);
    world.queue.push_once(at, Event::Group(name.to_owned()));
}

fn begin_end(world: &mut World, name: &str, id: &str, cause: &str) -> String {
    let machine = world.state.machines.get(id);
    let start = Start {
        description: format!("Terminating EC2 instance: {id}"),
        cause: if cause.starts_with("At ") { cause.to_owned() } else { format!("At {} {cause}.", instant(world.now)) },
        place: machine.map(|m| (m.subnet.clone(), m.zone.clone())),
    };
    activity::begin(world, name, start)
}

/// Takes a member out of its group: drained first where ECS asks for that, then terminated. Returns the activity's id.
pub(crate) fn end_member(world: &mut World, name: &str, id: &str, cause: &str) -> String {
    let activity = begin_end(world, name, id, cause);
    if let Some(member) = world.state.groups.get_mut(name).and_then(|g| g.members.get_mut(id)) {
        member.lifecycle = Lifecycle::Terminating;
        member.activity.clone_from(&activity);
    }
    match machines::machine_terminating(world, id) {
        Terminating::Now => proceed(world, id),
        Terminating::Wait => {
            let Some(group) = world.state.groups.get_mut(name) else { return activity };
            if let Some(member) = group.members.get_mut(id).filter(|m| m.lifecycle == Lifecycle::Terminating) {
                member.lifecycle = Lifecycle::TerminatingWait;
                activity::say(group, &activity, "MidLifecycleAction");
            }
        }
    }
    activity
}

/// A member on its way out is terminated now.
pub(crate) fn proceed(world: &mut World, id: &str) {
    let Some(name) = world.state.machines.get(id).and_then(|m| m.group.clone()) else { return };
    let Some(group) = world.state.groups.get_mut(&name) else { return };
    let Some(member) = group.members.get_mut(id) else { return };
    if !matches!(member.lifecycle, Lifecycle::Terminating | Lifecycle::TerminatingWait) {
        return;
    }
    member.lifecycle = Lifecycle::TerminatingProceed;
    let activity = member.activity.clone();
    activity::say(group, &activity, "InProgress");
    instance::terminate(world, id, BY_GROUP);
    left(world, id);
}

/// An instance of a group shuts down or is gone.
pub(crate) fn ends(world: &mut World, id: &str) {
    let Some(name) = world.state.machines.get(id).and_then(|m| m.group.clone()) else { return };
    let Some(member) = world.state.groups.get(&name).and_then(|g| g.members.get(id)) else { return };
    match member.lifecycle {
        Lifecycle::Pending | Lifecycle::InService => world.after(NOTICED, Event::Group(name)),
        Lifecycle::Terminating | Lifecycle::TerminatingWait => proceed(world, id),
        Lifecycle::TerminatingProceed => left(world, id),
    }
}

/// A member whose instance is terminated leaves the group.
fn left(world: &mut World, id: &str) {
    let now = world.now;
    let Some(machine) = world.state.machines.get(id).filter(|m| m.state == MachineState::Terminated) else { return };
    let Some(name) = machine.group.clone() else { return };
    let Some(group) = world.state.groups.get_mut(&name) else { return };
    if let Some(member) = group.members.remove(id) {
        activity::end(group, &member.activity, now, "Successful", None);
        super::group::wake(world, &name);
    }
}

/// An instance is running: its member is in service.
pub(crate) fn runs(world: &mut World, id: &str) {
    let now = world.now;
    let Some(name) = world.state.machines.get(id).and_then(|m| m.group.clone()) else { return };
    let Some(group) = world.state.groups.get_mut(&name) else { return };
    let Some(member) = group.members.get_mut(id).filter(|m| m.lifecycle == Lifecycle::Pending) else { return };
    member.lifecycle = Lifecycle::InService;
    member.joined_at = now;
    let activity = member.activity.clone();
    activity::end(group, &activity, now, "Successful", None);
    super::group::wake(world, &name);
}

/// ForceDelete: every member goes without waiting for lifecycle actions, and the group with the last one.
fn delete(world: &mut World, name: &str) {
    let Some(group) = world.state.groups.get(name) else { return };
    if group.members.is_empty() {
        world.state.groups.remove(name);
        return;
    }
    let ending: Vec<String> = group.members.keys().cloned().collect();
    for id in ending {
        let staying = world.state.groups.get(name).and_then(|g| g.members.get(&id)).map(|m| m.lifecycle.stays());
        if staying == Some(true) {
            let activity = begin_end(world, name, &id, "a user request deleted the AutoScalingGroup");
            if let Some(member) = world.state.groups.get_mut(name).and_then(|g| g.members.get_mut(&id)) {
                member.lifecycle = Lifecycle::Terminating;
                member.activity = activity;
            }
        }
        proceed(world, &id);
    }
}
