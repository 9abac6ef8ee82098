//! Managed instances: launched, registered, drained, scaled in, lost. Neighbours: `capacity` launches them, `task` runs on
//! them, `provider` ends them. Reading them is in `instance_read`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    instance_read, machines, names, scheduler,
    task::{self, Stop},
};
use crate::{
    catalog::Type,
    engine::Event,
    state::{Host, Instance, Provider, Task},
    wire::{
        fault::{Answer, Fault},
        value::Read,
    },
    world::{World, tail},
};

pub(crate) const AGENT_VERSION: &str = "1.101.0";
/// Boot times of the simulator's own, in seconds; AWS publishes none.
const BOOT: (i64, i64) = (60, 120);
const DAY: i64 = 86_400;

/// Where and what an instance is.
#[derive(Debug, Clone)]
pub(crate) struct Slot<'a> {
    pub(crate) kind: &'static Type,
    pub(crate) subnet: &'a str,
    /// The capacity reservation group it takes its place from.
    pub(crate) reservation: Option<String>,
}

/// Starts an instance; it registers after its boot.
pub(crate) fn launch(world: &mut World, provider: &Provider, slot: Slot<'_>) -> String {
    let Slot { kind, subnet, reservation } = slot;
    let id = world.ids.hex(32);
    let zone = world.zone_of(subnet);
    let cluster = provider.cluster().unwrap_or_default();
    let attribute = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    let attributes = BTreeMap::from([
        attribute("ecs.ami-id", "ami-0e1b2c3d4e5f60718"),
        attribute("ecs.availability-zone", &zone),
        attribute("ecs.cpu-architecture", "x86_64"),
        attribute("ecs.instance-type", kind.name),
        attribute("ecs.os-family", "LINUX"),
        attribute("ecs.os-type", "linux"),
        attribute("ecs.subnet-id", subnet),
        attribute("ecs.vpc-id", "vpc-0123456789abcdef0"),
    ]);
    let propagate = provider.document.text("propagateTags") == Some("CAPACITY_PROVIDER");
    let instance = Instance {
        arn: world.arn(&format!("container-instance/{cluster}/{id}")),
        id: id.clone(),
        ec2_id: format!("i-{}", world.ids.hex(17)),
        host: Host::Managed,
        cluster: cluster.to_owned(),
        provider: Some(provider.name.clone()),
        kind,
        memory: 0,
        zone,
        reservation,
        serial: world.next_serial(),
        status: "REGISTERING",
        agent_version: AGENT_VERSION.to_owned(),
        agent_connected: true,
        impaired: false,
        registered_at: None,
        images: BTreeSet::new(),
        attributes,
        tags: if propagate { provider.tags.clone() } else { Vec::new() },
        version: 1,
        idle_since: None,
        leaving: false,
    };
    world.state.instances.insert(id.clone(), instance);
    let boot = world.ids.between(BOOT.0, BOOT.1);
    world.after(boot, Event::InstanceRegisters(id.clone()));
    // AWS drains a managed instance at day 14 at the latest and ends it a week later.
    world.after(14 * DAY, Event::InstanceDrains(id.clone()));
    world.after(21 * DAY, Event::InstanceExpires(id.clone()));
    id
}

pub(crate) fn registers(world: &mut World, id: &str) {
    let now = world.now;
    let Some(instance) = world.state.instances.get_mut(id).filter(|i| i.status == "REGISTERING") else { return };
    instance.status = "ACTIVE";
    instance.registered_at = Some(now);
    instance.version += 1;
    let cluster = instance.cluster.clone();
    let tasks: Vec<String> = world.state.tasks_on_instance(id).map(|t| t.id.clone()).collect();
    if tasks.is_empty() {
        freed(world, id);
    }
    for task in tasks {
        task::begin(world, &task);
    }
    world.queue.push_once(now, Event::Place(cluster));
}

/// A task has left the instance: it may become idle, and others may fit.
pub(crate) fn freed(world: &mut World, id: &str) {
    let busy = world.state.tasks_on_instance(id).next().is_some();
    let now = world.now;
    let Some(instance) = world.state.instances.get_mut(id) else { return };
    instance.version += 1;
    let (cluster, provider) = (instance.cluster.clone(), instance.provider.clone());
    if instance.host == Host::Machine {
        let id = instance.ec2_id.clone();
        machines::freed(world, &id);
    } else if !busy && matches!(instance.status, "ACTIVE" | "DRAINING") {
        instance.idle_since = Some(now);
        let draining = instance.status == "DRAINING";
        let provider = provider.and_then(|p| world.state.providers.get(&p));
        let optimization = provider.and_then(|p| p.document.at("infrastructureOptimization"));
        let wait = optimization.and_then(|o| o.number("scaleInAfter"));
        let wait = if draining { 30 } else { wait.unwrap_or(world.options.quirks.scale_in_seconds) };
        if wait >= 0 {
            world.after(wait, Event::InstanceIdle(id.to_owned(), now));
        }
    }
    world.queue.push_once(now, Event::Place(cluster));
}

pub(crate) fn idle(world: &mut World, id: &str, since: jiff::Timestamp) {
    if world.state.instances.get(id).is_some_and(|i| i.idle_since == Some(since)) {
        end(world, id);
    }
}

fn end(world: &mut World, id: &str) {
    if let Some(instance) = world.state.instances.get_mut(id).filter(|i| i.status != "DEREGISTERING") {
        instance.status = "DEREGISTERING";
        world.after(20, Event::InstanceGone(id.to_owned()));
    }
}

