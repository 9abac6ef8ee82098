//! The engine of instance refreshes: members are replaced within the healthy percentages, warm up, are waited for.
//! Neighbours: `scaling` asks at every look at a group and then launches what is missing; `refresh` has the arithmetic.
//! Alarms, Standby and warm pools are not modelled.

use jiff::Timestamp;

use super::{
    group::{Group, Lifecycle, Member},
    launch,
    refresh::{Refresh, Rollback, Status},
    scaling,
};
use crate::{
    engine::Event,
    wire::value::{Read, later},
    world::World,
};

/// Seconds in Pending. The simulator's own; AWS says that the status "should then quickly change to InProgress".
const PENDING: i64 = 5;
/// "Waits for a time period of up to 60 minutes ... before it eventually fails", for protected instances "one hour".
const PATIENCE: i64 = 3600;

/// Does what is due of a refresh.
pub(super) fn step(world: &mut World, name: &str) {
    let now = world.now;
    let Some(refresh) = world.state.groups.get(name).and_then(Group::refresh) else { return };
    match refresh.status {
        Status::Pending if later(refresh.started_at, PENDING) > now => {
            let at = later(refresh.started_at, PENDING);
            again(world, name, at);
        }
        Status::Pending => begin(world, name),
        Status::Cancelling => cancelling(world, name),
        Status::Baking => match refresh.bakes_until.filter(|at| *at > now) {
            Some(at) => again(world, name, at),
            None => over(world, name, Status::Successful, None),
        },
        _ => advance(world, name),
    }
}

fn again(world: &mut World, name: &str, at: Timestamp) {
    world.queue.push_once(at, Event::Group(name.to_owned()));
}

fn begin(world: &mut World, name: &str) {
    let (now, since) = (world.now, world.serial);
    let Some(group) = world.state.groups.get(name) else { return };
    let Some(refresh) = group.refresh() else { return };
    let skips = refresh.preferences.flag("SkipMatching") == Some(true);
    let ignores = refresh.preferences.text("ScaleInProtectedInstances") == Some("Ignore");
    let mut wished = group.clone();
    if let Some(desired) = &refresh.desired {
        wished.configure(desired);
    }
    let spared = |m: &Member| (ignores && m.protected) || (skips && launch::matches(world, &wished, m));
    let left = group.staying().filter(|(_, m)| !spared(m)).map(|(id, _)| id.clone()).collect();
    if let Some(refresh) = world.state.groups.get_mut(name).and_then(Group::refresh_mut) {
        refresh.status = Status::InProgress;
        refresh.left = left;
        refresh.total = i64::try_from(refresh.left.len()).unwrap_or(i64::MAX);
        refresh.to_update = refresh.total;
        (refresh.since, refresh.moved_at) = (since, now);
    }
    advance(world, name);
}

/// One look at a refresh that replaces members, forth or back.
fn advance(world: &mut World, name: &str) {
    count(world, name);
    let now = world.now;
    let Some(group) = world.state.groups.get(name) else { return };
    let Some(refresh) = group.refresh() else { return };
    if let Some(at) = refresh.paused_until.filter(|at| *at > now) {
        return again(world, name, at);
    }
    let (percent, last) = refresh.goal();
    let reached = refresh.total == 0 || (refresh.total - refresh.to_update) * 100 >= percent * refresh.total;
    if reached && refresh.leaving.is_empty() {
        return if last || refresh.total == 0 { complete(world, name) } else { pause(world, name) };
    }
    replace(world, name);
    wait(world, name);
}

/// Takes stock: who is left, who is on the way out, how many replacements serve.
fn count(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.state.groups.get_mut(name) else { return };
    let staying = |id: &String| group.members.get(id).is_some_and(|m| m.lifecycle.stays());
    let Some(refresh) = group.refresh() else { return };
    let left: std::collections::BTreeSet<String> = refresh.left.iter().filter(|id| staying(id)).cloned().collect();
    let leaving = refresh.leaving.iter().filter(|id| group.members.contains_key(*id)).cloned().collect();
    let serving = group.members.iter().filter(|(id, m)| !left.contains(*id) && refresh.serves(m, now)).count();
    let missing = group.desired - i64::try_from(serving).unwrap_or(i64::MAX);
    let waits = i64::try_from(left.len()).unwrap_or(i64::MAX);
    let Some(refresh) = group.refresh_mut() else { return };
    let to_update = missing.max(waits).min(refresh.total);
    if to_update != refresh.to_update || left.len() != refresh.left.len() {
        refresh.moved_at = now;
    }
    (refresh.left, refresh.leaving, refresh.to_update) = (left, leaving, to_update);
}

