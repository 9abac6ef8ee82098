//! Service deployments and revisions as resources of their own. Neighbours: `deployment` makes them, `scheduler` ends them.

use serde_json::{Value, json};

use super::{alarms, deployment::RolledBack, names, notices, scheduler, stage};
use crate::{
    state::{Rollout, Service},
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put, put_some, stamp},
    },
    world::World,
};

fn within(range: Option<&Value>, rollout: &Rollout) -> bool {
    let seconds = stamp(rollout.created_at).as_f64().unwrap_or(0.0);
    let limit = |key: &str| range.and_then(|r| r.get(key)).and_then(Value::as_f64);
    limit("before").is_none_or(|b| seconds <= b) && limit("after").is_none_or(|a| seconds >= a)
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let key = names::service(world, input, "service")?;
    let Some(service) = world.state.services.get(&key) else { return Err(Fault::service_not_found()) };
    let wanted = input.strings("status");
    let found: Vec<&Rollout> = service
        .history
        .iter()
        .filter(|r| wanted.is_empty() || wanted.iter().any(|w| w == r.status))
        .filter(|r| within(input.at("createdAt"), r))
        .collect();
    let keys = found.iter().map(|r| r.id.clone()).collect();
    let page = cut(world.paging(), keys, input, Sizes { usual: 20, most: 100 })?;
    let chosen = page.items.iter().filter_map(|id| found.iter().find(|r| r.id == *id));
    let rows: Vec<Value> = chosen
        .map(|r| {
            let mut row = json!({
                "serviceDeploymentArn": r.id,
                "serviceArn": service.arn,
                "clusterArn": world.arn(&format!("cluster/{}", service.cluster)),
                "startedAt": stamp(r.created_at),
                "createdAt": stamp(r.created_at),
                "targetServiceRevisionArn": r.target,
                "status": r.status,
            });
            put_some(&mut row, "finishedAt", r.finished_at.map(stamp));
            put_some(&mut row, "statusReason", r.reason.clone());
            row
        })
        .collect();
    let mut answer = json!({"serviceDeployments": rows});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}

fn summary(world: &World, service: &Service, revision: &str) -> Value {
    let tasks = || world.state.tasks_of(&service.key()).filter(|t| t.live());
    let ids: Vec<&String> = service.deployments.iter().filter(|d| d.revision == revision).map(|d| &d.id).collect();
    let of = |status: fn(&str) -> bool| {
        tasks().filter(|t| t.deployment.as_ref().is_some_and(|d| ids.contains(&d)) && status(t.status)).count()
    };
    let running = of(|s| s == "RUNNING");
    let primary = service.deployments.first().is_some_and(|d| d.revision == revision);
    json!({
        "arn": revision,
        "requestedTaskCount": if primary { service.desired } else { i64::try_from(running).unwrap_or(0) },
        "runningTaskCount": running,
        "pendingTaskCount": of(super::describe::starting),
    })
}

fn describe_one(world: &World, service: &Service, rollout: &Rollout) -> Value {
    let sources: Vec<Value> = rollout.sources.iter().map(|s| summary(world, service, s)).collect();
    let mut out = json!({
        "serviceDeploymentArn": rollout.id,
        "serviceArn": service.arn,
        "clusterArn": world.arn(&format!("cluster/{}", service.cluster)),
        "createdAt": stamp(rollout.created_at),
        "startedAt": stamp(rollout.created_at),
        "updatedAt": stamp(rollout.updated_at),
        "sourceServiceRevisions": sources,
        "targetServiceRevision": summary(world, service, &rollout.target),
        "status": rollout.status,
        "deploymentConfiguration": rollout.configuration,
        "deploymentCircuitBreaker": {
            "status": rollout.breaker,
            "failureCount": rollout.failures,
            "threshold": super::deployment::threshold(service),
        },
    });
    put_some(&mut out, "finishedAt", rollout.finished_at.map(stamp));
    put_some(&mut out, "stoppedAt", rollout.stopped_at.map(stamp));
    put_some(&mut out, "statusReason", rollout.reason.clone());
    put_some(&mut out, "rollback", rollout.rollback.clone());
    // Rolling deployments have no lifecycle stages.
    if rollout.configuration.text("strategy").is_some_and(|s| s != "ROLLING") {
        put(&mut out, "lifecycleStage", rollout.stages.at.shown());
        let hooks = stage::describe(rollout);
        put_some(&mut out, "lifecycleHookDetails", (!hooks.is_empty()).then_some(hooks));
    }
    put_some(&mut out, "alarms", alarms::describe(rollout));
    put(&mut out, "updatedAt", stamp(rollout.updated_at));
    out
}

