//! A scripted cloud of clusters and a scripted source, for the tests of this crate. Not a model of AWS: answers come as
//! the script says, and otherwise at once and as hoped for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axon_core::cloud::{Cloud, CloudError, Ec2Sweep, Effect, ErrorClass, Facts, JobSweep, Scope, Sweep};
use axon_core::observe::{Cluster, ClusterStatus, Identity};
use axon_core::ownership::Tags;
use axon_core::parse::SourceFile;
use axon_core::shape::cluster::ClusterSetting;
use axon_core::shape::shared::Tag;
use axon_core::step::{Action, Resource, Step};
use jiff::{SignedDuration, Timestamp};

use crate::clock::{Clock, ScaledClock};
use crate::source::{Snapshot, Source, SourceError};

/// How a call goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Act {
    pub(crate) takes: Duration,
    pub(crate) ends: Ends,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Ends {
    #[default]
    Well,
    Badly(ErrorClass),
    InPanic,
}

impl Act {
    pub(crate) fn taking(seconds: u64) -> Self {
        Self { takes: Duration::from_secs(seconds), ends: Ends::Well }
    }

    pub(crate) fn failing(class: ErrorClass) -> Self {
        Self { takes: Duration::ZERO, ends: Ends::Badly(class) }
    }
}

#[derive(Debug, Default)]
struct Inside {
    clusters: BTreeMap<String, Cluster>,
    script: BTreeMap<&'static str, VecDeque<Act>>,
    running: BTreeSet<Resource>,
    /// How far its clock is ahead, once it has answered a sweep.
    ahead: SignedDuration,
    heard: bool,
    log: Vec<(i64, String)>,
}

#[derive(Debug)]
pub(crate) struct Fake {
    clock: Arc<ScaledClock>,
    inside: Mutex<Inside>,
}

impl Fake {
    pub(crate) fn new(clock: Arc<ScaledClock>) -> Arc<Self> {
        Arc::new(Self { clock, inside: Mutex::default() })
    }

    /// The next calls of an operation (`lookup`, `observe` or AWS's name) go like this; later ones go well.
    pub(crate) fn script(&self, operation: &'static str, acts: impl IntoIterator<Item = Act>) {
        self.inside.lock().unwrap().script.entry(operation).or_default().extend(acts);
    }

    /// Calls so far with the second of their beginning, without lookups and sweeps.
    pub(crate) fn writes(&self) -> Vec<(i64, String)> {
        self.log(|what| !matches!(what, "lookup" | "observe"))
    }

    /// Seconds at which sweeps began.
    pub(crate) fn sweeps(&self) -> Vec<i64> {
        self.log(|what| what == "observe").into_iter().map(|(at, _)| at).collect()
    }

    fn log(&self, wanted: impl Fn(&str) -> bool) -> Vec<(i64, String)> {
        self.inside.lock().unwrap().log.iter().filter(|(_, what)| wanted(what)).cloned().collect()
    }

    /// Its clock is ahead of the machine's.
    pub(crate) fn is_ahead(&self, by: SignedDuration) {
        let mut inside = self.inside.lock().unwrap();
        (inside.ahead, inside.heard) = (by, false);
    }

    /// Somebody else changes something.
    pub(crate) fn tamper(&self, change: impl FnOnce(&mut BTreeMap<String, Cluster>)) {
        change(&mut self.inside.lock().unwrap().clusters);
    }

    fn begin(&self, operation: &'static str, line: String) -> Act {
        let mut inside = self.inside.lock().unwrap();
        inside.log.push((self.clock.now().as_second(), line));
        inside.script.get_mut(operation).and_then(VecDeque::pop_front).unwrap_or_default()
    }

    async fn play(&self, act: Act, operation: &'static str) -> Result<(), CloudError> {
        if !act.takes.is_zero() {
            self.clock.sleep(act.takes).await;
        }
        match act.ends {
            Ends::Well => Ok(()),
            Ends::Badly(class) => Err(error(class, operation)),
            Ends::InPanic => panic!("as scripted"),
        }
    }
}

pub(crate) fn error(class: ErrorClass, operation: &'static str) -> CloudError {
    CloudError {
        class,
        operation,
        code: format!("{class:?}Error"),
        message: "as scripted".to_owned(),
        request_id: None,
    }
}

impl Cloud for Fake {
    async fn lookup(&self) -> Result<Facts, CloudError> {
        let act = self.begin("lookup", "lookup".to_owned());
        self.play(act, "GetCallerIdentity").await?;
        let [account, region, partition] = ["111122223333", "us-east-1", "aws"].map(str::to_owned);
        Ok(Facts { identity: Identity { account, region, partition }, instance_types: Vec::new() })
    }

