//! Places for tasks that wait: an instance that has room, or on Managed Instances a new one of the cheapest type that fits.
//! Neighbours: `task_start` puts tasks in the queue of a cluster, `placement` says what fits, `requirements` names the types,
//! `instance` boots them, `scaling` grows groups. What runs is never moved.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    expression::Facts,
    instance::{self, Slot},
    machines, notices,
    placement::{self, Refused},
    requirements, reservation, scaling, scheduler, task,
};
use crate::{
    catalog::Type,
    engine::Event,
    quirks::TaskGroupCounts,
    state::{Host, Instance, Needs, Service, Task},
    wire::value::{Read, later},
    world::World,
};

/// Seconds between two attempts to place what waits.
const RETRY: i64 = 30;
/// The share of an instance's memory, in per cent, that is left for tasks. AWS publishes no figure for Bottlerocket.
const MEMORY_SHARE: i64 = 95;

/// What an instance registers, or has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) cpu: i64,
    pub(crate) memory: i64,
    /// Chips that ECS counts: only on managed instances.
    pub(crate) chips: i64,
    /// Network interfaces beside the instance's own.
    pub(crate) interfaces: i64,
}

/// What a managed instance of a type registers.
fn of_type(kind: &Type) -> Room {
    let memory = kind.memory_mib * MEMORY_SHARE / 100;
    Room { cpu: kind.vcpus * 1024, memory, chips: kind.chips(), interfaces: kind.interfaces - 1 }
}

/// What an instance registered.
pub(crate) fn registered(instance: &Instance) -> Room {
    let room = of_type(instance.kind);
    match instance.host {
        Host::Managed => room,
        Host::Machine => Room { memory: instance.memory, chips: 0, ..room },
    }
}

/// What is left on an instance.
pub(crate) fn remaining(world: &World, instance: &Instance) -> Room {
    let mut room = registered(instance);
    for task in world.state.tasks_on_instance(&instance.id) {
        room.cpu -= task.needs.cpu;
        room.memory -= task.needs.memory;
        room.interfaces -= i64::from(task.needs.interface);
        if task.needs.all_chips {
            room.chips = 0;
        }
    }
    room
}

fn enough(room: Room, needs: &Needs) -> bool {
    let chips = !needs.all_chips || room.chips > 0;
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

/// Looks for a place for everything that waits in a cluster, oldest first.
pub(crate) fn place(world: &mut World, cluster: &str) {
    let waiting: Vec<String> =
        world.state.unplaced.get(cluster).into_iter().flatten().map(|(_, id)| id.clone()).collect();
    let mut left = 0;
    for id in waiting {
        let Some(task) = world.state.tasks.get(&id).cloned() else { continue };
        match one(world, &task) {
            Ok(instance) => assign(world, &task, &instance),
            Err(_) if gone(world, &task) => {
                task::fails_to_start(world, &id, "The capacity provider is no longer active.");
            }
            Err(refused) => {
                left += 1;
                wait(world, &task, refused.as_ref());
            }
        }
    }
    if left > 0 {
        world.queue.push_once(later(world.now, RETRY), Event::Place(cluster.to_owned()));
    }
    wake_unscheduled(world, cluster);
}

/// A place for one waiting task: on Managed Instances also one that is launched for it.
fn one(world: &mut World, task: &Task) -> Result<String, Option<Refused>> {
    let provider = task.provider.as_ref().and_then(|p| world.state.providers.get(p));
    if provider.is_some_and(|p| p.group().is_some()) {
        return placement::find(world, task).map_err(Some);
    }
    find(world, task).or_else(|| launch(world, task)).ok_or(None)
}

fn wait(world: &mut World, task: &Task, refused: Option<&Refused>) {
    let limit = world.options.quirks.provisioning_limit_seconds;
    let over = |seconds| task.times.created.is_some_and(|at| later(at, seconds) <= world.now);
    if let Some(refused) = refused.filter(|_| limit.is_some_and(over)) {
        task::fails_to_start(world, &task.id, &refused.stopped_reason());
        return;
    }
    notices::unable_to_place(world, task, refused);
    if let Some(provider) = &task.provider {
        scaling::wake(world, provider);
    }
}

/// Services with a launch type have no task that waits: their scheduler looks again when something may have become free.
fn wake_unscheduled(world: &mut World, cluster: &str) {
    let services = world.state.services.values();
    let keys: Vec<(String, String)> = services
        .filter(|s| s.cluster == cluster && s.launch_type.is_some() && s.status == "ACTIVE")
        .map(Service::key)
        .collect();
    for key in keys {
        scheduler::wake(world, &key);
    }
}

fn gone(world: &World, task: &Task) -> bool {
    let provider = task.provider.as_ref().and_then(|p| world.state.providers.get(p));
    provider.is_none_or(|p| p.status != "ACTIVE")
}

fn find(world: &World, task: &Task) -> Option<String> {
    let up = |i: &&Instance| matches!(i.status, "ACTIVE" | "REGISTERING");
    let mut fitting: Vec<&Instance> = world
        .state
        .instances
        .values()
        .filter(|i| i.provider == task.provider && i.cluster == task.cluster && up(i))
        .filter(|i| placement::refusal(world, i, task).is_none())
        .collect();
    fitting.sort_by_key(|i| i.serial);
    fitting.first().map(|i| i.id.clone())
}

/// Launches the cheapest type that fits, in the zone where the task's group has the fewest tasks: in reserved capacity where
/// the provider wants that, else where there is no shortage.
fn launch(world: &mut World, task: &Task) -> Option<String> {
    let provider = world.state.providers.get(task.provider.as_ref()?).filter(|p| p.status == "ACTIVE")?.clone();
    let template = provider.document.at("instanceLaunchTemplate")?;
    let subnets = template.at("networkConfiguration")?.strings("subnets");
    let zones = zones(world, task, &subnets);
    let types = requirements::fitting(world, template.at("instanceRequirements"));
    let fits = |kind: &&&'static Type| enough(of_type(kind), &task.needs);
    let mut slots = Vec::new();
    for kind in types.iter().filter(fits) {
        for (zone, subnet) in &zones {
            if placement::allowed(&task.needs, &Place { kind, zone, subnet }) {
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

/// Gives a task its place.
pub(crate) fn assign(world: &mut World, task: &Task, instance: &str) {
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
    scaling::placed(world, instance);
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
            "agentConnected" => vec![machines::connected(world, instance).to_string()],
            "agentVersion" => vec![instance.agent_version.clone()],
            "ec2InstanceId" => vec![instance.ec2_id.clone()],
            "registeredAt" => instance.registered_at.map(|at| at.to_string()).into_iter().collect(),
            "runningTasksCount" => vec![tasks().filter(|t| t.status == "RUNNING").count().to_string()],
            "task:group" => tasks().filter(|t| counts(world, t)).map(|t| t.group.clone()).collect(),
            other => {
                let name = other.strip_prefix("attribute:").unwrap_or(other);
                let value = instance.attributes.get(name).cloned();
                value.map(Option::unwrap_or_default).into_iter().collect()
            }
        }
    }
}

/// Whether a task counts for `task:group`: "ECS looks at the desired status of the tasks for the task placement" is said of
/// distinctInstance only.
fn counts(world: &World, task: &Task) -> bool {
    match world.options.quirks.task_group_counts {
        TaskGroupCounts::DesiredRunning => task.wanted(),
        TaskGroupCounts::NotStopped => task.live(),
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
