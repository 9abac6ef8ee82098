//! What to read, how often, and for how long at most: the settings of one source.
//!
//! Filled by `axon-cli` from its configuration, read by `pool`. Whatever cannot work is refused here, before anything
//! runs. No I/O.

use std::path::PathBuf;
use std::time::Duration;

use axon_core::spec::Name;

use super::git::GitSettings;

/// The shortest time from one look at a source to the next.
const SHORTEST: Duration = Duration::from_secs(1);

/// One source.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// What people and webhooks call it; paths of files begin with it.
    pub name: Name,
    /// From one look to the next, give or take a tenth.
    pub interval: Duration,
    /// How long one look may take.
    pub timeout: Duration,
    /// Where the files are.
    pub origin: Origin,
}

/// Where the files of a source are.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Files and folder trees on disk.
    Directory(Vec<PathBuf>),
    /// A git repository.
    Git(Box<GitSettings>),
}

impl SourceSettings {
    /// A folder that is looked at every two seconds.
    pub fn directory(name: Name, paths: Vec<PathBuf>) -> Self {
        let (interval, timeout) = (Duration::from_secs(2), Duration::from_mins(1));
        Self { name, interval, timeout, origin: Origin::Directory(paths) }
    }

    /// A repository that is looked at every minute.
    pub fn git(name: Name, settings: GitSettings) -> Self {
        let (interval, timeout) = (Duration::from_mins(1), Duration::from_mins(1));
        Self { name, interval, timeout, origin: Origin::Git(Box::new(settings)) }
    }

    /// Whether these settings can work.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        let unusable = |why: String| Unusable { name: self.name.to_string(), why };
        if self.interval < SHORTEST || self.timeout < SHORTEST {
            return Err(unusable("interval and timeout must be at least 1s".to_owned()));
        }
        match &self.origin {
            Origin::Directory(paths) if paths.is_empty() => Err(unusable("it names no file and no folder".to_owned())),
            Origin::Directory(_) => Ok(()),
            Origin::Git(git) => git.check().map_err(unusable),
        }
    }
}

/// Why sources cannot work as they are set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("source {name}: {why}")]
pub struct Unusable {
    /// The name of the source.
    pub name: String,
    /// What is wrong and what would work.
    pub why: String,
}
