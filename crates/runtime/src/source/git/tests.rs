//! What is read of a repository and what is refused, told by repositories on this disk.

use std::fs;

use axon_core::parse::MAX_FILE_BYTES;
use gix::ObjectId;

use super::fixture::{Reader, Thing, Upstream, key, main_branch, signature};
use super::*;
use crate::source::status::SourceReason;

fn names(files: &[(String, String)]) -> Vec<&str> {
    files.iter().map(|(path, _)| path.as_str()).collect()
}

#[tokio::test]
async fn the_yaml_files_of_the_commit_are_read_below_the_path_and_nothing_else() {
    let upstream = Upstream::new();
    let commit = upstream.commit(
        &[],
        &[
            ("prod/b.yaml", Thing::Text("b")),
            ("prod/deep/er/a.yml", Thing::Bytes(b"a")),
            ("prod/readme.md", Thing::Text("")),
            ("prod/.hidden/x.yaml", Thing::Text("x")),
            ("prod/.x.yaml", Thing::Text("x")),
            ("stage/c.yaml", Thing::Text("c")),
        ],
    );
    upstream.point("refs/heads/main", commit);
    let settings = GitSettings { path: "prod/".to_owned(), ..upstream.settings(main_branch()) };
    let (revision, files) = Reader::new(settings).new_files().await;
    assert_eq!(revision, format!("main@sha1:{commit}"));
    assert_eq!(names(&files), ["prod/b.yaml", "prod/deep/er/a.yml"]);
    assert_eq!(files[1].1, "a");
    let one = GitSettings { path: "stage/c.yaml".to_owned(), ..upstream.settings(main_branch()) };
    assert_eq!(names(&Reader::new(one).new_files().await.1), ["stage/c.yaml"]);
}

#[tokio::test]
async fn only_something_new_is_told() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let mut reader = Reader::new(upstream.settings(main_branch()));
    reader.new_files().await;
    assert!(matches!(reader.look().await, Ok(Polled::Unchanged)));
    upstream.main(&[first], "2");
    assert_eq!(reader.new_files().await.1[0].1, "2");
}

#[tokio::test]
async fn links_and_submodules_are_refused_by_name_where_a_specification_could_be_meant() {
    for (thing, word) in [(Thing::Link("/etc/passwd"), "symbolic link"), (Thing::Submodule, "submodule")] {
        let upstream = Upstream::new();
        let commit = upstream.commit(&[], &[("a.yaml", Thing::Text("a")), ("x/b.yaml", thing)]);
        upstream.point("refs/heads/main", commit);
        let failure = Reader::new(upstream.settings(main_branch())).failure().await;
        assert_eq!(failure.reason, SourceReason::ContentRefused);
        assert!(failure.message.contains("x/b.yaml") && failure.message.contains(word), "{failure}");
    }
    let upstream = Upstream::new();
    let elsewhere = [("a.yaml", Thing::Text("a")), ("latest", Thing::Link("..")), ("vendor", Thing::Submodule)];
    upstream.point("refs/heads/main", upstream.commit(&[], &elsewhere));
    assert_eq!(names(&Reader::new(upstream.settings(main_branch())).new_files().await.1), ["a.yaml"]);
    for path in ["latest", "latest/etc", "vendor"] {
        let settings = GitSettings { path: path.to_owned(), ..upstream.settings(main_branch()) };
        assert_eq!(Reader::new(settings).failure().await.reason, SourceReason::ContentRefused, "{path}");
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_whole_changes_nothing_and_the_next_good_one_counts() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let mut reader = Reader::new(upstream.settings(main_branch()));
    reader.new_files().await;
    let large = "x".repeat(MAX_FILE_BYTES + 1);
    for (thing, reason) in
        [(Thing::Bytes(&[0xff, 0xfe]), SourceReason::ContentRefused), (Thing::Text(&large), SourceReason::TooLarge)]
    {
        let bad = upstream.commit(&[first], &[("a.yaml", Thing::Text("2")), ("b.yaml", thing)]);
        upstream.point("refs/heads/main", bad);
        let failure = reader.failure().await;
        assert_eq!(failure.reason, reason);
        assert!(failure.message.contains("b.yaml"), "{failure}");
    }
    upstream.main(&[first], "3");
    assert_eq!(reader.new_files().await.1[0].1, "3");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let upstream = Upstream::new();
    let main = upstream.main(&[], "1");
    let mut gone = Reader::new(upstream.settings(Reference::branch("release").unwrap()));
    let failure = gone.failure().await;
    assert_eq!(failure.reason, SourceReason::ReferenceNotFound);
    assert!(failure.message.contains("branch release"), "{failure}");
    let absent = "0123456789012345678901234567890123456789";
    let mut commit = Reader::new(upstream.settings(Reference::commit(absent).unwrap()));
    assert_eq!(commit.failure().await.reason, SourceReason::ReferenceNotFound);
    let settings = GitSettings { path: "prod".to_owned(), ..upstream.settings(main_branch()) };
    assert_eq!(Reader::new(settings).failure().await.reason, SourceReason::PathNotFound);
    let empty = upstream.commit(&[main], &[("readme.md", Thing::Text(""))]);
    upstream.point("refs/heads/main", empty);
    let failure = Reader::new(upstream.settings(main_branch())).failure().await;
    assert_eq!(failure.reason, SourceReason::PathNotFound, "an emptied repository would look like a removed fleet");
}

#[tokio::test]
async fn a_branch_that_vanishes_leaves_what_was_there_and_may_come_back() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let mut reader = Reader::new(upstream.settings(main_branch()));
    reader.new_files().await;
    fs::remove_file(upstream.folder.path().join("refs/heads/main")).unwrap();
    assert_eq!(reader.failure().await.reason, SourceReason::ReferenceNotFound);
    upstream.point("refs/heads/main", first);
    assert!(matches!(reader.look().await, Ok(Polled::Unchanged)));
}

