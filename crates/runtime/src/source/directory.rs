//! Files and folder trees on disk as a [`Source`]: also what a git checkout or a mounted volume looks like.
//!
//! Everything or nothing: a path that vanished, a link out of the tree or a file over a limit fails the whole snapshot,
//! because a file that is silently left out would look like objects that someone deleted. No parsing here.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use axon_core::parse::{MAX_FILE_BYTES, SourceFile};
use axon_core::text::is_hidden;
use sha2::{Digest as _, Sha256};

use super::{Snapshot, Source, SourceError};

/// The most files that are read.
pub const MAX_FILES: usize = 20_000;
/// The most bytes that are read in all.
pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// Reads files, and the `*.yaml` and `*.yml` files of folder trees. Hidden files and folders are skipped.
#[derive(Clone, Debug)]
pub struct DirectorySource {
    paths: Vec<PathBuf>,
}

impl DirectorySource {
    /// Reads these files and trees. A file that is named itself may end in anything.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths }
    }

    /// Reads everything on the calling thread.
    pub fn read(&self) -> Result<Snapshot, SourceError> {
        let mut walk = Walk::default();
        for path in &self.paths {
            walk.root(path)?;
        }
        walk.found.sort();
        let mut digest = Sha256::new();
        let mut files = Vec::with_capacity(walk.found.len());
        let mut total = 0;
        for Found { shown, within, real } in walk.found {
            let text = text_of(&shown, &real)?;
            total += text.len();
            if total > MAX_TOTAL_BYTES {
                return Err(SourceError::TooMuch { limit: MAX_TOTAL_BYTES });
            }
            // Lengths keep one file's end from being another one's beginning.
            digest.update(format!("{}\n{within}\n{}\n{text}\n", within.len(), text.len()));
            files.push(SourceFile { path: slashes(&shown), text });
        }
        let mut revision = "dir@sha256:".to_owned();
        for byte in digest.finalize().iter().take(6) {
            // Writing to a text cannot fail.
            let _ = write!(revision, "{byte:02x}");
        }
        Ok(Snapshot::whole(revision, files))
    }
}

impl Source for DirectorySource {
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.read()).await;
        read.unwrap_or_else(|error| Err(SourceError::Other(format!("reading the files was cut short: {error}"))))
    }
}

/// A file to read.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    /// As people know it.
    shown: PathBuf,
    /// From the root on, with `/`: does not depend on where the tree lies.
    within: String,
    /// Where it is.
    real: PathBuf,
}

#[derive(Debug, Default)]
struct Walk {
    found: Vec<Found>,
    seen: BTreeSet<PathBuf>,
}

/// The tree that is being walked.
#[derive(Clone, Copy, Debug)]
struct Tree<'a> {
    shown: &'a Path,
    real: &'a Path,
}

impl Walk {
    fn root(&mut self, path: &Path) -> Result<(), SourceError> {
        let real = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        let metadata = fs::metadata(&real).map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            self.folder(Tree { shown: path, real: &real }, path)
        } else {
            let within = path.file_name().map(|name| slashes(Path::new(name))).unwrap_or_default();
            self.file(Found { shown: path.to_owned(), within, real })
        }
    }

    fn folder(&mut self, tree: Tree<'_>, folder: &Path) -> Result<(), SourceError> {
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(folder, &error))?;
            let path = entry.path();
            if is_dotted(&entry.file_name()) {
                continue;
            }
            let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
            if kind.is_symlink() {
                self.link(tree, path)?;
            } else if kind.is_dir() {
                self.folder(tree, &path)?;
            } else if is_yaml(&path) {
                let real = fs::canonicalize(&path).map_err(|error| unreadable(&path, &error))?;
                self.file(found_in(tree, path, real))?;
            }
        }
        Ok(())
    }

    /// Follows a link to a file of the same tree. A linked folder of the tree is read at its own place.
    fn link(&mut self, tree: Tree<'_>, path: PathBuf) -> Result<(), SourceError> {
        let target = fs::canonicalize(&path).and_then(|real| Ok((fs::metadata(&real)?.is_dir(), real)));
        let (is_folder, real) = match target {
            Ok(target) => target,
            Err(error) if is_yaml(&path) => return Err(unreadable(&path, &error)),
            Err(_) => return Ok(()),
        };
        if !is_folder && !is_yaml(&path) {
            return Ok(());
        }
        if !real.starts_with(tree.real) {
            return Err(SourceError::LeavesTree { path });
        }
        if is_folder { Ok(()) } else { self.file(found_in(tree, path, real)) }
    }

    fn file(&mut self, found: Found) -> Result<(), SourceError> {
        if found.within.chars().any(is_hidden) {
            return Err(SourceError::OddName { name: format!("{:?}", found.within) });
        }
        if self.seen.insert(found.real.clone()) {
            if self.found.len() >= MAX_FILES {
                return Err(SourceError::TooManyFiles { limit: MAX_FILES });
            }
            self.found.push(found);
        }
        Ok(())
    }
}

fn found_in(tree: Tree<'_>, path: PathBuf, real: PathBuf) -> Found {
    let within = slashes(path.strip_prefix(tree.shown).unwrap_or(&path));
    Found { shown: path, within, real }
}

fn text_of(shown: &Path, real: &Path) -> Result<String, SourceError> {
    let file = fs::File::open(real).map_err(|error| unreadable(shown, &error))?;
    let enough = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(enough).read_to_end(&mut bytes).map_err(|error| unreadable(shown, &error))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(SourceError::FileTooLarge { path: shown.to_owned(), limit: MAX_FILE_BYTES });
    }
    String::from_utf8(bytes).map_err(|_| SourceError::NotText { path: shown.to_owned() })
}

