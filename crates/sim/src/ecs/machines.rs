//! What ECS makes of EC2 instances that Auto Scaling groups launch: agents register, drain, and are gone with their machine.
//! Neighbours: `ec2::instance` and `autoscaling` call it, `agent` reads the user data, `instance` changes container instances.
//! Sources: "Bootstrapping Amazon ECS Linux container instances", "Safely stop Amazon ECS workloads running on EC2 instances"
//! (managed draining). EC2's and Auto Scaling's own rules do not belong here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    agent::{self, Settings},
    group_provider, instance, scaling, scheduler,
    task::{self, Stop},
};
use crate::{
    autoscaling::group,
    ec2::{
        image::ImageActs,
        instance::{self as ec2, Machine},
        subnet,
    },
    engine::{Drain, Event},
    quirks::LostTaskCode,
    state::{Host, Instance},
    world::World,
};

/// Seconds from boot until the agent has registered. The simulator's own.
const AGENT_STARTS: (i64, i64) = (5, 15);
/// Seconds until an agent without a cluster tries again. The simulator's own.
const AGENT_RETRIES: i64 = 60;
/// The share of an instance's memory, in per cent, that the agent registers: the rest is the kernel's. AWS says that it is
/// less than the nominal size and gives no formula; the share is a guess.
const MEMORY_SHARE: i64 = 95;
/// "The container instance remains in the DRAINING state until either all tasks are stopped or 48 hours has passed."
const LONGEST_DRAIN: i64 = 48 * 3600;
/// Seconds from the end of the last task until ECS completes the lifecycle action. The simulator's own.
const DRAINED: i64 = 10;
/// How long a deregistered container instance is described as INACTIVE. The simulator's own.
const REMEMBERED: i64 = 3600;

/// What a group may do with an instance that it is about to terminate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terminating {
    /// Terminate it.
    Now,
    /// Leave it in Terminating:Wait until `autoscaling::group::complete_lifecycle`: managed draining.
    Wait,
}

/// The instance has booted. If its user data names a cluster and its image is a good one, its agent registers.
pub(crate) fn machine_running(world: &mut World, id: &str) {
    let Some(machine) = world.state.machines.get(id) else { return };
    let acts = world.images.get(&machine.image_id).map(|i| i.acts);
    if matches!(acts, None | Some(ImageActs::NeverRegisters)) {
        return;
    }
    let seconds = world.ids.between(AGENT_STARTS.0, AGENT_STARTS.1);
    world.after(seconds, Event::AgentRegisters(id.to_owned()));
}

/// The agent of a machine registers with the cluster that its user data names.
pub(crate) fn registers(world: &mut World, id: &str) {
    let Some(machine) = world.state.machines.get(id).filter(|m| m.live()).cloned() else { return };
    if of(world, id).is_some() {
        return;
    }
    let settings = agent::settings(&machine.user_data);
    let cluster = settings.cluster.clone().unwrap_or_else(|| "default".to_owned());
    let Some(attributes) = attributes(&machine, &settings) else { return };
    if world.state.clusters.get(&cluster).is_none_or(|c| c.status != "ACTIVE") {
        world.after(AGENT_RETRIES, Event::AgentRegisters(id.to_owned()));
        return;
    }
    let container = world.ids.hex(32);
    let provider = group_provider::of_group(world, &cluster, machine.group.as_deref());
    let version = world.images.get(&machine.image_id).map(|i| i.agent_version.clone());
    let registered = Instance {
        arn: world.arn(&format!("container-instance/{cluster}/{container}")),
        id: container.clone(),
        ec2_id: id.to_owned(),
        host: Host::Machine,
        cluster: cluster.clone(),
        provider: provider.clone(),
        kind: machine.kind,
        memory: memory(machine.kind.memory_mib, settings.reserved_memory),
        zone: machine.zone,
        reservation: None,
        serial: world.next_serial(),
        status: "ACTIVE",
        agent_version: version.unwrap_or_else(|| instance::AGENT_VERSION.to_owned()),
        agent_connected: true,
        impaired: false,
        registered_at: Some(world.now),
        images: BTreeSet::new(),
        attributes,
        tags: Vec::new(),
        version: 1,
        idle_since: None,
        leaving: false,
    };
    world.state.instances.insert(container, registered);
    if let Some(provider) = provider {
        scaling::wake(world, &provider);
    }
    world.queue.push_once(world.now, Event::Place(cluster));
}

/// Memory that an instance registers, in MiB.
pub(crate) fn memory(nominal: i64, reserved: i64) -> i64 {
    (nominal * MEMORY_SHARE / 100 - reserved).max(0)
}

/// The attributes of a new container instance; none when the agent refuses its configuration.
fn attributes(machine: &Machine, settings: &Settings) -> Option<BTreeMap<String, Option<String>>> {
    let custom = settings.attributes.as_ref()?;
    if custom.len() > 10 {
        return None;
    }
    let mut out: BTreeMap<String, Option<String>> = custom.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
    for (name, value) in built_in(machine.kind.name, &machine.zone) {
        out.insert(name, Some(value));
    }
    out.insert("ecs.ami-id".to_owned(), Some(machine.image_id.clone()));
    out.insert("ecs.subnet-id".to_owned(), Some(machine.subnet.clone()));
    // Capabilities of the agent on an ECS-optimized image; AWS's list is longer.
    for capability in ["com.amazonaws.ecs.capability.docker-remote-api.1.44", "ecs.capability.task-eni"] {
        out.insert(capability.to_owned(), None);
    }
    Some(out)
}

