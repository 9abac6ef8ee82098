//! The contents of a launch template. Table of members for `shape::launch_template`.
//!
//! Rows only; what they turn into is written in `convert`. EC2 names most of these types after the request that they
//! are for.

use aws_sdk_ec2::types as sdk;

/// What a launch template is made of; EC2's tags are in another file of `shape`.
mod shape {
    pub(super) use axon_core::shape::launch_template::*;
    pub(super) use axon_core::shape::scaling_group::Ec2Tag;
}

wire! {
    LaunchTemplateData as RequestLaunchTemplateData:
        opt image_id,
        opt instance_type,
        opt key_name,
        opt ebs_optimized,
        opt iam_instance_profile,
        opt user_data,
        list block_device_mappings,
        opt metadata_options,
        opt monitoring,
        list network_interfaces,
        list security_group_ids,
        opt placement,
        list tag_specifications,
        opt capacity_reservation_specification;
    IamInstanceProfile as LaunchTemplateIamInstanceProfileSpecificationRequest: opt arn, opt name;
    BlockDeviceMapping as LaunchTemplateBlockDeviceMappingRequest: opt device_name, opt ebs;
    EbsBlockDevice as LaunchTemplateEbsBlockDeviceRequest:
        opt encrypted,
        opt delete_on_termination,
        opt iops,
        opt kms_key_id,
        opt volume_size,
        opt volume_type,
        opt throughput;
    MetadataOptions as LaunchTemplateInstanceMetadataOptionsRequest:
        opt http_tokens,
        opt http_put_response_hop_limit,
        opt http_endpoint,
        opt instance_metadata_tags;
    Monitoring as LaunchTemplatesMonitoringRequest: opt enabled;
    NetworkInterface as LaunchTemplateInstanceNetworkInterfaceSpecificationRequest:
        opt associate_public_ip_address,
        opt delete_on_termination,
        opt device_index,
        opt network_card_index,
        opt interface_type,
        list groups;
    Placement as LaunchTemplatePlacementRequest: opt group_name, opt availability_zone, opt tenancy;
    CapacityReservationSpecification as LaunchTemplateCapacityReservationSpecificationRequest:
        opt capacity_reservation_preference,
        opt capacity_reservation_target;
    CapacityReservationTarget: opt capacity_reservation_id, opt capacity_reservation_resource_group_arn;
    Ec2Tag as Tag: must key, must value;
    TagSpecification: must resource_type, list tags;
    TagSpecification as LaunchTemplateTagSpecificationRequest: must resource_type, list tags;
}

words! {
    CapacityReservationPreference,
    InstanceType,
    LaunchTemplateHttpTokensState,
    LaunchTemplateInstanceMetadataEndpointState,
    LaunchTemplateInstanceMetadataTagsState,
    ResourceType,
    Tenancy,
    VolumeType,
}
