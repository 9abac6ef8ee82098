//! What must hold where several nodes work together on an attempt: all of them, or none.
//!
//! Part of `job_rules`; `ledger` knows every task. A node that fails, is lost or comes too late ends the attempt as a whole.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::audit::{Auditor, Upset};
use super::fleet::CLUSTER;
use super::job::START_MINUTES;
use super::ledger::Attempt;

/// `startDeadline` of every job of these fleets.
const START_WITHIN: Duration = Duration::from_mins(START_MINUTES);
/// So long after its deadline, or after one of its nodes has failed, the tasks of an attempt have been told to stop: a reading is
/// half a minute old, and calls are tried again.
const PARTLY: Duration = Duration::from_mins(5);
/// What keeps processes from seeing or doing that is felt for so long.
const FELT: Duration = Duration::from_mins(30);

impl Auditor {
    /// A task of an attempt was started, of which its record says that so many nodes belong to it.
    pub(super) fn started_node(&mut self, attempt: &Attempt, nodes: Option<u64>) {
        match (attempt.node, nodes) {
            (None, None) => {}
            (Some(node), Some(nodes)) if u64::from(node) < nodes => {
                let placed = self.record(&format!("{}.nodes", attempt.whole()));
                let instances = placed.map(|(placed, _)| placed["instances"].as_array().map_or(0, Vec::len));
                if instances.and_then(|count| u64::try_from(count).ok()) != Some(nodes) {
                    self.find(&format!(
                        "{attempt} was started and {instances:?} instances are on record for {nodes} nodes"
                    ));
                }
            }
            _ => self.find(&format!("{attempt} was started, of {nodes:?} nodes")),
        }
    }

    /// Whether an attempt of several nodes has to end because of one of them, or because they are late.
    pub(super) fn is_spoilt(&self, attempt: &Attempt) -> bool {
        let whole = attempt.whole();
        attempt.node.is_some()
            && (self.failed_at(&whole).is_some()
                || self.record(&format!("{whole}.end")).is_some()
                || self.start_deadline(&whole).is_some_and(|deadline| deadline <= self.present()))
    }

    /// When the first of its nodes ended without having done its work.
    fn failed_at(&self, whole: &Attempt) -> Option<Timestamp> {
        let ends = self.ledger.lives(whole).filter_map(|(_, life)| life.ended.as_ref());
        ends.filter(|end| !end.is_well()).map(|end| end.at).min()
    }

    /// Until when all of its nodes had to run.
    fn start_deadline(&self, whole: &Attempt) -> Option<Timestamp> {
        self.record(&format!("{whole}.nodes")).map(|(_, written)| written + START_WITHIN)
    }

    /// Whether something keeps processes from seeing or doing what they should, or did until a while ago.
    pub(super) fn is_hindered(&self) -> bool {
        let upsets = [Upset::StaleReads, Upset::Absent, Upset::BadNetwork];
        upsets.into_iter().any(|upset| self.lately(upset, FELT))
    }

    /// No attempt goes on with a part of its nodes.
    pub(super) fn partial_gangs(&mut self) {
        if self.is_hindered() {
            return;
        }
        let now = self.present();
        let live: BTreeSet<Attempt> =
            self.ledger.live().filter(|attempt| attempt.node.is_some()).map(Attempt::whole).collect();
        for whole in live {
            let lives: Vec<(String, bool, usize)> =
                self.ledger.lives(&whole).map(|(_, life)| (life.task.clone(), life.ended.is_none(), life.of)).collect();
            let is_short = lives.first().is_some_and(|(_, _, of)| lives.len() < *of);
            let late = self.start_deadline(&whole).filter(|_| is_short);
            let Some(since) = self.failed_at(&whole).into_iter().chain(late).min() else { continue };
            let running: Vec<&String> = lives.iter().filter(|(_, live, _)| *live).map(|(task, ..)| task).collect();
            let seen = self.see("ecs", "DescribeTasks", json!({"cluster": CLUSTER, "tasks": running}));
            let goes_on = seen["tasks"].as_array().into_iter().flatten().any(|task| task["desiredStatus"] == "RUNNING");
            if goes_on && now.duration_since(since).unsigned_abs() > PARTLY && now > since {
                self.find(&format!("{whole} goes on with a part of its nodes since {since}"));
            }
        }
    }
}
