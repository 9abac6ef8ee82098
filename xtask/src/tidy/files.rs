//! The text files of the repository, tracked or about to be, and the paths that would give a machine away.
//!
//! Neighbours: `tidy` hands them to the rules. Must not hold: a rule.

use std::fs;

use crate::finding::Failure;
use crate::process::{capture, command, root};

/// One text file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the root, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    /// Rust code of ours.
    pub(crate) fn is_rust(&self) -> bool {
        let ours = ["crates/", "tests/", "xtask/"].iter().any(|folder| self.path.starts_with(folder));
        ours && self.extension() == Some("rs")
    }

    /// The manifest of a package; the root's own manifest only holds the workspace.
    pub(crate) fn is_package_manifest(&self) -> bool {
        self.path.ends_with("/Cargo.toml")
    }

    /// Rust code that only tests run: below a folder `tests`, or a module file of that name.
    pub(crate) fn is_only_tests(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// The names that somebody chose: each folder, and the file without what follows its first dot.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(|part| part.split('.').next()).filter(|name| !name.is_empty())
    }

    fn extension(&self) -> Option<&str> {
        self.path.rsplit_once('.').map(|(_, extension)| extension)
    }
}

/// What git tracks or would add; what is not text is left out.
pub(crate) fn list() -> Result<Vec<SourceFile>, Failure> {
    let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = capture(&mut command("git", &args))?;
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is deleted but still tracked, or that is not text, cannot be read as a string.
    let read =
        |path: &str| Some(SourceFile { path: path.to_owned(), text: fs::read_to_string(root().join(path)).ok()? });
    Ok(paths.into_iter().filter_map(read).collect())
}

/// Where this checkout, this home and this cargo live. A root so short that it could be any word is left out.
pub(crate) fn machine_paths() -> Vec<String> {
    let homes = [Some(root()), std::env::home_dir(), std::env::var_os("CARGO_HOME").map(Into::into)];
    let mut paths: Vec<String> = homes.into_iter().flatten().map(|path| format!("{}/", path.display())).collect();
    paths.retain(|path| path.len() > 4);
    paths
}
