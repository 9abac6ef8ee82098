//! The events of all targets beyond the life of the process: bounded by age and number, kept on disk if there is a place.
//!
//! ```text
//! controller ─ Event ─► Ledger ─► History (memory) ─ batches, off the loop ─► Store (disk)
//!                                     └─ Query ─► axon-cli: /v1/events
//! ```
//!
//! Losing it loses nothing but history: nothing is decided by it, its file may be deleted at any time, and a file that
//! cannot be read is put aside. Not here: what is worth an event.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axon_core::spec::ObjectKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tracing::warn;

use crate::events::{Event, MOST_EVENTS};
use crate::metrics::Metrics;

/// What belongs together is written together.
const PAUSE: Duration = Duration::from_secs(2);
/// Beyond its number the history is cut back when it has grown by so much, and not at every event.
const SLACK: usize = 256;

/// An event and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The target's name.
    pub target: String,
    /// What happened there.
    #[serde(flatten)]
    pub event: Event,
}

/// What makes two events the same one that is only counted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey([u8; 32]);

impl RecordKey {
    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Record {
    /// What it is the same by: target, object, reason, message.
    pub fn key(&self) -> RecordKey {
        let Event { object, reason, message, .. } = &self.event;
        let parts = [self.target.clone(), object.to_string(), reason.to_string(), message.clone()];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        RecordKey(hash.finalize().into())
    }
}

/// What has changed since the last batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// New and counted up.
    pub put: Vec<Record>,
    /// Too old, or too many.
    pub remove: Vec<RecordKey>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty()
    }
}

/// Keeps records beyond the life of the process. What it held before is handed to [`History::with_store`].
pub trait Store: Send {
    /// Writes a whole batch or nothing of it. May block.
    fn write(&mut self, batch: &Batch) -> Result<(), String>;
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long an event is kept after it happened last.
    pub age: Duration,
    /// How many events are kept over all targets.
    pub number: usize,
}

impl Default for Limits {
    /// 30 days, 10,000 events: a few MiB.
    fn default() -> Self {
        Self { age: Duration::from_hours(30 * 24), number: 10_000 }
    }
}

/// What is asked of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this target.
    pub target: Option<String>,
    /// Only this object.
    pub object: Option<ObjectKey>,
    /// Only what happened at or after this instant.
    pub since: Option<Timestamp>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// The history of one process. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct History(Arc<Inner>);

struct Inner {
    limits: Limits,
    kept: Mutex<Kept>,
    store: Option<Mutex<Box<dyn Store>>>,
    dirty: Notify,
}

#[derive(Default)]
struct Kept {
    records: BTreeMap<RecordKey, Record>,
    changed: BTreeSet<RecordKey>,
    removed: BTreeSet<RecordKey>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl History {
    /// In memory only, empty.
    pub fn in_memory() -> Self {
        Self::of(Limits::default(), Vec::new(), None)
    }

    /// On disk, in this folder, with what is there from before. Never fails: without a usable folder it is in memory only,
    /// and the log says so.
    pub fn open(folder: Option<&Path>, limits: Limits) -> Self {
        match folder.and_then(disk::open) {
            Some((store, records)) => Self::with_store(Box::new(store), limits, records),
            None => Self::of(limits, Vec::new(), None),
        }
    }

    /// With a store of one's own and what it holds already.
    pub fn with_store(store: Box<dyn Store>, limits: Limits, records: Vec<Record>) -> Self {
        Self::of(limits, records, Some(Mutex::new(store)))
    }

    fn of(limits: Limits, records: Vec<Record>, store: Option<Mutex<Box<dyn Store>>>) -> Self {
        let records = records.into_iter().map(|record| (record.key(), record)).collect();
        let kept = Mutex::new(Kept { records, ..Kept::default() });
        Self(Arc::new(Inner { limits, kept, store, dirty: Notify::new() }))
    }

    /// Where the events of one target are filed.
    pub fn target(&self, name: &str) -> Ledger {
        Ledger { history: self.clone(), target: name.to_owned() }
    }

    /// The events asked for, oldest first.
    pub fn find(&self, query: &Query) -> Vec<Record> {
        let kept = self.0.kept();
        let wanted = |record: &&Record| {
            query.target.as_ref().is_none_or(|target| *target == record.target)
                && query.object.as_ref().is_none_or(|object| record.event.object == *object)
                && query.since.is_none_or(|since| since <= record.event.at)
        };
        let mut found: Vec<&Record> = kept.records.values().filter(wanted).collect();
        found.sort_by_key(|record| record.event.at);
        let skip = query.limit.map_or(0, |limit| found.len().saturating_sub(limit));
        found.into_iter().skip(skip).cloned().collect()
    }

    /// Writes batches until `end` completes, and then the last one. Without a store it only waits.
    pub async fn keep(&self, metrics: &Metrics, end: impl Future<Output = ()> + Send) {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                () = self.0.dirty.notified() => {}
            }
            tokio::select! {
                biased;
                () = &mut end => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
            self.write(metrics).await;
        }
        self.write(metrics).await;
    }

