//! Creates, changes and deletes capacity providers.
//!
//! Part of `execute`. Requests are taken apart without a rest, so that no member can be forgotten.

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::operation::create_capacity_provider::builders::CreateCapacityProviderFluentBuilder;
use aws_sdk_ecs::operation::update_capacity_provider::builders::UpdateCapacityProviderFluentBuilder;
use aws_sdk_ecs::types;
use axon_core::cloud::{CloudError, Effect};
use axon_core::shape::provider::{CreateCapacityProvider, UpdateCapacityProvider};

use crate::answers::{present, providers::provider};
use crate::call::{Caller, complete};
use crate::convert::IntoSdk;
use crate::operations::Operation;

pub(super) async fn create(caller: &Caller, request: CreateCapacityProvider) -> Result<Effect, CloudError> {
    let cluster = request.cluster.clone().unwrap_or_default();
    let request = creation(caller.ecs.create_capacity_provider(), request);
    let answer = caller
        .send_built(Operation::CreateCapacityProvider, request, CreateCapacityProviderFluentBuilder::send)
        .await?;
    effect(Operation::CreateCapacityProvider, answer.capacity_provider, &cluster)
}

pub(super) async fn update(caller: &Caller, request: UpdateCapacityProvider) -> Result<Effect, CloudError> {
    let cluster = request.cluster.clone().unwrap_or_default();
    let request = change(caller.ecs.update_capacity_provider(), request);
    let answer = caller
        .send_built(Operation::UpdateCapacityProvider, request, UpdateCapacityProviderFluentBuilder::send)
        .await?;
    effect(Operation::UpdateCapacityProvider, answer.capacity_provider, &cluster)
}

/// The provider of an Auto Scaling group is deleted without naming a cluster.
pub(super) async fn delete(caller: &Caller, name: String, cluster: Option<String>) -> Result<Effect, CloudError> {
    let request = caller.ecs.delete_capacity_provider().capacity_provider(name).set_cluster(cluster.clone());
    let answer = caller.send(Operation::DeleteCapacityProvider, request.send()).await?;
    effect(Operation::DeleteCapacityProvider, answer.capacity_provider, &cluster.unwrap_or_default())
}

fn effect(operation: Operation, answer: Option<types::CapacityProvider>, cluster: &str) -> Result<Effect, CloudError> {
    let read = present(answer, "capacityProvider").and_then(|sdk| provider(sdk, cluster));
    Ok(Effect::Provider(Box::new(complete(operation, read)?)))
}

fn creation(
    builder: CreateCapacityProviderFluentBuilder,
    request: CreateCapacityProvider,
) -> Result<CreateCapacityProviderFluentBuilder, BuildError> {
    let CreateCapacityProvider { name, cluster, managed_instances_provider, auto_scaling_group_provider, tags } =
        request;
    Ok(builder
        .set_name(name)
        .set_cluster(cluster)
        .set_managed_instances_provider(managed_instances_provider.into_sdk()?)
        .set_auto_scaling_group_provider(auto_scaling_group_provider.into_sdk()?)
        .set_tags(tags.into_sdk()?))
}

fn change(
    builder: UpdateCapacityProviderFluentBuilder,
    request: UpdateCapacityProvider,
) -> Result<UpdateCapacityProviderFluentBuilder, BuildError> {
    let UpdateCapacityProvider { name, cluster, managed_instances_provider, auto_scaling_group_provider } = request;
    Ok(builder
        .set_name(name)
        .set_cluster(cluster)
        .set_managed_instances_provider(managed_instances_provider.into_sdk()?)
        .set_auto_scaling_group_provider(auto_scaling_group_provider.into_sdk()?))
}
