//! What a configuration file may not say, although its form is right. Every finding names its place.
//!
//! Neighbours: `mod` calls it once for a file. Not here: whether files, repositories and accounts exist; that is found
//! out, and said in the status, when they are used.

use axon_core::ownership::Installation;
use axon_core::spec::Duration;
use axon_runtime::source::GitAddress;

use super::file::{GitAuthConfig, GitConfig, OperatorConfig, SecretConfig, SourceConfig, TargetConfig};

/// The most targets of one process.
const MOST_TARGETS: usize = 50;
/// The most sources of one process.
const MOST_SOURCES: usize = 100;
/// Git servers ban whoever asks more often.
const SHORTEST_POLL: Duration = Duration::from_seconds(5);

/// Everything wrong with it.
pub(super) fn check(config: &OperatorConfig) -> Vec<String> {
    let mut findings = Findings::default();
    if let Err(error) = config.installation.parse::<Installation>() {
        findings.at("installation", &error.to_string());
    }
    findings.number("sources", config.sources.len(), MOST_SOURCES);
    for (index, source) in config.sources.iter().enumerate() {
        let twin = config.sources.iter().take(index).any(|other| other.name == source.name);
        findings.source(&format!("sources[{index}]"), source, twin.then_some("another source has this name"));
    }
    findings.hosts(config);
    findings.number("targets", config.targets.len(), MOST_TARGETS);
    for (index, target) in config.targets.iter().enumerate() {
        let twin = config.targets.iter().take(index).any(|other| other.name == target.name);
        findings.target(&format!("targets[{index}]"), target, twin.then_some("another target has this name"));
        // Each would remove what is declared for the other.
        let same = |other: &TargetConfig| TargetConfig { name: other.name.clone(), ..target.clone() } == *other;
        if config.targets.iter().take(index).any(same) {
            let what = "another target leads to the same account and Region; one target takes any number of clusters";
            findings.at(&format!("targets[{index}] ({})", target.name), what);
        }
    }
    findings.limits(config);
    findings.0
}

#[derive(Debug, Default)]
struct Findings(Vec<String>);

impl Findings {
    fn at(&mut self, place: &str, what: &str) {
        self.0.push(format!("{place}: {what}"));
    }

    fn number(&mut self, place: &str, count: usize, most: usize) {
        if count == 0 {
            self.at(place, "name at least one");
        } else if count > most {
            self.at(place, &format!("there are {count}, and one process takes {most}"));
        }
    }

    fn limits(&mut self, config: &OperatorConfig) {
        let intervals = [("intervals.sweep", config.intervals.sweep), ("intervals.busy", config.intervals.busy)];
        for (place, interval) in intervals {
            if interval.seconds() == 0 {
                self.at(place, "give at least 1s");
            }
        }
        if config.pruning.max_percent > 100 {
            self.at("pruning.maxPercent", "give at most 100, which is no limit");
        }
        if config.history.retention.seconds() == 0 {
            self.at("history.retention", "give at least 1s");
        }
    }

    /// An address that cannot be read is a finding of its own.
    fn hosts(&mut self, config: &OperatorConfig) {
        let allowed = &config.policy.source_hosts.allow;
        for (index, source) in config.sources.iter().enumerate().filter(|_| !allowed.is_empty()) {
            let address = source.git.as_ref().and_then(|git| git.url.parse::<GitAddress>().ok());
            let Some(address) = address else { continue };
            if !allowed.iter().any(|pattern| is_host(pattern, address.host())) {
                let what = format!("{:?} is not among policy.sourceHosts.allow", address.host());
                self.at(&format!("sources[{index}].git.url"), &what);
            }
        }
    }

    fn source(&mut self, place: &str, source: &SourceConfig, twin: Option<&str>) {
        let named = format!("{place} ({})", source.name);
        if let Some(twin) = twin {
            self.at(&named, twin);
        }
        if source.git.is_some() == source.directory.is_some() {
            self.at(&named, "give exactly one of git and directory");
        }
        if let Some(directory) = &source.directory {
            if directory.paths.is_empty() {
                self.at(&format!("{place}.directory.paths"), "name at least one file or folder");
            }
            if directory.interval.seconds() == 0 {
                self.at(&format!("{place}.directory.interval"), "give at least 1s");
            }
        }
        if let Some(git) = &source.git {
            self.git(&format!("{place}.git"), git);
        }
        if let Some(SecretConfig { secret_file, secret_environment }) = &source.webhook
            && secret_file.is_some() == secret_environment.is_some()
        {
            self.at(&format!("{place}.webhook"), "give exactly one of secretFile and secretEnvironment");
        }
    }

