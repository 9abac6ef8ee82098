//! The synchronous model: time moves when it is told to, requests are answered at the current instant.
//! Neighbours: `shared` puts a clock beside it, `wire` reads and writes, `ecs`, `ec2`, `autoscaling`, `ssm`, `logs` and `sts` answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    autoscaling,
    disturb::Fate,
    ec2, ecs,
    engine::Event,
    logs,
    options::Options,
    quirks::{LaggingLists, NewerAcceleratorNames},
    record::Call,
    ssm, sts,
    throttle::{self, Throttling},
    wire::{
        envelope::Service,
        fault::{Answer, Fault},
        json,
        query::{self, Protocol},
        shape::{self, Misfit, Operation, Table},
        value::{later, without_nulls},
        xml,
    },
    world::World,
};

/// What a read sees while readings lag behind writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// What clients see.
    Client,
    /// What is true.
    Present,
}

const ECS: &str = "AmazonEC2ContainerServiceV20141113.";
const SSM: &str = "AmazonSSM.";
const LOGS: &str = "Logs_20140328.";
const NEWER_ACCELERATORS: [&str; 3] = ["inferentia2", "trainium", "trainium2"];

/// A simulated account in one Region. A clone is a second account with the same past.
#[derive(Debug, Clone)]
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

    /// The Region that the account is looked at in.
    pub fn region(&self) -> &str {
        &self.world.options.region
    }

    /// Runs everything that is due until `now`, in order. Time never goes back.
    pub fn advance_to(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.world.queue.pop_until(now) {
            self.world.now = at.max(self.world.now);
            happen(&mut self.world, event);
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
        } else if let Some(operation) = target.strip_prefix(LOGS) {
            json::write(&self.json_call("logs", operation, request.body()), &id)
        } else if target.is_empty() {
            self.query_call(request, &id)
        } else {
            let fault = Fault::not_modelled(format!("the service of the target '{target}'"));
            self.log("unknown", target, Value::Null, Some(fault.code));
            json::write(&Err(fault), &id)
        };
        self.settle();
        response
    }

    /// An ECS operation by someone else: no wire, no throttling, not in the call log, reads do not lag, and pages are not
    /// short. For tests that edit out of band and look at what is true.
    pub fn act(&mut self, operation: &str, input: &Value) -> Result<Value, Fault> {
        self.act_on("ecs", operation, input)
    }

    /// Like `act` for another service: `ec2`, `autoscaling`, `ssm` or `logs`. Members are named as in the service model.
    pub fn act_on(&mut self, service: &str, operation: &str, input: &Value) -> Result<Value, Fault> {
        let short_pages = self.world.options.quirks.short_pages.take();
        let answer = self.run(service, operation, input, Sight::Present);
        self.world.options.quirks.short_pages = short_pages;
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
                let answer = self.disturbed(service, |aws| {
                    aws.throttled(service, operation)?;
                    aws.run(service, operation, &input, Sight::Client)
                });
                (input, answer)
            }
            Err(fault) => (Value::Null, Err(fault)),
        };
        self.log(service, operation, input, answer.as_ref().err().map(|f| f.code));
        answer
    }

    /// What a client gets on a day as bad as the options say.
    fn disturbed<T>(&mut self, service: &str, answer: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let World { options, dice, now, .. } = &mut self.world;
        match options.disturbance.fate(dice, service, now.as_second()) {
            Fate::Answered => answer(self),
            Fate::Refused(fault) => Err(fault),
            Fate::Unheard(fault) => answer(self).and(Err(fault)),
        }
    }

    fn throttled(&mut self, service: &str, operation: &str) -> Result<(), Fault> {
        let World { options, buckets, now, .. } = &mut self.world;
        if options.throttling == Throttling::Off || buckets.take((service, operation), &options.region, *now) {
            return Ok(());
        }
        Err(throttle::fault(service))
    }

    fn run(&mut self, service: &str, operation: &str, input: &Value, sight: Sight) -> Answer {
        let table: &Table = match service {
            "ecs" => &shape::ECS,
            "ec2" => &shape::EC2,
            "autoscaling" => &shape::AUTOSCALING,
            "logs" => &shape::LOGS,
            _ => &shape::SSM,
        };
        let found = known(table, service, operation)?;
        if let Some(misfit) = table.check(found.input, input).into_iter().find(|m| !self.let_pass(m)) {
            return Err(said(service, &misfit));
        }
        // What trails there is said of each event, and is no part of the state that readings trail.
        if service == "logs" {
            return logs::answer(&mut self.world, operation, input);
        }
        self.lagging(operation, sight, |world| match service {
            "ecs" => ecs::answer(world, operation, input),
            "ec2" => ec2::answer(world, operation, input),
            "autoscaling" => autoscaling::answer(world, operation, input),
            _ => ssm::answer(world, operation, input),
        })
    }

    fn let_pass(&self, misfit: &Misfit) -> bool {
        let Misfit::Enum(path, text, _) = misfit else { return false };
        self.world.options.quirks.newer_accelerator_names == NewerAcceleratorNames::Accepted
            && path.contains(".acceleratorNames[")
            && NEWER_ACCELERATORS.contains(&text.as_str())
    }

    /// Reads see the world before the writes of the last seconds, where the account is set to that.
    fn lagging(&mut self, operation: &str, sight: Sight, answer: impl FnOnce(&mut World) -> Answer) -> Answer {
        let lag = self.world.options.quirks.read_lag_seconds;
        if lag <= 0 {
            return answer(&mut self.world);
        }
        let now = self.world.now;
        while self.world.past.front().is_some_and(|(at, _)| later(*at, lag) <= now) {
            self.world.past.pop_front();
        }
        let lists_lag = self.world.options.quirks.lagging_lists == LaggingLists::LikeDescribe;
        let list = operation.starts_with("List");
        // The only operations here that begin with Get are those of parameters.
        let lags = operation.starts_with("Describe") || operation.starts_with("Get") || (list && lists_lag);
        if !lags {
            // An account is large: it is kept once in a second, and writes of one second are seen together.
            let is_kept = self.world.past.back().is_some_and(|(at, _)| later(*at, 1) > now);
            if !list && !is_kept {
                let before = self.world.state.clone();
                self.world.past.push_back((now, before));
            }
            return answer(&mut self.world);
        }
        if sight == Sight::Present {
            return answer(&mut self.world);
        }
        let Some((at, old)) = self.world.past.pop_front() else {
            return answer(&mut self.world);
        };
        let current = std::mem::replace(&mut self.world.state, old);
        let answer = answer(&mut self.world);
        let old = std::mem::replace(&mut self.world.state, current);
        self.world.past.push_front((at, old));
        answer
    }

    fn query_call(&mut self, request: &Request<Bytes>, id: &str) -> Response<Bytes> {
        let form = query::form(&String::from_utf8_lossy(request.body()));
        let action = form.get("Action").cloned().unwrap_or_default();
        let logged: Value = Value::Object(form.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect());
        let (service, answer) = match asked(request, form.get("Version").map(String::as_str)) {
            Ok(Service::Sts) => {
                let answer = self.disturbed("sts", |aws| sts::answer(&mut aws.world, &action, &form).map(Some));
                (Service::Sts, answer)
            }
            Ok(service) => (service, self.disturbed(service.name(), |aws| aws.form_call(service, &action, &form))),
            Err(fault) => (Service::Sts, Err(fault)),
        };
        self.log(service.name(), &action, logged, answer.as_ref().err().map(|f| f.code));
        service.respond(&action, &answer, id)
    }

    /// An answer that does not fit the service model is an error of the simulator, and it says so.
    fn form_call(
        &mut self,
        service: Service,
        action: &str,
        form: &BTreeMap<String, String>,
    ) -> Result<Option<String>, Fault> {
        let (table, protocol): (&Table, Protocol) = match service {
            Service::Ec2 => (&shape::EC2, Protocol::Ec2),
            _ => (&shape::AUTOSCALING, Protocol::Query),
        };
        let found = known(table, service.name(), action)?;
        self.throttled(service.name(), action)?;
        let (input, misfits) = query::input(table, found.input, protocol, form);
        if let Some(misfit) = misfits.first() {
            return Err(said(service.name(), misfit));
        }
        let answer = self.run(service.name(), action, &input, Sight::Client)?;
        if found.output == "-" {
            return Ok(None);
        }
        let answer = without_nulls(answer);
        match table.check(found.output, &answer).first() {
            Some(misfit) => Err(Fault::internal(format!("The simulator's answer to {action} is wrong: {misfit}"))),
            None => Ok(Some(xml::write(table, found.output, protocol, &answer))),
        }
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

fn happen(world: &mut World, event: Event) {
    match event {
        Event::MachineRuns(_)
        | Event::MachineBoots(_)
        | Event::MachineGone(_)
        | Event::MachineForgotten(_)
        | Event::MachineInterrupted(_) => ec2::happen(world, &event),
        Event::Group(name) => autoscaling::happen(world, &name),
        event => ecs::happen(world, event),
    }
}

fn known<'t>(table: &'t Table, service: &str, operation: &str) -> Result<&'t Operation, Fault> {
    let missing = || match (service, table.refused.contains(&operation)) {
        (_, true) => Fault::not_modelled(format!("the operation {operation}")),
        ("ec2" | "autoscaling", _) => {
            let message = format!("The action {operation} is not valid for this web service.");
            Fault::new("InvalidAction", message)
        }
        _ => Fault::new("UnknownOperationException", format!("There is no operation {operation}.")),
    };
    table.operations.get(operation).ok_or_else(missing)
}

fn said(service: &str, misfit: &Misfit) -> Fault {
    match service {
        "ecs" | "logs" => misfit.ecs(),
        "ec2" => misfit.ec2(),
        "autoscaling" => misfit.autoscaling(),
        _ => misfit.ssm(),
    }
}

/// The service that a form is for: the one in the credential scope of its signature, else the one of its API version.
fn asked(request: &Request<Bytes>, version: Option<&str>) -> Result<Service, Fault> {
    let header = request.headers().get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let scope = header.split_once("Credential=").map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or_default());
    let signed_for = scope.and_then(|s| s.split('/').rev().nth(1));
    match (signed_for, version) {
        (Some("ec2"), _) | (None, Some("2016-11-15")) => Ok(Service::Ec2),
        (Some("autoscaling"), _) | (None, Some("2011-01-01")) => Ok(Service::Autoscaling),
        (Some("sts"), _) | (None, Some("2011-06-15") | None) => Ok(Service::Sts),
        (service, version) => Err(Fault::not_modelled(format!(
            "the service '{}' of a form with the version '{}'",
            service.unwrap_or_default(),
            version.unwrap_or_default()
        ))),
    }
}
