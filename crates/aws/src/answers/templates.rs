//! A launch template and its versions as EC2 answers them.
//!
//! Used by `observe` and `execute`. Of a version's contents only the image is read: its fingerprint is in the
//! description. No calls, no opinion.

use aws_sdk_ec2::types;
use axon_core::observe::{Template, TemplateVersion};

use super::{Incomplete, ec2_tags, present, time};

/// Reads a template; EC2 answers its versions elsewhere.
pub(crate) fn template(sdk: types::LaunchTemplate, versions: Vec<TemplateVersion>) -> Result<Template, Incomplete> {
    Ok(Template {
        id: present(sdk.launch_template_id, "launchTemplateId")?,
        name: present(sdk.launch_template_name, "launchTemplateName")?,
        tags: ec2_tags(sdk.tags),
        versions,
    })
}

/// Reads a version.
pub(crate) fn version(sdk: types::LaunchTemplateVersion) -> Result<TemplateVersion, Incomplete> {
    Ok(TemplateVersion {
        number: present(sdk.version_number, "versionNumber")?,
        description: sdk.version_description,
        image: sdk.launch_template_data.and_then(|data| data.image_id),
        created: time(sdk.create_time),
    })
}
