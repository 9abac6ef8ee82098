//! Where the specification comes from: [`Snapshot`]s of files.
//!
//! The first stage: `reconciler` asks a [`Source`] again and again, `specify` reads what it gives. A source either gives
//! everything or fails; the last good snapshot then stays in force. No parsing here.

mod directory;

use std::future::Future;
use std::path::PathBuf;

use axon_core::parse::SourceFile;

pub use directory::{DirectorySource, MAX_FILES, MAX_TOTAL_BYTES};

/// Gives the present state of the files.
pub trait Source: Send {
    /// Reads everything, or says why that was not possible.
    fn snapshot(&mut self) -> impl Future<Output = Result<Snapshot, SourceError>> + Send;
}

/// All files of a source at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Identifies the contents, for instance `main@sha1:…`.
    pub revision: String,
    /// The files in order of their paths.
    pub files: Vec<SourceFile>,
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
