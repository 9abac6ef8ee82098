//! Service Connect settings of a service → ServiceConnectConfiguration.

use super::container::{LogPlace, logging};
use super::int;
use crate::shape::connect::{
    ServiceConnectAccessLogConfiguration, ServiceConnectClientAlias, ServiceConnectConfiguration,
    ServiceConnectService, ServiceConnectTestTrafficHeaderMatchRules, ServiceConnectTestTrafficHeaderRules,
    ServiceConnectTestTrafficRules, ServiceConnectTlsCertificateAuthority, ServiceConnectTlsConfiguration,
    TimeoutConfiguration,
};
use crate::spec::{self, AccessLogFormat, QueryParameters};

/// `None` switches Service Connect off, which AWS wants to be said.
pub(super) fn connect(given: Option<&spec::ServiceConnect>, place: &LogPlace<'_>) -> ServiceConnectConfiguration {
    let Some(given) = given else {
        return ServiceConnectConfiguration { enabled: false, ..ServiceConnectConfiguration::default() };
    };
    ServiceConnectConfiguration {
        enabled: true,
        namespace: given.namespace.clone(),
        services: given.services.iter().map(service).collect(),
        log_configuration: given.logging.as_ref().and_then(|given| logging(given, place, "service-connect")),
        access_log_configuration: given.access_log.as_ref().map(|log| ServiceConnectAccessLogConfiguration {
            format: match log.format {
                AccessLogFormat::Text => "TEXT",
                AccessLogFormat::Json => "JSON",
            }
            .to_owned(),
            include_query_parameters: Some(
                match log.query_parameters {
                    QueryParameters::Enabled => "ENABLED",
                    QueryParameters::Disabled => "DISABLED",
                }
                .to_owned(),
            ),
        }),
    }
}

fn service(given: &spec::ServiceConnectPort) -> ServiceConnectService {
    ServiceConnectService {
        port_name: given.port_name.clone(),
        discovery_name: given.discovery_name.clone(),
        client_aliases: given.client_aliases.iter().map(alias).collect(),
        ingress_port_override: given.ingress_port.map(i32::from),
        timeout: given.timeout.as_ref().map(|timeout| TimeoutConfiguration {
            idle_timeout_seconds: timeout.idle.map(|time| int(time.seconds())),
            per_request_timeout_seconds: timeout.per_request.map(|time| int(time.seconds())),
        }),
        tls: given.tls.as_ref().map(|tls| ServiceConnectTlsConfiguration {
            issuer_certificate_authority: Some(ServiceConnectTlsCertificateAuthority {
                aws_pca_authority_arn: Some(tls.certificate_authority_arn.clone()),
            }),
            kms_key: tls.kms_key.clone(),
            role_arn: tls.role_arn.clone(),
        }),
    }
}

fn alias(given: &spec::ClientAlias) -> ServiceConnectClientAlias {
    ServiceConnectClientAlias {
        port: i32::from(given.port),
        dns_name: given.dns_name.clone(),
        test_traffic_rules: given.test_traffic_header.as_ref().map(|header| ServiceConnectTestTrafficRules {
            header: Some(ServiceConnectTestTrafficHeaderRules {
                name: header.name.clone(),
                value: header.value.clone().map(|exact| ServiceConnectTestTrafficHeaderMatchRules { exact }),
            }),
        }),
    }
}
