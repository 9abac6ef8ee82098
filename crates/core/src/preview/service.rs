//! Imagines the effect of steps on task definitions and services.
//!
//! Part of `preview`. A deployment is imagined to have ended as soon as it is asked for.

use super::tags;
use crate::observe::{Deployment, Rollout, Service, ServiceStatus, TaskDefinition};
use crate::observed::Observed;
use crate::shape::service::{CreateService, UpdateService};
use crate::shape::task_definition::RegisterTaskDefinition;

/// Lets deployments end and what is being deleted go.
pub(super) fn settle(service: &mut Service) {
    if service.status == ServiceStatus::Draining {
        service.status = ServiceStatus::Inactive;
    }
    service.deployments.retain(|deployment| deployment.primary);
    for deployment in &mut service.deployments {
        if deployment.rollout == Rollout::InProgress {
            deployment.rollout = Rollout::Completed;
            deployment.running = deployment.desired;
            deployment.pending = 0;
        }
    }
}

pub(super) fn create(observed: &mut Observed, request: &CreateService) {
    let service = service(request);
    let listing = observed.services.entry(service.cluster.clone()).or_default();
    listing.put(service.name.clone(), service);
}

pub(super) fn update(observed: &mut Observed, request: &UpdateService) {
    let listing = observed.services.get_mut(request.cluster.as_deref().unwrap_or_default());
    let Some(found) = listing.and_then(|listing| listing.get_mut(request.service.as_deref().unwrap_or_default()))
    else {
        return;
    };
    let mut settings = serde_json::to_value(&found.settings).unwrap_or_default();
    if let (Some(known), Ok(serde_json::Value::Object(given))) =
        (settings.as_object_mut(), serde_json::to_value(request))
    {
        known.extend(given);
    }
    if let Ok(merged) = serde_json::from_value::<UpdateService>(settings) {
        found.settings = UpdateService { cluster: None, service: None, force_new_deployment: None, ..merged };
    }
    let desired = found.settings.desired_count.unwrap_or(found.running);
    found.running = desired;
    found.deployments = vec![completed(&found.settings, desired)];
}

pub(super) fn register(observed: &mut Observed, request: &RegisterTaskDefinition) {
    let family = request.family.clone().unwrap_or_default();
    let newest = observed.task_definitions.iter().filter(|found| found.family == family).map(|found| found.revision);
    let revision = newest.max().unwrap_or(0) + 1;
    let arn = format!("task-definition/{family}:{revision}");
    let found = TaskDefinition { arn: arn.clone(), family, revision, active: true, tags: tags(&request.tags) };
    observed.task_definitions.put(arn, found);
}

fn service(request: &CreateService) -> Service {
    let name = request.service_name.clone().unwrap_or_default();
    let cluster = request.cluster.clone().unwrap_or_default();
    let desired = request.desired_count.unwrap_or(1);
    let settings = UpdateService {
        desired_count: Some(desired),
        task_definition: request.task_definition.clone(),
        capacity_provider_strategy: Some(request.capacity_provider_strategy.clone()),
        deployment_configuration: request.deployment_configuration.clone(),
        availability_zone_rebalancing: request.availability_zone_rebalancing.clone(),
        network_configuration: request.network_configuration.clone(),
        placement_constraints: Some(request.placement_constraints.clone()),
        placement_strategy: Some(request.placement_strategy.clone()),
        health_check_grace_period_seconds: request.health_check_grace_period_seconds,
        deployment_controller: request.deployment_controller.clone(),
        enable_execute_command: request.enable_execute_command,
        enable_ecs_managed_tags: request.enable_ecs_managed_tags,
        load_balancers: Some(request.load_balancers.clone()),
        propagate_tags: request.propagate_tags.clone(),
        service_registries: Some(request.service_registries.clone()),
        service_connect_configuration: request.service_connect_configuration.clone(),
        volume_configurations: Some(request.volume_configurations.clone()),
        vpc_lattice_configurations: Some(request.vpc_lattice_configurations.clone()),
        monitoring: request.monitoring.clone(),
        ..UpdateService::default()
    };
    Service {
        arn: format!("service/{cluster}/{name}"),
        deployments: vec![completed(&settings, desired)],
        name,
        cluster,
        status: ServiceStatus::Active,
        settings,
        scheduling_strategy: "REPLICA".to_owned(),
        running: desired,
        pending: 0,
        events: Vec::new(),
        tags: tags(&request.tags),
    }
}

fn completed(settings: &UpdateService, desired: i32) -> Deployment {
    Deployment {
        id: "previewed".to_owned(),
        primary: true,
        task_definition: settings.task_definition.clone().unwrap_or_default(),
        desired,
        running: desired,
        pending: 0,
        failed: 0,
        rollout: Rollout::Completed,
        reason: None,
        created: None,
    }
}
