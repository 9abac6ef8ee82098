//! Hashes of rendered documents, so that "did what we render change?" needs no comparison of documents.
//!
//! `resolve` computes them, tags carry them, `plan` compares them. The version is part of the text: a hash of another
//! version proves nothing, neither equality nor change.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Version of the hash function and of the canonical form. Raise it when either changes.
const VERSION: &str = "v1";

/// `v1:` and 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

/// What two fingerprints say about the documents behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same document.
    Same,
    /// Different documents.
    Different,
    /// One of them was made by another version of Axon: draw no conclusion.
    Unknown,
}

impl Fingerprint {
    /// The fingerprint of a document. The order of object members does not matter; the order of lists does.
    pub fn of(document: &impl Serialize) -> Self {
        let value = serde_json::to_value(document).unwrap_or(Value::Null);
        let mut canonical = String::new();
        write_canonical(&value, &mut canonical);
        Self(format!("{VERSION}:{}", hex(&canonical, 32)))
    }

    /// Reads a fingerprint from a tag. Anything is accepted: what is not of our version compares as unknown.
    pub fn from_tag(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Compares with the fingerprint found on a resource.
    pub fn compare(&self, found: &Self) -> Comparison {
        if self == found {
            Comparison::Same
        } else if found.0.split_once(':').is_some_and(|(version, _)| version == VERSION) {
            Comparison::Different
        } else {
            Comparison::Unknown
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first `digits` (at most 64) hexadecimal digits of the SHA-256 of `text`.
pub fn hex(text: &str, digits: usize) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out.truncate(digits);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            out.push('{');
            for key in keys {
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_canonical(members.get(key).unwrap_or(&Value::Null), out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            out.push_str(&scalar.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_members_does_not_matter_and_the_order_of_lists_does() {
        let one = Fingerprint::of(&json!({"a": 1, "b": [1, 2]}));
        assert_eq!(one, Fingerprint::of(&json!({"b": [1, 2], "a": 1})));
        assert_ne!(one, Fingerprint::of(&json!({"b": [2, 1], "a": 1})));
    }

    #[test]
    fn a_fingerprint_of_another_version_proves_nothing() {
        let ours = Fingerprint::of(&json!(1));
        assert_eq!(ours.compare(&Fingerprint::from_tag("v0:abc")), Comparison::Unknown);
        assert_eq!(ours.compare(&Fingerprint::of(&json!(2))), Comparison::Different);
        assert_eq!(ours.compare(&Fingerprint::of(&json!(1))), Comparison::Same);
    }
}
