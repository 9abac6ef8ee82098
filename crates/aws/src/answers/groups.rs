//! An Auto Scaling group with its instances, and its scaling activities, as AWS answers them.
//!
//! Used by `observe`. No calls, no opinion.

use aws_sdk_autoscaling::types;
use axon_core::observe::{Activity, Group, GroupMember};
use axon_core::shape::scaling_group::UpdateAutoScalingGroup;

use super::{Incomplete, present, time};
use crate::convert::FromSdk;

/// Reads a group; AWS answers its activities elsewhere.
pub(crate) fn group(mut sdk: types::AutoScalingGroup) -> Result<Group, Incomplete> {
    let tags = sdk.tags.take().into_iter().flatten();
    Ok(Group {
        name: present(sdk.auto_scaling_group_name.clone(), "AutoScalingGroupName")?,
        arn: present(sdk.auto_scaling_group_arn.take(), "AutoScalingGroupARN")?,
        desired: present(sdk.desired_capacity, "DesiredCapacity")?,
        status: sdk.status.take(),
        members: sdk.instances.take().into_iter().flatten().map(member).collect::<Result<_, _>>()?,
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
        activities: Vec::new(),
        settings: settings(sdk),
    })
}

/// What `UpdateAutoScalingGroup` could change.
fn settings(sdk: types::AutoScalingGroup) -> UpdateAutoScalingGroup {
    UpdateAutoScalingGroup {
        auto_scaling_group_name: sdk.auto_scaling_group_name,
        launch_template: FromSdk::from_sdk(sdk.launch_template),
        mixed_instances_policy: FromSdk::from_sdk(sdk.mixed_instances_policy),
        min_size: sdk.min_size,
        max_size: sdk.max_size,
        vpc_zone_identifier: sdk.vpc_zone_identifier,
        placement_group: sdk.placement_group,
        new_instances_protected_from_scale_in: sdk.new_instances_protected_from_scale_in,
        health_check_type: sdk.health_check_type,
        health_check_grace_period: sdk.health_check_grace_period,
        default_instance_warmup: sdk.default_instance_warmup,
        termination_policies: sdk.termination_policies.unwrap_or_default(),
        capacity_rebalance: sdk.capacity_rebalance,
        max_instance_lifetime: sdk.max_instance_lifetime,
    }
}

fn member(sdk: types::Instance) -> Result<GroupMember, Incomplete> {
    let template = sdk.launch_template;
    Ok(GroupMember {
        id: present(sdk.instance_id, "Instances[].InstanceId")?,
        instance_type: sdk.instance_type,
        zone: present(sdk.availability_zone, "Instances[].AvailabilityZone")?,
        lifecycle: present(sdk.lifecycle_state, "Instances[].LifecycleState")?.as_str().to_owned(),
        healthy: sdk.health_status.is_some_and(|word| word.eq_ignore_ascii_case("Healthy")),
        protected: sdk.protected_from_scale_in.unwrap_or(false),
        template: template.as_ref().and_then(|template| template.launch_template_id.clone()),
        template_version: template.and_then(|template| template.version),
    })
}

/// Reads a scaling activity.
pub(crate) fn activity(sdk: types::Activity) -> Result<Activity, Incomplete> {
    Ok(Activity {
        status: present(sdk.status_code, "Activities[].StatusCode")?.as_str().to_owned(),
        message: sdk.status_message,
        description: sdk.description,
        started: time(sdk.start_time),
        ended: time(sdk.end_time),
    })
}
