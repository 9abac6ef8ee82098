//! Files that the program writes and that are committed all the same, so that a reader finds them without a build.
//!
//! Neighbours: `axon docs <page>` produces each page; `stage` compares. Must not hold: how a page is made.

use std::fs;
use std::path::Path;

use crate::finding::{Failure, Finding};
use crate::process::{self, capture, command, root};

/// One committed file and the arguments of `axon` that produce it on stdout.
struct Page {
    path: &'static str,
    args: &'static [&'static str],
}

/// Every generated file. A new page is one line here and one page in `axon docs`.
const PAGES: [Page; 10] = [
    Page { path: "config/axon.schema.json", args: &["docs", "schema"] },
    Page { path: "config/operator.schema.json", args: &["docs", "configuration"] },
    Page { path: "docs/reference/diagnostics.md", args: &["docs", "diagnostics"] },
    Page { path: "docs/reference/metrics.md", args: &["docs", "metrics"] },
    Page { path: "deploy/iam/operator.json", args: &["docs", "iam-operator"] },
    Page { path: "deploy/iam/operator-groups.json", args: &["docs", "iam-groups"] },
    Page { path: "deploy/iam/operator-jobs.json", args: &["docs", "iam-jobs"] },
    Page { path: "deploy/iam/operator-adoption.json", args: &["docs", "iam-adoption"] },
    Page { path: "deploy/iam/plan-read-only.json", args: &["docs", "iam-plan"] },
    Page { path: "deploy/iam/logs.json", args: &["docs", "iam-logs"] },
];

/// Whether to compare the files or to write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Check,
    Write,
}

/// Produces every page and compares it with, or writes it to, its file.
pub(crate) fn run(mode: Mode) -> Result<(), Failure> {
    // What the tests build too: another selection of packages would build the AWS SDK once more, with other features.
    process::run(&mut command("cargo", &["test", "--locked", "--quiet", "--workspace", "--no-run"]))?;
    let mut findings = Vec::new();
    for page in &PAGES {
        let wanted = produce(page)?;
        let path = root().join(page.path);
        let found = fs::read_to_string(&path).ok();
        if found.as_deref() == Some(wanted.as_str()) {
            continue;
        }
        match mode {
            Mode::Check => findings.push(stale(page.path, found.as_deref(), &wanted)),
            Mode::Write => {
                write(&path, &wanted).map_err(|error| Failure::new(format!("{}: {error}", page.path)))?;
                println!("wrote {}", page.path);
            }
        }
    }
    Failure::unless_empty(findings)
}

fn produce(page: &Page) -> Result<String, Failure> {
    // Cargo puts both programs into one folder.
    let here = std::env::current_exe().map_err(|error| Failure::new(format!("where is xtask: {error}")))?;
    let axon = here.with_file_name(format!("axon{}", std::env::consts::EXE_SUFFIX));
    let text = capture(&mut command(&axon.to_string_lossy(), page.args))?;
    if text.is_empty() {
        return Err(Failure::new(format!("`axon {}` wrote nothing for {}", page.args.join(" "), page.path)));
    }
    Ok(text)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn stale(path: &str, found: Option<&str>, wanted: &str) -> Finding {
    let repair = "`cargo xtask generated --write` brings it up to date";
    let Some(found) = found else { return Finding::new(path, format!("missing; {repair}")) };
    let line = first_difference(found, wanted);
    Finding::at_line(path, line, format!("the committed file is not what the code produces; {repair}"))
}

/// The first line that differs, counted from one.
fn first_difference(found: &str, wanted: &str) -> usize {
    let same = found.split('\n').zip(wanted.split('\n')).take_while(|(left, right)| left == right).count();
    same + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_page_and_a_stale_page_are_told_apart() {
        assert!(stale("a.md", None, "x").to_string().starts_with("a.md: missing"));
        assert!(stale("a.md", Some("1\n2\n"), "1\n3\n").to_string().starts_with("a.md:2: the committed"));
    }

    #[test]
    fn a_lost_last_line_is_a_difference() {
        assert_eq!(first_difference("1\n2\n", "1\n"), 2);
        assert_eq!(first_difference("", "1\n"), 1);
    }
}
