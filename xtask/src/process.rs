//! Starts programs from the root of the repository.
//!
//! Neighbours: every stage that asks cargo or git. Must not hold: which program a stage runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::finding::Failure;

/// The root of the repository: the folder above this package.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// A command that will run in the root.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_this_package)) {
        command.env_remove(name);
    }
    command
}

/// What `cargo run` tells xtask about itself. Build scripts that watch these variables would run again, and with them
/// everything that depends on them, whenever cargo is started from here and then by hand.
fn is_of_this_package(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Runs a command with its output shown; anything but exit 0 is a failure.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = shown(command);
    let status = command.status().map_err(|error| Failure::new(format!("cannot start `{shown}`: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{shown}` ended with {status}"))) }
}

/// Runs a command and gives back what it wrote on stdout; anything but exit 0 is a failure that quotes its stderr.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let shown = shown(command);
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| Failure::new(format!("cannot start `{shown}`: {error}")))?;
    if !status.success() {
        let talk = String::from_utf8_lossy(&stderr);
        return Err(Failure::new(format!("`{shown}` ended with {status}\n{}", talk.trim_end())));
    }
    String::from_utf8(stdout)
        .map_err(|error| Failure::new(format!("`{shown}` wrote something that is not text: {error}")))
}

/// Whether a program answers at all.
pub(crate) fn is_installed(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
