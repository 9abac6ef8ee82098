//! Tasks and the container instances under them, as AWS answers them.
//!
//! Used by `observe`. No calls, no opinion.

use aws_sdk_ecs::types;
use axon_core::observe::{Instance, StandaloneTask, Task, TaskContainer};

use super::{Incomplete, present, time};

/// Reads a task.
pub(crate) fn task(sdk: types::Task) -> Result<Task, Incomplete> {
    Ok(Task {
        arn: present(sdk.task_arn, "taskArn")?,
        task_definition: present(sdk.task_definition_arn, "taskDefinitionArn")?,
        last_status: present(sdk.last_status, "lastStatus")?,
        desired_status: present(sdk.desired_status, "desiredStatus")?,
        health: sdk.health_status.map(|word| word.as_str().to_owned()),
        container_instance: sdk.container_instance_arn,
        availability_zone: sdk.availability_zone,
        created: time(sdk.created_at),
        started: time(sdk.started_at),
        stopped: time(sdk.stopped_at),
        stopped_reason: sdk.stopped_reason,
        stop_code: sdk.stop_code.map(|word| word.as_str().to_owned()),
        containers: sdk.containers.into_iter().flatten().map(container).collect::<Result<_, _>>()?,
    })
}

/// Reads a task of a cluster with its group.
pub(crate) fn standalone(sdk: types::Task, cluster: &str) -> Result<StandaloneTask, Incomplete> {
    let group = sdk.group.clone().unwrap_or_default();
    Ok(StandaloneTask { group, cluster: cluster.to_owned(), task: task(sdk)? })
}

fn container(sdk: types::Container) -> Result<TaskContainer, Incomplete> {
    Ok(TaskContainer {
        name: present(sdk.name, "containers[].name")?,
        last_status: sdk.last_status,
        exit_code: sdk.exit_code,
        reason: sdk.reason,
        neuron_device_ids: sdk.neuron_device_ids.unwrap_or_default(),
    })
}

/// Reads a container instance.
pub(crate) fn instance(sdk: types::ContainerInstance) -> Result<Instance, Incomplete> {
    let attributes = sdk.attributes.unwrap_or_default();
    let attribute = |name: &str| {
        let found = attributes.iter().find(|attribute| attribute.name() == name)?;
        found.value().map(str::to_owned)
    };
    Ok(Instance {
        arn: present(sdk.container_instance_arn, "containerInstanceArn")?,
        ec2_id: sdk.ec2_instance_id,
        instance_type: attribute("ecs.instance-type"),
        availability_zone: attribute("ecs.availability-zone"),
        status: present(sdk.status, "status")?,
        provider: sdk.capacity_provider_name,
        connected: sdk.agent_connected,
        image: attribute("ecs.ami-id"),
        agent_version: sdk.version_info.and_then(|version| version.agent_version),
        registered: time(sdk.registered_at),
        running_tasks: sdk.running_tasks_count,
        pending_tasks: sdk.pending_tasks_count,
    })
}
