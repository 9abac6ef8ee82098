//! Parameters by name: GetParameters.
//!
//! Part of `observe`: `images` and `jobs` ask. Names that lead to nothing are left out.

use aws_sdk_ssm::types::Parameter;
use axon_core::cloud::Reading;

use crate::answers::Incomplete;
use crate::call::Caller;
use crate::error;
use crate::operations::Operation;

/// Most names that one GetParameters takes.
pub(super) const NAMED: usize = 10;

/// Those of the names that exist.
pub(super) async fn named(caller: &Caller, names: &[String]) -> Reading<Vec<Parameter>> {
    let request = caller.ssm.get_parameters().set_names(Some(names.to_vec()));
    let answer = caller.send(Operation::GetParameters, request.send()).await?;
    let found = answer.parameters.unwrap_or_default();
    let unknown = answer.invalid_parameters.unwrap_or_default();
    if found.len() + unknown.len() < names.len() {
        return Err(error::of_answer(Operation::GetParameters, &Incomplete("word about every name")));
    }
    Ok(found)
}
