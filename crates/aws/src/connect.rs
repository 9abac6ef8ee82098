//! Reaches an AWS account: credentials, Region, deadlines → [`Aws`].
//!
//! `axon-cli` fills a [`Connection`] from its arguments; everything else about how the SDK is set up is decided here,
//! once. Nothing about a service of AWS belongs here.
//!
//! The SDK's own retry is off: one call here is one call on the wire, and `runtime` decides about another. Deadlines
//! are always set, and they bound a whole call including its body; the SDK's protection against stalled streams is
//! therefore off, as it could only end a call earlier and less clearly.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ecs::config::{AppName, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use axon_core::quota::Share;

use crate::aws_time::AwsTime;
use crate::call::Clients;
use crate::client::Aws;
use crate::pace::Pace;
use crate::whole::Whole;

/// How to reach an account. [`Connection::default`] is what the AWS CLI would use.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Sends every call there instead of to AWS.
    pub endpoint_url: Option<String>,
    /// Profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Region; else the environment, the profile or the instance tells.
    pub region: Option<String>,
    /// Role to take on with the credentials found.
    pub assume_role: Option<AssumeRole>,
    /// How long a call may take.
    pub deadlines: Deadlines,
    /// Replaces the network, for a simulated AWS.
    pub http_client: Option<SharedHttpClient>,
    /// Replaces the clock.
    pub time_source: Option<SharedTimeSource>,
    /// Replaces waiting.
    pub sleep: Option<SharedAsyncSleep>,
    /// How much of the account's quotas reads may take. Writes are paced by whoever asks for them.
    pub share: Share,
    /// Fixed credentials, for a simulated AWS. With them, neither files nor environment nor metadata service are read.
    pub credentials: Option<FixedCredentials>,
}

/// A role to take on before calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    /// Role ARN.
    pub arn: String,
    /// External id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Name of the session, as CloudTrail shows it; `axon` if left out.
    pub session_name: Option<String>,
}

/// How long a call may take. What is not done by then counts as a call of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until one attempt has its answer. As nothing is attempted twice, it leaves `operation` room for credentials.
    pub attempt: Duration,
    /// Until the call is over, credentials included.
    pub operation: Duration,
}

impl Default for Deadlines {
    /// 3 s, 20 s, 30 s: ECS answers within seconds, and a lost connection should not hold a resource for minutes.
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), attempt: Duration::from_secs(20), operation: Duration::from_secs(30) }
    }
}

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct FixedCredentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
}

impl fmt::Debug for FixedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Why an account cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nobody says which Region.
    #[error("no AWS Region is configured: give --region, set AWS_REGION, or add `region` to the profile{}", in_profile(.profile.as_deref()))]
    NoRegion {
        /// Profile that was looked at, if one was asked for.
        profile: Option<String>,
    },
    /// No credentials could be had.
    #[error("no AWS credentials could be had: {cause}. Sign in (`aws sso login`), choose a profile{}, or give the task or instance that runs Axon a role", in_profile(.profile.as_deref()))]
    NoCredentials {
        /// What the SDK says.
        cause: String,
        /// Profile that was looked at, if one was asked for.
        profile: Option<String>,
    },
    /// The role to take on did not give credentials.
    #[error(
        "the role {role} could not be taken on: {cause}. Check that its trust policy names the caller and that the external id is right"
    )]
    RoleRefused {
        /// Role ARN.
        role: String,
        /// What the SDK says.
        cause: String,
    },
}

fn in_profile(profile: Option<&str>) -> String {
    profile.map(|name| format!(" (profile {name:?} was used)")).unwrap_or_default()
}

impl Aws {
    /// Finds credentials and Region, and makes sure that there are some. Asks AWS for nothing else.
    pub async fn connect(connection: Connection) -> Result<Self, ConnectError> {
        let machine = connection.time_source.clone().unwrap_or_else(|| SharedTimeSource::new(SystemTimeSource::new()));
        let clock = AwsTime::new(machine.clone());
        let sleep = connection.sleep.clone().unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new()));
        let base = base(&connection, &machine, &sleep).await;
        let Some(region) = base.region().map(ToString::to_string) else {
            return Err(ConnectError::NoRegion { profile: connection.profile });
        };
        try_credentials(&base)
            .await
            .map_err(|cause| ConnectError::NoCredentials { cause, profile: connection.profile.clone() })?;
        let config = match &connection.assume_role {
            None => base,
            Some(role) => assumed(base, role).await?,
        };
        Ok(Self {
            clients: clients(&config, &clock),
            region,
            pace: Arc::new(Pace::new(machine, sleep, connection.share)),
            clock,
            revisions: Arc::default(),
            identity: Arc::default(),
            instance_types: Arc::default(),
            observer: None,
        })
    }
}

