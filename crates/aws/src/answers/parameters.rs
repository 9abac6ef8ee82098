//! Parameters of Parameter Store, as AWS answers them.
//!
//! Used by `observe`. No calls, no opinion.

use aws_sdk_ssm::types;
use axon_core::observe::Parameter;

use super::{Incomplete, present, time};

/// Reads a parameter with its value.
pub(crate) fn parameter(sdk: types::Parameter) -> Result<Parameter, Incomplete> {
    Ok(Parameter {
        name: present(sdk.name, "Parameters[].Name")?,
        value: present(sdk.value, "Parameters[].Value")?,
        written: time(sdk.last_modified_date),
    })
}
