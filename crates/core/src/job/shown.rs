//! Attempts and ended runs in the words of a status.
//!
//! Between `book` and two readers: `judge` puts them into statuses, the command line shows them without an operator. Not here:
//! what stands between a run and its end.

use std::collections::BTreeMap;

use super::book::{Attempt, RunBook};
use super::outcome::{AttemptEnd, Verdict};
use super::record::{AttemptId, RunEnd, RunId, RunResult};
use crate::observe::{ClusterName, Instance, Task};
use crate::observed::Listing;
use crate::status::{AttemptStatus, NodeStatus, RunState, RunStatus};

/// So many attempts of a run are shown: those that are not over, then the newest.
const SHOWN_ATTEMPTS: usize = 60;

/// Container instances by cluster and ARN, as far as they were read.
pub type Instances = BTreeMap<ClusterName, Listing<Instance>>;

/// A run that is over.
pub fn ended(run: &RunId, end: &RunEnd, attempts: Vec<AttemptStatus>) -> RunStatus {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (failed, unknown) = (number(end.failed.len()), number(end.unknown.len()));
    RunStatus {
        run: run.to_string(),
        state: match end.result {
            RunResult::Complete => RunState::Complete,
            RunResult::Failed => RunState::Failed,
            RunResult::DeadlineExceeded => RunState::DeadlineExceeded,
            RunResult::Cancelled => RunState::Cancelled,
            RunResult::Superseded => RunState::Superseded,
            RunResult::Unknown => RunState::Unknown,
        },
        started: end.started,
        ended: Some(end.at),
        completions: end.succeeded.saturating_add(failed).saturating_add(unknown).saturating_add(end.open),
        succeeded: end.succeeded,
        active: 0,
        failed,
        unknown,
        message: end.message.clone(),
        attempts,
    }
}

/// The attempts of a run that are shown, in order.
pub fn attempts(found: &RunBook<'_>, instances: &Instances) -> Vec<AttemptStatus> {
    let mut all: Vec<(&AttemptId, &Attempt<'_>)> = found.attempts.iter().collect();
    all.sort_by_key(|(id, attempt)| (!attempt.is_open(), std::cmp::Reverse(attempt.written), **id));
    all.truncate(SHOWN_ATTEMPTS);
    all.sort_by_key(|(id, _)| **id);
    all.into_iter().map(|(id, found)| attempt(*id, found, instances)).collect()
}

fn attempt(id: AttemptId, attempt: &Attempt<'_>, instances: &Instances) -> AttemptStatus {
    let result = attempt.result.as_ref();
    let task = attempt.task.map(|found| &found.task);
    let cluster = attempt.task.map(|found| found.cluster.as_str()).unwrap_or_default();
    let place = task.and_then(|task| task.container_instance.as_ref());
    let instance = place.and_then(|arn| instances.get(cluster)?.get(arn));
    let intended = attempt.intent.as_ref().and_then(|intent| intent.devices.as_ref());
    let nodes: Vec<NodeStatus> =
        if attempt.is_gang() { (0..attempt.nodes()).map(|rank| node(rank, attempt)).collect() } else { Vec::new() };
    let state = state(result, task).unwrap_or_else(|| gathered(attempt, &nodes));
    let shown = result.and_then(|result| result.task.clone());
    AttemptStatus {
        attempt: id.to_string(),
        state,
        task: shown.or_else(|| task.and_then(|task| task.arn.rsplit('/').next().map(str::to_owned))),
        instance: instance.and_then(|instance| instance.ec2_id.clone()),
        instance_type: intended
            .map(|(kind, _)| kind.clone())
            .or_else(|| instance.and_then(|i| i.instance_type.clone())),
        devices: intended.map(|(_, set)| set.clone()),
        exit_code: result.and_then(|result| result.exit_code),
        failure: result.and_then(|result| result.failure),
        reason: result.map(|result| result.reason.clone()).filter(|reason| !reason.is_empty()),
        nodes,
        started: result.and_then(|result| result.started).or_else(|| first_start(attempt)),
        ended: result.and_then(|result| result.ended).or_else(|| task.and_then(|task| task.stopped)),
    }
}

fn first_start(attempt: &Attempt<'_>) -> Option<jiff::Timestamp> {
    attempt.tasks().filter_map(|found| found.task.started).min()
}

/// How a task has ended or stands; nothing if there is none.
fn state(result: Option<&AttemptEnd>, task: Option<&Task>) -> Option<String> {
    let ended = result.map(|result| match result.verdict {
        Verdict::Succeeded => "Succeeded",
        Verdict::Failed => "Failed",
        Verdict::Cancelled => "Stopped",
        Verdict::Unknown => "Unknown",
    });
    ended.map(str::to_owned).or_else(|| task.map(|task| task.last_status.clone()))
}

/// How an attempt stands that has no task of its own.
fn gathered(attempt: &Attempt<'_>, nodes: &[NodeStatus]) -> String {
    let all_run = !nodes.is_empty() && nodes.iter().all(|node| node.state == "RUNNING");
    let word = match attempt.members.instances() {
        _ if all_run => "RUNNING",
        Some(_) => "Starting",
        None if attempt.is_gang() => "Gathering",
        None => "Intended",
    };
    word.to_owned()
}

fn node(rank: u32, attempt: &Attempt<'_>) -> NodeStatus {
    let member = attempt.members.node(rank);
    let task = member.task.map(|found| &found.task);
    let (result, id) = (member.result.as_ref(), task.and_then(|task| task.arn.rsplit('/').next().map(str::to_owned)));
    let instances = attempt.members.instances().map(|nodes| &nodes.instances);
    NodeStatus {
        rank,
        state: state(result, task).unwrap_or_else(|| "Intended".to_owned()),
        task: result.and_then(|result| result.task.clone()).or(id),
        instance: usize::try_from(rank).ok().and_then(|rank| instances?.get(rank).cloned()),
        exit_code: result.and_then(|result| result.exit_code),
        reason: result.map(|result| result.reason.clone()).filter(|reason| !reason.is_empty()),
    }
}
