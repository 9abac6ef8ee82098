//! The service scheduler: keeps the tasks of a service at its desired count, rolls deployments, counts failures.
//! Neighbours: `task` tells it what tasks do, `deployment` completes and fails what it decides about, `service` wakes it.
//! Sources: DeploymentConfiguration in the ECS API reference, "Service throttle logic" and "Deployment circuit breaker".

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    alarms,
    deployment::{self, Failure},
    notices, service, settle,
    stage::{self, NewSet},
    tags,
    task::{self, Stop},
    task_definition,
    task_start::{self, Seed},
};
use crate::{
    engine::Event,
    quirks::StoppingCounts,
    state::{Deployment, Service, Steady, Task},
    wire::value::{Read, later},
    world::World,
};

/// Without health checks a task counts as healthy this long after it runs.
pub(crate) const TRUSTED_AFTER: i64 = 40;
/// Tasks in the PROVISIONING state per cluster, by the service quotas.
pub(crate) const MOST_WAITING: i64 = 500;
/// Seconds until a service with a launch type looks for a place again by itself. The simulator's own.
const LOOK_AGAIN: i64 = 60;

type Key = (String, String);

pub(crate) fn wake(world: &mut World, key: &Key) {
    world.queue.push_once(world.now, Event::Service(key.0.clone(), key.1.clone()));
}

pub(crate) fn wake_at(world: &mut World, service: &Service, at: Timestamp) {
    world.queue.push_once(at, Event::Service(service.cluster.clone(), service.name.clone()));
}

/// Looks at a service once and does what can be done now.
pub(crate) fn look(world: &mut World, key: &Key) {
    let Some(mut service) = world.state.services.remove(key) else { return };
    match service.status {
        "ACTIVE" => keep(world, &mut service),
        "DRAINING" if !world.state.tasks_of(key).any(Task::live) => service::drained(world, &mut service),
        _ => {}
    }
    world.state.services.insert(key.clone(), service);
}

/// A task as the scheduler sees it.
#[derive(Debug)]
pub(super) struct Seen {
    id: String,
    /// Belongs to the primary deployment and may stay where it is.
    pub(super) stays: bool,
    pub(super) healthy: bool,
    running: bool,
    serial: u64,
}

struct Limits {
    low: i64,
    high: i64,
}

fn limits(service: &Service) -> Limits {
    let configuration = service.document.at("deploymentConfiguration").unwrap_or(&Value::Null);
    let percent = |key: &str, default: i64| configuration.number(key).unwrap_or(default);
    let low = (service.desired * percent("minimumHealthyPercent", 100) + 99) / 100;
    Limits { low, high: service.desired * percent("maximumPercent", 200) / 100 }
}

/// Whether a task counts for `minimumHealthyPercent`.
pub(super) fn healthy(task: &Task, now: Timestamp) -> bool {
    if task.status != "RUNNING" {
        return false;
    }
    let mut checked = task.containers.iter().filter(|c| c.definition.has("healthCheck")).peekable();
    if checked.peek().is_some() {
        return checked.all(|c| c.health == "HEALTHY");
    }
    task.times.started.is_some_and(|s| later(s, TRUSTED_AFTER) <= now)
}

pub(super) fn see(world: &World, service: &Service) -> Vec<Seen> {
    let primary = service.deployments.first().map(|d| d.id.clone());
    let tasks = world.state.tasks_of(&service.key()).filter(|t| t.wanted());
    let mut seen: Vec<Seen> = tasks
        .map(|t| {
            let draining = world.instance_of(t).is_some_and(|i| i.status == "DRAINING");
            Seen {
                id: t.id.clone(),
                stays: t.deployment == primary && !draining,
                healthy: healthy(t, world.now),
                running: t.status == "RUNNING",
                serial: t.serial,
            }
        })
        .collect();
    seen.sort_by_key(|s| s.serial);
    seen
}

pub(super) fn count(seen: &[Seen], test: impl Fn(&Seen) -> bool) -> i64 {
    i64::try_from(seen.iter().filter(|s| test(s)).count()).unwrap_or(i64::MAX)
}

