//! Keeps one target going for as long as the process lives: connects, runs the loop, and begins anew after whatever ended
//! it.
//!
//! A target that cannot be reached, or whose loop fails in a panic, is this supervisor's business and nobody else's: the
//! other targets of the process have supervisors of their own. Beginning anew is safe at any time, as all that lasts is
//! on AWS and in the sources. Between `axon-cli`, which says how to connect, and `reconciler`. No decisions about AWS.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axon_core::cloud::{Cloud, ErrorClass};
use futures::FutureExt as _;
use tokio::sync::watch;
use tracing::{error, warn};

use crate::backoff;
use crate::clock::Clock;
use crate::health::TICK;
use crate::reconciler::{Outcome, Reconciler};
use crate::settings::Settings;
use crate::source::Source;
use crate::telemetry::Telemetry;
use crate::view::{Trouble, View};

/// How to reach a target.
pub trait Connect: Send + Sync {
    /// What reaches it.
    type Cloud: Cloud + 'static;

    /// Connects, or says why that is not possible now.
    fn connect(&self) -> impl Future<Output = Result<Arc<Self::Cloud>, Unreachable>> + Send;
}

/// Why a target cannot be worked on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// What to conclude about another try.
    pub class: ErrorClass,
    /// In words: cause, evidence, next step.
    pub message: String,
}

/// Keeps one target going.
#[derive(Debug)]
pub struct Supervisor<N, K> {
    connect: N,
    clock: Arc<K>,
    settings: Settings,
    telemetry: Telemetry,
    published: Arc<watch::Sender<Arc<View>>>,
}

impl<N: Connect, K: Clock> Supervisor<N, K> {
    /// Does nothing before it runs.
    pub fn new(connect: N, clock: Arc<K>, settings: Settings, telemetry: Telemetry) -> Self {
        let published = Arc::new(watch::Sender::new(Arc::default()));
        Self { connect, clock, settings, telemetry, published }
    }

    /// What there is to see, from now on.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.published.subscribe()
    }

    /// Runs until the settings end it, or until `shutdown` turns true. Every run of the loop reads a source of its own.
    pub async fn run<S: Source>(self, mut source: impl FnMut() -> S, mut shutdown: watch::Receiver<bool>) -> Outcome {
        let mut failures: u32 = 0;
        loop {
            let began = self.clock.now();
            let trouble = match self.attempt(source(), shutdown.clone()).await {
                Ok(outcome) => return outcome,
                Err(trouble) => trouble,
            };
            // A loop that ran well for long has nothing to do with the failures before.
            let lasted = self.clock.now().duration_since(began).unsigned_abs();
            failures = if lasted > backoff::longest(trouble.class, u32::MAX) { 1 } else { failures.saturating_add(1) };
            let pause = backoff::delay(trouble.class, failures, self.telemetry.target());
            self.tell(trouble);
            tokio::select! {
                biased;
                () = asked(&mut shutdown) => return Outcome::Stopped,
                () = self.clock.sleep(pause) => {}
                // A target that cannot be reached is no reason to restart the process.
                () = self.beat() => {}
            }
        }
    }

    /// Shows that somebody is at work here, for ever.
    async fn beat(&self) {
        loop {
            self.telemetry.pulse.beat();
            tokio::time::sleep(TICK).await;
        }
    }

    /// Connects and runs the loop once.
    async fn attempt<S: Source>(&self, source: S, mut shutdown: watch::Receiver<bool>) -> Result<Outcome, Trouble> {
        let connected = tokio::select! {
            biased;
            () = asked(&mut shutdown) => return Ok(Outcome::Stopped),
            connected = AssertUnwindSafe(self.connect.connect()).catch_unwind() => connected,
        };
        let cloud = match connected {
            Ok(Ok(cloud)) => cloud,
            Ok(Err(unreachable)) => return Err(self.trouble(unreachable)),
            Err(panic) => return Err(self.panicked(&*panic)),
        };
        self.published.send_if_modified(|view| {
            let cured = view.trouble.is_some();
            if cured {
                Arc::make_mut(view).trouble = None;
            }
            cured
        });
        self.telemetry.pulse.begin_anew();
        let published = Arc::clone(&self.published);
        let reconciler = Reconciler::publishing(cloud, Arc::clone(&self.clock), self.settings.clone(), published);
        let reconciler = reconciler.watched(self.telemetry.clone());
        let run = reconciler.run(source, async move { asked(&mut shutdown).await });
        AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| self.panicked(&*panic))
    }

    fn trouble(&self, unreachable: Unreachable) -> Trouble {
        let Unreachable { class, message } = unreachable;
        Trouble { since: self.clock.now(), class, message, panics: self.panics() }
    }

    fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> Trouble {
        let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!(
            "Axon failed while it worked on this target ({}) and begins anew; nothing on AWS depends on it. Please report \
             this with the log",
            said.unwrap_or("without a message")
        );
        let panics = self.panics().saturating_add(1);
        Trouble { since: self.clock.now(), class: ErrorClass::Transient, message, panics }
    }

    fn panics(&self) -> u64 {
        self.published.borrow().panics
    }

    fn tell(&self, trouble: Trouble) {
        let Trouble { class, message, panics, .. } = &trouble;
        let target = self.telemetry.target();
        if *panics > self.panics() {
            self.telemetry.meter.panicked();
            error!(target, error = message, panics, "the loop of a target ended in a panic");
        } else {
            warn!(target, error = message, ?class, "a target cannot be worked on");
        }
        self.published.send_modify(|view| {
            let view = Arc::make_mut(view);
            view.panics = trouble.panics;
            // Since when it is so, and not since when it was said last.
            let since = view.trouble.as_ref().filter(|known| known.message == trouble.message).map(|known| known.since);
            let since = since.unwrap_or(trouble.since);
            view.trouble = Some(Trouble { since, ..trouble });
        });
    }
}

