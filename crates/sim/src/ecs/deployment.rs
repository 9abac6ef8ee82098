//! Deployments of a service: starting one, completing one, failing one, rolling back. Neighbours: `service` and `rollout`
//! ask for them, `scheduler` decides when they are done.

use serde_json::{Value, json};

use super::{alarms, balancers, describe, revised, stage, task_definition};
use crate::{
    state::{Deployment, Rollout, Service, ServiceEvent, Steady},
    wire::value::{Read, pick, put, put_some, stamp},
    world::World,
};

/// Says something in the service's events.
pub(crate) fn say(world: &mut World, service: &mut Service, message: String) {
    let event = ServiceEvent { id: world.ids.uuid(), at: world.now, message };
    service.say(event);
}

/// Starts a deployment of what the service now is; the one before it is superseded.
pub(crate) fn start(world: &mut World, service: &mut Service) {
    let now = world.now;
    for rollout in service.history.iter_mut().filter(|r| r.finished_at.is_none()) {
        rollout.status = "STOPPED";
        rollout.reason = Some("Service deployment was superseded by a newer one.".to_owned());
        rollout.finished_at = Some(now);
        rollout.stopped_at = Some(now);
        rollout.updated_at = now;
    }
    let path = format!("{}/{}", service.cluster, service.name);
    let number = world.ids.decimal();
    let revision = world.arn(&format!("service-revision/{path}/{number}"));
    let sources: Vec<String> = service.deployments.iter().map(|d| d.revision.clone()).collect();
    let deployment = fresh(world, service, revision.clone());
    service.revisions.insert(revision.clone(), describe_revision(world, service, &revision));
    let configuration = service.document.at("deploymentConfiguration").cloned().unwrap_or_default();
    let breaker = configuration.at("deploymentCircuitBreaker").and_then(|b| b.flag("enable")).unwrap_or(false);
    let hex = world.ids.hex(21);
    service.history.insert(
        0,
        Rollout {
            id: world.arn(&format!("service-deployment/{path}/{hex}")),
            deployment: deployment.id.clone(),
            target: revision,
            stages: stage::first(&sources),
            alarms: alarms::watch(world, &configuration),
            sources,
            status: "IN_PROGRESS",
            reason: None,
            configuration,
            created_at: now,
            updated_at: now,
            finished_at: None,
            stopped_at: None,
            rollback: None,
            failures: 0,
            breaker: if breaker { "MONITORING" } else { "DISABLED" },
        },
    );
    service.deployments.insert(0, deployment);
    service.steady = Steady::No;
}

fn fresh(world: &mut World, service: &Service, revision: String) -> Deployment {
    let id = format!("ecs-svc/{}", world.ids.decimal());
    Deployment {
        rollout_reason: format!("ECS deployment {id} in progress."),
        id,
        revision,
        definition: service.definition.clone(),
        strategy: service.strategy.clone(),
        launch_type: service.launch_type.clone(),
        network: service.document.at("networkConfiguration").cloned(),
        rollout: "IN_PROGRESS",
        failed: 0,
        created_at: world.now,
        updated_at: world.now,
        streak: 0,
        not_before: None,
        bake_until: None,
        unplaced_said: None,
    }
}

fn describe_revision(world: &World, service: &Service, arn: &str) -> Value {
    let definition = task_definition::document(world, &service.definition);
    let mut out = json!({
        "serviceRevisionArn": arn,
        "serviceArn": service.arn,
        "clusterArn": world.arn(&format!("cluster/{}", service.cluster)),
        "taskDefinition": service.definition,
        "containerImages": describe::images(&definition),
        "guardDutyEnabled": false,
        "createdAt": stamp(world.now),
        "loadBalancers": service.document.list("loadBalancers"),
        "serviceRegistries": service.document.list("serviceRegistries"),
    });
    if !service.strategy.is_empty() {
        put(&mut out, "capacityProviderStrategy", service.strategy.clone());
    }
    put_some(&mut out, "launchType", service.launch_type.clone());
    put_some(&mut out, "resolvedConfiguration", balancers::resolved(service));
    put_some(&mut out, "networkConfiguration", service.document.at("networkConfiguration").cloned());
    for key in revised::MEMBERS {
        put_some(&mut out, key, service.revised.at(key).cloned());
    }
    out
}

