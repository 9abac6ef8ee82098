//! Places for tasks: an instance that has room, or a new one of the cheapest type that fits. Neighbours: `task` puts tasks
//! in the queue of a cluster, `requirements` names the types, `instance` boots them. What runs is never moved.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    expression::{self, Facts},
    instance::{self, Slot},
    notices, requirements, reservation, task,
};
use crate::{
    catalog::Type,
    engine::Event,
    state::{Instance, Needs, Task},
    wire::value::Read,
    world::World,
};

/// Seconds between two attempts to place what waits.
const RETRY: i64 = 30;
/// The share of an instance's memory, in per cent, that is left for tasks. AWS publishes no figure for Bottlerocket.
const MEMORY_SHARE: i64 = 95;

/// What an instance of a type registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    pub(crate) chips: i64,
}

pub(crate) fn registered(kind: &Type) -> Room {
    Room { cpu: kind.vcpus * 1024, memory: kind.memory_mib * MEMORY_SHARE / 100, chips: kind.chips() }
}

/// What is left on an instance.
pub(crate) fn remaining(world: &World, instance: &Instance) -> Room {
    let mut room = registered(instance.kind);
    for task in world.state.tasks_on_instance(&instance.id) {
        room.cpu -= task.needs.cpu;
        room.memory -= task.needs.memory;
        if task.needs.all_chips {
            room.chips = 0;
        }
    }
    room
}

fn enough(room: Room, full: Room, needs: &Needs) -> bool {
    let chips = !needs.all_chips || (full.chips > 0 && room.chips == full.chips);
    room.cpu >= needs.cpu && room.memory >= needs.memory && chips
}

struct Place<'a> {
    kind: &'a Type,
    zone: &'a str,
    subnet: &'a str,
}

impl Facts for Place<'_> {
    fn values(&self, subject: &str) -> Vec<String> {
        let value = match subject {
            "attribute:ecs.instance-type" => self.kind.name,
            "attribute:ecs.availability-zone" => self.zone,
            "attribute:ecs.subnet-id" => self.subnet,
            "attribute:ecs.cpu-architecture" => "x86_64",
            _ => return Vec::new(),
        };
        vec![value.to_owned()]
    }
}

fn allowed(needs: &Needs, place: &Place<'_>) -> bool {
    needs.expressions.iter().all(|e| expression::parse(e).is_ok_and(|e| e.holds(place)))
}

/// Looks for a place for everything that waits in a cluster, oldest first.
pub(crate) fn place(world: &mut World, cluster: &str) {
    let waiting: Vec<String> =
        world.state.unplaced.get(cluster).into_iter().flatten().map(|(_, id)| id.clone()).collect();
    let mut left = 0;
    for id in waiting {
        let Some(task) = world.state.tasks.get(&id).cloned() else { continue };
        match find(world, &task).or_else(|| launch(world, &task)) {
            Some(instance) => assign(world, &task, &instance),
            None if gone(world, &task) => {
                task::fails_to_start(world, &id, "The capacity provider is no longer active.");
            }
            None => {
                left += 1;
                notices::unable_to_place(world, &task);
            }
        }
    }
    if left > 0 {
        world.queue.push_once(crate::wire::value::later(world.now, RETRY), Event::Place(cluster.to_owned()));
    }
}

fn gone(world: &World, task: &Task) -> bool {
    let provider = task.provider.as_ref().and_then(|p| world.state.providers.get(p));
    provider.is_none_or(|p| p.status != "ACTIVE")
}

fn find(world: &World, task: &Task) -> Option<String> {
    let mut fitting: Vec<&Instance> = world
        .state
        .instances
        .values()
        .filter(|i| Some(&i.provider) == task.provider.as_ref() && i.cluster == task.cluster && fits(world, i, task))
        .collect();
    fitting.sort_by_key(|i| i.serial);
    fitting.first().map(|i| i.id.clone())
}

/// The cheap questions come first: this is asked of every instance for every waiting task.
fn fits(world: &World, instance: &Instance, task: &Task) -> bool {
    let up = matches!(instance.status, "ACTIVE" | "REGISTERING") && instance.agent_connected;
    if !up || !enough(remaining(world, instance), registered(instance.kind), &task.needs) {
        return false;
    }
    let mut others = world.state.tasks_on_instance(&instance.id);
    let clash = others.any(|o| {
        let same = task.needs.distinct_instance && o.group == task.group && o.wanted();
        same || !o.needs.ports.is_disjoint(&task.needs.ports)
    });
    let place = Place { kind: instance.kind, zone: &instance.zone, subnet: &instance.subnet };
    let zone = task.subnets.is_empty() || task.subnets.iter().any(|s| world.zone_of(s) == instance.zone);
    !clash && zone && allowed(&task.needs, &place)
}