    /// Writes one batch where blocking harms nobody.
    async fn write(&self, metrics: &Metrics) {
        let inner = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || inner.write()).await;
        let failed = match written {
            Ok(Ok(())) => return,
            Ok(Err((events, why))) => (events, why),
            Err(panicked) => (1, panicked.to_string()),
        };
        metrics.history_unwritten(failed.0);
        warn!(
            error = failed.1,
            events = failed.0,
            "events could not be written to disk; they are kept in memory and tried again"
        );
    }
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what has changed; what could not be written counts as changed again.
    fn write(&self) -> Result<(), (usize, String)> {
        let batch = {
            let mut kept = self.kept();
            kept.cut(self.limits);
            kept.take()
        };
        let Some(store) = self.store.as_ref().filter(|_| !batch.is_empty()) else { return Ok(()) };
        let written = store.lock().unwrap_or_else(PoisonError::into_inner).write(&batch);
        written.map_err(|why| {
            let events = batch.put.len();
            self.kept().put_back(batch);
            // The next batch is due even if nothing else happens.
            self.dirty.notify_one();
            (events, why)
        })
    }
}

impl Kept {
    fn put(&mut self, record: Record) {
        let key = record.key();
        self.removed.remove(&key);
        self.changed.insert(key);
        self.records.insert(key, record);
    }

    /// Removes what is too old, and the oldest if there are more than allowed. Age is counted from the newest
    /// event of the same target, as targets may live in different times.
    fn cut(&mut self, limits: Limits) {
        let mut newest: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for record in self.records.values() {
            let at = newest.entry(&record.target).or_insert(record.event.at);
            *at = (*at).max(record.event.at);
        }
        let too_old = |record: &Record| {
            let until = record.event.at.saturating_add(limits.age).unwrap_or(Timestamp::MAX);
            newest.get(record.target.as_str()).is_some_and(|newest| until < *newest)
        };
        let mut gone: BTreeSet<RecordKey> =
            self.records.iter().filter(|(_, record)| too_old(record)).map(|(key, _)| *key).collect();
        let left = self.records.len() - gone.len();
        if left > limits.number {
            let mut all: Vec<(Timestamp, RecordKey)> =
                self.records.iter().map(|(key, record)| (record.event.at, *key)).collect();
            all.sort_unstable();
            let rest = all.into_iter().filter(|(_, key)| !gone.contains(key)).map(|(_, key)| key);
            let rest: Vec<RecordKey> = rest.take(left - limits.number).collect();
            gone.extend(rest);
        }
        for key in gone {
            self.records.remove(&key);
            self.changed.remove(&key);
            self.removed.insert(key);
        }
    }

    fn take(&mut self) -> Batch {
        let changed = std::mem::take(&mut self.changed);
        let put = changed.iter().filter_map(|key| self.records.get(key)).cloned().collect();
        Batch { put, remove: std::mem::take(&mut self.removed).into_iter().collect() }
    }

    fn put_back(&mut self, batch: Batch) {
        let unwritten = batch.put.iter().map(Record::key).filter(|key| self.records.contains_key(key));
        let unwritten: Vec<RecordKey> = unwritten.collect();
        self.changed.extend(unwritten);
        self.removed.extend(batch.remove.into_iter().filter(|key| !self.records.contains_key(key)));
    }
}

/// Where one target files its events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    history: History,
    target: String,
}

impl Ledger {
    /// Files an event as it stands in the log of its target. Never blocks on a disk.
    pub(crate) fn file(&self, event: Event) {
        let inner = &self.history.0;
        let mut kept = inner.kept();
        kept.put(Record { target: self.target.clone(), event });
        if kept.records.len() > inner.limits.number.saturating_add(SLACK) {
            kept.cut(inner.limits);
        }
        drop(kept);
        inner.dirty.notify_one();
    }

    /// The newest events from before, oldest first, as many as the log of a target holds.
    pub(crate) fn earlier(&self) -> Vec<Event> {
        let query = Query { target: Some(self.target.clone()), limit: Some(MOST_EVENTS), ..Query::default() };
        self.history.find(&query).into_iter().map(|record| record.event).collect()
    }
}

#[cfg(test)]
mod tests;
