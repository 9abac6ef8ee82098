//! The output of containers, read from CloudWatch Logs: GetLogEvents, and DescribeTaskDefinition for where it is.
//!
//! Implements the port of `axon_core::logs`. A call goes through `call.rs` as every other does, so it is paced, counted and told. Not
//! here: what is read, and in which order.

use std::future::Future;

use axon_core::cloud::CloudError;
use axon_core::logs::{ContainerOutput, LogLine, LogPage, Logs, PageFrom, WantedPage};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::answers::{Incomplete, present};
use crate::call::{Caller, complete};
use crate::client::Aws;
use crate::observe::patiently;
use crate::operations::Operation;

pub(crate) mod wire;

impl Logs for Aws {
    async fn outputs(&self, revision: &str) -> Result<Vec<ContainerOutput>, CloudError> {
        let caller = self.caller();
        patiently(&caller, || outputs(&caller, revision)).await
    }

    async fn page(&self, wanted: &WantedPage<'_>) -> Result<LogPage, CloudError> {
        let caller = self.caller();
        patiently(&caller, || page(&caller, &self.region, wanted)).await
    }
}

async fn outputs(caller: &Caller, revision: &str) -> Result<Vec<ContainerOutput>, CloudError> {
    let request = caller.ecs.describe_task_definition().task_definition(revision);
    let answer = caller.send(Operation::DescribeTaskDefinition, request.send()).await?;
    let read = present(answer.task_definition, "taskDefinition").and_then(|definition| {
        let containers = definition.container_definitions.into_iter().flatten();
        containers
            .map(|container| {
                let log = container.log_configuration;
                Ok(ContainerOutput {
                    container: present(container.name, "containerDefinitions[].name")?,
                    driver: log.as_ref().map(|log| log.log_driver.as_str().to_owned()),
                    options: log.and_then(|log| log.options).unwrap_or_default().into_iter().collect(),
                })
            })
            .collect()
    });
    complete(Operation::DescribeTaskDefinition, read)
}

fn page<'a>(
    caller: &'a Caller,
    region: &'a str,
    wanted: &'a WantedPage<'a>,
) -> impl Future<Output = Result<LogPage, CloudError>> + Send + use<'a> {
    let region = wanted.stream.region.as_deref().unwrap_or(region);
    let asked = caller.logs.get_log_events(region, asked(wanted));
    async move {
        let answer = caller.send(Operation::GetLogEvents, asked).await?;
        complete(Operation::GetLogEvents, read(answer.body()))
    }
}

fn asked(wanted: &WantedPage<'_>) -> Value {
    let mut asked = Map::new();
    asked.insert("logGroupName".to_owned(), json!(wanted.stream.group));
    asked.insert("logStreamName".to_owned(), json!(wanted.stream.name));
    let (from_head, token) = match &wanted.from {
        PageFrom::Head => (true, None),
        PageFrom::Tail => (false, None),
        PageFrom::After(token) => (true, Some(token)),
        PageFrom::Before(token) => (false, Some(token)),
    };
    asked.insert("startFromHead".to_owned(), json!(from_head));
    let optional = [
        ("nextToken", token.map(|token| json!(token))),
        ("startTime", wanted.since.map(|since| json!(since.as_millisecond().max(0)))),
        ("limit", wanted.limit.map(|limit| json!(limit))),
    ];
    asked.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Value::Object(asked)
}

fn read(body: &Value) -> Result<LogPage, Incomplete> {
    let text = |name: &'static str| present(body.get(name).and_then(Value::as_str), name).map(str::to_owned);
    let events = present(body.get("events").and_then(Value::as_array), "events")?;
    let lines = events.iter().map(|event| {
        let at = event.get("timestamp").and_then(Value::as_i64).and_then(|at| Timestamp::from_millisecond(at).ok());
        let message = event.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(LogLine { at: present(at, "events[].timestamp")?, message })
    });
    Ok(LogPage {
        lines: lines.collect::<Result<_, _>>()?,
        after: text("nextForwardToken")?,
        before: text("nextBackwardToken")?,
    })
}
