//! Flags of the commands that talk to AWS. Neighbours: `target` connects with them.

use std::str::FromStr;

use axon_core::ownership::{Installation, InvalidInstallation};
use axon_core::quota::Share;
use clap::Args;
use clap::builder::FalseyValueParser;

/// How to reach AWS.
#[derive(Clone, Debug, Args)]
pub struct AwsArguments {
    /// Use the simulated AWS inside this program: no account, no network, nothing lasts. Tasks of jobs end well after ten
    /// minutes.
    #[arg(long, env = "AXON_SIMULATE", hide_env = true, value_parser = FalseyValueParser::new())]
    #[arg(help_heading = "AWS options", conflicts_with_all = ["endpoint_url", "profile", "assume_role"])]
    pub simulate: bool,
    /// How fast the simulated time runs, against real time; only with --simulate.
    #[arg(long, env = "AXON_SPEED", hide_env = true, value_name = "N", default_value = "60")]
    #[arg(help_heading = "AWS options")]
    pub speed: Speed,
    /// Send every call there instead of to AWS, for instance to `axon simulate`.
    #[arg(long, env = "AXON_ENDPOINT_URL", hide_env = true, value_name = "URL", help_heading = "AWS options")]
    pub endpoint_url: Option<String>,
    /// Profile of the AWS configuration files [default: as the AWS CLI finds it].
    #[arg(long, env = "AXON_PROFILE", hide_env = true, value_name = "NAME", help_heading = "AWS options")]
    pub profile: Option<String>,
    /// AWS Region [default: as the AWS CLI finds it].
    #[arg(long, env = "AXON_REGION", hide_env = true, value_name = "REGION", help_heading = "AWS options")]
    pub region: Option<String>,
    /// Role to take on with the credentials found.
    #[arg(long, env = "AXON_ASSUME_ROLE", hide_env = true, value_name = "ARN", help_heading = "AWS options")]
    pub assume_role: Option<String>,
    /// External id that the role's trust policy asks for.
    #[arg(long, env = "AXON_EXTERNAL_ID", hide_env = true, value_name = "ID", help_heading = "AWS options")]
    #[arg(requires = "assume_role")]
    pub external_id: Option<String>,
    /// Which resources are ours: what carries this id in its tag neuron.ecs/managed-by. Nothing else is ever touched
    /// [default: axon].
    #[arg(long, env = "AXON_INSTALLATION", hide_env = true, value_name = "ID", help_heading = "AWS options")]
    pub installation: Option<Installation>,
    /// How much of the account's limits on calls reads may take. No flag: the configuration file has it.
    #[arg(skip)]
    pub share: Share,
}

impl AwsArguments {
    /// Whose resources are ours, if nobody says otherwise.
    pub const INSTALLATION: &'static str = "axon";

    /// Whose resources are ours: as given, else `axon`.
    pub fn installation(&self) -> Result<Installation, InvalidInstallation> {
        self.installation.clone().map_or_else(|| Self::INSTALLATION.parse(), Ok)
    }
}

/// How many seconds of simulated time pass in one real second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    /// The factor.
    pub const fn factor(self) -> f64 {
        self.0
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(factor) if (0.1..=10_000.0).contains(&factor) => Ok(Self(factor)),
            _ => Err("give a number from 0.1 to 10000".to_owned()),
        }
    }
}
