//! What has become of every task of every job: the auditor's own account of it, for ECS forgets a task an hour after its end.
//!
//! Part of `audit`, filled from what the simulated AWS tells whoever watches. What a start may be is here, what calls may do is in
//! `job_rules`. Attempts are known by the groups of their tasks and by the names of their records, as docs/jobs.md has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use axon_sim::{LoneTurn, Turn};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::audit::{Auditor, Upset};

/// A process that reads what was true minutes ago, or one beside another, knows what was written by then only: for so long.
pub(super) const BLIND_FOR: Duration = Duration::from_mins(20);

/// One try of one index of one run of one job, or one node of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    pub(super) job: String,
    pub(super) run: String,
    pub(super) index: u32,
    pub(super) number: u32,
    /// Where several nodes work together, which of them; nothing for the attempt as a whole.
    pub(super) node: Option<u32>,
}

impl Attempt {
    /// Reads `JOB/RUN/INDEX.NUMBER`, with `.NODE` after it or without.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (job, run, attempt) = (parts.next()?, parts.next()?, parts.next()?);
        let mut numbers = attempt.split('.').map(str::parse);
        let (index, number, node) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next().transpose().ok()?);
        let ends = parts.next().is_none() && numbers.next().is_none();
        ends.then(|| Self { job: job.to_owned(), run: run.to_owned(), index, number, node })
    }

    /// The attempt that a node belongs to.
    pub(super) fn whole(&self) -> Self {
        Self { node: None, ..self.clone() }
    }

    fn same_index(&self, other: &Self) -> bool {
        (&self.job, &self.run, self.index) == (&other.job, &other.run, other.index)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}.{}", self.job, self.run, self.index, self.number)?;
        self.node.map_or(Ok(()), |node| write!(f, ".{node}"))
    }
}

/// The task of an attempt, or of one of its nodes.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) task: String,
    /// Of so many tasks is the attempt.
    pub(super) of: usize,
    /// What the container runs that does the work.
    pub(super) image: String,
    pub(super) ended: Option<Ended>,
}

/// How it has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) at: Timestamp,
    code: String,
    exit_code: Option<i64>,
}

impl Ended {
    /// Whether the work was done.
    pub(super) fn is_well(&self) -> bool {
        self.code == "EssentialContainerExited" && self.exit_code == Some(0)
    }

    /// Whether the work has failed by itself.
    fn is_own_failure(&self) -> bool {
        self.code == "EssentialContainerExited" && self.exit_code != Some(0)
    }
}

/// What has become of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A task of it has not stopped.
    Live,
    /// Its work is done; when the first of its tasks ended.
    Well(Timestamp),
    /// It is over without that.
    Failed {
        /// By itself: work on one of its nodes has failed.
        own: bool,
        /// When the first of its tasks ended; nothing if there were never all of them.
        since: Option<Timestamp>,
    },
}

/// All tasks of all jobs, and what people and records have said of runs.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    lives: BTreeMap<Attempt, Life>,
    /// Runs (`JOB/RUN`) that people have cancelled.
    pub(super) cancelled: BTreeSet<String>,
    /// Runs with an attempt that was said to be unknown, and rightly.
    pub(super) unknown: BTreeSet<String>,
}

