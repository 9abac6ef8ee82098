//! Plays one history to its end and says whether everything held.
//!
//! Neighbours: `history` says what happens, `stage` is where, `portrait` compares the ends. A history ends like this: every
//! fault is taken back, one process is left, and within bounds everything must be ready, at rest, and as a fresh installation
//! of the last specification would be.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use axon_runtime::clock::Clock as _;
use axon_sim::{Health, Image, ImageActs};
use serde_json::{Value, json};

use super::account::account;
use super::alone;
use super::audit::{Glance, Now, Upset};
use super::edit::Edit;
use super::fault::Weather;
use super::fleet::{CLUSTER, Fleet};
use super::happen::{befall, happen};
use super::history::{Event, History};
use super::job::Job;
use super::line::Air;
use super::portrait::portrait;
use super::stage::{Rest, Stage};
use super::trace::Trace;

/// Simulated time in which everything must be ready once faults have stopped: the longest waiting time of the product is
/// half an hour, a group tries again after at most eight minutes, a rollout of three instances takes fifteen each.
const READY_WITHIN: Duration = Duration::from_hours(4);
/// The same where there is work that ends, beside the time of that work: jobs that wait for one another, for attempts that nobody
/// knows anything of, and for the cleaning of their records.
const DONE_WITHIN: Duration = Duration::from_hours(8);
/// In this time nothing may be written.
pub const QUIET: Duration = Duration::from_mins(30);
/// So many times it may still tidy up before it is at rest: old revisions, surplus instances.
const TIDIES: u32 = 8;
/// Calls a minute while nothing changes: one sweep, which grows with the fleet.
const CALLS_A_MINUTE: u64 = 40;
/// DescribeServices takes so many.
const SERVICES_A_CALL: u64 = 10;

/// What came of a history.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// What did not hold; empty if everything did.
    pub findings: Vec<String>,
    /// Events that were played.
    pub events: usize,
    /// Calls to AWS.
    pub calls: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Runs of jobs that have had tasks, and those tasks.
    pub jobs: (u64, u64),
    /// Faults by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// The last writes with their instants and answers, for people.
    pub last_writes: VecDeque<String>,
    /// Hash of every call with its instant, body and answer's code: the same history gives the same.
    pub trace: u64,
}

/// Plays a history in a runtime of its own, from the very beginning.
pub fn play(history: &History) -> Played {
    alone(history.seed, played(history))
}

async fn played(history: &History) -> Played {
    let mut stage = Stage::new(account(history.seed), Air::new(history.seed, Vec::new()));
    let start = stage.world.clock.now();
    foreign(&stage);
    protect(&stage);
    stage.declare(history.fleet.clone());
    stage.start().await;
    let mut trace = Trace::default();
    let mut events = 0;
    for event in &history.events {
        happen(&mut stage, *event).await;
        stage.look().await;
        trace.calls(&stage);
        events += 1;
        if !stage.verdict().is_empty() {
            break;
        }
    }
    if stage.verdict().is_empty() {
        mend(&mut stage).await;
        settle(&mut stage, (Rest::Ready, QUIET), &mut trace).await;
    }
    if stage.verdict().is_empty() {
        compare(&mut stage);
    }
    let simulated = stage.world.clock.now().duration_since(start).unsigned_abs();
    let findings = stage.verdict();
    stage.world.aws.with(|aws| aws.world_mut().take_violations());
    Played {
        findings,
        events,
        calls: stage.air.calls(),
        simulated,
        jobs: stage.audit(|auditor, _| auditor.ledger().count()),
        faults: stage.air.faults(),
        trace: trace.hash(),
        last_writes: trace.into_last_writes(),
    }
}

/// What belongs to others: a cluster, a service, a group with its template, a record. Nobody may ever touch them.
pub(super) fn foreign(stage: &Stage) {
    let theirs = Image::new("ami-0123456789abcdef0", "theirs", "1.100.0");
    stage.world.aws.with(|aws| aws.world_mut().add_image(theirs));
    let act = |service: &str, operation: &str, input: Value| stage.world.act_on(service, operation, &input);
    act(
        "ecs",
        "CreateCluster",
        json!({"clusterName": "theirs", "tags": [{"key": "neuron.ecs/managed-by", "value": "other"}]}),
    );
    let container = json!({"name": "web", "image": "web:1", "memory": 128});
    act("ecs", "RegisterTaskDefinition", json!({"family": "web", "containerDefinitions": [container]}));
    act(
        "ecs",
        "CreateService",
        json!({"cluster": "theirs", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0, "launchType": "EC2"}),
    );
    let data = json!({"ImageId": "ami-0123456789abcdef0", "InstanceType": "inf2.xlarge"});
    act("ec2", "CreateLaunchTemplate", json!({"LaunchTemplateName": "theirs", "LaunchTemplateData": data}));
    let template = json!({"LaunchTemplateName": "theirs", "Version": "1"});
    act(
        "autoscaling",
        "CreateAutoScalingGroup",
        json!({
            "AutoScalingGroupName": "theirs", "MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0, "VPCZoneIdentifier": "subnet-0a1b2c3d",
            "LaunchTemplate": template,
        }),
    );
    act("ssm", "PutParameter", json!({"Name": THEIR_RECORD, "Value": "theirs", "Type": "String"}));
}