#[tokio::test]
async fn rewritten_history_needs_a_word_and_a_start_remembers_nothing() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let second = upstream.main(&[first], "2");
    let mut strict = Reader::new(upstream.settings(main_branch()));
    let mut lax = Reader::new(GitSettings { force_push: ForcePush::Accept, ..upstream.settings(main_branch()) });
    strict.new_files().await;
    lax.new_files().await;
    // Back to before, and to something unrelated.
    for rewritten in [first, upstream.commit(&[], &[("a.yaml", Thing::Text("other"))])] {
        upstream.point("refs/heads/main", rewritten);
        let failure = strict.failure().await;
        assert_eq!(failure.reason, SourceReason::ForcePushRefused);
        assert!(failure.message.contains("forcePush: Accept") && failure.message.contains(&second.to_string()[..12]));
        lax.new_files().await;
    }
    let mut restarted = Reader::new(upstream.settings(main_branch()));
    assert_eq!(restarted.new_files().await.1[0].1, "other");
    // What follows from the commit in force is taken again.
    let merged = upstream.commit(&[first, second], &[("a.yaml", Thing::Text("merged"))]);
    upstream.point("refs/heads/main", merged);
    assert_eq!(strict.new_files().await.1[0].1, "merged");
}

#[tokio::test]
async fn tags_and_commits_are_followed_too() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    upstream.main(&[first], "2");
    upstream.point("refs/tags/light", first);
    upstream.point("refs/tags/v1", upstream.tag(first, None));
    for (reference, revision) in [
        (Reference::tag("light"), format!("light@sha1:{first}")),
        (Reference::tag("v1"), format!("v1@sha1:{first}")),
        (Reference::commit(&first.to_string()), format!("commit@sha1:{first}")),
    ] {
        let (found, files) = Reader::new(upstream.settings(reference.unwrap())).new_files().await;
        assert_eq!((found, files[0].1.as_str()), (revision, "1"));
    }
}

#[tokio::test]
async fn a_repository_with_lost_objects_is_not_taken_for_an_empty_one() {
    let upstream = Upstream::new();
    let first = upstream.main(&[], "1");
    let mut reader = Reader::new(upstream.settings(main_branch()));
    reader.new_files().await;
    let second = upstream.main(&[first], "2");
    upstream.lose(upstream.tree(&[("a.yaml", Thing::Text("2"))]));
    let failure = reader.failure().await;
    assert_eq!(failure.reason, SourceReason::FetchFailed);
    upstream.lose(second);
    assert_eq!(reader.failure().await.reason, SourceReason::FetchFailed);
}

