//! The life of a task, PROVISIONING to STOPPED, and what its containers do. Neighbours: `task_start` makes them, `run_task`
//! and `scheduler` stop them, `capacity` places them. The seconds between steps are the simulator's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{chips, instance, machines, notices, ports, revision_defaults, scheduler};
use crate::{
    behaviour::{Acts, Ended},
    engine::Event,
    logs::driver,
    quirks::StoppedTaskTags,
    record::{Stopping, Turn},
    state::{Container, Interface, Task},
    wire::value::Read,
    world::World,
};

const FORGET_AFTER: i64 = 3600;
const DEFAULT_STOP_TIMEOUT: i64 = 30;

/// The task has a place on an instance that is up: its network interface is attached, then it goes on.
pub(crate) fn begin(world: &mut World, id: &str) {
    let hex = [world.ids.uuid(), world.ids.hex(17), world.ids.hex(10)];
    let numbers = [world.ids.between(0, 255), world.ids.between(4, 250)];
    let Some(task) = world.state.tasks.get(id).filter(|t| t.status == "PROVISIONING") else { return };
    let zone = task.zone.clone();
    let subnet = task.subnets.iter().find(|s| Some(world.zone_of(s)) == zone).cloned();
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    let [attachment, eni, mac] = hex;
    let [third, fourth] = numbers;
    task.interface = subnet.map(|subnet| Interface {
        attachment,
        id: format!("eni-{eni}"),
        address: format!("10.0.{third}.{fourth}"),
        mac: format!("0a:{}", mac.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":")),
        subnet,
        status: "ATTACHING",
    });
    let (plan, wait) = (task.plan, if task.interface.is_some() { 3 } else { 1 });
    world.after(wait, Event::Task(id.to_owned(), plan));
}

/// The next step of a plan.
pub(crate) fn step(world: &mut World, id: &str, plan: u32) {
    let Some(task) = world.state.tasks.get(id).filter(|t| t.plan == plan) else { return };
    match task.status {
        "PROVISIONING" if task.desired == "RUNNING" => pulls(world, id),
        "PENDING" if task.desired == "RUNNING" => pulled(world, id),
        "ACTIVATING" => runs(world, id),
        "DEACTIVATING" => moves(world, id, "STOPPING", stop_seconds(task)),
        "STOPPING" => {
            let code = stop_code(task);
            end_containers(world, id, |_| Some(code));
            moves(world, id, "DEPROVISIONING", 2);
        }
        "DEPROVISIONING" | "PROVISIONING" | "PENDING" => stopped(world, id),
        _ => {}
    }
}

fn stop_timeout(task: &Task) -> i64 {
    let timeouts = task.containers.iter().filter_map(|c| c.definition.number("stopTimeout"));
    timeouts.max().unwrap_or(DEFAULT_STOP_TIMEOUT)
}

fn stop_seconds(task: &Task) -> i64 {
    task.behaviour.stop_seconds.min(stop_timeout(task)).max(0)
}

/// What a container ends with that is told to stop: of SIGTERM, or of SIGKILL when that is not enough.
fn stop_code(task: &Task) -> i64 {
    if task.behaviour.stop_seconds > stop_timeout(task) { 137 } else { 143 }
}

fn moves(world: &mut World, id: &str, status: &'static str, seconds: i64) {
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    task.status = status;
    task.version += 1;
    let plan = task.plan;
    world.after(seconds, Event::Task(id.to_owned(), plan));
}

fn pulls(world: &mut World, id: &str) {
    let now = world.now;
    let slow = world.ids.between(0, 10);
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    task.times.pull_started = Some(now);
    if let Some(interface) = task.interface.as_mut() {
        interface.status = "ATTACHED";
    }
    let known = task.instance.as_ref().and_then(|i| world.state.instances.get(i));
    let images = || task.containers.iter().filter_map(|c| c.definition.text("image"));
    let cached = known.is_some_and(|i| images().all(|image| i.images.contains(image)));
    let seconds = if cached { 2 } else { task.behaviour.pull_seconds.max(0) + slow };
    moves(world, id, "PENDING", seconds);
}