/// The instance is gone; what still ran on it has stopped with it.
pub(crate) fn gone(world: &mut World, id: &str) {
    let tasks: Vec<String> = world.state.tasks_on_instance(id).map(|t| t.id.clone()).collect();
    let machine = world.state.instances.get(id).map(|i| i.ec2_id.clone()).unwrap_or_default();
    let (code, reason) = (machines::code_of_lost(world, &machine), machines::reason_of_lost(&machine));
    for task in tasks {
        task::lost(world, &task, Stop { code, reason: &reason });
    }
    if let Some(instance) = world.state.instances.remove(id) {
        world.state.tasks_on.remove(id);
        world.queue.push_once(world.now, Event::Place(instance.cluster));
    }
}

/// The instance disappears without a warning.
pub(crate) fn lost(world: &mut World, id: &str) {
    match world.state.instances.get(id).map(|i| (i.host, i.ec2_id.clone())) {
        Some((Host::Machine, machine)) => machines::lost(world, &machine),
        _ => gone(world, id),
    }
}

pub(crate) fn drains(world: &mut World, id: &str) {
    let Some(instance) = world.state.instances.get_mut(id).filter(|i| i.status == "ACTIVE") else { return };
    instance.status = "DRAINING";
    instance.version += 1;
    stop_starting(world, id);
    wake(world, id);
    freed(world, id);
}

/// "Any tasks that are part of a service that are in a PENDING state are stopped immediately."
fn stop_starting(world: &mut World, id: &str) {
    let starting = |t: &&Task| t.service.is_some() && t.wanted() && super::describe::starting(t.status);
    let ids: Vec<String> = world.state.tasks_on_instance(id).filter(starting).map(|t| t.id.clone()).collect();
    for id in ids {
        let reason = "Task stopped during instance draining";
        task::stop(world, &id, Stop { code: "ServiceSchedulerInitiated", reason });
    }
}

fn wake(world: &mut World, id: &str) {
    let tasks: Vec<(String, Option<String>)> =
        world.state.tasks_on_instance(id).map(|t| (t.cluster.clone(), t.service.clone())).collect();
    for (cluster, service) in tasks {
        if let Some(service) = service {
            scheduler::wake(world, &(cluster, service));
        }
    }
}

/// Ends every instance of a provider; says whether any is left.
pub(crate) fn end_all_of(world: &mut World, provider: &str) -> bool {
    let ours = |i: &&Instance| i.host == Host::Managed && i.provider.as_deref() == Some(provider);
    let ids: Vec<String> = world.state.instances.values().filter(ours).map(|i| i.id.clone()).collect();
    for id in &ids {
        end(world, id);
    }
    !ids.is_empty()
}

/// A registered instance of a cluster by id or ARN.
pub(crate) fn find<'w>(world: &'w World, cluster: &str, named: &str) -> Option<&'w Instance> {
    let found = world.state.instances.get(tail(named))?;
    let same = found.cluster == cluster && found.registered_at.is_some();
    (same && (!named.starts_with("arn:") || found.arn == named)).then_some(found)
}

pub(crate) fn update_state(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let wanted = input.strings("containerInstances");
    names::some_names(&wanted, 10, "containerInstances")?;
    let status = match input.text("status") {
        Some("ACTIVE") => "ACTIVE",
        Some("DRAINING") => "DRAINING",
        _ => return Err(Fault::invalid("Only the states ACTIVE and DRAINING can be set.")),
    };
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in wanted {
        let Some(id) = find(world, &cluster, &named).map(|i| i.id.clone()) else {
            failures.push(names::failure(&named, "MISSING"));
            continue;
        };
        if world.state.instances.get(&id).is_some_and(|i| !matches!(i.status, "ACTIVE" | "DRAINING")) {
            failures.push(names::failure(&named, "INACTIVE"));
            continue;
        }
        if status == "DRAINING" {
            drains(world, &id);
        } else if let Some(instance) = world.state.instances.get_mut(&id) {
            instance.status = "ACTIVE";
            instance.version += 1;
            freed(world, &id);
        }
        found.extend(world.state.instances.get(&id).map(|i| instance_read::instance(world, i, &[])));
    }
    Ok(json!({"containerInstances": found, "failures": failures}))
}

/// On Managed Instances AWS also terminates the EC2 instance; a machine of the account goes on, without an agent that ECS
/// talks to. Without `force` an instance with tasks stays. With it "these tasks remain running until you terminate the
/// instance [...], but they're orphaned (no longer monitored or accounted for by Amazon ECS)": ECS forgets them here too, and
/// as no other task can get to the machine, the orphans themselves are not modelled.
pub(crate) fn deregister(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let named = input.text("containerInstance").unwrap_or_default();
    let missing = || Fault::client("The referenced container instance was not found.");
    let instance = find(world, &cluster, named).filter(|i| i.registered()).ok_or_else(missing)?;
    let running = world.state.tasks_on_instance(&instance.id).next().is_some();
    if running && !input.flag("force").unwrap_or(false) {
        return Err(Fault::invalid("Found running tasks on the instance."));
    }
    let mut described = instance_read::instance(world, instance, &[]);
    crate::wire::value::put(&mut described, "status", "INACTIVE");
    let (id, host) = (instance.id.clone(), instance.host);
    match host {
        Host::Managed => gone(world, &id),
        Host::Machine => {
            let stop = Stop { code: "InfrastructureHealth", reason: "Container instance was deregistered." };
            machines::deregistered(world, &id, stop);
        }
    }
    Ok(json!({"containerInstance": described}))
}
