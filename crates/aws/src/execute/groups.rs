//! Creates, changes, resizes, tags and deletes Auto Scaling groups.
//!
//! Part of `execute`. Requests are taken apart without a rest, so that no member can be forgotten. Auto Scaling answers
//! nothing about a group that was written.

use aws_sdk_autoscaling::operation::create_auto_scaling_group::builders::CreateAutoScalingGroupFluentBuilder;
use aws_sdk_autoscaling::operation::update_auto_scaling_group::builders::UpdateAutoScalingGroupFluentBuilder;
use aws_sdk_autoscaling::types::Tag;
use aws_sdk_autoscaling::types::builders::TagBuilder;
use aws_smithy_types::error::operation::BuildError;
use axon_core::cloud::{CloudError, Effect};
use axon_core::shape::scaling_group::{CreateAutoScalingGroup, GroupTag, UpdateAutoScalingGroup};

use crate::call::Caller;
use crate::convert::IntoSdk;
use crate::operations::Operation;

pub(super) async fn create(caller: &Caller, request: CreateAutoScalingGroup) -> Result<Effect, CloudError> {
    let request = creation(caller.autoscaling.create_auto_scaling_group(), request);
    caller.send_built(Operation::CreateAutoScalingGroup, request, CreateAutoScalingGroupFluentBuilder::send).await?;
    Ok(Effect::Done)
}

pub(super) async fn update(caller: &Caller, request: UpdateAutoScalingGroup) -> Result<Effect, CloudError> {
    let request = change(caller.autoscaling.update_auto_scaling_group(), request);
    caller.send_built(Operation::UpdateAutoScalingGroup, request, UpdateAutoScalingGroupFluentBuilder::send).await?;
    Ok(Effect::Done)
}

/// `ForceDelete` also deletes a group that still has instances, and terminates them.
pub(super) async fn delete(caller: &Caller, name: String) -> Result<Effect, CloudError> {
    let request = caller.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(name).force_delete(true);
    caller.send(Operation::DeleteAutoScalingGroup, request.send()).await?;
    Ok(Effect::Done)
}

pub(super) async fn set_tags(caller: &Caller, group: &str, tags: Vec<GroupTag>) -> Result<Effect, CloudError> {
    let request = caller.autoscaling.create_or_update_tags().set_tags(Some(on_group(group, tags)));
    caller.send(Operation::CreateOrUpdateTags, request.send()).await?;
    Ok(Effect::Tags)
}

/// Auto Scaling removes a tag by its key, whatever its value.
pub(super) async fn remove_tags(caller: &Caller, group: &str, keys: Vec<String>) -> Result<Effect, CloudError> {
    let tags = keys.into_iter().map(|key| tag_of(group).key(key).build()).collect();
    let request = caller.autoscaling.delete_tags().set_tags(Some(tags));
    caller.send(Operation::DeleteGroupTags, request.send()).await?;
    Ok(Effect::Tags)
}

pub(super) async fn set_desired(caller: &Caller, group: String, desired: i32) -> Result<Effect, CloudError> {
    let request = caller.autoscaling.set_desired_capacity().auto_scaling_group_name(group).desired_capacity(desired);
    caller.send(Operation::SetDesiredCapacity, request.send()).await?;
    Ok(Effect::Done)
}

/// Auto Scaling wants every tag to name the group that it is on.
fn on_group(group: &str, tags: Vec<GroupTag>) -> Vec<Tag> {
    let tag = |GroupTag { key, value, propagate_at_launch }| {
        tag_of(group).key(key).value(value).propagate_at_launch(propagate_at_launch).build()
    };
    tags.into_iter().map(tag).collect()
}

fn tag_of(group: &str) -> TagBuilder {
    Tag::builder().resource_id(group).resource_type("auto-scaling-group")
}

fn creation(
    builder: CreateAutoScalingGroupFluentBuilder,
    request: CreateAutoScalingGroup,
) -> Result<CreateAutoScalingGroupFluentBuilder, BuildError> {
    let CreateAutoScalingGroup {
        auto_scaling_group_name,
        launch_template,
        mixed_instances_policy,
        min_size,
        max_size,
        vpc_zone_identifier,
        placement_group,
        new_instances_protected_from_scale_in,
        health_check_type,
        health_check_grace_period,
        default_instance_warmup,
        termination_policies,
        capacity_rebalance,
        max_instance_lifetime,
        tags,
    } = request;
    let tags = on_group(&auto_scaling_group_name, tags);
    Ok(builder
        .auto_scaling_group_name(auto_scaling_group_name)
        .set_launch_template(launch_template.into_sdk()?)
        .set_mixed_instances_policy(mixed_instances_policy.into_sdk()?)
        .set_min_size(min_size)
        .set_max_size(max_size)
        .set_vpc_zone_identifier(vpc_zone_identifier)
        .set_placement_group(placement_group)
        .set_new_instances_protected_from_scale_in(new_instances_protected_from_scale_in)
        .set_health_check_type(health_check_type)
        .set_health_check_grace_period(health_check_grace_period)
        .set_default_instance_warmup(default_instance_warmup)
        .set_termination_policies(termination_policies.into_sdk()?)
        .set_capacity_rebalance(capacity_rebalance)
        .set_max_instance_lifetime(max_instance_lifetime)
        .set_tags((!tags.is_empty()).then_some(tags)))
}

fn change(
    builder: UpdateAutoScalingGroupFluentBuilder,
    request: UpdateAutoScalingGroup,
) -> Result<UpdateAutoScalingGroupFluentBuilder, BuildError> {
    let UpdateAutoScalingGroup {
        auto_scaling_group_name,
        launch_template,
        mixed_instances_policy,
        min_size,
        max_size,
        vpc_zone_identifier,
        placement_group,
        new_instances_protected_from_scale_in,
        health_check_type,
        health_check_grace_period,
        default_instance_warmup,
        termination_policies,
        capacity_rebalance,
        max_instance_lifetime,
    } = request;
    Ok(builder
        .set_auto_scaling_group_name(auto_scaling_group_name)
        .set_launch_template(launch_template.into_sdk()?)
        .set_mixed_instances_policy(mixed_instances_policy.into_sdk()?)
        .set_min_size(min_size)
        .set_max_size(max_size)
        .set_vpc_zone_identifier(vpc_zone_identifier)
        .set_placement_group(placement_group)
        .set_new_instances_protected_from_scale_in(new_instances_protected_from_scale_in)
        .set_health_check_type(health_check_type)
        .set_health_check_grace_period(health_check_grace_period)
        .set_default_instance_warmup(default_instance_warmup)
        .set_termination_policies(termination_policies.into_sdk()?)
        .set_capacity_rebalance(capacity_rebalance)
        .set_max_instance_lifetime(max_instance_lifetime))
}
