//! Who owns a resource on AWS, read from and written to its tags.
//!
//! Used by `resolve` (which tags a resource gets), `observe` (whose it is) and `plan` (what may be touched). What does
//! not carry our installation id is foreign: never changed, never deleted. No AWS calls here.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::shape::shared::Tag;
use crate::spec::{Kind, Name, ObjectKey};

/// Every tag of ours starts with this; users may not write such tags.
pub const PREFIX: &str = "neuron.ecs/";
/// The installation that manages the resource.
pub const MANAGED_BY: &str = "neuron.ecs/managed-by";
/// Kind of the object that the resource belongs to.
pub const KIND: &str = "neuron.ecs/kind";
/// Name of the object that the resource belongs to.
pub const NAME: &str = "neuron.ecs/name";
/// Version and hash of what was last rendered for the resource.
pub const FINGERPRINT: &str = "neuron.ecs/fingerprint";
/// Source revision that the resource was last written for. Informative: never compared.
pub const REVISION: &str = "neuron.ecs/revision";
/// Hash of the fields that AWS cannot change in place; another hash means another resource.
pub const GENERATION: &str = "neuron.ecs/generation";
/// `Disabled` keeps the resource when its object leaves git.
pub const PRUNE: &str = "neuron.ecs/prune";
/// `true` on a resource that Axon found and took over; such a resource is never deleted.
pub const ADOPTED: &str = "neuron.ecs/adopted";

/// Creation time of the newest deployment when this fingerprint was pushed: only a later one can be its failure.
pub const PUSHED_AFTER: &str = "neuron.ecs/pushed-after";
/// Keys of the tags that come from the specification, separated by spaces: what to remove when they leave it.
pub const TAG_KEYS: &str = "neuron.ecs/tag-keys";

/// Hash of everything that was rendered for the resource, written once AWS had it so; where drift is only reported.
pub const DECLARED: &str = "neuron.ecs/declared";

/// Ids of the Neuron devices that every task of a service has on its instance (`0-3`).
pub const DEVICES: &str = "neuron.ecs/devices";
/// The instance type that these ids belong to.
pub const INSTANCE_TYPE: &str = "neuron.ecs/instance-type";
/// Images and template contents that a rollout has failed with, separated by spaces: not tried again.
pub const QUARANTINED: &str = "neuron.ecs/quarantined";

/// On an EC2 instance: the version of its launch template for which Axon drains it.
pub const DRAINED_FOR: &str = "neuron.ecs/drained-for";

/// Tags of one resource, by key.
pub type Tags = BTreeMap<String, String>;

/// Identifies one Axon among several that may share an AWS account. 1 to 64 letters, digits, `-`, `_` or `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Installation(String);

/// Why a text is no installation id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no installation id: use 1 to 64 letters, digits, '-', '_' or '.'")]
pub struct InvalidInstallation(String);

impl TryFrom<String> for Installation {
    type Error = InvalidInstallation;

    fn try_from(text: String) -> Result<Self, InvalidInstallation> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidInstallation(text))
        }
    }
}

impl std::str::FromStr for Installation {
    type Err = InvalidInstallation;

    fn from_str(text: &str) -> Result<Self, InvalidInstallation> {
        Self::try_from(text.to_owned())
    }
}

impl From<Installation> for String {
    fn from(id: Installation) -> Self {
        id.0
    }
}

impl fmt::Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the tags of a resource say about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Carries our installation id and names an object.
    Us(ObjectKey),
    /// Carries another installation's id, or ours with a kind or name that we cannot read.
    Other(String),
    /// Carries no installation id at all.
    Nobody,
}

/// Reads the owner from the tags of a resource.
pub fn owner(tags: &Tags, installation: &Installation) -> Owner {
    let Some(id) = tags.get(MANAGED_BY) else { return Owner::Nobody };
    if *id != installation.0 {
        return Owner::Other(id.clone());
    }
    match named_object(tags) {
        Some(key) => Owner::Us(key),
        None => Owner::Other(format!("{id}, without a readable {KIND} and {NAME}")),
    }
}

/// The object that the tags name, whoever the owner is.
pub fn named_object(tags: &Tags) -> Option<ObjectKey> {
    let kind = Kind::named(tags.get(KIND)?)?;
    let name = Name::try_from(tags.get(NAME)?.clone()).ok()?;
    Some(ObjectKey { kind, name })
}

/// The tags that mark `object` as ours.
pub fn ownership_tags(installation: &Installation, object: &ObjectKey) -> Tags {
    Tags::from([
        (MANAGED_BY.to_owned(), installation.0.clone()),
        (KIND.to_owned(), object.kind.to_string()),
        (NAME.to_owned(), object.name.to_string()),
    ])
}

/// Tags as ECS takes them, in key order.
pub fn to_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_id_has_1_to_64_letters_digits_and_three_signs() {
        for good in ["a", "axon-2_b.C", &"x".repeat(64)] {
            assert_eq!(good.parse::<Installation>().map(|id| id.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Installation>(), Err(InvalidInstallation(bad.to_owned())));
        }
    }

    #[test]
    fn an_installation_id_is_written_as_it_was_read() {
        let read: Installation = serde_json::from_str(r#""axon-west""#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#""axon-west""#);
        serde_json::from_str::<Installation>(r#""two words""#).unwrap_err();
    }
}
