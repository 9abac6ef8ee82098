//! What the well-known annotations ask for: may Axon delete the object, take over an existing one, or touch it at all.
//!
//! Neighbours: read out of `Metadata::annotations` by `validate`; `plan` obeys it.
//! Not here: annotations of other people, which are left alone.

use std::collections::BTreeMap;

/// The prefix that belongs to Axon in annotations and tags.
pub const PREFIX: &str = "neuron.ecs/";
/// The annotation that says whether an object gone from git is deleted on AWS.
pub const PRUNE: &str = "neuron.ecs/prune";
/// The annotation that says whether an existing thing on AWS may be taken over.
pub const ADOPT: &str = "neuron.ecs/adopt";
/// The annotation that stops all changes to an object.
pub const SUSPEND: &str = "neuron.ecs/suspend";

/// What happens on AWS when the object is gone from git.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prune {
    /// It is deleted.
    #[default]
    Enabled,
    /// It stays, and is reported.
    Disabled,
}

/// Whether a thing that already exists on AWS under the object's name may be taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Adopt {
    /// Never: it stays foreign and is reported as a conflict.
    #[default]
    Never,
    /// Only if it already carries this installation's tags.
    IfTagged,
    /// Whatever tags it has.
    Always,
}

/// The policy of one object, read from its annotations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// What happens when the object is gone from git.
    pub prune: Prune,
    /// Whether an existing thing may be taken over.
    pub adopt: Adopt,
    /// True if nothing on AWS may be changed for this object for now.
    pub suspend: bool,
}

/// An annotation under Axon's prefix that cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadAnnotation {
    /// The key is under `neuron.ecs/` but Axon does not know it.
    UnknownKey {
        /// The annotation's key.
        key: String,
    },
    /// The key is known and its value is not one of the allowed ones.
    UnknownValue {
        /// The annotation's key.
        key: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        allowed: &'static [&'static str],
    },
}

impl Policy {
    /// Reads the policy, or says everything that is wrong with the annotations under Axon's prefix.
    pub fn read(annotations: &BTreeMap<String, String>) -> Result<Self, Vec<BadAnnotation>> {
        let mut policy = Self::default();
        let mut bad = Vec::new();
        for (key, value) in annotations.iter().filter(|(key, _)| key.starts_with(PREFIX)) {
            if let Err(problem) = policy.take(key, value) {
                bad.push(problem);
            }
        }
        if bad.is_empty() { Ok(policy) } else { Err(bad) }
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), BadAnnotation> {
        let unknown = |key, allowed| BadAnnotation::UnknownValue { key, value: value.to_owned(), allowed };
        match key {
            PRUNE => {
                self.prune = match value {
                    "Enabled" => Prune::Enabled,
                    "Disabled" => Prune::Disabled,
                    _ => return Err(unknown(PRUNE, &["Enabled", "Disabled"])),
                }
            }
            ADOPT => {
                self.adopt = match value {
                    "Never" => Adopt::Never,
                    "IfTagged" => Adopt::IfTagged,
                    "Always" => Adopt::Always,
                    _ => return Err(unknown(ADOPT, &["Never", "IfTagged", "Always"])),
                }
            }
            SUSPEND => {
                self.suspend = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(unknown(SUSPEND, &["true", "false"])),
                }
            }
            _ => return Err(BadAnnotation::UnknownKey { key: key.to_owned() }),
        }
        Ok(())
    }
}
