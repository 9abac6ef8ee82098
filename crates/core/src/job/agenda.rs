//! What every job is to do now, as far as it does not depend on devices: which runs go on, which end, which attempts are due.
//!
//! Between `book` and two readers: `allocate` finds devices for the attempts that are due, `plan/job` makes steps of it all. Not
//! here: AWS calls.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::book::{Attempt, Book, JobBook, RunBook};
use super::progress::Progress;
use super::record::{self, AttemptId, RecordName, RunId, RunResult};
use crate::desired::{Desired, DesiredJob};
use crate::neuron::DeviceSet;
use crate::observed::{Listing, Observed, Slot};
use crate::spec::{ConcurrencyPolicy, Name, Schedule};
use crate::world::World;

/// All jobs.
#[derive(Clone, Debug, Default)]
pub struct Agenda<'a> {
    /// What is known; nothing while it was never read.
    pub book: Option<Book<'a>>,
    /// Declared jobs by name.
    pub jobs: BTreeMap<Name, JobAgenda>,
}

/// One declared job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobAgenda {
    /// Runs that are not over.
    pub runs: BTreeMap<RunId, (Stand, Progress)>,
    /// Attempts that are due.
    pub due: Vec<(RunId, AttemptId)>,
    /// Why nothing is due, if something holds the whole job back.
    pub held: Option<Held>,
    /// What its schedule says.
    pub schedule: Option<Scheduled>,
}

/// What is to become of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It goes on.
    Current,
    /// Its tasks are stopped, and it goes on later.
    Suspended,
    /// Its tasks come to their end, and no more are started.
    Draining,
    /// Its tasks are stopped, and it ends.
    Ending(RunResult, String),
}

/// What holds a whole job back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// `suspend` is set.
    Suspended,
    /// Another job must be complete first.
    Dependency {
        /// Which.
        job: Name,
        /// How it stands, in words.
        status: String,
        /// Whether it is over without success, and nothing goes on by itself.
        failed: bool,
    },
    /// Tasks of an earlier version of the job still run.
    Earlier(RunId),
}

/// What a schedule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Nothing is known of the schedule yet: from now on it holds.
    pub is_new: bool,
    /// A run that is due and has not begun.
    pub due: Option<Timestamp>,
    /// When the next one is due.
    pub next: Option<Timestamp>,
}

/// What has come of the job that compiles for a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiled {
    /// Records were never read.
    NotRead,
    /// It is not over.
    NotYet,
    /// It is not complete; what its end says.
    Failed(String),
    /// It is complete.
    Done,
}

impl<'a> Agenda<'a> {
    /// What every declared job is to do now.
    pub fn of(world: World<'a>, now: Timestamp) -> Self {
        Self::doubting(world, now, &|_| false)
    }

    /// The same. `in_doubt` says of a record's parameter that it may have been written, or may be in the next moment, though no
    /// reading shows it: such an attempt is due before others, or one more than may be would be started.
    pub fn doubting(world: World<'a>, now: Timestamp, in_doubt: &dyn Fn(String) -> bool) -> Self {
        let has_jobs = !world.desired.jobs.is_empty() || world.observed.records.is_read();
        let Some(book) = has_jobs.then(|| Book::of(world.observed, world.installation)).flatten() else {
            return Self::default();
        };
        let none = JobBook::default();
        let readable = world.desired.jobs.iter().filter(|(_, job)| is_read(world, job.cluster.as_str()));
        let jobs = readable.map(|(name, job)| {
            let known = book.jobs.get(name).unwrap_or(&none);
            let mut agenda = JobAgenda::of(job, known, now);
            agenda.held = agenda.held.or_else(|| dependency(world, &book, job));
            if agenda.held.is_none() && !world.desired.suspended.contains(&job.object) {
                let root = record::root(world.installation);
                let name = &job.object.name;
                agenda.due = agenda.attempts(job, |run, attempt| {
                    in_doubt(RecordName::Intent(name.clone(), run.clone(), attempt).parameter(&root))
                });
            }
            (name.clone(), agenda)
        });
        let jobs = jobs.collect();
        Self { book: Some(book), jobs }
    }

