//! Repositories that somebody made to do harm, and objects that are broken: refused by name, or not taken at all.

use std::fs;

use axon_core::parse::MAX_FILE_BYTES;
use gix::objs::Write as _;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Kind, Tree};

use super::fixture::{Reader, Thing, Upstream, main_branch};
use super::tree::MAX_FOLDERS;
use super::*;
use crate::source::directory::MAX_FILES;
use crate::source::status::SourceReason;

/// A commit on `main` with this tree, written as it is: no name is too odd.
fn commit_tree(upstream: &Upstream, tree: &Tree) {
    let id = upstream.repository.write_object(tree).unwrap().detach();
    commit_tree_id(upstream, id);
}

fn commit_tree_id(upstream: &Upstream, tree: ObjectId) {
    let text = format!(
        "tree {tree}\nauthor A <a@example.com> 1700000000 +0000\ncommitter A <a@example.com> 1700000000 +0000\n\nx\n"
    );
    let commit = upstream.repository.objects.write_buf(Kind::Commit, text.as_bytes()).unwrap();
    upstream.point("refs/heads/main", commit);
}

fn entry(kind: EntryKind, name: &str, oid: ObjectId) -> Entry {
    Entry { mode: kind.into(), filename: name.into(), oid }
}

fn blob(upstream: &Upstream, text: &str) -> ObjectId {
    upstream.repository.write_blob(text).unwrap().detach()
}

async fn look(upstream: &Upstream) -> Result<Polled, Failure> {
    Reader::new(upstream.settings(main_branch())).look().await
}

#[tokio::test]
async fn names_that_move_the_cursor_or_the_place_are_refused_and_not_repeated() {
    for name in ["\u{1b}[2J.yaml", "a\nb.yaml", "x\u{202e}.yaml", "../a.yaml", "a/b.yaml", "/etc/passwd.yaml"] {
        let upstream = Upstream::new();
        let raw = [format!("100644 {name}\0").as_bytes(), blob(&upstream, "a").as_bytes()].concat();
        let id = upstream.repository.objects.write_buf(Kind::Tree, &raw).unwrap();
        commit_tree_id(&upstream, id);
        match look(&upstream).await {
            Err(failure) => {
                let named = [SourceReason::ContentRefused, SourceReason::PathNotFound].contains(&failure.reason);
                assert!(named, "{name:?}: {failure:?}");
                assert!(!failure.message.chars().any(axon_core::text::is_hidden), "{failure:?}");
            }
            Ok(polled) => panic!("{name:?} is taken: {polled:?}"),
        }
    }
}

#[tokio::test]
async fn a_folder_that_climbs_or_hides_is_refused_or_passed_by() {
    let upstream = Upstream::new();
    let text = blob(&upstream, "a");
    let inner = Tree { entries: vec![entry(EntryKind::Blob, "a.yaml", text)] };
    let inner = upstream.repository.write_object(&inner).unwrap().detach();
    for (name, refused) in [("..", false), (".", false), (".git", false), ("a\u{7}b", true)] {
        let raw = [format!("40000 {name}\0").as_bytes(), inner.as_bytes()].concat();
        let id = upstream.repository.objects.write_buf(Kind::Tree, &raw).unwrap();
        commit_tree_id(&upstream, id);
        let failure = look(&upstream).await.unwrap_err();
        let expected = if refused { SourceReason::ContentRefused } else { SourceReason::PathNotFound };
        assert_eq!(failure.reason, expected, "{name:?}");
    }
}

#[tokio::test]
async fn a_pointer_of_git_lfs_is_no_specification() {
    let upstream = Upstream::new();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let commit = upstream.commit(&[], &[("a.yaml", Thing::Text("a")), ("b.yaml", Thing::Text(pointer))]);
    upstream.point("refs/heads/main", commit);
    let failure = look(&upstream).await.unwrap_err();
    assert_eq!(failure.reason, SourceReason::ContentRefused);
    assert!(failure.message.contains("b.yaml") && failure.message.contains("LFS"), "{failure}");
}

#[tokio::test]
async fn as_many_files_and_folders_as_there_may_be_are_read_and_one_more_is_too_many() {
    for (count, taken) in [(MAX_FILES, true), (MAX_FILES + 1, false)] {
        let upstream = Upstream::new();
        let text = blob(&upstream, "a");
        let entries = (0..count).map(|at| entry(EntryKind::Blob, &format!("{at:06}.yaml"), text)).collect();
        commit_tree(&upstream, &Tree { entries });
        match look(&upstream).await {
            Ok(Polled::New { files, .. }) => assert_eq!((taken, files.len()), (true, count)),
            Ok(Polled::Unchanged) => panic!("the first look finds something"),
            Err(failure) => assert_eq!((taken, failure.reason), (false, SourceReason::TooLarge)),
        }
    }
    for (depth, taken) in [(MAX_FOLDERS, true), (MAX_FOLDERS + 1, false)] {
        let upstream = Upstream::new();
        let path = format!("{}a.yaml", "x/".repeat(depth));
        let commit = upstream.commit(&[], &[(&path, Thing::Text("a"))]);
        upstream.point("refs/heads/main", commit);
        assert_eq!(look(&upstream).await.is_ok(), taken, "{depth} folders");
    }
}

#[tokio::test]
async fn a_blob_that_unpacks_to_far_more_is_refused_before_it_is_unpacked() {
    let upstream = Upstream::new();
    let commit = upstream.commit(&[], &[("a.yaml", Thing::Text(&" ".repeat(8 << 20)))]);
    upstream.point("refs/heads/main", commit);
    let failure = look(&upstream).await.unwrap_err();
    assert_eq!(failure.reason, SourceReason::TooLarge);
    assert!(failure.message.contains(&MAX_FILE_BYTES.to_string()), "{failure}");
}

#[tokio::test]
async fn an_object_that_is_cut_anywhere_is_a_failure_and_never_a_shorter_file() {
    let text = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: a}\nspec:\n  tags:\n    a: b\n    c: d\n";
    let upstream = Upstream::new();
    let commit = upstream.main(&[], text);
    let objects = upstream.objects.lock().unwrap().clone();
    for object in objects {
        let (folder, file) = (object.to_string()[..2].to_owned(), object.to_string()[2..].to_owned());
        let path = upstream.folder.path().join("objects").join(folder).join(file);
        let whole = fs::read(&path).unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
        fs::set_permissions(&path, permissions).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            match look(&upstream).await {
                Err(failure) => {
                    assert_eq!(failure.reason, SourceReason::FetchFailed, "{object} cut at {cut}: {failure}");
                }
                // zlib ends with a checksum of what has been unpacked by then.
                Ok(Polled::New { files, .. }) => {
                    assert_eq!(files[0].text, text, "{object} cut at {cut} of {}", whole.len());
                }
                Ok(Polled::Unchanged) => panic!("{object} cut at {cut}"),
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(
        matches!(look(&upstream).await, Ok(Polled::New { revision, .. }) if revision.contains(&commit.to_string()))
    );
}
