//! What one snapshot of git asks for once every rule is met: the valid objects by name, and which ones to hold still.
//!
//! Neighbours: `validate` builds it, `resolve` and `plan` read it.
//! Not here: how objects became invalid; that is in the diagnostics.

use std::collections::{BTreeMap, BTreeSet};

use super::{Name, NeuronCluster, NeuronJob, NeuronPool, NeuronService, ObjectKey, Policy};
use crate::diagnostic::Location;

/// A valid object, with what its annotations ask for and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted<T> {
    /// The object as declared.
    pub object: T,
    /// What its annotations ask for.
    pub policy: Policy,
    /// Where its document begins.
    pub source: Location,
}

impl<T> std::ops::Deref for Accepted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

/// Whether every document of the snapshot could be told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Completeness {
    /// Every document has a kind and a name: what is missing here is really gone from git.
    #[default]
    Complete,
    /// At least one document could not be read far enough to know which object it is: nothing may be pruned.
    Partial,
}

/// The objects of one snapshot that meet every rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    /// Clusters by name.
    pub clusters: BTreeMap<Name, Accepted<NeuronCluster>>,
    /// Pools by name.
    pub pools: BTreeMap<Name, Accepted<NeuronPool>>,
    /// Services by name.
    pub services: BTreeMap<Name, Accepted<NeuronService>>,
    /// Jobs by name.
    pub jobs: BTreeMap<Name, Accepted<NeuronJob>>,
    /// Declared but invalid: keep what is on AWS, change nothing, prune nothing. None of them is in the maps.
    pub stalled: BTreeSet<ObjectKey>,
    /// Whether absence from this fleet means absence from git.
    pub complete: Completeness,
}
