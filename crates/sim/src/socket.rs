//! The model on a TCP socket, for any AWS client (`--endpoint-url`). Neighbours: `shared` answers. There is no TLS and
//! signatures are not checked: bind it to a loopback address.

use std::future::Future;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;

use crate::shared::Shared;

/// A task definition is at most 64 KiB and no other request is larger by much.
const BODY_LIMIT: usize = 1 << 20;

/// Serves until `shutdown` resolves. Every path is the same endpoint, as it is on AWS.
pub async fn serve(
    listener: tokio::net::TcpListener,
    shared: Shared,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = Router::new().fallback(answer).with_state(shared);
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        let mut refused = Response::new(Body::from("{\"__type\":\"RequestEntityTooLargeException\"}"));
        *refused.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
        return refused;
    };
    shared.answer(&http::Request::from_parts(head, body)).map(|b: Bytes| Body::from(b))
}
