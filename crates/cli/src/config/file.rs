//! The configuration file of `axon run` as its author writes it.
//!
//! Neighbours: `mod` reads and checks it, `run` builds sources, targets and settings out of it. The doc comments are the
//! descriptions in `config/operator.schema.json`. Not here: what the settings do, and secrets: those are named by file
//! or environment variable and read when they are used.

use std::net::SocketAddr;
use std::path::PathBuf;

use axon_core::quota::Share;
use axon_core::roles::RoleRules;
use axon_core::spec::{ApiVersion, Duration, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `kind` of the configuration file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum ConfigKind {
    /// The word `OperatorConfig`.
    #[default]
    OperatorConfig,
}

/// How one operator works: where specifications come from, which accounts they are for, and what it may do there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OperatorConfig {
    /// The version of the format: `neuron.ecs/v1alpha1`.
    pub api_version: ApiVersion,
    /// The word `OperatorConfig`.
    pub kind: ConfigKind,
    /// Which resources are ours: what carries this id in its tag `neuron.ecs/managed-by`. Nothing else is ever touched.
    /// 1 to 64 letters, digits, `-`, `_` or `.`. Default: `axon`.
    #[serde(default = "installation")]
    pub installation: String,
    /// Folder for copies of git repositories and the history of events. May be deleted at any time.
    /// Default: none; repositories go to a temporary folder, and the history is lost when the process ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_directory: Option<PathBuf>,
    /// Plan and report, but write nothing. Default: `false`.
    #[serde(default)]
    pub read_only: bool,
    /// Where the specifications come from. At least one.
    pub sources: Vec<SourceConfig>,
    /// The AWS accounts and Regions that are kept equal to the specifications. With several, each NeuronCluster names
    /// one in `spec.target`. Default: one named `default`, as the AWS SDK finds it.
    #[serde(default = "default_targets")]
    pub targets: Vec<TargetConfig>,
    /// How often AWS is read.
    #[serde(default)]
    pub intervals: IntervalsConfig,
    /// How fast AWS is called.
    #[serde(default)]
    pub pacing: PacingConfig,
    /// What may be removed without a person.
    #[serde(default)]
    pub pruning: PruningConfig,
    /// What nobody who may commit can go beyond.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// The status pages, the metrics and the webhooks.
    #[serde(default)]
    pub server: ServerConfig,
    /// What is logged.
    #[serde(default)]
    pub logging: LoggingConfig,
    /// The history of events.
    #[serde(default)]
    pub history: HistoryConfig,
    /// How long calls in flight are waited for when the process is told to stop. AWS ends a task 30 seconds after it
    /// asked (`stopTimeout`), so keep it below. Default: `25s`.
    #[serde(default = "shutdown_grace")]
    pub shutdown_grace: Duration,
}

fn installation() -> String {
    "axon".to_owned()
}

const fn shutdown_grace() -> Duration {
    Duration::from_seconds(25)
}

fn default_targets() -> Vec<TargetConfig> {
    let name = "default".parse::<Name>();
    name.into_iter().map(TargetConfig::named).collect()
}

/// A place that specifications come from: exactly one of `git` and `directory`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// Its name in status, logs and metrics; unique.
    pub name: Name,
    /// A git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitConfig>,
    /// Files, and folders that are searched for `*.yaml` and `*.yml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryConfig>,
    /// Lets the git server say that there is something new: `POST /v1/hooks/NAME` on the server's address.
    /// Default: none; the source is polled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<SecretConfig>,
}

/// Files and folders on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DirectoryConfig {
    /// Files and folders. At least one.
    pub paths: Vec<PathBuf>,
    /// How often they are read. Default: `2s`.
    #[serde(default = "directory_interval")]
    pub interval: Duration,
}

const fn directory_interval() -> Duration {
    Duration::from_seconds(2)
}

/// One branch, tag or commit of a git repository. At most one of `branch`, `tag` and `commit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GitConfig {
    /// Address of the repository: `https://…` or `ssh://…` (`git@host:path` counts as the latter). Without credentials.
    pub url: String,
    /// The branch to follow. Default: `main`, if neither `tag` nor `commit` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The tag to follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The commit to stay on: 40 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The folder in the repository that holds the specifications. Default: the whole tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How often the repository is asked for something new, give or take a tenth. Default: `1m`.
    #[serde(default = "a_minute")]
    pub interval: Duration,
    /// How long a fetch may take. Default: `1m`.
    #[serde(default = "a_minute")]
    pub timeout: Duration,
    /// What a branch that was rewritten means. Default: `Refuse`.
    #[serde(default)]
    pub force_push: ForcePushConfig,
    /// Also take `http://` and `file://` addresses, over which nobody is sure what is read. Default: `false`.
    #[serde(default)]
    pub allow_insecure: bool,
    /// Also connect to a server that has a private address or is this machine. Link-local addresses, instance metadata
    /// among them, are never connected to. Default: `false`.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// Certificates (PEM) that `https` trusts instead of the system's. Default: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The most that one look fetches, in MiB. Default: 256.
    #[serde(default = "max_fetch_mebibytes")]
    pub max_fetch_mebibytes: u32,
    /// How to get in. Default: without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<GitAuthConfig>,
    /// Whose signatures a commit must carry. Default: none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifyConfig>,
}

