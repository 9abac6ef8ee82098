//! Jobs through the real loop and the real SDK: work that ends, and is run as often as asked.

use std::collections::BTreeMap;
use std::time::Duration;

use axon_core::status::{ConditionType, RunState, RunStatus};
use axon_sim::{Acts, Behaviour, Call, Loss};
use axon_tests::World;
use axon_tests::fleets::{JOBS, SMALL, edit};
use axon_tests::operator::Operator;
use axon_tests::wire::Death;

/// How often RunTask was accepted, by attempt.
fn started(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut started = BTreeMap::new();
    for call in calls.iter().filter(|call| call.operation == "RunTask" && call.error.is_none()) {
        let group = call.body["group"].as_str().unwrap_or_default();
        *started.entry(group.rsplit('/').next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    started
}

/// Tasks of jobs that the account has ever had, by attempt, as the account itself counts them.
fn tasks(world: &World) -> BTreeMap<String, usize> {
    let mut tasks = BTreeMap::new();
    for group in world.aws.with(|aws| aws.world().started_groups()) {
        if group.starts_with("axon:") {
            *tasks.entry(group.rsplit('/').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    tasks
}

fn ends(world: &World, image: &str, after_seconds: i64, exit_code: i64) {
    let acts = Acts::Ends { after_seconds, exit_code };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of(format!("*{image}:*")).acting(acts)));
}

/// The newest run of a job.
async fn run_over(operator: &mut Operator, job: &str) -> RunStatus {
    let run = |view: &axon_runtime::View| {
        let status = view.statuses.iter().find(|(key, _)| key.name.as_str() == job).map(|(_, status)| status)?;
        status.job.as_ref()?.runs.first().filter(|run| run.ended.is_some()).cloned()
    };
    let view = operator.shows("the run is over", |view| run(view).is_some()).await;
    run(&view).unwrap()
}

const SWEEP: &str = "completions: 4";

#[tokio::test(start_paused = true)]
async fn a_job_of_forty_indexes_beside_a_service_is_complete_and_every_index_has_run_once() {
    let world = World::new(&edit(JOBS, SWEEP, "completions: 40\n  parallelism: 12"));
    ends(&world, "sweep", 600, 0);
    let mut operator = world.start().await;
    let run = run_over(&mut operator, "sweep").await;
    assert_eq!((run.state, run.succeeded, run.failed, run.unknown), (RunState::Complete, 40, 0, 0), "{run:#?}");
    assert!(tasks(&world).len() == 40 && tasks(&world).values().all(|count| *count == 1), "{:?}", tasks(&world));
    operator.ready().await;
    world.quiet(Duration::from_mins(10)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_records_of_a_run_that_is_over_are_removed_but_for_its_end_and_nothing_runs_again() {
    let world = World::new(JOBS);
    ends(&world, "sweep", 60, 0);
    let mut operator = world.start().await;
    run_over(&mut operator, "sweep").await;
    world.pass(Duration::from_hours(2)).await;
    let left = world.aws.with(|aws| aws.world().parameter_names("/axon/scenario/jobs/"));
    assert!(left.len() == 1 && left[0].ends_with("/end"), "{left:?}");
    operator.stop().await;
    let again = world.start().await;
    world.pass(Duration::from_hours(5)).await;
    assert_eq!(tasks(&world).values().sum::<usize>(), 4);
    again.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_leaves_nothing_to_run_twice() {
    let one = edit(JOBS, SWEEP, "completions: 1");
    let installed = World::new(one.split("---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronJob").next().unwrap());
    installed.converge().await;
    for death in [Death::BeforeEffect, Death::AfterEffect] {
        for count in 1.. {
            let world = World::of(installed.aws.with(|aws| aws.clone()));
            world.specify(&one);
            ends(&world, "sweep", 60, 0);
            let died = world.crash(count, death).await;
            let applied = world.apply().await;
            let status = applied.view.statuses.iter().find(|(key, _)| key.name.as_str() == "sweep").unwrap().1;
            let complete = status.condition(ConditionType::Complete).is_some();
            assert!(complete, "after death {count} {death:?}: {:#?}", applied.summary());
            assert_eq!(tasks(&world), [("0.0".to_owned(), 1)].into(), "after death {count} {death:?}");
            if !died {
                assert!(count > 4, "a record, a task, and two ends were written: {count}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_slept_three_hours_finishes_the_batch_and_says_what_it_cannot_know() {
    let world = World::new(&edit(JOBS, SWEEP, "completions: 40\n  parallelism: 10"));
    ends(&world, "sweep", 900, 0);
    let mut operator = world.start().await;
    operator
        .shows("some are done", |view| {
            let runs = view.statuses.values().filter_map(|status| status.job.as_ref()).flat_map(|job| &job.runs);
            runs.map(|run| run.succeeded).sum::<u32>() >= 10
        })
        .await;
    operator.stop().await;
    let open = world.aws.with(|aws| aws.world().live_tasks()).iter().filter(|task| task.service.is_none()).count();
    assert!(open > 0, "in the middle of the batch");
    world.pass(Duration::from_hours(3)).await;
    let mut operator = world.start().await;
    let run = run_over(&mut operator, "sweep").await;
    assert_eq!((run.state, run.failed), (RunState::Unknown, 0), "{run:#?}");
    assert_eq!(usize::try_from(run.unknown).unwrap(), open, "those that ran when it fell asleep");
    assert_eq!(run.succeeded + run.unknown, 40);
    assert!(tasks(&world).len() == 40 && tasks(&world).values().all(|count| *count == 1), "{:?}", tasks(&world));
    assert!(run.message.contains("nobody can tell"), "{}", run.message);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_tried_again_and_a_lost_instance_does_not_count() {
    let world = World::new(&edit(JOBS, SWEEP, "completions: 2\n  backoffLimit: 1"));
    ends(&world, "sweep", 1_200, 0);
    world.aws.with(|aws| {
        let fails = Acts::Ends { after_seconds: 30, exit_code: 7 };
        let first = Behaviour::of("*sweep:*").when("AXON_JOB_INDEX", "1").when("AXON_JOB_ATTEMPT", "0").acting(fails);
        aws.world_mut().behave(first);
    });
    let mut operator = world.start().await;
    operator
        .shows("the second attempt runs", |view| {
            let runs = view.statuses.values().filter_map(|status| status.job.as_ref()).flat_map(|job| &job.runs);
            runs.flat_map(|run| &run.attempts).any(|attempt| attempt.attempt == "1.1" && attempt.state == "RUNNING")
        })
        .await;
    let machines = world.aws.with(|aws| aws.world().machines());
    for machine in machines.iter().filter(|machine| machine.state == "running") {
        world.aws.with(|aws| aws.world_mut().lose_machine(&machine.id, Loss::Hardware));
    }
    let run = run_over(&mut operator, "sweep").await;
    assert_eq!((run.state, run.succeeded), (RunState::Complete, 2), "{run:#?}");
    let failures: Vec<_> =
        run.attempts.iter().filter_map(|attempt| Some((attempt.attempt.as_str(), attempt.exit_code?))).collect();
    assert!(failures.contains(&("1.0", 7)), "{failures:?}");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_on_managed_instances_gets_a_whole_instance_and_gives_it_back() {
    let job = r#"
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronJob
metadata: {name: train}
spec:
  pool: chips
  template:
    cpu: 8192
    memory: 16384
    executionRoleArn: arn:aws:iam::111122223333:role/ecsTaskExecutionRole
    containers: [{name: train, image: "111122223333.dkr.ecr.us-east-1.amazonaws.com/train:1"}]
"#;
    let world = World::new(&format!("{SMALL}{job}"));
    ends(&world, "train", 3_600, 0);
    let mut operator = world.start().await;
    let reason = |view: &axon_runtime::View| view.statuses.values().any(axon_core::status::Status::is_at_work);
    operator.shows("it runs", reason).await;
    world.calls();
    world.pass(Duration::from_mins(30)).await;
    let sweeps = world.calls().iter().filter(|call| call.operation == "ListClusters").count();
    assert!((20..=40).contains(&sweeps), "{sweeps} sweeps in half an hour in which a task runs");
    let run = run_over(&mut operator, "train").await;
    assert_eq!((run.state, run.succeeded), (RunState::Complete, 1), "{run:#?}");
    world.pass(Duration::from_mins(30)).await;
    operator.ready().await;
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_the_record_and_the_task_of_a_job_and_ends() {
    let world = World::new(JOBS);
    let plan = world.plan().await;
    let operations: Vec<&str> = plan.steps().map(|step| step.action.operation()).collect();
    let count = |name: &str| operations.iter().filter(|operation| **operation == name).count();
    assert_eq!((count("PutParameter"), count("RunTask")), (4, 4), "{operations:?}");
}

#[tokio::test(start_paused = true)]
async fn two_processes_with_readings_a_minute_old_run_every_index_once() {
    let world = World::new(JOBS);
    world.aws.with(|aws| aws.world_mut().lag(60));
    ends(&world, "sweep", 300, 0);
    let first = world.start().await;
    let mut second = world.start().await;
    let run = run_over(&mut second, "sweep").await;
    assert_eq!(run.state, RunState::Complete, "{run:#?}");
    assert!(tasks(&world).len() == 4 && tasks(&world).values().all(|count| *count == 1), "{:?}", tasks(&world));
    assert!(started(&world.calls()).values().all(|count| *count <= 2), "two processes, one token");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_a_job_that_runs_shows_that_its_tasks_are_stopped() {
    let world = World::new(JOBS);
    let mut operator = world.start().await;
    let at_work = |view: &axon_runtime::View| view.statuses.values().any(axon_core::status::Status::is_at_work);
    operator.shows("it runs", at_work).await;
    operator.stop().await;
    world.specify(JOBS.split("---\napiVersion: neuron.ecs/v1alpha1\nkind: NeuronJob").next().unwrap());
    let plan = world.plan().await;
    let stops = plan.steps().filter(|step| step.action.operation() == "StopTask").count();
    assert_eq!(stops, 4);
}
