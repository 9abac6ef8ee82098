//! Records and tasks of all jobs, sorted by job, run and attempt.
//!
//! Between `observed` and `progress`. A task whose record cannot be seen (yet, or any more) counts as an attempt all the same:
//! it says in its `group` which one it is. Not here: conclusions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::gang::Members;
use super::outcome::AttemptEnd;
use super::record::{self, AttemptId, Begin, Intent, RecordName, RunEnd, RunId, Since, Stop, TaskId};
use crate::observe::{Parameter, StandaloneTask};
use crate::observed::{Listing, Observed};
use crate::ownership::Installation;
use crate::spec::Name;

/// All jobs of which anything is known.
#[derive(Clone, Debug, Default)]
pub struct Book<'a> {
    /// By name.
    pub jobs: BTreeMap<Name, JobBook<'a>>,
}

/// One job.
#[derive(Clone, Debug, Default)]
pub struct JobBook<'a> {
    /// Since when its schedule holds.
    pub since: Option<Timestamp>,
    /// Its runs.
    pub runs: BTreeMap<RunId, RunBook<'a>>,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub struct RunBook<'a> {
    /// That it was asked for, and when.
    pub begin: Option<(Begin, Option<Timestamp>)>,
    /// That it is to be stopped.
    pub cancel: Option<Stop>,
    /// That it is over.
    pub end: Option<RunEnd>,
    /// Its attempts.
    pub attempts: BTreeMap<AttemptId, Attempt<'a>>,
    /// Names of all its records but the one of its end.
    pub records: Vec<&'a str>,
}

/// One attempt.
#[derive(Clone, Debug, Default)]
pub struct Attempt<'a> {
    /// What was to be started.
    pub intent: Option<Intent>,
    /// When that was written; nothing if it was only just now, or is not known.
    pub written: Option<Timestamp>,
    /// How it has ended.
    pub result: Option<AttemptEnd>,
    /// The task. Were there ever two, the one that runs.
    pub task: Option<&'a StandaloneTask>,
    /// Its nodes, where several work on it.
    pub members: Members<'a>,
}

impl<'a> Attempt<'a> {
    /// Whether it is not over.
    pub const fn is_open(&self) -> bool {
        self.result.is_none()
    }

    /// Whether a task of it has not stopped.
    pub fn is_live(&self) -> bool {
        self.tasks().any(|found| found.task.last_status != "STOPPED")
    }

    /// Its task, or those of its nodes.
    pub fn tasks(&self) -> impl Iterator<Item = &'a StandaloneTask> {
        self.task.into_iter().chain(self.members.nodes.values().filter_map(|member| member.task))
    }

    /// Whether several nodes work on it.
    pub fn is_gang(&self) -> bool {
        self.intent.as_ref().is_some_and(|intent| intent.gang.is_some())
    }

    /// How many nodes work on it.
    pub fn nodes(&self) -> u32 {
        self.intent.as_ref().and_then(|intent| intent.gang).map_or(1, |gang| gang.nodes)
    }
}

impl JobBook<'_> {
    /// The newest end of a run of some work.
    pub fn last(&self, work: &RunId) -> Option<(&RunId, &RunEnd)> {
        let ends = self.runs.iter().filter_map(|(run, known)| Some((run, known.end.as_ref()?)));
        ends.filter(|(_, end)| end.work == *work).max_by_key(|(_, end)| end.at)
    }
}

impl RunBook<'_> {
    /// When its first attempt was started, as far as that is known.
    pub fn started(&self) -> Option<Timestamp> {
        let times = self.attempts.values().filter_map(|attempt| {
            let task = attempt.tasks().filter_map(|found| found.task.created).min();
            attempt.written.or(task).or_else(|| attempt.result.as_ref().and_then(|result| result.started))
        });
        times.min()
    }
}

/// `startedBy` of every task of an installation. AWS allows letters, digits, hyphens, slashes and underscores.
pub fn started_by(installation: &Installation) -> String {
    format!("axon/{}", installation.to_string().replace('.', "_"))
}

/// `group` of the task of an attempt; its nodes, if it has several, add `.` and their rank.
pub fn group(installation: &Installation, job: &Name, run: &RunId, attempt: AttemptId) -> String {
    format!("axon:{installation}/{job}/{run}/{attempt}")
}

