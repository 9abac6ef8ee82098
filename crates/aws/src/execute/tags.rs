//! Sets and removes tags of resources of ECS and of EC2.
//!
//! Part of `execute`. What `observe` remembers of a revision is forgotten whatever the outcome, as it may have changed.

use aws_sdk_ec2::operation::create_tags::builders::CreateTagsFluentBuilder;
use aws_sdk_ec2::types::Tag;
use aws_sdk_ecs::operation::tag_resource::builders::TagResourceFluentBuilder;
use axon_core::cloud::{CloudError, Effect};
use axon_core::ownership::{self, Tags};
use axon_core::shape::scaling_group::Ec2Tag;

use crate::call::Caller;
use crate::convert::IntoSdk;
use crate::observe::task_definitions::Revisions;
use crate::operations::Operation;

pub(super) async fn set(caller: &Caller, revisions: &Revisions, arn: String, tags: Tags) -> Result<Effect, CloudError> {
    let list = ownership::to_list(&tags).into_sdk();
    let request = list.map(|list| caller.ecs.tag_resource().resource_arn(&arn).set_tags(Some(list)));
    let outcome = caller.send_built(Operation::TagResource, request, TagResourceFluentBuilder::send).await;
    revisions.forget(&arn);
    outcome.map(|_| Effect::Tags)
}

pub(super) async fn remove(
    caller: &Caller,
    revisions: &Revisions,
    arn: String,
    keys: Vec<String>,
) -> Result<Effect, CloudError> {
    let request = caller.ecs.untag_resource().resource_arn(&arn).set_tag_keys(Some(keys));
    let outcome = caller.send(Operation::UntagResource, request.send()).await;
    revisions.forget(&arn);
    outcome.map(|_| Effect::Tags)
}

pub(super) async fn set_on_ec2(caller: &Caller, id: String, tags: Tags) -> Result<Effect, CloudError> {
    let tags: Vec<Ec2Tag> = tags.into_iter().map(|(key, value)| Ec2Tag { key, value }).collect();
    let request = tags.into_sdk().map(|tags| caller.ec2.create_tags().resources(id).set_tags(tags));
    caller.send_built(Operation::CreateTags, request, CreateTagsFluentBuilder::send).await?;
    Ok(Effect::Tags)
}

/// Without a value a tag goes whatever its value is.
pub(super) async fn remove_on_ec2(caller: &Caller, id: String, keys: Vec<String>) -> Result<Effect, CloudError> {
    let tags = keys.into_iter().map(|key| Tag::builder().key(key).build()).collect();
    let request = caller.ec2.delete_tags().resources(id).set_tags(Some(tags));
    caller.send(Operation::DeleteTags, request.send()).await?;
    Ok(Effect::Tags)
}