    /// What is known of a run.
    pub fn run(&self, job: &Name, run: &RunId) -> Option<&RunBook<'a>> {
        self.book.as_ref()?.jobs.get(job)?.runs.get(run)
    }

    /// What has come of the work that a job asks for.
    pub fn compiled(&self, desired: &Desired, job: &Name) -> Compiled {
        let Some(book) = &self.book else { return Compiled::NotRead };
        let wanted = desired.jobs.get(job);
        match wanted.and_then(|wanted| book.jobs.get(job)?.last(&wanted.run)) {
            Some((_, end)) if end.result == RunResult::Complete => Compiled::Done,
            Some((_, end)) if self.jobs.get(job).is_none_or(|agenda| agenda.runs.is_empty()) => {
                Compiled::Failed(end.message.clone())
            }
            Some(_) | None => Compiled::NotYet,
        }
    }

    /// Revisions (ARN) that attempts run or are going to.
    pub fn revisions(&self, world: World<'a>) -> Vec<&'a str> {
        let Some(book) = &self.book else { return Vec::new() };
        let attempts = book.jobs.values().flat_map(|known| known.runs.values()).flat_map(|run| run.attempts.values());
        let open = attempts.filter(|attempt| attempt.is_open() || attempt.is_live());
        let named = open.flat_map(|attempt| {
            let intended = attempt.intent.as_ref().and_then(|intent| intent.request.task_definition.as_deref());
            let known = intended.and_then(|arn| world.observed.task_definitions.get(arn));
            let running = attempt.tasks().map(|found| found.task.task_definition.as_str());
            known.map(|known| known.arn.as_str()).into_iter().chain(running)
        });
        named.collect()
    }

    /// Devices that attempts hold or are going to: one entry for each node of each attempt.
    pub fn devices<'b>(&'b self, observed: &'b Observed) -> Vec<Devices<'b>> {
        let jobs = self.book.iter().flat_map(|book| &book.jobs);
        let runs = jobs.flat_map(|(job, known)| known.runs.iter().map(move |(run, found)| (job, run, found)));
        let attempts =
            runs.flat_map(|(job, run, found)| found.attempts.iter().map(move |(id, found)| ((job, run, *id), found)));
        attempts.flat_map(|(of, attempt)| held(of, attempt, observed)).collect()
    }
}

/// What the nodes of an attempt hold.
fn held<'b>(
    (job, run, id): (&'b Name, &'b RunId, AttemptId),
    attempt: &'b Attempt<'_>,
    observed: &'b Observed,
) -> Vec<Devices<'b>> {
    let Some(intent) = &attempt.intent else { return Vec::new() };
    let Some((kind, set)) = &intent.devices else { return Vec::new() };
    let Ok(set) = set.parse() else { return Vec::new() };
    let cluster = intent.request.cluster.as_deref().unwrap_or_default();
    let on = |instance| Devices { job, run, attempt: id, cluster, kind, set, size: intent.size, instance };
    if intent.gang.is_none() {
        let stays = attempt.is_live() || attempt.task.is_none() && attempt.is_open();
        let instance = attempt.task.and_then(|found| found.task.container_instance.as_deref());
        return stays.then(|| on(instance)).into_iter().collect();
    }
    let instances = observed.instances.get(cluster).into_iter().flat_map(Listing::iter);
    let by_machine: BTreeMap<&str, &str> =
        instances.filter_map(|instance| Some((instance.ec2_id.as_deref()?, instance.arn.as_str()))).collect();
    let placed = attempt.members.placed.as_ref().map(|(nodes, _)| nodes);
    let node = |rank: u32| {
        let member = attempt.members.node(rank);
        let intended = attempt.is_open() && member.task.is_none() && member.result.is_none();
        let gone = placed.is_some_and(|nodes| nodes.given_up.is_some());
        if !member.is_live() && (!intended || gone) {
            return None;
        }
        let chosen = usize::try_from(rank).ok().and_then(|rank| placed?.instances.get(rank));
        let chosen = chosen.and_then(|id| by_machine.get(id.as_str()).copied());
        Some(on(member.task.and_then(|found| found.task.container_instance.as_deref()).or(chosen)))
    };
    (0..attempt.nodes()).filter_map(node).collect()
}

/// Devices of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Devices<'b> {
    /// Whose.
    pub job: &'b Name,
    /// Of which run.
    pub run: &'b RunId,
    /// Of which attempt.
    pub attempt: AttemptId,
    /// Where.
    pub cluster: &'b str,
    /// Instance type.
    pub kind: &'b str,
    /// Which.
    pub set: DeviceSet,
    /// CPU units and MiB of the task.
    pub size: (u32, u32),
    /// Container instance (ARN) that the task is on or shall be on.
    pub instance: Option<&'b str>,
}

impl JobAgenda {
    fn of(job: &DesiredJob, known: &JobBook<'_>, now: Timestamp) -> Self {
        let mut agenda =
            Self { schedule: job.spec.schedule.as_ref().map(|s| scheduled(s, known, now)), ..Self::default() };
        let wanted = job.spec.schedule.is_none().then_some(&job.run);
        let empty = RunBook::default();
        let first = wanted.filter(|run| !known.runs.contains_key(*run)).map(|run| (run, &empty));
        for (run, found) in known.runs.iter().chain(first).filter(|(_, found)| found.end.is_none()) {
            let progress = Progress::of(&job.spec, found, now);
            let mut stand = stand(job, found, &progress, now);
            if stand == Stand::Current && found.begin.is_none() && wanted != Some(run) {
                stand = Stand::Draining;
            }
            agenda.runs.insert(run.clone(), (stand, progress));
        }
        // Whoever is replaced by the next run makes room for it.
        let replaces = agenda.schedule.as_ref().is_some_and(|schedule| schedule.due.is_some());
        if replaces && job.spec.schedule.as_ref().is_some_and(|s| s.concurrency_policy == ConcurrencyPolicy::Replace) {
            for (stand, _) in agenda.runs.values_mut().filter(|(stand, _)| *stand == Stand::Current) {
                *stand = Stand::Ending(RunResult::Cancelled, "was replaced by the next run".to_owned());
            }
        }
        let earlier = agenda.runs.iter().find(|(run, (stand, _))| {
            *stand == Stand::Draining
                && known.runs.get(*run).is_some_and(|found| found.attempts.values().any(Attempt::is_open))
        });
        agenda.held =
            if job.spec.suspend { Some(Held::Suspended) } else { earlier.map(|(run, _)| Held::Earlier(run.clone())) };
        agenda
    }

