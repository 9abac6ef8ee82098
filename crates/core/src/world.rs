//! What is wanted beside what is there: the ground that planning stands on.
//!
//! Between `resolve` + `state` and everything that compares the two: `job::agenda`, `allocate`, `plan`, `check`, `judge`. No rules.

use crate::desired::Desired;
use crate::observed::Observed;
use crate::ownership::Installation;

/// Everything that a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// Whose resources are ours.
    pub installation: &'a Installation,
    /// What should be true.
    pub desired: &'a Desired,
    /// What was read.
    pub observed: &'a Observed,
}
