//! Keeps AWS's error codes from growing without bound as values of a label.
//!
//! Between `meter` and `families`. Which codes AWS has is not known in advance, so the first ones that appear are kept by
//! name and all others are one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Codes that are kept by name, over all targets and operations.
const MOST_CODES: usize = 64;
/// The longest code that is kept by name.
const LONGEST: usize = 64;
/// What all other codes are counted as.
pub(super) const OTHER: &str = "Other";

/// The codes that have appeared.
#[derive(Debug, Default)]
pub(super) struct Codes(Mutex<BTreeSet<String>>);

impl Codes {
    /// The code as a value of a label.
    pub(super) fn label<'a>(&self, code: &'a str) -> &'a str {
        let is_word = !code.is_empty()
            && code.len() <= LONGEST
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if !is_word {
            return OTHER;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(code) {
            return code;
        }
        if known.len() >= MOST_CODES {
            return OTHER;
        }
        known.insert(code.to_owned());
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_codes_keep_their_names_and_all_later_ones_are_one() {
        let codes = Codes::default();
        for number in 0..1_000 {
            let code = format!("Code{number}");
            let expected = if number < MOST_CODES { code.as_str() } else { OTHER };
            assert_eq!(codes.label(&code), expected);
        }
        assert_eq!(codes.label("Code0"), "Code0");
    }

    #[test]
    fn what_is_no_word_has_no_name() {
        let codes = Codes::default();
        for code in ["", "a b", "arn:aws:ecs", "ümlaut", &"x".repeat(65)] {
            assert_eq!(codes.label(code), OTHER, "{code}");
        }
        assert_eq!(codes.label("InvalidInstanceID.NotFound"), "InvalidInstanceID.NotFound");
    }
}
