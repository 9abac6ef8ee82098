//! A capacity provider, of Managed Instances or of an Auto Scaling group. Table of members for `shape::provider`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::provider as shape;

wire! {
    CreateManagedInstancesProviderConfiguration:
        req infrastructure_role_arn,
        opt instance_launch_template,
        opt propagate_tags,
        opt infrastructure_optimization,
        opt auto_repair_configuration;
    InstanceLaunchTemplate:
        req ec2_instance_profile_arn,
        opt network_configuration,
        opt storage_configuration,
        opt local_storage_configuration,
        opt monitoring,
        opt capacity_option_type,
        opt instance_metadata_tags_propagation,
        opt instance_requirements,
        opt fips_enabled,
        opt capacity_reservations;
    ManagedInstancesNetworkConfiguration: list subnets, list security_groups;
    ManagedInstancesStorageConfiguration: opt storage_size_gib;
    ManagedInstancesLocalStorageConfiguration: req use_local_storage;
    CapacityReservationRequest: opt reservation_group_arn, opt reservation_preference;
    InfrastructureOptimization: opt scale_in_after;
    AutoRepairConfiguration: opt actions_status;
    UpdateManagedInstancesProviderConfiguration:
        req infrastructure_role_arn,
        opt instance_launch_template,
        opt propagate_tags,
        opt infrastructure_optimization,
        opt auto_repair_configuration;
    InstanceLaunchTemplateUpdate:
        opt ec2_instance_profile_arn,
        opt network_configuration,
        opt storage_configuration,
        opt instance_metadata_tags_propagation,
        opt local_storage_configuration,
        opt monitoring,
        opt instance_requirements,
        opt capacity_reservations;
    ManagedInstancesProvider:
        opt infrastructure_role_arn,
        opt instance_launch_template,
        opt propagate_tags,
        opt infrastructure_optimization,
        opt auto_repair_configuration;
    AutoScalingGroupProvider:
        req auto_scaling_group_arn,
        opt managed_scaling,
        opt managed_termination_protection,
        opt managed_draining;
    AutoScalingGroupProviderUpdate: opt managed_scaling, opt managed_termination_protection, opt managed_draining;
    ManagedScaling:
        opt status,
        opt target_capacity,
        opt minimum_scaling_step_size,
        opt maximum_scaling_step_size,
        opt instance_warmup_period;
}

words! {
    AutoRepairActionsStatus,
    CapacityOptionType,
    CapacityReservationPreference,
    ManagedDraining,
    ManagedInstancesMonitoringOptions,
    ManagedScalingStatus,
    ManagedTerminationProtection,
    PropagateMiTags,
}
