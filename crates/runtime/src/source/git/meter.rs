//! Counts what comes over a connection, and ends it at a limit: a server decides how much it sends, not how much is read.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::failure::{Cause, Failure};
use crate::source::status::SourceReason;

/// How much may come in one look.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    left: Arc<AtomicU64>,
    limit: u64,
    cause: Cause,
}

impl Meter {
    pub(crate) fn new(limit: u64, cause: Cause) -> Self {
        Self { left: Arc::new(AtomicU64::new(limit)), limit, cause }
    }

    /// Takes note of bytes that came.
    pub(crate) fn count(&self, bytes: usize) -> io::Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if taken.is_ok() {
            return Ok(());
        }
        let message = format!(
            "the server sends more than {} MiB; keep the specification in a repository of its own, or raise maxFetchBytes",
            self.limit >> 20
        );
        Err(self.cause.io(Failure::new(SourceReason::TooLarge, message)))
    }
}

/// A reader whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Metered<R> {
    pub(crate) inner: R,
    pub(crate) meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.meter.count(bytes)?;
        Ok(bytes)
    }
}