fn keep(world: &mut World, service: &mut Service) {
    let opened = service.deployments.first().is_some_and(|d| {
        d.rollout == "IN_PROGRESS"
            && deployment::breaker(service, "enable") == Some(true)
            && service.history.first().is_some_and(|r| r.breaker == "MONITORING")
            && d.failed >= deployment::threshold(service)
    });
    if opened {
        deployment::fail(world, service, &Failure::Breaker);
        wake_at(world, service, world.now);
    }
    let alarms = alarms::gone_off(world, service);
    if !alarms.is_empty() {
        deployment::fail(world, service, &Failure::Alarms(alarms));
        wake_at(world, service, world.now);
    }
    let seen = see(world, service);
    let ready = count(&seen, |s| s.stays && s.healthy) >= service.desired;
    stage::advance(world, service, NewSet { ready, alone: seen.iter().all(|s| s.stays) });
    let started = start_tasks(world, service);
    let stopped = stop_tasks(world, service);
    forget_deployments(world, service);
    settle::settle(world, service);
    if started + stopped > 0 {
        service.steady = Steady::No;
        wake_at(world, service, world.now);
    }
}

fn start_tasks(world: &mut World, service: &mut Service) -> i64 {
    let seen = see(world, service);
    let limits = limits(service);
    let staying = count(&seen, |s| s.stays);
    let need = service.desired - staying;
    let room = if stage::rolling(service) { limits.high - counted(world, service) } else { need };
    let room = room.min(may_wait(world, service));
    let now = world.now;
    let Some(primary) = service.deployments.first().cloned() else { return 0 };
    if primary.rollout == "FAILED" || !stage::may_start(service) || need.min(room) <= 0 {
        return 0;
    }
    if let Some(at) = primary.not_before.filter(|at| *at > now) {
        wake_at(world, service, at);
        return 0;
    }
    let made_from = seed(world, service, &primary);
    let ids = started(world, service, &made_from, need.min(room));
    if ids.is_empty() {
        return 0;
    }
    let list = ids.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ");
    let message = format!("(service {}) has started {} tasks: {list}.", service.name, ids.len());
    deployment::say(world, service, message);
    i64::try_from(ids.len()).unwrap_or(0)
}

/// How many tasks count against the maximum. A stopping task does until it has stopped: AWS's text says "RUNNING or PENDING",
/// and of a maximum of 100 that "replacement tasks can't start until the draining tasks have stopped".
fn counted(world: &World, service: &Service) -> i64 {
    let until_stopped = world.options.quirks.stopping_counts == StoppingCounts::UntilStopped;
    let counts = |t: &&Task| if until_stopped { t.live() } else { t.wanted() };
    i64::try_from(world.state.tasks_of(&service.key()).filter(counts).count()).unwrap_or(i64::MAX)
}

/// How many more tasks of a cluster may wait in PROVISIONING; a launch type has none that wait.
fn may_wait(world: &World, service: &Service) -> i64 {
    if service.launch_type.is_some() {
        return i64::MAX;
    }
    let waiting = world.state.unplaced.get(&service.cluster).map_or(0, std::collections::BTreeMap::len);
    MOST_WAITING - i64::try_from(waiting).unwrap_or(MOST_WAITING)
}

/// Starts tasks: with a launch type only as many as find a place now.
fn started(world: &mut World, service: &mut Service, seed: &Seed, count: i64) -> Vec<String> {
    if service.launch_type.is_none() {
        return (0..count).map(|_| task_start::start(world, seed)).collect();
    }
    let mut ids = Vec::new();
    for _ in 0..count {
        match task_start::start_now(world, seed) {
            Ok(id) => ids.push(id),
            Err(refused) => {
                notices::nowhere(world, service, &refused);
                wake_at(world, service, later(world.now, LOOK_AGAIN));
                break;
            }
        }
    }
    ids
}

