//! Which container instance a task goes to: what keeps it from one, and which of the others its strategies prefer.
//! Neighbours: `capacity` asks for waiting tasks, `task_start` for tasks with a launch type, `notices` says the reasons.
//! Sources: "How Amazon ECS places tasks", "Use strategies to define task placement", "API failure reasons" and the service
//! event messages in the developer guide. `random` is a choice that task and instance ids determine.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    capacity::{self, Registered},
    expression::{self, Facts},
    machines, ports,
};
use crate::{
    ids,
    state::{Host, Instance, Needs, Task},
    wire::value::Read,
    world::World,
};

/// What keeps a task from an instance; the later, the closer the instance came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    Agent,
    Location,
    MemberOf,
    Distinct,
    Chips,
    Interfaces,
    Cpu,
    Memory,
    Ports,
}

impl Refusal {
    /// As `failures[].reason` has it. The texts of the two constraints and of the chips are guesses in the style of the rest.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Location => "LOCATION",
            Self::MemberOf => "MemberOf placement constraint unsatisfied.",
            Self::Distinct => "DistinctInstance placement constraint unsatisfied.",
            Self::Chips => "RESOURCE:NEURON_DEVICES",
            Self::Interfaces => "RESOURCE:ENI",
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Ports => "RESOURCE:PORTS",
        }
    }

    /// As a service event says it of the closest matching instance.
    fn said(self) -> String {
        match self {
            Self::Cpu => "has insufficient CPU units available".to_owned(),
            Self::Memory => "has insufficient memory available".to_owned(),
            Self::Ports => "is already using a port required by your task".to_owned(),
            Self::Agent => "has its agent disconnected".to_owned(),
            other => format!("encountered error \"{}\"", other.reason()),
        }
    }
}

/// A task that found no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Every instance that was looked at: id, ARN, and what kept the task from it.
    pub(crate) by: Vec<(String, String, Refusal)>,
}

impl Refused {
    fn closest(&self) -> Option<&(String, String, Refusal)> {
        self.by.iter().max_by_key(|(id, _, refusal)| (*refusal, Reverse(id)))
    }

    /// The sentence of the service event.
    pub(crate) fn said(&self) -> String {
        let why = match self.closest() {
            None => "Reason: No Container Instances were found in your cluster.".to_owned(),
            Some((id, _, refusal)) => {
                format!("The closest matching (container-instance {id}) {}.", refusal.said())
            }
        };
        format!(
            "no container instance met all of its requirements. {why} For more information, see the Troubleshooting \
             section of the Amazon ECS Developer Guide."
        )
    }

    /// The reason of a task that a provider's instances could not take.
    pub(crate) fn stopped_reason(&self) -> String {
        let reason = self.closest().map_or("EMPTY CAPACITY PROVIDER", |(_, _, refusal)| refusal.reason());
        format!("TaskFailedToStart: {reason}")
    }
}

/// The instances that a task may be placed on at all, whatever they have left.
fn candidates<'w>(world: &'w World, task: &Task) -> Vec<&'w Instance> {
    let mut out: Vec<&Instance> = world
        .state
        .instances
        .values()
        .filter(|i| i.cluster == task.cluster && i.status == "ACTIVE")
        .filter(|i| match &task.provider {
            Some(provider) => i.provider.as_ref() == Some(provider),
            None => i.host == Host::Machine,
        })
        .collect();
    out.sort_by_key(|i| i.serial);
    out
}

/// The instance that a task goes to.
pub(crate) fn find(world: &World, task: &Task) -> Result<String, Refused> {
    let (mut fitting, mut refused) = (Vec::new(), Refused { by: Vec::new() });
    for instance in candidates(world, task) {
        match refusal(world, instance, task) {
            None => fitting.push(instance),
            Some(why) => refused.by.push((instance.id.clone(), instance.arn.clone(), why)),
        }
    }
    let preferred = prefer(world, task, fitting);
    preferred.first().map(|i| i.id.clone()).ok_or(refused)
}

