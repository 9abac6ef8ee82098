//! Judges jobs: their runs, the attempts of each, and what stands between them and their end.

use jiff::Timestamp;

use super::{Finding, Hearing};
use crate::desired::DesiredJob;
use crate::job::agenda::Stand;
use crate::job::book::RunBook;
use crate::job::progress::{IndexState, Progress};
use crate::job::record::RunId;
use crate::job::shown;
use crate::plan::{JobWait, Wait};
use crate::status::{AttemptStatus, JobStatus, Reason, ResourceStatus, RunState, RunStatus, Status};

impl Hearing<'_> {
    pub(super) fn job(&self, wanted: &DesiredJob, status: &mut Status) -> Vec<Finding> {
        let name = &wanted.object.name;
        let book = self.agenda.book.as_ref().and_then(|book| book.jobs.get(name));
        let known = self.agenda.jobs.get(name);
        let mut runs: Vec<RunStatus> = Vec::new();
        for (run, found) in book.into_iter().flat_map(|book| &book.runs) {
            let standing = known.and_then(|known| known.runs.get(run));
            runs.push(self.run_status(wanted, (run, found), standing));
        }
        runs.sort_by_key(|run| std::cmp::Reverse((run.started, run.run.clone())));
        let revisions = self.world.observed.task_definitions.iter();
        let family =
            |family: &str| wanted.variants().iter().any(|v| v.task_definition.family.as_deref() == Some(family));
        for revision in revisions.filter(|revision| revision.active && family(&revision.family)) {
            let kind = "task definition".to_owned();
            status.resources.push(ResourceStatus { kind, id: revision.arn.clone(), state: "ACTIVE".to_owned() });
        }
        let next = known.and_then(|known| known.schedule.as_ref()).and_then(|schedule| schedule.next);
        status.job = Some(JobStatus { runs, next_run: next });
        Vec::new()
    }

    fn run_status(
        &self,
        job: &DesiredJob,
        (run, found): (&RunId, &RunBook<'_>),
        standing: Option<&(Stand, Progress)>,
    ) -> RunStatus {
        if let Some(end) = &found.end {
            return shown::ended(run, end, shown::attempts(found, &self.world.observed.instances));
        }
        let count = |fits: fn(&IndexState) -> bool| standing.map_or(0, |(_, progress)| progress.count(fits));
        let state = match standing.map(|(stand, _)| stand) {
            Some(Stand::Suspended) => RunState::Suspended,
            Some(Stand::Ending(..) | Stand::Draining) => RunState::Ending,
            Some(Stand::Current) | None if found.attempts.is_empty() => RunState::Pending,
            Some(Stand::Current) | None => RunState::Running,
        };
        RunStatus {
            run: run.to_string(),
            state,
            started: found.started(),
            ended: None,
            completions: standing.map_or(job.spec.completions, |(_, progress)| {
                u32::try_from(progress.indexes.len()).unwrap_or(u32::MAX)
            }),
            succeeded: count(|state| *state == IndexState::Succeeded),
            active: count(|state| matches!(state, IndexState::Active(_))),
            failed: count(|state| *state == IndexState::Failed),
            unknown: count(|state| *state == IndexState::Unknown),
            message: String::new(),
            attempts: shown::attempts(found, &self.world.observed.instances),
        }
    }
}

/// What a job waits for, as a finding.
pub(super) fn reason(wait: &JobWait) -> Reason {
    match wait {
        JobWait::Running { starting: 0, .. } => Reason::JobRunning,
        JobWait::Running { .. } | JobWait::Gathering { .. } => Reason::TasksStarting,
        JobWait::Queued { .. } => Reason::InsufficientDevices,
        JobWait::Backoff { .. } => Reason::JobRetrying,
        JobWait::Dependency { .. } | JobWait::Earlier { .. } => Reason::DependencyNotReady,
        JobWait::TooLong { .. } => Reason::InvalidSpec,
        JobWait::Schedule { .. } | JobWait::Suspended => Reason::Suspended,
        JobWait::Failed { .. } => Reason::JobFailed,
        JobWait::Unclear { .. } => Reason::OutcomeUnknown,
    }
}

/// What is said of a job about admission and its end.
pub(super) struct Stages {
    /// The newest run that is not over, or else the newest of all.
    pub(super) newest: Option<RunStatus>,
    /// The queue, if attempts wait in it.
    pub(super) queued: Option<String>,
}

impl Stages {
    pub(super) fn of(status: &Status, waits: &[&Wait]) -> Self {
        let runs = status.job.iter().flat_map(|job| &job.runs);
        let newest = runs.clone().find(|run| run.ended.is_none()).or_else(|| runs.clone().next()).cloned();
        let queued =
            waits.iter().find(|wait| matches!(wait, Wait::Job(JobWait::Queued { .. }))).map(ToString::to_string);
        Self { newest, queued }
    }
}

/// The last attempt that an instance or Spot has taken away, if it is tried again.
pub(super) fn evicted(run: &RunStatus) -> Option<(&AttemptStatus, Option<Timestamp>)> {
    let mut taken =
        run.attempts.iter().filter(|attempt| attempt.failure.is_some_and(crate::spec::Failure::is_disruption));
    let last = taken.by_ref().max_by_key(|attempt| attempt.ended)?;
    Some((last, last.ended))
}
