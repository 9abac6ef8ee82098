//! Sets and removes tags of a resource.
//!
//! Part of `execute`. What `observe` remembers of a revision is forgotten whatever the outcome, as it may have changed.

use aws_sdk_ecs::operation::tag_resource::builders::TagResourceFluentBuilder;
use axon_core::cloud::{CloudError, Effect};
use axon_core::ownership::{self, Tags};

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
