//! Volumes of a task: EFS, S3 files, or a directory of the instance.
//!
//! Neighbours: part of `template`; containers mount them by name. Not here: Docker and FSx for Windows volumes, which
//! Managed Instances refuse.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

/// A volume of the task. At most one of `efs`, `s3Files` and `host` is given; with none, it is empty and lives as long
/// as the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// The name mounts refer to.
    pub name: Name,
    /// An Amazon EFS file system, such as a shared store of compiled models. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efs: Option<Efs>,
    /// An Amazon S3 Files file system. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_files: Option<S3Files>,
    /// A directory of the instance. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostVolume>,
}

/// An Amazon EFS file system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Efs {
    /// The file system: `fs-0a1b2c3d`.
    pub file_system_id: String,
    /// The directory that becomes the volume's root; `/` with an access point. Default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,
    /// Encryption between the instance and EFS. Default: `Enabled`. AWS's own default is disabled.
    #[serde(default = "enabled")]
    pub transit_encryption: Toggle,
    /// The port of the encryption. Default: chosen by EFS.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_encryption_port: Option<u16>,
    /// Access point and IAM authorization. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<EfsAuthorization>,
}

const fn enabled() -> Toggle {
    Toggle::Enabled
}

/// Who may use an EFS file system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EfsAuthorization {
    /// The access point: `fsap-0a1b2c3d4e5f67890`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point_id: Option<String>,
    /// Whether the task role decides. Default: `Disabled`.
    #[serde(default)]
    pub iam: Toggle,
}

/// On or off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Toggle {
    /// Off.
    #[default]
    Disabled,
    /// On.
    Enabled,
}

/// An Amazon S3 Files file system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct S3Files {
    /// The file system.
    pub file_system_arn: String,
    /// The directory that becomes the volume's root. Default: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,
    /// The port of the encryption. Default: chosen by AWS.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_encryption_port: Option<u16>,
    /// The access point. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point_arn: Option<String>,
}

/// A directory of the instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostVolume {
    /// The absolute path on the instance; on Managed Instances only `/var` and `/tmp` and what is below them can be
    /// written. Default: an empty directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