/// Completes when the process is asked to stop, or when nobody is left to ask it.
async fn asked(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone.
    let _ = shutdown.wait_for(|asked| *asked).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::task::JoinHandle;

    use super::*;
    use crate::clock::ScaledClock;
    use crate::fake::{Fake, clock, clusters};
    use crate::source::{FixedSource, Snapshot, SourceError};
    use crate::view::Phase;

    /// Refuses the first connections.
    struct Reluctant {
        cloud: Arc<Fake>,
        refusals: AtomicU32,
    }

    impl Connect for Reluctant {
        type Cloud = Fake;

        async fn connect(&self) -> Result<Arc<Fake>, Unreachable> {
            let left = self.refusals.load(Ordering::SeqCst);
            if left > 0 {
                self.refusals.store(left - 1, Ordering::SeqCst);
                return Err(Unreachable { class: ErrorClass::Denied, message: "no credentials".to_owned() });
            }
            Ok(Arc::clone(&self.cloud))
        }
    }

    /// Panics the first times it is read.
    struct Fragile {
        panics: Arc<AtomicU32>,
        inner: FixedSource,
    }

    impl Source for Fragile {
        async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
            let left = self.panics.load(Ordering::SeqCst);
            if left > 0 {
                self.panics.store(left - 1, Ordering::SeqCst);
                panic!("as scripted");
            }
            self.inner.snapshot().await
        }
    }

    struct Bench {
        clock: Arc<ScaledClock>,
        cloud: Arc<Fake>,
        view: watch::Receiver<Arc<View>>,
        stop: watch::Sender<bool>,
        run: JoinHandle<Outcome>,
    }

    fn start(refusals: u32, panics: u32) -> Bench {
        let clock = clock();
        let cloud = Fake::new(Arc::clone(&clock));
        let connect = Reluctant { cloud: Arc::clone(&cloud), refusals: AtomicU32::new(refusals) };
        let settings = Settings::new("test".parse().unwrap());
        let supervisor = Supervisor::new(connect, Arc::clone(&clock), settings, Telemetry::default());
        let view = supervisor.view();
        let (stop, stopped) = watch::channel(false);
        let panics = Arc::new(AtomicU32::new(panics));
        let source =
            move || Fragile { panics: Arc::clone(&panics), inner: FixedSource(clusters("r-1", &[("a", "Enabled")])) };
        let run = tokio::spawn(supervisor.run(source, stopped));
        Bench { clock, cloud, view, stop, run }
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_cannot_be_reached_is_tried_again_and_says_since_when() {
        let mut bench = start(3, 0);
        let began = bench.clock.now();
        let view = bench.view.wait_for(|view| view.trouble.is_some()).await.unwrap().clone();
        assert_eq!((view.phase, view.trouble.as_ref().unwrap().message.as_str()), (Phase::Starting, "no credentials"));
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(bench.view.borrow().trouble.as_ref().unwrap().since, began, "not since when it was said last");
        let view = bench.view.wait_for(|view| view.phase == Phase::Steady).await.unwrap().clone();
        assert_eq!((view.trouble.clone(), view.panics), (None, 0));
        assert_eq!(bench.cloud.writes().len(), 1, "the cluster was created");
        bench.stop.send(true).unwrap();
        assert!(matches!(bench.run.await.unwrap(), Outcome::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_the_loop_is_counted_and_the_loop_begins_anew() {
        let mut bench = start(0, 2);
        let view = bench.view.wait_for(|view| view.panics == 2).await.unwrap().clone();
        let message = view.trouble.clone().unwrap().message;
        assert!(message.contains("(as scripted)") && message.contains("begins anew"), "{message}");
        let view = bench.view.wait_for(|view| view.phase == Phase::Steady).await.unwrap().clone();
        assert_eq!((view.trouble.clone(), view.panics), (None, 2), "what was counted stays counted");
        bench.stop.send(true).unwrap();
        assert!(matches!(bench.run.await.unwrap(), Outcome::Stopped));
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_is_stopped_does_not_wait_out_the_pause_before_the_next_try() {
        let mut bench = start(u32::MAX, 0);
        bench.view.wait_for(|view| view.trouble.is_some()).await.unwrap();
        tokio::time::sleep(Duration::from_hours(1)).await;
        let asked = tokio::time::Instant::now();
        bench.stop.send(true).unwrap();
        assert!(matches!(bench.run.await.unwrap(), Outcome::Stopped));
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert_eq!(bench.cloud.writes(), []);
    }
}
