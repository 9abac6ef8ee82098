//! A parameter of the account as a plain value: its type, its versions, its tags. Neighbours: `state` keeps them, `put` and
//! `delete` change them, `read` shows them. No rule about names or values belongs here.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// "Parameter Store retains the 100 most recently created versions of a parameter."
const VERSIONS: usize = 100;

/// One parameter.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// As it was created: `/a` and `a` are the same parameter.
    pub(crate) name: String,
    /// `String` or `StringList`.
    pub(crate) kind: String,
    /// Values by version.
    pub(crate) versions: BTreeMap<i64, Version>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// One version of a parameter.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) made: Timestamp,
    pub(crate) value: String,
}

impl Parameter {
    /// The newest version's number; 0 before the first.
    pub(crate) fn latest(&self) -> i64 {
        self.versions.keys().next_back().copied().unwrap_or(0)
    }

    /// Adds a version and returns its number. The oldest goes when there are too many.
    pub(crate) fn add(&mut self, version: Version) -> i64 {
        let number = self.latest() + 1;
        self.versions.insert(number, version);
        while self.versions.len() > VERSIONS {
            self.versions.pop_first();
        }
        number
    }
}
