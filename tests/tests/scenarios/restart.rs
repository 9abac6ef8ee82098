//! A process that dies at any write leaves nothing behind that the next one cannot finish.

use std::time::Duration;

use axon_sim::Options;
use axon_tests::World;
use axon_tests::fleets::{SHARED, SMALL, edit};
use axon_tests::wire::Death;
use serde_json::Value;

/// What an undisturbed run leads to, and how many revisions it leaves.
async fn undisturbed(steps: &[&str]) -> (Value, usize) {
    let world = World::new("");
    for yaml in steps {
        world.specify(yaml);
        world.converge().await;
        world.pass(Duration::from_mins(15)).await;
    }
    (world.inventory("ml"), world.revisions().len())
}

/// Reaches the last of `steps` with a process that dies in its `count`th write. Says whether it came that far.
async fn disturbed(steps: &[&str], count: u32, death: Death, wanted: &(Value, usize)) -> bool {
    let world = World::new("");
    let (last, before) = steps.split_last().unwrap();
    for yaml in before {
        world.specify(yaml);
        world.converge().await;
        world.pass(Duration::from_mins(15)).await;
    }
    world.specify(last);
    if !world.crash(count, death).await {
        return false;
    }
    let here = format!("{death:?} of write {count}");
    world.converge().await;
    world.pass(Duration::from_mins(15)).await;
    let inventory = world.inventory("ml");
    assert_eq!(inventory, wanted.0, "{here}");
    let revisions = world.revisions().len();
    assert!((wanted.1..=wanted.1 + 1).contains(&revisions), "{here}: {revisions} revisions");
    world.calls();
    world.converge().await;
    assert_eq!(world.writes(), [], "{here}: nothing is left to do");
    let operator = world.start().await;
    world.quiet(Duration::from_mins(30)).await;
    operator.stop().await;
    true
}

async fn sweep(steps: &[&str]) -> u32 {
    let wanted = undisturbed(steps).await;
    let mut points = 0;
    for death in [Death::BeforeEffect, Death::AfterEffect] {
        let mut count = 1;
        while disturbed(steps, count, death, &wanted).await {
            count += 1;
        }
        points += count - 1;
    }
    points
}

#[tokio::test(start_paused = true)]
async fn a_first_installation_survives_a_crash_at_any_write() {
    let points = sweep(&[SMALL]).await;
    assert_eq!(points, 8, "cluster, provider, revision and service, before and after each");
}

#[tokio::test(start_paused = true)]
async fn a_new_image_survives_a_crash_at_any_write() {
    let points = sweep(&[SMALL, &edit(SMALL, "vllm:1", "vllm:2")]).await;
    assert_eq!(points, 6, "revision, tags and update, before and after each");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_provider_survives_a_crash_at_any_write() {
    let points = sweep(&[SMALL, &edit(SMALL, "capacityOption: OnDemand", "capacityOption: Spot")]).await;
    assert!(points >= 6, "provider, service and deletion, before and after each: {points}");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_forgets_everything_is_installed_anew_by_the_process_that_runs() {
    for specs in [SMALL, SHARED] {
        let world = World::new(specs);
        let mut operator = world.start().await;
        operator.ready().await;
        let running = |world: &World| {
            let tasks = world.aws.with(|aws| aws.world().live_tasks());
            tasks.iter().filter(|task| task.status == "RUNNING").count()
        };
        let before = running(&world);
        world.aws.with(|aws| *aws = axon_sim::Aws::new(Options::default()));
        assert_eq!(running(&world), 0);
        // What it has just made may not be shown yet: it waits as long as AWS says before it makes it again.
        world.pass(Duration::from_mins(30)).await;
        operator.ready().await;
        assert_eq!(running(&world), before);
        assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
        operator.stop().await;
    }
}