    async fn observe(&self, scope: Scope) -> Sweep {
        let act = self.begin("observe", "observe".to_owned());
        self.inside.lock().unwrap().heard = true;
        let started = self.clock.now();
        let clusters: Vec<Cluster> = self.inside.lock().unwrap().clusters.values().cloned().collect();
        let played = self.play(act, "ListClusters").await;
        let names = || clusters.iter().map(|cluster| cluster.name.clone());
        Sweep {
            started,
            providers: names().map(|name| (name, Ok(vec![]))).collect(),
            services: names().map(|name| (name, Ok(vec![]))).collect(),
            task_definitions: (!scope.family_prefixes.is_empty()).then(|| Ok(vec![])),
            clusters: played.map(|()| clusters),
            tasks: BTreeMap::new(),
            history: BTreeMap::new(),
            ec2: scope.ec2.map(|_| Ec2Sweep {
                providers: Ok(vec![]),
                templates: Ok(vec![]),
                groups: Ok(vec![]),
                machines: Ok(vec![]),
                images: BTreeMap::new(),
                instances: BTreeMap::new(),
                subnets: Ok(BTreeMap::new()),
            }),
            jobs: scope.jobs.map(|jobs| JobSweep { records: jobs.records.map(|_| Ok(vec![])), tasks: BTreeMap::new() }),
            calls: 1,
        }
    }

    async fn execute(&self, step: &Step) -> Result<Effect, CloudError> {
        let operation = step.action.operation();
        let act = self.begin(operation, format!("{operation} {}", step.resource));
        let alone = self.inside.lock().unwrap().running.insert(step.resource.clone());
        assert!(alone, "two steps at once on {}", step.resource);
        let played = self.play(act, operation).await;
        let mut inside = self.inside.lock().unwrap();
        inside.running.remove(&step.resource);
        played?;
        Ok(effect(&mut inside.clusters, &step.action))
    }

    fn aws_time(&self, machine: Timestamp) -> Timestamp {
        let inside = self.inside.lock().unwrap();
        if inside.heard { machine + inside.ahead } else { machine }
    }
}

fn effect(clusters: &mut BTreeMap<String, Cluster>, action: &Action) -> Effect {
    match action {
        Action::CreateCluster(request) => {
            let name = request.cluster_name.clone().unwrap();
            let cluster = Cluster {
                arn: format!("arn:aws:ecs:us-east-1:111122223333:cluster/{name}"),
                name: name.clone(),
                status: ClusterStatus::Active,
                settings: settings(&request.settings),
                configuration: None,
                service_connect_namespace: None,
                tags: tags(&request.tags),
                registered_instances: 0,
                capacity_providers: vec![],
                default_strategy: vec![],
                attachments_status: None,
            };
            clusters.insert(name, cluster.clone());
            Effect::Cluster(Box::new(cluster))
        }
        Action::UpdateCluster(request) => {
            let cluster = clusters.get_mut(request.cluster.as_ref().unwrap()).unwrap();
            cluster.settings = settings(&request.settings);
            Effect::Cluster(Box::new(cluster.clone()))
        }
        Action::DeleteCluster { cluster } => {
            clusters.remove(cluster);
            Effect::Gone
        }
        other => panic!("the fake cloud knows clusters only, not {}", other.operation()),
    }
}

fn settings(list: &[ClusterSetting]) -> BTreeMap<String, String> {
    list.iter().map(|setting| (setting.name.clone().unwrap(), setting.value.clone().unwrap())).collect()
}

fn tags(list: &[Tag]) -> Tags {
    list.iter().map(|tag| (tag.key.clone().unwrap(), tag.value.clone().unwrap())).collect()
}

/// A snapshot with these clusters, each with its Container Insights.
pub(crate) fn clusters(revision: &str, clusters: &[(&str, &str)]) -> Snapshot {
    let documents = clusters.iter().map(|(name, insights)| {
        format!(
            "---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {{name: {name}}}\n\
             spec: {{containerInsights: {insights}}}\n"
        )
    });
    text(revision, &documents.collect::<String>())
}

pub(crate) fn text(revision: &str, text: &str) -> Snapshot {
    let file = SourceFile { path: "fleet.yaml".to_owned(), text: text.to_owned() };
    Snapshot::whole(revision, vec![file])
}

/// Gives what the script has for the present second: the last entry that has begun.
#[derive(Debug)]
pub(crate) struct Scripted {
    clock: Arc<ScaledClock>,
    script: Vec<(i64, Result<Snapshot, SourceError>)>,
}

impl Scripted {
    pub(crate) fn new(clock: &Arc<ScaledClock>, script: Vec<(i64, Result<Snapshot, SourceError>)>) -> Self {
        Self { clock: Arc::clone(clock), script }
    }
}

impl Source for Scripted {
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        let now = self.clock.now().as_second();
        self.script.iter().rev().find(|(from, _)| *from <= now).unwrap().1.clone()
    }
}

/// Second 0 is the start of a test.
pub(crate) fn clock() -> Arc<ScaledClock> {
    Arc::new(ScaledClock::new(Timestamp::UNIX_EPOCH, 1.0))
}
