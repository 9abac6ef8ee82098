//! Imagines the effect of steps on records and tasks of jobs.
//!
//! Part of `preview`. A task that is started runs; when it ends is not imagined.

use crate::observe::{Parameter, StandaloneTask, Task};
use crate::observed::{Listing, Observed};
use crate::shape::run_task::RunTask;
use crate::step::{Action, Step};

/// Files the effect that a step of a job has if AWS does as asked. Other steps have none here.
pub(super) fn put(observed: &mut Observed, name: &str, value: &str) {
    let parameter = Parameter { name: name.to_owned(), value: value.to_owned(), written: None };
    observed.records.put(name.to_owned(), parameter);
}

pub(super) fn delete(observed: &mut Observed, names: &[String]) {
    for name in names {
        observed.records.remove(name);
    }
}

pub(super) fn run(observed: &mut Observed, request: &RunTask) {
    let cluster = request.cluster.clone().unwrap_or_default();
    let group = request.group.clone().unwrap_or_default();
    // A node of several is bound to its instance.
    let mut bound = request.placement_constraints.iter().filter_map(|found| found.expression.as_deref());
    let bound = bound.find_map(|text| text.strip_prefix("ec2InstanceId == "));
    let instances = observed.instances.get(&cluster).into_iter().flat_map(Listing::iter);
    let instance = instances.into_iter().find(|found| bound.is_some() && found.ec2_id.as_deref() == bound);
    let container_instance = instance.map(|found| found.arn.clone());
    let arn = format!("task/{cluster}/{}", request.client_token.as_deref().unwrap_or_default());
    let task = Task {
        arn: arn.clone(),
        task_definition: request.task_definition.clone().unwrap_or_default(),
        last_status: "RUNNING".to_owned(),
        desired_status: "RUNNING".to_owned(),
        health: None,
        container_instance,
        availability_zone: None,
        created: None,
        started: None,
        stopped: None,
        stopped_reason: None,
        stop_code: None,
        containers: Vec::new(),
    };
    let listing =
        observed.standalone.entry(cluster.clone()).or_insert_with(|| Listing::Read(std::collections::BTreeMap::new()));
    listing.put(arn, StandaloneTask { group, cluster, task });
}

pub(super) fn stop(observed: &mut Observed, step: &Step) {
    let Action::StopTask { cluster, task, reason } = &step.action else { return };
    let found = observed.standalone.get_mut(cluster).and_then(|listing| listing.get_mut(task));
    if let Some(found) = found {
        "STOPPED".clone_into(&mut found.task.desired_status);
        "STOPPED".clone_into(&mut found.task.last_status);
        found.task.stopped_reason = Some(reason.clone());
        found.task.stop_code = Some("UserInitiated".to_owned());
    }
}
