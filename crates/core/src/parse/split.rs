//! A file's text to the texts of its documents, keeping line numbers and byte offsets.
//!
//! Neighbours: `tree` reads each of them. Splitting first means that a broken document does not hide the ones after it.
//! Not here: anything about what is in a document.

use std::borrow::Cow;

/// The text of one document and where it begins in its file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    /// The text; its markers are replaced by spaces so that columns and offsets stay right.
    pub(crate) text: Cow<'a, str>,
    /// The line of its first character, from 1.
    pub(crate) first_line: usize,
    /// Bytes from the beginning of the file.
    pub(crate) offset: usize,
}

/// The documents of a text. YAML allows `---` and `...` at the beginning of a line only as markers between documents,
/// inside block texts too, so the lines can be looked at one by one.
pub(crate) fn documents(text: &str) -> Vec<Chunk<'_>> {
    let mut starts = vec![(0, 1)];
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if offset > 0 && is_marker(line) {
            starts.push((offset, index + 1));
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).map(|(offset, _)| *offset).chain([text.len()]);
    let ranges = starts.iter().zip(ends);
    ranges
        .filter_map(|((offset, first_line), end)| {
            let text = blank_marker(text.get(*offset..end)?);
            Some(Chunk { text, first_line: *first_line, offset: *offset })
        })
        .collect()
}

fn is_marker(line: &str) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

fn blank_marker(text: &str) -> Cow<'_, str> {
    if is_marker(text.split_inclusive('\n').next().unwrap_or_default()) {
        Cow::Owned(format!("   {}", text.get(3..).unwrap_or_default()))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_keeps_its_line_and_offset() {
        let text = "a: 1\n---\nb: 2\n--- # two\nc: 3\n";
        let starts: Vec<_> = documents(text).iter().map(|c| (c.first_line, c.offset)).collect();
        assert_eq!(starts, [(1, 0), (2, 5), (4, 14)]);
        assert_eq!(documents(text)[1].text, "   \nb: 2\n");
    }

    #[test]
    fn dashes_that_are_not_a_marker_do_not_split() {
        assert_eq!(documents("a: |\n  ---\n  x\n---b: 2\n").len(), 1);
    }

    #[test]
    fn a_marker_on_the_first_line_is_blanked() {
        assert_eq!(documents("---\na: 1\n")[0].text, "   \na: 1\n");
    }
}
