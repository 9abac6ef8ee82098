//! Service Connect: names by which tasks find one another through a proxy in each task.
//!
//! Neighbours: part of `service`; port names come from `container`. Not here: the cluster's default namespace
//! (`cluster`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, Logging};

/// Service Connect for the tasks of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnect {
    /// Cloud Map namespace, by ARN: AWS answers with the ARN, and a name could not be compared with it.
    /// Default: the cluster's `serviceConnectDefaults.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Ports other tasks may reach. Default: none, which makes the tasks clients only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceConnectPort>,
    /// Where the proxy logs to. Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
    /// The proxy's log of requests. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
}

/// A port other tasks may reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectPort {
    /// The `name` of a container port.
    pub port_name: String,
    /// The name of the Cloud Map service Axon's service appears under: lower-case letters, digits, `_` and `-`, up to 64.
    /// Default: the port's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    /// Names and ports under which clients call it. Default: `<portName>.<namespace>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_aliases: Vec<ClientAlias>,
    /// The port the proxy listens on. Default: the container's port for `AwsVpc`, any free one for `Host`.
    #[schemars(range(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port: Option<u16>,
    /// Time limits. Default: those of the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<ServiceConnectTimeout>,
    /// Encryption between the proxies. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServiceConnectTls>,
}

/// A name and port under which clients call a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientAlias {
    /// The port.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// The name. Default: `<discoveryName>.<namespace>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    /// A request header that marks test traffic; not with `Rolling`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_traffic_header: Option<HeaderMatch>,
}

/// A request header that marks test traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderMatch {
    /// The header's name.
    pub name: String,
    /// The header's exact value. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Time limits of the proxy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectTimeout {
    /// How long an idle connection stays open; `0s` for ever. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
    /// How long a request may take; `0s` for ever. Generating text can take long. Default: decided by AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_request: Option<Duration>,
}

/// Encryption between the proxies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnectTls {
    /// The AWS Private CA that issues certificates.
    pub certificate_authority_arn: String,
    /// The KMS key that protects the private keys. Default: an AWS-owned key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The role ECS assumes to get certificates. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
}

/// The proxy's log of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLog {
    /// The format. Default: `Text`.
    #[serde(default)]
    pub format: AccessLogFormat,
    /// Whether query parameters are logged. Default: `Disabled`.
    #[serde(default)]
    pub query_parameters: QueryParameters,
}

/// The format of the proxy's log of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AccessLogFormat {
    /// Lines of text.
    #[default]
    Text,
    /// Lines of JSON.
    Json,
}

/// Whether query parameters are logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum QueryParameters {
    /// They are left out.
    #[default]
    Disabled,
    /// They are logged.
    Enabled,
}