/// The primary deployment has done its work.
pub(crate) fn complete(world: &mut World, service: &mut Service) {
    let now = world.now;
    let Some(primary) = service.primary_mut() else { return };
    primary.rollout = "COMPLETED";
    primary.rollout_reason = format!("ECS deployment {} completed.", primary.id);
    primary.updated_at = now;
    let id = primary.id.clone();
    if let Some(rollout) = service.rollout_mut(&id) {
        let back = rollout.rollback.is_some();
        if rollout.finished_at.is_none() {
            rollout.status = if back { "ROLLBACK_SUCCESSFUL" } else { "SUCCESSFUL" };
            rollout.finished_at = Some(now);
            rollout.updated_at = now;
        }
        if rollout.breaker == "MONITORING" {
            rollout.breaker = "MONITORING_COMPLETE";
        }
        if rollout.alarms.status == "MONITORING" {
            rollout.alarms.status = "MONITORING_COMPLETE";
        }
    }
    let message = format!("(service {}) (deployment {id}) deployment completed.", service.name);
    say(world, service, message);
}

/// How many failed tasks the circuit breaker bears.
pub(crate) fn threshold(service: &Service) -> i64 {
    let breaker = service.document.at("deploymentConfiguration").and_then(|c| c.at("deploymentCircuitBreaker"));
    let configuration = breaker.and_then(|b| b.at("thresholdConfiguration"));
    let value = configuration.and_then(|c| c.number("value")).unwrap_or(50);
    let share = (service.desired.saturating_mul(value) + 99) / 100;
    match configuration.and_then(|c| c.text("type")) {
        Some("COUNT") => value,
        Some("UNBOUNDED_PERCENT") => share.max(1),
        _ => share.clamp(3, 200),
    }
}

/// What the circuit breaker is set to.
pub(crate) fn breaker(service: &Service, key: &str) -> Option<bool> {
    let configuration = service.document.at("deploymentConfiguration")?;
    configuration.at("deploymentCircuitBreaker")?.flag(key)
}

/// What makes a deployment fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The circuit breaker has opened.
    Breaker,
    /// These alarms have gone off.
    Alarms(Vec<String>),
    /// A lifecycle hook failed or timed out; this is how it is said.
    Hook(String),
}

impl Failure {
    fn said(&self) -> String {
        match self {
            Self::Breaker => "tasks failed to start.".to_owned(),
            Self::Alarms(_) => "alarm detected.".to_owned(),
            Self::Hook(reason) => reason.clone(),
        }
    }

    fn by(&self) -> &'static str {
        match self {
            Self::Breaker => "ECS deployment circuit breaker",
            Self::Alarms(_) => "ECS deployment alarms",
            Self::Hook(_) => "ECS deployment lifecycle hook",
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Breaker => "The circuit breaker threshold was exceeded.".to_owned(),
            Self::Alarms(names) => format!("Alarms went off: {}.", names.join(", ")),
            Self::Hook(reason) => reason.clone(),
        }
    }

    /// Whether it rolls back: a failed hook always does, the others when they are set to.
    fn rolls_back(&self, service: &Service) -> bool {
        match self {
            Self::Breaker => breaker(service, "rollback").unwrap_or(false),
            Self::Alarms(_) => {
                let alarms = service.history.first().and_then(|r| r.configuration.at("alarms"));
                alarms.and_then(|a| a.flag("rollback")).unwrap_or(false)
            }
            Self::Hook(_) => true,
        }
    }
}

