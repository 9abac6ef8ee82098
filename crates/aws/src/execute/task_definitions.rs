//! Registers and deregisters revisions of task definitions.
//!
//! Part of `execute`. Requests are taken apart without a rest, so that no member can be forgotten.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use axon_core::cloud::{CloudError, Effect};
use axon_core::shape::task_definition::RegisterTaskDefinition;

use crate::answers::tags;
use crate::answers::task_definitions::task_definition;
use crate::call::{Caller, complete};
use crate::convert::IntoSdk;
use crate::observe::task_definitions::Revisions;
use crate::operations::Operation;

pub(super) async fn register(caller: &Caller, request: RegisterTaskDefinition) -> Result<Effect, CloudError> {
    let request = registration(caller.ecs.register_task_definition(), request);
    let answer = caller
        .send_built(Operation::RegisterTaskDefinition, request, RegisterTaskDefinitionFluentBuilder::send)
        .await?;
    let read = task_definition(answer.task_definition, tags(answer.tags));
    Ok(Effect::TaskDefinition(complete(Operation::RegisterTaskDefinition, read)?))
}

/// AWS does not answer tags here; the remembered ones still hold.
pub(super) async fn deregister(caller: &Caller, revisions: &Revisions, arn: String) -> Result<Effect, CloudError> {
    let tags = revisions.tags(&arn).unwrap_or_default();
    let request = caller.ecs.deregister_task_definition().task_definition(&arn);
    let outcome = caller.send(Operation::DeregisterTaskDefinition, request.send()).await;
    revisions.forget(&arn);
    let read = complete(Operation::DeregisterTaskDefinition, task_definition(outcome?.task_definition, tags))?;
    Ok(Effect::TaskDefinition(axon_core::observe::TaskDefinition { active: false, ..read }))
}

#[allow(deprecated, reason = "AWS keeps inference accelerators in the request, and `shape` mirrors it")]
fn registration(
    builder: RegisterTaskDefinitionFluentBuilder,
    request: RegisterTaskDefinition,
) -> Result<RegisterTaskDefinitionFluentBuilder, BuildError> {
    let RegisterTaskDefinition {
        family,
        task_role_arn,
        execution_role_arn,
        network_mode,
        container_definitions,
        volumes,
        placement_constraints,
        requires_compatibilities,
        cpu,
        memory,
        tags,
        pid_mode,
        ipc_mode,
        proxy_configuration,
        inference_accelerators,
        ephemeral_storage,
        runtime_platform,
        enable_fault_injection,
    } = request;
    let builder = builder
        .set_family(family)
        .set_task_role_arn(task_role_arn)
        .set_execution_role_arn(execution_role_arn)
        .set_network_mode(network_mode.into_sdk()?)
        .set_container_definitions(container_definitions.into_sdk()?)
        .set_volumes(volumes.into_sdk()?)
        .set_placement_constraints(placement_constraints.into_sdk()?)
        .set_requires_compatibilities(requires_compatibilities.into_sdk()?)
        .set_cpu(cpu)
        .set_memory(memory);
    Ok(builder
        .set_tags(tags.into_sdk()?)
        .set_pid_mode(pid_mode.into_sdk()?)
        .set_ipc_mode(ipc_mode.into_sdk()?)
        .set_proxy_configuration(proxy_configuration.into_sdk()?)
        .set_inference_accelerators(inference_accelerators.into_sdk()?)
        .set_ephemeral_storage(ephemeral_storage.into_sdk()?)
        .set_runtime_platform(runtime_platform.into_sdk()?)
        .set_enable_fault_injection(enable_fault_injection))
}
