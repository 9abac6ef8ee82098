//! The loop: keeps one target equal to its source for as long as it runs.
//!
//! It is a feedback controller, not a workflow engine. One task owns one state. Whatever happens (the source changed,
//! AWS was read, a call ended, time passed) is a report; all reports that are there are folded in before the whole
//! target is planned once; every step of that plan that is safe now is started. There is no job to resume and no retry
//! loop: the next plan is the retry, and a step that failed carries the instant before which it is not planned again.
//!
//! Three properties keep such a loop stable. The error signal is read, not remembered: sweeps repeat, faster while
//! something moves, and an outcome is newer than a sweep that began before it. The actuator is bounded: one call per
//! resource, a few at once, and waiting times that grow with failures and are spread by a hash. And action is refused
//! where the signal is bad: nothing is done about what was never read, and a plan that an independent check finds fault
//! with is not executed at all.
//!
//! Between `axon-cli`, which chooses cloud, clock, source and settings, and `controller`, which decides everything. Only
//! waiting and calling are here.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axon_core::cloud::Cloud;
use axon_core::step::Step;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock::{Clock, until};
use crate::controller::{Begin, Controller, Verdict};
use crate::execution::{Report, execute, look_up, sweep};
use crate::settings::Settings;
use crate::source::Source;
use crate::view::View;

/// As good as never, and still a time that any timer can hold.
const LONG: Duration = Duration::from_hours(24);

/// Keeps one target equal to its source.
#[derive(Debug)]
pub struct Reconciler<C: Cloud, K: Clock> {
    cloud: Arc<C>,
    clock: Arc<K>,
    settings: Settings,
    published: watch::Sender<Arc<View>>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Everything declared is ready and nothing is left to do.
    Reached,
    /// What is not ready needs a person.
    Stalled(Arc<View>),
    /// Time is up.
    TimedOut(Arc<View>),
    /// It was told to stop.
    Stopped,
    /// It cannot work at all, and why.
    Failed(String),
}

impl<C: Cloud, K: Clock> Reconciler<C, K> {
    /// Does nothing before it runs.
    pub fn new(cloud: Arc<C>, clock: Arc<K>, settings: Settings) -> Self {
        let (published, _) = watch::channel(Arc::default());
        Self { cloud, clock, settings, published }
    }

    /// What there is to see, from now on.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.published.subscribe()
    }

    /// Runs until everything is as the settings ask for, or until `shutdown` completes. Then calls under way are waited
    /// for, so that no outcome is lost.
    pub async fn run<S: Source>(self, source: S, shutdown: impl Future<Output = ()> + Send) -> Outcome {
        let mut controller = Controller::new(self.settings.clone(), self.clock.now());
        let mut work = Work::new(&*self.cloud, &*self.clock, source);
        let mut shutdown = pin!(shutdown);
        let verdict = loop {
            let now = self.clock.now();
            work.begin(controller.begin(now));
            let pause = controller.wake().map_or(LONG, |wake| until(now, wake).min(LONG));
            let report = tokio::select! {
                biased;
                () = &mut shutdown => break None,
                Some(report) = work.reads.next() => Some(work.read(report)),
                Some(report) = work.steps.next() => Some(report),
                () = &mut work.changed => {
                    work.changed = pending().boxed();
                    controller.source_changed(self.clock.now());
                    None
                }
                () = self.clock.sleep(pause) => None,
            };
            // Everything that has happened meanwhile counts before the next plan.
            let mut next = report;
            while let Some(report) = next {
                controller.learn(report, self.clock.now());
                next = work.ready();
            }
            let now = self.clock.now();
            if controller.wants_pass(now) {
                work.execute(controller.pass(now));
                self.publish(&controller);
            }
            if let Some(verdict) = controller.verdict(now) {
                break Some(verdict);
            }
        };
        self.finish(&mut controller, work).await;
        let view = self.published.borrow().clone();
        match verdict {
            None => Outcome::Stopped,
            Some(Verdict::Reached) => Outcome::Reached,
            Some(Verdict::Stalled) => Outcome::Stalled(view),
            Some(Verdict::TimedOut) => Outcome::TimedOut(view),
            Some(Verdict::Failed(why)) => Outcome::Failed(why),
        }
    }

    /// Starts nothing more and waits for the calls under way.
    async fn finish<S: Source>(&self, controller: &mut Controller, mut work: Work<'_, C, K, S>) {
        controller.close();
        work.reads.clear();
        if !work.steps.is_empty() {
            info!(calls = work.steps.len(), "waiting for the calls under way");
        }
        let mut grace = self.clock.sleep(self.settings.shutdown_grace);
        loop {
            tokio::select! {
                biased;
                report = work.steps.next() => match report {
                    Some(report) => controller.learn(report, self.clock.now()),
                    None => break,
                },
                () = &mut grace => {
                    warn!(calls = work.steps.len(), "calls are left without their outcome; the next start will read it");
                    break;
                }
            }
        }
        let now = self.clock.now();
        if controller.wants_pass(now) {
            let _nothing_is_started = controller.pass(now);
            self.publish(controller);
        }
    }

    /// Publishes what there is to see, if it differs by more than the count of passes.
    fn publish(&self, controller: &Controller) {
        let mut view = controller.view();
        let pass = view.pass;
        let before = self.published.borrow().clone();
        view.pass = before.pass;
        if view != *before {
            view.pass = pass;
            self.published.send_replace(Arc::new(view));
        }
    }
}

