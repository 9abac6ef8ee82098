//! Everything that a running operator is watched by: metrics, history, status pages, the log level.
//!
//! `run` opens it once and registers each target; `board` is what it shows. Not here: sockets, and what the targets do.

use std::path::Path;
use std::sync::Arc;

use axon_core::cloud::CallObserver;
use axon_runtime::clock::{Clock, SystemClock};
use axon_runtime::history::{History, Limits};
use axon_runtime::metrics::Metrics;
use axon_runtime::{Telemetry, View};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::board::{LiveBoard, Shown, Targets};
use crate::logging;

/// The commit that this program was built from, if the build says so.
const REVISION: Option<&str> = option_env!("AXON_REVISION");

/// What an operator is watched by, until it is closed.
pub(crate) struct Lookout {
    /// The metrics of this process.
    pub metrics: Metrics,
    history: History,
    targets: Targets,
    end: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
    level: JoinHandle<()>,
}

impl Lookout {
    /// Begins, with the history in this folder or in memory only.
    pub(crate) fn open(folder: Option<&Path>, limits: Limits) -> Self {
        let metrics = Metrics::new();
        metrics.built(env!("CARGO_PKG_VERSION"), REVISION.unwrap_or("unknown"));
        metrics.config_loaded(SystemClock.now());
        let history = History::open(folder, limits);
        let (end, ended) = oneshot::channel();
        let (kept, counted) = (history.clone(), metrics.clone());
        let keeper = tokio::spawn(async move {
            kept.keep(&counted, async {
                // A dropped sender means the same.
                let _ = ended.await;
            })
            .await;
        });
        let level = tokio::spawn(async {
            if let Err(error) = logging::follow_signals().await {
                warn!(%error, "signals do not change the log level");
            }
        });
        Self { metrics, history, targets: Targets::default(), end, keeper, level }
    }

    /// What the loop of the target of this name is watched by.
    pub(crate) fn telemetry(&self, target: &str) -> Telemetry {
        Telemetry::new(target, &self.metrics, &self.history)
    }

    /// Shows a target on the status pages from now on, in the place of an earlier one of the same name.
    pub(crate) fn show(&self, telemetry: &Telemetry, view: watch::Receiver<Arc<View>>, clock: Arc<dyn Clock>) {
        let (name, pulse) = (telemetry.target().to_owned(), telemetry.pulse.clone());
        self.targets.show(Shown { name, view, clock, pulse });
    }

    /// What the status pages show.
    pub(crate) fn board(&self) -> LiveBoard {
        LiveBoard::new(self.targets.clone(), self.metrics.clone(), self.history.clone())
    }

    /// Writes what is left of the history.
    pub(crate) async fn close(self) {
        self.level.abort();
        let _ = self.end.send(());
        if let Err(error) = self.keeper.await {
            warn!(%error, "the history ended badly");
        }
    }
}

/// Who counts the AWS calls of a target.
pub(crate) fn counting(telemetry: &Telemetry) -> Arc<dyn CallObserver> {
    Arc::new(telemetry.meter.clone())
}

#[cfg(test)]
mod tests;
