//! What a group has done and tries to do: its scaling activities. Neighbours: `scaling` and `launch` record them, `describe`
//! shows them. Causes are told as AWS tells them; their texts are guesses where no document shows one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::group::Group;
use crate::{
    wire::{value::put_some, xml::instant},
    world::World,
};

/// How many activities a group keeps. AWS keeps them for six weeks.
const KEPT: usize = 500;
/// How long a StatusMessage can be, by the service model.
const MESSAGE: usize = 255;

/// One scaling activity.
#[derive(Debug, Clone)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) cause: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// ScalingActivityStatusCode.
    pub(crate) status: &'static str,
    pub(crate) message: Option<String>,
    pub(crate) progress: i64,
    /// Subnet and zone, as JSON text.
    pub(crate) details: String,
}

/// What an activity begins with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) description: String,
    pub(crate) cause: String,
    /// Subnet and zone.
    pub(crate) place: Option<(String, String)>,
}

/// Records an activity that goes on, and returns its id.
pub(crate) fn begin(world: &mut World, group: &str, start: Start) -> String {
    let id = world.ids.uuid();
    let details = match start.place {
        Some((subnet, zone)) => json!({"Subnet ID": subnet, "Availability Zone": zone}).to_string(),
        None => "{}".to_owned(),
    };
    let activity = Activity {
        id: id.clone(),
        description: start.description,
        cause: start.cause,
        started_at: world.now,
        ended_at: None,
        status: "InProgress",
        message: None,
        progress: 50,
        details,
    };
    if let Some(group) = world.state.groups.get_mut(group) {
        group.activities.push(activity);
        let surplus = group.activities.len().saturating_sub(KEPT);
        group.activities.drain(..surplus);
    }
    id
}

/// Records an activity that has failed at once.
pub(crate) fn fail(world: &mut World, name: &str, start: Start, message: String) {
    let id = begin(world, name, start);
    let now = world.now;
    if let Some(group) = world.state.groups.get_mut(name) {
        end(group, &id, now, "Failed", Some(message));
    }
}

/// Ends an activity.
pub(crate) fn end(group: &mut Group, id: &str, now: Timestamp, status: &'static str, message: Option<String>) {
    if let Some(activity) = group.activities.iter_mut().find(|a| a.id == id && a.ended_at.is_none()) {
        activity.status = status;
        activity.message = message.map(|m| m.chars().take(MESSAGE).collect());
        activity.ended_at = Some(now);
        activity.progress = 100;
    }
}

/// Changes the status of an activity that goes on.
pub(crate) fn say(group: &mut Group, id: &str, status: &'static str) {
    if let Some(activity) = group.activities.iter_mut().find(|a| a.id == id && a.ended_at.is_none()) {
        activity.status = status;
    }
}

/// An activity as AWS shows it.
pub(crate) fn shown(group: &Group, activity: &Activity) -> Value {
    let mut out = json!({
        "ActivityId": activity.id,
        "AutoScalingGroupName": group.name,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": instant(activity.started_at),
        "StatusCode": activity.status,
        "Progress": activity.progress,
        "Details": activity.details,
        "AutoScalingGroupARN": group.arn,
    });
    put_some(&mut out, "EndTime", activity.ended_at.map(instant));
    put_some(&mut out, "StatusMessage", activity.message.clone());
    out
}
