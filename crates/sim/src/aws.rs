//! The synchronous model: time moves when it is told to, requests are answered at the current instant.
//! Neighbours: `shared` puts a clock beside it, `wire` reads and writes, `ecs`, `ssm` and `sts` answer.

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    ecs,
    options::Options,
    quirks::NewerAcceleratorNames,
    ssm, sts,
    throttle::Throttling,
    wire::{
        fault::{Answer, Fault},
        json, query,
        shape::{self, Misfit, Table},
        value::later,
    },
    world::{Call, World},
};

const ECS: &str = "AmazonEC2ContainerServiceV20141113.";
const SSM: &str = "AmazonSSM.";
const NEWER_ACCELERATORS: [&str; 3] = ["inferentia2", "trainium", "trainium2"];

/// A simulated account in one Region.
#[derive(Debug)]
pub struct Aws {
    world: World,
}

impl Aws {
    /// An account with nothing in it.
    pub fn new(options: Options) -> Self {
        Self { world: World::new(options) }
    }

    /// The current instant of virtual time.
    pub fn now(&self) -> Timestamp {
        self.world.now
    }

    /// Runs everything that is due until `now`, in order. Time never goes back.
    pub fn advance_to(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.world.queue.pop_until(now) {
            self.world.now = at.max(self.world.now);
            ecs::happen(&mut self.world, event);
        }
        self.world.now = now.max(self.world.now);
    }

    /// When something will next happen by itself.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.world.queue.next()
    }

    /// Answers a request of the wire protocol at the current instant. Signatures are not checked.
    pub fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let id = self.world.request_ids.uuid();
        let target = request.headers().get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or("");
        let response = if let Some(operation) = target.strip_prefix(ECS) {
            json::write(&self.json_call("ecs", operation, request.body()), &id)
        } else if let Some(operation) = target.strip_prefix(SSM) {
            json::write(&self.json_call("ssm", operation, request.body()), &id)
        } else if target.is_empty() {
            self.query_call(request.body(), &id)
        } else {
            let fault = Fault::not_modelled(format!("the service of the target '{target}'"));
            self.log("unknown", target, Value::Null, Some(fault.code));
            json::write(&Err(fault), &id)
        };
        self.settle();
        response
    }

    /// An ECS operation by someone else: no wire, no throttling, not in the call log. For tests that edit out of band.
    pub fn act(&mut self, operation: &str, input: &Value) -> Result<Value, Fault> {
        let answer = self.run("ecs", operation, input);
        self.settle();
        answer
    }

    /// Direct access to the account.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Direct access to the account, to change it.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The calls so far, oldest first.
    pub fn calls(&self) -> &[Call] {
        &self.world.calls
    }

    /// The calls so far, and forgets them.
    pub fn take_calls(&mut self) -> Vec<Call> {
        self.world.calls.drain(..).collect()
    }

    /// What a request sets off at the same instant happens before the next request.
    fn settle(&mut self) {
        self.advance_to(self.world.now);
    }

    fn json_call(&mut self, service: &'static str, operation: &str, body: &Bytes) -> Answer {
        let (input, answer) = match json::read(body) {
            Ok(input) => {
                let answer = self.throttled(operation).and_then(|()| self.run(service, operation, &input));
                (input, answer)
            }
            Err(fault) => (Value::Null, Err(fault)),
        };
        self.log(service, operation, input, answer.as_ref().err().map(|f| f.code));
        answer
    }

    fn throttled(&mut self, operation: &str) -> Result<(), Fault> {
        if self.world.options.throttling == Throttling::Off || self.world.buckets.take(operation, self.world.now) {
            return Ok(());
        }
        Err(Fault::new("ThrottlingException", "Rate exceeded"))
    }

    fn run(&mut self, service: &str, operation: &str, input: &Value) -> Answer {
        let table: &Table = if service == "ecs" { &shape::ECS } else { &shape::SSM };
        let Some(found) = table.operations.get(operation) else {
            return Err(if table.refused.contains(&operation) {
                Fault::not_modelled(format!("the operation {operation}"))
            } else {
                Fault::new("UnknownOperationException", format!("There is no operation {operation}."))
            });
        };
        let misfit = table.check(found.input, input).into_iter().find(|m| !self.let_pass(m));
        match (service, misfit) {
            ("ecs", Some(misfit)) => Err(misfit.ecs()),
            (_, Some(misfit)) => Err(misfit.ssm()),
            ("ecs", None) => self.ecs(operation, input),
            _ => ssm::answer(&self.world, operation, input),
        }
    }

    fn let_pass(&self, misfit: &Misfit) -> bool {
        let Misfit::Enum(path, text, _) = misfit else { return false };
        self.world.options.quirks.newer_accelerator_names == NewerAcceleratorNames::Accepted
            && path.contains(".acceleratorNames[")
            && NEWER_ACCELERATORS.contains(&text.as_str())
    }

    fn ecs(&mut self, operation: &str, input: &Value) -> Answer {
        let lag = self.world.options.quirks.read_lag_seconds;
        if lag <= 0 {
            return ecs::answer(&mut self.world, operation, input);
        }
        let now = self.world.now;
        while self.world.past.front().is_some_and(|(at, _)| later(*at, lag) <= now) {
            self.world.past.pop_front();
        }
        if !operation.starts_with("Describe") {
            if !operation.starts_with("List") {
                let before = self.world.state.clone();
                self.world.past.push_back((now, before));
            }
            return ecs::answer(&mut self.world, operation, input);
        }
        let Some((at, old)) = self.world.past.pop_front() else {
            return ecs::answer(&mut self.world, operation, input);
        };
        let current = std::mem::replace(&mut self.world.state, old);
        let answer = ecs::answer(&mut self.world, operation, input);
        let old = std::mem::replace(&mut self.world.state, current);
        self.world.past.push_front((at, old));
        answer
    }

    fn query_call(&mut self, body: &Bytes, id: &str) -> Response<Bytes> {
        let form = query::form(&String::from_utf8_lossy(body));
        let action = form.get("Action").cloned().unwrap_or_default();
        let answer = sts::answer(&mut self.world, &action, &form);
        let logged = form.into_iter().map(|(k, v)| (k, Value::from(v))).collect();
        self.log("sts", &action, Value::Object(logged), answer.as_ref().err().map(|f| f.code));
        let (status, text) = match answer {
            Ok(inner) => (200, query::answer(&action, &inner, id)),
            Err(fault) => (fault.status, query::error(&fault, id)),
        };
        Response::builder()
            .status(status)
            .header("content-type", "text/xml")
            .header("x-amzn-requestid", id)
            .body(Bytes::from(text))
            .unwrap_or_else(|_| Response::new(Bytes::new()))
    }

    fn log(&mut self, service: &str, operation: &str, body: Value, error: Option<&str>) {
        if self.world.calls.len() >= self.world.options.log_limit.max(1) {
            let oldest = self.world.calls.len().div_ceil(2);
            self.world.calls.drain(..oldest);
        }
        self.world.calls.push(Call {
            at: self.world.now,
            service: service.to_owned(),
            operation: operation.to_owned(),
            error: error.map(str::to_owned),
            body,
        });
    }
}
