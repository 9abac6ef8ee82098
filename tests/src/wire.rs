//! The network between the SDK and the simulated account, and what can happen on it.
//!
//! A process that dies is a network that never answers again, together with a future that is dropped. A storm is a
//! network that answers for AWS: too many requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
    storm: Arc<AtomicBool>,
}

impl Wire {
    /// A network that works.
    pub fn new(aws: Shared) -> Self {
        let (writes, dead, storm) = Default::default();
        Self { inner: InProcess::new(aws), doom: None, writes, dead, storm }
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
        self.storm.store(true, Ordering::SeqCst);
    }

    /// Requests are answered again.
    pub fn calm(&self) {
        self.storm.store(false, Ordering::SeqCst);
    }
}

fn writes(request: &HttpRequest) -> bool {
    let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
    operation.is_some_and(is_write)
}

/// Whether an operation changes anything.
pub fn is_write(operation: &str) -> bool {
    !["Describe", "List", "Get"].iter().any(|word| operation.starts_with(word))
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.storm.load(Ordering::SeqCst) {
            let body = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
            let answer = StatusCode::try_from(400).map(|status| HttpResponse::new(status, body.into()));
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
