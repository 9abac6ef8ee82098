//! The account, the processes that work on it, and everything that can be done to either.
//!
//! Neighbours: `play` and `sweep` do things here; `line` and `fault` are the network, `audit` looks. Everything is in one
//! thread and in tokio's paused time, and every choice comes from a seed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axon_core::parse::SourceFile;
use axon_core::plan::{JobWait, Wait};
use axon_core::spec::{Kind, ObjectKey};
use axon_core::status::Status;
use axon_runtime::clock::{Clock, ScaledClock};
use axon_runtime::source::{Snapshot, Source, SourceError};
use axon_runtime::{Outcome, Phase, Reconciler, Settings, Until, View};
use axon_sim::Aws;
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::audit::{Auditor, Now, Upset};
use super::fleet::Fleet;
use super::ledger::Ledger;
use super::line::{Air, Line};
use crate::operator::is_quiet;
use crate::{World, installation};

/// An account on a bad day.
#[derive(Debug)]
pub struct Stage {
    /// The account and its time.
    pub world: World,
    /// What happens to calls.
    pub air: Arc<Air>,
    /// What is declared.
    pub fleet: Fleet,
    auditor: Arc<Mutex<Auditor>>,
    source: TroubledSource,
    skew: Arc<AtomicI64>,
    processes: Vec<Process>,
    /// What was wrong and is not the auditor's to see.
    pub findings: Vec<String>,
}

/// One process on the account.
#[derive(Debug)]
struct Process {
    view: watch::Receiver<Arc<View>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Outcome>,
    line: Line,
}

