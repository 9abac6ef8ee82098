//! What the tests of `axon logs` work with: a simulated account, an operator on it, and a command line beside both. Nothing is tested
//! here.

use std::sync::Arc;
use std::time::Duration;

use axon_aws::Aws;
use axon_core::parse::SourceFile;
use axon_runtime::clock::Clock as _;
use axon_runtime::source::{FixedSource, Snapshot};
use axon_runtime::{Reconciler, Settings, Until};
use axon_sim::{Behaviour, Options};
use clap::Parser;
use tokio::task::JoinHandle;

use super::reader::Reader;
use super::*;
use crate::arguments::{Arguments, Command};
use crate::logging::paper::Paper;
use crate::target::{Simulated, Target};

/// A service of two replicas and a job of two indexes, which share a pool.
pub(super) const FLEET: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: shared}
spec:
  cluster: ml
  autoScalingGroup:
    instanceTypes: [inf2.48xlarge]
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole
    subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
    securityGroups: [sg-0a1b2c3d]
    maxSize: 4
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: small}
spec:
  pool: shared
  replicas: 2
  devices: 1
  template:
    cpu: 8192
    memory: 30000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: server, image: "small:1", ports: [{containerPort: 8080}]}]
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronJob
metadata: {name: sweep}
spec:
  pool: shared
  devices: 1
  completions: 2
  backoffLimit: 1
  template:
    cpu: 8192
    memory: 30000
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: train, image: "sweep:1"}]
"#;

/// An account, and an operator that works on it.
pub(super) struct Lab {
    pub(super) simulated: Simulated,
    pub(super) place: Place,
    pub(super) operator: JoinHandle<()>,
}

/// What a command has printed, and how it ended.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) data: String,
    pub(super) talk: String,
    pub(super) answer: Answer,
}

impl Printed {
    pub(super) fn lines(&self) -> Vec<&str> {
        self.data.lines().collect()
    }

    pub(super) fn count(&self, line: &str) -> usize {
        self.data.lines().filter(|found| *found == line).count()
    }
}

impl Lab {
    pub(super) async fn new(yaml: &str) -> Self {
        Self::with(Options::default(), yaml).await
    }

    pub(super) async fn with(options: Options, yaml: &str) -> Self {
        let simulated = Simulated::with(options, "1".parse().unwrap());
        let cloud = Arc::new(Aws::connect(simulated.connection()).await.unwrap());
        let (clock, installation) = (Arc::new(simulated.time()), "lab".parse().unwrap());
        let settings = Settings { until: Until::Stopped, ..Settings::new("lab".parse().unwrap()) };
        let files = vec![SourceFile { path: "fleet.yaml".to_owned(), text: yaml.to_owned() }];
        let reconciler = Reconciler::new(Arc::clone(&cloud), Arc::clone(&clock), settings);
        let operator = tokio::spawn(async move {
            reconciler.run(FixedSource(Snapshot::whole("r-1", files)), std::future::pending()).await;
        });
        Self { simulated, place: Place { target: Target { cloud, clock }, installation }, operator }
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.simulated.shared().with(|aws| aws.world_mut().behave(behaviour));
    }

    /// Ids of tasks that run, of a service or of jobs.
    pub(super) fn running(&self, service: Option<&str>) -> Vec<String> {
        let tasks = self.simulated.shared().with(|aws| aws.world().live_tasks());
        let fitting = tasks
            .into_iter()
            .filter(|task| task.service.as_deref().map(|name| name.starts_with("small")) == service.map(|_| true));
        fitting
            .filter(|task| task.status == "RUNNING")
            .map(|task| task.arn.rsplit('/').next().unwrap().to_owned())
            .collect()
    }

    pub(super) async fn pass(&self, time: Duration) {
        self.place.target.clock.sleep(time).await;
        let now = self.place.target.clock.now();
        self.simulated.shared().with(|aws| aws.advance_to(now));
    }

    /// Waits until something is so, for an hour at most.
    pub(super) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..720 {
            if holds(self) {
                return;
            }
            self.pass(Duration::from_secs(5)).await;
        }
        panic!("it never was so");
    }

    /// Everything that a reader gets by now.
    pub(super) async fn read(&self, reader: &mut Reader) -> Vec<String> {
        let mut read = Vec::new();
        while reader.is_hungry() {
            reader.feed(&*self.place.target.cloud).await.unwrap();
            read.extend(std::iter::from_fn(|| reader.take()).map(|line| line.message));
        }
        read
    }

    pub(super) async fn logs(&self, line: &str) -> Printed {
        let arguments = format!("axon logs {line} --simulate");
        let Command::Logs(arguments) = Arguments::parse_from(arguments.split(' ')).command else { panic!("not logs") };
        let (data, talk) = (Paper::default(), Paper::default());
        let mut out = Output::kept(data.clone(), talk.clone());
        let answer = match Wish::of(&arguments) {
            Ok(wish) => {
                let look = Look::of(arguments.output, arguments.timestamps.into());
                // Whoever follows a service stops at some time.
                let work = read(&self.place, &wish, look, &mut out);
                tokio::time::timeout(Duration::from_mins(90), work).await.unwrap_or(Ok(Exit::Done))
            }
            Err(failure) => Err(failure),
        };
        let plain = |paper: &Paper| anstream::adapter::strip_str(&paper.text()).to_string();
        Printed { data: plain(&data), talk: plain(&talk), answer }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.operator.abort();
    }
}

/// The fleet with one change.
pub(super) fn edit(before: &str, after: &str) -> String {
    assert_eq!(FLEET.matches(before).count(), 1, "{before}");
    FLEET.replace(before, after)
}
