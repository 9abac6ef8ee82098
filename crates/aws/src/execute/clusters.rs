//! Creates, changes and deletes clusters, and associates capacity providers with them.
//!
//! Part of `execute`. Requests are taken apart without a rest, so that no member can be forgotten.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::operation::create_cluster::builders::CreateClusterFluentBuilder;
use aws_sdk_ecs::operation::put_cluster_capacity_providers::builders::PutClusterCapacityProvidersFluentBuilder;
use aws_sdk_ecs::operation::update_cluster::builders::UpdateClusterFluentBuilder;
use aws_sdk_ecs::types;
use axon_core::cloud::{CloudError, Effect};
use axon_core::shape::cluster::{CreateCluster, PutClusterCapacityProviders, UpdateCluster};

use crate::answers::{clusters::cluster, present};
use crate::call::{Caller, complete};
use crate::convert::IntoSdk;
use crate::operations::Operation;

pub(super) async fn create(caller: &Caller, request: CreateCluster) -> Result<Effect, CloudError> {
    let request = creation(caller.ecs.create_cluster(), request);
    let answer = caller.send_built(Operation::CreateCluster, request, CreateClusterFluentBuilder::send).await?;
    effect(Operation::CreateCluster, answer.cluster)
}

pub(super) async fn update(caller: &Caller, request: UpdateCluster) -> Result<Effect, CloudError> {
    let request = change(caller.ecs.update_cluster(), request);
    let answer = caller.send_built(Operation::UpdateCluster, request, UpdateClusterFluentBuilder::send).await?;
    effect(Operation::UpdateCluster, answer.cluster)
}

pub(super) async fn associate(caller: &Caller, request: PutClusterCapacityProviders) -> Result<Effect, CloudError> {
    let request = association(caller.ecs.put_cluster_capacity_providers(), request);
    let answer = caller
        .send_built(Operation::PutClusterCapacityProviders, request, PutClusterCapacityProvidersFluentBuilder::send)
        .await?;
    effect(Operation::PutClusterCapacityProviders, answer.cluster)
}

pub(super) async fn delete(caller: &Caller, cluster: String) -> Result<Effect, CloudError> {
    let request = caller.ecs.delete_cluster().cluster(cluster);
    let answer = caller.send(Operation::DeleteCluster, request.send()).await?;
    effect(Operation::DeleteCluster, answer.cluster)
}

fn effect(operation: Operation, answer: Option<types::Cluster>) -> Result<Effect, CloudError> {
    let read = present(answer, "cluster").and_then(cluster);
    Ok(Effect::Cluster(Box::new(complete(operation, read)?)))
}

fn creation(
    builder: CreateClusterFluentBuilder,
    request: CreateCluster,
) -> Result<CreateClusterFluentBuilder, BuildError> {
    let CreateCluster { cluster_name, tags, settings, configuration, service_connect_defaults } = request;
    Ok(builder
        .set_cluster_name(cluster_name)
        .set_tags(tags.into_sdk()?)
        .set_settings(settings.into_sdk()?)
        .set_configuration(configuration.into_sdk()?)
        .set_service_connect_defaults(service_connect_defaults.into_sdk()?))
}

fn change(
    builder: UpdateClusterFluentBuilder,
    request: UpdateCluster,
) -> Result<UpdateClusterFluentBuilder, BuildError> {
    let UpdateCluster { cluster, settings, configuration, service_connect_defaults } = request;
    Ok(builder
        .set_cluster(cluster)
        .set_settings(settings.into_sdk()?)
        .set_configuration(configuration.into_sdk()?)
        .set_service_connect_defaults(service_connect_defaults.into_sdk()?))
}

/// Both lists are sent even if empty: ECS insists on them, and what they leave out goes.
fn association(
    builder: PutClusterCapacityProvidersFluentBuilder,
    request: PutClusterCapacityProviders,
) -> Result<PutClusterCapacityProvidersFluentBuilder, BuildError> {
    let PutClusterCapacityProviders { cluster, capacity_providers, default_capacity_provider_strategy } = request;
    Ok(builder
        .cluster(cluster)
        .set_capacity_providers(Some(capacity_providers))
        .set_default_capacity_provider_strategy(Some(default_capacity_provider_strategy.into_sdk()?)))
}
