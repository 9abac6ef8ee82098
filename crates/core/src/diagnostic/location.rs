//! Where something is written: file, line, column and byte range.
//!
//! Neighbours: `parse` makes them, every diagnostic carries one, the CLI cuts the excerpt out of the file with them.
//! Not here: the text itself.

use std::fmt;
use std::sync::Arc;

/// A range in a source file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file's path, relative to the root of the source.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// Bytes from the beginning of the file.
    pub offset: usize,
    /// Length of the range in bytes.
    pub length: usize,
}

impl Location {
    /// The first character of a file.
    pub fn start_of(file: Arc<str>) -> Self {
        Self { file, line: 1, column: 1, offset: 0, length: 0 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
