//! Plans what each attempt and each run of a job needs next: the task that was intended, its end, the end of the run.
//!
//! Part of `job`. An attempt goes from its record to its task to the record of its end, and a run ends with a record that
//! outlives all of them.

use jiff::{SignedDuration, Timestamp};

use super::gang::Course;
use super::{CREATE_GRACE, Evidence, JobWait, Planner, Wait};
use crate::cloud::ErrorClass;
use crate::desired::DesiredJob;
use crate::job::agenda::{Stand, is_read};
use crate::job::book::{Attempt, JobBook, RunBook};
use crate::job::outcome::{AttemptEnd, OUR_REASON, PREEMPTED, Verdict};
use crate::job::progress::{IndexState, Progress, held, in_words};
use crate::job::record::{AttemptId, Intent, RecordName, RunEnd, RunId, RunResult};
use crate::neuron::DeviceSet;
use crate::observe::StandaloneTask;
use crate::spec::{Failure, Kind, ObjectKey};
use crate::step::{Action, Cause, Resource, Step};

/// So long after the record of an intent RunTask may be called. AWS remembers a `clientToken` for a day at most, and for an hour
/// after its task has stopped, which may be at once (ECS API reference, "Ensuring idempotency").
pub(super) const REPEAT_WITHIN: SignedDuration = SignedDuration::from_mins(50);
/// So long after it, an attempt of which no task can be seen is given up: whatever was started by then is visible, and what has
/// stopped within the hour before, too.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_mins(65);
/// Why an attempt is given up of which nothing can be seen.
pub(super) const UNSEEN: &str = "no task of it was seen, and ECS forgets tasks an hour after they have stopped";
/// So long after its first task or anything else of it, the record of an attempt shows, by a clock that is ten minutes wrong.
const SHOWS_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// A reading of tasks that is older than this proves nothing.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// Until so long after its end, the records of a run are kept: whoever reads late sees its end before they are gone.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_mins(15);
/// At least so long the end of a run is kept: while ECS still shows its tasks, they must not look like those of another run.
const END_KEPT: SignedDuration = SignedDuration::from_mins(75);
/// A call that AWS refuses as wrong so often will not be accepted.
const REFUSALS: u32 = 3;
/// DeleteParameters takes so many names (Systems Manager API reference).
const NAMES_A_CALL: usize = 10;
/// So many ended runs of other versions of a job are remembered.
const REMEMBERED: usize = 10;
/// For which the end of a run is kept if its job is not declared any more: seven days.
const DEFAULT_TTL: u32 = 7 * 24 * 60 * 60;

impl<'a> Planner<'a> {
    pub(super) fn run(&mut self, job: &'a DesiredJob, run: &RunId, stand: &Stand, progress: &Progress) {
        let Some(known) = self.agenda.run(&job.object.name, run).cloned() else { return };
        for (id, attempt) in known.attempts.iter().filter(|(_, attempt)| attempt.is_open()) {
            self.attempt(&job.object, (run, *id), attempt, stand);
        }
        self.tell(job, run, stand, progress);
        let open = known.attempts.values().any(|attempt| attempt.is_open() || attempt.is_live());
        let end = match stand {
            _ if open => None,
            Stand::Ending(result, why) => Some((*result, why.clone())),
            Stand::Draining => Some((RunResult::Superseded, "was left for a newer version of the job".to_owned())),
            Stand::Current | Stand::Suspended => progress.end().map(|result| (result, summary(progress, &known))),
        };
        if let Some((result, message)) = end {
            let name = RecordName::End(job.object.name.clone(), run.clone());
            let end = conclusion(&known, progress, (result, message), self.limits.now);
            // One that nobody has asked for bears the name of its work, which need not be that of today.
            let work = if known.begin.is_some() { job.run.clone() } else { run.clone() };
            let end = RunEnd { work, ttl: job.spec.ttl_after_finished.seconds(), ..end };
            self.write_record(&job.object, &name, &end, Cause::Ended { how: end.message.clone() });
        }
    }

