//! Arguments of `axon logs`. Neighbours: `commands::logs` reads them.

use clap::Args;
use clap::builder::FalseyValueParser;

use super::aws::AwsArguments;
use super::format::Format;
use super::values::Since;

/// `axon logs`.
///
/// Reads the log streams that the task definitions of the tasks name, from CloudWatch Logs. It asks AWS, and not an operator.
#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// Whose output: NeuronJob/train or NeuronService/llama.
    #[arg(value_name = "KIND/NAME")]
    pub object: String,
    /// Of a job: an index (7) or an attempt (7.2). Of a service: a task, by its id or the beginning of it [default: all].
    #[arg(value_name = "WHICH")]
    pub which: Option<String>,
    /// Go on with what is written from now on, also by tasks that start later. Of a job, it ends with the run: with 0 if that
    /// is complete, else with 1.
    #[arg(short, long, env = "AXON_FOLLOW", hide_env = true, value_parser = FalseyValueParser::new())]
    pub follow: bool,
    /// Only what was written in this time until now, such as 10m, or since this instant.
    #[arg(long, env = "AXON_SINCE", hide_env = true, value_name = "TIME")]
    pub since: Option<Since>,
    /// Of each container at most so many lines, the last ones.
    #[arg(long, env = "AXON_TAIL", hide_env = true, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub tail: Option<u32>,
    /// Only this container [default: every one that logs to CloudWatch].
    #[arg(short, long, env = "AXON_CONTAINER", hide_env = true, value_name = "NAME")]
    pub container: Option<String>,
    /// Which run of a job, as `axon job list` names it [default: the newest].
    #[arg(long, env = "AXON_RUN", hide_env = true, value_name = "RUN")]
    pub run: Option<String>,
    /// Of a service: tasks that have stopped, as long as ECS remembers them, which is an hour.
    #[arg(short, long, env = "AXON_PREVIOUS", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(conflicts_with_all = ["follow", "run"])]
    pub previous: bool,
    /// Show when each line was written.
    #[arg(long, env = "AXON_TIMESTAMPS", hide_env = true, value_parser = FalseyValueParser::new())]
    pub timestamps: bool,
    /// How lines are printed; JSON is an object a line.
    #[arg(short, long, env = "AXON_OUTPUT", hide_env = true, value_enum, default_value_t)]
    pub output: Format,
    #[command(flatten)]
    /// How to reach AWS.
    pub aws: AwsArguments,
}
