//! Attempts on which several nodes work together: where they are, what each is started with, what they come to.
//!
//! Between `book` and `plan/gang`. The instances are written down before the first task is started, and all tasks follow from
//! that record word for word. Sources: Neuron documentation (`NEURON_RT_ROOT_COMM_ID`), PyTorch (`MASTER_ADDR` and the
//! others), libfabric (`FI_*`). Not here: which instances to take.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::{AttemptEnd, OUR_REASON, Verdict};
use super::record::Intent;
use crate::fingerprint::hex;
use crate::observe::StandaloneTask;
use crate::shape::run_task::RunTask;
use crate::shape::service::PlacementConstraint;
use crate::shape::shared::KeyValuePair;
use crate::spec::Failure;

/// Most digits of a `clientToken` (ECS API reference, RunTask).
const TOKEN: usize = 64;
/// Begins the reason for which tasks are stopped that did not all run in time.
pub const LATE: &str = "not all nodes ran in time";

/// What makes an attempt one of several nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gang {
    /// How many nodes.
    pub nodes: u32,
    /// Port of node 0 in `NEURON_RT_ROOT_COMM_ID`.
    pub port: u16,
    /// Seconds for the instances to stand ready, and after that for all tasks to run.
    pub start_within: u32,
}

/// Where the nodes of an attempt are. Written once: whoever wants another end for an attempt that gathers its nodes has to
/// be first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nodes {
    /// EC2 instances by rank; empty if the attempt is over without any task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<String>,
    /// Private address of node 0.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Why it is over without any task, and whether it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<GivenUp>,
}

/// An attempt that was over before a task of it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// In words.
    pub reason: String,
    /// In what way it has failed; nothing if it was to be stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The nodes of one attempt, as far as anything is known of them.
#[derive(Clone, Debug, Default)]
pub struct Members<'a> {
    /// Where they are, and when that was written; no time if it was only just now.
    pub placed: Option<(Nodes, Option<Timestamp>)>,
    /// By rank.
    pub nodes: BTreeMap<u32, Member<'a>>,
}

/// One node.
#[derive(Clone, Debug, Default)]
pub struct Member<'a> {
    /// How it has ended.
    pub result: Option<AttemptEnd>,
    /// The task. Were there ever two, the one that runs.
    pub task: Option<&'a StandaloneTask>,
}

impl Member<'_> {
    /// Whether its task has not stopped.
    pub fn is_live(&self) -> bool {
        self.task.is_some_and(|found| found.task.last_status != "STOPPED")
    }

    /// Whether an instance has taken its task.
    pub fn is_placed(&self) -> bool {
        self.task.is_some_and(|found| found.task.container_instance.is_some())
    }
}

