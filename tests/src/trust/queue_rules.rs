//! Whose turn it is: no job starts anything while one that comes before it waits for devices of the same pool.
//!
//! Part of `job_rules`. The queue of a pool is strict (docs/jobs.md). Only those are taken for waiting of which that is sure: what has
//! failed is tried again after a pause, and whoever had a task until a moment ago may not know yet that it has ended.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::audit::{Auditor, Upset};
use super::fleet::{Fleet, Shape};
use super::job::Job;
use super::ledger::Attempt;

/// So long after something has changed a job has had the time to start what it may: a reading is half a minute old.
const NOTICED: Duration = Duration::from_mins(3);
/// A second process, which does not know of what the first one has just done, is felt for so long.
const FELT: Duration = Duration::from_mins(30);

impl Auditor {
    /// A job that waits and comes before the one of which an attempt is to be started.
    pub(super) fn passed_over(&mut self, attempt: &Attempt) -> Option<String> {
        if self.is_hindered() || self.lately(Upset::TwoProcesses, FELT) || self.is_excused("*") {
            return None;
        }
        let fleet = (*self.in_force().first()?).clone();
        let late = fleet.jobs.get(&attempt.job)?.clone();
        let first = fleet.jobs.iter().filter(|(_, job)| comes_before(&fleet, job, &late));
        let first: Vec<(&String, &Job)> = first.collect();
        first.into_iter().find(|(name, job)| self.waits(&fleet, name, job)).map(|(name, _)| name.clone())
    }

    /// Whether a job has had work to do and nothing under way for it for a while.
    fn waits(&mut self, fleet: &Fleet, name: &str, job: &Job) -> bool {
        let now = self.present();
        let is_old = |at: jiff::Timestamp| now.duration_since(at).unsigned_abs() > NOTICED;
        let declared = self.always(|fleet| fleet.jobs.get(name) == Some(job));
        let free = self.is_free_by(fleet, job) && job.after.iter().all(|other| self.has_long_ended(other, &is_old));
        let runs = self.runs_of(name);
        let open: Vec<&String> =
            runs.iter().filter(|run| self.record(&format!("{name}/{run}/end")).is_none()).collect();
        let [run] = open[..] else {
            // It has never begun, or is over.
            return declared && free && runs.is_empty();
        };
        let lives: Vec<_> = self.ledger.of_run(name, run).map(|(_, life)| life).collect();
        let calm = lives.iter().all(|life| life.ended.as_ref().is_none_or(|end| end.is_well() && is_old(end.at)));
        let cancelled = self.record(&format!("{name}/{run}/cancel")).is_some();
        let under_way = self.open(name, run);
        let done = self.ledger.done(name, run).len();
        let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let current = lives.iter().all(|life| life.image == job.image()) && !job.marred;
        let lacks =
            under_way < number(job.parallelism.min(job.completions)) && under_way + done < number(job.completions);
        declared && free && calm && !cancelled && current && lacks && self.nothing_is_written(name, run, &is_old)
    }

    /// Runs that are on record.
    fn runs_of(&self, job: &str) -> BTreeSet<String> {
        let root = format!("{}{job}/", self.record_root());
        let names = self.aws.with(|aws| aws.world().parameter_names(&root));
        names.iter().filter_map(|name| Some(name.strip_prefix(&root)?.split_once('/')?.0.to_owned())).collect()
    }

    /// Whether the newest record of a run is old.
    fn nothing_is_written(&self, job: &str, run: &str, is_old: &dyn Fn(jiff::Timestamp) -> bool) -> bool {
        let root = self.record_root();
        let names = self.aws.with(|aws| aws.world().parameter_names(&format!("{root}{job}/{run}/")));
        let written = names.iter().filter_map(|name| self.record(name.strip_prefix(&root)?)).map(|(_, at)| at).max();
        written.is_some_and(is_old)
    }

    /// Whether whoever waits for a job has had the time to see that it is complete.
    fn has_long_ended(&self, job: &str, is_old: &dyn Fn(jiff::Timestamp) -> bool) -> bool {
        self.ends(job).into_iter().all(|(_, end, at): (String, Value, _)| end["result"] != "Complete" || is_old(at))
    }
}

/// Whether one job comes before another one in the queue of the same shared instances.
fn comes_before(fleet: &Fleet, first: &Job, late: &Job) -> bool {
    let shape = fleet.pools.get(&first.pool).map(|pool| pool.shape);
    let queues = matches!(shape, Some(Shape::Packed | Shape::Gang)) && first.pool == late.pool;
    let stands = !first.suspend && first.every.is_none() && first.deadline.is_none();
    queues && stands && first.priority > late.priority
}
