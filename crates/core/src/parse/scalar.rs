//! What an unquoted word means: nothing, true or false, a number, or just text.
//!
//! Neighbours: `structure` asks with the type it expects, and `raw` values are read without one.
//! Not here: quoted texts, which are always texts.

use serde_json::{Number, Value};

/// True for what YAML reads as "no value".
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// `true` or `false`, and nothing else: `yes`, `on` and `True` are texts.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A decimal integer without leading zeros.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A decimal number, with or without fraction and exponent.
pub(crate) fn number(text: &str) -> Option<Number> {
    if let Some(whole) = integer(text) {
        return Some(whole.into());
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let allowed = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let starts = digits.starts_with(|c: char| c.is_ascii_digit());
    let padded = digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    if allowed && starts && !padded { text.parse().ok().and_then(Number::from_f64) } else { None }
}

/// The value of an unquoted word where any value is allowed.
pub(crate) fn any(text: &str) -> Value {
    if is_null(text) {
        return Value::Null;
    }
    if let Some(truth) = boolean(text) {
        return Value::Bool(truth);
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_only_look_like_values_stay_texts() {
        for text in ["no", "yes", "on", "010", "0x10", "1_000", ".5", "1.2.3", "True", "-", "+1", ".inf", "1e"] {
            assert_eq!(any(text), Value::String(text.to_owned()));
        }
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(integer("-12"), Some(-12));
        assert_eq!(any("1.5"), serde_json::json!(1.5));
        assert_eq!(any("1e3"), serde_json::json!(1000.0));
    }
}
