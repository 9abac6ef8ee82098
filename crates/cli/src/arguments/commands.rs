//! Each command's own arguments. Neighbours: the command of the same name reads them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::aws::{AwsArguments, Speed};
use super::format::{EventsFormat, Format, PlanFormat, RenderFormat, StatusFormat};
use super::job::Job;
use super::logs::Logs;
use super::policy::PolicyArguments;
use super::prune::PruneArguments;
use super::values::{Ending, Lasting, Listen};

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Find everything wrong in files, offline.
    Validate(Validate),
    /// Print the exact AWS requests that files become, offline.
    Render(Render),
    /// Show what would change on AWS and why; writes nothing.
    Plan(Plan),
    /// Change AWS once, until it matches the files.
    Apply(Apply),
    /// Keep AWS equal to the files: the operator.
    Run(Box<Run>),
    /// Ask a running operator how the objects are.
    Status(Status),
    /// Ask a running operator what happened.
    Events(Events),
    /// Show runs of jobs, begin one now, cancel one, or try again what has failed.
    Job(Box<Job>),
    /// Print what the tasks of a job or a service have written, and follow it.
    Logs(Box<Logs>),
    /// Print the page behind a diagnostic code, a kind or a field.
    Explain(Explain),
    /// Print the JSON Schema of the objects, for editors.
    Schema,
    /// Serve a simulated AWS on a socket, for any AWS client.
    Simulate(Simulate),
    /// Ask whether an operator answers and its loops turn, for a container health check.
    Healthcheck(Healthcheck),
    /// Print a generated page.
    #[command(hide = true)]
    Docs(Docs),
}

/// `axon validate`.
#[derive(Clone, Debug, Args)]
pub struct Validate {
    /// YAML files, and folders to search for *.yaml and *.yml.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How findings are printed.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: Format,
    /// Let warnings fail the command too.
    #[arg(long, env = "AXON_DENY_WARNINGS", hide_env = true, value_parser = FalseyValueParser::new())]
    pub deny_warnings: bool,
    #[command(flatten)]
    /// What the operator allows.
    pub policy: PolicyArguments,
}

/// `axon render`.
#[derive(Clone, Debug, Args)]
pub struct Render {
    /// YAML files, and folders to search for *.yaml and *.yml.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How requests are printed.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: RenderFormat,
    /// Region to render for.
    #[arg(long, env = "AXON_REGION", hide_env = true, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
    /// Account to render for; the default is made up.
    #[arg(long, env = "AXON_ACCOUNT", hide_env = true, value_name = "ID", default_value = "111122223333")]
    pub account: String,
    /// Installation id in the tags.
    #[arg(long, env = "AXON_INSTALLATION", hide_env = true, value_name = "ID", default_value = "axon")]
    pub installation: axon_core::ownership::Installation,
}

/// `axon plan`.
#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// YAML files, and folders to search for *.yaml and *.yml.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How the plan is printed.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: PlanFormat,
    /// End with 2 if there are changes, 0 if there are none, 1 on an error.
    #[arg(long, env = "AXON_DETAILED_EXITCODE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub detailed_exitcode: bool,
    /// Also remove what carries our installation id and is in none of these files. Off by default: what other files
    /// declare would be removed too.
    #[arg(long, env = "AXON_PRUNE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub prune: bool,
    #[command(flatten)]
    /// What the operator allows.
    pub policy: PolicyArguments,
    #[command(flatten)]
    /// How much may be removed at once.
    pub most: PruneArguments,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}

impl Plan {
    /// What the exit code tells.
    pub const fn detail(&self) -> Detail {
        if self.detailed_exitcode { Detail::Changes } else { Detail::ErrorsOnly }
    }
}

/// What the exit code of a plan tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Whether there was an error.
    ErrorsOnly,
    /// Also whether there are changes.
    Changes,
}