/// What is under way.
struct Work<'a, C, K, S> {
    cloud: &'a C,
    clock: &'a K,
    /// Absent while it is being read.
    source: Option<S>,
    /// Completes when the source has something that was not read yet.
    changed: BoxFuture<'static, ()>,
    reads: FuturesUnordered<BoxFuture<'a, Read<S>>>,
    steps: FuturesUnordered<BoxFuture<'a, Report>>,
}

/// What a look gave, and the source back if it was that.
struct Read<S> {
    report: Report,
    source: Option<S>,
}

impl<'a, C: Cloud, K: Clock, S: Source + 'a> Work<'a, C, K, S> {
    fn new(cloud: &'a C, clock: &'a K, source: S) -> Self {
        Self {
            cloud,
            clock,
            source: Some(source),
            changed: pending().boxed(),
            reads: FuturesUnordered::new(),
            steps: FuturesUnordered::new(),
        }
    }

    fn begin(&mut self, looks: Vec<Begin>) {
        let (cloud, clock) = (self.cloud, self.clock);
        for look in looks {
            match look {
                Begin::Facts => {
                    self.reads.push(look_up(cloud).map(|report| Read { report, source: None }).boxed());
                }
                Begin::Sweep(scope) => {
                    self.reads.push(sweep(cloud, clock, *scope).map(|report| Read { report, source: None }).boxed());
                }
                Begin::Source => {
                    if let Some(source) = self.source.take() {
                        self.reads.push(snapshot(source).boxed());
                    }
                }
            }
        }
    }

    fn execute(&mut self, steps: Vec<Step>) {
        self.steps.extend(steps.into_iter().map(|step| execute(self.cloud, self.clock, step).boxed()));
    }

    fn read(&mut self, read: Read<S>) -> Report {
        let Read { report, source } = read;
        if let Some(source) = source {
            self.changed = source.changed();
            self.source = Some(source);
        }
        report
    }

    /// A report that is there already.
    fn ready(&mut self) -> Option<Report> {
        if let Some(Some(read)) = self.reads.next().now_or_never() {
            return Some(self.read(read));
        }
        self.steps.next().now_or_never().flatten()
    }
}

async fn snapshot<S: Source>(mut source: S) -> Read<S> {
    let result = source.snapshot().await;
    Read { report: Report::Source(result, source.statuses()), source: Some(source) }
}

#[cfg(test)]
mod tests;
