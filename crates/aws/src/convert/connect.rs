//! Service Connect settings of a service. Table of members for `shape::connect`.
//!
//! Rows only; what they turn into is written in `convert`.

use aws_sdk_ecs::types as sdk;
use axon_core::shape::connect as shape;

wire! {
    ServiceConnectConfiguration:
        req enabled,
        opt namespace,
        list services,
        opt log_configuration,
        opt access_log_configuration;
    ServiceConnectService:
        req port_name,
        opt discovery_name,
        list client_aliases,
        opt ingress_port_override,
        opt timeout,
        opt tls;
    ServiceConnectClientAlias: req port, opt dns_name, opt test_traffic_rules;
    ServiceConnectTestTrafficRules: opt header;
    ServiceConnectTestTrafficHeaderRules: req name, opt value;
    ServiceConnectTestTrafficHeaderMatchRules: req exact;
    TimeoutConfiguration: opt idle_timeout_seconds, opt per_request_timeout_seconds;
    ServiceConnectTlsConfiguration: opt issuer_certificate_authority, opt kms_key, opt role_arn;
    ServiceConnectTlsCertificateAuthority: opt aws_pca_authority_arn;
    ServiceConnectAccessLogConfiguration: req format, opt include_query_parameters;
}

words! {
    ServiceConnectAccessLoggingFormat,
    ServiceConnectIncludeQueryParameters,
}
