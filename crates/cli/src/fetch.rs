//! One HTTP exchange, mostly a GET to an operator's status pages. Neighbours: `status`, `events` and `healthcheck` ask,
//! `logging` sends traces. No TLS, no redirects, no cookies: all of it stays on loopback or inside a task.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::Failure;

/// How long the whole exchange may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LONGEST: usize = 64 << 20;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// HTTP status.
    pub status: StatusCode,
    /// The body as text.
    pub text: String,
}

/// Asks for a path below a server's address.
pub(crate) async fn get(server: &str, path: &str) -> Result<Page, Failure> {
    let base = server.trim_end_matches('/');
    let uri: Uri = format!("{base}{path}").parse().map_err(|_| no_address(server))?;
    if uri.scheme_str() != Some("http") || uri.authority().is_none() {
        return Err(no_address(server));
    }
    let answered = tokio::time::timeout(DEADLINE, ask(uri)).await;
    answered.unwrap_or_else(|_| Err(format!("there was no answer in {} seconds", DEADLINE.as_secs()))).map_err(|why| {
        Failure::work(format!("no operator answers at {base}: {why}"))
            .hint("start one with `axon run`, or name its address with --server")
    })
}

fn no_address(server: &str) -> Failure {
    Failure::usage(format!("{server:?} is no address of an operator")).hint("give one such as http://127.0.0.1:8321")
}

async fn ask(uri: Uri) -> Result<Page, String> {
    let request = Request::get(uri).header(ACCEPT, "application/json").body(Full::new(Bytes::new()));
    let response = send(request.map_err(|error| error.to_string())?).await?;
    let status = response.status();
    Ok(Page { status, text: String::from_utf8_lossy(&response.into_body()).into_owned() })
}

/// Sends a request to the server in its address, over a connection of its own, and reads the whole answer.
pub(crate) async fn send(mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
    let in_words = |error: hyper::Error| error.to_string();
    let uri = request.uri().clone();
    let authority = uri.authority().ok_or("the address names no server")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream =
        TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(in_words)?;
    let connection = tokio::spawn(connection);
    let server = HeaderValue::from_str(authority.as_str()).map_err(|error| error.to_string())?;
    request.headers_mut().insert(HOST, server);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| "the address has no path".to_owned())?;
    let response = sender.send_request(request).await.map_err(in_words)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(|error| error.to_string())?;
    connection.abort();
    Ok(Response::from_parts(head, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[tokio::test]
    async fn an_address_that_is_none_is_a_usage_error_and_silence_is_not() {
        for server in ["localhost", "https://x", "ftp://x", ""] {
            assert_eq!(get(server, "/healthz").await.unwrap_err().exit, Exit::Usage, "{server}");
        }
        let refused = get("http://127.0.0.1:1/", "/healthz").await.unwrap_err();
        assert_eq!(refused.exit, Exit::Failed);
        assert!(refused.cause.starts_with("no operator answers at http://127.0.0.1:1: "), "{}", refused.cause);
    }
}