impl Members<'_> {
    /// A node, known or not.
    pub fn node(&self, rank: u32) -> Member<'_> {
        self.nodes.get(&rank).cloned().unwrap_or_default()
    }

    /// Where the nodes are, if that is decided and they are anywhere.
    pub fn instances(&self) -> Option<&Nodes> {
        self.placed.as_ref().map(|(nodes, _)| nodes).filter(|nodes| nodes.given_up.is_none())
    }

    /// Whether nobody has decided yet where the nodes are.
    pub const fn gathers(&self) -> bool {
        self.placed.is_none()
    }

    /// What an attempt comes to, all of whose nodes are over.
    pub fn conclusion(&self, count: u32) -> Option<AttemptEnd> {
        let results: Vec<(u32, &AttemptEnd)> =
            (0..count).map(|rank| Some((rank, self.nodes.get(&rank)?.result.as_ref()?))).collect::<Option<_>>()?;
        let started = results.iter().filter_map(|(_, result)| result.started).min();
        let ended = results.iter().filter_map(|(_, result)| result.ended).max();
        // The first that failed says why; the others were stopped, or failed because of it.
        let failed = results.iter().filter(|(_, result)| result.verdict == Verdict::Failed);
        let failed = failed.min_by_key(|(rank, result)| (result.ended, *rank));
        let late = results.iter().find(|(_, result)| {
            result.verdict == Verdict::Cancelled && result.reason.starts_with(&format!("{OUR_REASON}{LATE}"))
        });
        let of = |verdict: Verdict| results.iter().find(|(_, result)| result.verdict == verdict);
        let (rank, told, verdict, failure) = if let Some((rank, result)) = failed {
            (rank, result, Verdict::Failed, result.failure)
        } else if let Some((rank, result)) = late {
            (rank, result, Verdict::Failed, Some(Failure::Capacity))
        } else if let Some((rank, result)) = of(Verdict::Unknown) {
            (rank, result, Verdict::Unknown, None)
        } else if let Some((rank, result)) = of(Verdict::Cancelled) {
            (rank, result, Verdict::Cancelled, None)
        } else {
            let (rank, result) = results.first()?;
            (rank, result, Verdict::Succeeded, None)
        };
        let reason = match verdict {
            Verdict::Succeeded => told.reason.clone(),
            Verdict::Failed | Verdict::Cancelled | Verdict::Unknown => format!("node {rank}: {}", told.reason),
        };
        Some(AttemptEnd { verdict, failure, reason, started, ended, ..(*told).clone() })
    }
}

/// What a node is started with: the request of its attempt, on its instance, with its rank.
pub fn request(intent: &Intent, nodes: &Nodes, rank: u32) -> Option<RunTask> {
    let instance = nodes.instances.get(usize::try_from(rank).ok()?)?;
    let gang = intent.gang?;
    let mut request = intent.request.clone();
    request.client_token = request.client_token.map(|token| hex(&format!("{token}/{rank}"), TOKEN));
    request.group = request.group.map(|group| format!("{group}.{rank}"));
    request.placement_constraints.push(PlacementConstraint {
        r#type: Some("memberOf".to_owned()),
        expression: Some(format!("ec2InstanceId == {instance}")),
    });
    let told = [
        ("NODE_RANK", rank.to_string()),
        ("RANK", rank.to_string()),
        ("MASTER_ADDR", nodes.address.clone()),
        ("NEURON_RT_ROOT_COMM_ID", format!("{}:{}", nodes.address, gang.port)),
    ];
    let told = told.map(|(name, value)| KeyValuePair { name: Some(name.to_owned()), value: Some(value) });
    for container in request.overrides.iter_mut().flat_map(|overrides| &mut overrides.container_overrides) {
        container.environment.extend(told.clone());
    }
    Some(request)
}

