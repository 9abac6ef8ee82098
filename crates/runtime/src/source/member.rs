//! One source of several: looks at it, keeps what was good last, and says how it is doing.
//!
//! `pool` runs the looks and collects what comes. A look that fails changes nothing but the status. Not here: when to
//! look, apart from how long to wait after this look.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axon_core::cloud::ErrorClass;
use axon_core::parse::SourceFile;
use axon_core::status::Truth;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::git::{Cancel, Failure, GitSource, Means, Polled};
use super::settings::{Origin, SourceSettings};
use super::status::{SourceCondition, SourceConditionType, SourceKind, SourceReason, SourceStatus};
use super::{DirectorySource, SourceError};
use crate::backoff;

/// A source and what is in force of it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    name: String,
    interval: Duration,
    timeout: Duration,
    folder: PathBuf,
    reader: Reader,
    failures: u32,
    pub(super) status: SourceStatus,
    /// What was good last.
    pub(super) files: Option<Arc<Vec<SourceFile>>>,
}

#[derive(Clone, Debug)]
enum Reader {
    Directory(DirectorySource),
    Git(Box<GitSource>),
}

/// Ends the look when nobody waits for it any more.
struct EndOnDrop(Cancel);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Member {
    pub(super) fn new(settings: SourceSettings, folder: PathBuf, now: Timestamp) -> Self {
        let SourceSettings { name, interval, timeout, origin } = settings;
        let name = name.to_string();
        let (kind, url, reference, reader) = match origin {
            Origin::Directory(paths) => {
                let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
                let reader = Reader::Directory(DirectorySource::new(paths));
                (SourceKind::Directory, shown.join(" "), None, reader)
            }
            Origin::Git(git) => {
                let (url, reference) = (git.address.to_string(), git.reference.shown());
                let reader = Reader::Git(Box::new(GitSource::new(*git, &folder.join(&name))));
                (SourceKind::Git, url, Some(reference), reader)
            }
        };
        let condition = SourceCondition {
            kind: SourceConditionType::SourceReady,
            status: Truth::Unknown,
            reason: SourceReason::NotReady,
            message: "it has not been read yet".to_owned(),
            last_transition_time: now,
        };
        let status =
            SourceStatus { name: name.clone(), kind, url, reference, revision: None, last_fetched: None, condition };
        Self { name, interval, timeout, folder, reader, failures: 0, status, files: None }
    }

    /// Whether a look has ended.
    pub(super) fn was_looked_at(&self) -> bool {
        self.status.condition.reason != SourceReason::NotReady
    }

    /// What the paths of its files begin with.
    pub(super) fn prefix(&self) -> String {
        format!("{}:", self.name)
    }

    /// Looks once. Only one look is under way at any time: one that is out of time is waited for until it has ended.
    pub(super) async fn look(&mut self) -> Result<Polled, Failure> {
        let cancel = Cancel::new();
        let means = Means { cancel: cancel.clone(), folder: self.folder.clone(), runtime: Handle::current() };
        let _end = EndOnDrop(cancel.clone());
        let (mut reader, before) = (self.reader.clone(), self.status.revision.clone());
        let mut job = tokio::task::spawn_blocking(move || {
            let polled = reader.poll(&means, before.as_deref());
            (reader, polled)
        });
        let joined = tokio::select! {
            joined = &mut job => joined,
            () = tokio::time::sleep(self.timeout) => {
                cancel.cancel();
                job.await
            }
        };
        match joined {
            Ok((reader, polled)) => {
                self.reader = reader;
                polled
            }
            Err(_) => Err(Failure::fetch("Axon failed while it read this source; please report this")),
        }
    }

    /// Takes in what a look gave.
    pub(super) fn learn(&mut self, polled: Result<Polled, Failure>, now: Timestamp) {
        let (truth, reason, message) = match polled {
            Ok(polled) => {
                self.failures = 0;
                self.status.last_fetched = Some(now);
                if let Polled::New { revision, files } = polled {
                    info!(source = %self.name, %revision, files = files.len(), "a source has something new");
                    self.files = Some(Arc::new(self.named(files)));
                    self.status.revision = Some(revision);
                }
                (Truth::True, SourceReason::Succeeded, "what is in force is what the source has".to_owned())
            }
            Err(failure) => {
                self.failures = self.failures.saturating_add(1);
                (Truth::False, failure.reason, failure.message)
            }
        };
        let before = &self.status.condition;
        if (truth, reason) != (before.status, before.reason) && truth != Truth::True {
            warn!(source = %self.name, ?reason, %message, "a source is not ready; what was good before stays in force");
        }
        let last_transition_time = if truth == before.status { before.last_transition_time } else { now };
        self.status.condition =
            SourceCondition { kind: before.kind, status: truth, reason, message, last_transition_time };
    }

    fn named(&self, files: Vec<SourceFile>) -> Vec<SourceFile> {
        let prefix = self.prefix();
        files.into_iter().map(|file| SourceFile { path: format!("{prefix}{}", file.path), ..file }).collect()
    }

    /// How long to wait before the next look.
    pub(super) fn pause(&self, round: u32) -> Duration {
        let usual = backoff::around(self.interval, &self.name, round);
        match self.status.condition.reason {
            // What may pass by itself is tried sooner.
            SourceReason::FetchFailed | SourceReason::TimedOut => {
                backoff::delay(ErrorClass::Transient, self.failures, &self.name).min(usual)
            }
            _ => usual,
        }
    }
}

impl Reader {
    fn poll(&mut self, means: &Means, before: Option<&str>) -> Result<Polled, Failure> {
        match self {
            Self::Git(git) => git.poll(means),
            Self::Directory(directory) => {
                let snapshot = directory.read().map_err(|error| refused(&error))?;
                if snapshot.files.is_empty() {
                    // A volume that is not mounted yet must not look like a removed fleet.
                    let message = "there is no *.yaml or *.yml file in it; nothing is concluded from that";
                    return Err(Failure::new(SourceReason::PathNotFound, message));
                }
                if before == Some(&snapshot.revision) {
                    return Ok(Polled::Unchanged);
                }
                let files = Arc::unwrap_or_clone(snapshot.files);
                Ok(Polled::New { revision: snapshot.revision, files })
            }
        }
    }
}

fn refused(error: &SourceError) -> Failure {
    let reason = match error {
        SourceError::Unreadable { .. } => SourceReason::PathNotFound,
        SourceError::NotText { .. } | SourceError::LeavesTree { .. } | SourceError::OddName { .. } => {
            SourceReason::ContentRefused
        }
        SourceError::FileTooLarge { .. } | SourceError::TooManyFiles { .. } | SourceError::TooMuch { .. } => {
            SourceReason::TooLarge
        }
        SourceError::Other(_) => SourceReason::FetchFailed,
    };
    Failure::new(reason, error.to_string())
}
