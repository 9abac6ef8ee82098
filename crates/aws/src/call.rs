//! One AWS call: waits for its turn, sends it once, counts it, tells the log and the observer, reduces its error to a
//! meaning.
//!
//! `observe`, `execute` and `logs` call through here and nowhere else. Nothing is sent twice. Bodies never reach the log, as
//! they may carry secrets.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use axon_core::cloud::{CallObserver, CloudError, ErrorClass, ObservedCall};
use futures::future::{self, BoxFuture, FutureExt};
use tracing::{Instrument as _, info_span};

use crate::answers::Incomplete;
use crate::aws_time::AwsTime;
use crate::error;
use crate::operations::{Access, Operation};
use crate::pace::Pace;

/// The SDK's client of each service.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) autoscaling: aws_sdk_autoscaling::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
}

/// Sends calls to one account and Region, and counts them.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) autoscaling: aws_sdk_autoscaling::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) clock: AwsTime,
    pace: Arc<Pace>,
    calls: Arc<AtomicU32>,
    throttled: Arc<AtomicU32>,
    failed: Arc<AtomicU32>,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
}

impl Caller {
    /// A caller that counts from zero.
    pub(crate) fn new(clients: Clients, clock: AwsTime, pace: Arc<Pace>) -> Self {
        let Clients { ecs, ec2, autoscaling, ssm, sts, logs } = clients;
        let (calls, throttled, failed) = Default::default();
        Self { ecs, ec2, autoscaling, ssm, sts, logs, clock, pace, calls, throttled, failed, observer: None }
    }

    /// How many calls were sent.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many of them AWS refused as too fast.
    pub(crate) fn throttled(&self) -> u32 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// How many of them failed for a reason that may be gone the next moment.
    pub(crate) fn failed(&self) -> u32 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Lets a failure pass. Too fast is the pace's to slow down.
    pub(crate) async fn pause_after(&self, class: ErrorClass) {
        if class == ErrorClass::Transient {
            self.pace.pause().await;
        }
    }

    /// Sends a request, once. On the heap, as the SDK's futures are big.
    pub(crate) fn send<'a, T, E>(
        &'a self,
        operation: Operation,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, CloudError>>
    where
        T: RequestId + Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let request = request.boxed();
        let span = info_span!(
            "aws_call",
            aws.service = operation.service(),
            aws.operation = operation.name(),
            aws.request_id = tracing::field::Empty,
        );
        let named = span.clone();
        let call = async move {
            let asked = self.clock.machine();
            self.pace.turn(operation).await;
            self.calls.fetch_add(1, Ordering::Relaxed);
            let sent = self.clock.machine();
            let answer = request.await;
            let took = Took { waited: between(asked, sent), duration: between(sent, self.clock.machine()) };
            let outcome = answer.map_err(|sdk| error::of_call(operation, &sdk));
            match outcome.as_ref().map_err(|error| error.class) {
                Err(ErrorClass::Throttled) => {
                    self.pace.throttled(operation);
                    self.throttled.fetch_add(1, Ordering::Relaxed);
                }
                Err(ErrorClass::Transient) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                }
                _ => {}
            }
            let request_id = match &outcome {
                Ok(answer) => answer.request_id(),
                Err(error) => error.request_id.as_deref(),
            };
            named.record("aws.request_id", request_id);
            self.tell(operation, took, outcome.as_ref().map(|_| ()));
            outcome
        };
        let call = call.instrument(span);
        call.boxed()
    }

    /// Says how a call ended; service, operation and request id are the span's.
    fn tell(&self, operation: Operation, took: Took, outcome: Result<(), &CloudError>) {
        let Took { waited, duration } = took;
        let duration_ms = duration.as_millis();
        match (outcome, operation.access()) {
            (Ok(()), Access::Read) => tracing::debug!(duration_ms, "AWS answered"),
            (Ok(()), Access::Write) => tracing::info!(duration_ms, "AWS answered"),
            // Asked again at once, and a sweep that is left without says so.
            (Err(error), Access::Read) if error.class == ErrorClass::Throttled => {
                tracing::debug!(duration_ms, code = error.code, "AWS refused a call as too fast");
            }
            (Err(error), _) => {
                tracing::info!(duration_ms, class = ?error.class, code = error.code, "AWS call failed");
            }
        }
        if let Some(observer) = &self.observer {
            let (service, operation) = (operation.service(), operation.name());
            observer.observed(&ObservedCall { service, operation, outcome, duration, waited });
        }
    }

    /// Sends a request that may not have come together.
    pub(crate) fn send_built<'a, B, T, E, F>(
        &'a self,
        operation: Operation,
        built: Result<B, BuildError>,
        send: impl FnOnce(B) -> F,
    ) -> BoxFuture<'a, Result<T, CloudError>>
    where
        T: RequestId + Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    {
        match built {
            Ok(request) => self.send(operation, send(request)),
            Err(reason) => future::ready(Err(error::of_request(operation, &reason))).boxed(),
        }
    }
}

/// How long a call waited for its turn, and how long its answer took.
#[derive(Clone, Copy, Debug)]
struct Took {
    waited: Duration,
    duration: Duration,
}

/// Nothing if the clock was set back meanwhile.
fn between(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// Makes an answer that lacks what it must have an error of its call.
pub(crate) fn complete<T>(operation: Operation, answer: Result<T, Incomplete>) -> Result<T, CloudError> {
    answer.map_err(|incomplete| error::of_answer(operation, &incomplete))
}