    /// Brings one attempt further.
    fn attempt(&mut self, object: &ObjectKey, (run, id): (&RunId, AttemptId), attempt: &Attempt<'_>, stand: &Stand) {
        if self.lacks_record(attempt) {
            return self.wait(object, Wait::NotRead { what: format!("the record of attempt {id}") });
        }
        let preempted = self.preempted(object, run, id);
        if attempt.is_gang() {
            let course = match (Course::of(stand, run), preempted) {
                (Course::Go | Course::Finish(_), Some(why)) => Course::Stop(why.clone(), Cause::Stopped { why }),
                (course, _) => course,
            };
            return self.gang(object, (run, id), attempt, &course);
        }
        let stop = match stand {
            Stand::Current | Stand::Draining => None,
            Stand::Suspended => Some("the job is suspended".to_owned()),
            Stand::Ending(_, why) => Some(format!("run {run} {why}")),
        };
        let stop = stop.or(preempted).or_else(|| self.stranded(attempt));
        match attempt.task {
            Some(found) if found.task.last_status == "STOPPED" => {
                let container = attempt.intent.as_ref().map_or("", |intent| intent.container.as_str());
                self.ended(object, (run, id), &AttemptEnd::of(&found.task, container));
            }
            Some(found) => {
                if let Some(why) = stop.filter(|_| found.task.desired_status != "STOPPED") {
                    self.stop_task(object, found, &why, Cause::Stopped { why: why.clone() });
                }
            }
            None => self.unseen(object, (run, id), attempt),
        }
    }

    /// Whether nodes of an attempt show already and its record does not yet, which was written before: without it nobody knows how
    /// many they are.
    fn lacks_record(&self, attempt: &Attempt<'_>) -> bool {
        let placed = attempt.members.placed.as_ref().and_then(|(_, written)| *written);
        let first = attempt.tasks().filter_map(|found| found.task.created).chain(placed).min();
        let is_young = first.is_none_or(|at| self.limits.now.duration_since(at) < SHOWS_WITHIN);
        let unread = attempt.intent.is_none() && attempt.written.is_none();
        unread && attempt.task.is_none() && is_young
    }

    /// For whom an attempt is stopped, if somebody who comes before it gets its devices.
    fn preempted(&self, object: &ObjectKey, run: &RunId, id: AttemptId) -> Option<String> {
        let by = self.plan.allocation.preempted.get(&object.name)?.get(&(run.clone(), id))?;
        Some(format!("{PREEMPTED}{by}, which lacks devices and comes first"))
    }

    /// Why a task waits for an instance that never comes: its capacity provider has a successor, which gets the instances.
    fn stranded(&self, attempt: &Attempt<'_>) -> Option<String> {
        let task = &attempt.task?.task;
        let waits = task.last_status == "PROVISIONING" && task.container_instance.is_none();
        let strategy = attempt.intent.as_ref().filter(|_| waits)?.request.capacity_provider_strategy.first()?;
        let old = &strategy.capacity_provider;
        let new = self.successor(old)?;
        Some(format!("it waited for capacity provider {old}, which {} has taken the place of", new.name))
    }

    /// An attempt of which no task can be seen: RunTask was not called, or its task does not show yet, or any more.
    fn unseen(&mut self, object: &ObjectKey, (run, id): (&RunId, AttemptId), attempt: &Attempt<'_>) {
        let now = self.limits.now;
        let age = attempt.written.map_or(SignedDuration::ZERO, |written| now.duration_since(written));
        let Some(intent) = &attempt.intent else {
            let end = AttemptEnd::without_task(Verdict::Unknown, "its record cannot be read", now);
            return self.ended(object, (run, id), &end);
        };
        let cluster = intent.request.cluster.clone().unwrap_or_default();
        let group = intent.request.group.clone().unwrap_or_default();
        let resource = Resource::Task { cluster: cluster.clone(), group };
        if let Some(reason) = self.refusal(&resource, age) {
            let end =
                AttemptEnd { failure: Some(Failure::Start), ..AttemptEnd::without_task(Verdict::Failed, reason, now) };
            return self.ended(object, (run, id), &end);
        }
        if age < REPEAT_WITHIN {
            let action = Action::RunTask(Box::new(intent.request.clone()));
            let because = vec![Cause::Attempt { attempt: id.to_string() }];
            return self.step(Step { object: object.clone(), resource, action, because }, Evidence::Reading);
        }
        if let Some(until) = self.unclear(intent, attempt.written) {
            return self.wait(object, Wait::Job(JobWait::Unclear { attempt: id.to_string(), until }));
        }
        self.ended(object, (run, id), &AttemptEnd::without_task(Verdict::Unknown, UNSEEN, now));
    }