#[tokio::test]
async fn nothing_at_the_address_is_a_failed_fetch() {
    let upstream = Upstream::new();
    let settings = upstream.settings(main_branch());
    drop(upstream);
    assert_eq!(Reader::new(settings).failure().await.reason, SourceReason::FetchFailed);
}

fn signers(folder: &std::path::Path) -> std::path::PathBuf {
    let listed = key(1).public_key().to_openssh().unwrap();
    let path = folder.join("signers");
    fs::write(&path, format!("# who may\n\nann@example.com {listed}\n")).unwrap();
    path
}

#[tokio::test]
async fn only_commits_signed_by_a_listed_key_count() {
    let upstream = Upstream::new();
    let good = |content: &[u8]| signature(&key(1), content);
    let unsigned = upstream.commit(&[], &[("a.yaml", Thing::Text("u"))]);
    let cases: Vec<(ObjectId, Option<&str>)> = vec![
        (unsigned, Some("is not signed")),
        (upstream.signed("stranger", |content| signature(&key(2), content)), Some("which is not listed")),
        (upstream.signed("other content", |_| signature(&key(1), b"something else")), Some("does not fit")),
        (
            upstream.signed("pgp", |_| "-----BEGIN PGP SIGNATURE-----\n".to_owned()),
            Some("something else than an SSH key"),
        ),
        (upstream.signed("broken", |_| "-----BEGIN SSH SIGNATURE-----\nx".to_owned()), Some("broken signature")),
        (upstream.signed("good", good), None),
    ];
    for (commit, complaint) in cases {
        upstream.point("refs/heads/main", commit);
        let path = signers(upstream.folder.path());
        let settings = GitSettings { signers: vec![path], ..upstream.settings(main_branch()) };
        let looked = Reader::new(settings).look().await;
        match complaint {
            None => assert!(matches!(looked, Ok(Polled::New { .. })), "{looked:?}"),
            Some(words) => {
                let failure = looked.unwrap_err();
                assert_eq!(failure.reason, SourceReason::VerificationFailed);
                assert!(failure.message.contains(words), "{failure}");
            }
        }
    }
}

#[tokio::test]
async fn the_signature_of_a_tag_counts_for_its_commit_and_another_namespace_does_not() {
    let upstream = Upstream::new();
    let commit = upstream.main(&[], "1");
    let sign: &dyn Fn(&[u8]) -> String = &|content| signature(&key(1), content);
    let file: &dyn Fn(&[u8]) -> String = &|content| {
        let signed = key(1).sign("file", ssh_key::HashAlg::Sha512, content).unwrap();
        signed.to_pem(ssh_key::LineEnding::LF).unwrap()
    };
    let path = signers(upstream.folder.path());
    for (sign, good) in [(sign, true), (file, false)] {
        upstream.point("refs/tags/v1", upstream.tag(commit, Some(sign)));
        let settings = upstream.settings(Reference::tag("v1").unwrap());
        let looked = Reader::new(GitSettings { signers: vec![path.clone()], ..settings }).look().await;
        assert_eq!(looked.is_ok(), good, "{looked:?}");
    }
}

#[tokio::test]
async fn a_list_of_signers_that_cannot_be_understood_lets_nothing_through() {
    let upstream = Upstream::new();
    upstream.point("refs/heads/main", upstream.signed("good", |content| signature(&key(1), content)));
    let listed = key(1).public_key().to_openssh().unwrap();
    let path = upstream.folder.path().join("signers");
    for text in ["", &format!("ann valid-before=\"20200101\" {listed}"), "ssh-rsa AAAA", "nonsense"] {
        fs::write(&path, text).unwrap();
        let settings = GitSettings { signers: vec![path.clone()], ..upstream.settings(main_branch()) };
        assert_eq!(Reader::new(settings).failure().await.reason, SourceReason::VerificationFailed, "{text}");
    }
}
