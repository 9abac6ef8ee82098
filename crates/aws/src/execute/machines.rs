//! Drains and terminates single instances of Auto Scaling groups.
//!
//! Part of `execute`.

use aws_sdk_ecs::types::ContainerInstanceStatus;
use axon_core::cloud::{CloudError, Effect};
use axon_core::step::Place;

use crate::answers::present;
use crate::call::{Caller, complete};
use crate::error;
use crate::operations::Operation;

/// Terminates an instance; `place` tells whether its group launches another.
pub(super) async fn terminate(caller: &Caller, instance: String, place: Place) -> Result<Effect, CloudError> {
    let request = caller
        .autoscaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(instance)
        .should_decrement_desired_capacity(place == Place::Removed);
    caller.send(Operation::TerminateInstanceInAutoScalingGroup, request.send()).await?;
    Ok(Effect::Done)
}

/// Sets the state of a container instance. The answer counts the tasks that it has by then, which may be more than were read
/// before: whether it is empty is decided by this answer. ECS tells what it could not do in `failures[]` of a good answer.
pub(super) async fn set_state(
    caller: &Caller,
    cluster: String,
    instance: String,
    status: &'static str,
) -> Result<Effect, CloudError> {
    let request = caller
        .ecs
        .update_container_instances_state()
        .cluster(&cluster)
        .container_instances(instance)
        .status(ContainerInstanceStatus::from(status));
    let answer = caller.send(Operation::UpdateContainerInstancesState, request.send()).await?;
    if let Some(failure) = answer.failures.into_iter().flatten().next() {
        return Err(error::of_failure(Operation::UpdateContainerInstancesState, &failure));
    }
    let found = answer.container_instances.into_iter().flatten().next();
    let found = present(found, "containerInstances[]").and_then(crate::answers::tasks::instance);
    let found = complete(Operation::UpdateContainerInstancesState, found)?;
    Ok(Effect::Instance(cluster, Box::new(found)))
}
