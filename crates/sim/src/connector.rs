//! The AWS SDK for Rust talks to the model without a socket. Neighbours: `shared` answers. No retries, no timeouts, no
//! faults of the network: whoever wants those wraps this.

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::header::DATE;
use http_body_util::BodyExt;

use crate::shared::Shared;

/// An HTTP client whose other end is the simulator in the same process.
#[derive(Debug, Clone)]
pub struct InProcess {
    shared: Shared,
}

impl InProcess {
    /// Connects to a world.
    pub fn new(shared: Shared) -> Self {
        Self { shared }
    }
}

async fn answer(shared: Shared, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let mut response = shared.answer(&http::Request::from_parts(head, body));
    // Over a socket the server dates answers, by the machine's clock: whoever is there has no other, and must not take
    // simulated time that runs fast for a clock that is wrong.
    response.headers_mut().insert(DATE, shared.date());
    HttpResponse::try_from(response.map(|b: Bytes| SdkBody::from(b))).map_err(|e| ConnectorError::other(e.into(), None))
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(answer(self.shared.clone(), request))
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
