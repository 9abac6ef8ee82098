//! Plans jobs: which runs begin, which attempts start on which devices, and what becomes of jobs that nobody declares.
//!
//! `job::agenda` says what is due, `allocate` has found devices for it; what each attempt and run needs next is in `job_run`.
//! Every step here is safe to make twice, or by two processes at once: records are only ever made under free names, and
//! RunTask is repeated word for word with its `clientToken`.

use super::{Evidence, JobWait, Planner, Wait, gang};
use crate::allocate::JobPlaces;
use crate::desired::{DesiredJob, DesiredService, JobTasks};
use crate::fingerprint::hex;
use crate::job::agenda::{Held, JobAgenda, Stand};
use crate::job::record::{self, AttemptId, Begin, Intent, RecordName, RunId, RunResult, Since};
use crate::job::{Attempt, IndexState, book};
use crate::neuron::DeviceSet;
use crate::shape::run_task::{ContainerOverride, RunTask, TaskOverride};
use crate::shape::shared::KeyValuePair;
use crate::spec::{ConcurrencyPolicy, ObjectKey};
use crate::step::{Action, Cause, Resource, Step};

/// Most digits of a `clientToken` (ECS API reference, RunTask).
const TOKEN: usize = 64;

impl<'a> Planner<'a> {
    pub(super) fn jobs(&mut self) {
        let desired = self.world.desired;
        for job in desired.jobs.values() {
            match self.agenda.jobs.get(&job.object.name).cloned() {
                Some(agenda) => self.job(job, &agenda),
                None => self.wait(&job.object, Wait::NotRead { what: format!("records and tasks of {}", job.object) }),
            }
        }
    }

    fn job(&mut self, job: &'a DesiredJob, agenda: &JobAgenda) {
        self.schedule(job, agenda);
        for (run, (stand, progress)) in &agenda.runs {
            self.run(job, run, stand, progress);
        }
        self.tidy_runs(job);
        self.failure(job, agenda);
        match &agenda.held {
            Some(Held::Suspended) => self.wait(&job.object, Wait::Job(JobWait::Suspended)),
            Some(Held::Dependency { job: other, status, failed }) => {
                let (other, status) = (ObjectKey::job(other.clone()), status.clone());
                let wait = JobWait::Dependency { job: other, status, failed: *failed };
                self.wait(&job.object, Wait::Job(wait));
            }
            Some(Held::Earlier(run)) => {
                let what =
                    format!("tasks of run {run}, which began with an earlier version of the job, are not over yet");
                self.wait(&job.object, Wait::Job(JobWait::Earlier { what }));
            }
            None => self.start(job, agenda),
        }
        for variant in job.variants() {
            self.trim_revisions(variant);
        }
    }

    /// Says that the work has failed. What a schedule runs is run again anyway.
    fn failure(&mut self, job: &DesiredJob, agenda: &JobAgenda) {
        let book = self.agenda.book.as_ref().and_then(|book| book.jobs.get(&job.object.name));
        let last = book.and_then(|known| known.last(&job.run));
        let Some((run, end)) = last.filter(|_| agenda.runs.is_empty() && job.spec.schedule.is_none()) else { return };
        if end.result != RunResult::Complete {
            let wait = JobWait::Failed { run: run.to_string(), message: end.message.clone() };
            self.wait(&job.object, Wait::Job(wait));
        }
    }

    /// Begins what is due by the schedule.
    fn schedule(&mut self, job: &DesiredJob, agenda: &JobAgenda) {
        let (Some(schedule), Some(wanted)) = (&agenda.schedule, &job.spec.schedule) else { return };
        let name = &job.object.name;
        if schedule.is_new {
            let since = Since { at: self.limits.now };
            self.write_record(&job.object, &RecordName::Since(name.clone()), &since, Cause::Missing);
        }
        match schedule.due {
            Some(_) if agenda.held.is_some() => {}
            Some(_) if wanted.concurrency_policy == ConcurrencyPolicy::Replace && !agenda.runs.is_empty() => {}
            Some(at) => {
                let begin = Begin { by: format!("schedule {}", wanted.cron), ..Begin::default() };
                let record = RecordName::Begin(name.clone(), RunId::due_at(at));
                self.write_record(&job.object, &record, &begin, Cause::Due { at });
            }
            None if agenda.runs.is_empty() => {
                self.wait(&job.object, Wait::Job(JobWait::Schedule { next: schedule.next }));
            }
            None => {}
        }
    }

    /// Writes down what is to be started: on devices, where Axon chooses them.
    fn start(&mut self, job: &'a DesiredJob, agenda: &JobAgenda) {
        let places = match &job.tasks {
            JobTasks::Placed(task) => agenda.due.iter().map(|_| Place { task, kind: None }).collect(),
            JobTasks::Packed(tasks) => match self.plan.allocation.jobs.get(&job.object.name).cloned() {
                Some(JobPlaces::Found { places, missing, why }) => {
                    self.queue(job, agenda, missing, &why);
                    let found = places.into_iter().filter_map(|(kind, set)| {
                        let task = tasks.variants.get(&(kind.clone(), set))?;
                        Some(Place { task, kind: Some((kind, set)) })
                    });
                    found.collect()
                }
                Some(JobPlaces::Blind { what }) => return self.wait(&job.object, Wait::NotRead { what }),
                None => Vec::new(),
            },
        };
        for ((run, attempt), place) in agenda.due.iter().zip(places) {
            self.intend(job, run, *attempt, &place);
        }
    }

