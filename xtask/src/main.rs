//! `cargo xtask`: one command that runs what CI runs, and each of its stages by itself.
//!
//! Neighbours: `stage` runs the stages in order and times them; `tidy`, `deps`, `generated`, `deny` and `sbom` are the stages that
//! are ours; `process` starts programs. Must not hold: a rule. A rule lives, as data, in the stage that checks it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command line: printing is its whole output"
)]

mod bad_patches;
mod deny;
mod deps;
mod finding;
mod generated;
mod process;
mod sbom;
mod stage;
mod tidy;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::finding::Failure;
use crate::generated::Mode;
use crate::stage::{MissingTool, Outcome, Stage};

/// Runs the checks of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Every stage in order; stops at the first that fails.
    Ci(CiArgs),
    /// `cargo fmt --check`.
    Fmt,
    /// Clippy on every target, warnings are errors.
    Clippy,
    /// `cargo test --workspace`.
    Test,
    /// `cargo doc --workspace`, warnings are errors.
    Doc,
    /// The rules on source text: headers, lengths, names, one home for clock, environment and printing.
    Tidy,
    /// The direction of dependencies between crates.
    Deps,
    /// Generated files that are committed: are they what the code produces today?
    Generated(GeneratedArgs),
    /// Licences, banned crates and sources, as deny.toml says.
    Deny,
    /// A list of what the binary is made of: `target/sbom/axon.cdx.json` (CycloneDX).
    Sbom,
    /// Optimised, by hand: every scenario with one call gone wrong, at every call and in every way.
    CrashSweep(LongRun),
    /// Optimised, by hand: histories drawn from seeds.
    Soak(LongRun),
    /// By hand: known-bad patches, each of which the tests have to notice.
    BadPatches(BadPatches),
    /// Optimised, by hand: a large fleet on a bad network for days.
    Days(LongRun),
}

#[derive(Debug, Args)]
struct CiArgs {
    /// A tool that is not installed is a failure, not a notice.
    #[arg(long)]
    require_tools: bool,
}

#[derive(Debug, Args)]
struct BadPatches {
    /// Only those with this in their description.
    #[arg(default_value = "")]
    only: String,
}

#[derive(Debug, Args)]
struct GeneratedArgs {
    /// Write the files instead of comparing them.
    #[arg(long)]
    write: bool,
}

/// What the run itself is told: `--help` lists it.
#[derive(Debug, Args)]
struct LongRun {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

impl LongRun {
    fn start(&self, which: &str) -> Result<(), Failure> {
        let cargo = ["run", "--profile", "soak", "--quiet", "--package", "axon-tests", "--bin", "trust", "--", which];
        process::run(process::command("cargo", &cargo).args(&self.options))
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<(), Failure> {
    let stage = match task {
        Task::Ci(args) => {
            let missing = if args.require_tools { MissingTool::Fails } else { MissingTool::IsReported };
            return stage::run_all(missing);
        }
        Task::Generated(GeneratedArgs { write: true }) => {
            generated::run(Mode::Write)?;
            return Ok(());
        }
        Task::Generated(GeneratedArgs { write: false }) => Stage::Generated,
        Task::BadPatches(BadPatches { only }) => return bad_patches::run(only),
        Task::CrashSweep(long) => return long.start("crash-sweep"),
        Task::Soak(long) => return long.start("soak"),
        Task::Days(long) => return long.start("days"),
        Task::Fmt => Stage::Fmt,
        Task::Clippy => Stage::Clippy,
        Task::Test => Stage::Test,
        Task::Doc => Stage::Doc,
        Task::Tidy => Stage::Tidy,
        Task::Deps => Stage::Deps,
        Task::Deny => Stage::Deny,
        Task::Sbom => Stage::Sbom,
    };
    match stage.run()? {
        Outcome::Passed => Ok(()),
        Outcome::NotRun(why) => Err(Failure::new(format!("{} NOT RUN: {why}", stage.name()))),
    }
}
