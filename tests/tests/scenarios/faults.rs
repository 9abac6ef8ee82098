//! What AWS does wrong or does not have: throttling, readings that lag, capacity that is missing.

use std::collections::BTreeMap;
use std::time::Duration;

use axon_core::status::{ConditionType, Reason};
use axon_runtime::View;
use axon_sim::{Call, Options, Quirks, Shortage};
use axon_tests::World;
use axon_tests::fleets::{SMALL, edit, many};
use axon_tests::operator::is_quiet;

/// Accepted calls that make something, counted by what they make.
fn made(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for call in calls.iter().filter(|call| call.error.is_none()) {
        let names = ["clusterName", "serviceName", "family", "name"].map(|member| call.body[member].as_str());
        let name = names.into_iter().flatten().next().unwrap_or_default();
        if call.operation.starts_with("Create") || call.operation.starts_with("Register") {
            *made.entry(format!("{} {name}", call.operation)).or_default() += 1;
        }
    }
    made
}

#[tokio::test(start_paused = true)]
async fn readings_that_lag_a_minute_make_nothing_twice() {
    let options = Options { quirks: Quirks { read_lag_seconds: 60, ..Quirks::default() }, ..Options::default() };
    let world = World::with(options, &many(5));
    let mut operator = world.start().await;
    operator.ready().await;
    let first = made(&world.calls());
    assert_eq!(first.len(), 12, "{first:#?}");
    assert!(first.values().all(|count| *count == 1), "{first:#?}");
    world.quiet(Duration::from_mins(30)).await;

    world.specify(&edit(&many(5), "vllm:1", "vllm:2"));
    operator.ready().await;
    let calls = world.calls();
    let second = made(&calls);
    assert_eq!(second.len(), 5, "{second:#?}");
    assert!(second.values().all(|count| *count == 1), "{second:#?}");
    let updates = calls.iter().filter(|call| call.operation == "UpdateService").count();
    assert_eq!(updates, 5, "each service is updated once");
    world.quiet(Duration::from_mins(30)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn missing_capacity_is_said_and_waited_for() {
    let world = World::new(SMALL);
    let shortage = Shortage { instance_type: "*".to_owned(), zone: None };
    world.aws.with(|aws| aws.world_mut().run_short(shortage));
    let mut operator = world.start().await;
    let short = |view: &View| {
        view.statuses.values().any(|status| {
            let ready = status.condition(ConditionType::Ready);
            ready.is_some_and(|ready| ready.reason == Reason::InsufficientCapacity)
        })
    };
    operator.shows("there is no capacity", short).await;
    world.quiet(Duration::from_mins(30)).await;
    assert!(short(&operator.view()), "{:#?}", axon_tests::reasons(&operator.view()));
    world.aws.with(|aws| aws.world_mut().end_shortages());
    operator.ready().await;
    assert_eq!(world.running("llama"), 2);
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_in_which_every_call_is_throttled_is_survived() {
    let world = World::new(SMALL);
    let mut operator = world.start().await;
    operator.ready().await;
    world.wire.storm();
    world.specify(&edit(SMALL, "vllm:1", "vllm:2"));
    world.pass(Duration::from_mins(30)).await;
    assert_eq!(world.running("llama"), 2, "nothing is stopped because nothing can be read");
    assert!(!operator.view().sweep_errors.is_empty(), "and it is said");
    world.wire.calm();
    world.calls();
    operator.ready().await;
    let writes = world.writes();
    assert_eq!(axon_tests::accepted(&writes), ["RegisterTaskDefinition", "TagResource", "UpdateService"]);
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_instance_is_replaced_by_ecs_without_a_write() {
    let world = World::new(SMALL);
    let mut operator = world.start().await;
    operator.ready().await;
    world.calls();
    let task = world.tasks("llama").into_iter().next().unwrap();
    assert!(world.aws.with(|aws| aws.world_mut().lose_instance(&task.instance.unwrap())));
    operator.shows("a task is missing", |view| !is_quiet(view)).await;
    operator.ready().await;
    assert_eq!(world.running("llama"), 2);
    assert_eq!(world.writes(), [], "ECS replaces tasks by itself");
    operator.stop().await;
}