/// The attempt or node that a task of a group is, if it is one of ours.
pub fn task_of(installation: &Installation, group: &str) -> Option<(Name, RunId, TaskId)> {
    let rest = group.strip_prefix("axon:")?.strip_prefix(&installation.to_string())?.strip_prefix('/')?;
    let (job, rest) = rest.split_once('/')?;
    let (run, task) = rest.split_once('/')?;
    Some((job.parse().ok()?, RunId::new(run)?, TaskId::parse(task)?))
}

impl<'a> Book<'a> {
    /// Sorts what was read. Nothing while records or tasks were never read to their end: whoever has seen neither does not know
    /// what has run.
    pub fn of(observed: &'a Observed, installation: &Installation) -> Option<Self> {
        let Listing::Read(parameters) = &observed.records else { return None };
        let mut book = Self::default();
        let root = record::root(installation);
        for parameter in parameters.values() {
            if let Some(name) = RecordName::parse(&root, &parameter.name) {
                book.file(name, parameter);
            }
        }
        for listing in observed.standalone.values() {
            let Listing::Read(tasks) = listing else { return None };
            for task in tasks.values() {
                if let Some((job, run, id)) = task_of(installation, &task.group) {
                    let run = book.jobs.entry(job).or_default().runs.entry(run).or_default();
                    run.attempts.entry(id.attempt).or_default().see(id.node, task);
                }
            }
        }
        Some(book)
    }

    fn file(&mut self, name: RecordName, parameter: &'a Parameter) {
        let job = self.jobs.entry(name.job().clone()).or_default();
        match name {
            RecordName::Since(_) => job.since = record::read::<Since>(parameter).map(|since| since.at),
            RecordName::Begin(_, run) => {
                let run = job.runs.entry(run).or_default();
                run.begin = Some((record::read(parameter).unwrap_or_default(), parameter.written));
                run.records.push(&parameter.name);
            }
            RecordName::Cancel(_, run) => {
                let run = job.runs.entry(run).or_default();
                run.cancel = Some(record::read(parameter).unwrap_or_default());
                run.records.push(&parameter.name);
            }
            RecordName::End(_, run) => {
                let end: Option<RunEnd> = record::read(parameter);
                // By AWS's clock: that of the process which has written it may have been wrong.
                let end = end.map(|end| RunEnd { at: parameter.written.unwrap_or(end.at), ..end });
                job.runs.entry(run).or_default().end = end;
            }
            RecordName::Intent(_, run, attempt) => {
                let run = job.runs.entry(run).or_default();
                let found = run.attempts.entry(attempt).or_default();
                (found.intent, found.written) = (record::read(parameter), parameter.written);
                run.records.push(&parameter.name);
            }
            RecordName::Nodes(_, run, attempt) => {
                let run = job.runs.entry(run).or_default();
                let nodes = record::read(parameter).unwrap_or_default();
                run.attempts.entry(attempt).or_default().members.placed = Some((nodes, parameter.written));
                run.records.push(&parameter.name);
            }
            RecordName::NodeResult(_, run, attempt, node) => {
                let run = job.runs.entry(run).or_default();
                let members = &mut run.attempts.entry(attempt).or_default().members;
                members.nodes.entry(node).or_default().result = end(parameter);
                run.records.push(&parameter.name);
            }
            RecordName::Result(_, run, attempt) => {
                let run = job.runs.entry(run).or_default();
                run.attempts.entry(attempt).or_default().result = end(parameter);
                run.records.push(&parameter.name);
            }
        }
    }
}

/// How an attempt or a node has ended: not after AWS was told so, whatever the clock said of the process that has told it.
fn end(parameter: &Parameter) -> Option<AttemptEnd> {
    let end: AttemptEnd = record::read(parameter)?;
    Some(AttemptEnd { ended: end.ended.map(|ended| parameter.written.map_or(ended, |at| at.min(ended))), ..end })
}

impl<'a> Attempt<'a> {
    fn see(&mut self, node: Option<u32>, task: &'a StandaloneTask) {
        let place = match node {
            Some(node) => &mut self.members.nodes.entry(node).or_default().task,
            None => &mut self.task,
        };
        if place.is_none_or(|known| known.task.last_status == "STOPPED") {
            *place = Some(task);
        }
    }
}
