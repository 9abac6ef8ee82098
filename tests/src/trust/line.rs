//! The network between a process and its account: makes of every call what fate says, and lets the auditor look before
//! and after AWS does something.
//!
//! Neighbours: `fault` says what may happen, `audit` looks, `stage` gives every process a line of its own and kills it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use axon_sim::Shared;
use axon_sim::connector::InProcess;
use fastrand::Rng;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::asked::Asked;
use super::audit::{Auditor, Now, Upset};
use super::fault::{Fate, Weather};
use crate::wire::{operation, service, throttled};

type Answer = Result<HttpResponse, ConnectorError>;

/// One fate for one call, counted from 0 over the calls of all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Which call.
    pub call: u64,
    /// What becomes of it.
    pub fate: Fate,
}

/// What all lines of an account have in common.
#[derive(Debug)]
pub struct Air {
    state: Mutex<State>,
    /// Somebody's line has died of a pinned fate.
    pub died: Notify,
}

#[derive(Debug)]
struct State {
    dice: Rng,
    weather: Weather,
    pins: Vec<Pin>,
    calls: u64,
    faults: BTreeMap<&'static str, u64>,
    /// Operations in the order of their calls, while they are wanted.
    tape: Option<Vec<String>>,
}

impl Air {
    /// Good weather for now; what becomes of calls later follows from the seed.
    pub fn new(seed: u64, pins: Vec<Pin>) -> Self {
        let dice = Rng::with_seed(seed);
        let state = State { dice, weather: Weather::default(), pins, calls: 0, faults: BTreeMap::new(), tape: None };
        Self { state: Mutex::new(state), died: Notify::new() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another weather from now on.
    pub fn turn(&self, change: impl FnOnce(Weather) -> Weather) {
        self.with(|state| state.weather = change(state.weather));
    }

    /// Writes the operations down from now on.
    pub fn record(&self) {
        self.with(|state| state.tape = Some(Vec::new()));
    }

    /// The operations since then.
    pub fn tape(&self) -> Vec<String> {
        self.with(|state| state.tape.take()).unwrap_or_default()
    }

    /// Counts a fault that did not happen to a call.
    pub fn count(&self, fault: &'static str) {
        self.with(|state| *state.faults.entry(fault).or_default() += 1);
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.with(|state| state.calls)
    }

    /// What has happened how often.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.with(|state| state.faults.clone())
    }

    fn fate(&self, operation: &str) -> Fate {
        self.with(|state| {
            let number = state.calls;
            state.calls += 1;
            if let Some(tape) = &mut state.tape {
                tape.push(operation.to_owned());
            }
            let pinned = state.pins.iter().find(|pin| pin.call == number).map(|pin| pin.fate);
            let fate = pinned.unwrap_or_else(|| state.weather.fate(&mut state.dice));
            if fate != Fate::Answered {
                *state.faults.entry(fate.name()).or_default() += 1;
            }
            fate
        })
    }
}

/// The line of one process.
#[derive(Clone, Debug)]
pub struct Line {
    aws: Shared,
    air: Arc<Air>,
    auditor: Arc<Mutex<Auditor>>,
    dead: Arc<AtomicBool>,
}

impl Line {
    /// A line that works until the weather or somebody ends it.
    pub fn new(aws: Shared, air: Arc<Air>, auditor: Arc<Mutex<Auditor>>) -> Self {
        Self { aws, air, auditor, dead: Arc::default() }
    }

    /// Nothing is sent or answered on it any more.
    pub fn cut(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    /// Whether it has ended.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    async fn meet(self, fate: Fate, request: HttpRequest) -> Answer {
        let asked = Asked::read(service(&request), operation(&request), request.body().bytes().unwrap_or_default());
        let service = asked.service.clone();
        match fate {
            Fate::Answered => self.deliver(&asked, request).await,
            Fate::Throttled => Ok(made(throttled(&service))),
            Fate::Failed => Ok(made(failed(&service))),
            Fate::FailedAfter => self.deliver(&asked, request).await.map(|_| made(failed(&service))),
            Fate::Expired => Ok(made(expired(&service))),
            Fate::Reset => Err(reset()),
            Fate::ResetAfter => self.deliver(&asked, request).await.and(Err(reset())),
            Fate::Late(seconds) => {
                let asked = Asked { late: Duration::from_secs(u64::from(seconds)), ..asked };
                tokio::spawn(async move {
                    tokio::time::sleep(asked.late).await;
                    let _unheard = self.deliver(&asked, request).await;
                });
                std::future::pending().await
            }
            Fate::Twice => {
                if let Some(copy) = request.try_clone() {
                    let _first = self.deliver(&asked, copy).await;
                }
                self.deliver(&asked, request).await
            }
            Fate::Slow(seconds) => {
                let answer = self.deliver(&asked, request).await;
                tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
                answer
            }
            Fate::Cut => self.deliver(&asked, request).await.map(|answer| halved(&answer)),
            Fate::Foreign => {
                self.deliver(&asked, request).await.map(|_| made((200, "<html>Welcome to the hotel</html>")))
            }
            Fate::Partial => self.deliver(&asked, request).await.map(partial),
            Fate::Dies => self.die().await,
            Fate::DiesAfter => {
                let _unheard = self.deliver(&asked, request).await;
                self.die().await
            }
            Fate::Stale(seconds) => {
                self.aws.with(|aws| aws.world_mut().lag(i64::from(seconds)));
                self.audit(|auditor| auditor.upset(Upset::StaleReads, Now::Begins));
                let line = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
                    line.aws.with(|aws| aws.world_mut().lag(0));
                    line.audit(|auditor| auditor.upset(Upset::StaleReads, Now::Ends));
                });
                self.deliver(&asked, request).await
            }
        }
    }

    async fn die(&self) -> Answer {
        self.cut();
        self.air.died.notify_one();
        std::future::pending().await
    }

    /// AWS does it, if it was signed at the right time. In one piece with what the auditor sees: nothing else runs in between.
    async fn deliver(&self, asked: &Asked, request: HttpRequest) -> Answer {
        if !is_timely(&request, self.aws.now()) {
            self.air.count("signed at a wrong time");
            return Ok(self.dated(made(untimely(&asked.service))));
        }
        let before = self.audit(|auditor| auditor.before(asked));
        let answer = InProcess::new(self.aws.clone()).call(request).await;
        let accepted = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        if let Some(before) = before.filter(|_| accepted) {
            self.audit(|auditor| auditor.after(asked, &before));
        }
        answer
    }

    /// With what AWS writes on every answer.
    fn dated(&self, mut answer: HttpResponse) -> HttpResponse {
        answer.headers_mut().insert("date", self.aws.date().to_str().unwrap().to_owned());
        answer.headers_mut().insert("x-amzn-requestid", "weather");
        answer
    }

    fn audit<T>(&self, work: impl FnOnce(&mut Auditor) -> T) -> T {
        work(&mut self.auditor.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.is_dead() {
            return HttpConnectorFuture::new(std::future::pending());
        }
        let fate = self.air.fate(operation(&request).unwrap_or_default());
        HttpConnectorFuture::new(self.clone().meet(fate, request))
    }
}

