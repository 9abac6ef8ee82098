//! RunTask and StopTask. Neighbours: `task` lives what is started here, `service_validate` shares the checks of networks
//! and constraints.

use serde_json::{Value, json};

use super::{
    names,
    scheduler::MOST_WAITING,
    service_validate::{self, Target},
    task::{self, Stop},
    task_definition, task_read,
    task_start::{self, Seed},
};
use super::{revision_defaults::wants_neuron, strategy, tags, volumes};
use crate::{
    quirks::NeuronOverride,
    state::RunToken,
    wire::{
        fault::{Answer, Fault},
        value::{Read, later, put},
    },
    world::{World, tail},
};

const DAY: i64 = 86_400;

pub(crate) fn run(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let token = input.text("clientToken").map(|t| (cluster.clone(), t.to_owned()));
    if let Some(answer) = repeated(world, input, token.as_ref())? {
        return Ok(answer);
    }
    let count = input.number("count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(Fault::invalid("count must be from 1 to 10."));
    }
    let seed = seed(world, &cluster, input)?;
    let waiting = world.state.unplaced.get(&cluster).map_or(0, std::collections::BTreeMap::len);
    if !seed.strategy.is_empty() && i64::try_from(waiting).unwrap_or(0) + count > MOST_WAITING {
        return Err(Fault::client("The cluster already has the most tasks that can wait in PROVISIONING."));
    }
    let (ids, failures) = started(world, &seed, count)?;
    let tasks: Vec<Value> =
        ids.iter().filter_map(|id| world.state.tasks.get(id)).map(|t| task_read::task(world, t, &["TAGS"])).collect();
    if let Some(key) = token {
        let made = RunToken { request: bare(input), tasks: ids, failures: failures.clone(), made: world.now };
        world.state.run_tokens.insert(key, made);
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// Tasks of providers wait for a place; with the launch type EC2 there is one now, or a failure for every instance.
fn started(world: &mut World, seed: &Seed, count: i64) -> Result<(Vec<String>, Vec<Value>), Fault> {
    if !seed.strategy.is_empty() {
        return Ok(((0..count).map(|_| task_start::start(world, seed)).collect(), Vec::new()));
    }
    let (mut ids, mut failures) = (Vec::new(), Vec::new());
    for _ in 0..count {
        match task_start::start_now(world, seed) {
            Ok(id) => ids.push(id),
            Err(refused) if refused.by.is_empty() => {
                return Err(Fault::invalid("No Container Instances were found in your cluster."));
            }
            Err(refused) => {
                failures = refused.by.iter().map(|(_, arn, why)| names::failure(arn, why.reason())).collect();
                break;
            }
        }
    }
    Ok((ids, failures))
}

fn bare(input: &Value) -> Value {
    let mut out = input.clone();
    put(&mut out, "clientToken", Value::Null);
    out
}

/// The answer to a token that was seen before. A token lives for a day, or until an hour after its tasks have stopped,
/// whichever is shorter.
fn repeated(world: &World, input: &Value, token: Option<&(String, String)>) -> Result<Option<Value>, Fault> {
    let Some((cluster, text)) = token else { return Ok(None) };
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|b| (33..=126).contains(&b)) {
        return Err(Fault::invalid("A client token has up to 64 printable ASCII characters."));
    }
    let found = world.state.run_tokens.get(&(cluster.clone(), text.clone()));
    let alive =
        |t: &&RunToken| later(t.made, DAY) > world.now && t.tasks.iter().any(|id| world.state.tasks.contains_key(id));
    let Some(found) = found.filter(alive) else { return Ok(None) };
    let known = || found.tasks.iter().filter_map(|id| world.state.tasks.get(id));
    if found.request != bare(input) {
        let ids: Vec<String> = known().map(|t| t.arn.clone()).collect();
        let message = "The clientToken was used before with other parameters.";
        return Err(Fault::new("ConflictException", message).with("resourceIds", json!(ids)));
    }
    let tasks: Vec<Value> = known().map(|t| task_read::task(world, t, &["TAGS"])).collect();
    Ok(Some(json!({"tasks": tasks, "failures": found.failures})))
}

fn seed(world: &World, cluster: &str, input: &Value) -> Result<Seed, Fault> {
    for member in ["platformVersion", "volumeConfigurations", "referenceId"] {
        if input.has(member) {
            return Err(Fault::not_modelled(format!("{member} of RunTask")));
        }
    }
    let started_by = input.text("startedBy");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_/".contains(c);
    if started_by.is_some_and(|s| s.chars().count() > 128 || !s.chars().all(plain)) {
        return Err(Fault::invalid("startedBy has up to 128 letters, digits, hyphens, slashes and underscores."));
    }
    let revision = task_definition::usable(world, input.text("taskDefinition").unwrap_or_default())?;
    let target = service_validate::target(world, cluster, input)?;
    let strategy = match target {
        Target::Strategy(strategy) => strategy,
        Target::Ec2 => Vec::new(),
    };
    strategy::refuse_fargate(&strategy)?;
    let on = service_validate::on(world, &strategy);
    service_validate::compatible(world, &strategy, &revision.document)?;
    let network = service_validate::network(&revision.document, input)?;
    service_validate::public_address(on, network.as_ref())?;
    service_validate::placement(input, revision.document.list("placementConstraints").len(), on)?;
    overrides(world, input, &revision.document)?;
    volumes::check(&[], &revision.document)?;
    let family = revision.document.text("family").unwrap_or_default();
    let group = input.text("group").map_or_else(|| format!("family:{family}"), str::to_owned);
    if group.len() > 255 || group.starts_with("service:") {
        return Err(Fault::invalid("A group has up to 255 characters and is not a service's."));
    }
    let mut all = tags::check(input.list("tags"), tags::USUAL_LIMIT)?;
    match input.text("propagateTags") {
        Some("SERVICE") => return Err(Fault::invalid("propagateTags SERVICE cannot be used with RunTask.")),
        Some("TASK_DEFINITION") => {
            let mut merged = revision.tags.clone();
            tags::merge(&mut merged, &all);
            all = merged;
        }
        _ => {}
    }
    if input.flag("enableECSManagedTags").unwrap_or(false) {
        all.push(json!({"key": "aws:ecs:clusterName", "value": cluster}));
    }
    Ok(Seed {
        cluster: cluster.to_owned(),
        definition: revision.document,
        group,
        started_by: started_by.map(str::to_owned),
        service: None,
        deployment: None,
        strategy,
        placement: input.list("placementStrategy").to_vec(),
        network,
        constraints: input.list("placementConstraints").to_vec(),
        overrides: input.at("overrides").cloned().unwrap_or_else(|| json!({})),
        tags: all,
        execute_command: input.flag("enableExecuteCommand"),
    })
}

fn overrides(world: &World, input: &Value, definition: &Value) -> Result<(), Fault> {
    let Some(given) = input.at("overrides") else { return Ok(()) };
    if given.to_string().len() > 8192 {
        return Err(Fault::invalid("The overrides are longer than 8192 characters."));
    }
    for member in ["inferenceAcceleratorOverrides", "ephemeralStorage"] {
        if given.has(member) {
            return Err(Fault::not_modelled(format!("the override {member}")));
        }
    }
    for container in given.list("containerOverrides") {
        let name = container.text("name");
        if !definition.list("containerDefinitions").iter().any(|c| c.text("name") == name) {
            return Err(Fault::invalid(format!("Override for the unknown container '{}'.", name.unwrap_or_default())));
        }
        if wants_neuron(container) && world.options.quirks.neuron_override == NeuronOverride::Rejected {
            return Err(Fault::invalid("NeuronDevice cannot be overridden."));
        }
    }
    Ok(())
}

pub(crate) fn stop(world: &mut World, input: &Value) -> Answer {
    let cluster = names::cluster(world, input)?;
    let named = input.text("task").unwrap_or_default();
    let reason = input.text("reason").unwrap_or("Task stopped by user");
    if reason.chars().count() > 1024 {
        return Err(Fault::invalid("The reason has more than 1024 characters."));
    }
    if task_read::find(world, &cluster, named).is_none() {
        return Err(Fault::invalid("The referenced task was not found."));
    }
    let id = tail(named).to_owned();
    task::stop(world, &id, Stop { code: "UserInitiated", reason });
    let task = world.state.tasks.get(&id).map(|t| task_read::task(world, t, &["TAGS"]));
    Ok(json!({"task": task}))
}
