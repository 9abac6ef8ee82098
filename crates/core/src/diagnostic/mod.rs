//! Findings about what users wrote: a numbered code, a place, the cause with its evidence, and what to do.
//!
//! Neighbours: made by `parse` and `validate`, printed by the CLI and the web pages. Not here: the rules.

mod code;
mod location;
mod nearest;

pub use code::Code;
pub use location::Location;
pub(crate) use nearest::{did_you_mean, nearest};

use std::fmt;

use crate::spec::ObjectKey;
use crate::text::is_hidden;

/// Whether an object can be used in spite of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The object is held: what is on AWS stays as it is.
    Error,
    /// The object is used; someone should look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Another place that belongs to a finding, such as the first of two declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub at: Location,
    /// What is there.
    pub message: String,
}

/// A finding about what users wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The number.
    pub code: Code,
    /// Whether the object can be used.
    pub severity: Severity,
    /// The object, if its kind and name could be read.
    pub object: Option<ObjectKey>,
    /// The place.
    pub at: Location,
    /// The cause, with its evidence.
    pub message: String,
    /// What to do; empty if the message says it.
    pub help: String,
    /// Other places that belong to it.
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// A finding with the severity of its code.
    pub fn new(code: Code, at: Location, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            object: None,
            at,
            message: shown(message.into()),
            help: String::new(),
            related: Vec::new(),
        }
    }

    /// The finding, with what to do.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: shown(help.into()), ..self }
    }

    /// The finding, about this object.
    #[must_use]
    pub fn about(self, key: ObjectKey) -> Self {
        Self { object: Some(key), ..self }
    }

    /// The finding, with one more place.
    #[must_use]
    pub fn and_see(mut self, at: Location, message: impl Into<String>) -> Self {
        self.related.push(Related { at, message: shown(message.into()) });
        self
    }

    /// True if the object cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A text that may repeat what users wrote, with hidden characters written out: it is printed on terminals and in logs.
fn shown(text: String) -> String {
    let is_harmful = |letter: char| is_hidden(letter) && letter != '\n' && letter != '\t';
    if !text.chars().any(is_harmful) {
        return text;
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if is_harmful(letter) {
            plain.extend(letter.escape_unicode());
        } else {
            plain.push(letter);
        }
    }
    plain
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}: ", self.at, self.severity, self.code)?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, ". {}", self.help)?;
        }
        Ok(())
    }
}

/// Sorts findings by file and place, then by number, and drops repetitions.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (&a.at.file, a.at.offset, a.code, &a.message).cmp(&(&b.at.file, b.at.offset, b.code, &b.message))
    });
    diagnostics.dedup();
}

/// The page behind a code, as Markdown: what it means, an example, how to fix it, why.
pub fn explain(code: Code) -> &'static str {
    code.page()
}

/// The reference page with every code, as Markdown.
pub fn diagnostics_page() -> String {
    let mut page = String::from(
        "# Diagnostics\n\nGenerated from the table in `crates/core/src/diagnostic/code.rs`; do not edit.\n\n\
         An error holds the object: what is on AWS stays as it is. A warning does not. `axon explain AX0101` prints the\n\
         page behind a code: what it means, an example, how to fix it, and why.\n",
    );
    let mut chapter = "";
    for code in Code::ALL {
        let this = chapter_of(*code);
        if this != chapter {
            chapter = this;
            let text = format!("\n## {chapter}\n\n| code | severity | meaning |\n| --- | --- | --- |\n");
            page.push_str(&text);
        }
        let (number, severity, title) = (code.as_str(), code.severity(), code.title());
        let text = format!("| [{number}](../../crates/core/pages/{number}.md) | {severity} | {title} |\n");
        page.push_str(&text);
    }
    page
}

fn chapter_of(code: Code) -> &'static str {
    match code.as_str().get(..4).unwrap_or_default() {
        "AX01" => "Reading YAML",
        "AX02" => "Identity, references and tags",
        "AX03" => "Pools",
        "AX04" => "Neuron devices",
        "AX05" => "Tasks and containers",
        "AX06" => "Services and deployments",
        "AX07" => "Overrides",
        _ => "Jobs",
    }
}
