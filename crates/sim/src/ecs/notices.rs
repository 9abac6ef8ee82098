//! What tasks tell their service: running, healthy or not, stopped, without a place. Neighbours: `task` and `capacity` tell,
//! `scheduler` acts on it when it next looks, `rollout` stops a deployment through here.

use super::{
    deployment::{self, RolledBack},
    placement::Refused,
    scheduler::{TRUSTED_AFTER, wake, wake_at},
    task::{self, Stop},
};
use crate::{
    engine::Event,
    quirks::CrashAfterRunning,
    state::{Service, Steady, Task},
    wire::value::later,
    world::World,
};

/// AWS publishes the longest delay between starts of failing tasks, 27 minutes; the growth is a guess.
const LONGEST_DELAY: i64 = 27 * 60;
const FREE_FAILURES: u32 = 3;
const SAY_AGAIN: i64 = 600;

type Key = (String, String);

/// A task of a service has begun to run.
pub(crate) fn task_runs(world: &mut World, key: &Key, id: &str) {
    let at = later(world.now, TRUSTED_AFTER);
    let deployment = world.state.tasks.get(id).and_then(|t| t.deployment.clone());
    if let Some(service) = world.state.services.get_mut(key) {
        for d in service.deployments.iter_mut().filter(|d| Some(&d.id) == deployment.as_ref()) {
            d.streak = 0;
            d.not_before = None;
        }
    }
    wake(world, key);
    world.queue.push_once(at, Event::Service(key.0.clone(), key.1.clone()));
}

/// A task of a service has passed or failed its health checks.
pub(crate) fn task_verdict(world: &mut World, key: &Key, id: &str) {
    let Some(task) = world.state.tasks.get(id) else { return };
    let (unhealthy, deployment) = (task.containers.iter().any(|c| c.health == "UNHEALTHY"), task.deployment.clone());
    let Some(mut service) = world.state.services.get(key).cloned() else { return };
    let reset = deployment::breaker(&service, "resetOnHealthyTask").unwrap_or(true);
    let name = service.name.clone();
    if unhealthy {
        deployment::say(world, &mut service, format!("(service {name}) (task {id}) failed container health checks."));
    }
    for d in service.deployments.iter_mut().filter(|d| Some(&d.id) == deployment.as_ref()) {
        if unhealthy {
            d.failed += 1;
        } else if reset {
            d.failed = 0;
        }
    }
    note_failures(&mut service);
    world.state.services.insert(key.clone(), service);
    if unhealthy {
        let reason = "Task failed container health checks";
        task::stop(world, id, Stop { code: "ServiceSchedulerInitiated", reason });
    }
    wake(world, key);
}

fn note_failures(service: &mut Service) {
    let Some((id, failed)) = service.deployments.first().map(|d| (d.id.clone(), d.failed)) else { return };
    if let Some(rollout) = service.rollout_mut(&id) {
        rollout.failures = failed;
    }
}

/// A task of a service has stopped: what that says about its deployment.
pub(crate) fn task_stopped(world: &mut World, key: &Key, id: &str) {
    let crash = world.options.quirks.crash_after_running;
    let now = world.now;
    let Some(task) = world.state.tasks.get(id) else { return };
    let never_ran = task.times.started.is_none() && task.stop_code == Some("TaskFailedToStart");
    let crashed = task.stop_code == Some("EssentialContainerExited") && crash == CrashAfterRunning::AFailure;
    let deployment = task.deployment.clone();
    let Some(mut service) = world.state.services.get(key).cloned() else { return };
    service.steady = Steady::No;
    let mut delayed = None;
    for d in service.deployments.iter_mut().filter(|d| Some(&d.id) == deployment.as_ref()) {
        d.failed += i64::from(never_ran || crashed);
        d.streak += u32::from(never_ran);
        if never_ran && d.streak >= FREE_FAILURES {
            let growth = 1_i64.checked_shl(d.streak - FREE_FAILURES).filter(|g| *g > 0).unwrap_or(i64::MAX);
            let at = later(now, growth.saturating_mul(15).min(LONGEST_DELAY));
            d.not_before = Some(at);
            delayed = Some(at);
        }
    }
    note_failures(&mut service);
    if let Some(at) = delayed {
        let name = service.name.clone();
        let message = format!("(service {name}) is unable to consistently start tasks successfully.");
        deployment::say(world, &mut service, message);
        wake_at(world, &service, at);
    }
    world.state.services.insert(key.clone(), service);
    wake(world, key);
}

/// Says that a service with a launch type found no place, not more often than every ten minutes.
pub(crate) fn nowhere(world: &mut World, service: &mut Service, refused: &Refused) {
    let now = world.now;
    let primary = service.deployments.first_mut();
    let Some(found) = primary.filter(|d| d.unplaced_said.is_none_or(|at| later(at, SAY_AGAIN) <= now)) else { return };
    found.unplaced_said = Some(now);
    let message = format!("(service {}) was unable to place a task because {}", service.name, refused.said());
    deployment::say(world, service, message);
}

/// Says that a waiting task of a service found no place, not more often than every ten minutes.
pub(crate) fn unable_to_place(world: &mut World, task: &Task, refused: Option<&Refused>) {
    let Some(name) = &task.service else { return };
    let key = (task.cluster.clone(), name.clone());
    let now = world.now;
    let Some(mut service) = world.state.services.get(&key).cloned() else { return };
    let found = service.deployments.iter_mut().find(|d| Some(&d.id) == task.deployment.as_ref());
    let Some(found) = found.filter(|d| d.unplaced_said.is_none_or(|at| later(at, SAY_AGAIN) <= now)) else { return };
    found.unplaced_said = Some(now);
    let provider = task.provider.clone().unwrap_or_default();
    let message = match refused {
        Some(refused) => format!("(service {name}) was unable to place a task because {}", refused.said()),
        None => format!(
            "(service {name}) was unable to place a task. Reason: No instance of the capacity provider {provider} could \
             be found or launched for it."
        ),
    };
    deployment::say(world, &mut service, message);
    world.state.services.insert(key, service);
}

/// Stops a deployment on request and goes back to the last one that completed.
pub(crate) fn stop_deployment(world: &mut World, key: &Key) -> RolledBack {
    let Some(mut service) = world.state.services.get(key).cloned() else { return RolledBack::NothingToGoTo };
    let done =
        deployment::roll_back(world, &mut service, "ECS deployment", "The service deployment was stopped by a user.");
    if done == RolledBack::Yes {
        for d in service.deployments.iter_mut().skip(1).filter(|d| d.rollout == "IN_PROGRESS") {
            d.rollout = "FAILED";
            d.rollout_reason = String::from("The service deployment was stopped by a user.");
        }
    }
    world.state.services.insert(key.clone(), service);
    wake(world, key);
    done
}