    fn queue(&mut self, job: &DesiredJob, agenda: &JobAgenda, missing: u32, why: &str) {
        let (Some((run, _)), JobTasks::Packed(tasks)) = (agenda.due.last().filter(|_| missing > 0), &job.tasks) else {
            return;
        };
        let each = tasks.devices.values().copied().min().unwrap_or(0);
        let wait = JobWait::Queued {
            run: run.to_string(),
            attempts: missing,
            devices: missing.saturating_mul(job.spec.nodes).saturating_mul(u32::from(each)),
            why: why.to_owned(),
        };
        self.wait(&job.object, Wait::Job(wait));
    }

    fn intend(&mut self, job: &'a DesiredJob, run: &RunId, attempt: AttemptId, place: &Place<'a>) {
        let revision = self.revision(place.task);
        let strategy = self.strategy(place.task);
        let (Some(revision), Some(strategy)) = (revision, strategy) else { return };
        let record = RecordName::Intent(job.object.name.clone(), run.clone(), attempt);
        let name = record.parameter(&record::root(self.installation()));
        let size = (place.task.task_definition.cpu.as_deref(), place.task.task_definition.memory.as_deref());
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
        let intent = Intent {
            request: RunTask {
                cluster: Some(job.cluster.to_string()),
                task_definition: Some(revision.arn.clone()),
                count: Some(1),
                client_token: Some(hex(&name, TOKEN)),
                started_by: Some(book::started_by(self.installation())),
                group: Some(book::group(self.installation(), &job.object.name, run, attempt)),
                capacity_provider_strategy: strategy,
                placement_constraints: Vec::new(),
                placement_strategy: place.task.settings.placement_strategy.clone().unwrap_or_default(),
                network_configuration: place.task.settings.network_configuration.clone(),
                overrides: Some(environment(job, run, attempt, &gang::variables(job, self.world.desired))),
                tags: Vec::new(),
                enable_ecs_managed_tags: Some(true),
                propagate_tags: Some("TASK_DEFINITION".to_owned()),
                enable_execute_command: Some(job.spec.execute_command),
            },
            container: job.container.clone(),
            devices: place.kind.as_ref().map(|(kind, set)| (kind.clone(), set.to_string())),
            size: (number(size.0), number(size.1)),
            gang: gang::of(job),
        };
        self.write_record(&job.object, &record, &intent, Cause::Attempt { attempt: attempt.to_string() });
    }

    /// Writes a record under a name that must be free.
    pub(super) fn write_record(
        &mut self,
        object: &ObjectKey,
        name: &RecordName,
        value: &impl serde::Serialize,
        cause: Cause,
    ) {
        let name = name.parameter(&record::root(self.installation()));
        let Some(value) = record::write(value) else {
            return self.wait(object, Wait::Job(JobWait::TooLong { name, most: record::MAX_VALUE }));
        };
        let resource = Resource::Parameter(name.clone());
        let action = Action::PutParameter { name, value };
        let step = Step { object: object.clone(), resource, action, because: vec![cause] };
        self.step(step, Evidence::Reading);
    }

    /// Says how far a run is.
    pub(super) fn tell(&mut self, job: &DesiredJob, run: &RunId, stand: &Stand, progress: &crate::job::Progress) {
        let known = self.agenda.run(&job.object.name, run);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let attempts = || known.into_iter().flat_map(|known| known.attempts.values());
        let running = number(attempts().flat_map(Attempt::tasks).filter(|found| found.task.runs()).count());
        // What gathers its nodes says so itself.
        let starts = |attempt: &&Attempt<'_>| attempt.is_open() && !(attempt.is_gang() && attempt.members.gathers());
        let active: u32 = attempts().filter(starts).map(Attempt::nodes).sum();
        let backoff = |state: &IndexState| if let IndexState::Backoff(_, until) = state { Some(*until) } else { None };
        let later: Vec<_> = progress.indexes.values().filter_map(backoff).collect();
        if let (Some(until), Stand::Current) = (later.iter().min(), stand) {
            let wait = JobWait::Backoff { run: run.to_string(), attempts: number(later.len()), until: *until };
            self.wait(&job.object, Wait::Job(wait));
        }
        if active > 0 {
            let wait = JobWait::Running {
                run: run.to_string(),
                running,
                starting: active.saturating_sub(running),
                done: progress
                    .count(|state| matches!(state, IndexState::Succeeded | IndexState::Failed | IndexState::Unknown)),
                of: number(progress.indexes.len()),
            };
            self.wait(&job.object, Wait::Job(wait));
        }
    }
}

/// What an attempt runs as, and where.
struct Place<'a> {
    task: &'a DesiredService,
    /// Instance type and devices, where Axon chooses them.
    kind: Option<(String, DeviceSet)>,
}

/// What the container that does the work is told.
fn environment(job: &DesiredJob, run: &RunId, attempt: AttemptId, of_nodes: &[(String, String)]) -> TaskOverride {
    let index = attempt.index.to_string();
    let mut told = vec![
        ("AXON_JOB_NAME".to_owned(), job.object.name.to_string()),
        ("AXON_JOB_RUN".to_owned(), run.to_string()),
        ("AXON_JOB_INDEX".to_owned(), index.clone()),
        ("AXON_JOB_COMPLETIONS".to_owned(), job.spec.completions.to_string()),
        ("AXON_JOB_ATTEMPT".to_owned(), attempt.number.to_string()),
    ];
    if let Some(checkpoint) = &job.spec.checkpoint {
        told.push((checkpoint.variable.clone(), format!("{}/{index}", checkpoint.location.trim_end_matches('/'))));
    }
    told.extend(of_nodes.iter().cloned());
    let environment = told.into_iter().map(|(name, value)| KeyValuePair { name: Some(name), value: Some(value) });
    let container = ContainerOverride { name: Some(job.container.clone()), environment: environment.collect() };
    TaskOverride { container_overrides: vec![container] }
}
