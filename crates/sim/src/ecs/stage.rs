//! Lifecycle stages of blue/green, linear and canary deployments, and the hooks that run at them. Neighbours: `scheduler`
//! asks what a stage allows, `deployment` fails what a hook fails, `rollout` describes and continues.
//! Sources: "Lifecycle hooks for Amazon ECS service deployments", "Pause hooks", "Lambda hooks". Traffic is not modelled, only
//! the time its shift takes, and a stage that AWS repeats for every step of a linear or canary shift runs its hooks once.
//! Guesses: a first deployment goes through the stages too, without shift and bake; a rolling deployment has no stages, so
//! its hooks are stored and never run.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    deployment::{self, Failure},
    scheduler::wake_at,
};
use crate::{
    behaviour::HookActs,
    stages::{HookRun, Stage, Stages},
    state::{Rollout, Service},
    wire::value::{Read, later, put_some, stamp},
    world::World,
};

/// AWS: 24 hours.
const USUAL_TIMEOUT: i64 = 1440;

/// The new set of tasks as the scheduler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewSet {
    /// As many of it are healthy as are desired.
    pub(crate) ready: bool,
    /// There is no older set beside it.
    pub(crate) alone: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Shut,
    Failed(String),
}

pub(crate) fn rolling(service: &Service) -> bool {
    let configuration = service.document.at("deploymentConfiguration");
    configuration.and_then(|c| c.text("strategy")).is_none_or(|s| s == "ROLLING")
}

/// The stage a deployment begins with. RECONCILE_SERVICE happens only with more than one active revision.
pub(crate) fn first(sources: &[String]) -> Stages {
    Stages::from(if sources.len() > 1 { Stage::ReconcileService } else { Stage::PreScaleUp })
}

/// The stage of the deployment in progress; none when there are no stages to mind.
fn at(service: &Service) -> Option<Stage> {
    let in_progress = service.deployments.first().is_some_and(|d| d.rollout == "IN_PROGRESS");
    let rollout = service.history.first().filter(|r| r.rollback.is_none() && in_progress && !rolling(service));
    rollout.map(|r| r.stages.at)
}

/// Whether new tasks may start.
pub(crate) fn may_start(service: &Service) -> bool {
    at(service).is_none_or(|stage| stage >= Stage::ScaleUp)
}

/// Whether every stage before the end is over, so that the old set may go and the deployment may complete.
pub(crate) fn passed(service: &Service) -> bool {
    at(service).is_none_or(|stage| stage == Stage::CleanUp)
}

/// Goes on as far as hooks, tasks and times allow.
pub(crate) fn advance(world: &mut World, service: &mut Service, set: NewSet) {
    while at(service).is_some_and(|stage| stage != Stage::CleanUp) {
        enter(world, service);
        match gate(world, service, set) {
            Gate::Shut => return,
            Gate::Failed(reason) => {
                deployment::fail(world, service, &Failure::Hook(reason));
                wake_at(world, service, world.now);
                return;
            }
            Gate::Open => {
                let now = world.now;
                if let Some(rollout) = service.history.first_mut() {
                    rollout.stages.at = rollout.stages.at.next();
                    rollout.stages.until = None;
                    rollout.updated_at = now;
                }
            }
        }
    }
}

/// Starts the hooks of the stage, once.
fn enter(world: &mut World, service: &mut Service) {
    let Some(rollout) = service.history.first_mut() else { return };
    let stage = rollout.stages.at;
    if rollout.stages.entered == Some(stage) {
        return;
    }
    rollout.stages.entered = Some(stage);
    let here = |h: &&Value| h.strings("lifecycleStages").iter().any(|s| s == stage.name());
    for hook in rollout.configuration.list("lifecycleHooks").iter().filter(here) {
        let pause = hook.text("targetType") == Some("PAUSE");
        let timeout = hook.at("timeoutConfiguration");
        let minutes = timeout.and_then(|t| t.number("timeoutInMinutes")).unwrap_or(USUAL_TIMEOUT);
        let goes_on = timeout.and_then(|t| t.text("action")) == Some("CONTINUE");
        let hex = world.ids.hex(32);
        rollout.stages.runs.push(HookRun {
            id: format!("ecs-{}-{hex}", if pause { "pause" } else { "lambda" }),
            function: hook.text("hookTargetArn").filter(|_| !pause).map(str::to_owned),
            stage,
            status: if pause { "AWAITING_ACTION" } else { "IN_PROGRESS" },
            expires_at: later(world.now, minutes * 60),
            on_timeout: if goes_on { "CONTINUE" } else { "ROLLBACK" },
        });
    }
}