/// Launches the cheapest type that fits, in the zone where the task's group has the fewest tasks: in reserved capacity where
/// the provider wants that, else where there is no shortage.
fn launch(world: &mut World, task: &Task) -> Option<String> {
    let provider = world.state.providers.get(task.provider.as_ref()?).filter(|p| p.status == "ACTIVE")?.clone();
    let template = provider.document.at("instanceLaunchTemplate")?;
    let subnets = template.at("networkConfiguration")?.strings("subnets");
    let zones = zones(world, task, &subnets);
    let types = requirements::fitting(world, template.at("instanceRequirements"));
    let fits = |kind: &&&'static Type| enough(registered(kind), registered(kind), &task.needs);
    let mut slots = Vec::new();
    for kind in types.iter().filter(fits) {
        for (zone, subnet) in &zones {
            if allowed(&task.needs, &Place { kind, zone, subnet }) {
                slots.push((*kind, zone.as_str(), subnet.as_str()));
            }
        }
    }
    let wish = reservation::Wish::of(template);
    let reserved = slots.iter().find_map(|(kind, zone, subnet)| {
        let reservation = Some(reservation::free(world, &wish, kind.name, zone)?);
        Some(Slot { kind, subnet, reservation })
    });
    let on_demand = || {
        let slot = slots.iter().find(|(kind, zone, _)| !world.short(kind.name, zone))?;
        Some(Slot { kind: slot.0, subnet: slot.2, reservation: None })
    };
    let slot = match reserved {
        None if !wish.only => on_demand()?,
        reserved => reserved?,
    };
    Some(instance::launch(world, &provider, slot))
}

/// Zones of the provider's subnets that the task's own subnets allow, the least used by its group first.
fn zones(world: &World, task: &Task, subnets: &[String]) -> Vec<(String, String)> {
    let own: Vec<String> = task.subnets.iter().map(|s| world.zone_of(s)).collect();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let key = (task.cluster.clone(), task.service.clone().unwrap_or_default());
    for other in world.state.tasks_of(&key).filter(|t| t.wanted()) {
        if let Some(zone) = &other.zone {
            *used.entry(zone).or_default() += 1;
        }
    }
    let mut out: Vec<(String, String)> = Vec::new();
    for subnet in subnets {
        let zone = world.zone_of(subnet);
        if (own.is_empty() || own.contains(&zone)) && !out.iter().any(|(z, _)| *z == zone) {
            out.push((zone, subnet.clone()));
        }
    }
    out.sort_by_key(|(zone, _)| (used.get(zone.as_str()).copied().unwrap_or(0), zone.clone()));
    out
}

fn assign(world: &mut World, task: &Task, instance: &str) {
    if let Some(waiting) = world.state.unplaced.get_mut(&task.cluster) {
        waiting.remove(&task.serial);
    }
    world.state.tasks_on.entry(instance.to_owned()).or_default().insert(task.id.clone());
    let Some(found) = world.state.instances.get_mut(instance) else { return };
    found.idle_since = None;
    let (zone, ready) = (found.zone.clone(), found.status == "ACTIVE");
    if let Some(task) = world.state.tasks.get_mut(&task.id) {
        task.instance = Some(instance.to_owned());
        task.zone = Some(zone);
    }
    if ready {
        task::begin(world, &task.id);
    }
}

/// Whether an expression holds for an instance that exists.
pub(crate) struct Registered<'a>(pub(crate) &'a World, pub(crate) &'a Instance);

impl Facts for Registered<'_> {
    fn values(&self, subject: &str) -> Vec<String> {
        let Self(world, instance) = self;
        let tasks = || world.state.tasks_on_instance(&instance.id);
        match subject {
            "agentConnected" => vec![instance.agent_connected.to_string()],
            "agentVersion" => vec![instance::AGENT_VERSION.to_owned()],
            "ec2InstanceId" => vec![instance.ec2_id.clone()],
            "registeredAt" => instance.registered_at.map(|at| at.to_string()).into_iter().collect(),
            "runningTasksCount" => vec![tasks().filter(|t| t.status == "RUNNING").count().to_string()],
            "task:group" => tasks().map(|t| t.group.clone()).collect(),
            other => {
                let name = other.strip_prefix("attribute:").unwrap_or(other);
                let value = instance.attributes.get(name).cloned();
                value.map(Option::unwrap_or_default).into_iter().collect()
            }
        }
    }
}

/// Placement constraints as needs: expressions, and whether instances must differ.
pub(crate) fn constrain(needs: &mut Needs, constraints: &[Value]) {
    for constraint in constraints {
        match constraint.text("type") {
            Some("distinctInstance") => needs.distinct_instance = true,
            _ => needs.expressions.extend(constraint.text("expression").map(str::to_owned)),
        }
    }
}
