//! Arguments of `axon job`. Neighbours: `commands::job` reads them.

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};

use super::aws::AwsArguments;
use super::format::StatusFormat;

/// `axon job`.
///
/// Talks to AWS, where the records of all runs are, and not to an operator. It starts and stops no task: a running operator
/// does that, with its next reading of AWS.
#[derive(Clone, Debug, Args)]
pub struct Job {
    /// What to do.
    #[command(subcommand)]
    pub command: JobCommand,
}

/// What to do with runs of jobs.
#[derive(Clone, Debug, Subcommand)]
pub enum JobCommand {
    /// Show the runs of all jobs, or of one with its attempts.
    List(JobList),
    /// Begin a run of a job now, beside what its specification asks for.
    Run(JobRun),
    /// Stop a run; its tasks are stopped, and it is not begun again.
    Cancel(JobCancel),
    /// Begin a run of the indexes that have not succeeded in the last one.
    Retry(JobRetry),
}

/// `axon job list`.
#[derive(Clone, Debug, Args)]
pub struct JobList {
    /// Only this job, with its attempts: train, or NeuronJob/train.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// How runs are printed.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: StatusFormat,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}

/// `axon job run`.
#[derive(Clone, Debug, Args)]
pub struct JobRun {
    /// Which job: train, or NeuronJob/train.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Begin it although another run of the job is not over. Both then run beside one another.
    #[arg(long, env = "AXON_PARALLEL", hide_env = true, value_parser = FalseyValueParser::new())]
    pub parallel: bool,
    /// Do not ask. Needed where nobody can answer.
    #[arg(short, long, env = "AXON_YES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub yes: bool,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}

/// `axon job cancel`.
#[derive(Clone, Debug, Args)]
pub struct JobCancel {
    /// Which job: train, or NeuronJob/train.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Which run, as `axon job list` names it [default: the only one that is not over].
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Why, in a few words; it stands in the status and with the stopped tasks.
    #[arg(long, env = "AXON_REASON", hide_env = true, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask. Needed where nobody can answer.
    #[arg(short, long, env = "AXON_YES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub yes: bool,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}

/// `axon job retry`.
#[derive(Clone, Debug, Args)]
pub struct JobRetry {
    /// Which job: train, or NeuronJob/train.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Do not ask. Needed where nobody can answer.
    #[arg(short, long, env = "AXON_YES", hide_env = true, value_parser = FalseyValueParser::new())]
    pub yes: bool,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}
