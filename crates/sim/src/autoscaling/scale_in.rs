//! Who goes when a group has too many members. Neighbours: `scaling` asks. Source: "Control which Auto Scaling instances
//! terminate during scale in": the zone with the most members first, then the termination policies, protected members never.

use super::{
    activity::{self, Start},
    group::{Group, Lifecycle, Member},
    scaling,
};
use crate::{
    ec2::instance::Market,
    wire::{value::Read, xml::instant},
    world::World,
};

/// Ends members until as many are left as are desired, or nobody may be ended.
pub(crate) fn shrink(world: &mut World, name: &str) {
    loop {
        let Some(group) = world.state.groups.get(name) else { return };
        let (have, desired) = (scaling::count(group), group.wanted());
        if have <= desired {
            return settled(world, name);
        }
        let Some(id) = choose(world, group) else { return stuck(world, name) };
        let now = instant(world.now);
        let cause = format!(
            "{}At {now} an instance was taken out of service in response to a difference between desired and actual \
             capacity, shrinking the capacity from {have} to {desired}.  At {now} instance {id} was selected for \
             termination.",
            scaling::told(group)
        );
        scaling::end_member(world, name, &id, &cause);
    }
}

fn settled(world: &mut World, name: &str) {
    if let Some(group) = world.state.groups.get_mut(name) {
        group.cause = None;
    }
}

/// Says once that the rest is protected. Members that still start are waited for.
fn stuck(world: &mut World, name: &str) {
    let Some(group) = world.state.groups.get_mut(name) else { return };
    let starting = group.members.values().any(|m| m.lifecycle == Lifecycle::Pending);
    if starting || group.stuck_at == Some(group.desired) {
        return;
    }
    group.stuck_at = Some(group.desired);
    let cause = match scaling::told(group) {
        told if told.is_empty() => format!("At {} the group had more instances than desired.", instant(world.now)),
        told => told.trim_end().to_owned(),
    };
    let message = "Could not scale to desired capacity because all remaining instances are protected from scale-in.";
    let start = Start { description: message.to_owned(), cause, place: None };
    let id = activity::begin(world, name, start);
    let now = world.now;
    if let Some(group) = world.state.groups.get_mut(name) {
        activity::end(group, &id, now, "Cancelled", Some(message.to_owned()));
    }
}

type Candidate<'a> = (&'a String, &'a Member);

fn choose(world: &World, group: &Group) -> Option<String> {
    let may = |m: &Member| m.lifecycle == Lifecycle::InService && !m.protected;
    let mut left: Vec<Candidate<'_>> = group.members.iter().filter(|(_, m)| may(m)).collect();
    let in_zone = |zone: &str| group.staying().filter(|(_, m)| m.zone == zone).count();
    let most = left.iter().map(|(_, m)| in_zone(&m.zone)).max()?;
    left.retain(|(_, m)| in_zone(&m.zone) == most);
    let policies = group.document.strings("TerminationPolicies");
    for policy in &policies {
        left = narrowed(world, group, left, policy);
    }
    left.sort_by_key(|(_, m)| m.serial);
    left.first().map(|(id, _)| (*id).clone())
}

fn narrowed<'a>(world: &World, group: &Group, left: Vec<Candidate<'a>>, policy: &str) -> Vec<Candidate<'a>> {
    match policy {
        "OldestInstance" => least(left, |m| m.serial),
        "NewestInstance" => least(left, |m| u64::MAX - m.serial),
        "OldestLaunchTemplate" => older_template(left),
        "ClosestToNextInstanceHour" => least(left, |m| to_next_hour(world, m)),
        "AllocationStrategy" => surplus_market(group, left),
        // OldestLaunchConfiguration: no member has one.
        "OldestLaunchConfiguration" => left,
        _ => {
            let left = surplus_market(group, left);
            least(older_template(left), |m| to_next_hour(world, m))
        }
    }
}

fn least<K: Ord>(mut left: Vec<Candidate<'_>>, key: impl Fn(&Member) -> K) -> Vec<Candidate<'_>> {
    if let Some(lowest) = left.iter().map(|(_, m)| key(m)).min() {
        left.retain(|(_, m)| key(m) == lowest);
    }
    left
}

/// "If there are instances launched from a launch template that is not the current one, those first; then the oldest version."
fn older_template(left: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    least(left, |m| m.template.2)
}

fn to_next_hour(world: &World, member: &Member) -> i64 {
    let age = world.now.as_second() - member.joined_at.as_second();
    3600 - age.rem_euclid(3600)
}

/// With a distribution over on-demand and Spot, the kind of which there is too much.
fn surplus_market<'a>(group: &Group, left: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
    if group.mixed.is_none() {
        return left;
    }
    let on_demand = group.staying().filter(|(_, m)| m.market == Market::OnDemand).count();
    let wanted = super::launch::on_demand_wanted(group);
    let surplus = if i64::try_from(on_demand).unwrap_or(0) > wanted { Market::OnDemand } else { Market::Spot };
    let of_it: Vec<Candidate<'a>> = left.iter().copied().filter(|(_, m)| m.market == surplus).collect();
    if of_it.is_empty() { left } else { of_it }
}
