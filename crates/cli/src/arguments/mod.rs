//! The command line as data: every command, flag and `AXON_…` variable.
//!
//! Neighbours: the composition root parses, `commands` read. The doc comments are the help texts. Not here: what the
//! commands do.

mod aws;
mod commands;
mod format;
mod global;
mod job;
mod logs;
mod policy;
mod prune;
mod values;

use clap::Parser;

pub use aws::{AwsArguments, Speed};
pub use commands::{
    Apply, Command, Detail, Docs, Events, Explain, Healthcheck, Page, Plan, Render, Run, Simulate, Status, Validate,
};
pub use format::{EventsFormat, Format, PlanFormat, RenderFormat, StatusFormat};
pub use global::{Color, Global, LogFormat};
pub use job::{Job, JobCancel, JobCommand, JobList, JobRetry, JobRun};
pub use logs::Logs;
pub use policy::PolicyArguments;
pub use prune::PruneArguments;
pub use values::{Ending, Lasting, Listen, Since};

/// Keeps AWS Neuron (Inferentia, Trainium) workloads on Amazon ECS equal to YAML in git.
///
/// Objects are NeuronCluster, NeuronPool (capacity), NeuronService (replicas of an inference server) and NeuronJob (work that
/// ends). Everything that talks to AWS also takes `--simulate`: a small AWS inside this program, for which no account is
/// needed.
#[derive(Debug, Parser)]
#[command(
    name = "axon",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = "Try it without an AWS account: axon run --simulate --until-ready config/examples\n\
                  Exit codes: 0 done · 1 findings, failure or not Ready · 2 usage · 124 timeout"
)]
pub struct Arguments {
    #[command(flatten)]
    /// What every command takes.
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

#[cfg(test)]
mod tests;
