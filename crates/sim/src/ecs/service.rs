//! Services: create, update, delete. Neighbours: `service_validate` checks, `deployment` starts deployments, `scheduler`
//! keeps the tasks, `service_read` describes.

use serde_json::{Value, json};

use super::{
    balancers, deployment, deployment_validate, describe, names, revised,
    revision_validate::On,
    scheduler,
    service_validate::{self, Target},
    strategy, tags,
    task::{self, Stop},
    task_definition,
};
use crate::{
    engine::Event,
    quirks::StrategyAlone,
    state::{Service, Steady},
    wire::{
        fault::{Answer, Fault},
        value::{Read, pick, put, put_some},
    },
    world::World,
};

const STORED: [&str; 9] = [
    "loadBalancers",
    "serviceRegistries",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "propagateTags",
    "availabilityZoneRebalancing",
    "healthCheckGracePeriodSeconds",
];

pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    service_validate::modelled(input)?;
    let cluster = names::cluster(world, input)?;
    let name = input.text("serviceName").unwrap_or_default().to_owned();
    if !names::plain(&name) {
        return Err(Fault::invalid("A service name has up to 255 letters, digits, hyphens and underscores."));
    }
    if let Some(answer) = taken(world, &(cluster.clone(), name.clone()), input)? {
        return Ok(answer);
    }
    let named = input.text("taskDefinition").ok_or_else(|| Fault::invalid("TaskDefinition can not be blank."))?;
    let revision = task_definition::usable(world, named)?;
    let desired = input.number("desiredCount").ok_or_else(|| Fault::invalid("The desired count is missing."))?;
    if !(0..=5000).contains(&desired) {
        return Err(Fault::invalid("The desired count must be from 0 to 5000."));
    }
    let in_cluster = world.state.services.values().filter(|s| s.cluster == cluster && s.status == "ACTIVE").count();
    if in_cluster >= 5000 {
        return Err(Fault::invalid("The cluster already has the most services it can have."));
    }
    let (strategy, launch_type) = place(world, &cluster, input, &revision.document)?;
    let on = service_validate::on(world, &strategy);
    let document = document(world, input, &revision.document, on)?;
    let revised = revised::over(&Value::Null, input, names::find_cluster(world, &cluster)?, &revision.document)?;
    balancers::shifts(&document, &revised)?;
    let arn = world.arn(&format!("service/{cluster}/{name}"));
    let mut service = Service {
        cluster: cluster.clone(),
        name: name.clone(),
        arn,
        status: "ACTIVE",
        desired,
        definition: revision.arn,
        strategy,
        launch_type,
        document,
        revised,
        deployments: Vec::new(),
        history: Vec::new(),
        revisions: std::collections::BTreeMap::new(),
        events: std::collections::VecDeque::new(),
        tags: tags::check(input.list("tags"), tags::USUAL_LIMIT)?,
        created_at: world.now,
        token: input.text("clientToken").map(str::to_owned),
        request: input.clone(),
        steady: Steady::No,
    };
    deployment::start(world, &mut service);
    let key = service.key();
    // Tasks of a deleted service of the same name are no longer this service's.
    world.state.tasks_of_service.remove(&key);
    let answer = json!({"service": describe::service(world, &service, &["TAGS"])});
    world.state.services.insert(key.clone(), service);
    scheduler::wake(world, &key);
    Ok(answer)
}

/// A name that is in use. The texts follow what users of the live API report; AWS does not document the exception type.
fn taken(world: &World, key: &(String, String), input: &Value) -> Result<Option<Value>, Fault> {
    let token = input.text("clientToken");
    if token.is_some_and(|t| t.is_empty() || t.len() > 36 || !t.bytes().all(|b| (33..=126).contains(&b))) {
        return Err(Fault::invalid("A client token has up to 36 printable ASCII characters."));
    }
    let Some(old) = world.state.services.get(key) else { return Ok(None) };
    match old.status {
        "ACTIVE" if token.is_some() && old.token.as_deref() == token && old.request == *input => {
            Ok(Some(json!({"service": describe::service(world, old, &["TAGS"])})))
        }
        "ACTIVE" => Err(Fault::invalid("Creation of service was not idempotent.")),
        "DRAINING" => Err(Fault::invalid("Unable to Start a service that is still Draining.")),
        _ => Ok(None),
    }
}

