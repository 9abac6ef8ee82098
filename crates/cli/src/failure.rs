//! Why a command could not do what it was asked: the cause with its evidence, and what to do next.
//!
//! Neighbours: commands return it, the composition root prints it. Not here: findings about what users wrote, which are
//! `axon_core::diagnostic`.

use std::io;

use crate::exit::Exit;

/// A command that could not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, with the evidence.
    pub cause: String,
    /// What to do about it; empty if the cause says it.
    pub hint: String,
    /// Whether it may be gone the next moment: AWS did not answer, or was asked too often.
    pub passes: bool,
}

impl Failure {
    /// The command line cannot be followed.
    pub(crate) fn usage(cause: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, cause: cause.into(), hint: String::new(), passes: false }
    }

    /// The work could not be done.
    pub(crate) fn work(cause: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, cause: cause.into(), hint: String::new(), passes: false }
    }

    /// The failure, with what to do.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

impl From<io::Error> for Failure {
    /// Writing the output failed; everything else that fails says so itself.
    fn from(error: io::Error) -> Self {
        Self::work(format!("the output could not be written: {error}"))
    }
}

/// What a command gives back.
pub(crate) type Answer = Result<Exit, Failure>;