/// The checkpoint is behind it, and every further one that is reached as well.
fn pause(world: &mut World, name: &str) {
    let now = world.now;
    let Some(refresh) = world.state.groups.get_mut(name).and_then(Group::refresh_mut) else { return };
    while !refresh.goal().1 && (refresh.total - refresh.to_update) * 100 >= refresh.goal().0 * refresh.total {
        refresh.passed += 1;
    }
    let at = later(now, refresh.preferences.number("CheckpointDelay").unwrap_or(PATIENCE));
    refresh.paused_until = Some(at);
    (refresh.moved_at, refresh.surge) = (at, 0);
    refresh.reason = Some("Waiting for the checkpoint delay before continuing.".to_owned());
    again(world, name, at);
}

/// Ends members as far as enough others serve, those of the fullest zone and the oldest first.
fn replace(world: &mut World, name: &str) {
    let now = world.now;
    loop {
        let Some(group) = world.state.groups.get_mut(name) else { return };
        let in_zone = |zone: &str| group.staying().filter(|(_, m)| m.zone == zone).count();
        let Some(refresh) = group.refresh() else { return };
        let (least, surge) = refresh.bounds(group.desired);
        let candidates: Vec<(&String, &Member)> =
            group.members.iter().filter(|(id, m)| refresh.left.contains(*id) && replaceable(refresh, m)).collect();
        let room = refresh.allowed().min(i64::try_from(candidates.len()).unwrap_or(i64::MAX));
        let surge = surge.min(room);
        let serving = group.members.values().filter(|m| refresh.serves(m, now)).count();
        let serving = i64::try_from(serving).unwrap_or(i64::MAX);
        let may_end = |m: &Member| !refresh.serves(m, now) || serving > least;
        let chosen = candidates
            .into_iter()
            .filter(|(_, m)| room > 0 && may_end(m))
            .min_by_key(|(_, m)| (std::cmp::Reverse(in_zone(&m.zone)), m.serial))
            .map(|(id, _)| id.clone());
        let Some(refresh) = group.refresh_mut() else { return };
        refresh.surge = surge;
        let Some(id) = chosen else { return };
        refresh.left.remove(&id);
        refresh.leaving.insert(id.clone());
        refresh.moved_at = now;
        scaling::end_member(
            world,
            name,
            &id,
            "an instance was taken out of service in response to an instance refresh",
        );
    }
}

/// Whether a refresh may end a member now: what is protected only if the preferences say so.
fn replaceable(refresh: &Refresh, member: &Member) -> bool {
    let protected = member.protected && refresh.preferences.text("ScaleInProtectedInstances") != Some("Refresh");
    member.lifecycle == Lifecycle::InService && !protected
}

