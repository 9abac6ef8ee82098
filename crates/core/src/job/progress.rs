//! Where a run stands: which indexes are done, which are being tried, which may be tried now.
//!
//! Between `book` and `plan/job`. The words are those of Kubernetes' indexed jobs. Not here: AWS calls, and devices.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::book::{Attempt, RunBook};
use super::outcome::{AttemptEnd, Verdict};
use super::record::{AttemptId, RunResult};
use crate::spec::{Failure, JobSpec, RetryAction, RetryRule, UnknownOutcome};

/// The first wait before an index is tried again; it doubles with every failure in a row.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_secs(10);
/// The longest such wait (Kubernetes has six minutes, too).
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_mins(6);

/// Where an index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It has succeeded.
    Succeeded,
    /// It has failed for good.
    Failed,
    /// Nobody can tell whether its last attempt has run, and it is not to be run twice.
    Unknown,
    /// An attempt is not over.
    Active(AttemptId),
    /// It may be tried now.
    Ready(AttemptId),
    /// It may be tried later.
    Backoff(AttemptId, Timestamp),
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Every index of the run.
    pub indexes: BTreeMap<u32, IndexState>,
    /// Why the job has failed as a whole, if a rule says so.
    pub fail_job: Option<String>,
    /// Attempts that have failed and are tried again.
    pub retries: u32,
    /// The same, of those that did not count.
    pub disruptions: u32,
}

impl Progress {
    /// Where a run of this job stands.
    pub fn of(spec: &JobSpec, run: &RunBook<'_>, now: Timestamp) -> Self {
        let mut progress = Self::default();
        let only = run.begin.as_ref().map(|(begin, _)| &begin.indexes).filter(|indexes| !indexes.is_empty());
        let wanted: BTreeSet<u32> = match only {
            Some(indexes) => indexes.clone(),
            None => (0..spec.completions).collect(),
        };
        for index in wanted {
            let state = progress.index(spec, run, index, now);
            progress.indexes.insert(index, state);
        }
        progress
    }

    fn index(&mut self, spec: &JobSpec, run: &RunBook<'_>, index: u32, now: Timestamp) -> IndexState {
        let range = AttemptId { index, number: 0 }..=AttemptId { index, number: u32::MAX };
        let (mut counted, mut in_a_row, mut last, mut next) = (0_u32, 0_u32, None, 0);
        for (id, attempt) in run.attempts.range(range) {
            next = id.number.saturating_add(1);
            let Some(result) = &attempt.result else { return IndexState::Active(*id) };
            last = result.ended.or(last);
            match result.verdict {
                Verdict::Succeeded => return IndexState::Succeeded,
                Verdict::Cancelled => in_a_row = 0,
                Verdict::Unknown if spec.unknown_outcome == UnknownOutcome::Report => return IndexState::Unknown,
                Verdict::Unknown => self.disruptions += 1,
                Verdict::Failed => {
                    in_a_row += 1;
                    match action(spec, result) {
                        RetryAction::Count => counted += 1,
                        RetryAction::Ignore => self.disruptions += 1,
                        RetryAction::FailIndex => return IndexState::Failed,
                        RetryAction::FailJob => {
                            self.fail_job = Some(format!("attempt {id} {}", in_words(result)));
                            return IndexState::Failed;
                        }
                    }
                }
            }
        }
        if counted > spec.backoff_limit {
            return IndexState::Failed;
        }
        self.retries += counted;
        let id = AttemptId { index, number: next };
        let until = last.filter(|_| in_a_row > 0).map(|last| later(last, backoff(in_a_row)));
        match until.filter(|until| *until > now) {
            Some(until) => IndexState::Backoff(id, until),
            None => IndexState::Ready(id),
        }
    }

    /// Indexes in a state.
    pub fn count(&self, fits: impl Fn(&IndexState) -> bool) -> u32 {
        u32::try_from(self.indexes.values().filter(|state| fits(state)).count()).unwrap_or(u32::MAX)
    }

