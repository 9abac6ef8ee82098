//! What the instances of a pool hold now, read off live tasks.
//!
//! Part of `allocate`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Shelf, devices_of, provider_names};
use crate::desired::{DesiredCapacity, DesiredGroup, DesiredPool, PackedService};
use crate::fingerprint::{Comparison, Fingerprint};
use crate::job::agenda::{Agenda, Devices};
use crate::layout::{self, Hold, InstanceState, Live, LiveInstance, Room};
use crate::observe::{HealthSignal, Instance, Service, ServiceStatus, Task};
use crate::observed::{Listing, Slot};
use crate::ownership::{self, Owner};
use crate::spec::{Kind, Name};
use crate::world::World;

/// An instance type of a pool.
struct PoolHost<'a> {
    kind: &'a str,
    /// What an instance offers.
    host: &'a crate::layout::Host,
    /// How many there may be.
    max: Option<u32>,
    /// In which zones, as far as that is known.
    zones: Option<BTreeSet<&'a str>>,
    /// How many there are, if EC2 has had no more to give for a while.
    short: Option<u32>,
    /// Those of its group that are drained and still hold tasks.
    emptying: u32,
}

/// The instance types of a pool with what they hold; or what must be read before anyone can know.
pub(super) fn shelves<'a>(
    (world, agenda): (World<'a>, &Agenda<'_>),
    pool: &'a DesiredPool,
    services: &[&'a PackedService],
) -> Result<Vec<Shelf<'a>>, String> {
    let cluster = pool.cluster.as_str();
    let Some(Listing::Read(found)) = world.observed.services.get(cluster) else {
        return Err(format!("services of cluster {cluster}"));
    };
    let providers = provider_names(world, pool);
    let slots: Vec<SlotService<'_>> = found.values().filter_map(|service| slot_service(world, service)).collect();
    for slot in &slots {
        let key = (cluster.to_owned(), slot.service.name.clone());
        let has_tasks = slot.service.running + slot.service.pending > 0;
        if has_tasks && !world.observed.tasks.contains_key(&key) {
            return Err(format!("tasks of service {cluster}/{}", slot.service.name));
        }
    }
    let instances = match world.observed.instances.get(cluster) {
        Some(Listing::Read(instances)) => instances.values().collect(),
        // Where nothing was ever made there is nothing to read.
        None | Some(Listing::Unread) if providers.is_empty() && slots.is_empty() => Vec::new(),
        None | Some(Listing::Unread) => return Err(format!("container instances of cluster {cluster}")),
    };
    // An instance that registered before its group had a provider names none.
    let groups = pool.groups().iter().filter_map(|group| world.observed.groups.get(&group.name));
    let members: BTreeSet<&str> = groups.flat_map(|group| &group.members).map(|member| member.id.as_str()).collect();
    let mine: Vec<&Instance> = instances
        .into_iter()
        .filter(|instance| {
            let provided = instance.provider.as_ref().is_some_and(|provider| providers.contains(provider));
            provided || instance.ec2_id.as_ref().is_some_and(|id| members.contains(id.as_str()))
        })
        .filter(|instance| matches!(instance.status.as_str(), "ACTIVE" | "DRAINING"))
        .collect();
    let sizes: BTreeMap<&Name, (u32, u32)> =
        services.iter().map(|service| (&service.object.name, (service.cpu, service.memory))).collect();
    let of_jobs: Vec<Devices<'_>> =
        agenda.devices(world.observed).into_iter().filter(|held| held.cluster == cluster).collect();
    let mut holds = holds(world, cluster, &slots, &sizes);
    hold_jobs(&mut holds, &of_jobs);
    let mut shelf = |PoolHost { kind, host, max, zones: launch, short, emptying }: PoolHost<'a>| {
        let here = mine.iter().filter(|instance| instance.instance_type.as_deref() == Some(kind));
        let live: Vec<LiveInstance> =
            here.map(|instance| live(instance, holds.remove(&instance.arn).unwrap_or_default())).collect();
        // Where nobody knows the subnets, new instances are taken to come up where there are some already.
        let lived = || live.iter().filter_map(|instance| instance.zone.as_deref()).collect();
        let zones: BTreeSet<&str> = launch.unwrap_or_else(lived);
        let zones = zones.into_iter().map(str::to_owned).collect();
        // What services of other pools are set to says nothing about this one.
        let own = slots.iter().filter(|slot| slot.slot.0 == kind && sizes.contains_key(&slot.workload));
        let wanted = own.map(|slot| {
            let devices = slot.slot.1;
            (layout::Slot { workload: slot.workload.clone(), devices }, desired(slot.service))
        });
        let mut wanted: BTreeMap<layout::Slot, u32> = wanted.collect();
        // Tasks of jobs that have no instance yet.
        for held in
            of_jobs.iter().filter(|held| held.kind == kind && held.instance.is_none() && sizes.contains_key(held.job))
        {
            *wanted.entry(layout::Slot { workload: held.job.clone(), devices: held.set }).or_default() += 1;
        }
        let live = Live { instances: live, wanted };
        let room = Room { max_instances: max, zones };
        Shelf { kind: kind.to_owned(), host, live, room, short, emptying }
    };
    Ok(hosts(world, pool).into_iter().map(&mut shelf).collect())
}

