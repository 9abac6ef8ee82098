//! Licences, banned crates, sources and known advisories, as `deny.toml` says them; cargo-deny does the checking.
//!
//! Neighbours: `stage` runs it; `deny.toml` holds the rules. Must not hold: a licence or the name of a crate.

use std::fs;
use std::path::PathBuf;

use crate::finding::Failure;
use crate::process::{self, command, is_installed};
use crate::stage::Outcome;

/// Checks what cargo-deny can check without a network, and the advisories where their database is at hand.
fn run_checks() -> Result<(), Failure> {
    process::run(&mut command("cargo", &["deny", "--log-level", "warn", "check", "licenses", "bans", "sources"]))?;
    if advisory_database_is_at_hand() {
        return process::run(&mut command(
            "cargo",
            &["deny", "--log-level", "warn", "check", "--disable-fetch", "advisories"],
        ));
    }
    eprintln!(
        "deny: *** advisories NOT CHECKED: their database is not on this machine; `cargo deny fetch db` brings it"
    );
    Ok(())
}

/// Runs the checks, or says that it could not.
pub(crate) fn run() -> Result<Outcome, Failure> {
    if !is_installed(&mut command("cargo", &["deny", "--version"])) {
        let install = "cargo install cargo-deny --locked";
        return Ok(Outcome::NotRun(format!("deny.toml was not checked, cargo-deny is not installed; `{install}`")));
    }
    run_checks()?;
    Ok(Outcome::Passed)
}

/// A clone that failed half-way leaves a folder without `crates`.
fn advisory_database_is_at_hand() -> bool {
    let Some(home) = cargo_home() else { return false };
    let Ok(databases) = fs::read_dir(home.join("advisory-dbs")) else { return false };
    databases.flatten().any(|database| database.path().join("crates").is_dir())
}

fn cargo_home() -> Option<PathBuf> {
    let set = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}
