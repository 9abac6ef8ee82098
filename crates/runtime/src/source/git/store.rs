//! The bare repository in which fetched objects are kept, and repositories that are on this disk already.
//!
//! `fetch` fills a store through a transport. A store is a cache: whatever is wrong with it, it is thrown away and
//! fetched again. Configuration of the user, the system and the environment is never read, and nothing in a store can
//! run a program.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use gix::create::Kind;
use gix::{Repository, ThreadSafeRepository};
use sha2::{Digest as _, Sha256};
use tracing::debug;

use super::Means;
use super::address::Transport;
use super::failure::{Cause, Failure};
use super::fetch::{Broken, Link, Tip, receive};
use super::meter::Meter;
use super::settings::{GitSettings, Reference};
use super::{http, ssh};
use crate::source::status::SourceReason;

/// Every fetch leaves a pack; with so many, starting afresh is cheaper than looking through all of them.
const MOST_PACKS: usize = 64;

/// What gix is told, whatever a repository's own configuration says: no replaced objects, one thread, and no object of
/// which a server says that it needs more memory than this.
const CONFIGURATION: [&str; 4] = [
    "gitoxide.objects.noReplace=true",
    "gitoxide.objects.allocLimit=268435456",
    "pack.threads=1",
    "core.bigFileThreshold=16777216",
];

/// A bare repository of our own.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Different addresses and references never share a store.
    pub(crate) fn new(parent: &Path, settings: &GitSettings) -> Self {
        let whole = format!("{}\n{}", settings.address, settings.reference.full_name());
        let digest = Sha256::digest(whole);
        let name = digest.iter().take(8).fold(String::new(), |mut name, byte| {
            // Writing to a String cannot fail.
            let _ = write!(name, "{byte:02x}");
            name
        });
        Self { folder: parent.join(name) }
    }

    /// Forgets everything. What cannot be removed shows when it is opened.
    pub(crate) fn discard(&self) {
        match fs::remove_dir_all(&self.folder) {
            Ok(()) => debug!("a store of git objects is thrown away; the next look fetches everything again"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => debug!(%error, "a store of git objects cannot be thrown away"),
        }
    }

    fn open(&self) -> Result<Repository, Failure> {
        if packs(&self.folder) > MOST_PACKS {
            self.discard();
        }
        if let Ok(repository) = gix::open_opts(&self.folder, options()) {
            return Ok(repository);
        }
        self.discard();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|error| {
            Failure::fetch(format!(
                "the data folder {} cannot be written: {error}; name one that can be",
                self.folder.display()
            ))
        })?;
        let repository = ThreadSafeRepository::init_opts(
            &self.folder,
            Kind::Bare,
            gix::create::Options::default(),
            options().open_path_as_is(true),
        );
        let repository = repository.map_err(|error| {
            Failure::fetch(format!("the data folder {} cannot be used: {error}", self.folder.display()))
        })?;
        Ok(repository.to_thread_local())
    }

    /// Brings what is followed, and says what it points at.
    pub(crate) fn fetch(&self, settings: &GitSettings, means: &Means) -> Result<(Repository, Tip), Failure> {
        let repository = self.open()?;
        if let Reference::Commit(id) = &settings.reference
            && repository.has_object(id)
        {
            return Ok((repository, Tip { target: *id }));
        }
        let cause = Cause::default();
        let meter = Meter::new(settings.max_fetch_bytes, cause.clone());
        let link = Link { repository: &repository, settings, cancel: &means.cancel };
        let received = match settings.address.transport() {
            Transport::Ssh => {
                let session = ssh::Session::open(settings, means, meter)?;
                let received = receive(link, session.transport);
                received.map_err(|broken| broken.or(session.complaints.explain(settings)))
            }
            Transport::Https | Transport::Http | Transport::File => {
                let transport = http::connect(settings, means, (meter, cause.clone()))?;
                receive(link, transport)
            }
        };
        match received {
            Ok(tip) => Ok((repository, tip)),
            Err(broken) => Err(self.explain(broken, means, &cause)),
        }
    }

    /// The first cause counts; what a library makes of it on the way up does not.
    fn explain(&self, broken: Broken, means: &Means, cause: &Cause) -> Failure {
        let known = means.cancel.check().err().or_else(|| cause.get());
        match (known, broken) {
            (Some(failure), _) | (None, Broken::Known(failure)) => failure,
            (None, Broken::Library(error)) => {
                // Nobody knows whether it is this store that is broken.
                self.discard();
                Failure::fetch(format!(
                    "the repository cannot be fetched: {error}; it is tried again from the beginning"
                ))
            }
        }
    }
}

fn packs(folder: &Path) -> usize {
    let entries = fs::read_dir(folder.join("objects").join("pack"));
    let is_pack = |entry: &io::Result<fs::DirEntry>| {
        entry.as_ref().is_ok_and(|entry| Path::new(&entry.file_name()).extension().is_some_and(|end| end == "pack"))
    };
    entries.map_or(0, |entries| entries.filter(is_pack).count())
}

fn options() -> gix::open::Options {
    gix::open::Options::isolated().cli_overrides(CONFIGURATION)
}

/// Opens a repository on this disk where it is; nothing is written there.
pub(crate) fn open_local(settings: &GitSettings) -> Result<Repository, Failure> {
    gix::open_opts(settings.address.local(), options()).map_err(|error| {
        let message = format!("{} cannot be opened as a git repository: {error}", settings.address);
        Failure::new(SourceReason::FetchFailed, message)
    })
}
