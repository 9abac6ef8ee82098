//! The log driver `awslogs` of containers: where it writes, and what the simulated containers say. Neighbours: `ecs::task` tells it
//! what becomes of a task. Sources: "Send Amazon ECS logs to CloudWatch" in the developer guide, and Docker's page on the driver.
//! The words of containers are the simulator's own.

use serde_json::Value;

use crate::{
    options::LogGroups,
    state::{Container, Task},
    wire::value::Read,
    world::World,
};

/// What a task is told whose log group does not exist, as users quote it.
pub(crate) const NO_GROUP: &str = "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.";

/// Where a container's output goes.
struct Place {
    group: String,
    stream: String,
    /// `awslogs-create-group`.
    makes_group: bool,
}

/// None for another driver, and for a group in another Region, which the simulator does not have.
fn place(world: &World, task: &Task, container: &Container) -> Option<Place> {
    let log = container.definition.at("logConfiguration").filter(|log| log.text("logDriver") == Some("awslogs"))?;
    let options = log.at("options")?;
    if options.text("awslogs-region").is_some_and(|region| region != world.options.region) {
        return None;
    }
    let name = container.definition.text("name").unwrap_or_default();
    let stream = match options.text("awslogs-stream-prefix") {
        Some(prefix) => format!("{prefix}/{name}/{}", task.id),
        // "If you don't specify a prefix with this option, then the log stream is named after the container ID".
        None => container.runtime_id.clone()?,
    };
    let group = options.text("awslogs-group")?.to_owned();
    Some(Place { group, stream, makes_group: options.text("awslogs-create-group") == Some("true") })
}

/// Whether the driver finds or makes the groups of all containers.
pub(crate) fn has_groups(world: &World, id: &str) -> bool {
    let Some(task) = world.state.tasks.get(id) else { return true };
    let mut places = task.containers.iter().filter_map(|container| place(world, task, container));
    let made = |place: &Place| place.makes_group || world.options.log_groups == LogGroups::OfEveryDefinition;
    places.all(|place| made(&place) || world.logs.get(&place.group).is_some())
}

/// The containers have started: their streams exist, and they say with what they were started.
pub(crate) fn started(world: &mut World, id: &str) {
    let now = world.now;
    let Some(task) = world.state.tasks.get(id) else { return };
    let places: Vec<Place> = task.containers.iter().filter_map(|container| place(world, task, container)).collect();
    for Place { group, stream, .. } in places {
        world.logs.create(&group, "STANDARD", now);
        world.logs.open(&group, &stream, now);
    }
    each(world, id, |task, container| {
        let mut said = vec![format!("starting {}", container.definition.text("image").unwrap_or_default())];
        let words = container.definition.strings("command").join(" ");
        said.extend((!words.is_empty()).then(|| format!("arguments: {words}")));
        let told = environment(task, container);
        said.extend((!told.is_empty()).then(|| format!("told at its start: {told}")));
        said
    });
}

/// The variables that RunTask gave a container.
fn environment(task: &Task, container: &Container) -> String {
    let name = container.definition.text("name");
    let given = task.overrides.list("containerOverrides").iter().find(|given| given.text("name") == name);
    let pairs = given.map(|given| given.list("environment")).unwrap_or_default().iter();
    let pair =
        |pair: &Value| format!("{}={}", pair.text("name").unwrap_or_default(), pair.text("value").unwrap_or_default());
    pairs.map(pair).collect::<Vec<_>>().join(" ")
}

/// The health checks have spoken.
pub(crate) fn checked(world: &mut World, id: &str, health: &str) {
    let line = format!("health check: {}", health.to_ascii_lowercase());
    each(
        world,
        id,
        |_, container| {
            if container.definition.has("healthCheck") { vec![line.clone()] } else { Vec::new() }
        },
    );
}

/// The containers have ended. Whatever is killed says nothing more.
pub(crate) fn ended(world: &mut World, id: &str) {
    each(world, id, |_, container| match container.exit_code {
        Some(143) => vec!["got SIGTERM, ending".to_owned()],
        Some(0) => vec!["done".to_owned()],
        Some(137) | None => Vec::new(),
        Some(code) => vec![format!("failed: exit code {code}")],
    });
}

/// The first essential container writes a line.
pub(crate) fn says(world: &mut World, id: &str, line: &str) {
    let mut spoken = false;
    each(world, id, |_, container| {
        let speaks = !spoken && container.definition.flag("essential") != Some(false);
        spoken |= speaks;
        if speaks { vec![line.to_owned()] } else { Vec::new() }
    });
}

/// What each container of a task says now, into its stream. One that never started has none.
fn each(world: &mut World, id: &str, mut words: impl FnMut(&Task, &Container) -> Vec<String>) {
    let at = world.now.as_millisecond();
    let ingested = at + world.options.quirks.log_lag_seconds.max(0) * 1000;
    let Some(task) = world.state.tasks.get(id) else { return };
    let mut said = Vec::new();
    for container in &task.containers {
        let lines = words(task, container);
        said.extend(place(world, task, container).map(|place| (place, lines)));
    }
    for (Place { group, stream, .. }, lines) in said {
        for line in lines {
            world.logs.write(&group, &stream, (at, ingested), &line);
        }
    }
}
