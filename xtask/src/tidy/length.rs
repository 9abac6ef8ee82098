//! The length of files: at most `LIMIT` lines of production code, except where `allowed-long-files.txt` says why not.
//!
//! Neighbours: `tidy` runs it; `rust_text` says where the tests of a file begin. Must not hold: another rule.

use std::collections::BTreeMap;

use crate::finding::Finding;

use super::files::SourceFile;
use super::rust_text;

/// The lines a file may have before its tests begin.
const LIMIT: usize = 400;

/// The list of exceptions: one `path reason` on a line, `#` opens a comment.
const EXCEPTIONS: &str = "xtask/allowed-long-files.txt";

/// Every file that is too long without a reason, and every exception that no file needs.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let listed = files.iter().find(|file| file.path == EXCEPTIONS).map_or("", |file| file.text.as_str());
    let mut exceptions = exceptions(listed);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = rust_text::production_lines(&file.text);
        if lines <= LIMIT {
            continue;
        }
        match exceptions.remove(file.path.as_str()) {
            Some("") => findings.push(Finding::new(EXCEPTIONS, format!("{} is listed without a reason", file.path))),
            Some(_) => {}
            None => findings.push(too_long(&file.path, lines)),
        }
    }
    findings.extend(
        exceptions.keys().map(|path| Finding::new(EXCEPTIONS, format!("{path} is not a long file; remove the line"))),
    );
    findings
}

fn exceptions(listed: &str) -> BTreeMap<&str, &str> {
    let lines = listed.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(char::is_whitespace).map_or((line, ""), |(path, reason)| (path, reason.trim())))
        .collect()
}

fn too_long(path: &str, lines: usize) -> Finding {
    Finding::new(
        path,
        format!("{lines} lines before its tests, more than {LIMIT}; split it, or say why not in {EXCEPTIONS}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(exceptions: &str, lines: usize) -> Vec<String> {
        let long = SourceFile { path: "crates/core/src/long.rs".to_owned(), text: "//\n".repeat(lines) };
        let list = SourceFile { path: EXCEPTIONS.to_owned(), text: exceptions.to_owned() };
        check(&[long, list]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_limit_itself_passes() {
        assert_eq!(findings("", LIMIT), Vec::<String>::new());
        assert_eq!(findings("", LIMIT + 1).len(), 1);
    }

    #[test]
    fn an_exception_needs_a_reason() {
        assert_eq!(findings("# why\ncrates/core/src/long.rs  one table\n", LIMIT + 1), Vec::<String>::new());
        assert_eq!(findings("crates/core/src/long.rs\n", LIMIT + 1).len(), 1);
    }

    #[test]
    fn an_exception_that_no_file_needs_is_found() {
        assert_eq!(findings("crates/core/src/long.rs  one table\n", LIMIT).len(), 1);
        assert_eq!(findings("crates/core/src/gone.rs  one table\n", LIMIT).len(), 1);
    }
}
