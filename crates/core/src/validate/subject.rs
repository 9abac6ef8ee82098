//! The object under judgement: where findings about it are collected, with the place of the field they are about.
//!
//! Neighbours: every rule of `validate` reports here. Not here: the rules.

use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Positions;
use crate::spec::ObjectKey;

/// The object under judgement.
pub(super) struct Subject<'a> {
    key: &'a ObjectKey,
    positions: &'a Positions,
    found: Vec<Diagnostic>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(key: &'a ObjectKey, positions: &'a Positions) -> Self {
        Self { key, positions, found: Vec::new() }
    }

    /// Adds a finding about the field at a JSON pointer.
    pub(super) fn report(&mut self, code: Code, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        let found = Diagnostic::new(code, self.positions.of(pointer), message);
        self.found.push(found.with_help(help).about(self.key.clone()));
    }

    pub(super) fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }
}