    /// Why RunTask is not called any more, if AWS has refused it as wrong often enough since what asked for it was written.
    pub(super) fn refusal(&self, task: &Resource, age: SignedDuration) -> Option<String> {
        let refused = self.limits.retries.get(task).filter(|retry| {
            retry.error.class == ErrorClass::Invalid && retry.attempts >= REFUSALS && age > CREATE_GRACE * 2
        });
        refused.map(|retry| format!("it was never started: {}", retry.error))
    }

    /// Until when a task that cannot be seen is waited for; nothing once it can be given up.
    pub(super) fn unclear(&self, intent: &Intent, written: Option<Timestamp>) -> Option<Timestamp> {
        let now = self.limits.now;
        let until = written.unwrap_or(now).saturating_add(GIVE_UP_AFTER).unwrap_or(Timestamp::MAX);
        let read = self.world.observed.standalone_read.get(intent.request.cluster.as_deref().unwrap_or_default());
        let fresh = read.is_some_and(|read| now.duration_since(*read) < FRESH);
        (now < until || !fresh).then_some(until)
    }

    pub(super) fn ended(&mut self, object: &ObjectKey, (run, id): (&RunId, AttemptId), end: &AttemptEnd) {
        let name = RecordName::Result(object.name.clone(), run.clone(), id);
        self.write_record(object, &name, end, Cause::Ended { how: format!("attempt {id} {}", in_words(end)) });
    }

    pub(super) fn stop_task(&mut self, object: &ObjectKey, found: &StandaloneTask, why: &str, cause: Cause) {
        let resource = Resource::Task { cluster: found.cluster.clone(), group: found.group.clone() };
        let action = Action::StopTask {
            cluster: found.cluster.clone(),
            task: found.task.arn.clone(),
            reason: format!("{OUR_REASON}{why}"),
        };
        self.step(Step { object: object.clone(), resource, action, because: vec![cause] }, Evidence::Reading);
    }

    /// Removes records that nobody needs any more: of runs that are over, and ends of runs beyond what is remembered.
    pub(super) fn tidy_runs(&mut self, job: &DesiredJob) {
        let Some(known) = self.agenda.book.as_ref().and_then(|book| book.jobs.get(&job.object.name)).cloned() else {
            return;
        };
        for run in known.runs.values() {
            self.stragglers(&job.object, run);
            self.tidy_records(&job.object, run);
        }
        let mut forgotten: Vec<RunId> = Vec::new();
        let over = |fits: &dyn Fn(&RunId, &RunEnd) -> bool, kept: usize| {
            let mut found: Vec<(&RunId, &RunEnd)> =
                known.runs.iter().filter_map(|(run, book)| Some((run, book.end.as_ref()?))).collect();
            found.retain(|(run, end)| fits(run, end));
            found.sort_by_key(|(_, end)| std::cmp::Reverse(end.at));
            found.into_iter().skip(kept).map(|(run, _)| run.clone()).collect::<Vec<_>>()
        };
        let number = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(schedule) = &job.spec.schedule {
            // The newest that was due says that it was.
            let newest = known.runs.keys().filter(|run| run.due().is_some()).max();
            let of = |run: &RunId| run.due().is_some() && Some(run) != newest;
            let complete = |run: &RunId, end: &RunEnd| of(run) && end.result == RunResult::Complete;
            let failed = |run: &RunId, end: &RunEnd| of(run) && end.result != RunResult::Complete;
            forgotten.extend(over(&complete, number(schedule.successful_history_limit)));
            forgotten.extend(over(&failed, number(schedule.failed_history_limit)));
        }
        let earlier = |run: &RunId, end: &RunEnd| run.due().is_none() && end.work != job.run;
        forgotten.extend(over(&earlier, REMEMBERED));
        let now = self.limits.now;
        let is_old = |book: &RunBook<'_>| book.end.as_ref().is_some_and(|end| now.duration_since(end.at) > END_KEPT);
        for run in forgotten {
            if known.runs.get(&run).is_some_and(|book| book.records.is_empty() && is_old(book)) {
                self.forget(&job.object, vec![self.parameter(&RecordName::End(job.object.name.clone(), run))]);
            }
        }
    }