fn seed(world: &World, service: &Service, primary: &Deployment) -> Seed {
    let definition = task_definition::find(world, &primary.definition).cloned().ok();
    let mut all = Vec::new();
    match service.document.text("propagateTags") {
        Some("SERVICE") => all.clone_from(&service.tags),
        Some("TASK_DEFINITION") => all = definition.as_ref().map(|d| d.tags.clone()).unwrap_or_default(),
        _ => {}
    }
    if service.document.flag("enableECSManagedTags").unwrap_or(false) {
        let own = [("aws:ecs:clusterName", &service.cluster), ("aws:ecs:serviceName", &service.name)];
        tags::merge(&mut all, &own.map(|(k, v)| json!({"key": k, "value": v})));
    }
    Seed {
        cluster: service.cluster.clone(),
        definition: definition.map(|d| d.document).unwrap_or_default(),
        group: format!("service:{}", service.name),
        started_by: Some(primary.id.clone()),
        service: Some(service.name.clone()),
        deployment: Some(primary.id.clone()),
        strategy: primary.strategy.clone(),
        placement: service.document.list("placementStrategy").to_vec(),
        network: primary.network.clone(),
        constraints: service.document.list("placementConstraints").to_vec(),
        overrides: json!({}),
        tags: all,
        execute_command: service.document.flag("enableExecuteCommand"),
    }
}

/// Stops what is too many, and as much of what is old as the healthy minimum allows.
fn stop_tasks(world: &mut World, service: &mut Service) -> i64 {
    let seen = see(world, service);
    let mut stop: Vec<&Seen> = Vec::new();
    let staying: Vec<&Seen> = seen.iter().filter(|s| s.stays).collect();
    let surplus = count(&seen, |s| s.stays) - service.desired;
    // Of the primary's own tasks those go first that are not running yet, then the newest.
    let mut own = staying.clone();
    own.sort_by_key(|s| (s.running, std::cmp::Reverse(s.serial)));
    stop.extend(own.into_iter().take(usize::try_from(surplus).unwrap_or(0)));
    if may_stop_old(service) {
        let mut old: Vec<&Seen> = seen.iter().filter(|s| !s.stays).collect();
        old.sort_by_key(|s| (s.healthy, s.serial));
        let budget = count(&seen, |s| s.healthy) - limits(service).low;
        let total = count(&seen, |_| true);
        let need = service.desired - count(&seen, |s| s.stays);
        let wanted = (total - service.desired).max(need).max(0);
        let (free, held): (Vec<&Seen>, Vec<&Seen>) = old.into_iter().partition(|s| !s.healthy);
        let left = (wanted - i64::try_from(free.len()).unwrap_or(0)).min(budget).max(0);
        stop.extend(free);
        stop.extend(held.into_iter().take(usize::try_from(left).unwrap_or(0)));
    }
    let ids: Vec<String> = stop.iter().map(|s| s.id.clone()).collect();
    if ids.is_empty() {
        return 0;
    }
    for id in &ids {
        let reason = "Scaling activity initiated by deployment";
        task::stop(world, id, Stop { code: "ServiceSchedulerInitiated", reason });
    }
    let list = ids.iter().map(|id| format!("(task {id})")).collect::<Vec<_>>().join(" ");
    let message = format!("(service {}) has stopped {} running tasks: {list}.", service.name, ids.len());
    deployment::say(world, service, message);
    i64::try_from(ids.len()).unwrap_or(0)
}

/// A rolling deployment may always; the others keep the old tasks until every stage is over. One that failed stalls.
fn may_stop_old(service: &Service) -> bool {
    stage::passed(service) && service.deployments.first().is_some_and(|d| d.rollout != "FAILED")
}

/// An older deployment is no longer shown when its last task has stopped.
fn forget_deployments(world: &World, service: &mut Service) {
    let tasks: Vec<&Task> = world.state.tasks_of(&service.key()).filter(|t| t.live()).collect();
    let mut first = true;
    service.deployments.retain(|d| {
        let keep = first || tasks.iter().any(|t| t.deployment.as_ref() == Some(&d.id));
        first = false;
        keep
    });
}
