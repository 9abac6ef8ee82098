//! What a call may do about jobs: records that are made and removed, tasks that are stopped; and how jobs may have ended.
//!
//! Part of `rules`; `ledger` knows every task. What is declared comes from `fleet`, what is recorded from the account itself.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::asked::Asked;
use super::audit::{Auditor, Upset};
use super::fleet::Fleet;
use super::job::Job;
use super::ledger::{Attempt, Fate, written};
use super::rules::{Before, Target};

/// ECS shows a stopped task for an hour.
const SHOWN: Duration = Duration::from_hours(1);
/// Records of a run are there for a quarter of an hour after its end; by a clock that is bearable, less those ten minutes, and a call
/// takes one at most.
const KEPT: Duration = Duration::from_mins(4);
/// The end of a run is there for longer than ECS shows its tasks.
const END_KEPT: Duration = Duration::from_hours(1);
/// What keeps Axon from looking for long enough is felt for so long.
const ABSENCE_FELT: Duration = Duration::from_hours(5);

impl Auditor {
    /// Parameters and tasks that a call is about.
    pub(super) fn job_targets(&self, asked: &Asked) -> Vec<Target> {
        match asked.operation.as_str() {
            "PutParameter" | "DeleteParameter" => vec![self.parameter(asked.text("Name"))],
            "DeleteParameters" => {
                let names = asked.input["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
                names.map(|name| self.parameter(name)).collect()
            }
            "RunTask" => vec![self.lone(asked.text("group"), Value::Null)],
            "StopTask" => {
                let asked = json!({"cluster": asked.text("cluster"), "tasks": [asked.text("task")]});
                let seen = self.see("ecs", "DescribeTasks", asked);
                let tasks = seen["tasks"].as_array().into_iter().flatten();
                tasks.map(|task| self.lone(task["group"].as_str().unwrap_or_default(), task.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn parameter(&self, name: &str) -> Target {
        let seen = self.see("ssm", "GetParameter", json!({"Name": name}));
        let tags = self.tags_by_name(name, &self.record_root());
        Target { what: name.to_owned(), tags, resource: seen["Parameter"].clone() }
    }

    fn lone(&self, group: &str, task: Value) -> Target {
        Target { what: group.to_owned(), tags: self.tags_by_name(group, &self.our_group()), resource: task }
    }

    /// What was done about jobs: was it right?
    pub(super) fn after_job_call(&mut self, asked: &Asked, before: &Before) {
        self.follow_jobs();
        match asked.operation.as_str() {
            "PutParameter" => {
                if asked.input["Overwrite"] == true {
                    self.find(&format!("the record {} may be written over", asked.text("Name")));
                }
                let name = asked.text("Name").strip_prefix(&self.record_root()).map(str::to_owned);
                let value = serde_json::from_str(asked.text("Value")).unwrap_or_default();
                if let Some(name) = name {
                    self.recorded(&name, &value, asked.late);
                }
            }
            "DeleteParameter" | "DeleteParameters" => {
                for target in before.targets.iter().filter(|target| target.resource.is_object()) {
                    self.forgotten(target);
                }
            }
            "StopTask" => {
                let ours = self.our_group();
                // One that has no instance yet loses nothing, and may wait for one that never comes.
                let harmless = |target: &&Target| {
                    let state = &target.resource["lastStatus"];
                    state == "STOPPED" || state == "PROVISIONING" && asked.text("reason").contains("capacity provider")
                };
                let groups = before.targets.iter().filter(|target| !harmless(target));
                let attempts = groups.filter_map(|target| Attempt::read(target.what.strip_prefix(&ours)?));
                for attempt in attempts.collect::<Vec<_>>() {
                    self.stopped(&attempt, asked.text("reason"));
                }
            }
            _ => {}
        }
    }

    fn recorded(&mut self, name: &str, value: &Value, late: Duration) {
        if let Some(attempt) = name.strip_suffix(".end").and_then(Attempt::read) {
            return self.attempt_ended(&attempt, value);
        }
        if let Some(attempt) = Attempt::read(name) {
            return self.intended(&attempt, value, late);
        }
        if let Some((job, run)) = name.strip_suffix("/end").and_then(|name| name.split_once('/')) {
            self.run_ended(job, run, value);
        }
    }

    /// An attempt is about to be started. If its record was under way for so long, the run may have ended meanwhile: nobody starts it.
    fn intended(&mut self, attempt: &Attempt, value: &Value, late: Duration) {
        let Attempt { job, run, .. } = attempt;
        let group = format!("{}{attempt}", self.our_group());
        if value["request"]["group"] != group.as_str() {
            self.find(&format!("the record of {attempt} asks for {}", value["request"]["group"]));
        }
        let sent = self.present() - late;
        let over = self.record(&format!("{job}/{run}/end")).filter(|(_, at)| *at <= sent);
        if over.is_some() && !self.is_blind() {
            self.find(&format!("{attempt} is to be started and its run is over"));
        }
        if self.never(job, |_| true) {
            self.find(&format!("{attempt} is to be started and nobody declares {job}"));
        } else if self.never(job, |job| !job.suspend) {
            self.find(&format!("{attempt} is to be started and {job} is suspended"));
        } else if !self.is_free(job) {
            self.find(&format!("{attempt} is to be started and {job} waits for another job"));
        }
        if let Some(first) = self.passed_over(attempt) {
            self.find(&format!("{attempt} is to be started while {first}, which comes before it, waits for devices"));
        }
        let most = self.in_force().into_iter().filter_map(|fleet| fleet.work(job)).map(|job| job.parallelism).max();
        let open = self.open(job, run);
        if most.is_some_and(|most| open > usize::try_from(most.max(1)).unwrap_or(usize::MAX)) && !self.is_blind() {
            self.find(&format!("{open} attempts of {job} are under way, of which {} may be", most.unwrap_or(0)));
        }
    }

    /// Whether no declaration that may be acted upon has a job that is so.
    fn never(&mut self, job: &str, is_so: impl Fn(&Job) -> bool) -> bool {
        self.always(|fleet: &Fleet| !fleet.work(job).is_some_and(|job| is_so(&job)))
    }

    /// Whether by any declaration everything is complete that a job waits for.
    fn is_free(&mut self, job: &str) -> bool {
        let fleets: Vec<Fleet> = self.in_force().into_iter().cloned().collect();
        fleets.iter().any(|fleet| fleet.work(job).is_some_and(|job| self.is_free_by(fleet, &job)))
    }

    pub(super) fn is_free_by(&self, fleet: &Fleet, job: &Job) -> bool {
        job.after.iter().all(|name| {
            let Some(other) = fleet.jobs.get(name) else { return true };
            let mut ends = self.ends(name);
            ends.retain(|(run, end, _)| is_of_today(end) && self.ledger.has_run(name, run, &other.image()));
            ends.into_iter().max_by_key(|(.., at)| *at).is_some_and(|(_, end, _)| end["result"] == "Complete")
        })
    }

    /// Attempts of a run with a record and without that of their end.
    pub(super) fn open(&self, job: &str, run: &str) -> usize {
        let root = format!("{}{job}/{run}/", self.record_root());
        let names: BTreeSet<String> = self.aws.with(|aws| aws.world().parameter_names(&root)).into_iter().collect();
        let is_attempt = |name: &str| {
            let parts = name.strip_prefix(&root).map(|rest| rest.split('.').collect::<Vec<_>>());
            parts.is_some_and(|parts| parts.len() == 2 && parts[1] != "end")
        };
        names.iter().filter(|name| is_attempt(name) && !names.contains(&format!("{name}.end"))).count()
    }

    /// Ends of the runs of a job, and when they were written.
    pub(super) fn ends(&self, job: &str) -> Vec<(String, Value, Timestamp)> {
        let root = self.record_root();
        let names = self.aws.with(|aws| aws.world().parameter_names(&format!("{root}{job}/")));
        let ends = names.iter().filter_map(|name| {
            let run = name.strip_prefix(&root)?.strip_suffix("/end")?.split_once('/')?.1.to_owned();
            let (end, at) = self.record(&format!("{job}/{run}/end"))?;
            Some((run, end, at))
        });
        ends.collect()
    }

    fn attempt_ended(&mut self, attempt: &Attempt, value: &Value) {
        let now = self.present();
        let fate = self.ledger.fate(attempt);
        let verdict = value["verdict"].as_str().unwrap_or_default();
        let seen = match fate {
            None | Some(Fate::Failed { since: None, .. }) => false,
            Some(Fate::Live) => true,
            Some(Fate::Well(at) | Fate::Failed { since: Some(at), .. }) => {
                now.duration_since(at).unsigned_abs() < SHOWN
            }
        };
        match verdict {
            "Unknown" if seen => {
                self.find(&format!("nobody is said to know how {attempt} has ended, and its task is there to be seen"));
            }
            "Unknown" => {
                let intent =
                    self.record(&attempt.whole().to_string()).map(|(_, at)| now.duration_since(at).unsigned_abs());
                if intent.is_some_and(|age| age < SHOWN) {
                    self.find(&format!("nobody is said to know how {attempt} has ended, {intent:?} after it was due"));
                }
                let absent = [Upset::Absent, Upset::BadNetwork].iter().any(|upset| self.lately(*upset, ABSENCE_FELT));
                if !absent {
                    self.find(&format!(
                        "nobody is said to know how {attempt} has ended, and nothing has hindered anybody"
                    ));
                }
                self.unknown(attempt);
            }
            "Succeeded" if !matches!(fate, Some(Fate::Well(_))) => {
                self.find(&format!("{attempt} is said to have succeeded"));
            }
            _ if fate == Some(Fate::Live) => {
                self.find(&format!("{attempt} is said to be over ({verdict}) and runs"));
            }
            _ => {}
        }
    }

    fn unknown(&mut self, attempt: &Attempt) {
        self.ledger.unknown.insert(format!("{}/{}", attempt.job, attempt.run));
    }

    fn run_ended(&mut self, job: &str, run: &str, value: &Value) {
        let runs = self.ledger.live().find(|attempt| attempt.job == job && attempt.run == run).cloned();
        if let Some(attempt) = runs.filter(|_| !self.is_blind()) {
            self.find(&format!("the run {job}/{run} is said to be over and {attempt} runs"));
        }
        let done = self.ledger.done(job, run);
        let said = value["succeeded"].as_u64().and_then(|said| u32::try_from(said).ok()).unwrap_or_default();
        // Of a run that goes on with fewer indexes, more may have done their work.
        let mut fewer = || {
            let asked = self.in_force().into_iter().filter_map(|fleet| fleet.work(job)).map(|job| job.completions);
            asked.collect::<Vec<_>>().contains(&said) && (0..said).all(|index| done.contains(&index))
        };
        let is_true = u32::try_from(done.len()).ok() == Some(said) || fewer();
        if value["result"] == "Complete" && !is_true {
            let done = done.len();
            self.find(&format!(
                "the run {job}/{run} is said to be complete with {said} indexes, and {done} have done their work"
            ));
        }
    }

    /// A record was removed.
    fn forgotten(&mut self, target: &Target) {
        let Some(name) = target.what.strip_prefix(&self.record_root()).map(str::to_owned) else { return };
        let Some((job, rest)) = name.split_once('/') else { return };
        let Some((run, entry)) = rest.split_once('/') else {
            if self.always(|fleet| fleet.work(job).is_some()) {
                self.find(&format!("{name} was removed and {job} is declared"));
            }
            return;
        };
        let end = if entry == "end" { written(&target.resource) } else { self.written_at(&format!("{job}/{run}/end")) };
        let kept = if entry == "end" { END_KEPT } else { KEPT };
        let now = self.present();
        let Some(end) = end else {
            return self.find(&format!("{name} was removed and its run is not over"));
        };
        if now.duration_since(end).unsigned_abs() < kept {
            self.find(&format!("{name} was removed too soon after the end of its run at {end}"));
        }
        let root = format!("{}{job}/{run}/", self.record_root());
        let rest = self.aws.with(|aws| aws.world().parameter_names(&root));
        if entry == "end" && !rest.is_empty() {
            self.find(&format!("{name} was removed before {rest:?}"));
        }
        if entry == "end" && self.always(|fleet| fleet.work(job).is_some()) && self.ends(job).is_empty() {
            self.find(&format!("{name} was removed, the only end of a run of {job}, which is declared"));
        }
    }

    fn written_at(&self, name: &str) -> Option<Timestamp> {
        self.record(name).map(|(_, at)| at)
    }

    /// We have stopped the task of an attempt.
    fn stopped(&mut self, attempt: &Attempt, reason: &str) {
        let Attempt { job, run, .. } = attempt;
        if self.is_spoilt(attempt) {
            return;
        }
        if let Some(by) = reason.strip_prefix("axon: preempted by ").and_then(|by| by.split(',').next()) {
            if !self.comes_before(by, job) {
                self.find(&format!("{attempt} was stopped for {by}, which does not come before it"));
            }
            return;
        }
        let cancelled = self.record(&format!("{job}/{run}/cancel")).is_some();
        let stands = |job: &Job| !job.suspend && job.deadline.is_none() && (job.every.is_none() || job.policy % 3 != 1);
        let stands = self.always(|fleet| fleet.work(job).is_some_and(|job| stands(&job)));
        if stands && !cancelled {
            self.find(&format!("{attempt} was stopped, and nothing says that it shall"));
        }
    }

    /// Whether by some declarations that may be in force a service or job comes before a job on the same pool, and the job makes room.
    fn comes_before(&mut self, by: &str, job: &str) -> bool {
        let fleets = self.in_force();
        let of = |name: &str| fleets.iter().filter_map(move |fleet| fleet.jobs.get(name)).collect::<Vec<_>>();
        let (victims, yields) = (of(job), fleets.iter().any(|fleet| fleet.yields));
        let comes_first = match by.split_once('/') {
            Some(("NeuronService", name)) => {
                let services = fleets.iter().filter_map(|fleet| fleet.services.get(name));
                services.into_iter().any(|first| victims.iter().any(|job| job.pool == first.pool))
            }
            Some(("NeuronJob", name)) => of(name).iter().any(|first| {
                victims.iter().any(|job| job.pool == first.pool && job.priority < first.priority) && !first.suspend
            }),
            _ => false,
        };
        yields && comes_first
    }

    /// Records that are to be removed before everything is at rest.
    pub fn leftovers(&mut self) -> Vec<String> {
        let root = self.record_root();
        let mut names = self.aws.with(|aws| aws.world().parameter_names(&root));
        names.retain(|name| !name.ends_with("/end") && !name.ends_with("/since"));
        if !names.is_empty() {
            let fleet = self.in_force().first().map_or_else(Fleet::empty, |fleet| (*fleet).clone());
            let waits = |job: &str| fleet.jobs.get(job).is_some_and(|job| job.suspend || !self.is_free_by(&fleet, job));
            names.retain(|name| !waits(name.trim_start_matches(&root).split('/').next().unwrap_or_default()));
        }
        names
    }

    /// At rest: every job has ended as it must, nothing of it runs, and only the ends of runs are left.
    pub fn jobs_at_rest(&mut self) {
        self.follow_jobs();
        let fleet = self.in_force().first().map_or_else(Fleet::empty, |fleet| (*fleet).clone());
        let live = self.ledger.live().next().cloned();
        if let Some(attempt) = live {
            self.find(&format!("{attempt} runs at rest"));
        }
        for name in self.leftovers() {
            self.find(&format!("{name} is left"));
        }
        for (name, job) in &fleet.jobs {
            if !job.suspend && job.every.is_none() && self.is_free_by(&fleet, job) {
                self.ended(name, job);
            }
        }
    }

    /// Whether the newest run of a job has ended as it may.
    fn ended(&mut self, name: &str, job: &Job) {
        let newest = self.ends(name).into_iter().filter(|(_, end, _)| is_of_today(end)).max_by_key(|(.., at)| *at);
        let Some((run, end, _)) = newest else { return self.find(&format!("{name} has never ended")) };
        let key = format!("{name}/{run}");
        let result = end["result"].as_str().unwrap_or_default();
        let may = match result {
            "Complete" => true,
            "Failed" => {
                let failures = u32::try_from(self.ledger.failures(name, &run)).unwrap_or(u32::MAX);
                failures > job.backoff || end["message"].as_str().is_some_and(|text| text.contains("never started"))
            }
            "Unknown" => self.ledger.unknown.contains(&key),
            "Cancelled" => self.ledger.cancelled.contains(&key),
            "DeadlineExceeded" => job.deadline.is_some(),
            _ => false,
        };
        if !may {
            self.find(&format!("{key} has ended as {result}: {}", end["message"]));
        }
    }
}

/// Whether a run was not left for a newer version of its job, which may end before it.
fn is_of_today(end: &Value) -> bool {
    end["result"] != "Superseded"
}