fn pulled(world: &mut World, id: &str) {
    let now = world.now;
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    let images: Vec<String> =
        task.containers.iter().filter_map(|c| c.definition.text("image").map(str::to_owned)).collect();
    if let Acts::PullFails { reason } = task.behaviour.acts.clone() {
        fails_to_start(world, id, &format!("CannotPullContainerError: {reason}"));
        return;
    }
    task.times.pull_stopped = Some(now);
    let Some(instance) = task.instance.as_ref().and_then(|i| world.state.instances.get_mut(i)) else { return };
    instance.images.extend(images);
    if let Some(path) = chips::missing(world, id) {
        let reason = format!("CannotStartContainerError: the device {path} does not exist on the instance");
        fails_to_start(world, id, &reason);
        return;
    }
    if !driver::has_groups(world, id) {
        fails_to_start(world, id, driver::NO_GROUP);
        return;
    }
    moves(world, id, "ACTIVATING", 1);
    chips::taken(world, id);
}

/// On a bad image tasks with Neuron devices end soon after they start.
fn spoil(world: &mut World, id: &str) {
    let Some(task) = world.state.tasks.get(id) else { return };
    let uses = task.needs.all_chips || !task.needs.device_paths.is_empty();
    let spoiled = uses && world.instance_of(task).is_some_and(|i| machines::spoils(world, i));
    if let Some(task) = world.state.tasks.get_mut(id).filter(|_| spoiled) {
        task.behaviour.acts = Acts::Ends { after_seconds: 5, exit_code: 1 };
    }
}

fn runs(world: &mut World, id: &str) {
    ports::bind(world, id);
    spoil(world, id);
    let now = world.now;
    let runtime = world.ids.hex(32);
    let chips = world.state.tasks.get(id).and_then(|t| world.instance_of(t)).map_or(0, |i| i.kind.chips());
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    task.status = "RUNNING";
    task.version += 1;
    task.times.started = Some(now);
    for (index, container) in task.containers.iter_mut().enumerate() {
        container.status = "RUNNING";
        container.runtime_id = Some(format!("{runtime}-{index:010}"));
        if revision_defaults::wants_neuron(&container.definition) {
            container.devices = (0..chips).map(|n| n.to_string()).collect();
        }
    }
    let plan = task.plan;
    let mut due = Vec::new();
    if let Some((after_seconds, _)) = task.behaviour.acts.end() {
        due.push(after_seconds.max(0));
    }
    due.extend(verdict_after(task));
    let service = task.service.clone().map(|s| (task.cluster.clone(), s));
    let says: Vec<i64> = task.behaviour.says.iter().map(|(seconds, _)| (*seconds).max(0)).collect();
    driver::started(world, id);
    for (line, seconds) in says.into_iter().enumerate() {
        world.after(seconds, Event::TaskSays(id.to_owned(), plan, line));
    }
    for seconds in due {
        world.after(seconds, Event::TaskActs(id.to_owned(), plan));
    }
    if let Some(key) = service {
        notices::task_runs(world, &key, id);
    }
}

fn checked(container: &Container) -> bool {
    container.definition.has("healthCheck")
}

/// Seconds after its start at which a task with health checks turns healthy or unhealthy.
fn verdict_after(task: &Task) -> Option<i64> {
    let check = task.containers.iter().find_map(|c| c.definition.at("healthCheck"))?;
    if task.behaviour.acts != Acts::NeverHealthy {
        return Some(task.behaviour.healthy_after_seconds.max(0));
    }
    let number = |key: &str, default: i64| check.number(key).unwrap_or(default);
    Some(number("startPeriod", 0) + number("interval", 30) * number("retries", 3))
}

