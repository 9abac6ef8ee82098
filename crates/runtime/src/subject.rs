//! What an event is about: an object, or a source.
//!
//! Part of `events`; written as `Kind/name` wherever it is shown or sent.

use std::fmt;
use std::str::FromStr;

use axon_core::spec::{Kind, ObjectKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a source is written, in the place of a kind.
const SOURCE: &str = "Source";

/// What something happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An object.
    Object(ObjectKey),
    /// A source, by its name.
    Source(String),
}

/// `NeuronService/llama`, or `Source/fleet`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(key) => f.pad(&key.to_string()),
            Self::Source(name) => f.pad(&format!("{SOURCE}/{name}")),
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = text.split_once('/').and_then(|(kind, name)| match Kind::named(kind) {
            Some(kind) => Some(Self::Object(ObjectKey { kind, name: name.parse().ok()? })),
            None => (kind == SOURCE).then(|| Self::Source(name.to_owned())),
        });
        read.ok_or_else(|| format!("{text:?} is no object and no source"))
    }
}

impl From<ObjectKey> for Subject {
    fn from(key: ObjectKey) -> Self {
        Self::Object(key)
    }
}

impl PartialEq<ObjectKey> for Subject {
    fn eq(&self, key: &ObjectKey) -> bool {
        matches!(self, Self::Object(object) if object == key)
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_written_as_kind_and_name_and_can_be_read_again() {
        for text in ["NeuronService/llama", "Source/fleet"] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
            assert_eq!(serde_json::to_value(&subject).unwrap(), text);
            assert_eq!(serde_json::from_value::<Subject>(text.into()).unwrap(), subject);
        }
        assert!("Nothing/x".parse::<Subject>().is_err() && "fleet".parse::<Subject>().is_err());
    }
}
