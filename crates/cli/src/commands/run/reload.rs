//! When the configuration is read again: on SIGHUP, and when the file has changed.
//!
//! Neighbours: `run` begins anew with what comes out of here. A file that cannot be used is told once, and the
//! configuration in force stays. Not here: what a new configuration means.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

use crate::config::OperatorConfig;
use crate::failure::Failure;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Watches a configuration file.
#[derive(Debug)]
pub(super) struct Reload {
    file: Option<PathBuf>,
    /// What the file held when it was looked at last.
    text: Option<String>,
    asked: Signal,
}

impl Reload {
    /// Begins to watch. Without a file there is nothing to reload, and SIGHUP does nothing.
    pub(super) fn of(file: Option<PathBuf>) -> std::io::Result<Self> {
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        Ok(Self { file, text, asked: signal(SignalKind::hangup())? })
    }

    /// Completes when another configuration is there that `accept` can use. `refused` is told of others.
    pub(super) async fn next(
        &mut self,
        accept: impl Fn(OperatorConfig) -> Result<OperatorConfig, Failure>,
        refused: impl Fn(),
    ) -> OperatorConfig {
        let Some(file) = self.file.clone() else {
            loop {
                self.asked.recv().await;
                info!("there is no configuration file to read again (SIGHUP)");
            }
        };
        loop {
            let by_signal = tokio::select! {
                _ = self.asked.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            let text = std::fs::read_to_string(&file).ok();
            if text == self.text && !by_signal {
                continue;
            }
            self.text = text;
            match OperatorConfig::read(&file).and_then(&accept) {
                Ok(config) => {
                    info!(file = %file.display(), by_signal, "the configuration was read again");
                    return config;
                }
                Err(failure) => {
                    error!(error = failure.cause, "the configuration in force stays");
                    refused();
                }
            }
        }
    }
}
