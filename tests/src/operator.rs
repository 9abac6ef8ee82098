//! A process that keeps running while a scenario looks at it and tampers with its account.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axon_runtime::source::{Snapshot, Source, SourceError};
use axon_runtime::{Outcome, Phase, View};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::reasons;

/// The newest specification, whenever it is read.
#[derive(Clone, Debug, Default)]
pub struct LiveSource(Arc<Mutex<Snapshot>>);

impl LiveSource {
    /// What is in it now.
    pub fn get(&self) -> Snapshot {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what is in it.
    pub fn set(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

impl Source for LiveSource {
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        Ok(self.get())
    }
}

/// A running process.
#[derive(Debug)]
pub struct Operator {
    pub(crate) source: LiveSource,
    pub(crate) view: watch::Receiver<Arc<View>>,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<Outcome>,
}

impl Operator {
    /// What it shows now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Waits until it shows something; fails when it has not within six hours.
    pub async fn shows(&mut self, what: &str, holds: impl Fn(&View) -> bool) -> Arc<View> {
        let wait = self.view.wait_for(|view| holds(view));
        let shown = tokio::time::timeout(Duration::from_hours(6), wait).await;
        let Ok(view) = shown.map(|shown| Arc::clone(&shown.unwrap())) else {
            let view = self.view();
            unreachable!("{what}: never shown. {:#?}\nwaiting: {:#?}", reasons(&view), view.waiting)
        };
        assert_eq!(view.violations, Vec::<String>::new(), "the independent check has nothing against any plan");
        view
    }

    /// Waits until everything of the newest specification is ready and nothing is left to do.
    pub async fn ready(&mut self) -> Arc<View> {
        let revision = self.source.get().revision;
        self.shows("everything is ready", |view| view.revision == revision && is_quiet(view)).await
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(self) -> Outcome {
        let _gone_already = self.stop.send(());
        self.task.await.unwrap()
    }
}

/// Whether everything declared is ready and nothing is left to do.
pub fn is_quiet(view: &View) -> bool {
    view.phase == Phase::Steady
        && view.in_flight.is_empty()
        && view.waiting.is_empty()
        && !view.statuses.is_empty()
        && view.statuses.values().all(axon_core::status::Status::is_ready)
}