/// The built-in attributes that a type and a zone settle.
pub(crate) fn built_in(kind: &str, zone: &str) -> BTreeMap<String, String> {
    [
        ("ecs.availability-zone", zone),
        ("ecs.cpu-architecture", "x86_64"),
        ("ecs.instance-type", kind),
        ("ecs.os-family", "LINUX"),
        ("ecs.os-type", "linux"),
        ("ecs.vpc-id", subnet::VPC),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The container instance of a machine.
fn of<'w>(world: &'w World, machine: &str) -> Option<&'w Instance> {
    world.state.instances.values().find(|i| i.host == Host::Machine && i.ec2_id == machine && i.registered())
}

/// Whether ECS reaches the agent: not on a machine that shuts down.
pub(crate) fn connected(world: &World, instance: &Instance) -> bool {
    let up = || world.state.machines.get(&instance.ec2_id).is_some_and(Machine::live);
    instance.agent_connected && (instance.host == Host::Managed || up())
}

/// EC2 has given notice that it takes a Spot Instance back: "Amazon ECS-managed instance draining puts the instance in
/// draining state in response". Without it the tasks are told nothing.
pub(crate) fn machine_interrupted(world: &mut World, id: &str) {
    let Some(found) = of(world, id) else { return };
    let container = found.id.clone();
    let provider = found.provider.as_ref().and_then(|p| world.state.providers.get(p));
    if provider.is_some_and(group_provider::drains) {
        instance::drains(world, &container);
    }
}

/// A group is about to terminate the instance.
pub(crate) fn machine_terminating(world: &mut World, id: &str) -> Terminating {
    let Some(found) = of(world, id) else { return Terminating::Now };
    let container = found.id.clone();
    let provider = found.provider.as_ref().and_then(|p| world.state.providers.get(p));
    if !provider.is_some_and(group_provider::drains) {
        return Terminating::Now;
    }
    if let Some(found) = world.state.instances.get_mut(&container) {
        found.leaving = true;
    }
    instance::drains(world, &container);
    world.after(LONGEST_DRAIN, Event::MachineDrained(id.to_owned(), Drain::Overdue));
    freed(world, id);
    Terminating::Wait
}

/// A task has left the instance, or there was none: a drain may be over.
pub(crate) fn freed(world: &mut World, id: &str) {
    let empty = |i: &&Instance| i.leaving && world.state.tasks_on_instance(&i.id).next().is_none();
    if of(world, id).as_ref().is_some_and(empty) {
        world.after(DRAINED, Event::MachineDrained(id.to_owned(), Drain::Empty));
    }
}

pub(crate) fn drained(world: &mut World, id: &str, drain: Drain) {
    let Some(found) = of(world, id).filter(|i| i.leaving) else { return };
    let busy = world.state.tasks_on_instance(&found.id).next().is_some();
    if !busy || drain == Drain::Overdue {
        group::complete_lifecycle(world, id);
    }
}

/// The instance is terminated, with or without a warning: "If you terminate a running container instance, Amazon ECS
/// automatically deregisters the instance from your cluster."
pub(crate) fn machine_gone(world: &mut World, id: &str) {
    if let Some(container) = of(world, id).map(|i| i.id.clone()) {
        let (code, reason) = (code_of_lost(world, id), reason_of_lost(id));
        deregistered(world, &container, Stop { code, reason: &reason });
    }
}

/// `stopCode` of the tasks of an EC2 instance that is gone.
pub(crate) fn code_of_lost(world: &World, machine: &str) -> &'static str {
    let reason = world.state.machines.get(machine).and_then(|m| m.reason.as_ref());
    match world.options.quirks.lost_task_code {
        LostTaskCode::TerminationNotice => "TerminationNotice",
        LostTaskCode::ByCause if reason.is_some_and(|(code, _)| *code == ec2::INTERRUPTED) => "SpotInterruption",
        LostTaskCode::ByCause => "InfrastructureHealth",
    }
}

/// `stoppedReason` of the tasks of an EC2 instance that is gone, as users of ECS and AWS Batch quote it in public.
pub(crate) fn reason_of_lost(machine: &str) -> String {
    format!("Host EC2 (instance {machine}) terminated.")
}

/// A container instance is INACTIVE from now on, and what ran on it has stopped for ECS.
pub(crate) fn deregistered(world: &mut World, id: &str, stop: Stop<'_>) {
    let Some(instance) = world.state.instances.get_mut(id) else { return };
    instance.status = "INACTIVE";
    instance.agent_connected = false;
    instance.version += 1;
    let cluster = instance.cluster.clone();
    let tasks: Vec<(String, Option<String>)> =
        world.state.tasks_on_instance(id).map(|t| (t.id.clone(), t.service.clone())).collect();
    for (task, service) in tasks {
        task::lost(world, &task, stop);
        if let Some(service) = service {
            scheduler::wake(world, &(cluster.clone(), service));
        }
    }
    world.state.tasks_on.remove(id);
    world.after(REMEMBERED, Event::InstanceForgotten(id.to_owned()));
    world.queue.push_once(world.now, Event::Place(cluster));
}

pub(crate) fn forget(world: &mut World, id: &str) {
    if world.state.instances.get(id).is_some_and(|i| i.status == "INACTIVE") {
        world.state.instances.remove(id);
    }
}

/// Takes the machine under a container instance away without a warning.
pub(crate) fn lost(world: &mut World, machine: &str) {
    ec2::lost(world, machine, ("Server.InternalError", "Server.InternalError: Internal error on launch"));
}

/// Whether tasks with Neuron devices end soon after they start on a container instance: its image is a bad one.
pub(crate) fn spoils(world: &World, instance: &Instance) -> bool {
    let image = world.state.machines.get(&instance.ec2_id).and_then(|m| world.images.get(&m.image_id));
    image.is_some_and(|i| i.acts == ImageActs::TasksFail)
}
