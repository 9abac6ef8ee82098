//! Findings as excerpts of the source with what is wrong underlined, or as JSON.
//!
//! Neighbours: `axon_core::diagnostic` holds the values, miette draws. Not here: which findings fail a command.

use std::collections::BTreeMap;
use std::fmt;

use axon_core::diagnostic::{Diagnostic, Location, Severity};
use axon_core::parse::SourceFile;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan};
use serde_json::{Value, json};

use crate::output::paint::{BAD, CAUTION, GOOD, paint};

/// How many findings there are of each severity, in how many files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Findings that hold their object.
    pub errors: usize,
    /// The others.
    pub warnings: usize,
    /// Files that were read.
    pub files: usize,
}

impl Tally {
    /// Counts.
    pub(crate) fn of(found: &[Diagnostic], files: usize) -> Self {
        let errors = found.iter().filter(|finding| finding.is_error()).count();
        Self { errors, warnings: found.len() - errors, files }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = count(self.files, "file");
        match (self.errors, self.warnings) {
            (0, 0) => write!(f, "no findings in {files}"),
            (errors, 0) => write!(f, "{} in {files}", count(errors, "error")),
            (0, warnings) => write!(f, "{} in {files}", count(warnings, "warning")),
            (errors, warnings) => write!(f, "{}, {} in {files}", count(errors, "error"), count(warnings, "warning")),
        }
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// The line below the findings, in the colour of the worst.
pub(crate) fn summary(tally: Tally) -> String {
    let style = match (tally.errors, tally.warnings) {
        (0, 0) => GOOD,
        (0, _) => CAUTION,
        _ => BAD,
    };
    format!("{}\n", paint(style, tally))
}

/// Draws every finding with its excerpt.
pub(crate) fn drawn(found: &[Diagnostic], files: &[SourceFile], columns: Option<u16>) -> String {
    let sources: BTreeMap<&str, &str> = files.iter().map(|file| (&*file.path, &*file.text)).collect();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_links(false)
        .with_context_lines(1)
        .with_width(usize::from(columns.unwrap_or(120)).min(120));
    let mut text = String::new();
    for finding in found {
        let excerpt = Excerpt::of(finding, &sources);
        if handler.render_report(&mut text, &excerpt).is_err() {
            // The excerpt could not be cut; the finding itself must not be lost.
            text.push_str(&finding.to_string());
        }
        text = format!("{}\n\n", text.trim_end());
    }
    text
}

/// All findings for machines.
pub(crate) fn json(found: &[Diagnostic], tally: Tally) -> Value {
    let findings: Vec<Value> = found.iter().map(finding_json).collect();
    json!({
        "findings": findings,
        "errors": tally.errors,
        "warnings": tally.warnings,
        "files": tally.files,
    })
}

fn finding_json(finding: &Diagnostic) -> Value {
    let related: Vec<Value> = finding
        .related
        .iter()
        .map(|related| json!({"at": place_json(&related.at), "message": related.message}))
        .collect();
    json!({
        "code": finding.code.as_str(),
        "severity": finding.severity.to_string(),
        "title": finding.code.title(),
        "object": finding.object.as_ref().map(ToString::to_string),
        "at": place_json(&finding.at),
        "message": finding.message,
        "help": finding.help,
        "related": related,
    })
}

fn place_json(at: &Location) -> Value {
    json!({"file": &*at.file, "line": at.line, "column": at.column, "offset": at.offset, "length": at.length})
}

/// A finding beside the text that it is about.
struct Excerpt<'a> {
    finding: &'a Diagnostic,
    source: NamedSource<String>,
}

impl<'a> Excerpt<'a> {
    fn of(finding: &'a Diagnostic, sources: &BTreeMap<&str, &str>) -> Self {
        let text = sources.get(&*finding.at.file).copied().unwrap_or_default();
        let source = NamedSource::new(&*finding.at.file, text.to_owned()).with_language("yaml");
        Self { finding, source }
    }

    fn span(&self, at: &Location) -> SourceSpan {
        let end = self.source.inner().len();
        let offset = at.offset.min(end);
        SourceSpan::new(offset.into(), at.length.min(end - offset))
    }
}

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.finding.object {
            Some(object) => write!(f, "{object}: {}", self.finding.message),
            None => f.write_str(&self.finding.message),
        }
    }
}

impl std::error::Error for Excerpt<'_> {}

impl miette::Diagnostic for Excerpt<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let mut lines = Vec::new();
        if !self.finding.help.is_empty() {
            lines.push(self.finding.help.clone());
        }
        let elsewhere = self.finding.related.iter().filter(|related| related.at.file != self.finding.at.file);
        lines.extend(elsewhere.map(|related| format!("{}: {}", related.at, related.message)));
        lines.push(format!("axon explain {}", self.finding.code));
        Some(Box::new(lines.join("\n")))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = LabeledSpan::new_primary_with_span(Some(label(self.finding)), self.span(&self.finding.at));
        let nearby = self.finding.related.iter().filter(|related| related.at.file == self.finding.at.file);
        let others =
            nearby.map(|related| LabeledSpan::new_with_span(Some(related.message.clone()), self.span(&related.at)));
        Some(Box::new(std::iter::once(here).chain(others)))
    }
}

/// The title of the code, as the end of a sentence.
fn label(finding: &Diagnostic) -> String {
    let title = finding.code.title();
    let mut letters = title.chars();
    match (letters.next(), title.chars().nth(1)) {
        // `AWS's …` and `ECS …` keep their capitals.
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
        _ => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axon_core::diagnostic::Code;

    use super::*;

    const TEXT: &str =
        "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: ml}\nspec:\n  tgas: {}\n";

    fn finding() -> Diagnostic {
        let at = Location { file: Arc::from("ml.yaml"), line: 5, column: 3, offset: 81, length: 4 };
        let message = "`tgas` is not a field of `spec`";
        Diagnostic::new(Code::UnknownField, at, message).with_help("Did you mean `tags`?")
    }

    #[test]
    fn an_error_shows_its_place_its_cause_and_what_to_do() {
        let files = [SourceFile { path: "ml.yaml".to_owned(), text: TEXT.to_owned() }];
        let text = drawn(&[finding()], &files, Some(80));
        let expected = "\
AX0108

  × `tgas` is not a field of `spec`
   ╭─[ml.yaml:5:3]
 4 │ spec:
 5 │   tgas: {}
   ·   ──┬─
   ·     ╰── unknown field
   ╰────
  help: Did you mean `tags`?
        axon explain AX0108

";
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), expected);
    }

    #[test]
    fn a_place_that_is_not_in_the_file_loses_nothing() {
        let text = drawn(&[finding()], &[], None);
        assert!(text.contains("is not a field of"), "{text}");
    }

    #[test]
    fn the_summary_counts_each_severity() {
        let tally = |errors, warnings, files| Tally { errors, warnings, files }.to_string();
        assert_eq!(tally(3, 1, 4), "3 errors, 1 warning in 4 files");
        assert_eq!(tally(0, 2, 1), "2 warnings in 1 file");
        assert_eq!(tally(1, 0, 1), "1 error in 1 file");
        assert_eq!(tally(0, 0, 3), "no findings in 3 files");
    }

    #[test]
    fn machines_get_the_place_in_numbers() {
        let found = [finding()];
        let value = json(&found, Tally::of(&found, 1));
        assert_eq!(value["findings"][0]["at"]["line"], 5);
        assert_eq!(value["findings"][0]["code"], "AX0108");
        assert_eq!(value["errors"], 1);
    }
}
