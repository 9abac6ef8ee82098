//! Git repositories as a source: one commit's files, read from its tree and never from a checkout.
//!
//! `member` asks [`GitSource::poll`] on a thread where waiting is allowed. In order: `fetch` brings the tip of what is
//! followed into a bare store (over `http` or `ssh`; a repository on this disk is opened where it is), `history` says
//! whether it follows from what is in force, `verify` whether it is signed by somebody who may, `tree` reads its files.
//! The first of these that fails is a [`Failure`], and everything stays as it was. Nothing here is parsed as YAML.

mod address;
mod cancel;
mod failure;
mod fetch;
mod history;
mod http;
mod http_exchange;
mod meter;
mod reach;
mod secret;
mod settings;
mod ssh;
mod store;
mod tree;
mod verify;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod http_tests;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axon_core::parse::SourceFile;
use gix::ObjectId;
use tokio::runtime::Handle;

pub use address::{BadAddress, GitAddress, InsecureTransports};
pub(crate) use cancel::Cancel;
pub(crate) use failure::Failure;
pub use secret::Secret;
pub use settings::{Auth, ForcePush, GitSettings, ObjectName, PrivateAddresses, Reference, SshProgram};

use fetch::Tip;
use store::Store;

use super::status::SourceReason;

/// The files that a source with these settings takes from a commit of an open repository: its signature is verified and
/// its tree read as in every look. The error says why it takes nothing.
pub fn files_of_commit(
    repository: &gix::Repository,
    commit: ObjectId,
    settings: &GitSettings,
) -> Result<Vec<SourceFile>, String> {
    let read = settings.read(repository, &Tip { target: commit }, (commit, &Cancel::new()));
    read.map_err(|failure| failure.message)
}

impl GitSettings {
    /// Verifies and reads one commit.
    fn read(
        &self,
        repository: &gix::Repository,
        tip: &Tip,
        (commit, cancel): (ObjectId, &Cancel),
    ) -> Result<Vec<SourceFile>, Failure> {
        verify::verify(repository, tip, commit, &self.signers)?;
        tree::read(repository, commit, &self.path, cancel)
    }
}

/// One repository and what is in force of it.
#[derive(Clone, Debug)]
pub(crate) struct GitSource {
    settings: Arc<GitSettings>,
    store: Store,
    in_force: Option<ObjectId>,
}

/// What a look gave.
#[derive(Debug)]
pub(crate) enum Polled {
    /// What is in force is still the newest.
    Unchanged,
    /// Something new, all of it good.
    New { revision: String, files: Vec<SourceFile> },
}

/// What a look works with, besides the settings.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// Ends the look from outside.
    pub(crate) cancel: Cancel,
    /// Where files may be put while something runs.
    pub(crate) folder: PathBuf,
    /// Runs what waits for the network.
    pub(crate) runtime: Handle,
}

impl GitSource {
    /// Keeps its objects below this folder, which may be deleted whenever nothing runs.
    pub(crate) fn new(settings: GitSettings, folder: &Path) -> Self {
        let store = Store::new(folder, &settings);
        Self { settings: Arc::new(settings), store, in_force: None }
    }

    /// Looks for the newest commit. Blocks.
    pub(crate) fn poll(&mut self, means: &Means) -> Result<Polled, Failure> {
        let settings = Arc::clone(&self.settings);
        let (repository, tip) = if settings.address.is_local() {
            let repository = store::open_local(&settings)?;
            let tip = fetch::resolve_local(&repository, &settings)?;
            (repository, tip)
        } else {
            self.store.fetch(&settings, means)?
        };
        let commit = tip.commit(&repository, &settings)?;
        if self.in_force == Some(commit) {
            return Ok(Polled::Unchanged);
        }
        match self.judge(&repository, &tip, commit, means) {
            Ok(files) => {
                self.in_force = Some(commit);
                Ok(Polled::New { revision: format!("{}@sha1:{commit}", settings.reference.name()), files })
            }
            Err(failure) => {
                if failure.reason == SourceReason::FetchFailed && !settings.address.is_local() {
                    // Objects that are missing or broken here may be good over there.
                    self.store.discard();
                }
                Err(failure)
            }
        }
    }

    fn judge(
        &self,
        repository: &gix::Repository,
        tip: &Tip,
        commit: ObjectId,
        means: &Means,
    ) -> Result<Vec<SourceFile>, Failure> {
        if let (ForcePush::Refuse, Some(old)) = (self.settings.force_push, self.in_force) {
            history::follows(repository, (old, commit), self.settings.reference.name(), &means.cancel)?;
        }
        self.settings.read(repository, tip, (commit, &means.cancel))
    }
}
