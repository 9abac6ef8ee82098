//! Traces over OTLP (HTTP, protobuf): one span per pass, below it one per step, below that one per AWS call.
//!
//! `logging` asks for it if an endpoint is named. The SDK of OpenTelemetry reads its other variables itself
//! (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_EXPORTER_OTLP_HEADERS). Only plain
//! HTTP: a collector stands beside the operator, and speaks TLS to whoever is farther away.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use opentelemetry::Key;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing_subscriber::{Layer as _, Registry};

use super::Boxed;
use crate::fetch;

/// How long a batch may take on its way.
const DEADLINE: Duration = Duration::from_secs(10);
/// The path below an endpoint, by the standard.
const PATH: &str = "/v1/traces";

/// Sends traces while it exists.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends what is left.
    pub(super) fn finish(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The layer that makes traces out of spans, and what sends them.
pub(super) fn layer(endpoint: &str, runtime: &Handle) -> Result<(Boxed, Traces), String> {
    let endpoint = endpoint.trim_end_matches('/');
    if !endpoint.starts_with("http://") {
        return Err(format!("{endpoint:?} is no http:// address of an OpenTelemetry collector"));
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender { runtime: runtime.clone() })
        .with_endpoint(format!("{endpoint}{PATH}"))
        .build()
        .map_err(|error| error.to_string())?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
    let tracer = provider.tracer("axon");
    Ok((tracing_opentelemetry::layer::<Registry>().with_tracer(tracer).boxed(), Traces(provider)))
}

/// As the standard variables say; `axon` if they name no service.
fn resource() -> Resource {
    let found = Resource::builder().build();
    let name = found.get(&Key::from_static_str("service.name"));
    match name {
        Some(name) if !name.as_str().starts_with("unknown_service") => found,
        _ => Resource::builder().with_service_name("axon").build(),
    }
}

/// Sends batches, which come from a thread of the SDK, through the runtime of the process.
#[derive(Debug)]
struct Sender {
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(tokio::time::timeout(DEADLINE, fetch::send(request.map(Full::new))));
        match sent.await? {
            Ok(answered) => Ok(answered?),
            Err(_late) => Err(format!("there was no answer in {} seconds", DEADLINE.as_secs()).into()),
        }
    }
}
