//! Which runs and indexes a command means, by what is on record.

use axon_core::job::record::{root, write};
use axon_core::job::{AttemptEnd, AttemptId};
use axon_core::observe::Parameter;
use axon_core::observed::{Listing, Observed};
use axon_core::ownership::Installation;
use serde::Serialize;

use super::*;
use crate::show::status::tests::later;

fn installation() -> Installation {
    "axon".parse().unwrap()
}

pub(in crate::commands::job) fn train() -> Name {
    "train".parse().unwrap()
}

fn run_id(text: &str) -> RunId {
    RunId::new(text).unwrap()
}

/// Records of the job `train`.
#[derive(Default)]
pub(in crate::commands::job) struct Records(Vec<Parameter>);

impl Records {
    fn with(mut self, name: &RecordName, value: &impl Serialize) -> Self {
        let name = name.parameter(&root(&installation()));
        self.0.push(Parameter { name, value: write(value).unwrap(), written: Some(later(0)) });
        self
    }

    pub(in crate::commands::job) fn begun(self, run: &str, indexes: &[u32]) -> Self {
        let begin = Begin { indexes: indexes.iter().copied().collect(), by: String::new() };
        self.with(&RecordName::Begin(train(), run_id(run)), &begin)
    }

    pub(in crate::commands::job) fn attempt(self, run: &str, index: u32, verdict: Verdict) -> Self {
        let id = AttemptId { index, number: 0 };
        let end = AttemptEnd::without_task(verdict, "", later(1));
        self.with(&RecordName::Result(train(), run_id(run), id), &end)
    }

    pub(in crate::commands::job) fn cancelled(self, run: &str, reason: &str) -> Self {
        self.with(&RecordName::Cancel(train(), run_id(run)), &Stop { reason: reason.to_owned() })
    }

    pub(in crate::commands::job) fn ended(self, run: &str, end: &RunEnd) -> Self {
        let mut records = self.with(&RecordName::End(train(), run_id(run)), end);
        // By AWS's clock, which is what counts.
        records.0.iter_mut().last().unwrap().written = Some(end.at);
        records
    }

    pub(in crate::commands::job) fn observed(self) -> Observed {
        let entries = self.0.into_iter().map(|record| (record.name.clone(), record)).collect();
        Observed { records: Listing::Read(entries), ..Observed::default() }
    }

    /// What there is to know of `train`.
    fn ask<T>(self, question: impl Fn(&JobBook<'_>) -> T) -> T {
        let observed = self.observed();
        let book = Book::of(&observed, &installation()).unwrap();
        question(book.jobs.get(&train()).unwrap_or(&JobBook::default()))
    }
}

pub(in crate::commands::job) fn end(result: RunResult, second: i64) -> RunEnd {
    RunEnd {
        work: run_id("w"),
        result,
        at: later(second),
        started: None,
        succeeded: 0,
        failed: BTreeSet::new(),
        unknown: BTreeSet::new(),
        open: 0,
        attempts: 0,
        device_seconds: 0,
        message: format!("ended as {result:?}"),
        ttl: 60,
    }
}

#[test]
fn a_run_that_is_asked_for_is_called_by_its_instant_and_is_none_of_a_schedule() {
    let run = asked_for_at("2026-11-26T05:04:44.7Z".parse().unwrap());
    assert_eq!((run.as_str(), run.due()), ("m20261126T050444Z", None));
}

#[test]
fn jobs_are_named_with_or_without_their_kind() {
    assert_eq!(named("train").unwrap(), train());
    assert_eq!(named("neuronjob/train").unwrap(), train());
    assert_eq!(named("NeuronService/train").unwrap_err().exit, Exit::Usage);
    assert_eq!(named("Not A Name").unwrap_err().exit, Exit::Usage);
}

#[test]
fn the_only_run_that_is_not_over_is_cancelled() {
    let records = Records::default().begun("a", &[]).ended("a", &end(RunResult::Failed, 9)).begun("b", &[]);
    assert_eq!(records.ask(|job| to_cancel(&train(), job, None)), Ok(run_id("b")));
}

#[test]
fn of_several_runs_one_has_to_be_named() {
    let failure =
        Records::default().begun("a", &[]).begun("b", &[]).ask(|job| to_cancel(&train(), job, None)).unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_str()), (Exit::Usage, "name one: a, b"));
    let chosen = Records::default().begun("a", &[]).begun("b", &[]).ask(|job| to_cancel(&train(), job, Some("a")));
    assert_eq!(chosen, Ok(run_id("a")));
}