/// `axon apply`.
///
/// Prints the plan, asks, and makes the calls. Without --wait it ends when no call is left to make: AWS has accepted
/// everything, and tasks may still be starting. With --wait it ends when every object is Ready, or when what is not
/// needs a person.
#[derive(Clone, Debug, Args)]
pub struct Apply {
    /// YAML files, and folders to search for *.yaml and *.yml.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Do not ask. Needed where nobody can answer.
    #[arg(short, long, env = "AXON_YES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub yes: bool,
    /// Wait until the objects are Ready.
    #[arg(long, env = "AXON_WAIT", hide_env = true, value_parser = FalseyValueParser::new())]
    pub wait: bool,
    /// Give up after this time, such as 90s, 30m or 1h30m; ends with 124. What was begun goes on in AWS.
    #[arg(long, env = "AXON_TIMEOUT", hide_env = true, value_name = "TIME", default_value = "30m")]
    pub timeout: Lasting,
    /// Also remove what carries our installation id and is in none of these files. Off by default: what other files
    /// declare would be removed too.
    #[arg(long, env = "AXON_PRUNE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub prune: bool,
    #[command(flatten)]
    /// What the operator allows.
    pub policy: PolicyArguments,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}

/// `axon run`.
///
/// Watches files and AWS, and makes the calls that bring AWS in line, until it is stopped (SIGTERM, Ctrl-C). What carries
/// our installation id and is no longer declared is removed, unless its annotation neuron.ecs/prune is Disabled.
#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Run {
    /// YAML files, and folders to search for *.yaml and *.yml; the same as --source.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Files and folders that declare the objects. May be given several times.
    #[arg(long, env = "AXON_SOURCE", hide_env = true, value_name = "PATH", value_delimiter = ',')]
    pub source: Vec<PathBuf>,
    /// YAML file with everything about the operator: git repositories, targets, limits. config/axon.yaml shows every
    /// setting. Flags win over it.
    #[arg(long, env = "AXON_CONFIG", hide_env = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the configuration, print what is in force, and end.
    #[arg(long, env = "AXON_PRINT_CONFIG", hide_env = true, value_parser = FalseyValueParser::new(), requires = "config")]
    pub print_config: bool,
    /// End with 0 as soon as every object is Ready, or with 1 when one needs a person first.
    #[arg(long, env = "AXON_UNTIL_READY", hide_env = true, value_parser = FalseyValueParser::new())]
    pub until_ready: bool,
    /// Plan and report, but write nothing.
    #[arg(long, env = "AXON_READ_ONLY", hide_env = true, value_parser = FalseyValueParser::new())]
    pub read_only: bool,
    /// Keep what is no longer declared.
    #[arg(long, env = "AXON_NO_PRUNE", hide_env = true, value_parser = FalseyValueParser::new())]
    pub no_prune: bool,
    #[command(flatten)]
    /// How much may be removed at once.
    pub most: PruneArguments,
    /// Where the status pages are served, or none [default: 127.0.0.1:8321].
    #[arg(long, env = "AXON_LISTEN", hide_env = true, value_name = "ADDR")]
    pub listen: Option<Listen>,
    /// Folder for the history of events; without one it ends with the process. May be deleted at any time.
    #[arg(long, env = "AXON_DATA_DIR", hide_env = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// How often AWS is read while nothing moves [default: 60s].
    #[arg(long, env = "AXON_INTERVAL", hide_env = true, value_name = "TIME")]
    pub interval: Option<Lasting>,
    /// With --until-ready: give up after this time; ends with 124 [default: 1h].
    #[arg(long, env = "AXON_TIMEOUT", hide_env = true, value_name = "TIME", requires = "until_ready")]
    pub timeout: Option<Lasting>,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}

/// `axon status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// One object, such as NeuronService/llama: its conditions, resources, tasks and latest events.
    #[arg(value_name = "KIND/NAME")]
    pub object: Option<String>,
    /// Only this target, where an operator works on several.
    #[arg(long, env = "AXON_TARGET", hide_env = true, value_name = "NAME")]
    pub target: Option<String>,
    /// How statuses are printed.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: StatusFormat,
    /// The operator to ask.
    #[arg(long, env = "AXON_SERVER", hide_env = true, value_name = "URL", default_value = "http://127.0.0.1:8321")]
    pub server: String,
}

