//! A process that is watched as `axon run` is: counted, with a history and a pulse.

use std::sync::Arc;

use axon_runtime::history::History;
use axon_runtime::metrics::Metrics;
use axon_runtime::{Reconciler, Telemetry, Until};
use tokio::sync::oneshot;

use crate::World;
use crate::operator::Operator;

/// What a process is watched by.
#[derive(Debug)]
pub struct Watch {
    /// What is counted.
    pub metrics: Metrics,
    /// What happened.
    pub history: History,
    /// The same for one target, `us-east-1`.
    pub telemetry: Telemetry,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new(History::in_memory())
    }
}

impl Watch {
    /// With this history.
    pub fn new(history: History) -> Self {
        let metrics = Metrics::new();
        let telemetry = Telemetry::new("us-east-1", &metrics, &history);
        Self { metrics, history, telemetry }
    }
}

impl World {
    /// A fresh process that runs until it is stopped and is watched.
    pub async fn start_watched(&self, watch: &Watch) -> Operator {
        let mut settings = self.settings.clone();
        settings.until = Until::Stopped;
        settings.timeout = None;
        let observer = Arc::new(watch.telemetry.meter.clone());
        let cloud = Arc::new(self.cloud().await.observed_by(observer));
        let reconciler = Reconciler::new(cloud, Arc::new(self.clock), settings).watched(watch.telemetry.clone());
        let view = reconciler.view();
        let (stop, stopped) = oneshot::channel();
        let source = self.source.clone();
        let task = tokio::spawn(reconciler.run(source.clone(), async {
            let _stopped_or_forgotten = stopped.await;
        }));
        Operator { source, view, stop, task }
    }
}