/// Says what it waits for and comes back; without anything on its way it gives up after an hour.
fn wait(world: &mut World, name: &str) {
    let now = world.now;
    let Some(group) = world.state.groups.get_mut(name) else { return };
    let Some(refresh) = group.refresh() else { return };
    let new = |m: &&Member| m.serial > refresh.since && m.lifecycle.stays();
    let warms = group.members.iter().filter(|(_, m)| new(m) && m.lifecycle == Lifecycle::InService);
    let warms = warms.filter(|(_, m)| refresh.warm_at(m) > now).min_by_key(|(_, m)| refresh.warm_at(m));
    let launches = group.members.values().any(|m| new(&m) && m.lifecycle == Lifecycle::Pending);
    let held = group.members.iter().find(|(id, m)| refresh.left.contains(*id) && !replaceable(refresh, m));
    let next = warms.map(|(_, m)| refresh.warm_at(m));
    let gives_up = later(refresh.moved_at, PATIENCE);
    let busy = launches || !refresh.leaving.is_empty();
    let reason = match (warms, held) {
        (Some((id, _)), _) => {
            format!("Waiting for instances to warm up before continuing. For example: {id} is warming up.")
        }
        (None, Some((id, m))) if m.protected && !busy => {
            format!("Waiting for remaining instances to be available. For example: {id} is protected from scale in.")
        }
        _ => "Waiting for instances to be replaced before continuing.".to_owned(),
    };
    if next.is_none() && !busy && gives_up <= now {
        return fails(world, name, reason);
    }
    if let Some(refresh) = group.refresh_mut() {
        refresh.reason = Some(reason);
    }
    if let Some(at) = next.or_else(|| (!busy).then_some(gives_up)) {
        again(world, name, at);
    }
}

fn cancelling(world: &mut World, name: &str) {
    count(world, name);
    let Some(group) = world.state.groups.get(name) else { return };
    let Some(refresh) = group.refresh() else { return };
    let launches = group.members.values().any(|m| m.lifecycle == Lifecycle::Pending);
    if refresh.leaving.is_empty() && !launches {
        over(world, name, Status::Cancelled, None);
    }
}

fn complete(world: &mut World, name: &str) {
    let now = world.now;
    let Some(refresh) = world.state.groups.get_mut(name).and_then(Group::refresh_mut) else { return };
    if refresh.status == Status::RollbackInProgress {
        return over(world, name, Status::RollbackSuccessful, None);
    }
    let bake = refresh.preferences.number("BakeTime").filter(|n| *n > 0);
    let Some(seconds) = bake else { return over(world, name, Status::Successful, None) };
    let at = later(now, seconds);
    (refresh.status, refresh.bakes_until, refresh.reason, refresh.surge) = (Status::Baking, Some(at), None, 0);
    again(world, name, at);
}

fn fails(world: &mut World, name: &str, reason: String) {
    let Some(refresh) = world.state.groups.get(name).and_then(Group::refresh) else { return };
    if refresh.status == Status::RollbackInProgress {
        return over(world, name, Status::RollbackFailed, Some(reason));
    }
    if refresh.preferences.flag("AutoRollback") == Some(true) {
        return roll_back(world, name, &reason);
    }
    over(world, name, Status::Failed, Some(reason));
}

/// "Replaces the instances that have been deployed so far": replacements become what is to be replaced.
pub(super) fn roll_back(world: &mut World, name: &str, reason: &str) {
    let (now, serial) = (world.now, world.serial);
    let Some(group) = world.state.groups.get_mut(name) else { return };
    let Some(refresh) = group.refresh() else { return };
    let pending = refresh.status == Status::Pending;
    let new = |m: &Member| !pending && m.serial > refresh.since;
    let left = group.staying().filter(|(_, m)| new(m)).map(|(id, _)| id.clone()).collect();
    let Some(refresh) = group.refresh_mut() else { return };
    refresh.rollback = Some(Rollback {
        reason: reason.to_owned(),
        started_at: now,
        percentage: refresh.percentage(),
        to_update: refresh.to_update,
    });
    refresh.status = Status::RollbackInProgress;
    refresh.reason = None;
    refresh.left = left;
    refresh.total = i64::try_from(refresh.left.len()).unwrap_or(i64::MAX);
    refresh.to_update = refresh.total;
    (refresh.since, refresh.moved_at, refresh.paused_until, refresh.surge) = (serial, now, None, 0);
    again(world, name, now);
}

fn over(world: &mut World, name: &str, status: Status, reason: Option<String>) {
    let now = world.now;
    let Some(group) = world.state.groups.get_mut(name) else { return };
    let Some(refresh) = group.refresh_mut() else { return };
    (refresh.status, refresh.reason, refresh.ended_at, refresh.surge) = (status, reason, Some(now), 0);
    let desired = refresh.desired.clone().filter(|_| status == Status::Successful);
    if let Some(desired) = desired {
        group.configure(&desired);
    }
}
