//! Makes one call, or one sweep, and always comes back with an answer: a panic in it is an answer, too.
//!
//! `reconciler` runs these futures side by side; `controller` learns from what they give. No repetition here: the next
//! plan is the retry.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use axon_core::cloud::{Cloud, CloudError, Effect, ErrorClass, Facts, Scope, Sweep};
use axon_core::step::Step;
use futures::FutureExt as _;
use jiff::Timestamp;
use tracing::Span;

use crate::clock::Clock;
use crate::source::{Snapshot, SourceError, SourceStatus};

/// Something that the loop waited for.
#[derive(Debug)]
pub(crate) enum Report {
    /// Facts were asked for.
    Facts(Result<Facts, CloudError>),
    /// The source was read, and how its parts were doing.
    Source(Result<Snapshot, SourceError>, Vec<SourceStatus>),
    /// AWS was read.
    Swept(Box<Sweep>),
    /// A step has ended.
    Ended(Box<Execution>),
}

/// A step that has ended.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) step: Step,
    pub(crate) result: Result<Effect, CloudError>,
    pub(crate) at: Timestamp,
    /// What its log lines belong to.
    pub(crate) span: Span,
}

/// The code of an error that is a panic of ours.
pub(crate) const PANIC: &str = "Panic";

/// Makes the call of a step.
pub(crate) async fn execute<C: Cloud, K: Clock>(cloud: &C, clock: &K, step: Step) -> Report {
    let answer = contained(async { cloud.execute(&step).await }).await;
    let result = answer.unwrap_or_else(|Panicked| Err(panicked(step.action.operation())));
    Report::Ended(Box::new(Execution { step, result, at: clock.now(), span: Span::current() }))
}

/// Reads AWS. When it began is told by the clock that dates outcomes, too.
pub(crate) async fn sweep<C: Cloud, K: Clock>(cloud: &C, clock: &K, scope: Scope) -> Report {
    let started = clock.now();
    let sweep = contained(async { cloud.observe(scope).await }).await;
    let sweep = sweep.unwrap_or_else(|Panicked| nothing_read(started));
    Report::Swept(Box::new(Sweep { started, ..sweep }))
}

/// Asks for the facts.
pub(crate) async fn look_up<C: Cloud>(cloud: &C) -> Report {
    let facts = contained(async { cloud.lookup().await }).await;
    Report::Facts(facts.unwrap_or_else(|Panicked| Err(panicked("lookup"))))
}

struct Panicked;

async fn contained<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_| Panicked)
}

/// Nobody knows how far the call came.
fn panicked(operation: &'static str) -> CloudError {
    CloudError {
        class: ErrorClass::Ambiguous,
        operation,
        code: PANIC.to_owned(),
        message: "Axon failed while it made this call; please report this".to_owned(),
        request_id: None,
    }
}

fn nothing_read(started: Timestamp) -> Sweep {
    Sweep {
        started,
        clusters: Err(panicked("sweep")),
        providers: BTreeMap::new(),
        services: BTreeMap::new(),
        task_definitions: None,
        tasks: BTreeMap::new(),
        history: BTreeMap::new(),
        ec2: None,
        jobs: None,
        calls: 0,
    }
}