impl Stage {
    /// This account, on which nothing runs yet.
    pub fn new(aws: Aws, air: Air) -> Self {
        let world = World::of(aws);
        let auditor = Auditor::new(world.aws.clone(), installation().to_string(), world.clock.now());
        Self {
            world,
            air: Arc::new(air),
            fleet: Fleet::empty(),
            auditor: Arc::new(Mutex::new(auditor)),
            source: TroubledSource::default(),
            skew: Arc::default(),
            processes: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Works with the auditor.
    pub fn audit<T>(&self, work: impl FnOnce(&mut Auditor, Timestamp) -> T) -> T {
        let now = self.world.clock.now();
        work(&mut self.auditor.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Declares a fleet.
    pub fn declare(&mut self, fleet: Fleet) {
        self.audit(|auditor, now| auditor.declare(&fleet, now));
        self.source.give(vec![SourceFile { path: "fleet.yaml".to_owned(), text: fleet.yaml() }]);
        self.fleet = fleet;
    }

    /// Spoils the source until the next declaration.
    pub fn spoil(&self, trouble: Trouble) {
        match trouble {
            Trouble::Unreadable => self.source.fail(),
            Trouble::Vanished => self.source.give(Vec::new()),
            Trouble::Half => {
                let text =
                    self.fleet.yaml() + "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronPool\nmetadata: {name: ha";
                self.source.give(vec![SourceFile { path: "fleet.yaml".to_owned(), text }]);
            }
            Trouble::Typo => {
                let text = self.fleet.yaml().replacen("  replicas:", "  replicsa:", 1);
                self.source.give(vec![SourceFile { path: "fleet.yaml".to_owned(), text }]);
            }
        }
    }

    /// The source is as it was declared.
    pub fn unspoil(&mut self) {
        self.source.give(vec![SourceFile { path: "fleet.yaml".to_owned(), text: self.fleet.yaml() }]);
    }

    /// A line to the account.
    pub fn line(&self) -> Line {
        Line::new(self.world.aws.clone(), Arc::clone(&self.air), Arc::clone(&self.auditor))
    }

    /// Starts a process that knows nothing.
    pub async fn start(&mut self) {
        let line = self.line();
        let settings = Settings { until: Until::Stopped, timeout: None, ..self.world.settings.clone() };
        let clock = Skewed { clock: self.world.clock, skew: Arc::clone(&self.skew) };
        let cloud = Arc::new(self.world.cloud_over(SharedHttpClient::new(line.clone()), clock.clone()).await);
        let reconciler = Reconciler::new(cloud, Arc::new(clock), settings);
        let view = reconciler.view();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(reconciler.run(self.source.clone(), async {
            let _stopped_or_forgotten = stopped.await;
        }));
        self.processes.push(Process { view, stop: Some(stop), task, line });
        self.count_processes();
    }

    fn count_processes(&self) {
        let now = if self.processes.len() > 1 { Now::Begins } else { Now::Ends };
        self.audit(|auditor, _| auditor.upset(Upset::TwoProcesses, now));
    }

    /// How many processes run.
    pub fn running(&self) -> usize {
        self.processes.len()
    }

    /// Kills the oldest process, whatever it is doing.
    pub async fn kill(&mut self) {
        if self.processes.is_empty() {
            return;
        }
        let process = self.processes.remove(0);
        self.count_processes();
        process.line.cut();
        process.task.abort();
        if let Err(error) = process.task.await
            && error.is_panic()
        {
            self.findings.push(format!("a process panicked: {error}"));
        }
    }

    /// Kills the processes whose lines have died.
    pub async fn bury(&mut self) {
        while let Some(dead) = self.processes.iter().position(|process| process.line.is_dead()) {
            self.processes.rotate_left(dead);
            self.kill().await;
        }
    }

    /// Tells the oldest process to stop, and waits until it has.
    pub async fn stop(&mut self) {
        if self.processes.is_empty() {
            return;
        }
        let mut process = self.processes.remove(0);
        let _gone_already = process.stop.take().map(|stop| stop.send(()));
        match tokio::time::timeout(Duration::from_mins(5), process.task).await {
            Ok(Ok(Outcome::Stopped)) => {}
            Ok(Ok(other)) => self.findings.push(format!("told to stop, a process ended with {other:?}")),
            Ok(Err(error)) => self.findings.push(format!("a process panicked: {error}")),
            Err(_) => self.findings.push("a process did not stop within five minutes".to_owned()),
        }
        self.count_processes();
    }

    /// No process runs for so many seconds.
    pub async fn sleep(&mut self, seconds: u64) {
        while self.running() > 0 {
            self.stop().await;
        }
        self.audit(|auditor, _| auditor.upset(Upset::Absent, Now::Begins));
        self.pass(seconds).await;
        self.audit(|auditor, _| auditor.upset(Upset::Absent, Now::Ends));
        self.start().await;
    }

    /// The clock of the processes jumps; that of AWS does not.
    pub fn jump(&self, seconds: i64) {
        self.skew.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The clock of the processes is right again.
    pub fn set_clock(&self) {
        self.skew.store(0, Ordering::SeqCst);
    }

    /// Lets time pass, and looks at what has happened in it.
    pub async fn pass(&mut self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.look().await;
    }

    /// Looks at the account and at the processes.
    pub async fn look(&mut self) {
        self.audit(Auditor::inspect);
        let views: Vec<Arc<View>> = self.processes.iter().map(|process| Arc::clone(&process.view.borrow())).collect();
        for view in views {
            if let Some(violation) = view.violations.first() {
                self.findings.push(format!("the check before execution refused a plan: {violation}"));
            }
        }
        if let Some(ended) = self.processes.iter().position(|process| process.task.is_finished()) {
            let process = self.processes.remove(ended);
            self.findings.push(format!("a process ended by itself: {:?}", process.task.await));
        }
    }

    /// Buries what has died of its fate and starts another for each; says whether any had.
    pub async fn revive(&mut self) -> bool {
        let before = self.processes.len();
        self.bury().await;
        let died = before - self.processes.len();
        for _ in 0..died {
            self.start().await;
        }
        died > 0
    }

    /// Goes on with an account in which this is declared already, and these tasks of jobs have run.
    pub fn adopt(&mut self, fleet: Fleet, ledger: Ledger) {
        self.audit(|auditor, now| {
            auditor.declare(&fleet, now);
            auditor.know_services();
            auditor.know_jobs(ledger);
        });
        self.fleet = fleet;
    }

    /// Whether every process shows the newest specification, at rest, and has nothing left to do.
    pub fn rests(&self, rest: Rest) -> bool {
        let revision = self.source.revision();
        let rests = |process: &Process| {
            let view = process.view.borrow();
            view.revision == revision && (is_quiet(&view) || is_over(&view, rest))
        };
        !self.processes.is_empty()
            && self.processes.iter().all(rests)
            && self.audit(|auditor, _| auditor.leftovers().is_empty())
    }

    /// What is not ready, for people.
    pub fn complaints(&self) -> Vec<BTreeMap<String, String>> {
        let of = |process: &Process| {
            let view = process.view.borrow();
            let mut all = crate::reasons(&view);
            all.retain(|_, reason| reason != "ready");
            let waiting = view.waiting.iter().map(|waiting| format!("{waiting:?}")).collect::<Vec<_>>().join("; ");
            all.insert("waiting".to_owned(), waiting);
            all.insert("records".to_owned(), self.audit(|auditor, _| auditor.leftovers().join(", ")));
            all.insert("errors".to_owned(), format!("{:?} {:?}", view.sweep_errors, view.source_error));
            all
        };
        self.processes.iter().map(of).collect()
    }

    /// Everything that was wrong so far.
    pub fn verdict(&self) -> Vec<String> {
        self.audit(|auditor, _| auditor.findings().iter().chain(&self.findings).cloned().collect())
    }
}

/// Where an account comes to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Everything declared is ready.
    Ready,
    /// The same, or what is not ready needs a person: an image that cannot run.
    Settled,
}

/// Whether nothing is left to do but what a person, or the time of a schedule, begins.
fn is_over(view: &View, rest: Rest) -> bool {
    let ended = |key: &ObjectKey| {
        let mut waits = view.waiting.iter().filter(|waiting| waiting.object == *key).peekable();
        key.kind == Kind::NeuronJob
            && waits.peek().is_some()
            && waits.all(|waiting| match &waiting.on {
                Wait::Job(JobWait::Suspended | JobWait::Schedule { .. } | JobWait::Failed { .. }) => true,
                // For one that has failed.
                Wait::Job(JobWait::Dependency { job, .. }) => view.statuses.get(job).is_some_and(Status::is_stalled),
                _ => false,
            })
    };
    let over = |(key, status): (&ObjectKey, &Status)| {
        status.is_ready() || rest == Rest::Settled && status.is_stalled() || ended(key)
    };
    view.phase == Phase::Steady
        && view.in_flight.is_empty()
        && !view.statuses.is_empty()
        && (rest == Rest::Settled || view.waiting.iter().all(|waiting| waiting.object.kind == Kind::NeuronJob))
        && view.statuses.iter().all(over)
}

/// What can be wrong with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be read.
    Unreadable,
    /// It has no files.
    Vanished,
    /// Its last document ends in the middle of a word.
    Half,
    /// One object has a field that does not exist.
    Typo,
}

/// A source that can fail.
#[derive(Clone, Debug, Default)]
struct TroubledSource(Arc<Mutex<(u64, Option<Snapshot>)>>);

impl TroubledSource {
    fn with<T>(&self, work: impl FnOnce(&mut (u64, Option<Snapshot>)) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn give(&self, files: Vec<SourceFile>) {
        self.with(|(count, snapshot)| {
            *count += 1;
            *snapshot = Some(Snapshot::whole(format!("test@{count}"), files));
        });
    }

    fn fail(&self) {
        self.with(|(_, snapshot)| *snapshot = None);
    }

    fn revision(&self) -> String {
        self.with(|(count, _)| format!("test@{count}"))
    }
}

impl Source for TroubledSource {
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        let snapshot = self.with(|(_, snapshot)| snapshot.clone());
        snapshot.ok_or_else(|| SourceError::Other("the disk is gone".to_owned()))
    }
}

/// A clock that can be wrong.
#[derive(Clone, Debug)]
struct Skewed {
    clock: ScaledClock,
    skew: Arc<AtomicI64>,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let skew = jiff::SignedDuration::from_secs(self.skew.load(Ordering::SeqCst));
        self.clock.now().saturating_add(skew).unwrap_or(Timestamp::MAX)
    }

    fn steady(&self) -> Duration {
        self.clock.steady()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.clock.sleep(duration)
    }
}
