//! A whole operator against the simulated AWS, and everything that it tells about itself: that it is there, and that no
//! secret is in it.

use std::sync::Mutex;
use std::time::Duration;

use axon_core::parse::SourceFile;
use axon_runtime::source::{Snapshot, Source, SourceError};
use axon_runtime::{Phase, Reconciler, Settings};
use axon_web::{AskedEvents, AskedObject, Board as _, Health, Readiness};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::arguments::AwsArguments;
use crate::logging::JsonLines;
use crate::logging::paper::{Paper, listen};
use crate::target::Target;

const SECRETS: [&str; 3] = ["hunter2-in-the-environment", "hunter3-in-the-environment", "hunter4-in-a-command"];

const SPEC: &str = r#"
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronPool
metadata: {name: chips}
spec:
  cluster: ml
  managedInstances:
    infrastructureRoleArn: arn:aws:iam::111122223333:role/ecsInfrastructureRole
    instanceProfileArn: arn:aws:iam::111122223333:instance-profile/ecsInstanceRole-neuron
    subnets: [subnet-0a1b2c3d]
    securityGroups: [sg-0a1b2c3d]
    instanceRequirements: {allowedInstanceTypes: [inf2.8xlarge]}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronService
metadata: {name: llama}
spec:
  pool: chips
  replicas: 1
  template:
    cpu: 8192
    memory: 16384
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers:
      - name: server
        image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/vllm:1
        command: ["--api-key", "hunter4-in-a-command"]
        env: {API_TOKEN: hunter2-in-the-environment}
"#;

/// A specification that is edited while the operator runs.
#[derive(Clone)]
struct Edited(Arc<Mutex<Snapshot>>);

impl Edited {
    fn set(&self, revision: &str, text: String) {
        let files = vec![SourceFile { path: "fleet.yaml".to_owned(), text }];
        *self.0.lock().unwrap() = Snapshot::whole(revision, files);
    }
}

impl Source for Edited {
    async fn snapshot(&mut self) -> Result<Snapshot, SourceError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// Every page of the board, as text.
fn pages(board: &LiveBoard) -> String {
    let object = AskedObject { kind: "NeuronService".to_owned(), name: "llama".to_owned(), target: None };
    let object = board.object(&object).map(|page| page.to_string()).unwrap_or_default();
    let events = board.events(&AskedEvents::default()).unwrap();
    format!("{}\n{object}\n{events}\n{}\n{}\n{}", board.page(), board.plan(), board.text(), board.metrics())
}

fn simulated() -> AwsArguments {
    AwsArguments {
        simulate: true,
        speed: "1".parse().unwrap(),
        endpoint_url: None,
        profile: None,
        region: None,
        assume_role: None,
        external_id: None,
        installation: None,
        share: axon_core::quota::Share::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn no_log_line_no_page_and_no_metric_has_a_secret() {
    let paper = Paper::default();
    let writer = paper.clone();
    // Everything of everyone, more than any setting of ours logs.
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::new(
            "off,axon_aws=trace,axon_cli=trace,axon_core=trace,axon_runtime=trace",
        ))
        .with(JsonLines::new(move || writer.clone()));
    let _logged = listen(subscriber);
    let lookout = Lookout::open(None, Limits::default());
    let telemetry = lookout.telemetry("us-east-1");
    let target = Target::connect(&simulated()).await.unwrap();
    let cloud = axon_aws::Aws::clone(&target.cloud).observed_by(counting(&telemetry));
    let settings = Settings::new("test".parse().unwrap());
    let reconciler = Reconciler::new(Arc::new(cloud), Arc::clone(&target.clock), settings);
    let reconciler = reconciler.watched(telemetry.clone());
    let mut view = reconciler.view();
    lookout.show(&telemetry, reconciler.view(), Arc::<crate::target::Time>::clone(&target.clock));
    let board = lookout.board();
    let source = Edited(Arc::default());
    source.set("r-1", SPEC.to_owned());

    let mut told = String::new();
    let story = async {
        for revision in ["r-1", "r-2"] {
            loop {
                view.changed().await.unwrap();
                told.push_str(&pages(&board));
                let latest = Arc::clone(&view.borrow_and_update());
                let quiet = latest.phase == Phase::Steady && latest.waiting.is_empty() && latest.in_flight.is_empty();
                if quiet && latest.revision == revision {
                    break;
                }
            }
            source.set("r-2", SPEC.replace(SECRETS[0], SECRETS[1]));
        }
    };
    let run = Box::pin(reconciler.run(source.clone(), std::future::pending()));
    let finished = tokio::time::timeout(Duration::from_hours(6), async {
        tokio::select! {
            ended = run => panic!("{ended:?}"),
            () = story => {}
        }
    });
    finished.await.unwrap();
    assert_eq!((board.readiness(), board.health()), (Readiness::Ready, Health::Alive));
    lookout.close().await;

    let log = paper.text();
    for told in [&log, &told] {
        assert!(told.contains("RegisterTaskDefinition"), "the call that carries the secrets is told of");
        for secret in SECRETS {
            assert!(!told.contains(secret), "{:?}", told.lines().find(|line| line.contains(secret)));
        }
    }
    check_log(&log);
}

/// Lines of a pass, of its steps and of their calls belong together.
fn check_log(log: &str) {
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let call = lines.iter().find(|line| line["msg"] == "AWS answered" && line["aws.operation"] == "CreateService");
    let call = call.expect("the call is logged");
    let members = ["aws.service", "level", "target", "object", "revision"].map(|name| call[name].as_str().unwrap());
    assert_eq!(members, ["ecs", "INFO", "us-east-1", "NeuronService/llama", "r-1"]);
    assert!(call["aws.request_id"].is_string() && call["duration_ms"].is_u64(), "{call}");
    let id = call["reconcileID"].as_str().unwrap();
    let same = |msg: &str| lines.iter().any(|line| line["msg"] == msg && line["reconcileID"] == id);
    assert!(same("step started") && same("step ended"), "{id}");
    let passes: Vec<&str> = lines.iter().filter_map(|line| line["reconcileID"].as_str()).collect();
    assert!(passes.iter().any(|other| *other != id), "every pass has its own");
}
