//! Creates, changes and deletes services.
//!
//! Part of `execute`. Requests are taken apart without a rest, so that no member can be forgotten.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types;
use axon_core::cloud::{CloudError, Effect};
use axon_core::shape::service::{CreateService, UpdateService};

use crate::answers::{present, services::service};
use crate::call::{Caller, complete};
use crate::convert::IntoSdk;
use crate::operations::Operation;

pub(super) async fn create(caller: &Caller, request: CreateService) -> Result<Effect, CloudError> {
    let request = creation(caller.ecs.create_service(), request);
    let answer = caller.send_built(Operation::CreateService, request, CreateServiceFluentBuilder::send).await?;
    effect(Operation::CreateService, answer.service)
}

pub(super) async fn update(caller: &Caller, request: UpdateService) -> Result<Effect, CloudError> {
    let request = change(caller.ecs.update_service(), request);
    let answer = caller.send_built(Operation::UpdateService, request, UpdateServiceFluentBuilder::send).await?;
    effect(Operation::UpdateService, answer.service)
}

/// `force` also deletes a service that still wants tasks, and stops them.
pub(super) async fn delete(caller: &Caller, cluster: String, name: String) -> Result<Effect, CloudError> {
    let request = caller.ecs.delete_service().cluster(cluster).service(name).force(true);
    let answer = caller.send(Operation::DeleteService, request.send()).await?;
    effect(Operation::DeleteService, answer.service)
}

fn effect(operation: Operation, answer: Option<types::Service>) -> Result<Effect, CloudError> {
    let read = present(answer, "service").and_then(service);
    Ok(Effect::Service(Box::new(complete(operation, read)?)))
}

fn creation(
    builder: CreateServiceFluentBuilder,
    request: CreateService,
) -> Result<CreateServiceFluentBuilder, BuildError> {
    let CreateService {
        cluster,
        service_name,
        task_definition,
        availability_zone_rebalancing,
        load_balancers,
        service_registries,
        desired_count,
        client_token,
        capacity_provider_strategy,
        deployment_configuration,
        placement_constraints,
        placement_strategy,
        network_configuration,
        health_check_grace_period_seconds,
        scheduling_strategy,
        deployment_controller,
        tags,
        enable_ecs_managed_tags,
        propagate_tags,
        enable_execute_command,
        service_connect_configuration,
        volume_configurations,
        vpc_lattice_configurations,
        monitoring,
    } = request;
    let builder = builder
        .set_cluster(cluster)
        .set_service_name(service_name)
        .set_task_definition(task_definition)
        .set_availability_zone_rebalancing(availability_zone_rebalancing.into_sdk()?)
        .set_load_balancers(load_balancers.into_sdk()?)
        .set_service_registries(service_registries.into_sdk()?)
        .set_desired_count(desired_count)
        .set_client_token(client_token)
        .set_capacity_provider_strategy(capacity_provider_strategy.into_sdk()?)
        .set_deployment_configuration(deployment_configuration.into_sdk()?)
        .set_placement_constraints(placement_constraints.into_sdk()?)
        .set_placement_strategy(placement_strategy.into_sdk()?);
    Ok(builder
        .set_network_configuration(network_configuration.into_sdk()?)
        .set_health_check_grace_period_seconds(health_check_grace_period_seconds)
        .set_scheduling_strategy(scheduling_strategy.into_sdk()?)
        .set_deployment_controller(deployment_controller.into_sdk()?)
        .set_tags(tags.into_sdk()?)
        .set_enable_ecs_managed_tags(enable_ecs_managed_tags)
        .set_propagate_tags(propagate_tags.into_sdk()?)
        .set_enable_execute_command(enable_execute_command)
        .set_service_connect_configuration(service_connect_configuration.into_sdk()?)
        .set_volume_configurations(volume_configurations.into_sdk()?)
        .set_vpc_lattice_configurations(vpc_lattice_configurations.into_sdk()?)
        .set_monitoring(monitoring.into_sdk()?))
}

fn change(
    builder: UpdateServiceFluentBuilder,
    request: UpdateService,
) -> Result<UpdateServiceFluentBuilder, BuildError> {
    let UpdateService {
        cluster,
        service,
        desired_count,
        task_definition,
        capacity_provider_strategy,
        deployment_configuration,
        availability_zone_rebalancing,
        network_configuration,
        placement_constraints,
        placement_strategy,
        force_new_deployment,
        health_check_grace_period_seconds,
        deployment_controller,
        enable_execute_command,
        enable_ecs_managed_tags,
        load_balancers,
        propagate_tags,
        service_registries,
        service_connect_configuration,
        volume_configurations,
        vpc_lattice_configurations,
        monitoring,
    } = request;
    let builder = builder
        .set_cluster(cluster)
        .set_service(service)
        .set_desired_count(desired_count)
        .set_task_definition(task_definition)
        .set_capacity_provider_strategy(capacity_provider_strategy.into_sdk()?)
        .set_deployment_configuration(deployment_configuration.into_sdk()?)
        .set_availability_zone_rebalancing(availability_zone_rebalancing.into_sdk()?)
        .set_network_configuration(network_configuration.into_sdk()?)
        .set_placement_constraints(placement_constraints.into_sdk()?)
        .set_placement_strategy(placement_strategy.into_sdk()?)
        .set_force_new_deployment(force_new_deployment);
    Ok(builder
        .set_health_check_grace_period_seconds(health_check_grace_period_seconds)
        .set_deployment_controller(deployment_controller.into_sdk()?)
        .set_enable_execute_command(enable_execute_command)
        .set_enable_ecs_managed_tags(enable_ecs_managed_tags)
        .set_load_balancers(load_balancers.into_sdk()?)
        .set_propagate_tags(propagate_tags.into_sdk()?)
        .set_service_registries(service_registries.into_sdk()?)
        .set_service_connect_configuration(service_connect_configuration.into_sdk()?)
        .set_volume_configurations(volume_configurations.into_sdk()?)
        .set_vpc_lattice_configurations(vpc_lattice_configurations.into_sdk()?)
        .set_monitoring(monitoring.into_sdk()?))
}
