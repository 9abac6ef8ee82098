//! What ECS sees of Auto Scaling groups and does to them. Neighbours: `group_provider`, `scaling` and `machines` ask;
//! `autoscaling::group` answers. The rules of groups are not here.

use serde_json::Value;

use crate::{
    autoscaling::group::{self, GroupTag, Lifecycle, Protection},
    catalog::{self, Type},
    ec2::template,
    state::Provider,
    wire::value::Read,
    world::World,
};

/// A group, as far as ECS minds it.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) desired: i64,
    pub(crate) protects_new: bool,
    pub(crate) zones: Vec<String>,
    /// Members that start or are in service.
    pub(crate) members: Vec<MemberFacts>,
}

#[derive(Debug, Clone)]
pub(crate) struct MemberFacts {
    pub(crate) machine: String,
    pub(crate) in_service: bool,
    pub(crate) protected: bool,
}

/// What a group would launch: a type, and the user data it starts with.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) kind: &'static Type,
    pub(crate) user_data: String,
    pub(crate) image: String,
}

/// A group by name or ARN.
pub(crate) fn find(world: &World, named: &str) -> Option<Facts> {
    let group = group::find(&world.state, named)?;
    let members = group.staying().map(|(id, member)| MemberFacts {
        machine: id.clone(),
        in_service: member.lifecycle == Lifecycle::InService,
        protected: member.protected,
    });
    Some(Facts {
        name: group.name.clone(),
        min: group.min,
        max: group.max,
        desired: group.desired,
        protects_new: group.new_instances_protected,
        zones: group.subnets.iter().map(|s| world.zone_of(s)).collect(),
        members: members.collect(),
    })
}

/// The group of a capacity provider, by ARN: one that was deleted and made again under its name is another one.
pub(crate) fn of_provider(world: &World, provider: &Provider) -> Option<Facts> {
    provider.document.text("autoScalingGroupArn").and_then(|arn| find(world, arn))
}

/// The group that launched a machine.
pub(crate) fn of_machine(world: &World, machine: &str) -> Option<String> {
    world.state.machines.get(machine)?.group.clone()
}

/// The types that a group launches now, by its template or its overrides. Instance requirements in overrides give none.
pub(crate) fn samples(world: &World, name: &str) -> Vec<Sample> {
    let Some(group) = group::find(&world.state, name) else { return Vec::new() };
    let policy = group.mixed.as_ref().and_then(|m| m.at("LaunchTemplate"));
    let Some(policy) = policy else {
        let specification = group.template.as_ref().unwrap_or(&Value::Null);
        return sample(world, specification, &Value::Null).into_iter().collect();
    };
    let base = policy.at("LaunchTemplateSpecification").unwrap_or(&Value::Null);
    let overrides = policy.list("Overrides");
    if overrides.is_empty() {
        return sample(world, base, &Value::Null).into_iter().collect();
    }
    let each = overrides.iter().filter_map(|o| sample(world, o.at("LaunchTemplateSpecification").unwrap_or(base), o));
    each.collect()
}

fn sample(world: &World, specification: &Value, changes: &Value) -> Option<Sample> {
    let (_, version) = template::resolve(world, specification).ok()?;
    let kind = catalog::find(changes.text("InstanceType").or(version.data.text("InstanceType"))?)?;
    let image = changes.text("ImageId").or(version.data.text("ImageId")).unwrap_or_default();
    Some(Sample { kind, user_data: template::user_data(&version.data), image: image.to_owned() })
}

/// Marks a group as one that ECS manages.
pub(crate) fn mark(world: &mut World, name: &str) {
    let tag = GroupTag { value: String::new(), propagate: true };
    // A group that has gone meanwhile needs no mark.
    drop(group::tag(world, name, "AmazonECSManaged", tag));
}

/// What the scaling policy of ECS does: within the group's limits, whatever it asks for.
pub(crate) fn resize(world: &mut World, group: &Facts, desired: i64) {
    let within = desired.clamp(group.min, group.max.max(group.min));
    let cause = "a monitor alarm TargetTracking on CapacityProviderReservation triggered a policy of Amazon ECS";
    drop(group::set_desired(world, &group.name, within, cause));
}

/// Lets the group end members when it scales in.
pub(crate) fn unprotect(world: &mut World, group: &str, machines: &[String]) {
    drop(group::set_protection(world, group, machines, Protection::Unprotected));
}

/// Keeps the group from ending a member when it scales in.
pub(crate) fn protect(world: &mut World, group: &str, machine: &str) {
    drop(group::set_protection(world, group, &[machine.to_owned()], Protection::Protected));
}