fn find<'w>(world: &'w World, arn: &str) -> Option<(&'w Service, &'w Rollout)> {
    let services = world.state.services.values();
    services.into_iter().find_map(|s| s.history.iter().find(|r| r.id == arn).map(|r| (s, r)))
}

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let wanted = input.strings("serviceDeploymentArns");
    names::some_names(&wanted, 20, "serviceDeploymentArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in &wanted {
        match find(world, arn) {
            Some((service, rollout)) => found.push(describe_one(world, service, rollout)),
            None => failures.push(names::failure(arn, "MISSING")),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

pub(crate) fn describe_revisions(world: &mut World, input: &Value) -> Answer {
    let wanted = input.strings("serviceRevisionArns");
    names::some_names(&wanted, 20, "serviceRevisionArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in &wanted {
        match world.state.services.values().find_map(|s| s.revisions.get(arn)) {
            Some(revision) => found.push(revision.clone()),
            None => failures.push(names::failure(arn, "MISSING")),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
}

/// Only ROLLBACK, the documented stop type; ABORT is in the enum but AWS's text names ROLLBACK alone.
pub(crate) fn stop(world: &mut World, input: &Value) -> Answer {
    let arn = input.text("serviceDeploymentArn").unwrap_or_default().to_owned();
    if input.text("stopType") == Some("ABORT") {
        return Err(Fault::not_modelled("stopType ABORT"));
    }
    let Some((service, rollout)) = find(world, &arn) else {
        return Err(Fault::new("ServiceDeploymentNotFoundException", "The service deployment was not found."));
    };
    if rollout.status != "IN_PROGRESS" {
        return Err(Fault::new("ConflictException", "The service deployment is not in progress."));
    }
    let key = service.key();
    if notices::stop_deployment(world, &key) == RolledBack::NothingToGoTo {
        return Err(Fault::client("There is no completed service deployment to roll back to."));
    }
    Ok(json!({"serviceDeploymentArn": arn}))
}

/// Continues or rolls back a deployment that waits at a PAUSE hook. Which exception an unknown hook raises is a guess.
pub(crate) fn go_on(world: &mut World, input: &Value) -> Answer {
    let arn = input.text("serviceDeploymentArn").unwrap_or_default();
    let Some(key) = find(world, arn).map(|(service, _)| service.key()) else {
        return Err(Fault::new("ServiceDeploymentNotFoundException", "The service deployment was not found."));
    };
    let rollouts = world.state.services.get_mut(&key).map(|s| s.history.iter_mut()).into_iter().flatten();
    let in_progress = rollouts.into_iter().find(|r| r.id == arn && r.status == "IN_PROGRESS");
    let Some(rollout) = in_progress else {
        return Err(Fault::invalid("The service deployment is not in progress."));
    };
    let mut runs = rollout.stages.runs.iter_mut();
    let waiting = runs.find(|r| Some(r.id.as_str()) == input.text("hookId") && r.status == "AWAITING_ACTION");
    let Some(run) = waiting else {
        return Err(Fault::invalid("The service deployment has no such hook that awaits an action."));
    };
    run.status = if input.text("action") == Some("ROLLBACK") { "FAILED" } else { "SUCCEEDED" };
    scheduler::wake(world, &key);
    Ok(json!({"serviceDeploymentArn": arn}))
}
