//! Longer texts of what is waited for: cause, evidence, next step.
//!
//! Part of `waiting`.

use jiff::Timestamp;

use super::Deviation;
use crate::cloud::{CloudError, ErrorClass};
use crate::spec::ObjectKey;
use crate::step::Resource;

pub(super) fn rolled_back(reason: &str) -> String {
    format!("ECS rolled this specification back: {reason}. It is not deployed again until the specification changes")
}

pub(super) fn compile(job: &ObjectKey, failure: Option<&str>) -> String {
    let name = &job.name;
    match failure {
        None => format!("waits for {job}, which compiles its model"),
        Some(failure) => format!(
            "{job} has not compiled its model: its run {failure}. Mend what made it fail, then change `compile` or the image, or run \
             `axon job retry {name}`"
        ),
    }
}

pub(super) fn surplus(resource: &Resource, tasks: u32) -> String {
    format!("{resource} keeps {tasks} tasks that move to other Neuron devices until they are healthy there")
}

pub(super) fn changed(resource: &Resource, fields: &[Deviation]) -> String {
    let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
    format!(
        "somebody changed {resource}: {}; drift.policy is Report, so it stays until the specification changes",
        fields.join("; ")
    )
}

pub(super) fn gone(resource: &Resource) -> String {
    format!(
        "somebody removed {resource}; drift.policy is Report, so it is not made again until the specification or the policy \
         changes"
    )
}

pub(super) fn kept(resource: &Resource, why: &str) -> String {
    format!("{resource} is no longer declared but stays: {why}")
}

pub(super) fn subnets(group: &str, missing: &[String]) -> String {
    format!(
        "EC2 does not know {} in this account and Region; the subnets of Auto Scaling group {group} stay as they are until \
         `autoScalingGroup.subnets` names only subnets that exist",
        missing.join(", ")
    )
}

pub(super) fn retry(error: &CloudError, attempts: u32, not_before: Timestamp) -> String {
    if error.class == ErrorClass::Throttled {
        let operation = error.operation;
        return format!("AWS takes no more calls of {operation} at present; waits until {not_before:.0}");
    }
    format!("{error}; attempt {attempts} failed, the next is at {not_before:.0}")
}

pub(super) fn image(problem: &str, kept: Option<&str>) -> String {
    match kept {
        Some(kept) => format!("{problem}; {kept} stays in force"),
        None => format!("{problem}; nothing is launched until `ami` leads to an image that can be"),
    }
}

pub(super) fn quarantined(what: &str, template: &str, kept: Option<&str>) -> String {
    let kept = kept.unwrap_or("nothing else");
    format!(
        "a rollout with {what} failed; {kept} is in force. A newer image is tried by itself; to try this one again, run \
         `aws ec2 delete-tags --resources {template} --tags Key=neuron.ecs/quarantined`"
    )
}
