//! The status pages while they are served, for one operation after the other.
//!
//! Neighbours: `run` shows every operation on them, `axon_web` serves. Not here: what is on the pages.

use std::sync::Arc;

use axon_runtime::Until;
use axon_web::Hooks;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::error;

use super::wanted::Wanted;
use crate::arguments::Listen;
use crate::board::LiveBoard;
use crate::failure::Failure;
use crate::output::Output;

/// The pages, if anybody wants them.
#[derive(Debug, Default)]
pub(super) struct Pages {
    open: Option<Open>,
    /// Whether they were served before.
    shown: bool,
}

#[derive(Debug)]
struct Open {
    end: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Pages {
    /// Serves what a new operation shows. A port that is taken keeps an operator from starting, but neither somebody who
    /// only waits for readiness nor an operator that has just read another configuration.
    pub(super) async fn show(
        &mut self,
        wanted: &Wanted,
        (board, hooks): (LiveBoard, Hooks),
        out: &mut Output,
    ) -> Result<(), Failure> {
        self.close().await;
        let Listen::On(address) = wanted.listen() else { return Ok(()) };
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(why) if wanted.until == Until::Settled => {
                out.talk(&format!("The status pages are off: {address} cannot be listened on ({why}).\n"))?;
                return Ok(());
            }
            Err(why) if self.shown => {
                error!(%address, %why, "the status pages are off until the configuration is read again");
                return Ok(());
            }
            Err(why) => {
                return Err(Failure::work(format!("the status pages cannot be served on {address}: {why}"))
                    .hint("choose another address with --listen, or none"));
            }
        };
        if !self.shown {
            let address = listener.local_addr()?;
            out.talk(&format!("Status pages on http://{address}; `axon status` reads them.\n"))?;
        }
        self.shown = true;
        let (end, ended) = oneshot::channel();
        let server = tokio::spawn(axon_web::serve_with_hooks(listener, Arc::new(board), hooks, async move {
            // A dropped sender means the same.
            let _ = ended.await;
        }));
        self.open = Some(Open { end, server });
        Ok(())
    }

    /// Serves nothing any more.
    pub(super) async fn close(&mut self) {
        let Some(Open { end, server }) = self.open.take() else { return };
        let _ = end.send(());
        if let Err(error) = server.await {
            error!(%error, "the status pages ended badly");
        }
    }
}
