//! Managed scaling: once a minute the CapacityProviderReservation of a group, and what its alarms make of it. Neighbours:
//! `capacity` wakes it when tasks wait, `groups` sizes the group. Source: "Amazon ECS managed scaling behavior".
//! It counts CPU, memory, ports, interfaces and placement constraints, and knows nothing of devices named by path. AWS
//! publishes no timing but that of the alarms; the table below is all there is of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    agent, group_provider,
    groups::{self, Facts, Sample},
    machines,
    placement::{self, Imagined},
    ports,
};
use crate::{
    engine::Event,
    state::{Host, Instance, Needs, Port, Provider, Task},
    wire::value::{Read, later},
    world::World,
};

/// Seconds between two data points.
const PERIOD: i64 = 60;
/// "Amazon ECS waits 15 minutes after a scale-out process before starting scale-in processes at all times."
const AFTER_SCALE_OUT: i64 = 900;

/// Whether managed scaling is on.
pub(crate) fn enabled(provider: &Provider) -> bool {
    provider.document.at("managedScaling").and_then(|s| s.text("status")) == Some("ENABLED")
}

fn setting(provider: &Provider, key: &str, default: i64) -> i64 {
    provider.document.at("managedScaling").and_then(|s| s.number(key)).unwrap_or(default)
}

/// Sees to it that a group is looked at within a minute.
pub(crate) fn wake(world: &mut World, name: &str) {
    let now = world.now;
    let Some(provider) = world.state.providers.get_mut(name) else { return };
    if provider.group().is_none() || !enabled(provider) || provider.scaling.next.is_some_and(|at| at > now) {
        return;
    }
    let at = later(now, PERIOD - now.as_second().rem_euclid(PERIOD));
    provider.scaling.next = Some(at);
    world.queue.push(at, Event::ProviderScales(name.to_owned()));
}

/// The cluster that a provider is associated with.
fn cluster_of(world: &World, name: &str) -> Option<String> {
    let listed = |c: &&crate::state::Cluster| c.status == "ACTIVE" && c.providers.iter().any(|p| p == name);
    world.state.clusters.values().find(listed).map(|c| c.name.clone())
}

/// One data point.
pub(crate) fn look(world: &mut World, name: &str) {
    let Some(provider) = world.state.providers.get_mut(name) else { return };
    provider.scaling.next = None;
    let provider = provider.clone();
    let group = groups::of_provider(world, &provider);
    let (Some(group), Some(cluster)) = (group, cluster_of(world, name)) else { return };
    if provider.status != "ACTIVE" || !enabled(&provider) {
        return;
    }
    let seen = see(world, &provider, &group, &cluster);
    let out = seen.needed > 0;
    if out {
        grow(world, &provider, &group, seen.needed);
    }
    note(world, &provider, &group, &seen);
    if !out {
        shrink(world, name, &group, &seen);
    }
    if !group.members.is_empty() || group.desired > 0 || seen.waiting > 0 {
        wake(world, name);
    }
}

/// A group at one moment.
struct Seen {
    waiting: usize,
    /// Instances that the waiting tasks need beside those that run.
    needed: i64,
    /// Instances with tasks.
    busy: i64,
    /// Machines of registered instances without tasks.
    empty: Vec<String>,
}

fn see(world: &World, provider: &Provider, group: &Facts, cluster: &str) -> Seen {
    let waiting: Vec<&Task> = world
        .state
        .unplaced
        .get(cluster)
        .into_iter()
        .flatten()
        .filter_map(|(_, id)| world.state.tasks.get(id))
        .filter(|t| t.provider.as_ref() == Some(&provider.name))
        .collect();
    let ours = |i: &&Instance| i.host == Host::Machine && i.provider.as_ref() == Some(&provider.name) && i.registered();
    let member = |i: &&Instance| group.members.iter().any(|m| m.machine == i.ec2_id);
    let (mut busy, mut empty) = (0, Vec::new());
    for instance in world.state.instances.values().filter(ours).filter(member) {
        if world.state.tasks_on_instance(&instance.id).next().is_some() {
            busy += 1;
        } else {
            empty.push(instance.ec2_id.clone());
        }
    }
    Seen { waiting: waiting.len(), needed: needed(world, group, &waiting), busy, empty }
}

