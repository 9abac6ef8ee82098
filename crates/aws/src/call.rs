//! One AWS call: waits for its turn, sends it once, counts it, tells the log, reduces its error to a meaning.
//!
//! `observe` and `execute` call through here and nowhere else. Nothing is sent twice. Bodies never reach the log, as
//! they may carry secrets.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_smithy_async::time::SharedTimeSource;
use axon_core::cloud::CloudError;
use futures::future::{self, BoxFuture, FutureExt};

use crate::answers::Incomplete;
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
}

/// Sends calls to one account and Region, and counts them.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) autoscaling: aws_sdk_autoscaling::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) clock: SharedTimeSource,
    pace: Arc<Pace>,
    calls: Arc<AtomicU32>,
}

impl Caller {
    /// A caller that counts from zero.
    pub(crate) fn new(clients: Clients, clock: SharedTimeSource, pace: Arc<Pace>) -> Self {
        let Clients { ecs, ec2, autoscaling, ssm, sts } = clients;
        Self { ecs, ec2, autoscaling, ssm, sts, clock, pace, calls: Arc::default() }
    }

    /// How many calls were sent.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
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
        let call = async move {
            self.pace.turn(operation).await;
            self.calls.fetch_add(1, Ordering::Relaxed);
            let sent = self.clock.now();
            let answer = request.await;
            let millis = self.clock.now().duration_since(sent).unwrap_or_default().as_millis();
            let outcome = answer.map_err(|sdk| error::of_call(operation, &sdk));
            tell(operation, millis, &outcome);
            outcome
        };
        call.boxed()
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

/// Makes an answer that lacks what it must have an error of its call.
pub(crate) fn complete<T>(operation: Operation, answer: Result<T, Incomplete>) -> Result<T, CloudError> {
    answer.map_err(|incomplete| error::of_answer(operation, &incomplete))
}

fn tell<T: RequestId>(operation: Operation, millis: u128, outcome: &Result<T, CloudError>) {
    let (service, name) = (operation.service(), operation.name());
    match (outcome, operation.access()) {
        (Ok(answer), Access::Read) => {
            tracing::debug!(service, operation = name, millis, request_id = answer.request_id(), "AWS answered");
        }
        (Ok(answer), Access::Write) => {
            tracing::info!(service, operation = name, millis, request_id = answer.request_id(), "AWS answered");
        }
        (Err(error), _) => tracing::info!(
            service,
            operation = name,
            millis,
            request_id = error.request_id.as_deref(),
            class = ?error.class,
            code = error.code,
            "AWS call failed"
        ),
    }
}
