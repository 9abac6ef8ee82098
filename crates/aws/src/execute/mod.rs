//! Makes the one AWS call of a step and says what AWS answered: `Step` → `Effect`.
//!
//! Kinds of resources have a file each; requests come from `convert`, answers are taken apart by `answers`, errors get
//! their meaning in `call`. A thing that was to go and does not exist is gone. Nothing is decided or sent again here.
//!
//! AWS does not answer tags to every write; an effect then carries none, which says nothing about the resource.

use axon_core::cloud::{CloudError, Effect, ErrorClass};
use axon_core::step::Action;

use crate::call::Caller;
use crate::observe::task_definitions::Revisions;

mod clusters;
mod groups;
mod jobs;
mod machines;
mod providers;
mod services;
mod tags;
mod task_definitions;
mod templates;

/// Makes the call of `action`.
pub(crate) async fn execute(caller: &Caller, revisions: &Revisions, action: Action) -> Result<Effect, CloudError> {
    match action {
        Action::CreateCluster(request) => Box::pin(clusters::create(caller, request)).await,
        Action::UpdateCluster(request) => Box::pin(clusters::update(caller, request)).await,
        Action::DeleteCluster { cluster } => gone_if_missing(clusters::delete(caller, cluster).await),
        Action::PutClusterCapacityProviders(request) => Box::pin(clusters::associate(caller, request)).await,
        Action::CreateCapacityProvider(request) => Box::pin(providers::create(caller, request)).await,
        Action::UpdateCapacityProvider(request) => Box::pin(providers::update(caller, request)).await,
        Action::DeleteCapacityProvider { name, cluster } => {
            gone_if_missing(providers::delete(caller, name, cluster).await)
        }
        Action::RegisterTaskDefinition(request) => Box::pin(task_definitions::register(caller, request)).await,
        Action::DeregisterTaskDefinition { arn } => {
            gone_if_missing(task_definitions::deregister(caller, revisions, arn).await)
        }
        Action::CreateService(request) => Box::pin(services::create(caller, request)).await,
        Action::UpdateService(request) => Box::pin(services::update(caller, request)).await,
        Action::DeleteService { cluster, service } => gone_if_missing(services::delete(caller, cluster, service).await),
        Action::PutParameter { name, value } => jobs::put(caller, name, value).await,
        Action::DeleteParameters { names } => jobs::delete(caller, names).await,
        Action::RunTask(request) => Box::pin(jobs::run(caller, *request)).await,
        Action::StopTask { cluster, task, reason } => gone_if_missing(jobs::stop(caller, cluster, task, reason).await),
        Action::TagResource { arn, tags } => tags::set(caller, revisions, arn, tags).await,
        Action::UntagResource { arn, keys } => tags::remove(caller, revisions, arn, keys).await,
        Action::CreateLaunchTemplate(request) => Box::pin(templates::create(caller, request)).await,
        Action::CreateLaunchTemplateVersion(request) => Box::pin(templates::create_version(caller, request)).await,
        Action::DeleteLaunchTemplate { id, name: _ } => gone_if_missing(templates::delete(caller, id).await),
        Action::CreateTags { id, tags } => tags::set_on_ec2(caller, id, tags).await,
        Action::DeleteTags { id, keys } => tags::remove_on_ec2(caller, id, keys).await,
        Action::CreateAutoScalingGroup(request) => Box::pin(groups::create(caller, request)).await,
        Action::UpdateAutoScalingGroup(request) => Box::pin(groups::update(caller, request)).await,
        Action::DeleteAutoScalingGroup { name } => gone_if_missing(groups::delete(caller, name).await),
        Action::CreateOrUpdateTags { group, tags } => groups::set_tags(caller, &group, tags).await,
        Action::DeleteGroupTags { group, keys } => groups::remove_tags(caller, &group, keys).await,
        Action::SetDesiredCapacity { group, desired } => groups::set_desired(caller, group, desired).await,
        Action::TerminateInstanceInAutoScalingGroup { instance, place } => {
            gone_if_missing(machines::terminate(caller, instance, place).await)
        }
        Action::UpdateContainerInstancesState { cluster, instance, status } => {
            machines::set_state(caller, cluster, instance, status).await
        }
    }
}

fn gone_if_missing(outcome: Result<Effect, CloudError>) -> Result<Effect, CloudError> {
    match outcome {
        Err(error) if error.class == ErrorClass::NotFound => Ok(Effect::Gone),
        other => other,
    }
}
