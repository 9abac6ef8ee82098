//! A whole small world for scenarios: the simulated AWS, the real SDK in front of it, and the real loop, all in one
//! simulated time.
//!
//! The scenarios under `tests/scenarios` use it. tokio's time must be paused (`start_paused = true`): an hour then takes
//! as long as the work in it. Nothing of the product is replaced here but the network and the clock.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a scenario that cannot be set up has failed"
)]

pub mod account;
pub mod bounds;
pub mod exposition;
pub mod fleets;
pub mod images;
pub mod operator;
pub mod trust;
pub mod watched;
pub mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axon_aws::{Connection, FixedCredentials};
use axon_core::cloud::Cloud as _;
use axon_core::ownership::Installation;
use axon_core::parse::SourceFile;
use axon_core::preview::Preview;
use axon_core::state::Pruning;
use axon_core::status::Status;
use axon_runtime::clock::{Clock, ScaledClock};
use axon_runtime::source::{FixedSource, Snapshot};
use axon_runtime::{Outcome, PreviewRequest, Reconciler, Settings, Specifier, Until, View, preview};
use axon_sim::{Call, Options, Shared};
use tokio::sync::oneshot;

use crate::operator::{LiveSource, Operator};
use crate::wire::{Death, Wire, is_write};

/// A simulated account and what should be true in it.
#[derive(Debug)]
pub struct World {
    /// The account, for looking and for tampering.
    pub aws: Shared,
    /// The time of everything.
    pub clock: ScaledClock,
    /// How the loop is set up; a run ends when everything is ready or needs a person, or after six hours.
    pub settings: Settings,
    /// The network of processes that start from now on.
    pub wire: Wire,
    region: String,
    source: LiveSource,
}

/// Whatever a scenario was about, no two tasks may ever have held the same Neuron device.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = self.aws.with(|aws| aws.world().violations().to_vec());
            assert_eq!(violations, [], "no two tasks ever held the same Neuron device");
        }
    }
}

impl World {
    /// An empty account, and this specification.
    pub fn new(yaml: &str) -> Self {
        Self::with(Options::default(), yaml)
    }

    /// An account with these settings, and this specification.
    pub fn with(options: Options, yaml: &str) -> Self {
        let world = Self::of(axon_sim::Aws::new(options));
        world.specify(yaml);
        world
    }

    /// An account as it is now, and nothing specified.
    pub fn of(aws: axon_sim::Aws) -> Self {
        let clock = ScaledClock::new(aws.now(), 1.0);
        let mut settings = Settings::new(installation());
        settings.until = Until::Settled;
        settings.timeout = Some(Duration::from_hours(6));
        let region = aws.region().to_owned();
        let aws = Shared::new(aws, Arc::new(move || clock.now()));
        let wire = Wire::new(aws.clone());
        Self { aws, clock, settings, wire, region, source: LiveSource::default() }
    }

    /// Replaces the specification. Processes that run read it within seconds.
    pub fn specify(&self, yaml: &str) {
        self.specify_files(vec![SourceFile { path: "fleet.yaml".to_owned(), text: yaml.to_owned() }]);
    }

    /// Replaces the specification by several files.
    pub fn specify_files(&self, files: Vec<SourceFile>) {
        let before = self.source.get().revision;
        let count = before.rsplit('@').next().and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
        self.source.set(Snapshot::whole(format!("test@{}", count + 1), files));
    }

    /// The real client, whose network is the simulated account.
    pub async fn cloud(&self) -> axon_aws::Aws {
        self.cloud_over(SharedHttpClient::new(self.wire.clone()), self.clock).await
    }

    /// The real client on another network, with the clock of another machine.
    pub async fn cloud_over(&self, network: SharedHttpClient, clock: impl Clock + fmt::Debug) -> axon_aws::Aws {
        let connection = Connection {
            region: Some(self.region.clone()),
            http_client: Some(network),
            time_source: Some(SharedTimeSource::new(Time(clock))),
            share: self.settings.share,
            credentials: Some(FixedCredentials {
                access_key_id: "simulated".to_owned(),
                secret_access_key: "simulated".to_owned(),
            }),
            ..Connection::default()
        };
        axon_aws::Aws::connect(connection).await.unwrap()
    }

    async fn process(&self, wire: Wire) -> Reconciler<axon_aws::Aws, ScaledClock> {
        let cloud = Arc::new(Box::pin(self.cloud_over(SharedHttpClient::new(wire), self.clock)).await);
        Reconciler::new(cloud, Arc::new(self.clock), self.settings.clone())
    }

    /// A fresh process that runs to its end.
    pub async fn apply(&self) -> Applied {
        self.run(std::future::pending()).await
    }

