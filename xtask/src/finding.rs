//! What a check has to say: one `Finding` per broken rule and place, one `Failure` per stage that did not pass.
//!
//! Neighbours: `tidy` and `deps` make findings; `stage` and `main` print failures. Must not hold: a rule.

use std::fmt;

/// A rule that is broken somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Where: a path from the root, with `:line` where there is one, or the name of a package.
    pub(crate) place: String,
    /// What is wrong, and what to do instead.
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }

    pub(crate) fn at_line(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Why a stage did not pass.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Nothing found is a pass; otherwise every finding at once, in the order of their places.
    pub(crate) fn unless_empty(mut findings: Vec<Finding>) -> Result<(), Self> {
        if findings.is_empty() {
            return Ok(());
        }
        findings.sort();
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let count = lines.len();
        let noun = if count == 1 { "finding" } else { "findings" };
        Err(Self(format!("{}\n{count} {noun}", lines.join("\n"))))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
