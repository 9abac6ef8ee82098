//! The wish to stop: Ctrl-C, or SIGTERM from a service manager. Neighbours: `run`, `apply` and `simulate` end on it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the wish to stop. It is heard from the moment of creation on.
#[derive(Debug)]
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Completes when somebody asks to stop.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