fn count(group: &Facts) -> i64 {
    i64::try_from(group.members.len()).unwrap_or(i64::MAX)
}

/// Asks the group for more. From zero it asks for two whatever is needed; otherwise it waits until every member has warmed up.
fn grow(world: &mut World, provider: &Provider, group: &Facts, needed: i64) {
    let (running, now) = (count(group), world.now);
    let least = setting(provider, "minimumScalingStepSize", 1);
    let most = setting(provider, "maximumScalingStepSize", 10_000);
    let warm_up = setting(provider, "instanceWarmupPeriod", 300);
    let warming = |at: Timestamp| later(at, warm_up) > now;
    let young = group.members.iter().filter_map(|m| world.state.machines.get(&m.machine));
    let young = young.map(|m| m.launched_at).any(warming) || provider.scaling.grew_at.is_some_and(warming);
    let desired = if running == 0 && group.desired == 0 {
        world.options.quirks.first_scale_out
    } else if young {
        return;
    } else {
        let wanted = running + needed.clamp(least, most);
        reached(wanted, setting(provider, "targetCapacity", 100))
    };
    let desired = desired.min(group.max);
    if desired > group.desired {
        groups::resize(world, group, desired);
        if let Some(provider) = world.state.providers.get_mut(&provider.name) {
            provider.scaling.grew_at = Some(now);
        }
    }
}

/// How large a group is when so many instances are its target share.
fn reached(instances: i64, target: i64) -> i64 {
    (instances * 100 + target - 1) / target.max(1)
}

/// Publishes the data point: M/N × 100, and 100 when there is neither demand nor supply.
fn note(world: &mut World, provider: &Provider, group: &Facts, seen: &Seen) {
    let running = count(group);
    let wanted = if seen.needed > 0 { running + seen.needed } else { seen.busy };
    let reservation = match (wanted, running) {
        (0, 0) => 100_000,
        (_, 0) => 200_000,
        (wanted, running) => wanted * 100_000 / running,
    };
    let target = setting(provider, "targetCapacity", 100) * 1000;
    if let Some(provider) = world.state.providers.get_mut(&provider.name) {
        provider.scaling.reservation = Some(reservation);
        provider.scaling.below = if reservation < target { provider.scaling.below + 1 } else { 0 };
    }
}

/// After fifteen data points below the target the group shrinks every minute, by one instance at least and by half at most.
/// With termination protection only registered instances without tasks lose their protection.
fn shrink(world: &mut World, name: &str, group: &Facts, seen: &Seen) {
    let Some(provider) = world.state.providers.get(name) else { return };
    let quiet = provider.scaling.grew_at.is_none_or(|at| later(at, AFTER_SCALE_OUT) <= world.now);
    if provider.scaling.below < world.options.quirks.scale_in_points || !quiet {
        return;
    }
    let running = count(group);
    let keep = reached(seen.busy, setting(provider, "targetCapacity", 100)).max(group.min);
    let surplus = (running - keep).min((running / 2).max(1));
    if surplus <= 0 {
        return;
    }
    if group_provider::protects(provider) {
        let going: Vec<String> = seen
            .empty
            .iter()
            .take(usize::try_from(surplus).unwrap_or(0))
            .filter(|m| protected(group, m))
            .cloned()
            .collect();
        groups::unprotect(world, &group.name, &going);
    }
    groups::resize(world, group, running - surplus);
}

fn protected(group: &Facts, machine: &str) -> bool {
    group.members.iter().any(|m| m.machine == machine && m.protected && m.in_service)
}

