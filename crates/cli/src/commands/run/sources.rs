//! The sources of an operator out of its configuration, with their secrets looked up.
//!
//! Neighbours: `config` has checked the form, `axon_runtime::source` reads; `operation` runs them. Secrets in environment
//! variables are read here, those in files when they are needed.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use axon_core::spec;
use axon_runtime::source::{
    Auth, BadAddress, ForcePush, GitSettings, InsecureTransports, Origin, PrivateAddresses, Reference, Secret,
    SourceSettings, Wakers,
};
use axon_web::{Hook, Hooks};

use crate::config::{ForcePushConfig, GitAuthConfig, GitConfig, SecretConfig, SourceConfig};
use crate::environment;
use crate::failure::Failure;

/// The branch that is followed if nobody says otherwise.
const BRANCH: &str = "main";
/// The user name that goes with a token if nobody says otherwise: what GitHub wants, and others accept.
const USER: &str = "x-access-token";
/// How long reading a folder may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The settings of every source.
pub(super) fn sources(configs: &[SourceConfig]) -> Result<Vec<SourceSettings>, Failure> {
    configs.iter().map(source).collect()
}

fn source(config: &SourceConfig) -> Result<SourceSettings, Failure> {
    let name = config.name.clone();
    match (&config.git, &config.directory) {
        (Some(git), _) => Ok(SourceSettings {
            interval: duration(git.interval),
            timeout: duration(git.timeout),
            origin: Origin::Git(Box::new(repository(git).map_err(|why| at(config, &why))?)),
            name,
        }),
        (None, Some(directory)) => Ok(SourceSettings {
            interval: duration(directory.interval),
            timeout: PATIENCE,
            origin: Origin::Directory(directory.paths.clone()),
            name,
        }),
        (None, None) => Err(at(config, "it names neither a repository nor a folder")),
    }
}

fn at(config: &SourceConfig, why: &str) -> Failure {
    Failure::usage(format!("source {}: {why}", config.name))
}

fn repository(git: &GitConfig) -> Result<GitSettings, String> {
    let address = git.url.parse().map_err(|error: BadAddress| error.to_string())?;
    let reference = match (&git.branch, &git.tag, &git.commit) {
        (_, _, Some(commit)) => Reference::commit(commit)?,
        (_, Some(tag), None) => Reference::tag(tag)?,
        (branch, None, None) => Reference::branch(branch.as_deref().unwrap_or(BRANCH))?,
    };
    let mut settings = GitSettings::new(address, reference);
    settings.path = git.path.clone().unwrap_or_default();
    settings.force_push = match git.force_push {
        ForcePushConfig::Refuse => ForcePush::Refuse,
        ForcePushConfig::Accept => ForcePush::Accept,
    };
    settings.insecure = if git.allow_insecure { InsecureTransports::Allow } else { InsecureTransports::Refuse };
    if git.allow_private_addresses {
        settings.private_addresses = PrivateAddresses::Allow;
    }
    settings.auth = git.auth.as_ref().map_or(Ok(Auth::Nobody), login)?;
    settings.signers = git.verify.as_ref().map(|verify| verify.ssh_key_files.clone()).unwrap_or_default();
    settings.ca_file.clone_from(&git.ca_file);
    settings.max_fetch_bytes = u64::from(git.max_fetch_mebibytes) << 20;
    Ok(settings)
}

fn login(auth: &GitAuthConfig) -> Result<Auth, String> {
    let GitAuthConfig { username, token_file, token_environment, ssh_key_file, known_hosts_file } = auth;
    match (token_file, token_environment, ssh_key_file, known_hosts_file) {
        (None, None, Some(key), Some(known_hosts)) => {
            Ok(Auth::Key { key: Secret::File(key.clone()), known_hosts: known_hosts.clone() })
        }
        (file, variable, None, _) => Ok(Auth::Token {
            user: username.clone().unwrap_or_else(|| USER.to_owned()),
            token: secret(file.as_ref(), variable.as_deref())?,
        }),
        (_, _, Some(_), _) => Err("a key needs knownHostsFile beside it, and no token".to_owned()),
    }
}

/// The webhooks of the sources that have one. Their secrets are read here, once for each configuration.
pub(super) fn hooks(configs: &[SourceConfig], wakers: &Wakers) -> Result<Hooks, Failure> {
    let mut hooks = Vec::new();
    for config in configs {
        let Some(webhook) = &config.webhook else { continue };
        let secret = webhook_secret(webhook).map_err(|why| at(config, &why))?;
        let (wakers, name) = (wakers.clone(), config.name.to_string());
        let source = name.clone();
        hooks.push((name, Hook::new(vec![secret], move || wakers.wake(&source))));
    }
    Ok(Hooks::new(hooks))
}

fn webhook_secret(config: &SecretConfig) -> Result<String, String> {
    match (&config.secret_file, &config.secret_environment) {
        (Some(file), _) => {
            let text = fs::read_to_string(file)
                .map_err(|error| format!("the secret of its webhook, {}, cannot be read: {error}", file.display()))?;
            match text.trim() {
                "" => Err(format!("the secret of its webhook, {}, is empty", file.display())),
                secret => Ok(secret.to_owned()),
            }
        }
        (None, Some(variable)) => environment::secret(variable),
        (None, None) => Err("its webhook has no secret".to_owned()),
    }
}

fn secret(file: Option<&PathBuf>, variable: Option<&str>) -> Result<Secret, String> {
    match (file, variable) {
        (Some(file), _) => Ok(Secret::File(file.clone())),
        (None, Some(variable)) => environment::secret(variable).map(Secret::Text),
        (None, None) => Err("no secret is named".to_owned()),
    }
}

/// A length of time in the clock's terms.
pub(super) fn duration(given: spec::Duration) -> Duration {
    Duration::from_secs(u64::from(given.seconds()))
}