fn clients(config: &SdkConfig, clock: &AwsTime) -> Clients {
    let ecs = aws_sdk_ecs::config::Builder::from(config).interceptor(clock.clone());
    let ec2 = aws_sdk_ec2::config::Builder::from(config).interceptor(clock.clone()).interceptor(Whole);
    let autoscaling = aws_sdk_autoscaling::config::Builder::from(config).interceptor(clock.clone()).interceptor(Whole);
    let ssm = aws_sdk_ssm::config::Builder::from(config).interceptor(clock.clone());
    let sts = aws_sdk_sts::config::Builder::from(config).interceptor(clock.clone()).interceptor(Whole);
    let logs = aws_sdk_cloudwatchlogs::config::Builder::from(config).interceptor(clock.clone());
    Clients {
        ecs: aws_sdk_ecs::Client::from_conf(ecs.build()),
        ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
        autoscaling: aws_sdk_autoscaling::Client::from_conf(autoscaling.build()),
        ssm: aws_sdk_ssm::Client::from_conf(ssm.build()),
        sts: aws_sdk_sts::Client::from_conf(sts.build()),
        logs: aws_sdk_cloudwatchlogs::Client::from_conf(logs.build()),
    }
}

/// The configuration before any role is taken on.
async fn base(connection: &Connection, clock: &SharedTimeSource, sleep: &SharedAsyncSleep) -> SdkConfig {
    let found = match &connection.credentials {
        Some(fixed) => fixed_config(fixed, connection.region.clone()),
        None => search(connection, clock, sleep).await,
    };
    let mut builder = found
        .into_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts(connection.deadlines))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .time_source(clock.clone())
        .sleep_impl(sleep.clone());
    builder.set_app_name(AppName::new(concat!("axon-", env!("CARGO_PKG_VERSION"))).ok());
    if let Some(url) = &connection.endpoint_url {
        builder.set_endpoint_url(Some(url.clone()));
    }
    if let Some(client) = &connection.http_client {
        builder.set_http_client(Some(client.clone()));
    }
    builder.build()
}

fn fixed_config(fixed: &FixedCredentials, region: Option<String>) -> SdkConfig {
    let credentials =
        Credentials::new(&*fixed.access_key_id, &*fixed.secret_access_key, None, None, "axon fixed credentials");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Looks where every AWS tool looks: environment, files, SSO, container and instance metadata.
async fn search(connection: &Connection, clock: &SharedTimeSource, sleep: &SharedAsyncSleep) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts(connection.deadlines))
        .time_source(clock.clone())
        .sleep_impl(sleep.clone());
    if let Some(region) = &connection.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &connection.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(client) = &connection.http_client {
        loader = loader.http_client(client.clone());
    }
    Box::pin(loader.load()).await
}

fn timeouts(deadlines: Deadlines) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(deadlines.connect)
        .operation_attempt_timeout(deadlines.attempt)
        .operation_timeout(deadlines.operation)
        .build()
}

async fn assumed(base: SdkConfig, role: &AssumeRole) -> Result<SdkConfig, ConnectError> {
    let mut provider = AssumeRoleProvider::builder(&role.arn)
        .configure(&base)
        .session_name(role.session_name.as_deref().unwrap_or("axon"));
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(provider.build().await);
    let config = base.into_builder().credentials_provider(provider).build();
    match try_credentials(&config).await {
        Ok(()) => Ok(config),
        Err(cause) => Err(ConnectError::RoleRefused { role: role.arn.clone(), cause }),
    }
}

/// Asks for credentials once, so that their absence is told at the start and not by the first call.
async fn try_credentials(config: &SdkConfig) -> Result<(), String> {
    let Some(provider) = config.credentials_provider() else {
        return Err("no provider is set up".to_owned());
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => Err(crate::error::in_words(&error)),
    }
}