fn gate(world: &mut World, service: &mut Service, set: NewSet) -> Gate {
    let now = world.now;
    let Some(rollout) = service.history.first_mut() else { return Gate::Shut };
    let stage = rollout.stages.at;
    for run in rollout.stages.runs.iter_mut().filter(|r| r.stage == stage && r.open()) {
        let acts = run.function.as_ref().map(|f| world.hooks.get(f).copied().unwrap_or(HookActs::Succeeds));
        run.status = match acts {
            Some(HookActs::Succeeds) => "SUCCEEDED",
            Some(HookActs::Fails) => "FAILED",
            _ if run.expires_at <= now => "TIMED_OUT",
            _ => run.status,
        };
    }
    let runs = || rollout.stages.runs.iter().filter(|r| r.stage == stage);
    let timed_out = |r: &&HookRun| r.status == "TIMED_OUT" && r.on_timeout == "ROLLBACK";
    if let Some(run) = runs().find(|r| r.status == "FAILED" || timed_out(r)) {
        let what = if run.status == "FAILED" { "failed" } else { "timed out" };
        return Gate::Failed(format!("The lifecycle hook {} {what} at {}.", run.id, stage.name()));
    }
    let wait: Option<Timestamp> = runs().filter(|r| r.open()).map(|r| r.expires_at).min();
    if let Some(until) = wait {
        wake_at(world, service, until);
        return Gate::Shut;
    }
    let seconds = match stage {
        Stage::ScaleUp => return if set.ready { Gate::Open } else { Gate::Shut },
        Stage::ProductionTrafficShift if !set.alone => shift_seconds(&rollout.configuration),
        Stage::BakeTime if !set.alone => rollout.configuration.number("bakeTimeInMinutes").unwrap_or(0) * 60,
        _ => 0,
    };
    let until = *rollout.stages.until.get_or_insert_with(|| later(now, seconds));
    if until <= now {
        return Gate::Open;
    }
    wake_at(world, service, until);
    Gate::Shut
}

/// How long traffic takes to move.
fn shift_seconds(configuration: &Value) -> i64 {
    let canary = configuration.at("canaryConfiguration").and_then(|c| c.number("canaryBakeTimeInMinutes")).unwrap_or(0);
    let linear = configuration.at("linearConfiguration").map_or(0, |l| {
        let step = l.get("stepPercent").and_then(Value::as_f64).unwrap_or(100.0).max(0.1);
        let mut steps = 0;
        while f64::from(steps + 1) * step < 100.0 {
            steps += 1;
        }
        i64::from(steps) * l.number("stepBakeTimeInMinutes").unwrap_or(0)
    });
    (canary + linear) * 60
}

/// `lifecycleHookDetails`: every run of the deployment so far.
pub(crate) fn describe(rollout: &Rollout) -> Vec<Value> {
    let row = |run: &HookRun| {
        let mut out = json!({
            "hookId": run.id,
            "targetType": if run.function.is_some() { "AWS_LAMBDA" } else { "PAUSE" },
            "status": run.status,
            "expiresAt": stamp(run.expires_at),
            "timeoutAction": run.on_timeout,
        });
        put_some(&mut out, "targetArn", run.function.clone());
        out
    };
    rollout.stages.runs.iter().map(row).collect()
}
