//! The output of containers, read from CloudWatch Logs: GetLogEvents, and DescribeTaskDefinition for where it is.
//!
//! Implements the port of `axon_core::logs`. A call goes through `call.rs` as every other does, so it is paced, counted and told. Not
//! here: what is read, and in which order.

use std::future::Future;

use aws_sdk_cloudwatchlogs::config::{Config, Region};
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput;
use axon_core::cloud::CloudError;
use axon_core::logs::{ContainerOutput, LogLine, LogPage, Logs, PageFrom, WantedPage};
use jiff::Timestamp;

use crate::answers::{Incomplete, present};
use crate::call::{Caller, complete};
use crate::client::Aws;
use crate::observe::patiently;
use crate::operations::Operation;

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

/// Asks in the Region that the group is in.
fn page<'a>(
    caller: &'a Caller,
    region: &'a str,
    wanted: &'a WantedPage<'a>,
) -> impl Future<Output = Result<LogPage, CloudError>> + Send + use<'a> {
    let region = Region::new(wanted.stream.region.as_deref().unwrap_or(region).to_owned());
    let (from_head, token) = match &wanted.from {
        PageFrom::Head => (true, None),
        PageFrom::Tail => (false, None),
        PageFrom::After(token) => (true, Some(token.clone())),
        PageFrom::Before(token) => (false, Some(token.clone())),
    };
    let request = caller
        .logs
        .get_log_events()
        .log_group_name(&wanted.stream.group)
        .log_stream_name(&wanted.stream.name)
        .start_from_head(from_head)
        .set_next_token(token)
        .set_start_time(wanted.since.map(|since| since.as_millisecond().max(0)))
        .set_limit(wanted.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
        .customize()
        .config_override(Config::builder().region(region));
    async move {
        let answer = caller.send(Operation::GetLogEvents, request.send()).await?;
        complete(Operation::GetLogEvents, read(answer))
    }
}

fn read(answer: GetLogEventsOutput) -> Result<LogPage, Incomplete> {
    let lines = present(answer.events, "events")?.into_iter().map(|event| {
        let at = event.timestamp.and_then(|at| Timestamp::from_millisecond(at).ok());
        Ok(LogLine { at: present(at, "events[].timestamp")?, message: event.message.unwrap_or_default() })
    });
    Ok(LogPage {
        lines: lines.collect::<Result<_, _>>()?,
        after: present(answer.next_forward_token, "nextForwardToken")?,
        before: present(answer.next_backward_token, "nextBackwardToken")?,
    })
}
