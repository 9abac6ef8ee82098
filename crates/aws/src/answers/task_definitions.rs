//! A revision of a task definition as AWS answers it.
//!
//! Used by `observe` and `execute`. The document itself is not read: its fingerprint is in the tags. No calls.

use aws_sdk_ecs::types;
use axon_core::observe::TaskDefinition;
use axon_core::ownership::Tags;

use super::{Incomplete, name_of, present};

/// Reads a revision; AWS answers its tags beside it.
pub(crate) fn task_definition(sdk: Option<types::TaskDefinition>, tags: Tags) -> Result<TaskDefinition, Incomplete> {
    let sdk = present(sdk, "taskDefinition")?;
    Ok(TaskDefinition {
        arn: present(sdk.task_definition_arn, "taskDefinitionArn")?,
        family: present(sdk.family, "family")?,
        revision: sdk.revision,
        active: present(sdk.status, "status")? == types::TaskDefinitionStatus::Active,
        tags,
    })
}

/// The family that an ARN with revision names.
pub(crate) fn family_of(arn: &str) -> &str {
    let name = name_of(arn);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_between_slash_and_revision() {
        assert_eq!(family_of("arn:aws:ecs:us-east-1:123456789012:task-definition/axon-llama:17"), "axon-llama");
    }
}
