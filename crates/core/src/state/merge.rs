//! Files a complete reading without undoing what our own calls have done since it began.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::observed::Listing;
use crate::step::Resource;

/// Knows which readings are older than our own writes.
pub(super) struct Newer<'a> {
    written: &'a BTreeMap<Resource, Timestamp>,
    started: Timestamp,
}

impl<'a> Newer<'a> {
    /// Compares with a sweep that began at `started`.
    pub(super) const fn than(written: &'a BTreeMap<Resource, Timestamp>, started: Timestamp) -> Self {
        Self { written, started }
    }

    /// Takes over a complete list, but keeps what we know about resources that were written after the sweep began.
    pub(super) fn merge<T: Clone>(
        &self,
        known: &mut Listing<T>,
        mut read: BTreeMap<String, T>,
        id: impl Fn(&str, &T) -> Resource,
    ) {
        let written_since =
            |name: &str, entry: &T| self.written.get(&id(name, entry)).is_some_and(|at| *at >= self.started);
        if let Listing::Read(entries) = &*known {
            read.retain(|name, entry| entries.contains_key(name) || !written_since(name, entry));
            for (name, entry) in entries {
                if written_since(name, entry) {
                    read.insert(name.clone(), entry.clone());
                }
            }
        }
        *known = Listing::Read(read);
    }
}
