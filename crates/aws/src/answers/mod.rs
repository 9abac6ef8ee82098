//! AWS's answers as readings of [`axon_core::observe`]: what `observe` collects and `execute` returns.
//!
//! Facts only. An answer that lacks what AWS always sends is refused rather than filled up. No calls here.

use aws_sdk_ecs::primitives::DateTime;
use axon_core::ownership::Tags;
use jiff::Timestamp;

pub(crate) mod clusters;
pub(crate) mod groups;
pub(crate) mod images;
pub(crate) mod instance_types;
pub(crate) mod machines;
pub(crate) mod parameters;
pub(crate) mod providers;
pub(crate) mod services;
pub(crate) mod task_definitions;
pub(crate) mod tasks;
pub(crate) mod templates;

/// An answer lacks the member named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incomplete(pub(crate) &'static str);

/// A member that AWS always sends.
pub(crate) fn present<T>(member: Option<T>, name: &'static str) -> Result<T, Incomplete> {
    member.ok_or(Incomplete(name))
}

/// Tags by key.
pub(crate) fn tags(list: Option<Vec<aws_sdk_ecs::types::Tag>>) -> Tags {
    let pairs = list.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
    pairs.collect()
}

/// Tags of EC2 by key.
pub(crate) fn ec2_tags(list: Option<Vec<aws_sdk_ec2::types::Tag>>) -> Tags {
    let pairs = list.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
    pairs.collect()
}

/// A time, if it is one that we can say.
pub(crate) fn time(sdk: Option<DateTime>) -> Option<Timestamp> {
    let sdk = sdk?;
    Timestamp::new(sdk.secs(), i32::try_from(sdk.subsec_nanos()).ok()?).ok()
}

/// The name at the end of an ARN, or the name itself.
pub(crate) fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_its_last_part_as_name_and_a_name_itself() {
        assert_eq!(name_of("arn:aws:ecs:us-east-1:123456789012:cluster/inference"), "inference");
        assert_eq!(name_of("arn:aws:ecs:us-east-1:123456789012:service/inference/llama"), "llama");
        assert_eq!(name_of("inference"), "inference");
    }
}
