//! All sources of a process, read in one task for any number of reconcilers.
//!
//! `axon-cli` makes one from its configuration, runs it, hands a [`Subscription`] to each reconciler and the [`Wakers`] to
//! the webhooks. Each source has its own pace, and one that hangs or fails holds up no other. Not here: how a source is
//! read.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axon_core::parse::SourceFile;
use axon_core::spec::Completeness;
use futures::future::join_all;
use tokio::sync::{Notify, watch};
use tracing::debug;

use super::member::Member;
use super::settings::{SourceSettings, Unusable};
use super::subscription::{Published, Subscription};
use super::{Part, Snapshot};
use crate::clock::Clock;

/// Between two looks at a source, however often somebody asks for one.
const SPACING: Duration = Duration::from_secs(3);

/// Reads all sources for as long as it runs.
#[derive(Debug)]
pub struct Sources<K> {
    clock: Arc<K>,
    members: Vec<Member>,
    published: watch::Sender<Arc<Published>>,
    wakers: Wakers,
}

/// Asks for a look at a source before its time, by its name. Says nothing about what has changed.
#[derive(Clone, Debug, Default)]
pub struct Wakers(Arc<BTreeMap<String, Arc<Notify>>>);

impl Wakers {
    /// Asks for a look. Looks are at least a few seconds apart, and what is asked for meanwhile is one look.
    pub fn wake(&self, source: &str) {
        if let Some(waker) = self.0.get(source) {
            waker.notify_one();
        }
    }
}

impl<K: Clock> Sources<K> {
    /// Reads nothing before it runs. Git repositories keep their objects below `folder`, which may be deleted whenever
    /// nothing runs.
    pub fn new(settings: Vec<SourceSettings>, folder: &Path, clock: Arc<K>) -> Result<Self, Unusable> {
        let mut wakers = BTreeMap::new();
        for source in &settings {
            source.check()?;
            let name = source.name.to_string();
            if wakers.insert(name.clone(), Arc::new(Notify::new())).is_some() {
                return Err(Unusable { name, why: "there are two sources with this name".to_owned() });
            }
        }
        let now = clock.now();
        let members = settings.into_iter().map(|source| Member::new(source, folder.to_owned(), now)).collect();
        let (published, _) = watch::channel(Arc::default());
        Ok(Self { clock, members, published, wakers: Wakers(Arc::new(wakers)) })
    }

    /// What the sources have, from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(self.published.subscribe())
    }

    /// What webhooks may ask for.
    pub fn wakers(&self) -> Wakers {
        self.wakers.clone()
    }

    /// Looks again and again until `shutdown` completes.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let Self { clock, members, published, wakers } = self;
        let board = Board::new(&members, published);
        let keepers = members.into_iter().enumerate().map(|(place, member)| {
            let waker = wakers.0.get(&member.status.name).cloned().unwrap_or_default();
            keep((place, member), &board, &*clock, waker)
        });
        tokio::select! {
            () = shutdown => {}
            _ = join_all(keepers) => {}
        }
    }
}

/// Looks at one source for ever.
async fn keep<K: Clock>((place, mut member): (usize, Member), board: &Board, clock: &K, waker: Arc<Notify>) {
    let mut round = 0_u32;
    loop {
        let polled = member.look().await;
        member.learn(polled, clock.now());
        board.put(place, &member);
        round = round.wrapping_add(1);
        let pause = member.pause(round);
        clock.sleep(SPACING.min(pause)).await;
        tokio::select! {
            () = clock.sleep(pause.saturating_sub(SPACING)) => {}
            () = waker.notified() => debug!(source = %member.status.name, "somebody asks for a look"),
        }
    }
}

/// What every source has, and where that is published.
#[derive(Debug)]
struct Board {
    places: Mutex<Vec<Member>>,
    published: watch::Sender<Arc<Published>>,
}

impl Board {
    fn new(members: &[Member], published: watch::Sender<Arc<Published>>) -> Self {
        let board = Self { places: Mutex::new(members.to_vec()), published };
        board.publish(members);
        board
    }

    fn put(&self, place: usize, member: &Member) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = places.get_mut(place) {
            known.clone_from(member);
        }
        self.publish(&places);
    }

    fn publish(&self, members: &[Member]) {
        let before = Arc::clone(&self.published.borrow());
        let published = Published {
            settled: members.iter().all(Member::was_looked_at),
            snapshot: together(members, before.snapshot.as_ref()),
            statuses: members.iter().map(|member| member.status.clone()).collect(),
        };
        self.published.send_replace(Arc::new(published));
    }
}

/// One snapshot of what every source had when it was good last.
fn together(members: &[Member], before: Option<&Snapshot>) -> Option<Snapshot> {
    let good =
        || members.iter().filter_map(|member| Some((member, member.status.revision.as_ref()?, member.files.as_ref()?)));
    let parts: Vec<Part> =
        good().map(|(member, revision, _)| Part { prefix: member.prefix(), revision: revision.clone() }).collect();
    if parts.is_empty() {
        return None;
    }
    let completeness = if parts.len() == members.len() { Completeness::Complete } else { Completeness::Partial };
    let files = match (before, good().next()) {
        // A revision says what is in it.
        (Some(before), _) if before.parts == parts => Arc::clone(&before.files),
        (_, Some((_, _, files))) if parts.len() == 1 => Arc::clone(files),
        _ => Arc::new(good().flat_map(|(_, _, files)| files.iter().cloned()).collect::<Vec<SourceFile>>()),
    };
    let named =
        good().map(
            |(member, revision, _)| {
                if members.len() == 1 { revision.clone() } else { format!("{}={revision}", member.status.name) }
            },
        );
    Some(Snapshot { revision: named.collect::<Vec<_>>().join(" "), files, parts, completeness })
}

#[cfg(test)]
mod tests;
