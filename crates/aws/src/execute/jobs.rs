//! Starts and stops tasks of jobs, and writes and removes their records.
//!
//! Part of `execute`. A record is only ever made under a free name; a name that is taken is a conflict, and the next reading
//! tells what is there.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types;
use aws_sdk_ssm::types::ParameterType;
use axon_core::cloud::{CloudError, Effect};
use axon_core::observe::{Parameter, StandaloneTask};
use axon_core::shape::run_task::RunTask;

use crate::answers::present;
use crate::answers::tasks::standalone;
use crate::call::{Caller, complete};
use crate::convert::IntoSdk;
use crate::error;
use crate::operations::Operation;

pub(super) async fn put(caller: &Caller, name: String, value: String) -> Result<Effect, CloudError> {
    let request = caller.ssm.put_parameter().name(&name).value(&value).r#type(ParameterType::String).overwrite(false);
    caller.send(Operation::PutParameter, request.send()).await?;
    let written = Some(caller.clock.now());
    Ok(Effect::Parameter(Parameter { name, value, written }))
}

/// What does not exist is not there any more.
pub(super) async fn delete(caller: &Caller, names: Vec<String>) -> Result<Effect, CloudError> {
    let request = caller.ssm.delete_parameters().set_names(Some(names));
    caller.send(Operation::DeleteParameters, request.send()).await?;
    Ok(Effect::Done)
}

/// ECS tells what it could not place in `failures[]` of a good answer.
pub(super) async fn run(caller: &Caller, request: RunTask) -> Result<Effect, CloudError> {
    let cluster = request.cluster.clone().unwrap_or_default();
    let request = started(caller.ecs.run_task(), request);
    let answer = caller.send_built(Operation::RunTask, request, RunTaskFluentBuilder::send).await?;
    let tasks = answer.tasks.unwrap_or_default();
    if let (true, Some(failure)) = (tasks.is_empty(), answer.failures.into_iter().flatten().next()) {
        return Err(error::of_failure(Operation::RunTask, &failure));
    }
    let found = tasks.into_iter().map(|task| standalone(task, &cluster)).collect();
    let found: Vec<StandaloneTask> = complete(Operation::RunTask, found)?;
    if found.is_empty() {
        return Err(error::of_answer(Operation::RunTask, &crate::answers::Incomplete("tasks[]")));
    }
    Ok(Effect::Tasks(found))
}

pub(super) async fn stop(caller: &Caller, cluster: String, task: String, reason: String) -> Result<Effect, CloudError> {
    let request = caller.ecs.stop_task().cluster(&cluster).task(task).reason(reason);
    let answer = caller.send(Operation::StopTask, request.send()).await?;
    let found: Result<types::Task, _> = present(answer.task, "task");
    let found = complete(Operation::StopTask, found.and_then(|task| standalone(task, &cluster)))?;
    Ok(Effect::Tasks(vec![found]))
}

fn started(builder: RunTaskFluentBuilder, request: RunTask) -> Result<RunTaskFluentBuilder, BuildError> {
    let RunTask {
        cluster,
        task_definition,
        count,
        client_token,
        started_by,
        group,
        capacity_provider_strategy,
        placement_constraints,
        placement_strategy,
        network_configuration,
        overrides,
        tags,
        enable_ecs_managed_tags,
        propagate_tags,
        enable_execute_command,
    } = request;
    Ok(builder
        .set_cluster(cluster)
        .set_task_definition(task_definition)
        .set_count(count)
        .set_client_token(client_token)
        .set_started_by(started_by)
        .set_group(group)
        .set_capacity_provider_strategy(capacity_provider_strategy.into_sdk()?)
        .set_placement_constraints(placement_constraints.into_sdk()?)
        .set_placement_strategy(placement_strategy.into_sdk()?)
        .set_network_configuration(network_configuration.into_sdk()?)
        .set_overrides(overrides.into_sdk()?)
        .set_tags(tags.into_sdk()?)
        .set_enable_ecs_managed_tags(enable_ecs_managed_tags)
        .set_propagate_tags(propagate_tags.into_sdk()?)
        .set_enable_execute_command(enable_execute_command))
}
