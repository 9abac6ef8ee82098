//! What the operator allows, for commands that are not the operator. Neighbours: `commands` takes it in for `validate`,
//! `plan` and `apply`; `crate::config` is the file.

use std::path::PathBuf;

use axon_core::roles::RoleRules;
use clap::Args;

use crate::config::OperatorConfig;
use crate::failure::Failure;

/// Whose policy counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct PolicyArguments {
    /// Apply the policy of this configuration of an operator: which IAM roles may be named. Nothing else of it counts.
    #[arg(long, env = "AXON_CONFIG", hide_env = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl PolicyArguments {
    /// Which roles may be named: any without a configuration.
    pub(crate) fn roles(&self) -> Result<RoleRules, Failure> {
        let Some(file) = &self.config else { return Ok(RoleRules::ANY) };
        Ok(OperatorConfig::read(file)?.policy.roles.allow)
    }
}