    fn git(&mut self, place: &str, git: &GitConfig) {
        self.url(&format!("{place}.url"), &git.url);
        if [&git.branch, &git.tag, &git.commit].into_iter().flatten().count() > 1 {
            self.at(place, "give at most one of branch, tag and commit");
        }
        if git.commit.as_ref().is_some_and(|id| id.len() != 40 || !id.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            self.at(&format!("{place}.commit"), "give a whole commit id, 40 hexadecimal digits");
        }
        if let Some(path) = &git.path
            && (path.starts_with('/') || path.split('/').any(|part| part == ".."))
        {
            self.at(&format!("{place}.path"), "give a folder below the root of the repository, such as clusters/prod");
        }
        if git.interval < SHORTEST_POLL {
            self.at(&format!("{place}.interval"), &format!("give at least {SHORTEST_POLL}; a webhook is faster still"));
        }
        if git.timeout.seconds() == 0 {
            self.at(&format!("{place}.timeout"), "give at least 1s");
        }
        if let Some(auth) = &git.auth {
            self.auth(&format!("{place}.auth"), auth);
        }
        if git.verify.as_ref().is_some_and(|verify| verify.ssh_key_files.is_empty()) {
            self.at(&format!("{place}.verify.sshKeyFiles"), "name at least one file of keys");
        }
        if git.max_fetch_mebibytes == 0 {
            self.at(&format!("{place}.maxFetchMebibytes"), "give at least 1");
        }
    }

    /// Never repeats the address, which may hold what should not be printed.
    fn url(&mut self, place: &str, url: &str) {
        match url.split_once("://") {
            Some(("https" | "http" | "file", rest)) => {
                if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
                    self.at(place, "leave credentials out of the address and name them in auth");
                }
            }
            Some(("ssh", rest)) => {
                let user = rest.split('/').next().and_then(|authority| authority.split_once('@'));
                if user.is_some_and(|(user, _)| user.contains(':')) {
                    self.at(place, "leave the password out of the address; ssh takes a key, which auth names");
                }
            }
            // As scp writes it: user@host:path.
            None if url.contains('@') && url.contains(':') => {}
            Some(_) | None => self.at(place, "give an address that begins with https:// or ssh://"),
        }
    }

    fn auth(&mut self, place: &str, auth: &GitAuthConfig) {
        let GitAuthConfig { username, token_file, token_environment, ssh_key_file, known_hosts_file } = auth;
        let ways = [token_file.is_some(), token_environment.is_some(), ssh_key_file.is_some()];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            self.at(place, "give exactly one of tokenFile, tokenEnvironment and sshKeyFile");
        }
        if ssh_key_file.is_some() && known_hosts_file.is_none() {
            self.at(place, "give knownHostsFile beside sshKeyFile: without it, anybody could pose as the server");
        }
        if ssh_key_file.is_some() && username.is_some() {
            self.at(place, "username goes with a token; for ssh it is part of the address");
        }
    }

    fn target(&mut self, place: &str, target: &TargetConfig, twin: Option<&str>) {
        if let Some(twin) = twin {
            self.at(&format!("{place} ({})", target.name), twin);
        }
        if target.external_id.is_some() && target.assume_role.is_none() {
            self.at(&format!("{place}.externalId"), "it goes with assumeRole");
        }
        if let Some(account) = &target.account
            && (account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()))
        {
            self.at(
                &format!("{place}.account"),
                &format!("{account:?} is no account id: give twelve digits, in quotes"),
            );
        }
    }
}

/// Names of hosts have no case; `*.` stands for one label or more.
fn is_host(pattern: &str, host: &str) -> bool {
    let (pattern, host) = (pattern.to_ascii_lowercase(), host.to_ascii_lowercase());
    match pattern.strip_prefix('*') {
        Some(end) => end.starts_with('.') && host.len() > end.len() && host.ends_with(end),
        None => pattern == host,
    }
}
