//! Rules for the container that does the work of a NeuronJob: its end is the end of the task, and it hears what Axon tells it.
//!
//! Neighbours: called by `job`; `resolve` picks the same container, `plan` sets the variables in RunTask. Not here: what is
//! true of any container (`container`).

use serde_json::Value;

use crate::diagnostic::Code;
use crate::parse::escape;
use crate::spec::{Checkpoint, Container, NeuronJob};

use super::subject::Subject;

/// With this, the names of variables begin that tell a task which attempt it is.
const OURS: &str = "AXON_JOB_";
const CONTAINERS: &str = "/spec/template/containers";
const OVERRIDDEN: &str = "/spec/overrides/taskDefinition/containerDefinitions";
/// Characters of a location. With everything else that is said of an attempt it must fit into a record of 4096.
const LONGEST_LOCATION: usize = 1024;

pub(super) fn check(subject: &mut Subject<'_>, job: &NeuronJob) {
    let containers = &job.spec.template.containers;
    let work = job.spec.template.neuron_container().or_else(|| containers.first());
    if let Some(work) = work {
        ends(subject, job, work);
    }
    if let Some(wanted) = &job.spec.checkpoint {
        checkpoint(subject, wanted);
    }
    for (index, container) in containers.iter().enumerate() {
        for (field, names) in [("env", container.env.keys()), ("secrets", container.secrets.keys())] {
            for name in names {
                variable(subject, job, name, &format!("{CONTAINERS}/{index}/{field}/{}", escape(name)));
            }
        }
    }
    for (index, container) in overridden(job).iter().enumerate() {
        let pairs = container.get("environment").and_then(Value::as_array).into_iter().flatten();
        for (pair, name) in pairs.enumerate().filter_map(|(at, pair)| Some((at, pair.get("name")?.as_str()?))) {
            variable(subject, job, name, &format!("{OVERRIDDEN}/{index}/environment/{pair}"));
        }
    }
}

fn overridden(job: &NeuronJob) -> &[Value] {
    let given = job.spec.overrides.task_definition.get("containerDefinitions").and_then(Value::as_array);
    given.map_or(&[], Vec::as_slice)
}

/// The task has to end when the work does, and not before ECS has an exit code.
fn ends(subject: &mut Subject<'_>, job: &NeuronJob, work: &Container) {
    let name = work.name.as_str();
    let index = job.spec.template.containers.iter().position(|container| container.name == work.name);
    let at = format!("{CONTAINERS}/{}", index.unwrap_or_default());
    let mut report = |at: &str, what: &str, help: &str| {
        let message = format!("the container {name} does the work, and {what}");
        subject.report(Code::WorkDoesNotEnd, at, message, help);
    };
    let goes_on = "essential is false: the task would run on without it";
    if !work.essential {
        let help = "Remove `essential: false`; write `neuron: true` on another container if that one does the work.";
        report(&format!("{at}/essential"), goes_on, help);
    }
    let restarts = work.restart_policy.as_ref().filter(|policy| policy.enabled);
    if restarts.is_some_and(|policy| !policy.ignored_exit_codes.contains(&0)) {
        let help =
            "Remove restartPolicy; backoffLimit and retryPolicy try again. To keep it, add 0 to ignoredExitCodes.";
        report(&format!("{at}/restartPolicy"), "ECS would restart it after it has succeeded", help);
    }
    let same = |container: &&Value| container.get("name").and_then(Value::as_str) == Some(name);
    let given = overridden(job).iter().enumerate().find(|(_, container)| same(container));
    if let Some((index, _)) = given.filter(|(_, container)| container.get("essential") == Some(&Value::Bool(false))) {
        report(&format!("{OVERRIDDEN}/{index}/essential"), goes_on, "Remove it.");
    }
}

fn checkpoint(subject: &mut Subject<'_>, wanted: &Checkpoint) {
    let name = &wanted.variable;
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_variable = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    let problem = if name.starts_with(OURS) {
        format!("{name:?} begins with {OURS}, which is for what Axon tells of an attempt")
    } else if is_variable {
        String::new()
    } else {
        format!("{name:?} is no name of an environment variable")
    };
    if !problem.is_empty() {
        let help = "Use letters, digits and `_`, and no digit first; leave it out for AXON_CHECKPOINT.";
        subject.report(Code::CheckpointVariable, "/spec/checkpoint/variable", problem, help);
    }
    let location = &wanted.location;
    let length = location.chars().count();
    let problem = if location.trim().is_empty() {
        "the location is empty".to_owned()
    } else if location.contains(char::is_control) {
        format!("the location {location:?} has line breaks or tabs")
    } else if length > LONGEST_LOCATION {
        format!("the location has {length} characters; {LONGEST_LOCATION} may be")
    } else {
        return;
    };
    let help = "Name a place that outlives the task, such as `s3://bucket/llama`; Axon adds `/` and the index.";
    subject.report(Code::CheckpointLocation, "/spec/checkpoint/location", problem, help);
}

/// What RunTask sets cannot be set by the task definition: the two would not agree, and nobody would see which one counts.
fn variable(subject: &mut Subject<'_>, job: &NeuronJob, name: &str, at: &str) {
    let is_checkpoint = job.spec.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.variable == name);
    if is_checkpoint {
        let help = "Remove it, or give checkpoint.variable another name.";
        subject.report(
            Code::ReservedVariable,
            at,
            format!("{name} is set, and checkpoint sets it for every task"),
            help,
        );
    } else if name.starts_with(OURS) {
        let message = format!("{name} is set, and Axon sets variables that begin with {OURS} for every task");
        subject.report(Code::ReservedVariable, at, message, "Remove it, or give it another name.");
    } else if job.spec.is_gang() && crate::job::gang::RESERVED.contains(&name) {
        let message = format!("{name} is set, and Axon sets it for each of several nodes");
        subject.report(Code::ReservedVariable, at, message, "Remove it.");
    }
}