impl HttpClient for Line {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn made((status, body): (u16, &'static str)) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), body.into())
}

fn reset() -> ConnectorError {
    ConnectorError::io(Box::new(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer")))
}

/// A server error in the words of the service that was asked.
fn failed(service: &str) -> (u16, &'static str) {
    match service {
        "ec2" => (
            503,
            "<Response><Errors><Error><Code>Unavailable</Code><Message>The server is overloaded.</Message></Error></Errors>\
             <RequestID>weather</RequestID></Response>",
        ),
        "autoscaling" | "sts" => (
            500,
            "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>Internal failure</Message>\
             </Error><RequestId>weather</RequestId></ErrorResponse>",
        ),
        _ => (500, r#"{"__type":"ServerException","message":"Service Unavailable. Please try again later."}"#),
    }
}

/// Expired credentials in the words of the service that was asked.
fn expired(service: &str) -> (u16, &'static str) {
    match service {
        "ec2" => (
            400,
            "<Response><Errors><Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error></Errors>\
             <RequestID>weather</RequestID></Response>",
        ),
        "autoscaling" | "sts" => (
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in \
             the request is expired</Message></Error><RequestId>weather</RequestId></ErrorResponse>",
        ),
        _ => (
            400,
            r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#,
        ),
    }
}

/// Whether AWS takes a signature of this time, which it does for five minutes (IAM User Guide, "AWS Signature Version 4 for API
/// requests"). What is not signed was made by hand.
fn is_timely(request: &HttpRequest, now: Timestamp) -> bool {
    let Some(signed) = request.headers().get("x-amz-date") else { return true };
    let signed = DateTime::strptime("%Y%m%dT%H%M%SZ", signed).and_then(|at| at.to_zoned(TimeZone::UTC));
    signed.is_ok_and(|signed| now.duration_since(signed.timestamp()).abs() <= SignedDuration::from_mins(5))
}

/// What is said of another time, in the words of the service that was asked.
fn untimely(service: &str) -> (u16, &'static str) {
    match service {
        "ec2" => (
            401,
            "<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided access \
             credentials</Message></Error></Errors><RequestID>weather</RequestID></Response>",
        ),
        "autoscaling" | "sts" => (
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>Signature expired or not \
             yet current</Message></Error><RequestId>weather</RequestId></ErrorResponse>",
        ),
        _ => (400, r#"{"__type":"InvalidSignatureException","message":"Signature expired or not yet current"}"#),
    }
}

fn halved(answer: &HttpResponse) -> HttpResponse {
    let bytes = answer.body().bytes().unwrap_or_default();
    let half = bytes[..bytes.len() / 2].to_vec();
    HttpResponse::new(answer.status(), half.into())
}

/// The first thing of the first list becomes a failure whose reason is not `MISSING`.
fn partial(answer: HttpResponse) -> HttpResponse {
    let parsed: Option<Value> = answer.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
    let Some(Value::Object(mut members)) = parsed.filter(|value| value.get("failures").is_some()) else {
        return answer;
    };
    let lists = members.iter_mut().filter(|(name, _)| *name != "failures");
    let lost =
        lists.filter_map(|(_, value)| value.as_array_mut()).find(|list| !list.is_empty()).map(|list| list.remove(0));
    // In this order: what belongs to something else names that, too.
    let arns =
        ["taskArn", "containerInstanceArn", "serviceDeploymentArn", "serviceArn", "capacityProviderArn", "clusterArn"];
    let Some(arn) = lost.and_then(|lost| arns.iter().find_map(|name| lost[name].as_str().map(str::to_owned))) else {
        return answer;
    };
    if let Some(failures) = members.get_mut("failures").and_then(Value::as_array_mut) {
        failures.push(json!({"arn": arn, "reason": "INTERNAL"}));
    }
    HttpResponse::new(answer.status(), Value::Object(members).to_string().into())
}
