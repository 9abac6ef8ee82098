//! The configuration of `axon run`: one YAML file, read as a whole or refused as a whole.
//!
//! Neighbours: `file` is what may be written, `check` what makes no sense, `run` acts on it. Secrets are named here and
//! read where they are used. Not here: the command line's own arguments.

mod check;
mod file;

use std::path::Path;

pub(crate) use file::{
    ConfigKind, DirectoryConfig, ForcePushConfig, GitAuthConfig, GitConfig, HistoryConfig, IntervalsConfig,
    LoggingConfig, OperatorConfig, PacingConfig, PolicyConfig, PruningConfig, SecretConfig, ServerConfig, SourceConfig,
    TargetConfig,
};

use crate::failure::Failure;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

impl OperatorConfig {
    /// Reads and checks a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let unreadable = |why: String| Failure::usage(format!("the configuration {shown} cannot be read: {why}"));
        let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > LARGEST {
            return Err(unreadable(format!("it has {size} bytes, and no configuration has more than {LARGEST}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(&text).map_err(|why| {
            Failure::usage(format!("the configuration {shown} cannot be used: {why}")).hint(
                "every setting is described in config/axon.yaml; `axon run --config FILE --print-config` checks a file",
            )
        })
    }

    /// Parses and checks a text. The error names every place that makes no sense.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let config: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let wrong = check::check(&config);
        if wrong.is_empty() { Ok(config) } else { Err(wrong.join("; ")) }
    }

    /// The settings in force, defaults included.
    pub(crate) fn print(&self) -> String {
        // Everything in it came out of YAML.
        serde_yaml::to_string(self).unwrap_or_default()
    }
}

