//! The loop: keeps one target equal to its source for as long as it runs.
//!
//! It is a feedback controller, not a workflow engine. One task owns one state. Whatever happens (the source changed,
//! AWS was read, a call ended, time passed) is a report; all reports that are there are folded in before the whole
//! target is planned once; every step of that plan that is safe now is started. There is no job to resume and no retry
//! loop: the next plan is the retry, and a step that failed carries the instant before which it is not planned again.
//!
//! Three properties keep such a loop stable. The error signal is read, not remembered: sweeps repeat, faster while
//! something moves, and an outcome is newer than a sweep that began before it. The actuator is bounded: one call per
//! resource, no more calls than AWS's limits allow, and waiting times that grow with failures and are spread by a hash.
//! And action is refused where the signal is bad: nothing is done about what was never read, and a plan that an
//! independent check finds fault with is not executed at all.
//!
//! Between `axon-cli`, which chooses cloud, clock, source and settings, and `controller`, which decides everything. Only
//! waiting and calling are here.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axon_core::cloud::Cloud;
use axon_core::step::Step;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{Instrument as _, Span, info, info_span, warn};

use crate::clock::{AwsClock, Clock, Watch, until};
use crate::controller::{Begin, Controller, Verdict};
use crate::execution::{Report, execute, look_up, sweep};
use crate::health::TICK;
use crate::settings::Settings;
use crate::source::Source;
use crate::telemetry::Telemetry;
use crate::view::View;

/// As good as never, and still a time that any timer can hold.
const LONG: Duration = Duration::from_hours(24);

/// Keeps one target equal to its source.
#[derive(Debug)]
pub struct Reconciler<C: Cloud, K: Clock> {
    cloud: Arc<C>,
    clock: Arc<AwsClock<C, K>>,
    settings: Settings,
    telemetry: Telemetry,
    published: Arc<watch::Sender<Arc<View>>>,
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

impl<C: Cloud + 'static, K: Clock> Reconciler<C, K> {
    /// Does nothing before it runs.
    pub fn new(cloud: Arc<C>, clock: Arc<K>, settings: Settings) -> Self {
        Self::publishing(cloud, clock, settings, Arc::new(watch::Sender::new(Arc::default())))
    }

    /// Publishes where others before it have published.
    pub(crate) fn publishing(
        cloud: Arc<C>,
        clock: Arc<K>,
        settings: Settings,
        published: Arc<watch::Sender<Arc<View>>>,
    ) -> Self {
        let clock = Arc::new(AwsClock::new(Arc::clone(&cloud), clock));
        Self { cloud, clock, settings, telemetry: Telemetry::default(), published }
    }

    /// Lets others see what it does: metrics, history and pulse of its target.
    #[must_use]
    pub fn watched(mut self, telemetry: Telemetry) -> Self {
        let Telemetry { meter, pulse, .. } = &telemetry;
        meter.follow(self.view(), Arc::<AwsClock<C, K>>::clone(&self.clock), pulse.clone());
        self.telemetry = telemetry;
        self
    }

