//! Whether a new tip follows from the commit in force.
//!
//! Somebody who rewrites a branch may do so by mistake or on purpose, and it may bring back objects that were removed. So
//! a person has to say that it is meant. Reads commits only.

use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use gix::{ObjectId, Repository};

use super::cancel::Cancel;
use super::failure::Failure;
use super::fetch::missing_object;
use crate::source::status::SourceReason;

/// The digits of a commit's id that people need.
const SHORT: usize = 12;

/// Fails unless the second commit is a descendant of the first.
pub(crate) fn follows(
    repository: &Repository,
    (old, new): (ObjectId, ObjectId),
    name: &str,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let newest_first = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
    let walk = repository.rev_walk([new]).sorting(newest_first).all().map_err(|error| missing_object(&error))?;
    for commit in walk {
        cancel.check()?;
        if commit.map_err(|error| missing_object(&error))?.id == old {
            return Ok(());
        }
    }
    let message = format!(
        "{name} was rewritten: {} does not follow from {}, which stays in force. If that is meant, set forcePush: \
         Accept, or restart axon, which then takes whatever is newest",
        new.to_hex_with_len(SHORT),
        old.to_hex_with_len(SHORT)
    );
    Err(Failure::new(SourceReason::ForcePushRefused, message))
}
