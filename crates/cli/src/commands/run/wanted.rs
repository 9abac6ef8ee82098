//! What the operator is asked for: the configuration file with the flags laid over it, and how each target is reached.
//!
//! Neighbours: `run` begins operations with it, `operation` runs them. Flags win over the file, and stay in force over
//! a file that is read again. Not here: waiting.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axon_core::ownership::Installation;
use axon_core::plan::{PruneLimits, Writes};
use axon_core::spec::{ApiVersion, Name};
use axon_core::state::Pruning;
use axon_core::target::Target as Share;
use axon_runtime::history::Limits;
use axon_runtime::source::Sources;
use axon_runtime::{Settings, Until};
use tracing::warn;

use super::account::Account;
use super::operation::{Feed, Operation, Post};
use super::sources::{duration, hooks, sources};
use crate::arguments::{AwsArguments, Global, Lasting, Listen, PruneArguments, Run};
use crate::config::{
    ConfigKind, DirectoryConfig, HistoryConfig, IntervalsConfig, LoggingConfig, OperatorConfig, PacingConfig,
    PolicyConfig, PruningConfig, ServerConfig, SourceConfig, TargetConfig,
};
use crate::failure::Failure;
use crate::logging;
use crate::lookout::Lookout;
use crate::target::{Target, Time};

/// How long `--until-ready` waits, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_hours(1);

/// Everything that `axon run` was asked for.
pub(super) struct Wanted {
    /// The settings in force.
    pub(super) config: OperatorConfig,
    /// When to end by itself.
    pub(super) until: Until,
    /// The configuration file, if there is one.
    pub(super) file: Option<PathBuf>,
    /// Files and folders of the command line. With them, the sources of the file do not count.
    pub(super) files: Vec<PathBuf>,
    flags: Run,
    /// The account of the command line, once it is connected: a simulated one lives as long as the process.
    standing: Option<Target>,
}

impl Wanted {
    /// Puts file and flags together.
    pub(super) fn of(flags: Run) -> Result<Self, Failure> {
        let mut files = flags.paths.clone();
        files.extend(flags.source.iter().cloned());
        let file = flags.config.clone();
        let config = match &file {
            Some(file) => OperatorConfig::read(file)?,
            None if files.is_empty() => {
                return Err(Failure::usage("there is nothing to run: no files are named, and no configuration")
                    .hint("name files or folders, for instance: axon run --simulate --until-ready config/examples"));
            }
            None => OperatorConfig::of_files(&files),
        };
        let until = if flags.until_ready { Until::Settled } else { Until::Stopped };
        let mut wanted = Self { config, until, file, files, flags, standing: None };
        wanted.config = wanted.under_flags(wanted.config.clone())?;
        Ok(wanted)
    }

    /// Another version of the file, if everything in it can be used: the operation in force ends only for one that can.
    pub(super) fn accept(&self, config: OperatorConfig) -> Result<OperatorConfig, Failure> {
        let config = self.under_flags(config)?;
        for target in &config.targets {
            self.settings(&config, target)?;
        }
        if let Feed::Sources(settings, folder) = self.feed(&config)? {
            let sources =
                Sources::new(settings, &folder, self.clock()).map_err(|error| Failure::usage(error.to_string()))?;
            hooks(&config.sources, &sources.wakers())?;
        }
        Ok(config)
    }

