//! Jobs that make room for services and for jobs of higher priority, through the real loop and the real SDK.

use std::time::Duration;

use axon_core::spec::{Failure, ObjectKey};
use axon_core::status::{Reason, RunState};
use axon_sim::{Acts, Behaviour};
use axon_tests::World;
use axon_tests::fleets::{JOBS, edit};
use axon_tests::operator::Operator;
use axon_tests::wire::Death;

/// One inf2.48xlarge with twelve devices, a batch that fills it, and no replica of the service.
fn full() -> String {
    let pool = edit(JOBS, "maxSize: 4", "maxSize: 1\n    jobPreemption: LowerPriority");
    edit(&edit(&pool, "replicas: 2", "replicas: 0"), "completions: 4", "completions: 10\n  backoffLimit: 0")
}

/// The same with three replicas.
fn with_replicas() -> String {
    full().replace("replicas: 0", "replicas: 3")
}

fn ends(world: &World, after_seconds: i64) {
    let acts = Acts::Ends { after_seconds, exit_code: 0 };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*sweep:*").acting(acts)));
}

/// How many tasks of services and of jobs run.
fn running(world: &World) -> (usize, usize) {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    let runs = tasks.iter().filter(|task| task.status == "RUNNING");
    let (services, jobs): (Vec<_>, Vec<_>) = runs.partition(|task| task.service.is_some());
    (services.len(), jobs.len())
}

fn sweep() -> ObjectKey {
    ObjectKey::job("sweep".parse().unwrap())
}

/// The attempts that have made room.
fn preempted(operator: &Operator) -> Vec<String> {
    let view = operator.view();
    let job = view.statuses[&sweep()].job.clone().unwrap();
    let attempts = job.runs.into_iter().flat_map(|run| run.attempts);
    attempts.filter(|found| found.failure == Some(Failure::Preempted)).map(|found| found.attempt).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_scales_up_gets_devices_of_a_batch_which_is_complete_in_the_end() {
    let world = World::new(&full());
    ends(&world, 3_600);
    let mut operator = world.start().await;
    world.pass(Duration::from_mins(20)).await;
    assert_eq!(running(&world), (0, 10));
    world.specify(&with_replicas());
    world.pass(Duration::from_mins(10)).await;
    assert_eq!(running(&world), (3, 9), "two devices were free");
    assert_eq!(preempted(&operator).len(), 1, "as few as will do");
    let evicted = operator.view().statuses[&sweep()].clone();
    let evicted = evicted.condition(axon_core::status::ConditionType::Evicted).cloned().unwrap();
    assert_eq!(evicted.reason, Reason::Preempted);
    assert!(evicted.message.contains("preempted by NeuronService/small"), "{evicted:?}");
    operator.ready().await;
    let job = operator.view().statuses[&sweep()].job.clone().unwrap();
    assert_eq!((job.runs[0].state, job.runs[0].succeeded), (RunState::Complete, 10), "{job:#?}");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_has_nobody_stopped_in_vain() {
    let busy = World::new(&full());
    ends(&busy, 3_600);
    let operator = busy.start().await;
    busy.pass(Duration::from_mins(20)).await;
    operator.stop().await;
    for count in 1.. {
        let world = World::of(busy.aws.with(|aws| aws.clone()));
        world.specify(&with_replicas());
        let died = world.crash(count, Death::AfterEffect).await;
        let operator = world.start().await;
        world.pass(Duration::from_mins(10)).await;
        assert_eq!(running(&world), (3, 9), "after death {count}");
        assert_eq!(preempted(&operator).len(), 1, "after death {count}");
        operator.stop().await;
        if !died || count > 6 {
            assert!(count > 4, "three services and a stop were written: {count}");
            break;
        }
    }
}
