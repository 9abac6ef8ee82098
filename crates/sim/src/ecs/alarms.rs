//! CloudWatch alarms of deployments. Neighbours: `deployment` begins a watch and fails what it finds, `scheduler` looks,
//! `World::alarm` sets the states. Source: "How CloudWatch alarms detect Amazon ECS deployment failures". ECS polls the
//! alarms at intervals that AWS does not publish; here it sees a change at once.

use serde_json::{Value, json};

use crate::{
    behaviour::AlarmState,
    stages::Watch,
    state::{Rollout, Service},
    wire::value::Read,
    world::World,
};

fn ringing(world: &World, configuration: &Value) -> Vec<String> {
    let names = configuration.at("alarms").map(|a| a.strings("alarmNames")).unwrap_or_default();
    names.into_iter().filter(|n| world.alarms.get(n) == Some(&AlarmState::Alarm)).collect()
}

/// The watch over a deployment that begins. AWS: when an alarm is already in ALARM, the alarms are ignored for the whole
/// deployment, so that a fix can be deployed.
pub(crate) fn watch(world: &World, configuration: &Value) -> Watch {
    let enabled = configuration.at("alarms").and_then(|a| a.flag("enable")).unwrap_or(false);
    let watched = enabled && ringing(world, configuration).is_empty();
    Watch { status: if watched { "MONITORING" } else { "DISABLED" }, triggered: Vec::new() }
}

/// Alarms that have gone off during the deployment that is in progress.
pub(crate) fn gone_off(world: &World, service: &Service) -> Vec<String> {
    let in_progress = service.deployments.first().is_some_and(|d| d.rollout == "IN_PROGRESS");
    let watched = service.history.first().filter(|r| in_progress && r.alarms.status == "MONITORING");
    watched.map(|r| ringing(world, &r.configuration)).unwrap_or_default()
}

/// As DescribeServiceDeployments shows them, when the deployment has any.
pub(crate) fn describe(rollout: &Rollout) -> Option<Value> {
    let alarms = rollout.configuration.at("alarms")?;
    Some(json!({
        "status": rollout.alarms.status,
        "alarmNames": alarms.strings("alarmNames"),
        "triggeredAlarmNames": rollout.alarms.triggered,
    }))
}