/// Adds what tasks of jobs hold.
fn hold_jobs(holds: &mut BTreeMap<String, Vec<Hold>>, of_jobs: &[Devices<'_>]) {
    for held in of_jobs {
        if let Some(instance) = held.instance {
            let (cpu, memory) = held.size;
            let hold = Hold { workload: held.job.clone(), devices: held.set, cpu, memory };
            holds.entry(instance.to_owned()).or_default().push(hold);
        }
    }
}

/// The instance types of a pool.
fn hosts<'a>(world: World<'a>, pool: &'a DesiredPool) -> Vec<PoolHost<'a>> {
    let subnets = &world.observed.subnets;
    match &pool.capacity {
        DesiredCapacity::Groups(groups) => {
            let host = |group: &'a DesiredGroup| PoolHost {
                kind: &group.instance_type,
                host: &group.host,
                max: Some(group.max_size),
                zones: group.zones(subnets),
                short: short(world, group),
                emptying: emptying(world, pool, group),
            };
            groups.iter().map(host).collect()
        }
        DesiredCapacity::Managed { host, .. } => host
            .iter()
            .map(|(kind, host)| PoolHost { kind, host, max: None, zones: None, short: None, emptying: 0 })
            .collect(),
    }
}

/// The instances of a group of ours that there are, if EC2 has had no more to give for a while.
fn short(world: World<'_>, wanted: &DesiredGroup) -> Option<u32> {
    match world.observed.group(&wanted.name, world.installation) {
        Slot::Ours(found, _) => found.is_short().then(|| u32::try_from(found.staying()).unwrap_or(0)),
        Slot::Foreign(..) | Slot::Absent | Slot::Unknown => None,
    }
}

/// Instances of a group of ours that are drained and still hold tasks. As long as one does, it counts towards `maxSize`.
fn emptying(world: World<'_>, pool: &DesiredPool, wanted: &DesiredGroup) -> u32 {
    let Slot::Ours(group, _) = world.observed.group(&wanted.name, world.installation) else { return 0 };
    let lives =
        |id: &String| group.members.iter().any(|member| member.id == *id && !member.lifecycle.starts_with("Terminat"));
    let instances = world.observed.instances.get(pool.cluster.as_str()).into_iter().flat_map(Listing::iter);
    let emptying = instances.filter(|instance| {
        let busy = instance.running_tasks + instance.pending_tasks > 0;
        instance.status == "DRAINING" && busy && instance.ec2_id.as_ref().is_some_and(lives)
    });
    u32::try_from(emptying.count()).unwrap_or(u32::MAX)
}

/// The same types with as many instances fewer as are drained and still hold tasks: a full group launches none in their place
/// before they are empty, and where no replica may be missing they are not before the others run elsewhere.
pub(super) fn beside_drained<'a>(shelves: &[Shelf<'a>]) -> Option<Vec<Shelf<'a>>> {
    let limited = |shelf: &Shelf<'a>| {
        let mut shelf = shelf.clone();
        let most = shelf.room.max_instances;
        shelf.room.max_instances = most.map(|most| most.saturating_sub(shelf.emptying));
        shelf
    };
    shelves.iter().any(|shelf| shelf.emptying > 0).then(|| shelves.iter().map(limited).collect())
}

/// The same types with no more instances than there are of those that EC2 does not give, if it gives others.
pub(super) fn in_stock<'a>(shelves: &[Shelf<'a>]) -> Option<Vec<Shelf<'a>>> {
    let some = shelves.iter().any(|shelf| shelf.short.is_some()) && shelves.iter().any(|shelf| shelf.short.is_none());
    let limited = |shelf: &Shelf<'a>| {
        let mut shelf = shelf.clone();
        let least = [shelf.room.max_instances, shelf.short].into_iter().flatten().min();
        shelf.room.max_instances = least;
        shelf
    };
    some.then(|| shelves.iter().map(limited).collect())
}

/// An ECS service of ours whose tasks have fixed devices.
struct SlotService<'a> {
    service: &'a Service,
    workload: Name,
    slot: (String, crate::neuron::DeviceSet),
}

fn slot_service<'a>(world: World<'a>, service: &'a Service) -> Option<SlotService<'a>> {
    let Owner::Us(owner) = ownership::owner(&service.tags, world.installation) else { return None };
    let lives = service.status != ServiceStatus::Inactive && owner.kind == Kind::NeuronService;
    lives.then_some(())?;
    Some(SlotService { service, workload: owner.name, slot: devices_of(service)? })
}

