//! How single values read wherever they are shown.

use axon_core::status::{Reason, Truth};

/// What stands where nothing applies.
pub(crate) const NOTHING: &str = "-";

/// Whether it holds, in a word.
pub(crate) const fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    }
}

/// The reason as it is written everywhere.
pub(crate) fn reason(reason: Reason) -> String {
    word(&reason)
}

/// The word that serializing a unit variant gives.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => NOTHING.to_owned(),
    }
}

/// Texts from AWS may have line breaks, and a terminal must not be steered by them.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
