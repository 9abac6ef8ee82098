//! Webhooks: somebody says that a source has changed, and its next look comes sooner.
//!
//! `POST /v1/hooks/{source}` exists for sources with a secret. What a request says is never used: once its signature is
//! good, the source is woken and asks its server itself. The signature is checked before anything is parsed, in constant
//! time, and a source without a hook answers exactly as one with another secret. Not here: what waking does, and how
//! often it does anything.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// What servers send is far smaller.
const BODY_LIMIT: usize = 1024 * 1024;
/// How long a client may take to send the body.
const PATIENCE: Duration = Duration::from_secs(10);
/// Headers with the HMAC-SHA256 of the body, after `sha256=`: GitHub's, and anybody's.
const SIGNATURES: [&str; 2] = ["x-hub-signature-256", "x-axon-signature-256"];
/// GitLab's header with the secret itself.
const TOKEN: &str = "x-gitlab-token";

/// The webhooks of all sources.
#[derive(Clone, Debug, Default)]
pub struct Hooks(Arc<BTreeMap<String, Hook>>);

/// The webhook of one source.
pub struct Hook {
    secrets: Vec<String>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Hook {
    /// A request that proves to know one of the secrets wakes. Two secrets let one be changed for the other without a
    /// gap. An empty secret proves nothing and is left out.
    pub fn new(secrets: Vec<String>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        Self { secrets, wake: Box::new(wake) }
    }
}

/// Without the secrets.
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl Hooks {
    /// Hooks by the names of their sources.
    pub fn new(hooks: impl IntoIterator<Item = (String, Hook)>) -> Self {
        Self(Arc::new(hooks.into_iter().collect()))
    }

    /// The route, if there is any hook, without a socket.
    pub fn router(&self) -> Router {
        if self.0.is_empty() {
            return Router::new();
        }
        Router::new().route("/v1/hooks/{source}", post(receive)).with_state(self.clone())
    }
}

async fn receive(State(hooks): State<Hooks>, Path(source): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let body = match tokio::time::timeout(PATIENCE, to_bytes(body, BODY_LIMIT)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let hook = hooks.0.get(&source);
    // The same work for a source that has no hook.
    let secrets = hook.map_or(&[][..], |hook| &hook.secrets);
    let none = Choice::from(0) & proves("", &headers, &body);
    let proven = secrets.iter().fold(none, |proven, secret| proven | proves(secret, &headers, &body));
    match hook {
        Some(hook) if bool::from(proven) => {
            (hook.wake)();
            (StatusCode::ACCEPTED, "the source is looked at\n").into_response()
        }
        Some(_) | None => (StatusCode::UNAUTHORIZED, "the signature is missing or wrong\n").into_response(),
    }
}

/// Whether a request shows that its sender knows the secret. Takes as long whatever the answer is.
fn proves(secret: &str, headers: &HeaderMap, body: &[u8]) -> Choice {
    let given = |name: &str| headers.get(name).map_or(&[][..], |value| value.as_bytes());
    let digest = hmac(secret, body);
    let signed = SIGNATURES.iter().fold(Choice::from(0), |proven, name| {
        let hex = given(name).strip_prefix(b"sha256=").unwrap_or_default();
        proven | hex.to_ascii_lowercase().ct_eq(digest.as_bytes())
    });
    // Hashes are of one length, so that the length of the secret does not show.
    let same = Sha256::digest(given(TOKEN)).ct_eq(&Sha256::digest(secret));
    signed | same
}

/// The HMAC-SHA256 of a body in hexadecimal digits.
fn hmac(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::{Method, Request};
    use tower::ServiceExt as _;

    use super::*;

    /// GitHub's own example: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &str = "Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    async fn ask(path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, usize) {
        let woken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&woken);
        let hook = Hook::new(vec!["old".to_owned(), SECRET.to_owned(), String::new()], move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let hooks = Hooks::new([("fleet".to_owned(), hook)]);
        let mut request = Request::builder().method(Method::POST).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = hooks.router().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        (answer.status(), woken.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn each_way_to_prove_knowledge_of_the_secret_wakes_the_source() {
        for (name, value) in [
            ("X-Hub-Signature-256", SIGNATURE),
            ("X-Axon-Signature-256", SIGNATURE),
            ("X-Gitlab-Token", SECRET),
            ("X-Gitlab-Token", "old"),
        ] {
            assert_eq!(ask("/v1/hooks/fleet", &[(name, value)], BODY).await, (StatusCode::ACCEPTED, 1), "{name}");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused_alike_and_wakes_nothing() {
        let upper = SIGNATURE.replace("sha256=", "sha1=");
        for (path, name, value, body) in [
            ("/v1/hooks/fleet", "X-Other", "x", BODY),
            ("/v1/hooks/fleet", "X-Hub-Signature-256", SIGNATURE, "Hello, World?"),
            ("/v1/hooks/fleet", "X-Hub-Signature-256", &SIGNATURE[7..], BODY),
            ("/v1/hooks/fleet", "X-Hub-Signature-256", upper.as_str(), BODY),
            ("/v1/hooks/fleet", "X-Hub-Signature-256", "sha256=", BODY),
            ("/v1/hooks/fleet", "X-Gitlab-Token", "", BODY),
            ("/v1/hooks/fleet", "X-Gitlab-Token", "It's a Secret to Everybod", BODY),
            ("/v1/hooks/other", "X-Hub-Signature-256", SIGNATURE, BODY),
        ] {
            assert_eq!(ask(path, &[(name, value)], body).await, (StatusCode::UNAUTHORIZED, 0), "{path} {name} {value}");
        }
    }

    #[tokio::test]
    async fn an_empty_secret_is_no_secret() {
        let hooks = Hooks::new([("fleet".to_owned(), Hook::new(vec![String::new()], || panic!("woken")))]);
        let signed = format!("sha256={}", hmac("", BODY.as_bytes()));
        let request = Request::post("/v1/hooks/fleet").header("X-Hub-Signature-256", signed);
        let answer = hooks.router().oneshot(request.body(Body::from(BODY)).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_not_read() {
        let long = "x".repeat(BODY_LIMIT + 1);
        assert_eq!(ask("/v1/hooks/fleet", &[], &long).await, (StatusCode::PAYLOAD_TOO_LARGE, 0));
        assert_eq!(ask("/v1/hooks/fleet", &[], &long[1..]).await, (StatusCode::UNAUTHORIZED, 0));
    }

    #[tokio::test]
    async fn only_posts_are_answered_and_without_hooks_there_is_no_route() {
        let hooks = Hooks::new([("fleet".to_owned(), Hook::new(vec!["s".to_owned()], || ()))]);
        let get = || Request::get("/v1/hooks/fleet").body(Body::empty()).unwrap();
        assert_eq!(hooks.router().oneshot(get()).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(Hooks::default().router().oneshot(get()).await.unwrap().status(), StatusCode::NOT_FOUND);
        assert!(!format!("{hooks:?}").contains("\"s\""));
    }
}
