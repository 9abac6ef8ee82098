//! Reads the YAML files of a commit from its tree: there is no checkout, so no name in it can lead anywhere.
//!
//! Everything or nothing, as in `directory`: whatever would make a file look deleted fails the whole look. Only regular
//! files count. Symbolic links and submodules are refused where a specification might be meant, and passed by elsewhere.

use axon_core::parse::{MAX_FILE_BYTES, SourceFile};
use axon_core::text::is_hidden;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository};

use super::cancel::Cancel;
use super::failure::Failure;
use super::fetch::missing_object;
use crate::source::directory::{MAX_FILES, MAX_TOTAL_BYTES};
use crate::source::status::SourceReason;

/// Deeper folders than this are no specification.
pub(crate) const MAX_FOLDERS: usize = 64;
/// How what Git LFS puts in the place of a file begins.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";
/// The most entries of folders that are looked at.
const MAX_ENTRIES: usize = 500_000;
/// The most bytes that the listing of one folder may have.
const MAX_LISTING: u64 = 16 * 1024 * 1024;

/// All `*.yaml` and `*.yml` files at or below a path, in order of their names.
pub(crate) fn read(
    repository: &Repository,
    commit: ObjectId,
    path: &str,
    cancel: &Cancel,
) -> Result<Vec<SourceFile>, Failure> {
    let commit = repository.find_commit(commit).map_err(|error| missing_object(&error))?;
    let root = commit.tree_id().map_err(|error| missing_object(&error))?.detach();
    let mut walk = Walk { repository, cancel, files: Vec::new(), entries: 0, bytes: 0 };
    let path = path.trim_matches('/');
    match walk.descend(root, path)? {
        Found::Folder(tree) => walk.folder(tree, path, 0)?,
        Found::File(blob) => walk.file(blob, path.to_owned())?,
    }
    if walk.files.is_empty() {
        let place = if path.is_empty() { "in the repository".to_owned() } else { format!("below {path}") };
        let message = format!("there is no *.yaml or *.yml file {place}; nothing is concluded from that");
        return Err(Failure::new(SourceReason::PathNotFound, message));
    }
    walk.files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(walk.files)
}

/// What a path leads to.
enum Found {
    Folder(ObjectId),
    File(ObjectId),
}

struct Walk<'a> {
    repository: &'a Repository,
    cancel: &'a Cancel,
    files: Vec<SourceFile>,
    entries: usize,
    bytes: usize,
}

/// One line of a folder's listing.
struct Entry {
    name: String,
    kind: EntryKind,
    id: ObjectId,
}

impl Walk<'_> {
    fn descend(&mut self, root: ObjectId, path: &str) -> Result<Found, Failure> {
        let mut here = root;
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            let entry = self.listing(here, path)?.into_iter().find(|entry| entry.name == part);
            match entry.map(|entry| (entry.kind, entry.id)) {
                Some((EntryKind::Tree, id)) => here = id,
                Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) if parts.peek().is_none() => {
                    return Ok(Found::File(id));
                }
                Some((EntryKind::Link | EntryKind::Commit, _)) => {
                    return Err(refused(
                        path,
                        "is, or lies behind, a symbolic link or a submodule, which are not followed",
                    ));
                }
                Some(_) | None => {
                    let message = format!("there is no {path} in the commit; correct the path of the source");
                    return Err(Failure::new(SourceReason::PathNotFound, message));
                }
            }
        }
        Ok(Found::Folder(here))
    }

    fn folder(&mut self, tree: ObjectId, path: &str, depth: usize) -> Result<(), Failure> {
        if depth > MAX_FOLDERS {
            return Err(too_large(&format!("{path} lies more than {MAX_FOLDERS} folders deep")));
        }
        for Entry { name, kind, id } in self.listing(tree, path)? {
            if name.starts_with('.') {
                continue;
            }
            // Git writes no such names, but a server can send any. They would be shown in plans, logs and on terminals.
            let odd = name.is_empty() || name.contains('/') || name.chars().any(is_hidden);
            let within = if path.is_empty() { name } else { format!("{path}/{name}") };
            match kind {
                EntryKind::Tree | EntryKind::Blob | EntryKind::BlobExecutable
                    if odd && (kind == EntryKind::Tree || is_yaml(&within)) =>
                {
                    return Err(refused(&format!("{within:?}"), "is no plain name of a file or folder; rename it"));
                }
                EntryKind::Tree => self.folder(id, &within, depth + 1)?,
                _ if !is_yaml(&within) => {}
                EntryKind::Blob | EntryKind::BlobExecutable => self.file(id, within)?,
                EntryKind::Link => {
                    return Err(refused(
                        &within,
                        "is a symbolic link, which is not followed; put the file itself there",
                    ));
                }
                EntryKind::Commit => {
                    return Err(refused(&within, "is a submodule, which is not read; put the files themselves there"));
                }
            }
        }
        Ok(())
    }

    fn listing(&mut self, tree: ObjectId, path: &str) -> Result<Vec<Entry>, Failure> {
        self.cancel.check()?;
        let header = self.repository.find_header(tree).map_err(|error| missing_object(&error))?;
        if header.size() > MAX_LISTING {
            return Err(too_large(&format!("the folder {path:?} has too many entries")));
        }
        let tree = self.repository.find_tree(tree).map_err(|error| missing_object(&error))?;
        let mut listing = Vec::new();
        for entry in tree.iter() {
            let entry = entry.map_err(|error| missing_object(&error))?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(too_large(&format!("there are more than {MAX_ENTRIES} entries")));
            }
            let name = String::from_utf8_lossy(entry.filename()).into_owned();
            listing.push(Entry { name, kind: entry.mode().kind(), id: entry.oid().to_owned() });
        }
        Ok(listing)
    }

    fn file(&mut self, blob: ObjectId, path: String) -> Result<(), Failure> {
        if self.files.len() >= MAX_FILES {
            return Err(too_large(&format!("there are more than {MAX_FILES} YAML files")));
        }
        // Asked before anything is unpacked.
        let size = self.repository.find_header(blob).map_err(|error| missing_object(&error))?.size();
        if usize::try_from(size).map_or(true, |size| size > MAX_FILE_BYTES) {
            let message =
                format!("{path} has {size} bytes; at most {MAX_FILE_BYTES} are read: split it into several files");
            return Err(Failure::new(SourceReason::TooLarge, message));
        }
        let mut blob = self.repository.find_blob(blob).map_err(|error| missing_object(&error))?;
        let text = String::from_utf8(blob.take_data()).map_err(|_| refused(&path, "is not UTF-8 text"))?;
        if text.starts_with(LFS_POINTER) {
            return Err(refused(&path, "is a pointer of Git LFS, which is not followed; commit the file itself"));
        }
        self.bytes += text.len();
        if self.bytes > MAX_TOTAL_BYTES {
            return Err(too_large(&format!("the YAML files have more than {} MiB in all", MAX_TOTAL_BYTES >> 20)));
        }
        self.files.push(SourceFile { path, text });
        Ok(())
    }
}

fn is_yaml(path: &str) -> bool {
    let end = path.rsplit_once('.').map(|(_, end)| end);
    end.is_some_and(|end| end == "yaml" || end == "yml")
}

fn refused(path: &str, why: &str) -> Failure {
    Failure::new(SourceReason::ContentRefused, format!("{path} {why}"))
}

fn too_large(what: &str) -> Failure {
    let message = format!("{what}; name the folder that holds the specification as the path of the source");
    Failure::new(SourceReason::TooLarge, message)
}
