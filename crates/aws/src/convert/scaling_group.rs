//! What an Auto Scaling group launches. Table of members for `shape::scaling_group`.
//!
//! Rows only; what they turn into is written in `convert`. The tags of a group are written where they are sent: with
//! the name of the group.

use aws_sdk_autoscaling::types as sdk;
use axon_core::shape::scaling_group as shape;

wire! {
    LaunchTemplateSpecification: opt launch_template_id, opt launch_template_name, opt version;
    MixedInstancesPolicy: opt launch_template, opt instances_distribution;
    MixedLaunchTemplate as LaunchTemplate: opt launch_template_specification, list overrides;
    LaunchTemplateOverride as LaunchTemplateOverrides: opt instance_type;
    InstancesDistribution:
        opt on_demand_allocation_strategy,
        opt on_demand_base_capacity,
        opt on_demand_percentage_above_base_capacity,
        opt spot_allocation_strategy,
        opt spot_max_price;
}
