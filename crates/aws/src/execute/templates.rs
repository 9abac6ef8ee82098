//! Creates launch templates and their versions, and deletes them.
//!
//! Part of `execute`. Requests are taken apart without a rest, so that no member can be forgotten. EC2's client tokens
//! are left to the SDK, which makes a new one for every call: what is sent again is judged by what is read.

use aws_sdk_ec2::operation::create_launch_template::builders::CreateLaunchTemplateFluentBuilder;
use aws_sdk_ec2::operation::create_launch_template_version::builders::CreateLaunchTemplateVersionFluentBuilder;
use aws_smithy_types::error::operation::BuildError;
use axon_core::cloud::{CloudError, Effect};
use axon_core::observe::TemplateVersion;
use axon_core::shape::launch_template::{CreateLaunchTemplate, CreateLaunchTemplateVersion};

use crate::answers::templates::{template, version};
use crate::answers::{present, time};
use crate::call::{Caller, complete};
use crate::convert::IntoSdk;
use crate::operations::Operation;

/// EC2 answers the template without its first version, which is what was asked for.
pub(super) async fn create(caller: &Caller, request: CreateLaunchTemplate) -> Result<Effect, CloudError> {
    let first = TemplateVersion {
        number: 1,
        description: request.version_description.clone(),
        image: request.launch_template_data.image_id.clone(),
        created: None,
    };
    let request = creation(caller.ec2.create_launch_template(), request);
    let answer =
        caller.send_built(Operation::CreateLaunchTemplate, request, CreateLaunchTemplateFluentBuilder::send).await?;
    let read = present(answer.launch_template, "launchTemplate").and_then(|sdk| {
        let first = TemplateVersion { created: time(sdk.create_time), ..first };
        template(sdk, vec![first])
    });
    Ok(Effect::Template(complete(Operation::CreateLaunchTemplate, read)?))
}

pub(super) async fn create_version(
    caller: &Caller,
    request: CreateLaunchTemplateVersion,
) -> Result<Effect, CloudError> {
    let id = request.launch_template_id.clone();
    let (description, image) = (request.version_description.clone(), request.launch_template_data.image_id.clone());
    let request = another(caller.ec2.create_launch_template_version(), request);
    let answer = caller
        .send_built(Operation::CreateLaunchTemplateVersion, request, CreateLaunchTemplateVersionFluentBuilder::send)
        .await?;
    let read = present(answer.launch_template_version, "launchTemplateVersion").and_then(version);
    let made = complete(Operation::CreateLaunchTemplateVersion, read)?;
    Ok(Effect::TemplateVersion(id, TemplateVersion { description, image, ..made }))
}

/// All versions go with it.
pub(super) async fn delete(caller: &Caller, id: String) -> Result<Effect, CloudError> {
    let request = caller.ec2.delete_launch_template().launch_template_id(id);
    caller.send(Operation::DeleteLaunchTemplate, request.send()).await?;
    Ok(Effect::Done)
}

fn creation(
    builder: CreateLaunchTemplateFluentBuilder,
    request: CreateLaunchTemplate,
) -> Result<CreateLaunchTemplateFluentBuilder, BuildError> {
    let CreateLaunchTemplate { launch_template_name, version_description, launch_template_data, tag_specifications } =
        request;
    Ok(builder
        .launch_template_name(launch_template_name)
        .set_version_description(version_description)
        .launch_template_data(launch_template_data.into_sdk()?)
        .set_tag_specifications(tag_specifications.into_sdk()?))
}

fn another(
    builder: CreateLaunchTemplateVersionFluentBuilder,
    request: CreateLaunchTemplateVersion,
) -> Result<CreateLaunchTemplateVersionFluentBuilder, BuildError> {
    let CreateLaunchTemplateVersion { launch_template_id, version_description, launch_template_data } = request;
    Ok(builder
        .launch_template_id(launch_template_id)
        .set_version_description(version_description)
        .launch_template_data(launch_template_data.into_sdk()?))
}