    fn tidy_records(&mut self, object: &ObjectKey, run: &RunBook<'_>) {
        let now = self.limits.now;
        let over = run.end.as_ref().is_some_and(|end| now.duration_since(end.at) > KEPT_AFTER_END);
        if over && !run.attempts.values().any(Attempt::is_live) && !run.records.is_empty() {
            let names = run.records.iter().take(NAMES_A_CALL).map(|name| (*name).to_owned()).collect();
            self.forget(object, names);
        }
    }

    fn forget(&mut self, object: &ObjectKey, names: Vec<String>) {
        let Some(first) = names.first().cloned() else { return };
        let action = Action::DeleteParameters { names };
        let step = Step {
            object: object.clone(),
            resource: Resource::Parameter(first),
            action,
            because: vec![Cause::Expired],
        };
        self.step(step, Evidence::Reading);
    }

    fn parameter(&self, name: &RecordName) -> String {
        name.parameter(&crate::job::record::root(self.installation()))
    }

    /// Jobs that are no longer declared: their tasks are stopped if pruning allows it, and their ends kept for a while.
    pub(super) fn undeclared_jobs(&mut self) {
        let Some(book) = self.agenda.book.clone() else { return };
        for (name, known) in &book.jobs {
            let object = ObjectKey { kind: Kind::NeuronJob, name: name.clone() };
            if self.world.desired.declares(&object) {
                if self.world.desired.held.contains(&object) {
                    self.results(&object, known);
                }
                continue;
            }
            for (run, found) in &known.runs {
                self.retire(&object, run, found);
            }
            let since = self.parameter(&RecordName::Since(name.clone()));
            let over = known.runs.is_empty() && known.since.is_some();
            if over && !self.doubts_going(&object, &Resource::Parameter(since.clone())) {
                self.forget(&object, vec![since]);
            }
        }
    }

    /// Writes down how attempts have ended whose job has no valid specification: ECS forgets it within the hour.
    fn results(&mut self, object: &ObjectKey, known: &JobBook<'_>) {
        for (run, found) in known.runs.iter().filter(|(_, found)| found.end.is_none()) {
            let ended = |attempt: &Attempt<'_>| attempt.tasks().any(|found| found.task.last_status == "STOPPED");
            for (id, attempt) in found.attempts.iter().filter(|(_, attempt)| attempt.is_open() && ended(attempt)) {
                self.attempt(object, (run, *id), attempt, &Stand::Draining);
            }
        }
    }

