//! Rules about records and tasks of jobs, from nothing but their names.
//!
//! Part of `check`: shares no code with `job` and `plan`.

use super::{Review, Rule};
use crate::observed::Listing;
use crate::shape::run_task::RunTask;
use crate::step::Step;

impl Review<'_> {
    fn job_root(&self) -> String {
        format!("/axon/{}/jobs/", self.world.installation)
    }

    /// Whether there is a record of the end of the run that a record belongs to.
    fn is_over(&self, name: &str) -> bool {
        let run = name.rsplit_once('/').map_or(name, |(run, _)| run);
        self.observed().records.get(&format!("{run}/end")).is_some()
    }

    pub(super) fn put_record(&self, name: &str) -> Vec<(bool, Rule)> {
        vec![
            (self.observed().records.is_read(), Rule::NothingUnread),
            (name.starts_with(&self.job_root()), Rule::OnlyOurs),
            (self.observed().records.get(name).is_none(), Rule::NoDuplicate),
            (!self.is_over(name), Rule::OverIsOver),
        ]
    }

    pub(super) fn delete_records(&self, names: &[String]) -> Vec<(bool, Rule)> {
        let root = self.job_root();
        let ours = names.iter().all(|name| name.starts_with(&root));
        let free = |name: &String| name.ends_with("/since") || self.is_over(name);
        // The end of a run goes last.
        let last = |name: &String| {
            let run = name.strip_suffix("end").filter(|run| run.ends_with('/'));
            run.is_none_or(|run| {
                self.observed().records.iter().filter(|found| found.name.starts_with(run)).count() <= 1
            })
        };
        vec![
            (self.observed().records.is_read(), Rule::NothingUnread),
            (ours && (1..=10).contains(&names.len()), Rule::OnlyOurs),
            (names.iter().all(free) && names.iter().all(last), Rule::RecordNeeded),
        ]
    }

    pub(super) fn run_task(&self, request: &RunTask) -> Vec<(bool, Rule)> {
        let group = request.group.as_deref().unwrap_or_default();
        let ours = format!("axon:{}/", self.world.installation);
        let task = format!("{}{}", self.job_root(), group.strip_prefix(&ours).unwrap_or_default());
        // `3.0.2` is node 2 of attempt `3.0`, whose instances must be written down, too.
        let entry = task.rsplit('/').next().unwrap_or_default();
        let is_node = entry.matches('.').count() == 2;
        let record = task.rsplit_once('.').filter(|_| is_node).map_or(task.as_str(), |(attempt, _)| attempt);
        let has = |name: &str| self.observed().records.get(name).is_some();
        let cluster = request.cluster.as_deref().unwrap_or_default();
        let tasks = self.observed().standalone.get(cluster);
        let seen = tasks.into_iter().flat_map(Listing::iter).any(|found| found.group == group);
        vec![
            (tasks.is_some_and(Listing::is_read), Rule::NothingUnread),
            (group.starts_with(&ours), Rule::OnlyOurs),
            (has(record) && (!is_node || has(&format!("{record}.nodes"))), Rule::IntentFirst),
            (request.client_token.as_ref().is_some_and(|token| !token.is_empty()), Rule::IntentFirst),
            (!has(&format!("{record}.end")) && !has(&format!("{task}.end")) && !self.is_over(record), Rule::OverIsOver),
            (!seen, Rule::NoDuplicate),
        ]
    }

    pub(super) fn stop_task(&self, step: &Step, cluster: &str, task: &str) -> Vec<(bool, Rule)> {
        let found = self.observed().standalone.get(cluster).and_then(|listing| listing.get(task));
        let ours = found.is_some_and(|found| found.group.starts_with(&format!("axon:{}/", self.world.installation)));
        let undeclared = step.because.contains(&crate::step::Cause::NotDeclared);
        vec![
            (ours, Rule::OnlyOurs),
            (!undeclared || self.limits.prune == crate::plan::Prune::Enabled, Rule::PruneAllowed),
            (!undeclared || !self.desired().declares(&step.object), Rule::NothingDeclaredIsDeleted),
        ]
    }
}