#[test]
fn what_is_over_is_not_cancelled_and_what_is_not_on_record_yet_can_be() {
    let over = || Records::default().ended("a", &end(RunResult::Complete, 9));
    let failure = over().ask(|job| to_cancel(&train(), job, Some("a"))).unwrap_err();
    assert_eq!(failure.cause, "run a of NeuronJob/train is over: it ended as Complete");
    assert!(
        over().ask(|job| to_cancel(&train(), job, None)).unwrap_err().cause.starts_with("every run of NeuronJob/train")
    );
    assert_eq!(over().ask(|job| to_cancel(&train(), job, Some("3f2a"))), Ok(run_id("3f2a")));
    assert_eq!(over().ask(|job| to_cancel(&train(), job, Some("a/b"))).unwrap_err().exit, Exit::Usage);
}

#[test]
fn a_reason_is_a_statement_about_the_run_and_stays_short() {
    assert_eq!(reason(None).unwrap(), "was cancelled");
    assert_eq!(reason(Some(" wrong data\n ")).unwrap(), "was cancelled: wrong data");
    assert_eq!(reason(Some(&"x".repeat(LONGEST_REASON + 1))).unwrap_err().exit, Exit::Usage);
}

#[test]
fn what_has_failed_or_is_unknown_in_the_newest_run_is_tried_again() {
    let newest = RunEnd { succeeded: 2, failed: [1].into(), unknown: [3].into(), ..end(RunResult::Failed, 9) };
    let older = RunEnd { failed: [0].into(), ..end(RunResult::Failed, 5) };
    let records = Records::default().ended("z", &older).ended("a", &newest);
    assert_eq!(records.ask(|job| to_retry(&train(), job)), Ok([1, 3].into()));
}

#[test]
fn indexes_of_a_cancelled_run_are_known_by_its_attempts_as_long_as_they_are_on_record() {
    let cancelled = RunEnd { succeeded: 1, failed: [2].into(), open: 2, ..end(RunResult::Cancelled, 9) };
    let whole = Records::default().attempt("a", 0, Verdict::Cancelled).attempt("a", 1, Verdict::Succeeded);
    assert_eq!(whole.ended("a", &cancelled).ask(|job| to_retry(&train(), job)), Ok([0, 2, 3].into()));
    let asked = Records::default().begun("a", &[4, 5, 6, 7]).attempt("a", 6, Verdict::Succeeded);
    assert_eq!(asked.ended("a", &cancelled).ask(|job| to_retry(&train(), job)), Ok([4, 5, 7].into()));
    let gone = Records::default().ended("a", &cancelled).ask(|job| to_retry(&train(), job)).unwrap_err();
    assert!(gone.cause.contains("which 2 indexes it had not finished is no longer on record"), "{}", gone.cause);
    assert_eq!(gone.hint, "`axon job run train` runs all indexes");
}

#[test]
fn nothing_is_tried_again_while_a_run_goes_on_or_if_it_has_succeeded_or_was_left_for_a_newer_one() {
    let refused = |records: Records| records.ask(|job| to_retry(&train(), job)).unwrap_err().cause;
    assert_eq!(refused(Records::default().begun("a", &[])), "run a of NeuronJob/train is not over");
    assert!(refused(Records::default()).starts_with("no run of NeuronJob/train is on record"));
    let of = |result| refused(Records::default().ended("a", &end(result, 9)));
    assert!(of(RunResult::Complete).contains("has succeeded"));
    assert!(of(RunResult::Superseded).contains("runs by itself"));
}

#[test]
fn many_indexes_are_told_by_the_first() {
    let words = [1_u32, 3, 20].map(|count| in_words(&(0..count).collect()));
    let many = "indexes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more";
    assert_eq!(words, ["index 0", "indexes 0, 1, 2", many]);
}