const fn max_fetch_mebibytes() -> u32 {
    256
}

const fn a_minute() -> Duration {
    Duration::from_minutes(1)
}

/// What a branch that does not continue the commit in force means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum ForcePushConfig {
    /// The commit in force stays, and the source says so.
    #[default]
    Refuse,
    /// The new commit is taken.
    Accept,
}

/// How to get into a repository: a token for `https`, or a key for `ssh`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GitAuthConfig {
    /// User name beside the token. Default: `x-access-token`, which GitHub wants and others accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// File that holds the token; read at every fetch, so that it can be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Environment variable that holds the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_environment: Option<String>,
    /// File that holds the private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_key_file: Option<PathBuf>,
    /// File that holds the server's host keys, as OpenSSH's `known_hosts`. Needed with `sshKeyFile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts_file: Option<PathBuf>,
}

/// Whose signatures count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VerifyConfig {
    /// Files of OpenSSH public keys, one a line. At least one.
    pub ssh_key_files: Vec<PathBuf>,
}

/// A secret by reference: exactly one of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretConfig {
    /// File that holds it. White space at its end does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Environment variable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_environment: Option<String>,
}

/// An AWS account in a Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TargetConfig {
    /// Its name, which a NeuronCluster gives in `spec.target`; unique.
    pub name: Name,
    /// The account that is meant, twelve digits. In any other one nothing is read or written.
    /// Default: whichever the credentials lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// AWS Region. Default: as the AWS CLI finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Profile of the AWS configuration files. Default: as the AWS CLI finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// ARN of a role to take on with the credentials found. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<String>,
    /// External id that the role's trust policy asks for. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Where every call goes instead of to AWS, for instance to `axon simulate`. Default: AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
}

impl TargetConfig {
    /// A target that is found as the AWS CLI finds it.
    pub(crate) const fn named(name: Name) -> Self {
        Self {
            name,
            account: None,
            region: None,
            profile: None,
            assume_role: None,
            external_id: None,
            endpoint_url: None,
        }
    }
}

/// How often AWS is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct IntervalsConfig {
    /// From one reading to the next while nothing moves. Default: `1m`.
    pub sweep: Duration,
    /// From one reading to the next while something moves. Default: `5s`.
    pub busy: Duration,
}

impl Default for IntervalsConfig {
    fn default() -> Self {
        Self { sweep: Duration::from_minutes(1), busy: Duration::from_seconds(5) }
    }
}

/// How fast AWS is called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PacingConfig {
    /// How much of AWS's limits on calls Axon takes in each target, in percent: 1 to 100. The rest is left to everybody
    /// else in the account; what AWS refuses all the same slows Axon down for a minute. Default: 80.
    #[schemars(with = "u32", range(min = 1, max = 100))]
    pub share_percent: Share,
}

/// What may be removed without a person: what carries our installation id and is no longer declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PruningConfig {
    /// Whether anything is removed. Default: `true`.
    pub enabled: bool,
    /// The most objects of a target that may be removed at once. When more have left the sources, nothing is removed, and
    /// the status of each says `PruneBlocked`. Default: 10.
    pub max_objects: u32,
    /// The most percent of all objects of a target that may be removed at once, from 0 to 100; a single one may always go.
    /// Default: 50.
    #[schemars(range(max = 100))]
    pub max_percent: u32,
}

impl Default for PruningConfig {
    fn default() -> Self {
        Self { enabled: true, max_objects: 10, max_percent: 50 }
    }
}

/// What nobody who may commit can go beyond.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct PolicyConfig {
    /// Which IAM roles specifications may name.
    pub roles: RolesConfig,
    /// Which servers sources may name.
    pub source_hosts: SourceHostsConfig,
}

/// Which IAM roles and instance profiles specifications may have handed to ECS and EC2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RolesConfig {
    /// ARNs, in which `*` stands for any letters and `?` for one, as in an IAM policy: the same list belongs into the
    /// `iam:PassRole` statement of Axon's own role. An object that names another role is held. An empty list allows none.
    /// Default: whatever AWS lets Axon pass.
    #[serde(skip_serializing_if = "RoleRules::is_any")]
    pub allow: RoleRules,
}

/// Which git servers the urls of sources may name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SourceHostsConfig {
    /// Names of hosts; `*.example.com` stands for every host below `example.com`. Default: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// The status pages, the metrics and the webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ServerConfig {
    /// Address and port. There is no TLS and no login: beyond loopback, keep it inside a network that you trust.
    /// Default: `127.0.0.1:8321`.
    pub listen: SocketAddr,
}

impl ServerConfig {
    /// Where the pages are, unless somebody says otherwise.
    pub(crate) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8321);
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { listen: Self::LISTEN }
    }
}

/// What is logged. Flags win over it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LoggingConfig {
    /// How much: error, warn, info, debug, trace, or directives as `axon_aws=debug`. A reload changes it.
    /// Default: as `--log-level` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

/// The history of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct HistoryConfig {
    /// How long events are kept. Default: `720h`.
    pub retention: Duration,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { retention: Duration::from_seconds(720 * 3600) }
    }
}