fn place(
    world: &World,
    cluster: &str,
    input: &Value,
    definition: &Value,
) -> Result<(Vec<Value>, Option<String>), Fault> {
    match service_validate::target(world, cluster, input)? {
        Target::Strategy(strategy) => {
            strategy::refuse_fargate(&strategy)?;
            service_validate::compatible(world, &strategy, definition)?;
            Ok((strategy, None))
        }
        Target::Ec2 if !definition.strings("compatibilities").iter().any(|c| c == "EC2") => {
            Err(Fault::invalid("The task definition does not support the launch type EC2."))
        }
        Target::Ec2 => Ok((Vec::new(), Some("EC2".to_owned()))),
    }
}

/// The members that are stored and returned, with the defaults that ECS returns.
fn document(world: &World, input: &Value, definition: &Value, on: On) -> Result<Value, Fault> {
    service_validate::placement(input, definition.list("placementConstraints").len(), on)?;
    balancers::check(definition, input)?;
    let mut out = json!({
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
        "propagateTags": "NONE",
        "availabilityZoneRebalancing": "ENABLED",
        "healthCheckGracePeriodSeconds": 0,
    });
    for (key, value) in pick(input, &STORED).as_object().into_iter().flatten() {
        put(&mut out, key, value.clone());
    }
    let account = &world.options.account;
    put(&mut out, "createdBy", format!("arn:aws:iam::{account}:role/simulated"));
    let role = format!("arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS");
    put(&mut out, "roleArn", role);
    put(&mut out, "deploymentConfiguration", deployment_validate::configuration(&Value::Null, input)?);
    let network = service_validate::network(definition, input)?;
    service_validate::public_address(on, network.as_ref())?;
    put_some(&mut out, "networkConfiguration", network);
    Ok(out)
}

/// CreateService answers with the tags of its request; that UpdateService and DeleteService answer without tags is a guess:
/// neither takes tags, and only DescribeServices documents a way to ask for them.
const WITHOUT_TAGS: [&str; 0] = [];

/// Members that are checked again when they or the definition change.
const CHECKED: [&str; 4] = ["networkConfiguration", "loadBalancers", "placementConstraints", "placementStrategy"];

/// Members whose change starts a deployment, beside taskDefinition and forceNewDeployment.
const DEPLOYING: [&str; 3] = ["networkConfiguration", "loadBalancers", "serviceRegistries"];