/// The JSON Schema of the file, for editors.
pub(crate) fn schema_text() -> String {
    let schema = schemars::schema_for!(OperatorConfig);
    format!("{:#}\n", serde_json::Value::from(schema))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    const DOCUMENTED: &str = include_str!("../../../../config/axon.yaml");

    fn base(more: &str) -> String {
        format!("apiVersion: neuron.ecs/v1alpha1\nkind: OperatorConfig\n{more}")
    }

    fn local(more: &str) -> String {
        base(&format!("sources: [{{name: a, directory: {{paths: [x]}}}}]\n{more}"))
    }

    fn wrong(text: &str) -> String {
        OperatorConfig::parse(text).unwrap_err()
    }

    #[test]
    fn the_shortest_file_has_one_target_and_the_documented_defaults() {
        let config = OperatorConfig::parse(&local("")).unwrap();
        assert_eq!(config.targets, [TargetConfig::named("default".parse().unwrap())]);
        assert_eq!((config.installation.as_str(), config.read_only), ("axon", false));
        assert_eq!(config.pruning, PruningConfig { enabled: true, max_objects: 10, max_percent: 50 });
        assert_eq!(config.server.listen, ServerConfig::LISTEN);
    }

    #[test]
    fn what_is_printed_is_the_same_configuration() {
        let config = OperatorConfig::parse(DOCUMENTED).unwrap();
        assert_eq!(OperatorConfig::parse(&config.print()).unwrap(), config);
    }

    #[test]
    fn the_documented_file_is_valid_and_shows_every_setting() {
        OperatorConfig::parse(DOCUMENTED).unwrap();
        let schema: Value = serde_json::from_str(&schema_text()).unwrap();
        let mut settings = BTreeSet::new();
        collect(&schema, &mut settings);
        assert!(settings.contains("tokenFile") && settings.contains("maxFetchMebibytes"), "{settings:?}");
        let missing: Vec<_> = settings.iter().filter(|name| !DOCUMENTED.contains(&format!("{name}:"))).collect();
        assert_eq!(missing, Vec::<&String>::new(), "config/axon.yaml documents every setting");
    }

    /// The names of all properties, however deep.
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::Object(properties)) = members.get("properties") {
                    names.extend(properties.keys().cloned());
                }
                members.values().for_each(|member| collect(member, names));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
            _ => {}
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name_and_place() {
        let why = wrong(&local("prunning: {enabled: false}\n"));
        assert!(why.contains("prunning") && why.contains("line 4"), "{why}");
        let why = wrong(&base("sources: [{name: a, git: {url: 'https://x/y', brnch: main}}]\n"));
        assert!(why.contains("brnch"), "{why}");
    }

    #[test]
    fn everything_that_makes_no_sense_is_said_at_once() {
        let why = wrong(&base(
            "sources: [{name: a}, {name: a, directory: {paths: []}, webhook: {}}]\ntargets: [{name: t, account: '12', externalId: x}, {name: t}]\n",
        ));
        for said in [
            "sources[0] (a): give exactly one of git and directory",
            "sources[1] (a): another source has this name",
            "sources[1].directory.paths: name at least one file or folder",
            "sources[1].webhook: give exactly one of secretFile and secretEnvironment",
            "targets[0].externalId: it goes with assumeRole",
            "targets[0].account: \"12\" is no account id",
            "targets[1] (t): another target has this name",
        ] {
            assert!(why.contains(said), "{said:?} in {why}");
        }
    }

    #[test]
    fn two_targets_do_not_lead_to_the_same_account_and_region() {
        let why = wrong(&local("targets: [{name: a, region: us-east-1}, {name: b, region: us-east-1}]\n"));
        assert!(why.contains("targets[1] (b): another target leads to the same account and Region"), "{why}");
        assert!(
            OperatorConfig::parse(&local("targets: [{name: a, region: us-east-1}, {name: b, region: us-west-2}]\n"))
                .is_ok()
        );
    }

    #[test]
    fn a_repository_is_followed_by_one_reference_without_credentials_in_its_address() {
        let git = |members: &str| base(&format!("sources: [{{name: a, git: {{{members}}}}}]\n"));
        assert!(OperatorConfig::parse(&git("url: 'git@github.com:acme/fleet.git'")).is_ok());
        assert!(OperatorConfig::parse(&git("url: 'ssh://git@host/fleet'")).is_ok());
        let why = wrong(&git("url: 'https://u:secret@host/x', branch: a, commit: b"));
        assert!(why.contains("sources[0].git.url: leave credentials out"), "{why}");
        assert!(!why.contains("secret@"), "{why}");
        assert!(why.contains("at most one of branch, tag and commit"), "{why}");
        assert!(why.contains("40 hexadecimal digits"), "{why}");
        assert!(wrong(&git("url: 'ftp://host/x'")).contains("https:// or ssh://"));
        assert!(wrong(&git("url: 'https://h/x', auth: {sshKeyFile: k}")).contains("knownHostsFile"));
        assert!(wrong(&git("url: 'https://h/x', auth: {}")).contains("exactly one of tokenFile"));
        assert!(wrong(&git("url: 'https://h/x', path: '../y'")).contains("git.path"));
        assert!(wrong(&git("url: 'https://h/x', verify: {sshKeyFiles: []}")).contains("git.verify"));
        assert!(wrong(&git("url: 'https://h/x', interval: 1s")).contains("git.interval"));
    }

    #[test]
    fn sources_name_only_hosts_that_the_policy_allows() {
        let config = |url: &str, hosts: &str| {
            OperatorConfig::parse(&base(&format!(
                "sources: [{{name: a, git: {{url: '{url}'}}}}]\npolicy: {{sourceHosts: {{allow: [{hosts}]}}}}\n"
            )))
        };
        for url in ["https://github.com/x/y", "git@GitHub.com:x/y", "ssh://git@a.b.example.com:2222/x"] {
            assert!(config(url, "github.com, '*.example.com'").is_ok(), "{url}");
        }
        for url in ["https://github.com.evil.test/x", "https://example.com/x", "https://notexample.com/x", "file:///x"]
        {
            let why = config(url, "github.com, '*.example.com'").unwrap_err();
            assert!(why.contains("sources[0].git.url") && why.contains("policy.sourceHosts.allow"), "{url}: {why}");
        }
        assert!(config("https://anywhere.test/x", "").is_ok());
    }

    #[test]
    fn the_list_of_roles_takes_arns_and_nothing_else() {
        let config = |roles: &str| OperatorConfig::parse(&local(&format!("policy: {{roles: {{allow: {roles}}}}}\n")));
        let role = "arn:aws:iam::111122223333:role/axon/x";
        assert!(config("['arn:aws:iam::111122223333:role/axon/*']").unwrap().policy.roles.allow.allow(role));
        assert!(!config("[]").unwrap().policy.roles.allow.allow(role));
        assert!(OperatorConfig::parse(&local("")).unwrap().policy.roles.allow.is_any());
        let why = config("['*']").unwrap_err();
        assert!(why.contains("names no roles") && why.contains("line 4"), "{why}");
    }

    #[test]
    fn numbers_stay_within_what_they_mean() {
        assert!(wrong(&local("intervals: {sweep: 0s}\n")).contains("intervals.sweep"));
        for percent in [0, 101] {
            let why = wrong(&local(&format!("pacing: {{sharePercent: {percent}}}\n")));
            assert!(why.contains(&format!("{percent} is no share of a quota")) && why.contains("line 4"), "{why}");
        }
        assert!(wrong(&local("pruning: {maxPercent: 101}\n")).contains("pruning.maxPercent: give at most 100"));
        assert!(OperatorConfig::parse(&local("pruning: {maxObjects: 0, maxPercent: 100}\n")).is_ok());
        assert!(wrong(&local("installation: 'a b'\n")).contains("is no installation id"));
        assert!(wrong(&base("sources: []\n")).contains("sources: name at least one"));
        assert!(wrong(&local("targets: []\n")).contains("targets: name at least one"));
    }
}
