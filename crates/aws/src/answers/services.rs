//! A service with its deployments and events, and its past deployments, as AWS answers them.
//!
//! Used by `observe` and `execute`. No calls, no opinion.

use aws_sdk_ecs::types;
use axon_core::observe::{Deployment, DeploymentResult, PastDeployment, Rollout, Service, ServiceEvent, ServiceStatus};
use axon_core::shape::service::UpdateService;

use super::{Incomplete, name_of, present, tags, time};
use crate::convert::FromSdk;

/// Reads a service.
pub(crate) fn service(mut sdk: types::Service) -> Result<Service, Incomplete> {
    let name = present(sdk.service_name.take(), "serviceName")?;
    let cluster = name_of(&present(sdk.cluster_arn.take(), "clusterArn")?).to_owned();
    let deployments = sdk.deployments.take().unwrap_or_default();
    let primary = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY")).cloned();
    Ok(Service {
        arn: present(sdk.service_arn.take(), "serviceArn")?,
        status: status(&present(sdk.status.take(), "status")?),
        scheduling_strategy: sdk
            .scheduling_strategy
            .take()
            .map_or_else(|| "REPLICA".to_owned(), |word| word.as_str().to_owned()),
        running: sdk.running_count,
        pending: sdk.pending_count,
        deployments: deployments.into_iter().map(deployment).collect::<Result<_, _>>()?,
        events: sdk.events.take().into_iter().flatten().map(event).collect(),
        tags: tags(sdk.tags.take()),
        settings: UpdateService {
            cluster: Some(cluster.clone()),
            service: Some(name.clone()),
            ..settings(sdk, primary)
        },
        name,
        cluster,
    })
}

/// What `UpdateService` could change. Service Connect, volumes and VPC Lattice are told by the PRIMARY deployment only;
/// monitoring is told nowhere.
fn settings(sdk: types::Service, primary: Option<types::Deployment>) -> UpdateService {
    let (connect, volumes, lattice) = primary.map_or((None, None, None), |primary| {
        (primary.service_connect_configuration, primary.volume_configurations, primary.vpc_lattice_configurations)
    });
    UpdateService {
        cluster: None,
        service: None,
        desired_count: Some(sdk.desired_count),
        task_definition: sdk.task_definition,
        capacity_provider_strategy: FromSdk::from_sdk(sdk.capacity_provider_strategy),
        deployment_configuration: FromSdk::from_sdk(sdk.deployment_configuration),
        availability_zone_rebalancing: FromSdk::from_sdk(sdk.availability_zone_rebalancing),
        network_configuration: FromSdk::from_sdk(sdk.network_configuration),
        placement_constraints: FromSdk::from_sdk(sdk.placement_constraints),
        placement_strategy: FromSdk::from_sdk(sdk.placement_strategy),
        force_new_deployment: None,
        health_check_grace_period_seconds: sdk.health_check_grace_period_seconds,
        deployment_controller: FromSdk::from_sdk(sdk.deployment_controller),
        enable_execute_command: Some(sdk.enable_execute_command),
        enable_ecs_managed_tags: Some(sdk.enable_ecs_managed_tags),
        load_balancers: FromSdk::from_sdk(sdk.load_balancers),
        propagate_tags: FromSdk::from_sdk(sdk.propagate_tags),
        service_registries: FromSdk::from_sdk(sdk.service_registries),
        service_connect_configuration: FromSdk::from_sdk(connect),
        volume_configurations: FromSdk::from_sdk(volumes),
        vpc_lattice_configurations: FromSdk::from_sdk(lattice),
        monitoring: None,
    }
}

fn status(word: &str) -> ServiceStatus {
    match word {
        "ACTIVE" => ServiceStatus::Active,
        "DRAINING" => ServiceStatus::Draining,
        "INACTIVE" => ServiceStatus::Inactive,
        other => ServiceStatus::Other(other.to_owned()),
    }
}

fn deployment(sdk: types::Deployment) -> Result<Deployment, Incomplete> {
    Ok(Deployment {
        id: present(sdk.id, "deployments[].id")?,
        primary: sdk.status.as_deref() == Some("PRIMARY"),
        task_definition: sdk.task_definition.unwrap_or_default(),
        desired: sdk.desired_count,
        running: sdk.running_count,
        pending: sdk.pending_count,
        failed: sdk.failed_tasks,
        rollout: match sdk.rollout_state.as_ref().map(types::DeploymentRolloutState::as_str) {
            Some("IN_PROGRESS") => Rollout::InProgress,
            Some("COMPLETED") => Rollout::Completed,
            Some("FAILED") => Rollout::Failed,
            _ => Rollout::Unreported,
        },
        reason: sdk.rollout_state_reason,
        created: time(sdk.created_at),
    })
}

fn event(sdk: types::ServiceEvent) -> ServiceEvent {
    ServiceEvent { id: sdk.id.unwrap_or_default(), at: time(sdk.created_at), message: sdk.message.unwrap_or_default() }
}

/// Reads how an earlier deployment ended.
pub(crate) fn past_deployment(sdk: types::ServiceDeploymentBrief) -> Result<PastDeployment, Incomplete> {
    Ok(PastDeployment {
        arn: present(sdk.service_deployment_arn, "serviceDeploymentArn")?,
        result: match sdk.status.as_ref().map(types::ServiceDeploymentStatus::as_str) {
            Some("PENDING" | "IN_PROGRESS") => DeploymentResult::Running,
            Some("SUCCESSFUL") => DeploymentResult::Successful,
            Some("ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS") => DeploymentResult::RollingBack,
            Some("ROLLBACK_SUCCESSFUL") => DeploymentResult::RolledBack,
            Some("ROLLBACK_FAILED") => DeploymentResult::RollbackFailed,
            Some("STOP_REQUESTED" | "STOPPED") => DeploymentResult::Stopped,
            _ => DeploymentResult::Unknown,
        },
        reason: sdk.status_reason,
        created: time(sdk.created_at),
    })
}
