//! An ECS cluster. Table of members for `shape::cluster`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::cluster as shape;

wire! {
    ClusterSetting: opt name, opt value;
    ClusterConfiguration: opt execute_command_configuration, opt managed_storage_configuration;
    ExecuteCommandConfiguration: opt kms_key_id, opt logging, opt log_configuration;
    ExecuteCommandLogConfiguration:
        opt cloud_watch_log_group_name,
        req cloud_watch_encryption_enabled,
        opt s3_bucket_name,
        req s3_encryption_enabled,
        opt s3_key_prefix;
    ManagedStorageConfiguration: opt kms_key_id, opt fargate_ephemeral_storage_kms_key_id;
    ClusterServiceConnectDefaultsRequest: req namespace;
}

words! {
    ClusterSettingName,
    ExecuteCommandLogging,
}
