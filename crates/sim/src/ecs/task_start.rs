//! A new task: its provider, its containers, what it needs of an instance. Neighbours: `run_task` and `scheduler` make the
//! seed, `capacity` finds the place, `task` goes on from there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    capacity,
    placement::{self, Refused},
    ports, revision_defaults,
    revision_validate::device_paths,
    strategy,
};
use crate::{
    engine::Event,
    record::Turn,
    state::{Container, Needs, Task, Times},
    wire::value::Read,
    world::World,
};

/// What a new task is made from.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    pub(crate) cluster: String,
    pub(crate) definition: Value,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) strategy: Vec<Value>,
    pub(crate) placement: Vec<Value>,
    pub(crate) network: Option<Value>,
    pub(crate) constraints: Vec<Value>,
    pub(crate) overrides: Value,
    pub(crate) tags: Vec<Value>,
    pub(crate) execute_command: Option<bool>,
}

/// Starts a task: from here on it waits for a place.
pub(crate) fn start(world: &mut World, seed: &Seed) -> String {
    let task = make(world, seed);
    let id = task.id.clone();
    world.state.unplaced.entry(task.cluster.clone()).or_default().insert(task.serial, id.clone());
    enter(world, task);
    world.queue.push_once(world.now, Event::Place(seed.cluster.clone()));
    id
}

/// Starts a task with a launch type, which is placed at once or not at all.
pub(crate) fn start_now(world: &mut World, seed: &Seed) -> Result<String, Refused> {
    let task = make(world, seed);
    let instance = placement::find(world, &task)?;
    enter(world, task.clone());
    capacity::assign(world, &task, &instance);
    Ok(task.id)
}

fn enter(world: &mut World, task: Task) {
    let state = &mut world.state;
    if let Some(service) = &task.service {
        let key = (task.cluster.clone(), service.clone());
        state.tasks_of_service.entry(key).or_default().insert(task.id.clone());
    } else {
        state.standalone_groups.push(task.group.clone());
    }
    let id = task.id.clone();
    state.tasks.insert(id.clone(), task);
    world.note_turn(&id, Turn::Started);
}

fn make(world: &mut World, seed: &Seed) -> Task {
    let id = world.ids.hex(32);
    let arn = world.arn(&format!("task/{}/{id}", seed.cluster));
    let awsvpc = seed.network.as_ref().and_then(|n| n.at("awsvpcConfiguration"));
    let subnets = awsvpc.map(|c| c.strings("subnets")).unwrap_or_default();
    let containers: Vec<Container> =
        seed.definition.list("containerDefinitions").iter().map(|c| container(world, seed, c)).collect();
    let main = containers.iter().find(|c| c.definition.flag("essential") != Some(false));
    let image = main.and_then(|c| c.definition.text("image")).unwrap_or_default();
    let environment = main.map(|c| environment(seed, &c.definition)).unwrap_or_default();
    let serial = world.next_serial();
    let provider = choose(world, seed);
    let backing = provider.as_ref().and_then(|p| world.state.providers.get(p));
    let managed = backing.is_some_and(|p| p.group().is_none());
    Task {
        id,
        arn,
        serial,
        cluster: seed.cluster.clone(),
        definition: seed.definition.text("taskDefinitionArn").unwrap_or_default().to_owned(),
        group: seed.group.clone(),
        started_by: seed.started_by.clone(),
        service: seed.service.clone(),
        deployment: seed.deployment.clone(),
        launch_type: if managed { "MANAGED_INSTANCES" } else { "EC2" },
        provider,
        instance: None,
        zone: None,
        subnets,
        status: "PROVISIONING",
        desired: "RUNNING",
        needs: needs(seed),
        placement: seed.placement.clone(),
        behaviour: world.behaviour_of(image, &environment),
        containers,
        overrides: seed.overrides.clone(),
        tags: seed.tags.clone(),
        execute_command: seed.execute_command,
        interface: None,
        stop_code: None,
        stopped_reason: None,
        times: Times { created: Some(world.now), ..Times::default() },
        version: 1,
        plan: 0,
    }
}

fn choose(world: &World, seed: &Seed) -> Option<String> {
    let mut have = BTreeMap::new();
    let key = (seed.cluster.clone(), seed.service.clone().unwrap_or_default());
    let ours = world.state.tasks_of(&key).filter(|t| t.wanted() && t.deployment == seed.deployment);
    for provider in ours.filter_map(|t| t.provider.clone()) {
        *have.entry(provider).or_default() += 1;
    }
    strategy::next(&seed.strategy, &have)
}

fn override_of<'v>(seed: &'v Seed, container: &Value) -> &'v Value {
    let mut all = seed.overrides.list("containerOverrides").iter();
    all.find(|o| o.text("name") == container.text("name")).unwrap_or(&Value::Null)
}

/// The environment of a container: the definition's, and over it the request's. Files and secrets are not read.
fn environment(seed: &Seed, container: &Value) -> BTreeMap<String, String> {
    let all = container.list("environment").iter().chain(override_of(seed, container).list("environment"));
    let text = |pair: &Value, key: &str| pair.text(key).map(str::to_owned);
    all.filter_map(|pair| Some((text(pair, "name")?, text(pair, "value").unwrap_or_default()))).collect()
}

fn container(world: &mut World, seed: &Seed, definition: &Value) -> Container {
    let mut definition = definition.clone();
    let changes = override_of(seed, &definition);
    for key in ["cpu", "memory", "memoryReservation", "resourceRequirements"] {
        if let Some(value) = changes.at(key) {
            crate::wire::value::put(&mut definition, key, value.clone());
        }
    }
    let uuid = world.ids.uuid();
    Container {
        arn: world.arn(&format!("container/{}/{uuid}", seed.cluster)),
        definition,
        status: "PENDING",
        health: "UNKNOWN",
        exit_code: None,
        reason: None,
        runtime_id: None,
        devices: Vec::new(),
        bindings: Vec::new(),
    }
}

fn needs(seed: &Seed) -> Needs {
    let containers = seed.definition.list("containerDefinitions");
    let sum =
        |key: &str, other: &str| -> i64 { containers.iter().filter_map(|c| c.number(key).or(c.number(other))).sum() };
    let size = |key: &str| {
        let text = seed.overrides.text(key).or(seed.definition.text(key));
        text.and_then(|t| revision_defaults::units(key, t))
    };
    let mut needs = Needs {
        cpu: size("cpu").unwrap_or_else(|| sum("cpu", "cpu")),
        memory: size("memory").unwrap_or_else(|| sum("memoryReservation", "memory")),
        all_chips: containers
            .iter()
            .any(|c| revision_defaults::wants_neuron(c) || revision_defaults::wants_neuron(override_of(seed, c))),
        device_paths: containers.iter().flat_map(device_paths).collect(),
        ports: ports::asked(&seed.definition).into_iter().collect(),
        interface: seed.definition.text("networkMode") == Some("awsvpc"),
        ..Needs::default()
    };
    capacity::constrain(&mut needs, seed.definition.list("placementConstraints"));
    capacity::constrain(&mut needs, &seed.constraints);
    needs
}