/// Where another installation has its records.
const THEIR_RECORD: &str = "/axon/theirs/jobs/sweep/0a1b2c3d4e5f/0.0";

/// Whatever is theirs stays as it is now.
pub(super) fn protect(stage: &Stage) {
    let glances = [
        ("ecs", "DescribeClusters", json!({"clusters": ["theirs"], "include": ["TAGS", "SETTINGS"]})),
        ("ecs", "DescribeServices", json!({"cluster": "theirs", "services": ["web"], "include": ["TAGS"]})),
        ("ecs", "ListTaskDefinitions", json!({"familyPrefix": "web", "status": "ACTIVE"})),
        ("ec2", "DescribeLaunchTemplates", json!({"LaunchTemplateNames": ["theirs"]})),
        ("autoscaling", "DescribeAutoScalingGroups", json!({"AutoScalingGroupNames": ["theirs"]})),
        ("ssm", "GetParameter", json!({"Name": THEIR_RECORD})),
    ];
    for (service, operation, input) in glances {
        stage.audit(|auditor, _| auditor.protect(Glance { service, operation, input }));
    }
}

/// Takes every fault back and leaves one process.
async fn mend(stage: &mut Stage) {
    stage.air.turn(|_| Weather::default());
    for upset in [Upset::StaleReads, Upset::BadNetwork] {
        stage.audit(|auditor, _| auditor.upset(upset, Now::Ends));
    }
    stage.set_clock();
    befall(stage, Event::AgentsBack);
    let healthy: Vec<String> = stage.world.aws.with(|aws| aws.world().running_instances().into_keys().collect());
    stage.world.aws.with(|aws| {
        let world = aws.world_mut();
        world.lag(0);
        world.end_shortages();
        world.forget_provider_failures();
        for instance in &healthy {
            world.set_accelerator_health(instance, Health::Ok);
        }
    });
    stage.world.publish(FINAL_IMAGE, ImageActs::Good);
    stage.declare(Edit::Mend.apply(&stage.fleet));
    while stage.running() > 1 {
        stage.stop().await;
    }
    if stage.running() == 0 {
        stage.start().await;
    }
}

/// The image that is recommended at the end.
const FINAL_IMAGE: &str = "ami-0f1a1f1a1f1a1f1a1";

/// Within bounds everything comes to rest, and then nothing is written for so long. A process that dies meanwhile is followed by
/// another.
pub async fn settle(stage: &mut Stage, (rest, quiet): (Rest, Duration), trace: &mut Trace) {
    let work: Duration = stage.fleet.jobs.values().map(Job::length).sum();
    let within = if work.is_zero() { READY_WITHIN } else { DONE_WITHIN + work };
    let deadline = stage.world.clock.now() + within;
    while !stage.rests(rest) {
        if stage.world.clock.now() > deadline {
            let complaints = stage.complaints();
            let account = standing(stage);
            stage.findings.push(format!("not ready within {within:?}: {complaints:#?}\n{account}"));
            return;
        }
        stage.pass(30).await;
        stage.revive().await;
        trace.calls(stage);
        if !stage.verdict().is_empty() {
            return;
        }
    }
    let mut writes = Vec::new();
    for _ in 0..TIDIES {
        let before = (stage.air.calls(), trace.later_pages());
        stage.pass(quiet.as_secs()).await;
        let died = stage.revive().await;
        writes = trace.calls(stage);
        // While readings are old there is something to wait for, and to look for.
        let lately_old = stage.audit(|auditor, _| auditor.lately(Upset::StaleReads, quiet));
        if writes.is_empty() && !died && !lately_old && stage.rests(rest) {
            // How long AWS's pages are is not ours to choose.
            let calls = stage.air.calls() - before.0 - (trace.later_pages() - before.1);
            let services = u64::try_from(stage.fleet.services.len()).unwrap_or(u64::MAX);
            if calls > (CALLS_A_MINUTE + services / SERVICES_A_CALL) * quiet.as_secs() / 60 {
                stage.findings.push(format!("{calls} calls in {quiet:?} in which nothing changes"));
            }
            return;
        }
        if !stage.verdict().is_empty() {
            return;
        }
    }
    let complaints = stage.complaints();
    stage.findings.push(format!("does not come to rest: {writes:?} {complaints:#?}"));
}