impl Ledger {
    /// The tasks of an attempt, or that of one node.
    pub(super) fn lives<'l>(&'l self, attempt: &'l Attempt) -> impl Iterator<Item = (&'l Attempt, &'l Life)> {
        let same = |known: &Attempt| known.same_index(attempt) && known.number == attempt.number;
        let whole = attempt.node.is_none();
        self.lives.range(attempt..).take_while(move |(known, _)| *known == attempt || whole && same(known))
    }

    /// What has become of an attempt or of one node; nothing if it has never had a task.
    pub(super) fn fate(&self, attempt: &Attempt) -> Option<Fate> {
        let lives: Vec<&Life> = self.lives(attempt).map(|(_, life)| life).collect();
        let of = lives.first().map(|life| if attempt.node.is_some() { 1 } else { life.of })?;
        let ended: Option<Vec<&Ended>> = lives.iter().map(|life| life.ended.as_ref()).collect();
        let Some(ended) = ended else { return Some(Fate::Live) };
        if ended.len() >= of && ended.iter().all(|end| end.is_well()) {
            return Some(Fate::Well(ended.iter().map(|end| end.at).min()?));
        }
        let own = ended.iter().any(|end| end.is_own_failure());
        let since = ended.iter().map(|end| end.at).min().filter(|_| ended.len() >= of);
        Some(Fate::Failed { own, since })
    }

    /// The attempts of one run, each once.
    fn attempts(&self, job: &str, run: &str) -> BTreeSet<Attempt> {
        self.of_run(job, run).map(|(attempt, _)| attempt.whole()).collect()
    }

    pub(super) fn of_run<'l>(&'l self, job: &'l str, run: &'l str) -> impl Iterator<Item = (&'l Attempt, &'l Life)> {
        let first = Attempt { job: job.to_owned(), run: run.to_owned(), index: 0, number: 0, node: None };
        self.lives.range(first..).take_while(move |(attempt, _)| attempt.job == job && attempt.run == run)
    }

    /// Attempts whose tasks have not stopped.
    pub(super) fn live(&self) -> impl Iterator<Item = &Attempt> {
        self.lives.iter().filter(|(_, life)| life.ended.is_none()).map(|(attempt, _)| attempt)
    }

    /// Indexes of a run whose work was done.
    pub(super) fn done(&self, job: &str, run: &str) -> BTreeSet<u32> {
        let attempts = self.attempts(job, run).into_iter();
        attempts.filter(|attempt| matches!(self.fate(attempt), Some(Fate::Well(_)))).map(|done| done.index).collect()
    }

    /// Most attempts of one index of a run that did not end well.
    pub(super) fn failures(&self, job: &str, run: &str) -> usize {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for attempt in self.attempts(job, run) {
            let failed = matches!(self.fate(&attempt), Some(Fate::Failed { .. }));
            *counts.entry(attempt.index).or_default() += usize::from(failed);
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// How many runs of jobs have had tasks, and how many tasks they were.
    pub fn count(&self) -> (u64, u64) {
        let runs: BTreeSet<(&str, &str)> =
            self.lives.keys().map(|attempt| (attempt.job.as_str(), attempt.run.as_str())).collect();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        (number(runs.len()), number(self.lives.len()))
    }

    /// Whether a run has run an image.
    pub(super) fn has_run(&self, job: &str, run: &str, image: &str) -> bool {
        self.of_run(job, run).any(|(_, life)| life.image == image)
    }
}

impl Auditor {
    /// The text with which groups of our tasks begin.
    pub(super) fn our_group(&self) -> String {
        format!("axon:{}/", self.ours)
    }

    /// Where our records are.
    pub(super) fn record_root(&self) -> String {
        format!("/axon/{}/jobs/", self.ours)
    }

    /// What a record holds, and when it was written.
    pub(super) fn record(&self, name: &str) -> Option<(Value, Timestamp)> {
        let name = format!("{}{name}", self.record_root());
        let seen = self.see("ssm", "GetParameter", json!({"Name": name}));
        let parameter = &seen["Parameter"];
        let value = serde_json::from_str(parameter["Value"].as_str()?).unwrap_or_default();
        Some((value, written(parameter)?))
    }

    /// Looks at jobs.
    pub(super) fn review_jobs(&mut self) {
        self.follow_jobs();
        self.partial_gangs();
    }

    /// Takes notice of starts and ends of tasks since the last time.
    pub(super) fn follow_jobs(&mut self) {
        for turn in self.aws.with(|aws| aws.world_mut().take_lone_turns()) {
            let ours = self.our_group();
            let Some(attempt) = turn.group.strip_prefix(&ours).and_then(Attempt::read) else {
                if turn.group.starts_with(&ours) {
                    self.find(&format!("a task was started in the group {}, which is no attempt", turn.group));
                }
                continue;
            };
            match turn.turn {
                Turn::Started => self.started(attempt, &turn),
                Turn::Stopped { code, exit_code } => {
                    let Some(life) = self.ledger.lives.get_mut(&attempt).filter(|life| life.task == turn.task) else {
                        continue;
                    };
                    life.ended = Some(Ended { at: turn.at, code, exit_code });
                }
            }
        }
    }

    fn started(&mut self, attempt: Attempt, turn: &LoneTurn) {
        let run = format!("{}/{}", attempt.job, attempt.run);
        let intent = self.record(&attempt.whole().to_string());
        if intent.is_none() {
            self.find(&format!("{attempt} was started without a record"));
        }
        let nodes = intent.and_then(|(intent, _)| intent["gang"]["nodes"].as_u64());
        self.started_node(&attempt, nodes);
        let of = nodes.and_then(|nodes| usize::try_from(nodes).ok()).unwrap_or(1);
        for what in self.against(&attempt, turn) {
            self.find(&what);
        }
        if let Some((end, _)) = self.record(&format!("{run}/end")) {
            let result = end["result"].as_str().unwrap_or_default().to_owned();
            // Whoever cannot see yet that a run was taken back goes on with it.
            let finished = ["Complete", "Failed", "Unknown"].contains(&result.as_str());
            if finished || !self.is_blind() {
                self.find(&format!("{attempt} was started although its run is over ({result})"));
            }
        }
        let image = self.image_of(&turn.definition);
        self.ledger.lives.insert(attempt, Life { task: turn.task.clone(), of, image, ended: None });
    }

    /// What other tasks say against a start.
    fn against(&mut self, attempt: &Attempt, turn: &LoneTurn) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(first) = self.ledger.lives.get(attempt) {
            found.push(format!("a second task of {attempt} was started: {} after {}", turn.task, first.task));
        }
        let mut failures = 0_usize;
        let others = self.ledger.attempts(&attempt.job, &attempt.run).into_iter();
        for other in others.filter(|other| other.same_index(attempt) && *other != attempt.whole()) {
            let unknown = || self.record(&format!("{other}.end")).is_some_and(|(end, _)| end["verdict"] == "Unknown");
            match self.ledger.fate(&other) {
                Some(Fate::Live) => found.push(format!("{attempt} was started while {other} runs")),
                Some(Fate::Well(_)) if !unknown() => {
                    found.push(format!("{attempt} was started although {other} has done the work"));
                }
                Some(Fate::Failed { own: true, .. }) => failures += usize::from(!unknown()),
                Some(Fate::Well(_) | Fate::Failed { .. }) | None => {}
            }
        }
        let limits = self.in_force().into_iter().filter_map(|fleet| fleet.work(&attempt.job)).map(|job| job.backoff);
        if let Some(most) = limits.max()
            && failures > usize::try_from(most).unwrap_or(usize::MAX)
        {
            found.push(format!("{attempt} was started after {failures} failures, of which {most} may be tried again"));
        }
        found
    }

    pub(super) fn image_of(&self, definition: &str) -> String {
        let seen = self.see("ecs", "DescribeTaskDefinition", json!({"taskDefinition": definition}));
        seen["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap_or_default().to_owned()
    }

    /// People have cancelled a run.
    pub fn know_cancelled(&mut self, job: &str, run: &str) {
        self.ledger.cancelled.insert(format!("{job}/{run}"));
    }

    /// What is known of jobs, for whoever watches a copy of the account.
    pub fn ledger(&mut self) -> Ledger {
        self.follow_jobs();
        self.ledger.clone()
    }

    /// Goes on with what another one knew.
    pub fn know_jobs(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    /// Whether processes may not know what others have done in the last minutes.
    pub(super) fn is_blind(&self) -> bool {
        self.lately(Upset::StaleReads, BLIND_FOR) || self.lately(Upset::TwoProcesses, BLIND_FOR)
    }
}

/// When a parameter was written.
pub(super) fn written(parameter: &Value) -> Option<Timestamp> {
    let seconds = parameter["LastModifiedDate"].as_f64()?;
    Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}