pub(crate) fn update(world: &mut World, input: &Value) -> Answer {
    service_validate::modelled(input)?;
    let key = names::service(world, input, "service")?;
    let Some(mut service) = world.state.services.get(&key).cloned() else { return Err(Fault::service_not_found()) };
    if service.status != "ACTIVE" {
        return Err(Fault::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let before = service.clone();
    let definition = match input.text("taskDefinition") {
        Some(named) => task_definition::usable(world, named)?,
        None => task_definition::find(world, &service.definition)?.clone(),
    };
    service.definition.clone_from(&definition.arn);
    update_strategy(world, &mut service, input, &definition.document)?;
    for (key, value) in pick(input, &STORED).as_object().into_iter().flatten() {
        put(&mut service.document, key, value.clone());
    }
    let mut checked = pick(&service.document, &CHECKED);
    put_some(&mut checked, "networkConfiguration", input.at("networkConfiguration").cloned());
    let on = service_validate::on(world, &service.strategy);
    service_validate::placement(&checked, definition.document.list("placementConstraints").len(), on)?;
    balancers::check(&definition.document, &checked)?;
    let network = service_validate::network(&definition.document, &checked)?;
    service_validate::public_address(on, network.as_ref())?;
    put(&mut service.document, "networkConfiguration", network.unwrap_or_default());
    let old = before.document.at("deploymentConfiguration").cloned().unwrap_or_default();
    put(&mut service.document, "deploymentConfiguration", deployment_validate::configuration(&old, input)?);
    let cluster = names::find_cluster(world, &service.cluster)?;
    service.revised = revised::over(&before.revised, input, cluster, &definition.document)?;
    balancers::shifts(&service.document, &service.revised)?;
    if let Some(desired) = input.number("desiredCount") {
        if !(0..=5000).contains(&desired) {
            return Err(Fault::invalid("The desired count must be from 0 to 5000."));
        }
        service.desired = desired;
    }
    service.steady = Steady::No;
    if deploys(world, &before, &service, input) {
        deployment::start(world, &mut service);
    }
    let answer = json!({"service": describe::service(world, &service, &WITHOUT_TAGS)});
    world.state.services.insert(key.clone(), service);
    scheduler::wake(world, &key);
    Ok(answer)
}

fn update_strategy(world: &World, service: &mut Service, input: &Value, definition: &Value) -> Result<(), Fault> {
    if let Some(items) = input.at("capacityProviderStrategy") {
        if items.as_array().is_some_and(Vec::is_empty) {
            // Only a service that was created with a launch type can go back to it.
            if !service.request.has("launchType") && service.launch_type.is_none() {
                return Err(Fault::invalid("The service was not created with a launch type it could go back to."));
            }
            service.strategy = Vec::new();
            service.launch_type = Some("EC2".to_owned());
        } else {
            let cluster = names::find_cluster(world, &service.cluster)?;
            service.strategy = strategy::check(world, cluster, input.list("capacityProviderStrategy"))?;
            strategy::refuse_fargate(&service.strategy)?;
            service.launch_type = None;
        }
    }
    service_validate::compatible(world, &service.strategy, definition)
}

fn deploys(world: &World, before: &Service, after: &Service, input: &Value) -> bool {
    let changed = |key: &&str| before.document.at(key) != after.document.at(key);
    let strategy =
        before.strategy != after.strategy && world.options.quirks.strategy_alone == StrategyAlone::Deployment;
    input.flag("forceNewDeployment").unwrap_or(false)
        || before.definition != after.definition
        || strategy
        || revised::differ(&before.revised, &after.revised)
        || DEPLOYING.iter().any(changed)
}

pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let key = names::service(world, input, "service")?;
    let Some(mut service) = world.state.services.get(&key).cloned() else { return Err(Fault::service_not_found()) };
    if service.status == "INACTIVE" {
        return Err(Fault::service_not_found());
    }
    if service.desired > 0 && service.status == "ACTIVE" && !input.flag("force").unwrap_or(false) {
        return Err(Fault::invalid("The service cannot be stopped while it is scaled above 0."));
    }
    service.status = "DRAINING";
    service.desired = 0;
    for rollout in service.history.iter_mut().filter(|r| r.finished_at.is_none()) {
        rollout.status = "STOPPED";
        rollout.reason = Some("The service was deleted.".to_owned());
        rollout.finished_at = Some(world.now);
        rollout.stopped_at = Some(world.now);
    }
    let answer = json!({"service": describe::service(world, &service, &WITHOUT_TAGS)});
    let tasks: Vec<String> = world.state.tasks_of(&key).filter(|t| t.wanted()).map(|t| t.id.clone()).collect();
    world.state.services.insert(key.clone(), service);
    for id in tasks {
        let reason = "Scaling activity initiated by deletion of the service";
        task::stop(world, &id, Stop { code: "ServiceSchedulerInitiated", reason });
    }
    scheduler::wake(world, &key);
    Ok(answer)
}

/// A draining service whose tasks are gone: INACTIVE from now on, and forgotten later.
pub(crate) fn drained(world: &mut World, service: &mut Service) {
    service.status = "INACTIVE";
    let seconds = world.options.quirks.inactive_service_seconds;
    let created = service.created_at;
    world.after(seconds, Event::ServiceForgotten(format!("{}|{created}", service.arn)));
}

/// A service of the same name created since then stays.
pub(crate) fn forget(world: &mut World, which: &str) {
    let same = |s: &Service| s.status == "INACTIVE" && format!("{}|{}", s.arn, s.created_at) == which;
    world.state.services.retain(|_, s| !same(s));
}
