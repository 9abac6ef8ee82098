//! When a deployment is complete and a service steady. Neighbours: `scheduler` asks after every look.
//! Sources: DeploymentConfiguration and DeploymentEarlySuccessCriteria in the ECS API reference, and "Bake time" on the page
//! "How CloudWatch alarms detect Amazon ECS deployment failures".

use super::{
    deployment,
    scheduler::{count, see, wake_at},
    stage,
};
use crate::{
    state::{Service, Steady},
    wire::value::{Read, later},
    world::World,
};

/// AWS: less than five minutes, for deployments with alarms that set no bake time of their own. The value is ours.
const USUAL_BAKE_SECONDS: i64 = 180;

/// Completes the deployment and says that the service is steady, once it is.
pub(crate) fn settle(world: &mut World, service: &mut Service) {
    let seen = see(world, service);
    let healthy = count(&seen, |s| s.stays && s.healthy);
    let left = service.deployments.len() > 1 || count(&seen, |s| !s.stays) > 0;
    let steady = healthy == service.desired && !left && count(&seen, |_| true) == service.desired;
    let in_progress = |service: &Service| service.deployments.first().is_some_and(|d| d.rollout == "IN_PROGRESS");
    if in_progress(service) && due(service, healthy, left, steady) && baked(world, service) {
        deployment::complete(world, service);
    }
    if !steady || service.steady == Steady::Said || in_progress(service) {
        return;
    }
    service.steady = Steady::Said;
    let message = format!("(service {}) has reached a steady state.", service.name);
    deployment::say(world, service, message);
}

/// Whether nothing but the bake time is left to wait for.
#[expect(clippy::fn_params_excessive_bools, reason = "two facts about the same look at the tasks")]
fn due(service: &Service, healthy: i64, left: bool, steady: bool) -> bool {
    if !stage::passed(service) {
        return false;
    }
    let rollout = service.history.first().filter(|r| r.rollback.is_none());
    let early = rollout.and_then(|r| r.configuration.at("earlySuccessCriteria"));
    let Some(early) = early.filter(|e| stage::rolling(service) && e.flag("enable") == Some(true)) else {
        return steady;
    };
    let share = (service.desired * early.number("healthyPercent").unwrap_or(100) + 99) / 100;
    healthy >= share && (!left || early.text("sourceServiceRevisionCleanup") == Some("DEFERRED"))
}

/// The bake time of a rolling deployment; the other strategies have it as a stage.
fn baked(world: &mut World, service: &mut Service) -> bool {
    let rollout = service.history.first().filter(|r| r.rollback.is_none() && stage::rolling(service));
    let seconds = rollout.map_or(0, |r| match r.configuration.number("bakeTimeInMinutes").unwrap_or(0) {
        0 if r.alarms.status == "MONITORING" => USUAL_BAKE_SECONDS,
        minutes => minutes * 60,
    });
    let now = world.now;
    let Some(primary) = service.primary_mut() else { return false };
    let until = *primary.bake_until.get_or_insert_with(|| later(now, seconds));
    if seconds > 0 && until > now {
        wake_at(world, service, until);
        return false;
    }
    true
}
