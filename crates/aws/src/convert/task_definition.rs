//! A task definition. Table of members for `shape::task_definition`.
//!
//! Rows only; what they turn into is written in `convert`.
#![allow(deprecated, reason = "AWS keeps inference accelerators in the request, and `shape` mirrors it")]

use aws_sdk_ecs::types as sdk;
use axon_core::shape::task_definition as shape;

wire! {
    Volume:
        opt name,
        opt host,
        opt docker_volume_configuration,
        opt efs_volume_configuration,
        opt s3files_volume_configuration,
        opt fsx_windows_file_server_volume_configuration,
        opt configured_at_launch;
    HostVolumeProperties: opt source_path;
    DockerVolumeConfiguration: opt scope, opt autoprovision, opt driver, map driver_opts, map labels;
    EfsVolumeConfiguration:
        req file_system_id,
        opt root_directory,
        opt transit_encryption,
        opt transit_encryption_port,
        opt authorization_config;
    EfsAuthorizationConfig: opt access_point_id, opt iam;
    S3FilesVolumeConfiguration:
        req file_system_arn,
        opt root_directory,
        opt transit_encryption_port,
        opt access_point_arn;
    FSxWindowsFileServerVolumeConfiguration: req file_system_id, req root_directory, opt authorization_config;
    FSxWindowsFileServerAuthorizationConfig: req credentials_parameter, req domain;
    TaskDefinitionPlacementConstraint: opt r#type, opt expression;
    ProxyConfiguration: opt r#type, req container_name, list properties;
    InferenceAccelerator: req device_name, req device_type;
    EphemeralStorage: req size_in_gib;
    RuntimePlatform: opt cpu_architecture, opt operating_system_family;
}

words! {
    Compatibility,
    CpuArchitecture,
    EfsAuthorizationConfigIam,
    EfsTransitEncryption,
    IpcMode,
    NetworkMode,
    OsFamily,
    PidMode,
    ProxyConfigurationType,
    Scope,
    TaskDefinitionPlacementConstraintType,
}
