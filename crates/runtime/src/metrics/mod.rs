//! What a process tells a Prometheus: counts, durations, and the present state of every object.
//!
//! ```text
//! controller ─ what happens ─► meter ──┐
//! axon-aws ─── CallObserver ─► meter ──┼─► families ─ text ─► axon-web, /metrics
//! View ─ read at every scrape ► gauges ┘        ▲
//!                                            catalog ─► page (docs/reference/metrics.md)
//! ```
//!
//! What happens is counted when it happens. What is so is read from the latest [`View`](crate::View) of each target at
//! every scrape, so that no series outlives its object. Nothing is decided by a metric.

mod catalog;
mod changes;
mod codes;
mod families;
mod gauges;
mod jobs;
pub(crate) mod meter;
mod page;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

pub use catalog::{Buckets, Metric, MetricType, Spec, Stability, Unit};
pub use meter::{Meter, SourceResult};
pub use page::metrics_page;

use codes::Codes;
use families::Families;
use gauges::Shown;

/// The metrics of one process. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    families: Families,
    codes: Codes,
    /// What is read at a scrape. Held for as long as the scrape takes, so that no two mix.
    shown: Mutex<BTreeMap<String, Shown>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let (families, codes) = (Families::new(), Codes::default());
        let metrics = Self { inner: Arc::new(Inner { families, codes, shown: Mutex::default() }) };
        metrics.inner.families.add(Metric::HistoryWriteErrors, &[], 0.0);
        metrics
    }

    /// Says which program this is.
    pub fn built(&self, version: &str, revision: &str) {
        self.inner.families.set(Metric::BuildInfo, &[version, revision], 1.0);
    }

    /// The configuration was read, and is in force.
    pub fn config_loaded(&self, now: Timestamp) {
        self.inner.families.set(Metric::ConfigLastReloadSuccessful, &[], 1.0);
        self.inner.families.set(Metric::ConfigLastReloadSuccessTimestamp, &[], seconds(now));
    }

    /// The configuration was read, and the one before stays in force.
    pub fn config_refused(&self) {
        self.inner.families.set(Metric::ConfigLastReloadSuccessful, &[], 0.0);
    }

    /// A batch of events could not be written.
    pub fn history_unwritten(&self, events: usize) {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        self.inner.families.add(Metric::HistoryWriteErrors, &[], f64::from(events));
    }

    /// Where one target (an account in a Region, by its name in the configuration) is counted.
    pub fn target(&self, name: &str) -> Meter {
        Meter::new(Arc::clone(&self.inner), name)
    }

    /// A target is no longer worked on: what is so of it is no longer shown. What was counted stays, as counters do.
    pub fn forget(&self, name: &str) {
        self.inner.shown().remove(name);
    }

    /// Everything in Prometheus' text format 0.0.4.
    pub fn text(&self) -> String {
        let shown = self.inner.shown();
        gauges::show(&self.inner.families, &shown);
        self.inner.families.text()
    }
}

impl Inner {
    fn shown(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since 1970, in UTC.
fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}