    /// What there is to see, from now on.
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.published.subscribe()
    }

    /// Runs until everything is as the settings ask for, or until `shutdown` completes. Then calls under way are waited
    /// for, so that no outcome is lost.
    ///
    /// When the clock was set, or turned out to differ from AWS's, it starts over as a new process would: waiting times are
    /// instants of the old clock.
    pub async fn run<S: Source>(self, source: S, shutdown: impl Future<Output = ()> + Send) -> Outcome {
        let mut work = Work::new(&self, source);
        let mut shutdown = pin!(shutdown);
        let (mut controller, end) = loop {
            let mut controller = Controller::new(self.settings.clone(), self.clock.now(), self.telemetry.clone());
            match self.turn(&mut controller, &mut work, shutdown.as_mut()).await {
                End::ClockSet(by) => {
                    warn!(
                        seconds = by.as_secs(),
                        "the clock was set, the machine was suspended, or AWS has another time: starting over"
                    );
                    tokio::select! {
                        biased;
                        () = &mut shutdown => break (controller, End::Stopped),
                        () = work.drain() => {}
                    }
                }
                end => break (controller, end),
            }
        };
        self.finish(&mut controller, work).await;
        let view = self.published.borrow().clone();
        match end {
            End::Stopped | End::ClockSet(_) => Outcome::Stopped,
            End::Judged(Verdict::Reached) => Outcome::Reached,
            End::Judged(Verdict::Stalled) => Outcome::Stalled(view),
            End::Judged(Verdict::TimedOut) => Outcome::TimedOut(view),
            End::Judged(Verdict::Failed(why)) => Outcome::Failed(why),
        }
    }

    /// The loop itself, for as long as the clock is not set.
    async fn turn<'a, S: Source + 'a>(
        &'a self,
        controller: &mut Controller,
        work: &mut Work<'a, C, K, S>,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> End {
        let mut watch = Watch::new(&*self.clock);
        loop {
            self.telemetry.pulse.beat();
            if let Some(by) = watch.look(&*self.clock) {
                return End::ClockSet(by);
            }
            let now = self.clock.now();
            work.begin(controller.begin(now));
            let pause = controller.wake().map_or(LONG, |wake| until(now, wake).min(LONG));
            let report = tokio::select! {
                biased;
                () = &mut shutdown => return End::Stopped,
                Some(report) = work.reads.next() => Some(work.read(report)),
                Some(report) = work.steps.next() => Some(report),
                () = &mut work.changed => {
                    work.changed = pending().boxed();
                    controller.source_changed(self.clock.now());
                    None
                }
                () = self.clock.sleep(pause) => None,
                // In real time, so that whoever watches the loop sees it turn.
                () = tokio::time::sleep(TICK) => None,
            };
            // Everything that has happened meanwhile counts before the next plan.
            let mut next = report;
            while let Some(report) = next {
                controller.learn(report, self.clock.now());
                next = work.ready();
            }
            if let Some(by) = watch.look(&*self.clock) {
                return End::ClockSet(by);
            }
            let now = self.clock.now();
            if controller.wants_pass(now) {
                self.pass(controller, work, now);
            } else if controller.has_tokens(now) {
                self.go_on(controller, work, now);
            }
            if let Some(verdict) = controller.verdict(now) {
                return End::Judged(verdict);
            }
        }
    }

    /// Plans once, starts what is to be started, and publishes.
    fn pass<'a, S: Source + 'a>(&self, controller: &mut Controller, work: &mut Work<'a, C, K, S>, now: Timestamp) {
        let span = controller.span();
        let steps = span.in_scope(|| controller.pass(now));
        controller.passed(self.clock.now().duration_since(now));
        work.execute(steps, &span);
        self.publish(controller, now);
    }

    /// Starts what has waited for AWS's limits on calls, and publishes.
    fn go_on<'a, S: Source + 'a>(&self, controller: &mut Controller, work: &mut Work<'a, C, K, S>, now: Timestamp) {
        let span = controller.last_span();
        let steps = span.in_scope(|| controller.go_on(now));
        work.execute(steps, &span);
        self.publish(controller, now);
    }

    /// Starts nothing more and waits for the calls under way.
    async fn finish<'a, S: Source + 'a>(&self, controller: &mut Controller, mut work: Work<'a, C, K, S>) {
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
            self.pass(controller, &mut work, now);
        }
    }

    /// Publishes what there is to see, if it differs by more than the count of passes.
    fn publish(&self, controller: &Controller, now: Timestamp) {
        let mut view = controller.view();
        let pass = view.pass;
        let before = self.published.borrow().clone();
        view.panics = before.panics;
        view.pass = before.pass;
        if view != *before {
            view.pass = pass;
            self.telemetry.meter.changed(&before, &view, now);
            self.published.send_replace(Arc::new(view));
        }
    }
}

/// Why the loop has ended.
enum End {
    /// It was told to.
    Stopped,
    /// What was to be reached is reached, or cannot be.
    Judged(Verdict),
    /// The clock was set by so much.
    ClockSet(SignedDuration),
}

/// What is under way.
struct Work<'a, C, K, S> {
    cloud: &'a C,
    clock: &'a AwsClock<C, K>,
    /// The name of the target, for the log.
    target: &'a str,
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

impl<'a, C: Cloud + 'static, K: Clock, S: Source + 'a> Work<'a, C, K, S> {
    fn new(of: &'a Reconciler<C, K>, source: S) -> Self {
        Self {
            cloud: &of.cloud,
            clock: &of.clock,
            target: of.telemetry.target(),
            source: Some(source),
            changed: pending().boxed(),
            reads: FuturesUnordered::new(),
            steps: FuturesUnordered::new(),
        }
    }

    fn begin(&mut self, looks: Vec<Begin>) {
        let (cloud, clock, target) = (self.cloud, self.clock, self.target);
        for look in looks {
            match look {
                Begin::Facts => {
                    let look = look_up(cloud).instrument(info_span!("lookup", target));
                    self.reads.push(look.map(|report| Read { report, source: None }).boxed());
                }
                Begin::Sweep(scope) => {
                    let look = sweep(cloud, clock, *scope).instrument(info_span!("sweep", target));
                    self.reads.push(look.map(|report| Read { report, source: None }).boxed());
                }
                Begin::Source => {
                    if let Some(source) = self.source.take() {
                        self.reads.push(snapshot(source).instrument(info_span!("source", target)).boxed());
                    }
                }
            }
        }
    }

    /// The spans of the steps are children of the pass that has planned them.
    fn execute(&mut self, steps: Vec<Step>, pass: &Span) {
        for step in steps {
            let span = info_span!(parent: pass, "step", object = %step.object, resource = %step.resource);
            self.steps.push(execute(self.cloud, self.clock, step).instrument(span).boxed());
        }
    }

    fn read(&mut self, read: Read<S>) -> Report {
        let Read { report, source } = read;
        if let Some(source) = source {
            self.changed = source.changed();
            self.source = Some(source);
        }
        report
    }

    /// Waits for what is under way and forgets what it says.
    async fn drain(&mut self) {
        while self.steps.next().await.is_some() {}
        while let Some(report) = self.reads.next().await {
            let _forgotten = self.read(report);
        }
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