/// `axon events`.
#[derive(Clone, Debug, Args)]
pub struct Events {
    /// One object, such as NeuronService/llama.
    #[arg(value_name = "KIND/NAME")]
    pub object: Option<String>,
    /// Only what happened in this time until now, such as 90m, or since this instant.
    #[arg(long, env = "AXON_SINCE", hide_env = true, value_name = "TIME")]
    pub since: Option<String>,
    /// At most so many, the newest.
    #[arg(long, env = "AXON_LIMIT", hide_env = true, value_name = "N", default_value_t = 500)]
    pub limit: u32,
    /// Only this target, where an operator works on several.
    #[arg(long, env = "AXON_TARGET", hide_env = true, value_name = "NAME")]
    pub target: Option<String>,
    /// How events are printed.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: EventsFormat,
    /// The operator to ask.
    #[arg(long, env = "AXON_SERVER", hide_env = true, value_name = "URL", default_value = "http://127.0.0.1:8321")]
    pub server: String,
}

/// `axon explain`.
#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// A code (AX0101), a kind (NeuronPool) or a field (NeuronPool.spec.managedInstances.subnets).
    #[arg(value_name = "CODE|KIND|FIELD", required_unless_present = "all")]
    pub topic: Option<String>,
    /// List every code.
    #[arg(long, env = "AXON_ALL", hide_env = true, value_parser = FalseyValueParser::new(), conflicts_with = "topic")]
    pub all: bool,
}

/// `axon simulate`.
#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// Where to listen; port 0 takes a free one. There is no TLS and no authentication: keep to a loopback address.
    #[arg(long, env = "AXON_LISTEN", hide_env = true, value_name = "ADDR", default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// How fast the simulated time runs, against real time.
    #[arg(long, env = "AXON_SPEED", hide_env = true, value_name = "N", default_value = "1")]
    pub speed: Speed,
    /// When the simulated time begins [default: now].
    #[arg(long, env = "AXON_START", hide_env = true, value_name = "TIME")]
    pub start: Option<Timestamp>,
    /// Ids and jitter come from this number.
    #[arg(long, env = "AXON_SEED", hide_env = true, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Region of the simulated account.
    #[arg(long, env = "AXON_REGION", hide_env = true, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
    /// A behaviour of AWS that its documents leave open, such as read-lag-seconds=20. May be given several times; a wrong
    /// name lists them all.
    #[arg(long, env = "AXON_QUIRK", hide_env = true, value_name = "NAME=VALUE", value_delimiter = ',')]
    pub quirk: Vec<String>,
    /// A bad day, to rehearse for: throttled=30 and failed=10 are percent of the requests, expired=60 seconds of every ten
    /// minutes in which credentials count as expired. May be given several times.
    #[arg(long, env = "AXON_DISTURB", hide_env = true, value_name = "NAME=NUMBER", value_delimiter = ',')]
    pub disturb: Vec<String>,
    /// Containers of this image end after so long, with an exit code if it is not 0: */trainer:*=20m or */trainer:*=20m:3. The
    /// others run until they are stopped. May be given several times.
    #[arg(long, env = "AXON_ENDS", hide_env = true, value_name = "IMAGE=TIME[:CODE]", value_delimiter = ',')]
    pub ends: Vec<Ending>,
}

/// `axon healthcheck`.
#[derive(Clone, Debug, Args)]
pub struct Healthcheck {
    /// The operator to ask.
    #[arg(long, env = "AXON_SERVER", hide_env = true, value_name = "URL", default_value = "http://127.0.0.1:8321")]
    pub server: String,
}

/// `axon docs`.
#[derive(Clone, Debug, Args)]
pub struct Docs {
    /// Which page.
    #[arg(value_enum)]
    pub page: Page,
}

/// A generated page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// The JSON Schema of the objects.
    Schema,
    /// The table of diagnostics.
    Diagnostics,
    /// The fields of every kind.
    Fields,
    /// The help of every command.
    Commands,
    /// Every metric of `axon run`.
    Metrics,
    /// The JSON Schema of the configuration of `axon run`.
    Configuration,
    /// The IAM policy of the operator.
    IamOperator,
    /// What the operator may do in addition for pools of Auto Scaling groups.
    IamGroups,
    /// What the operator may do in addition for NeuronJobs.
    IamJobs,
    /// What the operator may do in addition in order to take things over.
    IamAdoption,
    /// The IAM policy for `axon plan`.
    IamPlan,
    /// What people may do in addition for `axon logs`.
    IamLogs,
}
