//! Runs a reconciler and tells what it does while it does it.
//!
//! Neighbours: `apply` and `run` decide when to end and what the end means, `show::progress` words the news. Not here:
//! settings.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axon_runtime::clock::Clock;
use axon_runtime::source::Source;
use axon_runtime::{Outcome, Reconciler, Settings, View};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::output::{Output, Redraw};
use crate::show::progress::Progress;
use crate::target::{Target, Time};

/// How often a drawn table is refreshed.
const FRAME: Duration = Duration::from_millis(250);

/// How the work is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// As a table drawn over itself.
    Table,
    /// As lines.
    Lines,
    /// Not at all: the log tells it.
    Log,
}

impl Telling {
    /// The best that the output allows.
    pub(crate) const fn on(out: &Output) -> Self {
        match out.redraw {
            Redraw::Possible => Self::Table,
            Redraw::Impossible => Self::Lines,
        }
    }
}

/// How it ended, and what there was to see at the end.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// The last view.
    pub view: Arc<View>,
}

/// A reconciler that is ready to run.
pub(crate) struct Following<'a> {
    target: &'a Target,
    reconciler: Reconciler<axon_aws::Aws, Time>,
}

impl<'a> Following<'a> {
    /// Prepares a reconciler.
    pub(crate) fn new(target: &'a Target, settings: Settings) -> Self {
        let reconciler = Reconciler::new(Arc::clone(&target.cloud), Arc::clone(&target.clock), settings);
        Self { target, reconciler }
    }

    /// What there is to see.
    pub(crate) fn view(&self) -> watch::Receiver<Arc<View>> {
        self.reconciler.view()
    }

    /// Works until the settings or `shutdown` end it.
    pub(crate) async fn run<S: Source>(
        self,
        source: S,
        shutdown: impl Future<Output = ()> + Send,
        telling: (Telling, &mut Output),
    ) -> Result<Ended, Failure> {
        let view = self.reconciler.view();
        let last = view.clone();
        let clock = Arc::clone(&self.target.clock);
        let (telling, out) = telling;
        let (outcome, told) = tokio::join!(self.reconciler.run(source, shutdown), tell(view, &clock, telling, out));
        told?;
        let view = Arc::clone(&last.borrow());
        Ok(Ended { outcome, view })
    }
}

/// Tells every view until nobody publishes any more.
pub(crate) async fn tell(
    mut view: watch::Receiver<Arc<View>>,
    clock: &Time,
    telling: Telling,
    out: &mut Output,
) -> io::Result<()> {
    let mut progress = Progress::new(clock.now());
    loop {
        let alive = tokio::select! {
            changed = view.changed() => changed.is_ok(),
            () = tokio::time::sleep(FRAME), if telling == Telling::Table => true,
        };
        let latest = Arc::clone(&view.borrow_and_update());
        match (telling, out.talk_screen.size()) {
            (Telling::Table, Some(size)) if alive => {
                let frame = progress.frame(&latest, clock.now(), size);
                out.talk(&frame)?;
            }
            // The final table follows on stdout.
            (Telling::Table, _) => out.talk(&progress.erase())?,
            (Telling::Lines, _) => {
                let lines = progress.lines(&latest, clock.now());
                out.talk(&lines)?;
            }
            (Telling::Log, _) => {}
        }
        if !alive {
            return Ok(());
        }
    }
}
