//! Paths to answers. Neighbours: `board` supplies the contents, `serve` the connections. Not here: sockets and deadlines.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::board::{Board, Readiness};

/// No answer here depends on a body, so a long one is only a burden.
const BODY_LIMIT: usize = 1024;

type Shared = State<Arc<dyn Board>>;

/// All answers. Only GET and HEAD are known; anything else gets 405.
pub fn router(board: Arc<dyn Board>) -> Router {
    Router::new()
        .route("/", get(text))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/v1/status", get(page))
        .route("/v1/status/{kind}/{name}", get(object))
        .route("/v1/events", get(events))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(stamp))
        .with_state(board)
}

/// Statuses are of the moment: nobody may keep them, and no browser may guess another type.
async fn stamp(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The process answers. Whether it knows anything is `/readyz`.
async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(board): Shared) -> Response {
    match board.readiness() {
        Readiness::Ready => "ready\n".into_response(),
        Readiness::NotYet(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n")).into_response(),
    }
}

async fn text(State(board): Shared) -> String {
    board.text()
}

async fn page(State(board): Shared) -> Response {
    Json(board.page()).into_response()
}

async fn object(State(board): Shared, Path((kind, name)): Path<(String, String)>) -> Response {
    match board.object(&kind, &name) {
        Some(object) => Json(object).into_response(),
        None => missing(&format!("{kind}/{name} is not declared; GET /v1/status lists what is")),
    }
}

async fn events(State(board): Shared) -> Response {
    Json(board.events()).into_response()
}

async fn unknown(uri: Uri) -> Response {
    missing(&format!(
        "there is no {}; there are /, /healthz, /readyz, /v1/status, /v1/status/{{kind}}/{{name}} and /v1/events",
        uri.path()
    ))
}

fn missing(message: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": message}))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Method;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    struct Fixed(Readiness);

    impl Board for Fixed {
        fn page(&self) -> Value {
            json!({"objects": [{"kind": "NeuronService", "name": "llama"}]})
        }

        fn object(&self, kind: &str, name: &str) -> Option<Value> {
            ((kind, name) == ("NeuronService", "llama")).then(|| json!({"kind": kind, "name": name}))
        }

        fn events(&self) -> Value {
            json!([])
        }

        fn text(&self) -> String {
            "KIND NAME\n".to_owned()
        }

        fn readiness(&self) -> Readiness {
            self.0.clone()
        }
    }

    async fn ask(board: Fixed, method: Method, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router(Arc::new(board)).oneshot(request).await.unwrap();
        let status = response.status();
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(path: &str) -> (StatusCode, String) {
        ask(Fixed(Readiness::Ready), Method::GET, path).await
    }

    #[tokio::test]
    async fn health_does_not_depend_on_readiness() {
        let waiting = || Fixed(Readiness::NotYet("AWS has not been read yet".to_owned()));
        assert_eq!(ask(waiting(), Method::GET, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let (status, text) = ask(waiting(), Method::GET, "/readyz").await;
        assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "AWS has not been read yet\n"));
        assert_eq!(get("/readyz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn the_statuses_are_json_and_one_object_has_its_own_address() {
        let (status, text) = get("/v1/status").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(text, r#"{"objects":[{"kind":"NeuronService","name":"llama"}]}"#);
        assert_eq!(get("/v1/status/NeuronService/llama").await.0, StatusCode::OK);
        assert_eq!(get("/v1/events").await, (StatusCode::OK, "[]".to_owned()));
    }

    #[tokio::test]
    async fn an_unknown_object_and_an_unknown_path_say_what_there_is() {
        let (status, text) = get("/v1/status/NeuronService/mistral").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("NeuronService/mistral is not declared"), "{text}");
        let (status, text) = get("/metrics").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("/v1/status/{kind}/{name}"), "{text}");
    }

    #[tokio::test]
    async fn nothing_can_be_written() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let (status, _) = ask(Fixed(Readiness::Ready), method, "/v1/status").await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        }
    }

    #[tokio::test]
    async fn people_get_a_page_without_a_tool() {
        assert_eq!(get("/").await, (StatusCode::OK, "KIND NAME\n".to_owned()));
    }
}
