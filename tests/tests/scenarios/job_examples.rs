//! The examples of jobs, all at once on one account: each ends as it should, and then nothing is left to do.

use std::collections::BTreeMap;
use std::time::Duration;

use axon_core::status::{RunState, RunStatus, Status};
use axon_runtime::View;
use axon_sim::{Acts, Behaviour, LogGroups, Options};
use axon_tests::World;
use axon_tests::fleets::job_examples;

/// The runs of jobs, by name, the newest first.
fn runs(view: &View) -> BTreeMap<String, Vec<RunStatus>> {
    let jobs = view.statuses.iter().filter_map(|(key, status)| Some((key.name.to_string(), status.job.as_ref()?)));
    jobs.map(|(name, job)| (name, job.runs.clone())).collect()
}

fn is_complete(view: &View, job: &str) -> bool {
    runs(view).get(job).and_then(|runs| runs.first()).is_some_and(|run| run.state == RunState::Complete)
}

/// How often the account has started a task, by what its group says.
fn started(world: &World) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for group in world.aws.with(|aws| aws.world().started_groups()) {
        if let Some((_, attempt)) = group.split_once('/').filter(|_| group.starts_with("axon:")) {
            *count.entry(attempt.to_owned()).or_default() += 1;
        }
    }
    count
}

#[tokio::test(start_paused = true)]
async fn every_example_of_a_job_ends_as_it_should_and_then_nothing_is_left_to_do() {
    let files = job_examples();
    assert!(files.len() >= 6, "{} examples", files.len());
    // Some hours before the nightly job is due.
    let start = "2026-01-01T21:00:00Z".parse().unwrap();
    let mut world = World::with(Options { log_groups: LogGroups::Created, start, ..Options::default() }, "");
    world.settings.busy_interval = Duration::from_secs(30);
    let acts = Acts::Ends { after_seconds: 1_200, exit_code: 0 };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*").acting(acts).when("AXON_JOB_NAME", "*")));
    world.specify_files(files);
    let mut operator = world.start().await;
    let once = ["prepare-corpus", "train-llama", "pretrain", "learning-rates", "story-model-compile"];
    // On one trn1.32xlarge, all sixteen devices, after what it depends on.
    let view = operator.shows("the training is complete", |view| is_complete(view, "train-llama")).await;
    let train = &runs(&view)["train-llama"][0];
    assert_eq!(train.attempts[0].devices.as_deref(), Some("0-15"), "{train:#?}");
    let prepared = runs(&view)["prepare-corpus"][0].ended;
    assert!(prepared.is_some() && prepared <= train.started, "{train:#?}");
    let over = |view: &View| once.iter().all(|job| is_complete(view, job));
    let view = operator.shows("every job that runs once is complete", over).await;
    assert_eq!(runs(&view)["learning-rates"][0].succeeded, 40);
    operator.shows("everything is ready", |view| view.statuses.values().all(Status::is_ready)).await;

    world.pass(Duration::from_hours(5)).await;
    let view = operator.view();
    assert!(is_complete(&view, "nightly-embeddings"), "{:#?}", runs(&view)["nightly-embeddings"]);
    let twice: Vec<_> = started(&world).into_iter().filter(|(_, count)| *count != 1).collect();
    assert_eq!(twice, [], "every attempt has run once");
    let gang = |group: &&String| group.contains("pretrain");
    assert_eq!(
        world.aws.with(|aws| aws.world().started_groups()).iter().filter(gang).count(),
        4,
        "one task for each node"
    );
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    world.quiet(Duration::from_mins(10)).await;
    operator.stop().await;
}