/// What stands in the account, for people: instances of groups, container instances, services and tasks, one a line.
fn standing(stage: &Stage) -> String {
    let see = |service: &str, operation: &str, input: Value| {
        stage.world.try_on(service, operation, &input).unwrap_or_default()
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = |value: &Value, names: &[&str]| {
        let pairs: Vec<String> = names.iter().map(|name| format!("{name}={}", text(&value[*name]))).collect();
        format!(" {}", pairs.join(" "))
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for group in list(&see("autoscaling", "DescribeAutoScalingGroups", json!({}))["AutoScalingGroups"]) {
        lines.push(format!("group{}", told(&group, &["AutoScalingGroupName", "DesiredCapacity", "MaxSize"])));
        for member in list(&group["Instances"]) {
            lines.push(format!("  {}", told(&member, &["InstanceId", "LifecycleState", "LaunchTemplate"])));
        }
    }
    let arns = see("ecs", "ListContainerInstances", json!({"cluster": CLUSTER}))["containerInstanceArns"].clone();
    let asked = json!({"cluster": CLUSTER, "containerInstances": arns, "include": ["CONTAINER_INSTANCE_HEALTH"]});
    for instance in list(&see("ecs", "DescribeContainerInstances", asked)["containerInstances"]) {
        let names = ["containerInstanceArn", "ec2InstanceId", "status", "agentConnected", "healthStatus"];
        lines.push(format!("instance{}", told(&instance, &names)));
    }
    for services in
        list(&see("ecs", "ListServices", json!({"cluster": CLUSTER, "maxResults": 100}))["serviceArns"]).chunks(10)
    {
        for service in
            list(&see("ecs", "DescribeServices", json!({"cluster": CLUSTER, "services": services}))["services"])
        {
            let names =
                ["serviceName", "status", "desiredCount", "runningCount", "taskDefinition", "deploymentConfiguration"];
            lines.push(format!("service{}", told(&service, &names)));
            let deployed = ["status", "taskDefinition", "desiredCount", "runningCount", "failedTasks", "rolloutState"];
            for deployment in list(&service["deployments"]) {
                lines.push(format!("  {}", told(&deployment, &deployed)));
                let asked = json!({"taskDefinition": deployment["taskDefinition"]});
                let definition = see("ecs", "DescribeTaskDefinition", asked)["taskDefinition"].take();
                for container in list(&definition["containerDefinitions"]) {
                    lines.push(format!("    {}", told(&container, &["image"])));
                }
            }
            for event in list(&service["events"]).iter().take(4) {
                lines.push(format!("  {}", told(event, &["createdAt", "message"])));
            }
        }
    }
    for task in stage.world.aws.with(|aws| aws.world().live_tasks()) {
        lines.push(format!("{task:?}"));
    }
    for name in stage.world.aws.with(|aws| aws.world().parameter_names("/axon/")) {
        let record = see("ssm", "GetParameter", json!({"Name": name}))["Parameter"].take();
        lines.push(format!("record{}", told(&record, &["Name", "LastModifiedDate", "Value"])));
    }
    lines.join("\n")
}

/// The end is that of a fresh installation.
fn compare(stage: &mut Stage) {
    stage.audit(|auditor, _| auditor.jobs_at_rest());
    let here = portrait(&stage.world);
    let fresh = fresh(&stage.fleet);
    for difference in differences("", &fresh, &here) {
        stage.findings.push(format!("not as a fresh installation: {difference}"));
    }
}

/// The portrait of a fresh installation.
pub fn fresh(fleet: &Fleet) -> Value {
    let fleet = fleet.clone();
    // In a thread of its own, because a runtime cannot wait inside another.
    let thread = std::thread::spawn(move || {
        alone(1, async {
            let mut stage = Stage::new(account(1), Air::new(1, Vec::new()));
            stage.world.publish(FINAL_IMAGE, ImageActs::Good);
            stage.declare(fleet);
            stage.start().await;
            settle(&mut stage, (Rest::Ready, QUIET), &mut Trace::default()).await;
            let verdict = stage.verdict();
            assert!(verdict.is_empty(), "a fresh installation without any fault: {verdict:#?}");
            portrait(&stage.world)
        })
    });
    thread.join().unwrap()
}

/// Where two values differ, as paths.
pub fn differences(path: &str, wanted: &Value, found: &Value) -> Vec<String> {
    match (wanted, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let null = Value::Null;
            keys.into_iter()
                .flat_map(|key| {
                    differences(&format!("{path}.{key}"), a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null))
                })
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().flat_map(|(i, (a, b))| differences(&format!("{path}[{i}]"), a, b)).collect()
        }
        _ if wanted == found => Vec::new(),
        _ => vec![format!("{path}: {wanted} wanted, {found} found")],
    }
}
