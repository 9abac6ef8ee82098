//! One world for several callers, with a clock that someone else owns. Neighbours: `connector` and `socket` answer with it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::aws::Aws;

/// Where the current instant comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A simulated account behind a lock.
#[derive(Clone)]
pub struct Shared {
    aws: Arc<Mutex<Aws>>,
    clock: Clock,
}

impl Shared {
    /// Shares a world whose time follows a clock.
    pub fn new(aws: Aws, clock: Clock) -> Self {
        Self { aws: Arc::new(Mutex::new(aws)), clock }
    }

    /// Lets the world catch up with the clock, then answers.
    pub fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let now = self.now();
        self.with(|aws| {
            aws.advance_to(now);
            aws.answer(request)
        })
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The current instant as AWS writes it on every answer (RFC 9110, section 6.6.1).
    pub fn date(&self) -> HeaderValue {
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.now()).ok();
        date.and_then(|date| HeaderValue::try_from(date).ok()).unwrap_or(HeaderValue::from_static(""))
    }

    /// Works on the world directly. A panic of another caller does not lock everyone else out.
    pub fn with<T>(&self, work: impl FnOnce(&mut Aws) -> T) -> T {
        work(&mut self.aws.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