fn unreadable(path: &Path, error: &io::Error) -> SourceError {
    SourceError::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

fn is_dotted(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn read(folder: &TempDir) -> Result<Snapshot, SourceError> {
        DirectorySource::new(vec![folder.path().to_owned()]).read()
    }

    fn names(folder: &TempDir, snapshot: &Snapshot) -> Vec<String> {
        let root = format!("{}/", folder.path().display());
        snapshot.files.iter().map(|file| file.path.replace(&root, "")).collect()
    }

    #[test]
    fn yaml_files_of_a_tree_come_sorted_and_everything_else_is_left_out() {
        let folder =
            tree(&[("b.yaml", "b"), ("a/z.yml", "z"), ("readme.md", ""), (".git/x.yaml", ""), ("a/.hidden.yaml", "")]);
        let snapshot = read(&folder).unwrap();
        assert_eq!(names(&folder, &snapshot), ["a/z.yml", "b.yaml"]);
    }

    #[test]
    fn a_file_that_is_named_itself_may_end_in_anything_and_is_read_once() {
        let folder = tree(&[("fleet.txt", "x"), ("a.yaml", "y")]);
        let paths = ["fleet.txt", "a.yaml", "a.yaml", ""].map(|path| folder.path().join(path));
        let snapshot = DirectorySource::new(paths.to_vec()).read().unwrap();
        assert_eq!(names(&folder, &snapshot), ["a.yaml", "fleet.txt"]);
    }

    #[test]
    fn the_revision_depends_on_names_and_contents_and_not_on_the_place() {
        let one = read(&tree(&[("a.yaml", "1")])).unwrap().revision;
        assert!(one.starts_with("dir@sha256:") && one.len() == "dir@sha256:".len() + 12, "{one}");
        assert_eq!(one, read(&tree(&[("a.yaml", "1")])).unwrap().revision);
        assert_ne!(one, read(&tree(&[("a.yaml", "2")])).unwrap().revision);
        assert_ne!(one, read(&tree(&[("b.yaml", "1")])).unwrap().revision);
    }

    #[test]
    fn a_link_within_the_tree_is_followed_even_into_a_hidden_folder() {
        let folder = tree(&[("..2026/fleet.yaml", "x")]);
        symlink("..2026/fleet.yaml", folder.path().join("fleet.yaml")).unwrap();
        symlink("..2026", folder.path().join("linked")).unwrap();
        let snapshot = read(&folder).unwrap();
        assert_eq!(names(&folder, &snapshot), ["fleet.yaml"]);
    }

    #[test]
    fn a_link_out_of_the_tree_fails_the_snapshot() {
        let (folder, other) = (tree(&[("a.yaml", "x")]), tree(&[("secret.yaml", "x"), ("notes.md", "")]));
        symlink(other.path().join("notes.md"), folder.path().join("notes.md")).unwrap();
        assert!(read(&folder).is_ok());
        symlink(other.path().join("secret.yaml"), folder.path().join("b.yaml")).unwrap();
        assert!(matches!(read(&folder), Err(SourceError::LeavesTree { .. })));
        fs::remove_file(folder.path().join("b.yaml")).unwrap();
        symlink(other.path(), folder.path().join("more")).unwrap();
        assert!(matches!(read(&folder), Err(SourceError::LeavesTree { .. })));
    }

    #[test]
    fn what_vanished_or_dangles_or_is_no_text_fails_the_snapshot() {
        let gone = DirectorySource::new(vec![PathBuf::from("no/such/folder")]).read();
        assert!(matches!(gone, Err(SourceError::Unreadable { .. })));
        let folder = tree(&[("a.yaml", "x")]);
        symlink("nowhere", folder.path().join("b.yaml")).unwrap();
        assert!(matches!(read(&folder), Err(SourceError::Unreadable { .. })));
        fs::remove_file(folder.path().join("b.yaml")).unwrap();
        fs::write(folder.path().join("c.yaml"), [0xff, 0xfe]).unwrap();
        assert!(matches!(read(&folder), Err(SourceError::NotText { .. })));
    }

    #[test]
    fn a_name_with_hidden_characters_fails_the_snapshot_and_is_not_repeated_as_it_is() {
        for name in ["\u{1b}[2J.yaml", "a\nb.yaml", "x\u{202e}.yaml"] {
            let error = read(&tree(&[("a.yaml", "x"), (name, "x")])).unwrap_err();
            assert!(matches!(error, SourceError::OddName { .. }), "{error:?}");
            assert!(!error.to_string().chars().any(is_hidden), "{error}");
        }
    }

    #[test]
    fn a_file_over_the_limit_fails_the_snapshot_and_one_at_the_limit_does_not() {
        let folder = tree(&[("a.yaml", &"x".repeat(MAX_FILE_BYTES))]);
        assert!(read(&folder).is_ok());
        fs::write(folder.path().join("a.yaml"), "x".repeat(MAX_FILE_BYTES + 1)).unwrap();
        assert!(matches!(read(&folder), Err(SourceError::FileTooLarge { .. })));
    }

    #[test]
    fn more_text_than_the_limit_fails_the_snapshot() {
        let folder = tree(&[]);
        for number in 0..=MAX_TOTAL_BYTES / MAX_FILE_BYTES {
            fs::write(folder.path().join(format!("{number}.yaml")), "x".repeat(MAX_FILE_BYTES)).unwrap();
        }
        assert!(matches!(read(&folder), Err(SourceError::TooMuch { .. })));
    }
}
