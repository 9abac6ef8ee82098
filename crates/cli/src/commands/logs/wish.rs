//! What the arguments of `axon logs` ask for. Neighbours: `find` looks for it. Not here: whether there is such a thing.

use std::time::Duration;

use axon_core::job::{AttemptId, RunId};
use axon_core::spec::{Kind, Name};
use jiff::Timestamp;

use super::reader::Start;
use crate::arguments::{Logs, Since};
use crate::failure::Failure;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) of: Whose,
    pub(super) container: Option<String>,
    since: Option<Since>,
    tail: Option<u32>,
    going: Going,
}

/// Whose output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Tasks of a job.
    Job { name: Name, run: Option<RunId>, which: Attempts },
    /// Tasks of a service.
    Service { name: Name, which: Tasks },
}

/// Which attempts of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempts {
    All,
    Of(u32),
    One(AttemptId),
}

/// Which tasks of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tasks {
    /// Those that have not stopped.
    Live,
    /// Those that have.
    Stopped,
    /// Those whose id begins so.
    Called(String),
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    UntilNow,
    On,
}

impl Wish {
    pub(super) fn of(arguments: &Logs) -> Result<Self, Failure> {
        Ok(Self {
            of: whose(arguments)?,
            container: arguments.container.clone(),
            since: arguments.since,
            tail: arguments.tail,
            going: if arguments.follow { Going::On } else { Going::UntilNow },
        })
    }

    /// The same, of this run and no later one.
    pub(super) fn of_run(mut self, known: Option<&RunId>) -> Self {
        if let Whose::Job { run, .. } = &mut self.of {
            *run = known.cloned();
        }
        self
    }

    /// Whether to go on with what is written later.
    pub(super) fn follow(&self) -> bool {
        self.going == Going::On
    }

    /// Where to begin in every stream.
    pub(super) fn start(&self, now: Timestamp) -> Start {
        let since = self.since.map(|since| match since {
            Since::At(instant) => instant,
            Since::Ago(time) => ago(now, time),
        });
        Start { since, tail: self.tail }
    }
}

fn ago(now: Timestamp, time: Duration) -> Timestamp {
    now.saturating_sub(time).unwrap_or(Timestamp::MIN)
}

fn whose(arguments: &Logs) -> Result<Whose, Failure> {
    let hint = "give NeuronJob/NAME or NeuronService/NAME";
    let Some((kind, name)) = arguments.object.split_once('/') else {
        return Err(Failure::usage(format!("{:?} does not say of which kind it is", arguments.object)).hint(hint));
    };
    let known = Kind::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(kind));
    let name: Name = name.parse().map_err(|error| Failure::usage(format!("{name:?} is no name: {error}")))?;
    match known {
        Some(Kind::NeuronJob) => job(name, arguments),
        Some(Kind::NeuronService) => service(name, arguments),
        Some(other) => Err(Failure::usage(format!("a {other} has no tasks, so it writes nothing")).hint(hint)),
        None => Err(Failure::usage(format!("there is no kind {kind}")).hint(hint)),
    }
}

fn job(name: Name, arguments: &Logs) -> Result<Whose, Failure> {
    if arguments.previous {
        return Err(Failure::usage("--previous is for services")
            .hint("of a job, name an attempt, such as 7.0, or a run with --run; `axon job list` has them"));
    }
    let run = arguments.run.as_deref().map(|run| {
        let none =
            || Failure::usage(format!("{run:?} is no name of a run")).hint(format!("`axon job list {name}` has them"));
        RunId::new(run).ok_or_else(none)
    });
    let which = arguments.which.as_deref().map_or(Ok(Attempts::All), attempts)?;
    Ok(Whose::Job { run: run.transpose()?, which, name })
}

fn attempts(text: &str) -> Result<Attempts, Failure> {
    let wrong = || {
        Failure::usage(format!("{text:?} is neither an index nor an attempt"))
            .hint("7 is an index, and 7.2 its attempt after two others")
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    match text.split_once('.') {
        None => Ok(Attempts::Of(number(text)?)),
        Some((index, attempt)) => Ok(Attempts::One(AttemptId { index: number(index)?, number: number(attempt)? })),
    }
}

fn service(name: Name, arguments: &Logs) -> Result<Whose, Failure> {
    if arguments.run.is_some() {
        return Err(Failure::usage("--run is for jobs"));
    }
    let which = match (&arguments.which, arguments.previous) {
        (Some(id), _) if id.is_empty() || !id.chars().all(|letter| letter.is_ascii_alphanumeric()) => {
            return Err(Failure::usage(format!("{id:?} cannot be the beginning of a task's id")));
        }
        (Some(id), _) => Tasks::Called(id.clone()),
        (None, true) => Tasks::Stopped,
        (None, false) => Tasks::Live,
    };
    Ok(Whose::Service { name, which })
}