/// A task was placed on an instance: with termination protection its machine is protected again.
pub(crate) fn placed(world: &mut World, instance: &str) {
    let Some(found) = world.state.instances.get(instance).filter(|i| i.host == Host::Machine) else { return };
    let provider = found.provider.as_ref().and_then(|p| world.state.providers.get(p));
    let Some(group) = provider.filter(|p| group_provider::protects(p)).and_then(Provider::group) else { return };
    let Some(facts) = groups::find(world, group) else { return };
    let machine = found.ec2_id.clone();
    if facts.members.iter().any(|m| m.machine == machine && !m.protected && m.in_service) {
        groups::protect(world, &facts.name, &machine);
    }
}

/// What is left on an instance that does not exist yet.
#[derive(Debug, Clone)]
struct Bin {
    cpu: i64,
    memory: i64,
    interfaces: i64,
    ports: BTreeSet<Port>,
    groups: BTreeSet<String>,
}

/// How many instances the waiting tasks need: packed onto the largest type of the group, and only tasks that the smallest
/// could run at all.
fn needed(world: &World, group: &Facts, waiting: &[&Task]) -> i64 {
    let samples = if waiting.is_empty() { Vec::new() } else { groups::samples(world, &group.name) };
    let bins: Vec<Bin> = samples.iter().map(bin).collect();
    let size = |of: fn(&Bin) -> i64| (bins.iter().map(of).min(), bins.iter().map(of).max());
    let ((Some(cpu), Some(cpu_most)), (Some(memory), Some(memory_most)), (Some(interfaces), Some(interfaces_most))) =
        (size(|b| b.cpu), size(|b| b.memory), size(|b| b.interfaces))
    else {
        return 0;
    };
    let empty = || (BTreeSet::new(), BTreeSet::new());
    let least = Bin { cpu, memory, interfaces, ports: empty().0, groups: empty().1 };
    let most = Bin { cpu: cpu_most, memory: memory_most, interfaces: interfaces_most, ..least.clone() };
    let mut used: Vec<Bin> = Vec::new();
    for task in waiting {
        let constrained = |bin: &Bin| holds(group, &samples, bin, &task.needs);
        if !fits(&least, task) || !constrained(&least) {
            continue;
        }
        let at = used.iter().position(|b| fits(b, task) && constrained(b)).unwrap_or_else(|| {
            used.push(most.clone());
            used.len() - 1
        });
        if let Some(bin) = used.get_mut(at) {
            take(bin, task);
        }
    }
    i64::try_from(used.len()).unwrap_or(i64::MAX)
}

fn bin(sample: &Sample) -> Bin {
    let reserved = agent::settings(&sample.user_data).reserved_memory;
    Bin {
        cpu: sample.kind.vcpus * 1024,
        memory: machines::memory(sample.kind.memory_mib, reserved),
        interfaces: sample.kind.interfaces - 1,
        ports: BTreeSet::new(),
        groups: BTreeSet::new(),
    }
}

fn fits(bin: &Bin, task: &Task) -> bool {
    let needs = &task.needs;
    bin.cpu >= needs.cpu
        && bin.memory >= needs.memory
        && (!needs.interface || bin.interfaces > 0)
        && !needs.all_chips
        && ports::free(&bin.ports, &needs.ports)
        && !(needs.distinct_instance && bin.groups.contains(&task.group))
}

fn take(bin: &mut Bin, task: &Task) {
    bin.cpu -= task.needs.cpu;
    bin.memory -= task.needs.memory;
    bin.interfaces -= i64::from(task.needs.interface);
    bin.ports.extend(task.needs.ports.iter().copied());
    bin.groups.insert(task.group.clone());
}

/// Whether some type in some zone of the group would satisfy the memberOf constraints.
fn holds(group: &Facts, samples: &[Sample], bin: &Bin, needs: &Needs) -> bool {
    needs.expressions.is_empty()
        || samples.iter().any(|sample| {
            let custom = agent::settings(&sample.user_data).attributes.unwrap_or_default();
            group.zones.iter().any(|zone| {
                let mut attributes: BTreeMap<String, String> = machines::built_in(sample.kind.name, zone);
                attributes.extend(custom.clone());
                attributes.insert("ecs.ami-id".to_owned(), sample.image.clone());
                placement::allowed(needs, &Imagined { attributes, groups: bin.groups.clone() })
            })
        })
}