/// What tasks that have not stopped hold, by container instance.
fn holds(
    world: World<'_>,
    cluster: &str,
    slots: &[SlotService<'_>],
    sizes: &BTreeMap<&Name, (u32, u32)>,
) -> BTreeMap<String, Vec<Hold>> {
    let mut holds: BTreeMap<String, Vec<Hold>> = BTreeMap::new();
    for slot in slots {
        let (cpu, memory) = sizes.get(&slot.workload).copied().unwrap_or_default();
        let tasks = world.observed.tasks.get(&(cluster.to_owned(), slot.service.name.clone()));
        let tasks = tasks.into_iter().flat_map(|tasks| &tasks.tasks).filter(|task| task.last_status != "STOPPED");
        for instance in tasks.filter_map(|task| task.container_instance.as_deref()) {
            let hold = Hold { workload: slot.workload.clone(), devices: slot.slot.1, cpu, memory };
            holds.entry(instance.to_owned()).or_default().push(hold);
        }
    }
    holds
}

fn live(instance: &Instance, holds: Vec<Hold>) -> LiveInstance {
    LiveInstance {
        id: instance.ec2_id.clone().unwrap_or_else(|| instance.arn.clone()),
        zone: instance.availability_zone.clone(),
        state: if instance.status == "DRAINING" { InstanceState::Draining } else { InstanceState::Usable },
        holds,
    }
}

/// Which tasks of an ECS service that run can be counted upon.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// Those on instances which are drained or marked to be.
    pub(super) leaving: u32,
    /// Those that were told to stop and are still counted as running.
    pub(super) stopping: u32,
    /// Those that ECS counts as healthy.
    pub(super) proven: u32,
    /// Those that it may count as healthy: a task of an earlier revision may have no health check where there is one now.
    pub(super) trusted: u32,
    /// Those that have run for too short a time to count, and may count by the time that something is done.
    pub(super) young: u32,
}

/// How the tasks of a service stand, by ECS service.
pub(super) fn standing<'n>(
    world: World<'_>,
    service: &PackedService,
    names: impl Iterator<Item = &'n str>,
    going: &BTreeSet<&str>,
) -> BTreeMap<String, Standing> {
    let (cluster, signal) = (service.cluster.as_str(), service.health_signal());
    let of = |name: &str| {
        let key = (cluster.to_owned(), name.to_owned());
        let (tasks, read) = (world.observed.tasks.get(&key), world.observed.tasks_read.get(&key).copied());
        let here = |task: &&Task| {
            let at = task.container_instance.as_deref();
            task.desired_status != "STOPPED" && task.last_status != "STOPPED" && at.is_some_and(|at| going.contains(at))
        };
        let all = || tasks.into_iter().flat_map(|tasks| &tasks.tasks);
        let stopping = |task: &&Task| task.desired_status == "STOPPED" && task.last_status == "RUNNING";
        let count = |of: &dyn Fn(&&Task) -> bool| u32::try_from(all().filter(of).count()).unwrap_or(u32::MAX);
        let proven = |task: &&Task| task.runs() && task.is_proven(signal, read);
        let ages = |task: &&Task| signal == HealthSignal::Age || !is_wanted(world, service, task);
        let trusted =
            |task: &&Task| proven(task) || ages(task) && task.runs() && task.is_proven(HealthSignal::Age, read);
        let young = |task: &&Task| ages(task) && task.runs() && task.is_young(read);
        let (proven, trusted, young) = (count(&proven), count(&trusted), count(&young));
        Standing { leaving: count(&here), stopping: count(&stopping), proven, trusted, young }
    };
    names.map(|name| (name.to_owned(), of(name))).collect()
}

/// Whether a task runs what is wanted now.
fn is_wanted(world: World<'_>, service: &PackedService, task: &Task) -> bool {
    let Some(revision) = world.observed.task_definitions.get(&task.task_definition) else { return false };
    let Some(tag) = revision.tags.get(ownership::FINGERPRINT) else { return false };
    let found = Fingerprint::from_tag(tag);
    service.variants.values().any(|variant| variant.content.compare(&found) == Comparison::Same)
}

/// Container instances that lose their tasks: they are draining, or were taken back and still bear the mark.
pub(super) fn going<'w>(world: World<'w>, cluster: &str) -> BTreeSet<&'w str> {
    let instances = world.observed.instances.get(cluster).into_iter().flat_map(Listing::iter);
    let is_marked = |instance: &&Instance| {
        let machine = instance.ec2_id.as_ref().and_then(|id| world.observed.machines.get(id));
        machine.is_some_and(|machine| machine.tags.contains_key(ownership::DRAINED_FOR))
    };
    instances
        .filter(|instance| instance.status == "DRAINING" || instance.status == "ACTIVE" && is_marked(instance))
        .map(|instance| instance.arn.as_str())
        .collect()
}

/// Tasks that an ECS service is set to.
pub(super) fn desired(service: &Service) -> u32 {
    service.settings.desired_count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

/// Tasks of an ECS service that run.
pub(super) fn running(service: &Service) -> u32 {
    u32::try_from(service.running).unwrap_or(0)
}
