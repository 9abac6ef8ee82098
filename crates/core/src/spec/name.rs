//! The name of an object, a container, a volume or a target: one character set for all, because ECS uses one.
//!
//! Neighbours: used by every type in `spec`; `parse` reports a name that does not fit with its position.
//! Not here: rules for particular names (a pool may not start with `aws`), which live in `validate`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A name that ECS accepts: 1 to 255 ASCII letters, digits, `_` and `-`.
///
/// Source: the descriptions of `clusterName`, `serviceName`, `family` and container `name` in the ECS API model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseNameError {
    /// The text has no character at all.
    #[error("the name is empty")]
    Empty,
    /// The text is longer than 255 characters; the number is its length in bytes.
    #[error("the name has {0} characters; ECS allows 255")]
    TooLong(usize),
    /// The first character outside the allowed set.
    #[error("the name contains {0:?}; ECS allows ASCII letters, digits, `_` and `-`")]
    Character(char),
}

impl Name {
    /// The longest name ECS accepts, in characters.
    pub const MAX: usize = 255;
    /// The pattern of the JSON Schema.
    pub const PATTERN: &'static str = "^[A-Za-z0-9_-]{1,255}$";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseNameError::Empty);
        }
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
            return Err(ParseNameError::Character(bad));
        }
        if text.len() > Self::MAX {
            return Err(ParseNameError::TooLong(text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = ParseNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": Self::PATTERN,
            "description": "1 to 255 ASCII letters, digits, `_` and `-`."
        })
    }
}
