//! The settings of `axon run`, out of its arguments and its configuration file; arguments win.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use axon_core::ownership::Installation;
use axon_core::plan::Writes;
use axon_core::state::Pruning;
use axon_runtime::{Settings, Until};
use serde::Deserialize;

use crate::arguments::{AwsArguments, Lasting, Listen, Run};
use crate::failure::Failure;

/// Where the status pages are, unless somebody says otherwise.
const PAGES: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8321);

/// How long `--until-ready` waits, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_hours(1);

/// The configuration file. Every member is optional and is named after its flag.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ConfigFile {
    source: Vec<PathBuf>,
    installation: Option<Installation>,
    region: Option<String>,
    profile: Option<String>,
    endpoint_url: Option<String>,
    assume_role: Option<String>,
    external_id: Option<String>,
    listen: Option<String>,
    prune: Option<bool>,
    read_only: Option<bool>,
    interval: Option<String>,
}

/// Everything that `axon run` needs to know.
#[derive(Clone, Debug)]
pub(super) struct RunConfig {
    pub(super) source: Vec<PathBuf>,
    pub(super) aws: AwsArguments,
    pub(super) listen: Listen,
    pub(super) settings: Settings,
}

impl RunConfig {
    /// Puts arguments and file together.
    pub(super) fn of(run: Run) -> Result<Self, Failure> {
        let file = run.config.as_ref().map_or_else(|| Ok(ConfigFile::default()), read)?;
        let mut source = run.paths.clone();
        source.extend(run.source.iter().cloned());
        if source.is_empty() {
            source.clone_from(&file.source);
        }
        if source.is_empty() {
            return Err(Failure::usage("there is nothing to run: no files are named")
                .hint("name files or folders, for instance: axon run --simulate --until-ready config/examples"));
        }
        let listen = match (run.listen, &file.listen) {
            (Some(listen), _) => listen,
            (None, Some(text)) => setting("listen", text)?,
            (None, None) => Listen::On(PAGES),
        };
        let settings = settings(&run, &file)?;
        Ok(Self { source, aws: aws(run.aws, file), listen, settings })
    }
}

fn settings(run: &Run, file: &ConfigFile) -> Result<Settings, Failure> {
    let installation = match (&run.aws.installation, &file.installation) {
        (None, Some(installation)) => installation.clone(),
        _ => run.aws.installation().map_err(|error| Failure::usage(error.to_string()))?,
    };
    let mut settings = Settings::new(installation);
    if run.read_only || file.read_only == Some(true) {
        settings.writes = Writes::ReadOnly;
    }
    if run.no_prune || file.prune == Some(false) {
        settings.pruning = Pruning::Off;
    }
    let interval = match (&run.interval, &file.interval) {
        (Some(interval), _) => Some(*interval),
        (None, Some(text)) => Some(setting::<Lasting>("interval", text)?),
        (None, None) => None,
    };
    if let Some(Lasting(interval)) = interval {
        settings.sweep_interval = interval.max(Duration::from_secs(1));
        settings.busy_interval = settings.busy_interval.min(settings.sweep_interval);
    }
    if run.until_ready {
        settings.until = Until::Settled;
        settings.timeout = Some(run.timeout.map_or(PATIENCE, |Lasting(timeout)| timeout));
    }
    Ok(settings)
}

fn aws(mut aws: AwsArguments, file: ConfigFile) -> AwsArguments {
    aws.region = aws.region.or(file.region);
    aws.installation = aws.installation.or(file.installation);
    // A simulated account is reached in no other way, whatever the file says.
    if !aws.simulate {
        aws.profile = aws.profile.or(file.profile);
        aws.endpoint_url = aws.endpoint_url.or(file.endpoint_url);
        aws.assume_role = aws.assume_role.or(file.assume_role);
        aws.external_id = aws.external_id.or(file.external_id);
    }
    aws
}

fn read(path: &PathBuf) -> Result<ConfigFile, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("the configuration {shown} cannot be read: {error}")))?;
    parse(&text).map_err(|error| {
        Failure::usage(format!("the configuration {shown} cannot be used: {error}"))
            .hint("`axon run --help` lists what it may hold")
    })
}

fn parse(text: &str) -> Result<ConfigFile, serde_yaml::Error> {
    if text.trim().is_empty() { Ok(ConfigFile::default()) } else { serde_yaml::from_str(text) }
}

fn setting<T: std::str::FromStr<Err = String>>(name: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("{name}: {text:?} in the configuration: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn run(line: &str) -> Run {
        let arguments = Arguments::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Run(run) = arguments.command else { panic!("not run") };
        *run
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let config = RunConfig::of(run("axon run a b --source c")).unwrap();
        assert_eq!(config.source, ["a", "b", "c"].map(PathBuf::from));
        assert_eq!(config.listen, Listen::On("127.0.0.1:8321".parse().unwrap()));
        assert_eq!(config.settings.until, Until::Stopped);
        assert_eq!((config.settings.writes, config.settings.pruning), (Writes::Allowed, Pruning::On));
        assert_eq!(config.settings.installation.to_string(), "axon");
    }

    #[test]
    fn nothing_to_run_is_a_usage_error_that_names_the_first_command_to_try() {
        let failure = RunConfig::of(run("axon run")).unwrap_err();
        assert!(failure.hint.contains("axon run --simulate --until-ready config/examples"), "{failure:?}");
    }

    #[test]
    fn flags_win_over_the_file() {
        let file =
            parse("region: eu-west-1\nprofile: ops\ninstallation: team\nlisten: none\nreadOnly: true\n").unwrap();
        let given = run("axon run a --region us-west-2 --simulate");
        let merged = aws(given.aws.clone(), file.clone());
        assert_eq!((merged.region.as_deref(), merged.profile), (Some("us-west-2"), None));
        let settings = settings(&given, &file).unwrap();
        assert_eq!((settings.writes, settings.installation.to_string().as_str()), (Writes::ReadOnly, "team"));
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        assert!(parse("regoin: x").unwrap_err().to_string().contains("regoin"));
        assert_eq!(parse(" \n").unwrap(), ConfigFile::default());
    }
}