/// What the containers do by themselves.
pub(crate) fn acts(world: &mut World, id: &str, plan: u32) {
    let now = world.now;
    let Some(task) = world.state.tasks.get_mut(id).filter(|t| t.plan == plan && t.status == "RUNNING") else { return };
    let ran = task.times.started.map_or(0, |s| (now.as_millisecond() - s.as_millisecond()) / 1000);
    if let Some((after_seconds, ended)) = task.behaviour.acts.end()
        && ran >= after_seconds
    {
        container_ended(world, id, ended);
        return;
    }
    if verdict_after(task).is_none_or(|after| ran < after) {
        return;
    }
    let health = if task.behaviour.acts == Acts::NeverHealthy { "UNHEALTHY" } else { "HEALTHY" };
    for container in task.containers.iter_mut().filter(|c| checked(c)) {
        container.health = health;
    }
    task.version += 1;
    if health == "HEALTHY" {
        task.times.healthy = Some(now);
    }
    let key = task.service.clone().map(|service| (task.cluster.clone(), service));
    driver::checked(world, id, health);
    if let Some(key) = key {
        notices::task_verdict(world, &key, id);
    }
}

/// The next of the lines that a container writes.
pub(crate) fn says(world: &mut World, id: &str, plan: u32, line: usize) {
    let task = world.state.tasks.get(id).filter(|t| t.plan == plan && t.status == "RUNNING");
    let text = task.and_then(|t| t.behaviour.says.get(line)).map(|(_, text)| text.clone());
    if let Some(text) = text {
        driver::says(world, id, &text);
    }
}

/// The first essential container has ended by itself: "if that container fails or stops for any reason, then all other containers
/// that are part of that task are stopped".
pub(crate) fn container_ended(world: &mut World, id: &str, ended: Ended) {
    note(world, id, Stop { code: "EssentialContainerExited", reason: "Essential container in task exited" });
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    task.desired = "STOPPED";
    task.plan += 1;
    task.stop_code = Some("EssentialContainerExited");
    task.stopped_reason = Some("Essential container in task exited".to_owned());
    task.times.stopping = Some(world.now);
    let code = stop_code(task);
    let main = task.containers.iter().position(|c| c.definition.flag("essential") != Some(false));
    if let Some(container) = main.and_then(|index| task.containers.get_mut(index)) {
        container.reason = ended.reason.map(str::to_owned);
    }
    end_containers(world, id, |index| Some(if Some(index) == main { ended.exit_code } else { code }));
    moves(world, id, "DEPROVISIONING", 2);
}

/// A task that never ran.
pub(crate) fn fails_to_start(world: &mut World, id: &str, reason: &str) {
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    for container in &mut task.containers {
        container.reason = Some(reason.to_owned());
    }
    stop(world, id, Stop { code: "TaskFailedToStart", reason });
}

/// The instance under a task is gone.
pub(crate) fn lost(world: &mut World, id: &str, stop: Stop<'_>) {
    note(world, id, stop);
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    task.desired = "STOPPED";
    task.plan += 1;
    task.stop_code.get_or_insert(stop.code);
    task.stopped_reason.get_or_insert_with(|| stop.reason.to_owned());
    task.times.stopping.get_or_insert(world.now);
    end_containers(world, id, |_| None);
    stopped(world, id);
}

/// Why a task is stopped from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop<'a> {
    pub(crate) code: &'static str,
    pub(crate) reason: &'a str,
}

/// Asks a task to stop; a task that is stopping already goes on as it was.
pub(crate) fn stop(world: &mut World, id: &str, stop: Stop<'_>) {
    note(world, id, stop);
    let now = world.now;
    let Some(task) = world.state.tasks.get_mut(id).filter(|t| t.wanted()) else { return };
    task.desired = "STOPPED";
    task.plan += 1;
    task.version += 1;
    task.stop_code = Some(stop.code);
    task.stopped_reason = Some(stop.reason.to_owned());
    task.times.stopping = Some(now);
    let (cluster, serial, running) = (task.cluster.clone(), task.serial, task.status == "RUNNING");
    if let Some(waiting) = world.state.unplaced.get_mut(&cluster) {
        waiting.remove(&serial);
    }
    let (status, seconds) = if running { ("DEACTIVATING", 1) } else { ("DEPROVISIONING", 2) };
    moves(world, id, status, seconds);
}

