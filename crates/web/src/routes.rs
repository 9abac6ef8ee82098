//! Paths to answers. Neighbours: `board` supplies the contents, `serve` the connections. Not here: sockets and deadlines.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::board::{AskedEvents, AskedObject, Board, Health, Readiness, Refusal};

/// No answer here depends on a body, so a long one is only a burden.
const BODY_LIMIT: usize = 1024;
/// Events in one answer, unless somebody asks for another number.
const EVENTS: usize = 500;
/// Events in one answer at most.
const MOST_EVENTS: usize = 10_000;
/// What Prometheus expects the metrics to call themselves.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

type Shared = State<Arc<dyn Board>>;
/// As a query comes; unlike a struct, it says which member is unknown.
type Asked = BTreeMap<String, String>;

/// All answers. Only GET and HEAD are known; anything else gets 405.
pub fn router(board: Arc<dyn Board>) -> Router {
    Router::new()
        .route("/", get(text))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/v1/status", get(page))
        .route("/v1/status/{kind}/{name}", get(object))
        .route("/v1/events", get(events))
        .route("/v1/plan", get(plan))
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

/// Every loop turns. Whether the process knows anything is `/readyz`.
async fn healthz(State(board): Shared) -> Response {
    match board.health() {
        Health::Alive => "ok\n".into_response(),
        Health::Hung(which) => (StatusCode::SERVICE_UNAVAILABLE, format!("{which}\n")).into_response(),
    }
}

async fn readyz(State(board): Shared) -> Response {
    match board.readiness() {
        Readiness::Ready => "ready\n".into_response(),
        Readiness::NotYet(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("{missing}\n")).into_response(),
    }
}

async fn metrics(State(board): Shared) -> Response {
    ([(header::CONTENT_TYPE, PROMETHEUS)], board.metrics()).into_response()
}

async fn text(State(board): Shared) -> String {
    board.text()
}

async fn page(State(board): Shared) -> Response {
    Json(board.page()).into_response()
}

async fn plan(State(board): Shared) -> Response {
    Json(board.plan()).into_response()
}

async fn object(
    State(board): Shared,
    Path((kind, name)): Path<(String, String)>,
    Query(mut asked): Query<Asked>,
) -> Response {
    let target = asked.remove("target");
    answer(rest(&asked, "target").and_then(|()| board.object(&AskedObject { kind, name, target })))
}

async fn events(State(board): Shared, Query(asked): Query<Asked>) -> Response {
    answer(asked_events(asked).and_then(|asked| board.events(&asked)))
}

fn asked_events(mut asked: Asked) -> Result<AskedEvents, Refusal> {
    let limit = match asked.remove("limit").map(|text| text.parse::<usize>()) {
        None => EVENTS,
        Some(Ok(limit)) => limit.min(MOST_EVENTS),
        Some(Err(_)) => return Err(Refusal::Unclear(format!("limit is a number up to {MOST_EVENTS}"))),
    };
    let [object, target, since] = ["object", "target", "since"].map(|member| asked.remove(member));
    rest(&asked, "object, target, since and limit")?;
    Ok(AskedEvents { object, target, since, limit: Some(limit) })
}

/// A misspelt member must not quietly mean everything.
fn rest(asked: &Asked, known: &str) -> Result<(), Refusal> {
    match asked.keys().next() {
        None => Ok(()),
        Some(other) => Err(Refusal::Unclear(format!("there is no {other:?} to ask with; there is {known}"))),
    }
}

fn answer(found: Result<Value, Refusal>) -> Response {
    match found {
        Ok(value) => Json(value).into_response(),
        Err(Refusal::Missing(message)) => refused(StatusCode::NOT_FOUND, &message),
        Err(Refusal::Unclear(message)) => refused(StatusCode::BAD_REQUEST, &message),
    }
}

async fn unknown(uri: Uri) -> Response {
    let path = uri.path();
    let known = "/, /healthz, /readyz, /metrics, /v1/status, /v1/status/{kind}/{name}, /v1/events and /v1/plan";
    refused(StatusCode::NOT_FOUND, &format!("there is no {path}; there are {known}"))
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": message}))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Method;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    #[derive(Clone)]
    struct Fixed(Readiness, Health);

    impl Board for Fixed {
        fn page(&self) -> Value {
            json!({"objects": [{"kind": "NeuronService", "name": "llama"}]})
        }

        fn object(&self, asked: &AskedObject) -> Result<Value, Refusal> {
            let AskedObject { kind, name, target } = asked;
            match name.as_str() {
                "llama" => Ok(json!({"kind": kind, "name": name, "target": target})),
                _ => Err(Refusal::Missing(format!("{kind}/{name} is not declared"))),
            }
        }

        fn events(&self, asked: &AskedEvents) -> Result<Value, Refusal> {
            match asked.since.as_deref() {
                Some("soon") => Err(Refusal::Unclear("since is no time".to_owned())),
                _ => Ok(json!([asked.object, asked.since, asked.limit])),
            }
        }

        fn plan(&self) -> Value {
            json!({"targets": []})
        }

        fn text(&self) -> String {
            "KIND NAME\n".to_owned()
        }

        fn metrics(&self) -> String {
            "axon_build_info 1\n".to_owned()
        }

        fn readiness(&self) -> Readiness {
            self.0.clone()
        }

        fn health(&self) -> Health {
            self.1.clone()
        }
    }

    const WELL: Fixed = Fixed(Readiness::Ready, Health::Alive);

    async fn ask(board: Fixed, method: Method, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router(Arc::new(board)).oneshot(request).await.unwrap();
        let status = response.status();
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        if path == "/metrics" && status == StatusCode::OK {
            assert_eq!(response.headers()[header::CONTENT_TYPE], PROMETHEUS);
        }
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(path: &str) -> (StatusCode, String) {
        ask(WELL, Method::GET, path).await
    }

    #[tokio::test]
    async fn health_does_not_depend_on_readiness() {
        let waiting = || Fixed(Readiness::NotYet("AWS has not been read yet".to_owned()), Health::Alive);
        assert_eq!(ask(waiting(), Method::GET, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let (status, text) = ask(waiting(), Method::GET, "/readyz").await;
        assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "AWS has not been read yet\n"));
        assert_eq!(get("/readyz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_loop_that_stands_still_is_no_health() {
        let hung = Fixed(Readiness::Ready, Health::Hung("us-east-1: its loop has not turned".to_owned()));
        let (status, text) = ask(hung, Method::GET, "/healthz").await;
        assert_eq!((status, text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "us-east-1: its loop has not turned\n"));
    }

    #[tokio::test]
    async fn metrics_say_in_which_format_they_are() {
        assert_eq!(get("/metrics").await, (StatusCode::OK, "axon_build_info 1\n".to_owned()));
    }

    #[tokio::test]
    async fn events_are_asked_for_by_object_time_and_number() {
        assert_eq!(get("/v1/events").await.1, "[null,null,500]");
        let (status, text) = get("/v1/events?object=NeuronService/llama&since=2026-01-01T00:00:00Z&limit=99999").await;
        assert_eq!(
            (status, text.as_str()),
            (StatusCode::OK, r#"["NeuronService/llama","2026-01-01T00:00:00Z",10000]"#)
        );
        for (path, says) in [
            ("/v1/events?since=soon", "since is no time"),
            ("/v1/events?limit=many", "limit is a number"),
            ("/v1/events?objekt=x", "there is no \\\"objekt\\\" to ask with"),
            ("/v1/status/NeuronService/llama?traget=x", "there is target"),
        ] {
            let (status, text) = get(path).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
            assert!(text.contains(says), "{path}: {text}");
        }
    }

    #[tokio::test]
    async fn the_statuses_are_json_and_one_object_has_its_own_address() {
        let (status, text) = get("/v1/status").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(text, r#"{"objects":[{"kind":"NeuronService","name":"llama"}]}"#);
        assert_eq!(get("/v1/status/NeuronService/llama").await.0, StatusCode::OK);
        let (_, text) = get("/v1/status/NeuronService/llama?target=us").await;
        assert_eq!(text, r#"{"kind":"NeuronService","name":"llama","target":"us"}"#);
        assert_eq!(get("/v1/plan").await, (StatusCode::OK, r#"{"targets":[]}"#.to_owned()));
    }

    #[tokio::test]
    async fn an_unknown_object_and_an_unknown_path_say_what_there_is() {
        let (status, text) = get("/v1/status/NeuronService/mistral").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("NeuronService/mistral is not declared"), "{text}");
        let (status, text) = get("/v2/status").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(text.contains("/v1/status/{kind}/{name}"), "{text}");
    }

    #[tokio::test]
    async fn nothing_can_be_written() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for path in ["/", "/metrics", "/healthz", "/v1/status", "/v1/events", "/v1/plan"] {
                let (status, _) = ask(WELL, method.clone(), path).await;
                assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            }
        }
    }

    #[tokio::test]
    async fn people_get_a_page_without_a_tool() {
        assert_eq!(get("/").await, (StatusCode::OK, "KIND NAME\n".to_owned()));
    }
}
