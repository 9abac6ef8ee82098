//! What is known of runs without an operator: records and tasks, and no specification.
//!
//! Neighbours: `records` reads them, `list` prints them. How often an index may still be tried is not known here, so no index
//! is said to have failed before its run is over.

use axon_core::job::shown::{self, Instances};
use axon_core::job::{Attempt, Book, RunBook, RunId, Verdict};
use axon_core::spec::Name;
use axon_core::status::{AttemptStatus, RunState};
use jiff::Timestamp;
use serde::Serialize;

/// The variable that tells a task how many indexes its run has.
const COMPLETIONS: &str = "AXON_JOB_COMPLETIONS";

/// A run, from what is on record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KnownRun {
    /// Of which job.
    pub(super) job: String,
    /// Its name.
    pub(super) run: String,
    /// How it stands, as far as records tell: one that is suspended counts as running.
    pub(super) state: RunState,
    /// Who has asked for it, if the specification did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    /// When its first attempt was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) started: Option<Timestamp>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Timestamp>,
    /// Indexes, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) completions: Option<u32>,
    /// Indexes that have succeeded.
    pub(super) succeeded: u32,
    /// Attempts that are not over.
    pub(super) active: u32,
    /// Attempts that have failed, those that were tried again among them; none once the records of attempts are gone.
    pub(super) failures: u32,
    /// How it has ended or why it is to end, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) message: String,
    /// Attempts that are still on record.
    pub(super) attempts: Vec<AttemptStatus>,
}

/// The runs of one job or of all, the newest of each job first.
pub(super) fn runs(book: &Book<'_>, only: Option<&Name>) -> Vec<KnownRun> {
    let jobs = book.jobs.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let of_job = jobs.flat_map(|(name, job)| {
        let mut runs: Vec<KnownRun> = job.runs.iter().map(|(run, found)| known(name, run, found)).collect();
        // What has not begun yet comes before everything that has.
        let begun = |run: &KnownRun| (run.started.or(run.ended).unwrap_or(Timestamp::MAX), run.run.clone());
        runs.sort_by_key(|run| std::cmp::Reverse(begun(run)));
        runs
    });
    of_job.collect()
}

fn known(job: &Name, run: &RunId, found: &RunBook<'_>) -> KnownRun {
    // Without container instances, which the records of an operator's choice of devices make up for.
    let attempts = shown::attempts(found, &Instances::new());
    let count = |fits: fn(&Attempt<'_>) -> bool| {
        u32::try_from(found.attempts.values().filter(|attempt| fits(attempt)).count()).unwrap_or(u32::MAX)
    };
    let failures = count(|attempt| attempt.result.as_ref().is_some_and(|result| result.verdict == Verdict::Failed));
    let by = found.begin.as_ref().map(|(begin, _)| begin.by.clone()).filter(|by| !by.is_empty());
    let run = run.to_string();
    if let Some(end) = &found.end {
        let ended = shown::ended(&RunId::default(), end, attempts);
        return KnownRun {
            job: job.to_string(),
            run,
            state: ended.state,
            by,
            started: ended.started,
            ended: ended.ended,
            completions: Some(ended.completions),
            succeeded: ended.succeeded,
            active: 0,
            failures,
            message: ended.message,
            attempts: ended.attempts,
        };
    }
    KnownRun {
        job: job.to_string(),
        run,
        state: match (&found.cancel, found.attempts.is_empty()) {
            (Some(_), _) => RunState::Ending,
            (None, true) => RunState::Pending,
            (None, false) => RunState::Running,
        },
        by,
        started: found.started(),
        ended: None,
        completions: completions(found),
        succeeded: count(|attempt| attempt.result.as_ref().is_some_and(|r| r.verdict == Verdict::Succeeded)),
        active: count(|attempt| attempt.result.is_none()),
        failures,
        message: found.cancel.as_ref().map(|stop| stop.reason.clone()).unwrap_or_default(),
        attempts,
    }
}

/// How many indexes a run has: those that were asked for, or what its tasks are told.
fn completions(found: &RunBook<'_>) -> Option<u32> {
    let asked = found.begin.as_ref().map(|(begin, _)| begin.indexes.len()).filter(|asked| *asked > 0);
    if let Some(asked) = asked {
        return u32::try_from(asked).ok();
    }
    let requests = found.attempts.values().filter_map(|attempt| Some(&attempt.intent.as_ref()?.request));
    let mut told = requests.flat_map(|request| &request.overrides).flat_map(|all| &all.container_overrides);
    told.find_map(|container| {
        let variable = container.environment.iter().find(|pair| pair.name.as_deref() == Some(COMPLETIONS))?;
        variable.value.as_deref()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use axon_core::job::record::RunResult;

    use super::super::ask::tests::{Records, end, train};
    use super::*;

    fn drawn(records: Records) -> Vec<String> {
        let observed = records.observed();
        let book = Book::of(&observed, &"axon".parse().unwrap()).unwrap();
        let of = |run: &KnownRun| run.completions.map_or("?".to_owned(), |of| of.to_string());
        let runs = runs(&book, Some(&train()));
        let line = |run: &KnownRun| format!("{} {:?} {}/{} {}", run.run, run.state, run.succeeded, of(run), run.active);
        runs.iter().map(line).collect()
    }

    #[test]
    fn a_run_is_told_by_its_records_and_the_newest_comes_first() {
        let ended = end(RunResult::Failed, 9);
        let records = Records::default()
            .ended("old", &axon_core::job::RunEnd { succeeded: 3, open: 1, started: Some(ended.at), ..ended })
            .begun("new", &[4, 5])
            .attempt("new", 4, Verdict::Succeeded)
            .begun("next", &[]);
        assert_eq!(drawn(records), ["next Pending 0/? 0", "new Running 1/2 0", "old Failed 3/4 0"]);
    }

    #[test]
    fn a_run_that_is_to_be_stopped_is_ending() {
        let records = Records::default().begun("a", &[1]).cancelled("a", "was cancelled: wrong data");
        assert_eq!(drawn(records), ["a Ending 0/1 0"]);
    }
}