    /// Attempts of current runs that may be started, within the job's parallelism.
    fn attempts(&self, job: &DesiredJob, in_doubt: impl Fn(&RunId, AttemptId) -> bool) -> Vec<(RunId, AttemptId)> {
        let current = self.runs.iter().filter(|(_, (stand, _))| *stand == Stand::Current);
        let due = current.flat_map(|(run, (_, progress))| {
            let free = job.spec.parallelism().saturating_sub(progress.active());
            let ready = progress.ready(free, |attempt| in_doubt(run, attempt));
            ready.into_iter().map(|attempt| (run.clone(), attempt))
        });
        due.collect()
    }
}

/// Whether the tasks of jobs in a cluster are known. In one that does not exist there are none.
pub(crate) fn is_read(world: World<'_>, cluster: &str) -> bool {
    let absent = matches!(world.observed.cluster(cluster, world.installation), Slot::Absent);
    absent || world.observed.standalone.get(cluster).is_some_and(Listing::is_read)
}

/// What is to become of a run, whoever has asked for it.
fn stand(job: &DesiredJob, run: &RunBook<'_>, progress: &Progress, now: Timestamp) -> Stand {
    if let Some(stop) = &run.cancel {
        let reason = if stop.reason.is_empty() { "was cancelled".to_owned() } else { stop.reason.clone() };
        return Stand::Ending(RunResult::Cancelled, reason);
    }
    if let Some(why) = &progress.fail_job {
        return Stand::Ending(RunResult::Failed, format!("failed by a rule of retryPolicy: {why}"));
    }
    let deadline = job.spec.active_deadline.zip(run.started()).map(|(limit, started)| {
        (limit, started.saturating_add(SignedDuration::from_secs(i64::from(limit.seconds()))).unwrap_or(Timestamp::MAX))
    });
    if let Some((limit, _)) = deadline.filter(|(_, until)| *until <= now) {
        return Stand::Ending(RunResult::DeadlineExceeded, format!("was not over after activeDeadline ({limit})"));
    }
    if job.spec.suspend { Stand::Suspended } else { Stand::Current }
}

/// What a schedule says, by the runs that are known.
fn scheduled(schedule: &Schedule, known: &JobBook<'_>, now: Timestamp) -> Scheduled {
    let Ok(calendar) = schedule.calendar() else { return Scheduled { is_new: false, due: None, next: None } };
    let next = calendar.next(now);
    let Some(since) = known.since else { return Scheduled { is_new: true, due: None, next } };
    let newest = known.runs.keys().filter_map(RunId::due).max();
    let late = |at: Timestamp| {
        let limit = schedule.starting_deadline.map(|limit| SignedDuration::from_secs(i64::from(limit.seconds())));
        limit.is_some_and(|limit| now.duration_since(at) > limit)
    };
    let blocked =
        schedule.concurrency_policy == ConcurrencyPolicy::Forbid && known.runs.values().any(|run| run.end.is_none());
    let due = calendar.last(now).filter(|at| *at > since && newest.is_none_or(|newest| *at > newest) && !late(*at));
    Scheduled { is_new: false, due: due.filter(|_| !blocked), next }
}

/// The first job that must be complete before this one starts.
fn dependency(world: World<'_>, book: &Book<'_>, job: &DesiredJob) -> Option<Held> {
    job.spec.depends_on.iter().find_map(|name| {
        let result = last_result(world, book, name);
        let goes_on = || book.jobs.get(name).is_some_and(|known| known.runs.values().any(|run| run.end.is_none()));
        let (status, failed) = match result {
            Some(RunResult::Complete) => return None,
            Some(_) if goes_on() => ("tried again".to_owned(), false),
            Some(other) => (format!("{other:?}"), true),
            None if world.desired.jobs.contains_key(name) => ("not over".to_owned(), false),
            None => ("not declared".to_owned(), false),
        };
        Some(Held::Dependency { job: name.clone(), status, failed })
    })
}

/// How the newest run of the work that a job asks for has ended, if it is over. A job that is no longer declared is judged by
/// whatever ran last.
fn last_result(world: World<'_>, book: &Book<'_>, name: &Name) -> Option<RunResult> {
    let known = book.jobs.get(name)?;
    let work = world.desired.jobs.get(name).filter(|job| job.spec.schedule.is_none()).map(|job| &job.run);
    let ends = known.runs.values().filter_map(|run| run.end.as_ref());
    let ends = ends.filter(|end| work.is_none_or(|work| end.work == *work));
    ends.max_by_key(|end| end.at).map(|end| end.result)
}
