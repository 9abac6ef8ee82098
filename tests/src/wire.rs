//! The network between the SDK and the simulated account, and what can happen on it.
//!
//! A process that dies is a network that never answers again, together with a future that is dropped. A storm is a
//! network that answers for AWS: too many requests. Which operation a request is for stands in a header (ECS, Systems
//! Manager) or in its form (EC2, Auto Scaling, STS); what the account does with it is not for the network to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use axon_sim::Shared;
use axon_sim::connector::InProcess;
use tokio::sync::Notify;

/// Where in a write a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// AWS never sees the call.
    BeforeEffect,
    /// AWS does what was asked, and nobody hears of it.
    AfterEffect,
}

/// What the network does.
#[derive(Clone, Debug)]
pub struct Wire {
    inner: InProcess,
    doom: Option<(u32, Death)>,
    writes: Arc<AtomicU32>,
    dead: Arc<Notify>,
    /// Of a hundred requests, how many are refused as too fast.
    refused: Arc<AtomicU32>,
    requests: Arc<AtomicU32>,
}

impl Wire {
    /// A network that works.
    pub fn new(aws: Shared) -> Self {
        let (writes, dead, refused, requests) = Default::default();
        Self { inner: InProcess::new(aws), doom: None, writes, dead, refused, requests }
    }

    /// A network that ends with the `count`th write.
    #[must_use]
    pub const fn doomed(mut self, count: u32, death: Death) -> Self {
        self.doom = Some((count, death));
        self
    }

    /// Completes when the network has ended.
    pub async fn died(&self) {
        self.dead.notified().await;
    }

    /// Every request is throttled from now on.
    pub fn storm(&self) {
        self.crowd(100);
    }

    /// So many of a hundred requests are throttled from now on, because somebody else makes many.
    pub fn crowd(&self, percent: u32) {
        self.refused.store(percent, Ordering::SeqCst);
    }

    /// Requests are answered again.
    pub fn calm(&self) {
        self.crowd(0);
    }

    /// Spread over the requests as by chance, and the same in every run.
    fn refuses(&self) -> bool {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        number.wrapping_mul(37) % 100 < self.refused.load(Ordering::SeqCst)
    }
}

/// The service that a request is signed for, from the scope of its credentials.
pub(crate) fn service(request: &HttpRequest) -> &str {
    let credential = request.headers().get("authorization").and_then(|header| header.split_once("Credential="));
    let scope = credential.and_then(|(_, rest)| rest.split([',', ' ']).next());
    scope.and_then(|scope| scope.split('/').rev().nth(1)).unwrap_or_default()
}

/// The operation of a request, whichever way its service wants it said.
pub(crate) fn operation(request: &HttpRequest) -> Option<&str> {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next();
    }
    let form = std::str::from_utf8(request.body().bytes()?).ok()?;
    form.split('&').find_map(|field| field.strip_prefix("Action="))
}

fn writes(request: &HttpRequest) -> bool {
    operation(request).is_some_and(is_write)
}

/// Too many requests, in the words of the service that was asked.
pub(crate) fn throttled(service: &str) -> (u16, &'static str) {
    match service {
        "ec2" => (
            503,
            "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message>\
             </Error></Errors><RequestID>storm</RequestID></Response>",
        ),
        "autoscaling" | "sts" => (
            400,
            "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>\
             <RequestId>storm</RequestId></ErrorResponse>",
        ),
        _ => (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#),
    }
}

/// Whether an operation changes anything.
pub fn is_write(operation: &str) -> bool {
    !["Describe", "List", "Get"].iter().any(|word| operation.starts_with(word))
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.refuses() {
            let (status, body) = throttled(service(&request));
            let answer = StatusCode::try_from(status).map(|status| HttpResponse::new(status, body.into()));
            return HttpConnectorFuture::new(async { Ok(answer.unwrap()) });
        }
        let Some((count, death)) = self.doom else { return self.inner.call(request) };
        let number = if writes(&request) {
            self.writes.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            self.writes.load(Ordering::SeqCst)
        };
        if number < count {
            return self.inner.call(request);
        }
        let last =
            (number == count && death == Death::AfterEffect && writes(&request)).then(|| self.inner.call(request));
        let dead = Arc::clone(&self.dead);
        HttpConnectorFuture::new(async move {
            if let Some(last) = last {
                let _unheard = last.await;
            }
            dead.notify_one();
            std::future::pending().await
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
