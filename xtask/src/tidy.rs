//! The rules on text that neither rustfmt nor clippy checks.
//!
//! Neighbours: `tidy/files` lists what is in the repository; `tidy/rust_text` tells code from comments and strings;
//! `tidy/rules` holds the rules as data; `tidy/length` knows the files that may be long. Must not hold: a rule.

mod files;
mod length;
mod rules;
mod rust_text;

use crate::finding::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    let files = files::list()?;
    let machine = files::machine_paths();
    let mut findings = length::check(&files);
    for file in &files {
        findings.extend(rules::check(file));
        findings.extend(rules::machine_paths(file, &machine));
    }
    Failure::unless_empty(findings)
}
