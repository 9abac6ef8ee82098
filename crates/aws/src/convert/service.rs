//! An ECS service. Table of members for `shape::service`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::service as shape;

wire! {
    LoadBalancer:
        opt target_group_arn,
        opt load_balancer_name,
        opt container_name,
        opt container_port,
        opt advanced_configuration;
    AdvancedConfiguration:
        opt alternate_target_group_arn,
        opt production_listener_rule,
        opt test_listener_rule,
        opt role_arn;
    ServiceRegistry: opt registry_arn, opt port, opt container_name, opt container_port;
    PlacementConstraint: opt r#type, opt expression;
    PlacementStrategy: opt r#type, opt field;
    NetworkConfiguration: opt awsvpc_configuration;
    AwsVpcConfiguration: vec(set_subnets) subnets, list security_groups, opt assign_public_ip;
    DeploymentController: req r#type;
    ServiceVolumeConfiguration: req name, opt managed_ebs_volume;
    ServiceManagedEbsVolumeConfiguration:
        opt encrypted,
        opt kms_key_id,
        opt volume_type,
        opt size_in_gib,
        opt snapshot_id,
        opt volume_initialization_rate,
        opt iops,
        opt throughput,
        list tag_specifications,
        req role_arn,
        opt filesystem_type;
    EbsTagSpecification: req resource_type, list tags, opt propagate_tags;
    VpcLatticeConfiguration: req role_arn, req target_group_arn, req port_name, opt advanced_configuration;
    VpcLatticeAdvancedConfiguration:
        opt alternate_target_group_arn,
        opt production_listener_rule,
        opt test_listener_rule;
    MonitoringConfiguration: list metric_configurations;
    MetricConfiguration: vec(set_metric_names) metric_names, req resolution_seconds;
}

words! {
    AssignPublicIp,
    AvailabilityZoneRebalancing,
    DeploymentControllerType,
    EbsResourceType,
    PlacementConstraintType,
    PlacementStrategyType,
    PropagateTags,
    SchedulingStrategy,
    TaskFilesystemType,
}
