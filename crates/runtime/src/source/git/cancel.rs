//! Ends a look from outside: one flag for loops, one signal for whatever waits.
//!
//! `member` cancels when time is up or the program ends; everything beside this file that may take long asks or listens.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::failure::Failure;
use crate::source::status::SourceReason;

/// A wish to end.
#[derive(Clone, Debug)]
pub(crate) struct Cancel {
    flag: Arc<AtomicBool>,
    told: Arc<watch::Sender<bool>>,
}

impl Cancel {
    pub(crate) fn new() -> Self {
        Self { flag: Arc::default(), told: Arc::new(watch::channel(false).0) }
    }

    /// Asks for the end.
    pub(crate) fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.told.send_replace(true);
    }

    /// For libraries that ask a flag.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Completes when the end was asked for.
    pub(crate) async fn cancelled(&self) {
        let mut told = self.told.subscribe();
        // Nobody can drop the sender while `self` holds it.
        let _ = told.wait_for(|cancelled| *cancelled).await;
    }

    /// Fails when the end was asked for.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.flag.load(Ordering::Relaxed) { Err(timed_out()) } else { Ok(()) }
    }
}

/// What is said of a look that was ended.
pub(crate) fn timed_out() -> Failure {
    let message =
        "it took longer than the timeout of the source; it is tried again. If the repository is large, raise timeout";
    Failure::new(SourceReason::TimedOut, message)
}

/// For whoever asked for I/O.
pub(crate) fn interrupted() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the look was ended")
}
