//! `axon job run`, `cancel` and `retry`: put on record what is asked for. Neighbours: `records` reads and writes; an operator acts.
//!
//! Every record has a name of its own and is written once, so two who ask for the same at once cannot get in one another's way.

use std::collections::BTreeSet;

use axon_core::job::{Begin, Book, JobBook, RecordName, RunBook, RunEnd, RunId, RunResult, Stop, Verdict};
use axon_core::spec::Name;
use jiff::Timestamp;

use super::records::Place;
use super::{named, object, open};
use crate::arguments::{JobCancel, JobRetry, JobRun};
use crate::commands::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::show::words::one_line;

/// Longest reason, in characters: it goes into ECS's own record of every task that is stopped.
const LONGEST_REASON: usize = 150;

/// `axon job run`.
pub(super) async fn run(arguments: &JobRun, out: &mut Output) -> Answer {
    let (name, consent) = (named(&arguments.name)?, Consent::from(arguments.yes));
    consent.possible(out)?;
    let place = Place::of(&arguments.aws).await?;
    let observed = place.records().await?;
    let book = Book::of(&observed, &place.installation).unwrap_or_default();
    let known = book.jobs.get(&name);
    if let Some((other, _)) = known.and_then(|job| open(job).next()).filter(|_| !arguments.parallel) {
        return Err(not_over(&name, other).hint(format!(
            "let it end, stop it with `axon job cancel {name} {other}`, or give --parallel to begin another beside it"
        )));
    }
    if known.is_none() {
        out.talk(&format!(
            "Nothing is on record of {} in installation {}. Unless a running operator has a job of this name in its sources, the run \
             is ended without having started anything.\n",
            object(&name),
            place.installation
        ))?;
    }
    let begin = Begin { by: "`axon job run`".to_owned(), ..Begin::default() };
    begin_run((&place, &name), (begin, "all its indexes"), consent, out).await
}

/// `axon job retry`.
pub(super) async fn retry(arguments: &JobRetry, out: &mut Output) -> Answer {
    let (name, consent) = (named(&arguments.name)?, Consent::from(arguments.yes));
    consent.possible(out)?;
    let place = Place::of(&arguments.aws).await?;
    let observed = place.records().await?;
    let book = Book::of(&observed, &place.installation).unwrap_or_default();
    let none = JobBook::default();
    let indexes = to_retry(&name, book.jobs.get(&name).unwrap_or(&none))?;
    let what = in_words(&indexes);
    let begin = Begin { indexes, by: "`axon job retry`".to_owned() };
    begin_run((&place, &name), (begin, &what), consent, out).await
}

/// Asks, puts a run on record, and says what comes of it.
async fn begin_run(
    (place, name): (&Place, &Name),
    (begin, what): (Begin, &str),
    consent: Consent,
    out: &mut Output,
) -> Answer {
    let (run, object) = (asked_for_at(place.target.now()), object(name));
    if !consent.to(&format!("Begin run {run} of {object} with {what}?"), out).await? {
        return nothing(out);
    }
    let record = place.write(&RecordName::Begin(name.clone(), run.clone()), &begin).await?;
    out.data(&format!(
        "Run {run} of {object} is to begin with {what} (record {record}).\n\
         Next: a running operator that has {object} in its sources starts it with its next reading of AWS, as soon as its pool has \
         room; `suspend` and `dependsOn` hold it back like any other run.\n\
         {}",
        watch(name)
    ))?;
    Ok(Exit::Done)
}

/// `axon job cancel`.
pub(super) async fn cancel(arguments: &JobCancel, out: &mut Output) -> Answer {
    let (name, consent) = (named(&arguments.name)?, Consent::from(arguments.yes));
    let stop = Stop { reason: reason(arguments.reason.as_deref())? };
    consent.possible(out)?;
    let place = Place::of(&arguments.aws).await?;
    let observed = place.records().await?;
    let book = Book::of(&observed, &place.installation).unwrap_or_default();
    let none = JobBook::default();
    let job = book.jobs.get(&name).unwrap_or(&none);
    let run = to_cancel(&name, job, arguments.run.as_deref())?;
    let (object, known) = (object(&name), job.runs.get(&run));
    if let Some(stop) = known.and_then(|known| known.cancel.as_ref()) {
        let why = one_line(&stop.reason);
        out.data(&format!("Run {run} of {object} is being cancelled already: it {why}.\n{}", watch(&name)))?;
        return Ok(Exit::Done);
    }
    if known.is_none() {
        out.talk(&format!(
            "Nothing is on record of run {run} of {object}. If it is the run that the specification asks for, it does not begin.\n"
        ))?;
    }
    let question = format!("Cancel run {run} of {object}? Its tasks are stopped, and it is not begun again.");
    if !consent.to(&question, out).await? {
        return nothing(out);
    }
    let record = place.write(&RecordName::Cancel(name.clone(), run.clone()), &stop).await?;
    let under_way = known.map_or(0, |known| known.attempts.values().filter(|attempt| attempt.is_open()).count());
    out.data(&format!(
        "Run {run} of {object} is to be cancelled (record {record}).\n\
         Next: a running operator stops its tasks ({under_way} attempts are not over), then puts its end on record.\n\
         {}",
        watch(&name)
    ))?;
    Ok(Exit::Done)
}

fn nothing(out: &mut Output) -> Answer {
    out.talk("Nothing was changed.\n")?;
    Ok(Exit::Failed)
}

