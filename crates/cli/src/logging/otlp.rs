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
        let exchange = fetch::send(request.map(Full::new));
        // A timer can be made only inside the runtime, and this is a thread of the SDK.
        let sent = self.runtime.spawn(async move { tokio::time::timeout(DEADLINE, exchange).await });
        match sent.await? {
            Ok(answered) => Ok(answered?),
            Err(_late) => Err(format!("there was no answer in {} seconds", DEADLINE.as_secs()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::logging::paper::listen;

    /// One request, from its first line to the last byte of its body.
    async fn received(listener: TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            if let (Some(length), Some(head)) = (length, head)
                && bytes.len() >= head + 4 + length
            {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                return text;
            }
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request ends early: {text}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn spans_arrive_at_a_collector_with_their_fields() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        let collector = tokio::spawn(received(listener));
        let (layer, traces) = layer(&endpoint, &Handle::current()).unwrap();
        {
            let _listening = listen(tracing_subscriber::registry().with(layer));
            let pass = info_span!("pass", reconcileID = "0a-1");
            let _entered = pass.enter();
            info_span!("aws_call", aws.operation = "CreateService").in_scope(|| {});
        }
        tokio::task::spawn_blocking(move || traces.finish()).await.unwrap();
        let request = tokio::time::timeout(DEADLINE, collector).await.expect("the spans arrive").unwrap();
        assert!(request.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{request}");
        for part in ["application/x-protobuf", "pass", "reconcileID", "0a-1", "aws_call", "CreateService", "axon"] {
            assert!(request.contains(part), "{part}: {request}");
        }
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_spoken_to_is_refused() {
        for endpoint in ["https://collector:4318", "collector:4317", "grpc://collector:4317"] {
            let refused = layer(endpoint, &Handle::current()).err().unwrap();
            assert!(refused.contains("is no http:// address"), "{refused}");
        }
    }
}