    /// The file with the flags laid over it.
    fn under_flags(&self, mut config: OperatorConfig) -> Result<OperatorConfig, Failure> {
        let flags = &self.flags;
        if self.until == Until::Settled && self.files.is_empty() {
            return Err(Failure::usage("--until-ready is for files of the command line").hint(
                "name files or folders beside it, for instance: axon run --simulate --until-ready config/examples",
            ));
        }
        if !self.files.is_empty() {
            config.sources = OperatorConfig::of_files(&self.files).sources;
        }
        if let Some(installation) = &flags.aws.installation {
            config.installation = installation.to_string();
        }
        if let Some(folder) = &flags.data_dir {
            config.data_directory = Some(folder.clone());
        }
        if let Some(Listen::On(address)) = flags.listen {
            config.server.listen = address;
        }
        if let Some(Lasting(interval)) = flags.interval {
            let seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX).max(1);
            config.intervals.sweep = axon_core::spec::Duration::from_seconds(seconds);
            config.intervals.busy = config.intervals.busy.min(config.intervals.sweep);
        }
        config.read_only |= flags.read_only;
        config.pruning.enabled &= !flags.no_prune;
        let PruneArguments { prune_max_objects, prune_max_percent } = flags.most;
        config.pruning.max_objects = prune_max_objects.unwrap_or(config.pruning.max_objects);
        config.pruning.max_percent = prune_max_percent.unwrap_or(config.pruning.max_percent);
        let AwsArguments { simulate, endpoint_url, profile, region, assume_role, external_id, .. } = &flags.aws;
        let says_which = *simulate || [endpoint_url, profile, region, assume_role].into_iter().any(Option::is_some);
        match config.targets.as_mut_slice() {
            [target] => {
                if *simulate {
                    *target = TargetConfig::named(target.name.clone());
                }
                target.endpoint_url = endpoint_url.clone().or(target.endpoint_url.take());
                target.profile = profile.clone().or(target.profile.take());
                target.region = region.clone().or(target.region.take());
                if assume_role.is_some() {
                    target.assume_role.clone_from(assume_role);
                    target.external_id.clone_from(external_id);
                }
                Ok(config)
            }
            several if says_which => Err(Failure::usage(format!(
                "the configuration names {} targets, and flags such as --region or --simulate are for one",
                several.len()
            ))),
            _ => Ok(config),
        }
    }

    /// Whether the pages are served, and where.
    pub(super) fn listen(&self) -> Listen {
        match self.flags.listen {
            Some(Listen::None) => Listen::None,
            _ => Listen::On(self.config.server.listen),
        }
    }

    /// How long events are kept.
    pub(super) fn retention(&self) -> Limits {
        Limits { age: duration(self.config.history.retention), ..Limits::default() }
    }

    /// The time of everything that is not a target's own.
    pub(super) fn clock(&self) -> Arc<Time> {
        self.standing.as_ref().map_or_else(|| Arc::new(Time::System), |target| Arc::clone(&target.clock))
    }

    /// Logs as much as the file says, unless a flag says how much.
    pub(super) fn log_at_its_level(&self, global: &Global) {
        if let (Some(level), None) = (&self.config.logging.level, &global.log_level)
            && let Err(error) = logging::set_level(level)
        {
            warn!(error, "the log level stays as it is");
        }
    }

    /// Begins to work.
    pub(super) async fn begin(&mut self, lookout: &Lookout) -> Result<Operation, Failure> {
        // Whoever stands in front of a terminal hears at once that an account cannot be reached. A service goes on trying.
        if self.standing.is_none() && (self.file.is_none() || self.flags.aws.simulate) {
            self.standing = Some(Target::connect(&self.reach(self.only_target()?)).await?);
        }
        let posts = self.config.targets.iter().map(|target| self.post(target, lookout)).collect::<Result<_, _>>()?;
        Operation::begin(self.feed(&self.config)?, posts, lookout)
    }

    fn only_target(&self) -> Result<&TargetConfig, Failure> {
        self.config.targets.first().ok_or_else(|| Failure::usage("the configuration names no target"))
    }

    fn feed(&self, config: &OperatorConfig) -> Result<Feed, Failure> {
        if !self.files.is_empty() {
            return Ok(Feed::Files(self.files.clone()));
        }
        let folder = config.data_directory.clone().unwrap_or_else(|| std::env::temp_dir().join("axon"));
        Ok(Feed::Sources(sources(&config.sources)?, folder.join("git")))
    }

    fn post(&self, target: &TargetConfig, lookout: &Lookout) -> Result<Post, Failure> {
        let settings = self.settings(&self.config, target)?;
        if let Some(standing) = &self.standing {
            // Without a file the target has no name of its own.
            let name = if self.file.is_none() { standing.cloud.region() } else { target.name.as_str() };
            let account = Account::standing(standing, lookout.telemetry(name));
            return Ok(Post { account, settings, clock: Arc::clone(&standing.clock) });
        }
        let telemetry = lookout.telemetry(target.name.as_str());
        let account = Account::configured(self.reach(target), target.account.clone(), telemetry);
        Ok(Post { account, settings, clock: Arc::new(Time::System) })
    }

    fn reach(&self, target: &TargetConfig) -> AwsArguments {
        AwsArguments {
            simulate: self.flags.aws.simulate,
            speed: self.flags.aws.speed,
            endpoint_url: target.endpoint_url.clone(),
            profile: target.profile.clone(),
            region: target.region.clone(),
            assume_role: target.assume_role.clone(),
            external_id: target.external_id.clone(),
            installation: None,
            share: self.config.pacing.share_percent,
        }
    }

    fn settings(&self, config: &OperatorConfig, target: &TargetConfig) -> Result<Settings, Failure> {
        let installation: Installation = config
            .installation
            .parse()
            .map_err(|error: axon_core::ownership::InvalidInstallation| Failure::usage(error.to_string()))?;
        let mut settings = Settings::new(installation);
        settings.writes = if config.read_only { Writes::ReadOnly } else { Writes::Allowed };
        settings.pruning = if config.pruning.enabled { Pruning::On } else { Pruning::Off };
        settings.share = config.pacing.share_percent;
        let PruningConfig { max_objects, max_percent, .. } = config.pruning;
        settings.prune_limits = PruneLimits { max_objects: Some(max_objects), max_percent: Some(max_percent) };
        settings.roles = config.policy.roles.allow.clone();
        settings.sweep_interval = duration(config.intervals.sweep);
        settings.busy_interval = duration(config.intervals.busy);
        settings.shutdown_grace = duration(config.shutdown_grace);
        let all = config.targets.iter().map(|target| target.name.clone()).collect();
        settings.target = Some(Share { name: target.name.clone(), all });
        settings.until = self.until;
        if self.until == Until::Settled {
            settings.timeout = Some(self.flags.timeout.map_or(PATIENCE, |Lasting(timeout)| timeout));
        }
        Ok(settings)
    }
}

