//! CloudWatch Logs over the SDK's own runtime: endpoint, signature, deadlines and errors of GetLogEvents, without the SDK's client of
//! the service, which brings a hundred operations more and a protocol for streams (ADR 024).
//!
//! `logs` says what is asked and reads the answer; `connect` hands in the configuration that all clients share. The protocol is AWS
//! JSON 1.1. Nothing is sent twice, as everywhere. Not here: what an error means.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_sdk_ecs::config::http::{HttpRequest, HttpResponse};
use aws_sdk_ecs::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_sdk_ssm::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthScheme};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use serde_json::Value;

const SERVICE: &str = "logs";
const TARGET: &str = "Logs_20140328.GetLogEvents";

type GetLogEvents = Operation<String, Answer, Refusal>;

/// A client for every Region that log groups are in.
#[derive(Clone)]
pub(crate) struct LogsClient {
    config: SdkConfig,
    /// By Region, as each keeps the credentials that it has.
    known: Arc<Mutex<BTreeMap<String, GetLogEvents>>>,
}

impl fmt::Debug for LogsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogsClient").finish_non_exhaustive()
    }
}

/// What the service answers.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Value,
    request_id: Option<String>,
}

impl Answer {
    pub(crate) const fn body(&self) -> &Value {
        &self.body
    }
}

impl RequestId for Answer {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// What the service says when it refuses.
#[derive(Debug)]
pub(crate) struct Refusal(ErrorMetadata);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl LogsClient {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { config: config.clone(), known: Arc::default() }
    }

    /// Sends the request to the service in a Region.
    pub(crate) async fn get_log_events(
        &self,
        region: &str,
        members: Value,
    ) -> Result<Answer, SdkError<Refusal, HttpResponse>> {
        let operation = self.operation(region).await.map_err(SdkError::construction_failure)?;
        operation.invoke(members.to_string()).await
    }

    async fn operation(&self, region: &str) -> Result<GetLogEvents, BoxError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().get(region).cloned();
        if let Some(operation) = found {
            return Ok(operation);
        }
        let operation = self.build(region, &self.endpoint(region).await?);
        known().insert(region.to_owned(), operation.clone());
        Ok(operation)
    }

    /// Where the service is. Its endpoints differ from those of Systems Manager by their first word alone, in every partition, with
    /// FIPS and with dual stack (the rule sets of both services in botocore); so the SDK's rules for that one are asked.
    async fn endpoint(&self, region: &str) -> Result<String, BoxError> {
        if let Some(url) = self.config.endpoint_url() {
            return Ok(url.to_owned());
        }
        let wanted = Params::builder()
            .region(region)
            .set_use_fips(self.config.use_fips())
            .set_use_dual_stack(self.config.use_dual_stack())
            .build()?;
        let found = DefaultResolver::new().resolve_endpoint(&wanted).await?;
        Ok(found.url().replacen("://ssm", "://logs", 1))
    }

    fn build(&self, region: &str, endpoint: &str) -> GetLogEvents {
        let config = &self.config;
        let mut builder = Operation::builder()
            .service_name(SERVICE)
            .operation_name("GetLogEvents")
            .endpoint_url(endpoint)
            .no_retry()
            .runtime_plugin(signing(config, region));
        if let Some(version) = config.behavior_version() {
            builder = builder.behavior_version(version);
        }
        if let Some(client) = config.http_client() {
            builder = builder.http_client(client);
        }
        if let Some(timeouts) = config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(sleep) = config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(clock) = config.time_source() {
            builder = builder.time_source(clock);
        }
        if let Some(protection) = config.stalled_stream_protection() {
            builder = builder.stalled_stream_protection(protection);
        }
        builder.serializer(request).deserializer(answer).build()
    }
}

/// How requests are signed.
fn signing(config: &SdkConfig, region: &str) -> StaticRuntimePlugin {
    let mut layer = Layer::new("axon logs");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigningName::from_static(SERVICE));
    layer.store_put(SigningRegion::from(Region::new(region.to_owned())));
    layer.store_put(SigV4OperationSigningConfig {
        signing_options: SigningOptions::default(),
        ..SigV4OperationSigningConfig::default()
    });
    let mut components = RuntimeComponentsBuilder::new("axon logs");
    components.set_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])));
    components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
    components.set_identity_cache(config.identity_cache());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components)
}

fn request(members: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(members));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-amz-json-1.1");
    headers.insert("x-amz-target", TARGET);
    headers.insert("user-agent", concat!("axon/", env!("CARGO_PKG_VERSION")));
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Answer, OrchestratorError<Refusal>> {
    let request_id = response.headers().get("x-amzn-requestid").map(str::to_owned);
    let bytes = response.body().bytes().unwrap_or_default();
    let body: Result<Value, _> = serde_json::from_slice(bytes);
    if response.status().is_success() {
        return Ok(Answer { body: body.map_err(OrchestratorError::other)?, request_id });
    }
    let body = body.unwrap_or_default();
    let text = |names: [&str; 2]| names.into_iter().find_map(|name| body.get(name)).and_then(Value::as_str);
    // `com.amazonaws.logs#ResourceNotFoundException:http://…` in its longest form.
    let code = response.headers().get("x-amzn-errortype").or_else(|| text(["__type", "code"]));
    let code = code.and_then(|code| code.rsplit('#').next()).and_then(|code| code.split(':').next());
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = code {
        meta = meta.code(code);
    }
    if let Some(message) = text(["message", "Message"]) {
        meta = meta.message(message);
    }
    Err(OrchestratorError::operation(Refusal(meta.build())))
}
