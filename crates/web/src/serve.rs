//! Connections, their number and their deadlines. Neighbours: `routes` answers. Not here: what is answered.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::board::Board;
use crate::hooks::Hooks;
use crate::routes::router;

/// How long a client may take to send the head of a request, the pause between two requests included.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may last at all. Clients that poll connect again.
const CONNECTION: Duration = Duration::from_mins(5);
/// How long open connections may go on after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(2);
/// How many connections are served at once; further ones wait to be accepted.
const CONNECTIONS: usize = 64;
/// Pause after a failed accept, which mostly means: no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` resolves, then lets open answers end.
pub async fn serve(listener: TcpListener, board: Arc<dyn Board>, shutdown: impl Future<Output = ()> + Send) {
    serve_with_hooks(listener, board, Hooks::default(), shutdown).await;
}

/// The same, and webhooks beside it.
pub async fn serve_with_hooks(
    listener: TcpListener,
    board: Arc<dyn Board>,
    hooks: Hooks,
    shutdown: impl Future<Output = ()> + Send,
) {
    let service = TowerToHyperService::new(router(board).merge(hooks.router()));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let farewell = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (place, stream) = tokio::select! {
            () = &mut shutdown => break,
            guest = next_guest(&places, &listener) => guest,
        };
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD);
        let connection = farewell.watch(http.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            match tokio::time::timeout(CONNECTION, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a connection to the status pages ended early"),
                Err(_) => tracing::debug!("a connection to the status pages lasted too long"),
            }
            drop(place);
        });
    }
    drop(listener);
    // Whoever does not hang up in time is cut off by the end of the process.
    let _ = tokio::time::timeout(FAREWELL, farewell.shutdown()).await;
}

/// Waits for a free place, then for somebody to take it.
async fn next_guest(places: &Arc<Semaphore>, listener: &TcpListener) -> (Option<OwnedSemaphorePermit>, TcpStream) {
    // The semaphore is never closed, so there always is a place in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (place, stream),
            Err(error) => {
                tracing::debug!(%error, "a connection to the status pages could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;
    use crate::board::{AskedEvents, AskedObject, Health, Readiness, Refusal};

    /// Has nothing to show.
    pub(crate) struct Empty;

    impl Board for Empty {
        fn page(&self) -> Value {
            json!({})
        }

        fn object(&self, _: &AskedObject) -> Result<Value, Refusal> {
            Ok(json!({}))
        }

        fn events(&self, _: &AskedEvents) -> Result<Value, Refusal> {
            Ok(json!([]))
        }

        fn plan(&self) -> Value {
            json!({})
        }

        fn metrics(&self) -> String {
            String::new()
        }

        fn health(&self) -> Health {
            Health::Alive
        }

        fn text(&self) -> String {
            String::new()
        }

        fn readiness(&self) -> Readiness {
            Readiness::Ready
        }
    }

    #[tokio::test]
    async fn webhooks_lie_beside_the_pages_and_a_body_larger_than_the_pages_take_gets_through() {
        use crate::hooks::Hook;
        use axum::body::Body;
        use axum::http::{Request, StatusCode};
        use tower::ServiceExt as _;
        let hooks = Hooks::new([("fleet".to_owned(), Hook::new(vec!["s".to_owned()], || ()))]);
        let routes = router(Arc::new(Empty)).merge(hooks.router());
        let request = Request::post("/v1/hooks/fleet").header("X-Gitlab-Token", "s");
        let answer = routes.clone().oneshot(request.body(Body::from("x".repeat(50_000))).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let page = routes.oneshot(Request::get("/healthz").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn it_answers_on_a_socket_and_ends_when_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, Arc::new(Empty), async move {
            let _ = ended.await;
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
        end.send(()).unwrap();
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