/// The deployment has failed.
pub(crate) fn fail(world: &mut World, service: &mut Service, failure: &Failure) {
    let now = world.now;
    let name = service.name.clone();
    let back = failure.rolls_back(service);
    let (by, said) = (failure.by(), failure.said());
    let Some(primary) = service.primary_mut() else { return };
    primary.rollout = "FAILED";
    primary.rollout_reason = format!("{by}: {said}");
    primary.updated_at = now;
    let id = primary.id.clone();
    say(world, service, format!("(service {name}) (deployment {id}) deployment failed: {said}"));
    let reason = match failure {
        Failure::Breaker if back => {
            "Service deployment rolled back because the circuit breaker threshold was exceeded.".to_owned()
        }
        other if back => format!("Service deployment rolled back. {}", other.reason()),
        other => other.reason(),
    };
    if let Some(rollout) = service.rollout_mut(&id) {
        match failure {
            Failure::Breaker => rollout.breaker = "TRIGGERED",
            Failure::Alarms(names) => {
                rollout.alarms.status = "TRIGGERED";
                rollout.alarms.triggered.clone_from(names);
            }
            Failure::Hook(_) => {}
        }
        rollout.updated_at = now;
        rollout.reason = Some(reason.clone());
    }
    if back && roll_back(world, service, by, &reason) == RolledBack::Yes {
        return;
    }
    // AWS: with nothing to roll back to, the deployment stalls in FAILED.
    if let Some(rollout) = service.rollout_mut(&id) {
        rollout.status = if back { "ROLLBACK_FAILED" } else { "STOPPED" };
        rollout.finished_at = Some(now);
        rollout.stopped_at = Some(now);
    }
}

/// The last service deployment that completed, rolled back or not.
pub(crate) fn last_completed(service: &Service) -> Option<&Rollout> {
    service.history.iter().find(|r| matches!(r.status, "SUCCESSFUL" | "ROLLBACK_SUCCESSFUL"))
}

/// The revision that a completed service deployment left in place.
pub(crate) fn left_in_place(rollout: &Rollout) -> &str {
    rollout.rollback.as_ref().and_then(|b| b.text("serviceRevisionArn")).unwrap_or(&rollout.target)
}

/// Whether there was something to roll back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RolledBack {
    Yes,
    NothingToGoTo,
}

/// Makes the last completed deployment primary again: as it still is, or anew when its tasks are gone.
pub(crate) fn roll_back(world: &mut World, service: &mut Service, by: &str, reason: &str) -> RolledBack {
    let Some(failed) = service.deployments.first().map(|d| d.id.clone()) else { return RolledBack::NothingToGoTo };
    let Some(last) = last_completed(service) else { return RolledBack::NothingToGoTo };
    let (deployment, target) = (last.deployment.clone(), left_in_place(last).to_owned());
    let document = service.revisions.get(&target).cloned().unwrap_or_default();
    service.definition = String::from(document.text("taskDefinition").unwrap_or_default());
    service.strategy = document.list("capacityProviderStrategy").to_vec();
    service.launch_type = document.text("launchType").map(str::to_owned);
    for key in ["networkConfiguration", "loadBalancers", "serviceRegistries"] {
        put(&mut service.document, key, document.at(key).cloned().unwrap_or_default());
    }
    service.revised = pick(&document, &revised::MEMBERS);
    let kept = service.deployments.iter().position(|d| d.id == deployment && d.revision == target);
    let mut primary = match kept {
        Some(index) => service.deployments.remove(index),
        None => fresh(world, service, target.clone()),
    };
    primary.rollout = "IN_PROGRESS";
    primary.rollout_reason = format!("{by}: rolling back to deploymentId {}.", primary.id);
    primary.updated_at = world.now;
    let id = primary.id.clone();
    service.deployments.insert(0, primary);
    let now = world.now;
    if let Some(rollout) = service.history.iter_mut().find(|r| r.deployment == failed) {
        rollout.status = "ROLLBACK_IN_PROGRESS";
        rollout.deployment.clone_from(&id);
        rollout.rollback = Some(json!({"reason": reason, "startedAt": stamp(now), "serviceRevisionArn": target}));
        rollout.updated_at = now;
    }
    let message = format!("(service {}) rolling back to deployment {id}.", service.name);
    say(world, service, message);
    RolledBack::Yes
}
