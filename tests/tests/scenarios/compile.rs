//! Models that are compiled before they are deployed, through the real loop and the real SDK.

use std::time::Duration;

use axon_core::spec::ObjectKey;
use axon_core::status::Reason;
use axon_runtime::View;
use axon_sim::{Acts, Behaviour};
use axon_tests::World;
use axon_tests::fleets::{SHARED, SMALL};
use axon_tests::wire::Death;

/// The service of [`SMALL`] or a packed one of [`SHARED`], with a step that compiles for it.
fn compiling(fleet: &str, service: &str) -> String {
    let at = format!("metadata: {{name: {service}");
    let (before, after) = fleet.split_once(&at).unwrap();
    let after = after.replacen(
        "  template:",
        "  compile: {cache: \"s3://cache/models\", command: [compile], backoffLimit: 0}\n  template:",
        1,
    );
    format!("{before}{at}{after}")
}

fn ends(world: &World, after_seconds: i64, exit_code: i64) {
    let acts = Acts::Ends { after_seconds, exit_code };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*").acting(acts).when("AXON_JOB_NAME", "*-compile")));
}

/// The revisions that services run, by service.
fn revisions(world: &World) -> Vec<String> {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    let mut found: Vec<String> = tasks
        .into_iter()
        .filter_map(|task| Some(format!("{} {}", task.service?, task.definition.rsplit('/').next()?)))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn reason(view: &View, service: &str) -> Option<Reason> {
    let status = view.statuses.get(&ObjectKey::service(service.parse().unwrap()))?;
    Some(status.condition(axon_core::status::ConditionType::Ready)?.reason)
}

#[tokio::test(start_paused = true)]
async fn a_new_image_is_compiled_while_the_old_one_serves() {
    let fleet = compiling(SMALL, "llama");
    let world = World::new(&fleet);
    ends(&world, 900, 0);
    let mut operator = world.start().await;
    operator.shows("it compiles", |view| reason(view, "llama") == Some(Reason::DependencyNotReady)).await;
    world.pass(Duration::from_mins(10)).await;
    assert_eq!(revisions(&world), [""; 0]);
    operator.ready().await;
    assert_eq!(revisions(&world), ["llama ml-llama:1"]);

    world.specify(&fleet.replace("vllm:1", "vllm:2"));
    world.pass(Duration::from_mins(10)).await;
    assert_eq!(revisions(&world), ["llama ml-llama:1"]);
    operator.ready().await;
    assert_eq!(revisions(&world), ["llama ml-llama:2"]);
    // The way back was compiled before.
    world.specify(&fleet);
    world.pass(Duration::from_mins(10)).await;
    operator.ready().await;
    let groups = world.aws.with(|aws| aws.world().started_groups());
    assert_eq!(groups.iter().filter(|group| group.contains("llama-compile")).count(), 2, "{groups:?}");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_compile_is_not_deployed_until_it_is_mended() {
    let fleet = compiling(SHARED, "medium");
    let world = World::new(&fleet);
    ends(&world, 300, 0);
    let mut operator = world.start().await;
    operator.ready().await;
    let before = revisions(&world);

    ends(&world, 300, 1);
    world.specify(&fleet.replace("medium:1", "medium:2"));
    operator.shows("it failed", |view| reason(view, "medium") == Some(Reason::JobFailed)).await;
    world.pass(Duration::from_mins(20)).await;
    assert_eq!(revisions(&world), before);
    world.quiet(Duration::from_mins(10)).await;

    ends(&world, 300, 0);
    world.specify(&fleet.replace("medium:1", "medium:3"));
    operator.ready().await;
    assert_ne!(revisions(&world), before);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_of_a_new_image_compiles_it_once() {
    let fleet = compiling(SMALL, "llama");
    let installed = World::new(&fleet);
    ends(&installed, 60, 0);
    let mut operator = installed.start().await;
    operator.ready().await;
    operator.stop().await;
    for count in 1.. {
        let death = if count % 2 == 0 { Death::AfterEffect } else { Death::BeforeEffect };
        let world = World::of(installed.aws.with(|aws| aws.clone()));
        world.specify(&fleet.replace("vllm:1", "vllm:2"));
        let died = world.crash(count, death).await;
        let mut operator = world.start().await;
        operator.ready().await;
        assert_eq!(revisions(&world), ["llama ml-llama:2"], "after death {count} {death:?}");
        let groups = world.aws.with(|aws| aws.world().started_groups());
        let compiled = groups.iter().filter(|group| group.contains("compile")).count();
        assert_eq!(compiled, 2, "after death {count} {death:?}: {groups:?}");
        operator.stop().await;
        if !died {
            assert!(count > 5, "a revision, a record, a task, two ends, an update: {count}");
            break;
        }
    }
}
