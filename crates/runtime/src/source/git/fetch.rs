//! Finds what a branch, tag or commit points at, and brings its objects.
//!
//! `store` chooses the transport and explains failures. One reference is asked for and nothing else: no tags that come
//! along, no credentials but ours.

use gix::bstr::BString;
use gix::remote::Direction;
use gix::remote::fetch::Tags;
use gix::{ObjectId, Repository};
use gix_transport::client::blocking_io::Transport;

use super::cancel::Cancel;
use super::failure::Failure;
use super::settings::{GitSettings, Reference};
use crate::source::status::SourceReason;

/// Where the newest tip is remembered, so that the next fetch asks for less.
const TRACKED: &str = "refs/axon/tip";

/// What a reference points at: a commit, or a tag object that leads to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) target: ObjectId,
}

impl Tip {
    /// The commit in the end.
    pub(crate) fn commit(&self, repository: &Repository, settings: &GitSettings) -> Result<ObjectId, Failure> {
        let object = repository.find_object(self.target).map_err(|error| missing_object(&error))?;
        let commit = object.peel_to_kind(gix::objs::Kind::Commit).map_err(|error| {
            let message = format!("{} leads to no commit: {error}", settings.reference.shown());
            Failure::new(SourceReason::ReferenceNotFound, message)
        })?;
        Ok(commit.id)
    }
}

/// What to bring, where to, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) settings: &'a GitSettings,
    pub(crate) cancel: &'a Cancel,
}

/// Why nothing was brought.
#[derive(Debug)]
pub(crate) enum Broken {
    /// In our words.
    Known(Failure),
    /// In a library's.
    Library(gix::Error),
}

impl Broken {
    /// What is known otherwise explains more than a library does.
    pub(crate) fn or(self, known: Option<Failure>) -> Self {
        match (self, known) {
            (Self::Library(_), Some(failure)) => Self::Known(failure),
            (broken, _) => broken,
        }
    }
}

impl From<gix::Error> for Broken {
    fn from(error: gix::Error) -> Self {
        Self::Library(error)
    }
}

/// Brings what is followed over a transport.
pub(crate) fn receive<T: Transport>(link: Link<'_>, transport: T) -> Result<Tip, Broken> {
    let Link { repository, settings, cancel } = link;
    let spec: BString = match &settings.reference {
        Reference::Commit(id) => format!("{id}:{TRACKED}").into(),
        named @ (Reference::Branch(_) | Reference::Tag(_)) => format!("+{}:{TRACKED}", named.full_name()).into(),
    };
    let remote = repository
        .remote_at_without_url_rewrite(settings.address.to_string().as_str())?
        .with_fetch_tags(Tags::None)
        .with_refspecs([&spec], Direction::Fetch)?;
    let connection = remote.to_connection_with_transport(transport).with_credentials(|_| Ok(None));
    let prepared = connection.prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())?;
    let mapping = prepared.ref_map().mappings.first();
    let Some(target) = mapping.and_then(|mapping| mapping.remote.as_id()).map(ToOwned::to_owned) else {
        return Err(Broken::Known(not_there(settings)));
    };
    if !repository.has_object(target) {
        prepared.receive(gix::progress::Discard, cancel.flag())?;
    }
    Ok(Tip { target })
}

/// Finds what is followed in a repository on this disk.
pub(crate) fn resolve_local(repository: &Repository, settings: &GitSettings) -> Result<Tip, Failure> {
    if let Reference::Commit(id) = &settings.reference {
        return if repository.has_object(id) { Ok(Tip { target: *id }) } else { Err(not_there(settings)) };
    }
    let name = settings.reference.full_name();
    let found = repository.try_find_reference(name.as_str()).map_err(|error| missing_object(&error))?;
    let target = found.and_then(|reference| reference.try_id().map(gix::Id::detach));
    target.map(|target| Tip { target }).ok_or_else(|| not_there(settings))
}

fn not_there(settings: &GitSettings) -> Failure {
    let message = format!(
        "{} is not in {}; create it there, or follow another one",
        settings.reference.shown(),
        settings.address
    );
    Failure::new(SourceReason::ReferenceNotFound, message)
}

/// Something that must be there is not, or is broken.
pub(crate) fn missing_object(error: &gix::Error) -> Failure {
    Failure::fetch(format!("an object of the repository is missing or broken: {error}; it is fetched again"))
}