fn watch(name: &Name) -> String {
    format!("Watch: `axon job list {name}`, or `axon status {}` where an operator answers.\n", object(name))
}

/// The name of a run that is asked for now. It has a letter before its instant, so that no schedule takes it for its own.
fn asked_for_at(now: Timestamp) -> RunId {
    RunId::new(&format!("m{}", RunId::due_at(now))).unwrap_or_default()
}

fn not_over(name: &Name, run: &RunId) -> Failure {
    Failure::work(format!("run {run} of {} is not over", object(name)))
}

/// What a run is cancelled for, as a statement about it.
fn reason(given: Option<&str>) -> Result<String, Failure> {
    let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) else {
        return Ok("was cancelled".to_owned());
    };
    if given.chars().count() > LONGEST_REASON {
        return Err(Failure::usage(format!("--reason is longer than {LONGEST_REASON} characters")));
    }
    Ok(format!("was cancelled: {}", one_line(given)))
}

/// The run that is to be cancelled: the one that is named, or the only one that is not over.
fn to_cancel(name: &Name, job: &JobBook<'_>, given: Option<&str>) -> Result<RunId, Failure> {
    let list = format!("`axon job list {name}` shows what is on record");
    if let Some(given) = given {
        let run =
            RunId::new(given).ok_or_else(|| Failure::usage(format!("{given:?} is no name of a run")).hint(&*list))?;
        return match job.runs.get(&run).and_then(|known| known.end.as_ref()) {
            Some(end) => {
                Err(Failure::work(format!("run {run} of {} is over: it {}", object(name), one_line(&end.message))))
            }
            None => Ok(run),
        };
    }
    let runs: Vec<&RunId> = open(job).map(|(run, _)| run).collect();
    match runs.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(Failure::work(format!("every run of {} that is on record is over", object(name))).hint(format!(
            "{list}; a run that has not started anything can be named, as the status of the job does: axon job cancel {name} RUN"
        ))),
        several => {
            let named: Vec<&str> = several.iter().map(|run| run.as_str()).collect();
            Err(Failure::usage(format!("several runs of {} are not over", object(name)))
                .hint(format!("name one: {}", named.join(", "))))
        }
    }
}

/// The indexes that did not succeed in the newest run that is over.
fn to_retry(name: &Name, job: &JobBook<'_>) -> Result<BTreeSet<u32>, Failure> {
    if let Some((run, _)) = open(job).next() {
        return Err(not_over(name, run).hint(format!(
            "what has failed in it is tried again by itself, as backoffLimit and retryPolicy say; `axon job cancel {name} {run}` ends it"
        )));
    }
    let ended = job.runs.iter().filter_map(|(run, known)| Some((run, known, known.end.as_ref()?)));
    let Some((run, known, end)) = ended.max_by_key(|(.., end)| end.at) else {
        return Err(Failure::work(format!(
            "no run of {} is on record, so there is nothing to try again",
            object(name)
        ))
        .hint(format!("`axon job run {name}` begins one")));
    };
    let again = format!("`axon job run {name}` runs all indexes");
    let refused = |why: String| Err(Failure::work(format!("run {run} of {} {why}", object(name))).hint(&*again));
    match (end.result, left(known, end)) {
        (RunResult::Complete, _) => refused("has succeeded, so there is nothing to try again".to_owned()),
        (RunResult::Superseded, _) => refused(format!("{}, which runs by itself", one_line(&end.message))),
        (_, Some(indexes)) if !indexes.is_empty() => Ok(indexes),
        (_, _) => refused(format!(
            "{}, and which {} indexes it had not finished is no longer on record",
            one_line(&end.message),
            end.open
        )),
    }
}

/// Indexes that have not succeeded in a run that is over, if that is still known.
fn left(run: &RunBook<'_>, end: &RunEnd) -> Option<BTreeSet<u32>> {
    let failed = end.again("").indexes;
    if end.open == 0 {
        return Some(failed);
    }
    // The end says how many were not run to their end, and the records of attempts say which, as long as they are kept.
    let ended = run.attempts.iter().filter_map(|(id, attempt)| Some((id.index, attempt.result.as_ref()?.verdict)));
    let succeeded: BTreeSet<u32> =
        ended.filter(|(_, verdict)| *verdict == Verdict::Succeeded).map(|(index, _)| index).collect();
    let count = |set: &BTreeSet<u32>| u32::try_from(set.len()).unwrap_or(u32::MAX);
    let all = end.succeeded.saturating_add(count(&failed)).saturating_add(end.open);
    let asked = run.begin.as_ref().map(|(begin, _)| begin.indexes.clone()).filter(|indexes| !indexes.is_empty());
    let asked = asked.unwrap_or_else(|| (0..all).collect());
    let whole = count(&succeeded) == end.succeeded && count(&asked) == all;
    whole.then(|| asked.difference(&succeeded).copied().collect())
}

/// Indexes for people.
fn in_words(indexes: &BTreeSet<u32>) -> String {
    const NAMED: usize = 12;
    let named: Vec<String> = indexes.iter().take(NAMED).map(ToString::to_string).collect();
    match indexes.len() {
        1 => format!("index {}", named.join("")),
        count if count <= NAMED => format!("indexes {}", named.join(", ")),
        count => format!("indexes {} and {} more", named.join(", "), count - NAMED),
    }
}

#[cfg(test)]
pub(super) mod tests;