impl OperatorConfig {
    /// The configuration that a command line of nothing but files stands for.
    fn of_files(files: &[PathBuf]) -> Self {
        let name = |text: &str| text.parse::<Name>().ok();
        let directory = DirectoryConfig { paths: files.to_vec(), interval: axon_core::spec::Duration::from_seconds(2) };
        let sources = name("files")
            .map(|name| SourceConfig { name, git: None, directory: Some(directory), webhook: None })
            .into_iter()
            .collect();
        Self {
            api_version: ApiVersion::default(),
            kind: ConfigKind::default(),
            installation: AwsArguments::INSTALLATION.to_owned(),
            data_directory: None,
            read_only: false,
            sources,
            targets: name("default").map(TargetConfig::named).into_iter().collect(),
            intervals: IntervalsConfig::default(),
            pacing: PacingConfig::default(),
            pruning: PruningConfig::default(),
            policy: PolicyConfig::default(),
            server: ServerConfig::default(),
            logging: LoggingConfig::default(),
            history: HistoryConfig::default(),
            shutdown_grace: axon_core::spec::Duration::from_seconds(30),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn wanted(words: &[&str]) -> Wanted {
        let arguments = Arguments::try_parse_from(["axon", "run"].iter().chain(words)).unwrap();
        let Command::Run(run) = arguments.command else { panic!("{words:?}") };
        Wanted::of(*run).unwrap()
    }

    fn at_most(objects: u32, percent: u32) -> PruneLimits {
        PruneLimits { max_objects: Some(objects), max_percent: Some(percent) }
    }

    #[test]
    fn an_operator_without_a_file_has_the_limits_of_removal_that_a_file_has_by_default() {
        let limits = |words| {
            let wanted = wanted(words);
            wanted.settings(&wanted.config, &wanted.config.targets[0]).unwrap().prune_limits
        };
        assert_eq!(limits(&["specs"]), at_most(10, 50));
        assert_eq!(limits(&["--prune-max-percent", "100", "specs"]), at_most(10, 100));
    }

    #[test]
    fn flags_win_over_the_limits_of_the_file_also_when_it_is_read_again() {
        let file = "apiVersion: neuron.ecs/v1alpha1\nkind: OperatorConfig\nsources: [{name: a, directory: {paths: [x]}}]\n\
                    pruning: {maxObjects: 3, maxPercent: 20}\n";
        let limits = |words| {
            let wanted = wanted(words);
            let config = wanted.accept(OperatorConfig::parse(file).unwrap()).unwrap();
            wanted.settings(&config, &config.targets[0]).unwrap().prune_limits
        };
        assert_eq!(limits(&["specs"]), at_most(3, 20));
        assert_eq!(limits(&["--prune-max-objects", "40", "specs"]), at_most(40, 20));
    }
}