    /// Attempts that may be started now, so many at most: those first of which it is in doubt whether their start has begun.
    pub fn ready(&self, most: u32, in_doubt: impl Fn(AttemptId) -> bool) -> Vec<AttemptId> {
        let ready = self.indexes.values().filter_map(|state| match state {
            IndexState::Ready(id) => Some(*id),
            IndexState::Succeeded
            | IndexState::Failed
            | IndexState::Unknown
            | IndexState::Active(_)
            | IndexState::Backoff(..) => None,
        });
        let (first, then): (Vec<_>, Vec<_>) = ready.partition(|id| in_doubt(*id));
        first.into_iter().chain(then).take(usize::try_from(most).unwrap_or(usize::MAX)).collect()
    }

    /// Attempts that are not over.
    pub fn active(&self) -> u32 {
        self.count(|state| matches!(state, IndexState::Active(_)))
    }

    /// The end of a run of which every index is done; nothing before that.
    pub fn end(&self) -> Option<RunResult> {
        let done =
            |state: &IndexState| matches!(state, IndexState::Succeeded | IndexState::Failed | IndexState::Unknown);
        if !self.indexes.values().all(done) {
            return None;
        }
        let has = |wanted: &IndexState| self.indexes.values().any(|state| state == wanted);
        Some(if has(&IndexState::Failed) {
            RunResult::Failed
        } else if has(&IndexState::Unknown) {
            RunResult::Unknown
        } else {
            RunResult::Complete
        })
    }

    /// Indexes in one of these states.
    pub fn which(&self, wanted: &IndexState) -> BTreeSet<u32> {
        self.indexes.iter().filter(|(_, state)| *state == wanted).map(|(index, _)| *index).collect()
    }
}

/// What to do after a failed attempt: what the first rule says that fits.
pub fn action(spec: &JobSpec, result: &AttemptEnd) -> RetryAction {
    let failure = result.failure.unwrap_or(Failure::Other);
    let rule = spec.retry_policy.rules.iter().find(|rule| fits(rule, result, failure));
    rule.map_or_else(
        || if failure.is_disruption() { RetryAction::Ignore } else { RetryAction::Count },
        |rule| rule.action,
    )
}

fn fits(rule: &RetryRule, result: &AttemptEnd, failure: Failure) -> bool {
    let listed = |code: i32| u8::try_from(code).is_ok_and(|code| rule.on_exit_codes.contains(&code));
    let other = |name: &str| result.other_exit_codes.iter().any(|(container, code)| container == name && listed(*code));
    let by_code = match &rule.container {
        Some(container) if container.as_str() != result.container => other(container.as_str()),
        Some(_) | None => result.exit_code.is_some_and(listed),
    };
    by_code || rule.on_failures.contains(&failure)
}

fn backoff(failures: u32) -> SignedDuration {
    let doubled = 1_i32.checked_shl(failures.saturating_sub(1)).filter(|factor| *factor > 0).unwrap_or(i32::MAX);
    FIRST_BACKOFF.checked_mul(doubled).unwrap_or(LONGEST_BACKOFF).min(LONGEST_BACKOFF)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// How an attempt has ended, for people.
pub fn in_words(result: &AttemptEnd) -> String {
    let code = result.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let reason = if result.reason.is_empty() { String::new() } else { format!(" ({})", result.reason) };
    match (result.verdict, result.failure) {
        (Verdict::Succeeded, _) => "succeeded".to_owned(),
        (Verdict::Cancelled, _) => format!("was stopped{reason}"),
        (Verdict::Unknown, _) => format!("ended nobody knows how{reason}"),
        (Verdict::Failed, Some(failure)) => format!("failed: {failure:?}{code}{reason}"),
        (Verdict::Failed, None) => format!("failed{code}{reason}"),
    }
}

/// Seconds for which an attempt held its devices.
pub fn held(attempt: &Attempt<'_>) -> u64 {
    let times = |started: Option<Timestamp>, ended: Option<Timestamp>| match (started, ended) {
        (Some(started), Some(ended)) => u64::try_from(ended.duration_since(started).as_secs()).unwrap_or(0),
        _ => 0,
    };
    attempt.result.as_ref().map_or(0, |result| times(result.started, result.ended))
}
