//! One HTTP GET to an operator's status pages. Neighbours: `status` and `healthcheck` ask. No TLS, no redirects, no
//! cookies: the pages are served on loopback or inside a task.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode, Uri};
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
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority().cloned()) else {
        return Err(no_address(server));
    };
    let exchange = exchange(&uri, authority.as_str(), authority.port_u16().unwrap_or(80));
    let answered = tokio::time::timeout(DEADLINE, exchange).await;
    answered.unwrap_or_else(|_| Err(format!("there was no answer in {} seconds", DEADLINE.as_secs()))).map_err(|why| {
        Failure::work(format!("no operator answers at {base}: {why}"))
            .hint("start one with `axon run`, or name its address with --server")
    })
}

fn no_address(server: &str) -> Failure {
    Failure::usage(format!("{server:?} is no address of an operator")).hint("give one such as http://127.0.0.1:8321")
}

async fn exchange(uri: &Uri, authority: &str, port: u16) -> Result<Page, String> {
    let in_words = |error: hyper::Error| error.to_string();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(in_words)?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(in_words)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await.map_err(|error| error.to_string())?;
    connection.abort();
    Ok(Page { status, text: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
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
