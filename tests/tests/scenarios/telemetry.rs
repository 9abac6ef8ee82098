//! What an operator tells those who watch it: metrics that any Prometheus reads, events that outlive it, no stale series.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axon_runtime::history::{History, Limits, Query};
use axon_runtime::metrics::{Metric, MetricType, metrics_page};
use axon_sim::{Acts, Behaviour, Image};
use axon_tests::World;
use axon_tests::exposition::{Family, read};
use axon_tests::fleets::{JOBS, OTHER, ROLLING, SMALL, edit, many};
use axon_tests::watched::Watch;
use serde_json::json;

const NEURON: &str = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";
const NEW: &str = "ami-0000000000000new1";

/// What this version of Axon exposes only when something rare happens or another part reports it.
const RARE: [Metric; 10] = [
    Metric::BuildInfo,
    Metric::ConfigLastReloadSuccessful,
    Metric::ConfigLastReloadSuccessTimestamp,
    Metric::LaunchFailures,
    Metric::DriftDetected,
    Metric::DriftCorrected,
    Metric::StepRetries,
    Metric::StepsPaced,
    Metric::PacingRatio,
    Metric::ReconcileErrors,
];

/// What is exposed where there are jobs.
const OF_JOBS: &str = "axon_job_";

fn scrape(watch: &Watch) -> BTreeMap<String, Family> {
    let text = watch.metrics.text();
    let mut families = read(&text).unwrap_or_else(|why| unreachable!("{why}\n{text}"));
    // The library's own, of the whole process.
    families.retain(|name, _| !name.starts_with("process_"));
    let known: BTreeMap<&str, Metric> = Metric::ALL.iter().map(|metric| (metric.spec().name, *metric)).collect();
    let page = metrics_page();
    for (name, family) in &families {
        let spec = known.get(name.as_str()).unwrap_or_else(|| unreachable!("{name} is in no catalogue")).spec();
        assert_eq!((&family.kind, family.help.as_str()), (&spec.kind.to_string(), spec.help), "{name}");
        assert!(page.contains(&format!("| `{name}` | {} |", spec.kind)), "{name} is on the page");
        for sample in &family.samples {
            let mut expected: BTreeSet<&str> = spec.labels.iter().copied().collect();
            if matches!(spec.kind, MetricType::Histogram(_)) && sample.name.ends_with("_bucket") {
                expected.insert("le");
            }
            assert_eq!(sample.labels.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{name}");
            let identifies = |value: &String| value.contains("arn:") || value.contains("ami-") || value.contains("i-0");
            assert!(name.ends_with("_info") || !sample.labels.values().any(identifies), "{sample:?} has no bound");
        }
    }
    families
}

#[tokio::test(start_paused = true)]
async fn every_metric_is_what_the_reference_says_and_a_strict_reader_takes_the_page() {
    let world = World::new(ROLLING);
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator.ready().await;
    let image = Image::new(NEW, "al2023-ami-ecs-neuron-hvm-2023.0.20261029-kernel-6.1-x86_64", "1.200.0");
    world.aws.with(|aws| aws.world_mut().publish_image(NEURON, image));
    operator
        .shows("the rollout", |view| {
            view.statuses
                .values()
                .any(|status| status.groups.iter().any(|g| g.instances.iter().any(|instance| instance.out_of_date)))
        })
        .await;
    let during = scrape(&watch);
    assert!(during["axon_pool_instances_out_of_date"].sum(&[]) > 0.0);
    operator.ready().await;
    world.specify(&edit(ROLLING, "server:1", "server:2"));
    operator.ready().await;
    let families = scrape(&watch);
    let exposed: BTreeSet<&str> = during.keys().chain(families.keys()).map(String::as_str).collect();
    let common = Metric::ALL.iter().filter(|metric| !RARE.contains(metric) && !metric.spec().name.starts_with(OF_JOBS));
    let missing = common.filter(|metric| !exposed.contains(metric.spec().name));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&Metric>::new(), "everything is exposed once it happens");

    let at = |name: &str, labels: &[(&str, &str)]| families[name].value(labels);
    let pool = |name: &str| Some(families[name].sum(&[("pool", "rolling"), ("instance_type", "inf2.xlarge")]));
    assert_eq!(pool("axon_pool_devices"), pool("axon_pool_instances"), "every instance has one device");
    assert_eq!(pool("axon_pool_devices_allocated"), Some(3.0), "every replica has one");
    assert_eq!(pool("axon_pool_instances_limit"), Some(6.0));
    assert!(pool("axon_pool_instances") >= Some(3.0));
    assert_eq!(at("axon_service_tasks", &[("service", "server"), ("state", "running")]), Some(3.0));
    assert_eq!(at("axon_resource_info", &[("name", "server")]), Some(1.0));
    assert_eq!(at("axon_status_condition", &[("name", "server"), ("type", "Ready")]), Some(1.0));
    assert_eq!(at("axon_ami_rollouts_total", &[("result", "succeeded")]), Some(1.0));
    assert_eq!(at("axon_steps_in_flight", &[]), Some(0.0));
    assert!(families["axon_deployments_total"].sum(&[("result", "succeeded")]) >= 1.0);
    assert!(at("axon_aws_requests_total", &[("operation", "CreateService"), ("code", "OK")]).unwrap() >= 1.0);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn attempts_and_runs_of_a_job_are_counted_and_told_once_each() {
    let world = World::new(JOBS);
    let ends = |after_seconds, exit_code| Acts::Ends { after_seconds, exit_code };
    let first_of_three = Behaviour::of("*sweep:*").when("AXON_JOB_INDEX", "3").when("AXON_JOB_ATTEMPT", "0");
    world.aws.with(|aws| {
        aws.world_mut().behave(Behaviour::of("*sweep:*").acting(ends(60, 0)));
        aws.world_mut().behave(first_of_three.acting(ends(30, 7)));
    });
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator
        .shows("tasks", |view| {
            let runs = view.statuses.values().filter_map(|status| status.job.as_ref()).flat_map(|job| &job.runs);
            runs.flat_map(|run| &run.attempts).any(|attempt| attempt.state == "RUNNING")
        })
        .await;
    assert_eq!(scrape(&watch)["axon_job_runs"].value(&[("name", "sweep"), ("state", "Running")]), Some(1.0));
    operator.ready().await;
    let families = scrape(&watch);
    let value = |name: &str, labels: &[(&str, &str)]| families[name].value(labels);
    assert_eq!(value("axon_job_attempts_total", &[("outcome", "succeeded")]), Some(4.0));
    assert_eq!(value("axon_job_attempts_total", &[("outcome", "failed"), ("failure", "ExitCode")]), Some(1.0));
    assert_eq!(value("axon_job_retries_total", &[("name", "sweep")]), Some(1.0));
    assert!(value("axon_job_device_seconds_total", &[("name", "sweep")]) >= Some(4.0 * 60.0 + 30.0));
    let ended = families["axon_job_run_seconds"].samples.iter().find(|sample| sample.name.ends_with("_count")).unwrap();
    assert_eq!((ended.labels["result"].as_str(), ended.value), ("Complete", 1.0));
    assert!(!families.contains_key("axon_job_runs"), "no run is left");
    let view = operator.view();
    let told = |reason: &str| {
        view.events.iter().filter(|event| event.reason.to_string() == reason).map(|e| e.count).sum::<u32>()
    };
    assert_eq!(["RunBegun", "AttemptFailed", "RunCompleted", "RunFailed"].map(told), [1, 1, 1, 0]);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn drift_is_counted_when_it_is_found_and_when_it_is_taken_back() {
    let world = World::new(SMALL);
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator.ready().await;
    assert!(!scrape(&watch).contains_key("axon_drift_detected_total"), "an installation is no drift");
    world.act("UpdateService", &json!({"cluster": "ml", "service": "llama", "desiredCount": 5}));
    let before = operator.view().last_sweep;
    operator.shows("the next sweep", |view| view.last_sweep > before).await;
    operator.ready().await;
    let families = scrape(&watch);
    for name in ["axon_drift_detected_total", "axon_drift_corrected_total"] {
        assert_eq!(families[name].value(&[("kind", "NeuronService")]), Some(1.0), "{name}");
    }
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn changes_that_wait_for_the_limits_of_aws_are_counted_by_bucket_while_they_wait() {
    let world = World::new(&many(30));
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator.shows("some wait", |view| !view.paced.is_empty()).await;
    let families = scrape(&watch);
    let bucket = [("bucket", "task definition modify")];
    assert_eq!(families["axon_steps_paced"].value(&bucket), Some(14.0), "a burst of sixteen has gone");
    assert_eq!(families["axon_pacing_ratio"].value(&bucket), Some(1.0));
    operator.ready().await;
    assert!(!scrape(&watch).contains_key("axon_steps_paced"));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn throttling_is_counted_by_operation_and_an_unknown_code_cannot_flood_the_page() {
    let world = World::new(SMALL);
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator.ready().await;
    world.wire.storm();
    world.pass(Duration::from_mins(5)).await;
    let families = scrape(&watch);
    assert!(families["axon_aws_throttles_total"].sum(&[("service", "ecs")]) > 0.0);
    assert!(families["axon_aws_requests_total"].sum(&[("code", "ThrottlingException")]) > 0.0);
    assert!(families["axon_sweeps_total"].value(&[("result", "partial")]).unwrap() > 0.0);
    assert!(families["axon_reconcile_errors_total"].sum(&[("class", "Throttled")]) > 0.0);
    world.wire.calm();
    operator.ready().await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_leaves_no_series_that_says_how_it_is() {
    let world = World::new(SMALL);
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator.ready().await;
    assert!(watch.metrics.text().contains(r#"axon_status_condition{kind="NeuronService",name="llama""#));
    world.specify(OTHER);
    operator.ready().await;
    for (name, family) in scrape(&watch) {
        let stale = family.samples.iter().any(|sample| sample.labels.values().any(|value| value == "llama"));
        assert!(!stale || name.ends_with("_total"), "{name} still speaks of it");
    }
    watch.metrics.forget("us-east-1");
    assert!(!scrape(&watch).contains_key("axon_resource_info"));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_happened_outlives_the_process_and_is_counted_on_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(SMALL);
    let watch = Watch::new(History::open(Some(folder.path()), Limits::default()));
    let mut operator = world.start_watched(&watch).await;
    operator.ready().await;
    operator.stop().await;
    let before = watch.history.find(&Query::default());
    watch.history.keep(&watch.metrics, std::future::ready(())).await;
    drop(watch);
    assert!(before.iter().any(|record| record.event.reason.to_string() == "Created"), "{before:?}");

    let watch = Watch::new(History::open(Some(folder.path()), Limits::default()));
    assert_eq!(watch.history.find(&Query::default()), before);
    let mut operator = world.start_watched(&watch).await;
    let view = operator.ready().await;
    assert_eq!(view.events.len(), before.len(), "a start of which nothing comes is no news");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_runs_has_a_pulse_and_one_that_has_died_has_none() {
    let world = World::new(SMALL);
    let watch = Watch::default();
    let mut operator = world.start_watched(&watch).await;
    operator.ready().await;
    for _ in 0..10 {
        world.pass(Duration::from_secs(45)).await;
        assert_eq!(watch.telemetry.pulse.trouble(), None);
    }
    operator.stop().await;
    world.pass(Duration::from_mins(2)).await;
    assert!(watch.telemetry.pulse.trouble().unwrap().starts_with("its loop has not turned for"));
}
