//! One HTTP request and its answer, for a caller that writes the request first and then reads.
//!
//! gix asks for headers and body before it has written anything, so the request is sent when the first of them is read.
//! Every wait also waits for the end of the look, and everything that comes is counted. What goes wrong is kept as the
//! cause in our words.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, Bytes};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Error;

use super::cancel::interrupted;
use super::failure::Failure;
use super::http::Web;
use crate::source::status::SourceReason;

type Incoming = hyper::body::Incoming;

/// A request that may have been sent.
#[derive(Debug)]
pub(crate) struct Exchange {
    web: Web,
    head: Option<(Method, String, HeaderMap)>,
    sent: Vec<u8>,
    /// The header lines of the answer that matter here.
    lines: Bytes,
    incoming: Option<Incoming>,
}

type Shared = Arc<Mutex<Exchange>>;

fn hold(exchange: &Shared) -> MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exchange {
    pub(crate) fn new(web: Web, head: (Method, String, HeaderMap)) -> Self {
        Self { web, head: Some(head), sent: Vec::new(), lines: Bytes::new(), incoming: None }
    }

    /// Sends the request unless that was done, and waits for the head of the answer.
    fn answer(&mut self) -> io::Result<()> {
        let Some((method, url, headers)) = self.head.take() else { return Ok(()) };
        let body = std::mem::take(&mut self.sent);
        let mut request = Request::builder().method(method).uri(&url);
        if let Some(given) = request.headers_mut() {
            *given = headers;
            if !body.is_empty() {
                given.insert(CONTENT_LENGTH, body.len().into());
            }
        }
        let failed = |failure| self.web.cause.io(failure);
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| failed(Failure::fetch(format!("{url} cannot be asked: {error}"))))?;
        let (client, cancel) = (&self.web.client, &self.web.means.cancel);
        let response = self.web.means.runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(interrupted()),
                response = client.request(request) => response.map_err(|error| failed(unreachable(&error))),
            }
        })?;
        if let Some(failure) = refusal(&response) {
            return Err(failed(failure));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        self.lines = Bytes::from(format!("content-type: {kind}\n"));
        self.incoming = Some(response.into_body());
        Ok(())
    }

    /// The next piece of the body; empty at its end.
    fn piece(&mut self) -> io::Result<Bytes> {
        self.answer()?;
        let Some(incoming) = &mut self.incoming else { return Ok(Bytes::new()) };
        let (cause, cancel) = (&self.web.cause, &self.web.means.cancel);
        loop {
            let frame = self.web.means.runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => Err(interrupted()),
                    frame = incoming.frame() => Ok(frame),
                }
            })?;
            let Some(frame) = frame else {
                self.incoming = None;
                return Ok(Bytes::new());
            };
            let frame = frame.map_err(|error| {
                cause.io(Failure::fetch(format!("the server broke off in the middle: {error}; it is tried again")))
            })?;
            if let Ok(bytes) = frame.into_data()
                && !bytes.is_empty()
            {
                self.web.meter.count(bytes.len())?;
                return Ok(bytes);
            }
        }
    }
}

fn unreachable(error: &Error) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(deeper) = source {
        text = format!("{text}: {deeper}");
        source = deeper.source();
    }
    let reason =
        if text.contains("certificate") { SourceReason::AuthenticationFailed } else { SourceReason::FetchFailed };
    Failure::new(reason, format!("the server cannot be reached: {text}; it is tried again"))
}

/// What an answer other than success means.
fn refusal(response: &Response<Incoming>) -> Option<Failure> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("another address");
    // What a redirect says besides the place may be secret.
    let to = to.split(['?', '#']).next().unwrap_or_default();
    Some(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::new(
            SourceReason::AuthenticationFailed,
            format!("the server answers {status}; check that the token is valid and may read the repository"),
        ),
        StatusCode::NOT_FOUND => Failure::fetch(format!(
            "the server answers {status}: there is no such repository, or the token may not see it"
        )),
        _ if status.is_redirection() => Failure::fetch(format!(
            "the server answers {status} to {to}; redirects are not followed: if that is the repository, use its address"
        )),
        _ => Failure::fetch(format!("the server answers {status}; it is tried again")),
    })
}

/// The headers of an answer, line by line.
#[derive(Debug)]
pub(crate) struct HeaderLines {
    exchange: Shared,
    lines: Option<Bytes>,
}

impl HeaderLines {
    pub(crate) fn new(exchange: &Shared) -> Self {
        Self { exchange: Arc::clone(exchange), lines: None }
    }
}

impl BufRead for HeaderLines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.lines.is_none() {
            let mut exchange = hold(&self.exchange);
            exchange.answer()?;
            self.lines = Some(exchange.lines.clone());
        }
        Ok(self.lines.as_deref().unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        if let Some(lines) = &mut self.lines {
            lines.advance(amount.min(lines.len()));
        }
    }
}

impl Read for HeaderLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_from(self, buffer)
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    exchange: Shared,
    piece: Bytes,
}

impl ResponseBody {
    pub(crate) fn new(exchange: &Shared) -> Self {
        Self { exchange: Arc::clone(exchange), piece: Bytes::new() }
    }
}

impl BufRead for ResponseBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece.is_empty() {
            self.piece = hold(&self.exchange).piece()?;
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, amount: usize) {
        self.piece.advance(amount.min(self.piece.len()));
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_from(self, buffer)
    }
}

fn read_from(source: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let mut there = source.fill_buf()?;
    let bytes = there.read(buffer)?;
    source.consume(bytes);
    Ok(bytes)
}

/// What is written becomes the body of the request.
#[derive(Debug)]
pub(crate) struct PostBody {
    exchange: Shared,
}

impl PostBody {
    pub(crate) fn new(exchange: &Shared) -> Self {
        Self { exchange: Arc::clone(exchange) }
    }
}

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        hold(&self.exchange).sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