/// Notes for whoever watches that a running task is told to stop; once for each task.
fn note(world: &mut World, id: &str, stop: Stop<'_>) {
    let Some(task) = world.state.tasks.get(id).filter(|t| t.wanted() && t.status == "RUNNING") else { return };
    let mut healthy_left = BTreeMap::new();
    let others = world.state.tasks.values().filter(|t| t.id != id && t.cluster == task.cluster && t.wanted());
    for service in others.filter(|t| scheduler::healthy(t, world.now)).filter_map(|t| t.service.clone()) {
        *healthy_left.entry(service).or_default() += 1;
    }
    let noted = Stopping {
        at: world.now,
        task: task.arn.clone(),
        cluster: task.cluster.clone(),
        service: task.service.clone(),
        definition: task.definition.clone(),
        code: stop.code.to_owned(),
        reason: stop.reason.to_owned(),
        healthy: scheduler::healthy(task, world.now),
        healthy_left,
    };
    world.stoppings.push(noted);
}

fn end_containers(world: &mut World, id: &str, exit_code: impl Fn(usize) -> Option<i64>) {
    let now = world.now;
    let Some(task) = world.state.tasks.get_mut(id) else { return };
    for (index, container) in task.containers.iter_mut().enumerate() {
        let ran = container.status == "RUNNING";
        container.status = "STOPPED";
        container.exit_code = exit_code(index).filter(|_| ran);
    }
    task.times.ended = Some(now);
    driver::ended(world, id);
}

fn stopped(world: &mut World, id: &str) {
    let now = world.now;
    let tags = world.options.quirks.stopped_task_tags;
    let Some(task) = world.state.tasks.get_mut(id).filter(|t| t.live()) else { return };
    task.status = "STOPPED";
    task.version += 1;
    task.times.stopped = Some(now);
    // StopTask in the API reference: "Any tags associated with the task will be deleted."
    if tags == StoppedTaskTags::Gone || task.stop_code == Some("UserInitiated") {
        task.tags.clear();
    }
    for container in &mut task.containers {
        container.status = "STOPPED";
    }
    if let Some(interface) = task.interface.as_mut() {
        interface.status = "DELETED";
    }
    let (cluster, serial, on) = (task.cluster.clone(), task.serial, task.instance.clone());
    let service = task.service.clone().map(|s| (task.cluster.clone(), s));
    let main = task.containers.iter().find(|c| c.definition.flag("essential") != Some(false));
    let exit_code = main.and_then(|container| container.exit_code);
    let turn = Turn::Stopped { code: task.stop_code.unwrap_or_default().to_owned(), exit_code };
    world.note_turn(id, turn);
    if let Some(waiting) = world.state.unplaced.get_mut(&cluster) {
        waiting.remove(&serial);
    }
    if let Some(on) = on {
        if let Some(tasks) = world.state.tasks_on.get_mut(&on) {
            tasks.remove(id);
        }
        instance::freed(world, &on);
    }
    world.after(FORGET_AFTER, Event::TaskForgotten(id.to_owned()));
    if let Some(key) = service {
        notices::task_stopped(world, &key, id);
    }
}

pub(crate) fn forget(world: &mut World, id: &str) {
    let Some(task) = world.state.tasks.remove(id) else { return };
    let Some(service) = task.service else { return };
    if let Some(ids) = world.state.tasks_of_service.get_mut(&(task.cluster, service)) {
        ids.remove(id);
    }
}

/// The network attachment as DescribeTasks shows it.
pub(crate) fn attachments(task: &Task) -> Value {
    let Some(interface) = &task.interface else { return json!([]) };
    let detail = |name: &str, value: &str| json!({"name": name, "value": value});
    json!([{
        "id": interface.attachment,
        "type": "ElasticNetworkInterface",
        "status": interface.status,
        "details": [
            detail("subnetId", &interface.subnet),
            detail("networkInterfaceId", &interface.id),
            detail("macAddress", &interface.mac),
            detail("privateIPv4Address", &interface.address),
        ],
    }])
}
