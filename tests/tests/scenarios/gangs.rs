//! Jobs of several nodes through the real loop and the real SDK: all nodes or none.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axon_core::spec::Failure;
use axon_core::status::{RunState, RunStatus};
use axon_runtime::View;
use axon_sim::{Acts, Behaviour, Call, Loss, Shortage};
use axon_tests::World;
use axon_tests::fleets::{GANG, edit};
use axon_tests::operator::Operator;
use axon_tests::wire::Death;

/// How often the account has started a task for each node, by the last part of its group.
fn tasks(world: &World) -> BTreeMap<String, usize> {
    let mut tasks = BTreeMap::new();
    for group in world.aws.with(|aws| aws.world().started_groups()) {
        if group.starts_with("axon:") {
            *tasks.entry(group.rsplit('/').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    tasks
}

fn nodes(attempt: &str, of: u32) -> BTreeMap<String, usize> {
    (0..of).map(|rank| (format!("{attempt}.{rank}"), 1)).collect()
}

fn ends(world: &World, after_seconds: i64, exit_code: i64) {
    let acts = Acts::Ends { after_seconds, exit_code };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*train:*").acting(acts)));
}

fn run(view: &View) -> Option<RunStatus> {
    let status = view.statuses.iter().find(|(key, _)| key.name.as_str() == "train").map(|(_, status)| status)?;
    status.job.as_ref()?.runs.first().cloned()
}

async fn run_over(operator: &mut Operator) -> RunStatus {
    let over = |view: &View| run(view).filter(|run| run.ended.is_some());
    let view = operator.shows("the run is over", |view| over(view).is_some()).await;
    over(&view).unwrap()
}

async fn runs(operator: &mut Operator, attempt: &str) {
    let running = |view: &View| {
        let attempts = run(view).map(|run| run.attempts).unwrap_or_default();
        attempts.iter().any(|found| found.attempt == attempt && found.state == "RUNNING")
    };
    operator.shows("all nodes run", running).await;
}

fn least(world: &World) -> i64 {
    world.scaling_group()["MinSize"].as_i64().unwrap()
}

/// What the first container of each RunTask was told, by node.
fn told(calls: &[Call]) -> BTreeMap<String, BTreeMap<String, String>> {
    let calls = calls.iter().filter(|call| call.operation == "RunTask" && call.error.is_none());
    let node = |call: &Call| call.body["group"].as_str().unwrap_or_default().rsplit('/').next().unwrap().to_owned();
    let variables = |call: &Call| {
        let pairs = call.body["overrides"]["containerOverrides"][0]["environment"].as_array().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        pairs.iter().map(|pair| (text(&pair["name"]), text(&pair["value"]))).collect()
    };
    calls.map(|call| (node(call), variables(call))).collect()
}

#[tokio::test(start_paused = true)]
async fn four_nodes_start_together_know_one_another_and_complete() {
    let world = World::new(GANG);
    ends(&world, 3_600, 0);
    let mut operator = world.start().await;
    operator.shows("it gathers", |view| run(view).is_some_and(|run| run.attempts[0].state == "Gathering")).await;
    assert_eq!(tasks(&world), BTreeMap::new(), "nothing runs in part");
    runs(&mut operator, "0.0").await;
    assert_eq!(tasks(&world), nodes("0.0", 4));
    let told = told(&world.calls());
    let address = told["0.0.0"]["MASTER_ADDR"].clone();
    let addresses: BTreeSet<&String> = told.values().map(|told| &told["MASTER_ADDR"]).collect();
    assert!(addresses.len() == 1 && address.starts_with("172.") || address.starts_with("10."), "{addresses:?}");
    assert_eq!(told["0.0.3"]["NEURON_RT_ROOT_COMM_ID"], format!("{address}:62182"));
    let ranks: BTreeSet<&str> = told.values().map(|told| told["NODE_RANK"].as_str()).collect();
    assert_eq!(ranks, ["0", "1", "2", "3"].into());
    assert!(told.values().all(|told| told["WORLD_SIZE"] == "4" && told["FI_PROVIDER"] == "efa"), "{told:?}");
    let machines = world.aws.with(|aws| aws.world().machines());
    assert_eq!(machines.iter().filter(|machine| machine.state == "running").count(), 4);
    let over = run_over(&mut operator).await;
    assert_eq!((over.state, over.succeeded), (RunState::Complete, 1), "{over:#?}");
    operator.ready().await;
    world.pass(Duration::from_hours(1)).await;
    let machines = world.aws.with(|aws| aws.world().machines());
    assert!(machines.iter().all(|machine| machine.state != "running"), "nobody keeps them: {machines:?}");
    world.quiet(Duration::from_mins(30)).await;
    assert_eq!(tasks(&world), nodes("0.0", 4));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_room_for_all_nothing_starts_and_the_group_shrinks_until_there_is() {
    let world = World::new(GANG);
    ends(&world, 600, 0);
    let short = Shortage { instance_type: "trn1.32xlarge".to_owned(), zone: None };
    world.aws.with(|aws| aws.world_mut().run_short(short));
    let mut operator = world.start().await;
    let failed = |view: &View| {
        let attempts = run(view).map(|run| run.attempts).unwrap_or_default();
        attempts.iter().any(|attempt| attempt.failure == Some(Failure::Capacity))
    };
    operator.shows("the first attempt is given up", failed).await;
    assert_eq!(tasks(&world), BTreeMap::new());
    world.aws.with(|aws| aws.world_mut().end_shortages());
    let over = run_over(&mut operator).await;
    assert_eq!(over.state, RunState::Complete, "{over:#?}");
    assert!(tasks(&world).values().all(|count| *count == 1) && tasks(&world).len() == 4, "{:?}", tasks(&world));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_instance_ends_all_nodes_and_the_next_attempt_is_whole_again() {
    let world = World::new(GANG);
    ends(&world, 7_200, 0);
    let mut operator = world.start().await;
    runs(&mut operator, "0.0").await;
    let machines = world.aws.with(|aws| aws.world().machines());
    let lost = machines.iter().find(|machine| machine.state == "running").unwrap();
    world.aws.with(|aws| aws.world_mut().lose_machine(&lost.id, Loss::Hardware));
    runs(&mut operator, "0.1").await;
    let live = world.aws.with(|aws| aws.world().live_tasks());
    assert_eq!(live.len(), 4, "none of the first attempt is left");
    let over = run_over(&mut operator).await;
    assert_eq!(over.state, RunState::Complete, "{over:#?}");
    let first = over.attempts.iter().find(|attempt| attempt.attempt == "0.0").unwrap();
    assert_eq!(first.failure, Some(Failure::InstanceLost), "{first:#?}");
    assert!(tasks(&world).values().all(|count| *count == 1) && tasks(&world).len() == 8, "{:?}", tasks(&world));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_starts_no_node_twice_and_none_alone() {
    let two = edit(GANG, "nodes: 4", "nodes: 2");
    let installed = World::new(two.split("---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronJob").next().unwrap());
    installed.converge().await;
    for death in [Death::BeforeEffect, Death::AfterEffect] {
        for count in 1.. {
            let world = World::of(installed.aws.with(|aws| aws.clone()));
            world.specify(&two);
            ends(&world, 60, 0);
            let died = world.crash(count, death).await;
            let mut operator = world.start().await;
            let over = run_over(&mut operator).await;
            operator.stop().await;
            assert_eq!(over.state, RunState::Complete, "after death {count} {death:?}: {over:#?}");
            assert_eq!(tasks(&world), nodes("0.0", 2), "after death {count} {death:?}");
            assert_eq!(least(&world), 0, "after death {count} {death:?}");
            if !died {
                assert!(count > 8, "three records, two tasks and two sizes come before the ends: {count}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_readings_a_minute_old_start_every_node_once() {
    let world = World::new(GANG);
    ends(&world, 1_800, 0);
    world.aws.with(|aws| aws.world_mut().lag(60));
    let (mut one, mut other) = (world.start().await, world.start().await);
    let over = run_over(&mut one).await;
    assert_eq!(over.state, RunState::Complete, "{over:#?}");
    run_over(&mut other).await;
    assert!(tasks(&world).values().all(|count| *count == 1), "{:?}", tasks(&world));
    world.pass(Duration::from_mins(10)).await;
    assert!(world.aws.with(|aws| aws.world().live_tasks()).is_empty());
    one.stop().await;
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nodes_that_ended_while_nobody_looked_are_unknown_and_not_run_again() {
    let world = World::new(GANG);
    ends(&world, 900, 0);
    let mut operator = world.start().await;
    runs(&mut operator, "0.0").await;
    operator.stop().await;
    world.pass(Duration::from_hours(3)).await;
    let mut operator = world.start().await;
    let over = run_over(&mut operator).await;
    assert_eq!((over.state, over.unknown), (RunState::Unknown, 1), "{over:#?}");
    assert_eq!(tasks(&world), nodes("0.0", 4));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nodes_may_end_at_different_times_long_after_their_start_deadline() {
    let world = World::new(GANG);
    ends(&world, 600, 0);
    // Node 0 has an hour more to write what the others have sent it.
    let acts = Acts::Ends { after_seconds: 4_200, exit_code: 0 };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*train:*").acting(acts).when("NODE_RANK", "0")));
    let mut operator = world.start().await;
    let run = run_over(&mut operator).await;
    assert_eq!((run.state, run.succeeded), (RunState::Complete, 1), "{run:#?}");
    assert_eq!(tasks(&world), nodes("0.0", 4));
    let calls = world.calls();
    assert!(!calls.iter().any(|call| call.operation == "StopTask"), "nobody is late who has run");
    operator.stop().await;
}
