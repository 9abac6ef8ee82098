//! The sign and the colour of a change.

use anstyle::Style;
use axon_core::step::Change;

use crate::output::paint::{BAD, CAUTION, GOOD};

/// `+`, `~` or `-`.
pub(crate) const fn sign(change: Change) -> &'static str {
    match change {
        Change::Create => "+",
        Change::Update => "~",
        Change::Delete => "-",
    }
}

/// The colour of a sign.
pub(crate) const fn color(change: Change) -> Style {
    match change {
        Change::Create => GOOD,
        Change::Update => CAUTION,
        Change::Delete => BAD,
    }
}