    fn retire(&mut self, object: &ObjectKey, run: &RunId, found: &RunBook<'_>) {
        for (id, attempt) in found.attempts.iter().filter(|(_, attempt)| attempt.is_open()) {
            let cluster = attempt.intent.as_ref().and_then(|intent| intent.request.cluster.clone());
            if let Some(cluster) = cluster.filter(|cluster| !is_read(self.world, cluster)) {
                let what = format!("tasks of jobs in cluster {cluster}");
                self.wait(object, Wait::NotRead { what });
                continue;
            }
            if attempt.is_gang() {
                self.retire_gang(object, (run, *id), attempt);
                continue;
            }
            match attempt.task.filter(|task| task.task.last_status != "STOPPED") {
                Some(task) if task.task.desired_status == "STOPPED" => {}
                Some(task) => {
                    let resource = Resource::Task { cluster: task.cluster.clone(), group: task.group.clone() };
                    if self.lets_go(object, &resource, &Cause::NotDeclared) {
                        self.stop_task(object, task, "the job is no longer declared", Cause::NotDeclared);
                    }
                }
                // What is over is written down already.
                None if found.end.is_some() => {}
                None => self.attempt(object, (run, *id), attempt, &Stand::Draining),
            }
        }
        self.stragglers(object, found);
        let Some(end) = &found.end else {
            let open = found.attempts.values().any(|attempt| attempt.is_open() || attempt.is_live());
            let name = RecordName::End(object.name.clone(), run.clone());
            // Where it is doubtful that the job is gone, its run is not over.
            if !open && !self.doubts_going(object, &Resource::Parameter(self.parameter(&name))) {
                let message = "was left when the job was no longer declared".to_owned();
                let end = conclusion(found, &Progress::default(), (RunResult::Superseded, message), self.limits.now);
                let end = RunEnd { work: run.clone(), ttl: DEFAULT_TTL, ..end };
                self.write_record(object, &name, &end, Cause::Ended { how: end.message.clone() });
            }
            return;
        };
        self.tidy_records(object, found);
        let age = self.limits.now.duration_since(end.at);
        let old = age > SignedDuration::from_secs(i64::from(end.ttl)).max(END_KEPT);
        let name = self.parameter(&RecordName::End(object.name.clone(), run.clone()));
        // Without its end, the run would begin anew once the job is seen again.
        if found.records.is_empty() && old && !self.doubts_going(object, &Resource::Parameter(name.clone())) {
            self.forget(object, vec![name]);
        }
    }
}

/// The end of a run, but for what only its job knows.
fn conclusion(known: &RunBook<'_>, progress: &Progress, end: (RunResult, String), now: Timestamp) -> RunEnd {
    let (result, message) = end;
    let count = |wanted: &IndexState| progress.count(|state| state == wanted);
    let devices = |attempt: &Attempt<'_>| {
        let set = attempt.intent.as_ref().and_then(|intent| intent.devices.as_ref());
        let set: Option<DeviceSet> = set.and_then(|(_, set)| set.parse().ok());
        u64::try_from(set.map_or(1, DeviceSet::len)).unwrap_or(1).saturating_mul(u64::from(attempt.nodes()))
    };
    let done =
        progress.count(|state| matches!(state, IndexState::Succeeded | IndexState::Failed | IndexState::Unknown));
    let of = u32::try_from(progress.indexes.len()).unwrap_or(u32::MAX);
    RunEnd {
        work: RunId::default(),
        result,
        at: now,
        started: known.started(),
        succeeded: count(&IndexState::Succeeded),
        failed: progress.which(&IndexState::Failed),
        unknown: progress.which(&IndexState::Unknown),
        open: of.saturating_sub(done),
        attempts: u32::try_from(known.attempts.len()).unwrap_or(u32::MAX),
        device_seconds: known.attempts.values().map(|attempt| held(attempt).saturating_mul(devices(attempt))).sum(),
        message,
        ttl: 0,
    }
}

/// How a run has ended whose indexes are all done, for people.
fn summary(progress: &Progress, known: &RunBook<'_>) -> String {
    let of = progress.indexes.len();
    let failed = progress.which(&IndexState::Failed);
    let unknown = progress.which(&IndexState::Unknown);
    if let Some(first) = failed.first() {
        let range = AttemptId { index: *first, number: 0 }..=AttemptId { index: *first, number: u32::MAX };
        let last =
            known.attempts.range(range).next_back().and_then(|(id, attempt)| Some((id, attempt.result.as_ref()?)));
        let last = last.map(|(id, result)| format!(": attempt {id} {}", in_words(result))).unwrap_or_default();
        return format!("failed: {} of {of} indexes have failed, the first of them {first}{last}", failed.len());
    }
    if unknown.is_empty() {
        return format!("is complete: {of} of {of} indexes have succeeded");
    }
    let named: Vec<String> = unknown.iter().take(20).map(ToString::to_string).collect();
    format!(
        "is over: of {} indexes nobody can tell whether they have run to their end ({}); all others have succeeded. See what they \
         have left behind, then run `axon job retry`, or set unknownOutcome to Retry",
        unknown.len(),
        named.join(", ")
    )
}
