//! Requests to webhooks: a head and a body of anybody's → an answer, and a wake only for who knows a secret.
//!
//! The input: a byte that chooses path and headers, a byte that is the length of a header's value, that value, the body.
//! An oracle of its own says who may wake: HMAC-SHA256 by this file, not by the crate.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axon_web::{Hook, Hooks};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

const SECRETS: [&str; 2] = ["old", "It's a Secret to Everybody"];
const NAMES: [&str; 4] = ["x-hub-signature-256", "x-axon-signature-256", "x-gitlab-token", "authorization"];
const PATHS: [&str; 4] = ["/v1/hooks/fleet", "/v1/hooks/other", "/v1/hooks/%2e%2e%2ffleet", "/v1/hooks/fleet/"];

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    static WOKEN: Arc<AtomicUsize> = Arc::default();
    static ROUTES: axum::Router = WOKEN.with(|woken| {
        let counted = Arc::clone(woken);
        let secrets = SECRETS.iter().map(|secret| (*secret).to_owned()).chain([String::new()]).collect();
        let hook = Hook::new(secrets, move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
        Hooks::new([("fleet".to_owned(), hook)]).router()
    });
}

/// Fails by panic.
pub(crate) fn check(data: &[u8]) {
    let [choice, length, rest @ ..] = data else { return };
    let (value, body) = rest.split_at(usize::from(*length).min(rest.len()));
    let path = PATHS[usize::from(choice & 3)];
    let name = NAMES[usize::from((choice >> 2) & 3)];
    let method = if choice & 16 == 0 { Method::POST } else { Method::PUT };
    // One bit signs for real, so that both verdicts are reached from the beginning.
    let signed = choice & 32 != 0;
    let value = if signed { format!("sha256={}", hmac(SECRETS[1], body)).into_bytes() } else { value.to_vec() };
    let Ok(header) = HeaderValue::from_bytes(&value) else { return };
    let may = method == Method::POST && path == PATHS[0] && proves(name, &value, body);
    let request = Request::builder().method(method.clone()).uri(path).header(name, header);
    let request = request.body(Body::from(body.to_vec())).expect("a request");
    let before = WOKEN.with(|woken| woken.load(Ordering::Relaxed));
    let routes = ROUTES.with(Clone::clone);
    let answer = RUNTIME.with(|runtime| runtime.block_on(routes.oneshot(request))).expect("an answer to everything");
    let woken = WOKEN.with(|woken| woken.load(Ordering::Relaxed)) - before;
    assert_eq!(woken, usize::from(may), "{method} {path} {name}: {:?}", String::from_utf8_lossy(&value));
    let expected = match (may, method == Method::POST) {
        _ if path == PATHS[3] => StatusCode::NOT_FOUND,
        (true, _) => StatusCode::ACCEPTED,
        (false, true) => StatusCode::UNAUTHORIZED,
        (false, false) => StatusCode::METHOD_NOT_ALLOWED,
    };
    assert_eq!(answer.status(), expected, "{method} {path} {name}");
}

fn proves(name: &str, value: &[u8], body: &[u8]) -> bool {
    SECRETS.iter().any(|secret| match name {
        "x-gitlab-token" => value == secret.as_bytes(),
        "authorization" => false,
        _ => {
            value.to_ascii_lowercase() == format!("sha256={}", hmac(secret, body)).as_bytes()
                && value.starts_with(b"sha256=")
        }
    })
}

/// HMAC by its definition (RFC 2104); the keys here are shorter than a block.
fn hmac(secret: &str, body: &[u8]) -> String {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(secret.bytes()).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(body).finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
    outer.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
