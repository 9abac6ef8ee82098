//! What a reconciler reads: the newest that all sources together have.
//!
//! `pool` publishes; any number of reconcilers subscribe. Nothing is read from disk or network here.

use std::future::pending;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::status::SourceStatus;
use super::{Snapshot, Source, SourceError};

/// What all sources together have at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    /// Whether every source has been looked at once.
    pub(super) settled: bool,
    /// Nothing before any source was good.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) statuses: Vec<SourceStatus>,
}

/// Reads what [`Sources`](super::Sources) publish.
#[derive(Clone, Debug)]
pub struct Subscription {
    published: watch::Receiver<Arc<Published>>,
    statuses: Vec<SourceStatus>,
}

impl Subscription {
    pub(super) fn new(published: watch::Receiver<Arc<Published>>) -> Self {
        Self { published, statuses: Vec::new() }
    }
}

impl Source for Subscription {
    /// Waits until every source has been looked at once: an object of one may refer to an object of another.
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        // An error means that nothing is published any more; then the last word stands.
        drop(self.published.wait_for(|published| published.settled).await);
        let published = Arc::clone(&self.published.borrow_and_update());
        self.statuses.clone_from(&published.statuses);
        published.snapshot.clone().ok_or_else(|| SourceError::Other(why(&published.statuses)))
    }

    fn statuses(&self) -> Vec<SourceStatus> {
        self.statuses.clone()
    }

    fn changed(&self) -> BoxFuture<'static, ()> {
        let mut published = self.published.clone();
        async move {
            if published.changed().await.is_err() {
                pending::<()>().await;
            }
        }
        .boxed()
    }
}

fn why(statuses: &[SourceStatus]) -> String {
    let lines = statuses.iter().map(|status| format!("source {}: {}", status.name, status.condition.message));
    lines.collect::<Vec<_>>().join("; ")
}
