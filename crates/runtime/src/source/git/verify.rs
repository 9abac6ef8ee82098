//! Whether a commit, or the tag that leads to it, is signed with one of the SSH keys that may.
//!
//! The very object whose tree is read is verified. The keys are read anew for each new commit, so that they can be
//! changed while everything runs. OpenPGP is not spoken: see
//! docs/adr/014-signatures-are-ssh.md.

use std::fs;
use std::path::PathBuf;

use gix::{ObjectId, Repository};
use ssh_key::{PublicKey, SshSig};

use super::failure::Failure;
use super::fetch::{Tip, missing_object};
use crate::source::status::SourceReason;

/// What git signs in the name of.
const NAMESPACE: &str = "git";
/// How a signature begins that is not part of a header.
const BEGIN: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// Fails unless somebody who may has signed. Without any signers nothing is asked.
pub(crate) fn verify(repository: &Repository, tip: &Tip, commit: ObjectId, signers: &[PathBuf]) -> Result<(), Failure> {
    if signers.is_empty() {
        return Ok(());
    }
    let keys = keys(signers)?;
    let mut why = match signed_commit(repository, commit)? {
        Some(signed) => match signed.check(&keys) {
            Ok(()) => return Ok(()),
            Err(why) => why,
        },
        None => "is not signed".to_owned(),
    };
    if tip.target != commit
        && let Some(signed) = signed_tag(repository, tip.target)?
    {
        match signed.check(&keys) {
            Ok(()) => return Ok(()),
            Err(tag) => why = format!("{why}, and its tag {tag}"),
        }
    }
    let message = format!(
        "commit {} {why}; what was in force stays. Sign it with a key of {}, or add the key there",
        commit.to_hex_with_len(12),
        signers.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    );
    Err(refused(message))
}

fn refused(message: impl AsRef<str>) -> Failure {
    Failure::new(SourceReason::VerificationFailed, message)
}

/// A signature and what it is about.
struct Signed {
    signature: Vec<u8>,
    content: Vec<u8>,
}

impl Signed {
    fn check(&self, keys: &[PublicKey]) -> Result<(), String> {
        if !self.signature.starts_with(BEGIN) {
            return Err("is signed with something else than an SSH key".to_owned());
        }
        let signature =
            SshSig::from_pem(&self.signature).map_err(|error| format!("has a broken signature ({error})"))?;
        let Some(key) = keys.iter().find(|key| key.key_data() == signature.public_key()) else {
            let fingerprint = signature.public_key().fingerprint(ssh_key::HashAlg::Sha256);
            return Err(format!("is signed with the key {fingerprint}, which is not listed"));
        };
        key.verify(NAMESPACE, &self.content, &signature).map_err(|_| "has a signature that does not fit it".to_owned())
    }
}

fn signed_commit(repository: &Repository, commit: ObjectId) -> Result<Option<Signed>, Failure> {
    let commit = repository.find_commit(commit).map_err(|error| missing_object(&error))?;
    let found = commit.signature().map_err(|error| missing_object(&error))?;
    Ok(found.map(|(signature, content)| Signed { signature: signature.to_vec(), content: content.to_bstring().into() }))
}

/// A tag ends with its signature.
fn signed_tag(repository: &Repository, tag: ObjectId) -> Result<Option<Signed>, Failure> {
    let object = repository.find_object(tag).map_err(|error| missing_object(&error))?;
    if object.kind != gix::objs::Kind::Tag {
        return Ok(None);
    }
    let begin = object.data.windows(BEGIN.len()).rposition(|part| part == BEGIN);
    let parts = begin.and_then(|begin| object.data.split_at_checked(begin));
    Ok(parts.map(|(content, signature)| Signed { signature: signature.to_vec(), content: content.to_vec() }))
}

/// The keys of all files.
fn keys(files: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let mut keys = Vec::new();
    for path in files {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| refused(format!("the signers {shown} cannot be read: {error}")))?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = key(line).map_err(|why| refused(format!("line {} of the signers {shown} {why}", number + 1)))?;
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return Err(refused("the files of the signers hold no key"));
    }
    Ok(keys)
}

/// `ssh-ed25519 AAAA… comment`, or the same after a principal.
fn key(line: &str) -> Result<PublicKey, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_type = |word: &&str| ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|kind| word.starts_with(kind));
    let (kind, data) = match words.as_slice() {
        [kind, data, ..] if is_type(kind) => (kind, data),
        [_, kind, data, ..] if is_type(kind) => (kind, data),
        // An option such as `valid-before` must not be passed over.
        _ => return Err("is no public key; options are not understood".to_owned()),
    };
    if kind.starts_with("ssh-rsa") || kind.starts_with("ssh-dss") {
        return Err(format!("holds a key of type {kind}; ed25519 and ECDSA keys can be verified"));
    }
    PublicKey::from_openssh(&format!("{kind} {data}")).map_err(|error| format!("is no public key: {error}"))
}
