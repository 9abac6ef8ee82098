//! What colours mean. Neighbours: `show` paints with it, `output` strips it where it is not wanted. Not here: layout.

use anstyle::{AnsiColor, Style};

/// Good news and additions.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Changes and warnings.
pub(crate) const CAUTION: Style = AnsiColor::Yellow.on_default();
/// Failures and deletions.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Headings and totals.
pub(crate) const STRONG: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The text in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