/// Variables that every node gets, beside those of its rank.
pub fn variables(nodes: u32, master_port: u16) -> [(String, String); 4] {
    [
        ("AXON_JOB_NODES", nodes.to_string()),
        ("NNODES", nodes.to_string()),
        ("WORLD_SIZE", nodes.to_string()),
        ("MASTER_PORT", master_port.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// Names of variables that a template of several nodes may not set itself.
pub const RESERVED: [&str; 7] =
    ["NODE_RANK", "RANK", "MASTER_ADDR", "NEURON_RT_ROOT_COMM_ID", "NNODES", "WORLD_SIZE", "MASTER_PORT"];

/// What libfabric needs on an instance with EFA, unless the template says otherwise (Neuron documentation, multi-node setup).
pub const FABRIC: [(&str, &str); 3] =
    [("FI_PROVIDER", "efa"), ("FI_EFA_USE_DEVICE_RDMA", "1"), ("FI_EFA_FORK_SAFE", "1")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::record;
    use crate::shape::run_task::{ContainerOverride, TaskOverride};

    fn intent() -> Intent {
        let container = ContainerOverride { name: Some("train".into()), environment: Vec::new() };
        Intent {
            request: RunTask {
                client_token: Some("t".into()),
                group: Some("axon:prod/train/run/0.1".into()),
                overrides: Some(TaskOverride { container_overrides: vec![container] }),
                ..RunTask::default()
            },
            container: "train".into(),
            devices: None,
            size: (0, 0),
            gang: Some(Gang { nodes: 2, port: 62_182, start_within: 1200 }),
        }
    }

    fn end(verdict: Verdict, reason: &str, second: i64) -> AttemptEnd {
        AttemptEnd::without_task(verdict, reason, Timestamp::from_second(second).unwrap())
    }

    fn members(results: Vec<AttemptEnd>) -> Members<'static> {
        let nodes = (0..).zip(results).map(|(rank, result)| (rank, Member { result: Some(result), task: None }));
        Members { placed: None, nodes: nodes.collect() }
    }

    #[test]
    fn each_node_is_started_on_its_own_instance_with_its_rank_and_the_address_of_node_0() {
        let nodes = Nodes { instances: vec!["i-a".into(), "i-b".into()], address: "10.0.0.7".into(), given_up: None };
        let [first, second] = [0, 1].map(|rank| request(&intent(), &nodes, rank).unwrap());
        assert_ne!(first.client_token, second.client_token, "one token, one task");
        assert_eq!(second.group.as_deref(), Some("axon:prod/train/run/0.1.1"));
        assert_eq!(second.placement_constraints[0].expression.as_deref(), Some("ec2InstanceId == i-b"));
        let told = &second.overrides.as_ref().unwrap().container_overrides[0].environment;
        let value = |name: &str| told.iter().find(|pair| pair.name.as_deref() == Some(name))?.value.clone();
        assert_eq!(value("NODE_RANK").as_deref(), Some("1"));
        assert_eq!(value("MASTER_ADDR").as_deref(), Some("10.0.0.7"));
        assert_eq!(value("NEURON_RT_ROOT_COMM_ID").as_deref(), Some("10.0.0.7:62182"));
        assert_eq!(request(&intent(), &nodes, 2), None, "there is no third instance");
        assert_eq!(request(&intent(), &nodes, 1), Some(second), "word for word the same again");
    }

    #[test]
    fn the_first_node_that_failed_is_why_an_attempt_failed() {
        let results = vec![
            end(Verdict::Cancelled, "axon: node 1 failed", 30),
            AttemptEnd { failure: Some(Failure::ExitCode), exit_code: Some(3), ..end(Verdict::Failed, "b", 20) },
            AttemptEnd { failure: Some(Failure::ExitCode), exit_code: Some(1), ..end(Verdict::Failed, "c", 25) },
        ];
        let found = members(results).conclusion(3).unwrap();
        assert_eq!((found.verdict, found.exit_code, found.reason.as_str()), (Verdict::Failed, Some(3), "node 1: b"));
        assert_eq!(found.ended, Timestamp::from_second(30).ok());
    }

    #[test]
    fn all_nodes_must_be_over_and_all_must_have_succeeded() {
        let ok = || end(Verdict::Succeeded, "", 1);
        assert_eq!(members(vec![ok()]).conclusion(2), None, "one is not over");
        let verdict = |other: AttemptEnd| members(vec![ok(), other]).conclusion(2).unwrap().verdict;
        assert_eq!(verdict(ok()), Verdict::Succeeded);
        assert_eq!(verdict(end(Verdict::Cancelled, "axon: the job is suspended", 1)), Verdict::Cancelled);
        assert_eq!(verdict(end(Verdict::Unknown, "", 1)), Verdict::Unknown);
        assert_eq!(verdict(end(Verdict::Cancelled, &format!("axon: {LATE}"), 1)), Verdict::Failed, "tried later");
    }

    #[test]
    fn the_instances_of_the_largest_gang_fit_into_a_record() {
        let instances = vec!["i-0123456789abcdef0".to_owned(); usize::try_from(crate::spec::MAX_NODES).unwrap()];
        let nodes = Nodes { instances, address: "255.255.255.255".into(), given_up: None };
        assert!(record::write(&nodes).is_some());
    }
}
