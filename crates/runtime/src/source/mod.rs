//! Where the specification comes from: [`Snapshot`]s of files.
//!
//! The first stage: `reconciler` asks a [`Source`] again and again, `specify` reads what it gives. A source either gives
//! everything or fails; the last good snapshot then stays in force. [`DirectorySource`] reads a disk, [`Sources`] keeps
//! many sources (git repositories and folders) read in one task and gives what they have in one [`Snapshot`]. No parsing
//! here.

mod directory;
mod git;
mod member;
mod pool;
mod settings;
mod status;
mod subscription;

use std::future::{Future, pending};
use std::path::PathBuf;
use std::sync::Arc;

use axon_core::parse::SourceFile;
use axon_core::spec::Completeness;
use futures::FutureExt as _;
use futures::future::BoxFuture;

pub use directory::{DirectorySource, MAX_FILES, MAX_TOTAL_BYTES};
pub use git::{
    Auth, BadAddress, ForcePush, GitAddress, GitSettings, InsecureTransports, ObjectName, PrivateAddresses, Reference,
    Secret, SshProgram, files_of_commit,
};
pub use pool::{Sources, Wakers};
pub use settings::{Origin, SourceSettings, Unusable};
pub use status::{SourceCondition, SourceConditionType, SourceKind, SourceReason, SourceStatus};
pub use subscription::Subscription;

/// Gives the present state of the files.
pub trait Source: Send {
    /// Reads everything, or says why that was not possible.
    fn snapshot(&mut self) -> impl Future<Output = Result<Snapshot, SourceError>> + Send;

    /// How the parts of the source were doing when the last snapshot was taken, if it has parts.
    fn statuses(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    /// Completes when another snapshot than the last may be had. A source that does not know is asked from time to time.
    fn changed(&self) -> BoxFuture<'static, ()> {
        pending().boxed()
    }
}

/// All files of a source at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Identifies the contents, for instance `main@sha1:…`; of several sources, all of them, separated by spaces.
    pub revision: String,
    /// The files in order of their paths.
    pub files: Arc<Vec<SourceFile>>,
    /// Which files have a revision of their own.
    pub parts: Vec<Part>,
    /// Whether every source has been read: what is missing here is really gone.
    pub completeness: Completeness,
}

impl Snapshot {
    /// Everything that one source has.
    pub fn whole(revision: impl Into<String>, files: Vec<SourceFile>) -> Self {
        Self { revision: revision.into(), files: Arc::new(files), ..Self::default() }
    }

    /// The revision of a file, whether or not it is there now.
    pub fn revision_of(&self, path: &str) -> &str {
        let part = self.parts.iter().find(|part| path.starts_with(&part.prefix));
        part.map_or(&self.revision, |part| &part.revision)
    }
}

/// Files whose paths begin alike and that have one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the paths begin with.
    pub prefix: String,
    /// The revision of these files.
    pub revision: String,
}

/// Why a source cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A file or folder is not there or not readable.
    #[error("{path} cannot be read: {reason}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// A file is not text.
    #[error("{path} is not UTF-8 text", path = path.display())]
    NotText {
        /// Which.
        path: PathBuf,
    },
    /// A symbolic link leaves the tree.
    #[error("{path} is a symbolic link that leads out of the tree; put the file itself there", path = path.display())]
    LeavesTree {
        /// Which.
        path: PathBuf,
    },
    /// A name would do something to the terminal or log that shows it.
    #[error("{name} is no plain name of a file; rename it")]
    OddName {
        /// Which, with what cannot be seen written out.
        name: String,
    },
    /// A file is larger than any specification.
    #[error("{path} has more than {limit} bytes; split it into several files", path = path.display())]
    FileTooLarge {
        /// Which.
        path: PathBuf,
        /// The most that is read.
        limit: usize,
    },
    /// More files than any specification has.
    #[error("there are more than {limit} YAML files; name the folder that holds the specification")]
    TooManyFiles {
        /// The most that are read.
        limit: usize,
    },
    /// More text than any specification has.
    #[error("the YAML files have more than {limit} bytes in all; name the folder that holds the specification")]
    TooMuch {
        /// The most that is read.
        limit: usize,
    },
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

/// Always the same snapshot, for a command that runs once.
#[derive(Clone, Debug)]
pub struct FixedSource(pub Snapshot);

impl Source for FixedSource {
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        Ok(self.0.clone())
    }
}
