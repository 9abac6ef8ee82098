//! The stages of `cargo xtask ci`: their order, their times, and the summary at the end.
//!
//! Neighbours: `main` picks one stage or all; `tidy`, `deps`, `generated`, `deny` and `sbom` do the work of theirs. Must not
//! hold: the rules of a stage.

use std::time::{Duration, Instant};

use crate::finding::Failure;
use crate::generated::Mode;
use crate::process::{command, run};
use crate::{deny, deps, generated, sbom, tidy};

/// One stage of CI.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    Fmt,
    Clippy,
    Test,
    Doc,
    Tidy,
    Deps,
    Generated,
    Deny,
    Sbom,
}

/// How a stage ended, when it did not fail.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    /// It could not be run here, and why; never to be mistaken for a pass.
    NotRun(String),
}

/// What a stage that could not be run means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingTool {
    Fails,
    IsReported,
}

/// The order is what CI runs.
const ORDER: [Stage; 9] = [
    Stage::Fmt,
    Stage::Clippy,
    Stage::Test,
    Stage::Doc,
    Stage::Tidy,
    Stage::Deps,
    Stage::Generated,
    Stage::Deny,
    Stage::Sbom,
];

impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Test => "test",
            Self::Doc => "doc",
            Self::Tidy => "tidy",
            Self::Deps => "deps",
            Self::Generated => "generated",
            Self::Deny => "deny",
            Self::Sbom => "sbom",
        }
    }

    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        match self {
            Self::Fmt => run(&mut command("cargo", &["fmt", "--all", "--", "--check"]))?,
            Self::Clippy => {
                let args = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
                run(&mut command("cargo", &args))?;
            }
            Self::Test => run(&mut command("cargo", &["test", "--locked", "--workspace"]))?,
            Self::Doc => {
                let args = ["doc", "--locked", "--workspace", "--no-deps"];
                run(command("cargo", &args).env("RUSTDOCFLAGS", "-D warnings"))?;
            }
            Self::Tidy => tidy::run()?,
            Self::Deps => deps::run()?,
            Self::Generated => generated::run(Mode::Check)?,
            Self::Deny => return deny::run(),
            Self::Sbom => return sbom::run(),
        }
        Ok(Outcome::Passed)
    }
}

/// Every stage in order, up to the first that fails; then the summary.
pub(crate) fn run_all(missing: MissingTool) -> Result<(), Failure> {
    let started = now();
    let mut lines = Vec::new();
    let mut failed = None;
    for stage in ORDER {
        println!("ci: {} ...", stage.name());
        let stage_started = now();
        let (verdict, failure) = judge(stage.run(), missing);
        let line = format!("ci: {:<10}{verdict:<8}{}", stage.name(), seconds(stage_started.elapsed()));
        println!("{line}");
        lines.push(line);
        if let Some(failure) = failure {
            failed = Some((stage, failure));
            break;
        }
    }
    println!("\n{}", lines.join("\n"));
    let total = seconds(started.elapsed());
    match failed {
        None => {
            println!("ci: passed in {}", total.trim_start());
            Ok(())
        }
        Some((stage, failure)) => {
            let again = format!("again by itself: cargo xtask {}", stage.name());
            Err(Failure::new(format!(
                "{failure}\nci: FAILED at {} after {}; {again}",
                stage.name(),
                total.trim_start()
            )))
        }
    }
}

/// A stage's word in the summary, and its failure if there is one.
fn judge(result: Result<Outcome, Failure>, missing: MissingTool) -> (&'static str, Option<Failure>) {
    match result {
        Ok(Outcome::Passed) => ("ok", None),
        Ok(Outcome::NotRun(why)) => {
            eprintln!("ci: *** NOT RUN: {why}");
            ("NOT RUN", (missing == MissingTool::Fails).then(|| Failure::new(why)))
        }
        Err(failure) => ("FAILED", Some(failure)),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:>7.1} s", duration.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "times a developer's command; no product code links this package")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_missing_is_named_and_fails_only_where_it_is_required() {
        let (verdict, failure) = judge(Ok(Outcome::NotRun("no tool".to_owned())), MissingTool::IsReported);
        assert_eq!((verdict, failure.is_none()), ("NOT RUN", true));
        let (verdict, failure) = judge(Ok(Outcome::NotRun("no tool".to_owned())), MissingTool::Fails);
        assert_eq!((verdict, failure.map(|failure| failure.to_string())), ("NOT RUN", Some("no tool".to_owned())));
    }

    #[test]
    fn a_failure_is_kept() {
        let (verdict, failure) = judge(Err(Failure::new("broken")), MissingTool::IsReported);
        assert_eq!((verdict, failure.map(|failure| failure.to_string())), ("FAILED", Some("broken".to_owned())));
    }
}
