//! Known-bad patches: each breaks one thing on purpose, and the tests have to notice.
//!
//! Neighbours: `tests/bad-patches.yaml` lists them; `process` starts cargo. They are put to a worktree of their own, one after the
//! other. That each still fits the code is a test beside this; that each is noticed is tried by hand, for it takes an hour.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::finding::Failure;
use crate::process;

/// The list.
const LIST: &str = "tests/bad-patches.yaml";

/// Fast to build and slow to run: a patch is compiled for half a minute of tests. Of the crates that are not of this workspace, what
/// its own tests have built is used.
const PROFILE: &[&str] =
    &["--config", "profile.dev.debug=false", "--config", "profile.dev.package.axon-core.opt-level=0"];

/// One thing broken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    /// In words.
    what: String,
    /// Where, from the root.
    file: PathBuf,
    /// A text that is there once.
    old: String,
    /// What takes its place.
    new: String,
}

impl Patch {
    /// Tests that know the crate which it breaks; they run until the first program of them that fails. The SDK would be built
    /// once more for a package by itself.
    fn tests(&self) -> Option<&'static [&'static str]> {
        match self.file.iter().nth(1)?.to_str()? {
            "core" => Some(&["test", "--package", "axon-core", "--lib", "--test", "planner"]),
            "aws" => Some(&["test", "--workspace", "--lib", "--test", "aws"]),
            "runtime" => Some(&["test", "--workspace", "--lib"]),
            _ => None,
        }
    }
}

/// What the tests said.
enum Verdict {
    /// Tests that failed.
    Noticed(Vec<String>),
    /// All passed.
    Missed,
    /// It is no program.
    NotCompiled(String),
}

/// Tries every patch with this in its description. Those that nothing notices are failures.
pub(crate) fn run(only: &str) -> Result<(), Failure> {
    let patches = listed(&process::root())?;
    let place = process::root().join("target/bad-patches");
    worktree(&place)?;
    let mut missed = Vec::new();
    let chosen: Vec<&Patch> = patches.iter().filter(|patch| patch.what.contains(only)).collect();
    for patch in &chosen {
        match tried(patch, &place)? {
            Verdict::Noticed(tests) => {
                let first = tests.first().map_or("a program", String::as_str);
                println!("noticed  {} ({} tests, the first: {first})", patch.what, tests.len());
            }
            Verdict::Missed => {
                println!("MISSED   {}", patch.what);
                missed.push(patch.what.clone());
            }
            Verdict::NotCompiled(why) => {
                println!("NO CODE  {}\n{why}", patch.what);
                missed.push(format!("{} (does not compile)", patch.what));
            }
        }
    }
    println!("{} patches, {} noticed", chosen.len(), chosen.len() - missed.len());
    if missed.is_empty() { Ok(()) } else { Err(Failure::new(format!("not noticed: {}", missed.join("; ")))) }
}

fn listed(root: &Path) -> Result<Vec<Patch>, Failure> {
    let text = read(&root.join(LIST))?;
    serde_yaml::from_str(&text).map_err(|error| Failure::new(format!("{LIST}: {error}")))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// The last commit in a folder of its own, in which every file is newer than what a run that was broken off has built.
fn worktree(place: &Path) -> Result<(), Failure> {
    let path = place.display().to_string();
    if place.exists() {
        process::capture(&mut process::command("git", &["worktree", "remove", "--force", &path]))?;
    }
    process::capture(&mut process::command("git", &["worktree", "add", "--quiet", "--force", "--detach", &path]))?;
    Ok(())
}

fn cargo(place: &Path) -> Command {
    let mut command = process::command("cargo", PROFILE);
    command.current_dir(place).env("CARGO_TARGET_DIR", process::root().join("target"));
    // What proptest finds in a patched program must not fail in the next one.
    command.env("PROPTEST_CASES", "64").env("PROPTEST_FAILURE_PERSISTENCE", "off");
    command
}

fn tried(patch: &Patch, place: &Path) -> Result<Verdict, Failure> {
    let Some(tests) = patch.tests() else {
        return Err(Failure::new(format!("{LIST}: {}: no tests are known for {}", patch.what, patch.file.display())));
    };
    let file = place.join(&patch.file);
    let good = read(&file)?;
    let bad = patched(patch, &good)?;
    let write =
        |text: &str| std::fs::write(&file, text).map_err(|error| Failure::new(format!("{}: {error}", file.display())));
    write(&bad)?;
    let output =
        cargo(place).args(tests).output().map_err(|error| Failure::new(format!("cannot start cargo: {error}")));
    write(&good)?;
    let output = output?;
    let (said, talk) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(Verdict::Missed);
    }
    if talk.contains("could not compile") {
        let errors = talk.lines().filter(|line| line.starts_with("error")).take(3);
        return Ok(Verdict::NotCompiled(errors.collect::<Vec<_>>().join("\n")));
    }
    let failed = said.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    Ok(Verdict::Noticed(failed.map(str::to_owned).collect()))
}

fn patched(patch: &Patch, good: &str) -> Result<String, Failure> {
    match good.matches(&patch.old).count() {
        1 => Ok(good.replacen(&patch.old, &patch.new, 1)),
        count => Err(Failure::new(format!(
            "{LIST}: {}: its text is {count} times in {}, and must be there once",
            patch.what,
            patch.file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_patch_still_fits_the_code() {
        let root = process::root();
        let patches = listed(&root).unwrap();
        assert!(patches.len() >= 30, "{}", patches.len());
        for patch in &patches {
            let good = read(&root.join(&patch.file)).unwrap();
            assert_ne!(patched(patch, &good).unwrap(), good, "{}", patch.what);
            assert!(patch.tests().is_some(), "{}: nobody would notice", patch.what);
        }
    }

    #[test]
    fn a_text_that_is_there_twice_or_never_is_no_place_for_a_patch() {
        let patch = |old: &str| Patch {
            what: "a guard is gone".to_owned(),
            file: "a.rs".into(),
            old: old.to_owned(),
            new: String::new(),
        };
        assert_eq!(patched(&patch("b"), "abc").unwrap(), "ac");
        assert!(patched(&patch("b"), "abcb").is_err());
        assert!(patched(&patch("x"), "abc").is_err());
    }
}