    /// A fresh process that runs to its end, at which everything must be ready.
    pub async fn converge(&self) -> Applied {
        let applied = self.apply().await;
        assert!(matches!(applied.outcome, Outcome::Reached), "{:#?}", applied.summary());
        applied
    }

    /// A fresh process that runs to its end or until it is told to stop.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Applied {
        let reconciler = self.process(self.wire.clone()).await;
        let view = reconciler.view();
        let outcome = reconciler.run(FixedSource(self.source.get()), shutdown).await;
        let view = Arc::clone(&view.borrow());
        Applied { outcome, view }
    }

    /// A fresh process that is killed in its `count`th write. Says whether it came that far.
    pub async fn crash(&self, count: u32, death: Death) -> bool {
        let wire = Wire::new(self.aws.clone()).doomed(count, death);
        let reconciler = self.process(wire.clone()).await;
        let run = reconciler.run(FixedSource(self.source.get()), std::future::pending());
        tokio::select! {
            _ended = run => false,
            () = wire.died() => true,
        }
    }

    /// A fresh process that runs until it is stopped and follows the specification.
    pub async fn start(&self) -> Operator {
        let mut settings = self.settings.clone();
        settings.until = Until::Stopped;
        settings.timeout = None;
        let cloud = Arc::new(self.cloud().await);
        let reconciler = Reconciler::new(cloud, Arc::new(self.clock), settings);
        let view = reconciler.view();
        let (stop, stopped) = oneshot::channel();
        let source = self.source.clone();
        let task = tokio::spawn(reconciler.run(source.clone(), async {
            let _stopped_or_forgotten = stopped.await;
        }));
        Operator { source, view, stop, task }
    }

    /// What a fresh process would do.
    pub async fn plan(&self) -> Preview {
        let cloud = self.cloud().await;
        let facts = cloud.lookup().await.unwrap();
        let specification = Specifier::new(installation()).specify(&self.source.get(), &facts);
        let errors: Vec<String> = specification.diagnostics.iter().map(ToString::to_string).collect();
        assert!(specification.faults.is_empty(), "{errors:#?}");
        let request = PreviewRequest {
            installation: installation(),
            specified: specification.specified,
            pruning: Pruning::On,
            prune_limits: self.settings.prune_limits,
            roles: self.settings.roles.clone(),
        };
        let (foreseen, errors) = preview(&cloud, self.clock.now(), request).await.unwrap();
        assert_eq!(errors, [], "AWS was read completely");
        assert!(foreseen.preview.ended, "the plan comes to an end: {:#?}", foreseen.preview.rounds.last());
        foreseen.preview
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.aws.with(|aws| aws.advance_to(self.clock.now()));
    }

    /// Lets time pass in which nothing may be written.
    pub async fn quiet(&self, time: Duration) {
        self.calls();
        self.pass(time).await;
        assert_eq!(self.writes(), [], "a steady state writes nothing");
    }

    /// The calls since the last question.
    pub fn calls(&self) -> Vec<Call> {
        self.aws.with(axon_sim::Aws::take_calls)
    }

    /// The calls since the last question, without those that only read.
    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| is_write(&call.operation)).collect()
    }
}

/// How a run ended and what it showed last.
#[derive(Debug)]
pub struct Applied {
    /// How it ended.
    pub outcome: Outcome,
    /// What it showed last.
    pub view: Arc<View>,
}

impl Applied {
    /// The objects and, for those that are not ready, why.
    pub fn summary(&self) -> BTreeMap<String, String> {
        reasons(&self.view)
    }
}

/// The objects and, for those that are not ready, why.
pub fn reasons(view: &View) -> BTreeMap<String, String> {
    view.statuses.iter().map(|(key, status)| (key.to_string(), word(status))).collect()
}

/// The operations of calls that AWS accepted.
pub fn accepted(calls: &[Call]) -> Vec<&str> {
    calls.iter().filter(|call| call.error.is_none()).map(|call| call.operation.as_str()).collect()
}

fn word(status: &Status) -> String {
    if status.is_ready() {
        return "ready".to_owned();
    }
    let ready = status.condition(axon_core::status::ConditionType::Ready);
    ready.map_or_else(|| "unknown".to_owned(), |found| format!("{:?}: {}", found.reason, found.message))
}

/// Whose resources are ours in every scenario.
pub fn installation() -> Installation {
    "scenario".parse().unwrap()
}

/// The time of a clock in the SDK's words.
#[derive(Clone, Copy, Debug)]
struct Time<K>(K);

impl<K: Clock + fmt::Debug> TimeSource for Time<K> {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}
