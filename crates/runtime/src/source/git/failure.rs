//! Why a look at a repository gave nothing.
//!
//! Every file beside this one makes them; `member` turns them into the condition of the source. A message says the
//! cause, the evidence and the next step, and has passed [`Failure::new`], so that no secret and no hidden character
//! is in it.

use std::sync::{Arc, Mutex, PoisonError};

use axon_core::text::is_hidden;

use super::super::status::SourceReason;

/// Long enough for a cause, its evidence and a next step.
const LONGEST: usize = 600;

/// Why a look gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// In one word.
    pub(crate) reason: SourceReason,
    /// For people.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(reason: SourceReason, message: impl AsRef<str>) -> Self {
        let plain = |letter: char| if is_hidden(letter) { ' ' } else { letter };
        let message = message.as_ref().trim().chars().map(plain).take(LONGEST).collect();
        Self { reason, message }
    }

    pub(crate) fn fetch(message: impl AsRef<str>) -> Self {
        Self::new(SourceReason::FetchFailed, message)
    }
}

/// Where the first cause is kept while a library turns it into errors of its own on the way up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cause(Arc<Mutex<Option<Failure>>>);

impl Cause {
    /// Keeps the first failure, and gives an error for whoever asked for I/O.
    pub(crate) fn io(&self, failure: Failure) -> std::io::Error {
        let error = std::io::Error::other(failure.message.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        error
    }

    /// The first failure, if any.
    pub(crate) fn get(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
