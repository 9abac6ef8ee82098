//! `axon job`: shows runs of jobs, and asks for runs to begin and to end.
//!
//! `records` reads and writes what is on record, `known` says what that means for one run, and each command has its own file.
//! Nothing here starts or stops a task: an operator does, when it finds the record. Not here: what records hold, which is
//! `axon_core::job`'s.

mod ask;
mod known;
mod list;
pub(super) mod records;

use axon_core::job::{JobBook, RunBook, RunId};
use axon_core::spec::{Name, ObjectKey};

use crate::arguments::{Job, JobCommand};
use crate::failure::{Answer, Failure};
use crate::output::Output;

pub(super) async fn job(arguments: &Job, out: &mut Output) -> Answer {
    match &arguments.command {
        JobCommand::List(arguments) => list::list(arguments, out).await,
        JobCommand::Run(arguments) => ask::run(arguments, out).await,
        JobCommand::Cancel(arguments) => ask::cancel(arguments, out).await,
        JobCommand::Retry(arguments) => ask::retry(arguments, out).await,
    }
}

/// `train` or `NeuronJob/train`.
fn named(text: &str) -> Result<Name, Failure> {
    let (kind, name) = text.split_once('/').map_or((None, text), |(kind, name)| (Some(kind), name));
    if let Some(kind) = kind.filter(|kind| !kind.eq_ignore_ascii_case("NeuronJob")) {
        return Err(Failure::usage(format!("{kind} has no runs")).hint("give the name of a NeuronJob, such as train"));
    }
    name.parse().map_err(|error| Failure::usage(format!("{name:?} is no name of a job: {error}")))
}

/// Runs that are not over.
fn open<'j, 'a>(job: &'j JobBook<'a>) -> impl Iterator<Item = (&'j RunId, &'j RunBook<'a>)> {
    job.runs.iter().filter(|(_, run)| run.end.is_none())
}

fn object(name: &Name) -> ObjectKey {
    ObjectKey::job(name.clone())
}