/// What keeps a task from an instance, the cheap questions first: this is asked of every instance for every waiting task.
pub(crate) fn refusal(world: &World, instance: &Instance, task: &Task) -> Option<Refusal> {
    if !machines::connected(world, instance) {
        return Some(Refusal::Agent);
    }
    if let Some(short) = lacking(world, instance, &task.needs) {
        return Some(short);
    }
    let mut others = world.state.tasks_on_instance(&instance.id);
    if task.needs.distinct_instance && others.any(|o| o.group == task.group && o.wanted()) {
        return Some(Refusal::Distinct);
    }
    if !task.subnets.is_empty() && !task.subnets.iter().any(|s| world.zone_of(s) == instance.zone) {
        return Some(Refusal::Location);
    }
    (!allowed(&task.needs, &Registered(world, instance))).then_some(Refusal::MemberOf)
}

fn lacking(world: &World, instance: &Instance, needs: &Needs) -> Option<Refusal> {
    let (full, room) = (capacity::registered(instance), capacity::remaining(world, instance));
    if needs.all_chips && (full.chips == 0 || room.chips != full.chips) {
        return Some(Refusal::Chips);
    }
    if room.cpu < needs.cpu {
        return Some(Refusal::Cpu);
    }
    if room.memory < needs.memory {
        return Some(Refusal::Memory);
    }
    if needs.interface && instance.host == Host::Machine && room.interfaces < 1 {
        return Some(Refusal::Interfaces);
    }
    (!ports::free(&ports::held(world, instance), &needs.ports)).then_some(Refusal::Ports)
}

/// Whether the memberOf constraints hold.
pub(crate) fn allowed(needs: &Needs, facts: &impl Facts) -> bool {
    needs.expressions.iter().all(|e| expression::parse(e).is_ok_and(|e| e.holds(facts)))
}

/// Narrows the candidates by each strategy in turn. Without a strategy tasks are spread over zones (services: "by default";
/// that tasks of RunTask are too is a guess).
fn prefer<'w>(world: &'w World, task: &Task, mut left: Vec<&'w Instance>) -> Vec<&'w Instance> {
    if task.placement.is_empty() {
        return spread(world, task, left, "attribute:ecs.availability-zone");
    }
    for strategy in &task.placement {
        let field = strategy.text("field").unwrap_or_default();
        left = match strategy.text("type") {
            Some("spread") => spread(world, task, left, field),
            Some("binpack") => binpack(world, left, field),
            _ => random(task, left),
        };
    }
    left
}

fn least<K: Ord>(left: Vec<&Instance>, key: impl Fn(&Instance) -> K) -> Vec<&Instance> {
    let Some(best) = left.iter().map(|i| key(i)).min() else { return left };
    left.into_iter().filter(|i| key(i) == best).collect()
}

/// Instances whose value of the field has the fewest tasks of the task's group.
fn spread<'w>(world: &'w World, task: &Task, left: Vec<&'w Instance>, field: &str) -> Vec<&'w Instance> {
    let value = |i: &Instance| match field.to_ascii_lowercase().as_str() {
        "instanceid" | "host" => vec![i.id.clone()],
        _ => Registered(world, i).values(field),
    };
    let mut have: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for instance in world.state.instances.values().filter(|i| i.cluster == task.cluster) {
        let mine = world.state.tasks_on_instance(&instance.id).filter(|t| t.group == task.group && t.wanted());
        *have.entry(value(instance)).or_default() += mine.count();
    }
    least(left, |i| have.get(&value(i)).copied().unwrap_or(0))
}

/// Instances with the least left of the resource.
fn binpack<'w>(world: &'w World, left: Vec<&'w Instance>, field: &str) -> Vec<&'w Instance> {
    least(left, |i| {
        let room = capacity::remaining(world, i);
        if field.eq_ignore_ascii_case("cpu") { room.cpu } else { room.memory }
    })
}

fn random<'w>(task: &Task, left: Vec<&'w Instance>) -> Vec<&'w Instance> {
    least(left, |i| ids::of_text(&format!("{}{}", task.id, i.id)))
}

/// An instance that does not exist yet, as managed scaling imagines it.
#[derive(Debug, Clone)]
pub(crate) struct Imagined {
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) groups: BTreeSet<String>,
}

impl Facts for Imagined {
    fn values(&self, subject: &str) -> Vec<String> {
        match subject {
            "agentConnected" => vec!["true".to_owned()],
            "runningTasksCount" => vec!["0".to_owned()],
            "task:group" => self.groups.iter().cloned().collect(),
            other => {
                let name = other.strip_prefix("attribute:").unwrap_or(other);
                self.attributes.get(name).cloned().into_iter().collect()
            }
        }
    }
}
