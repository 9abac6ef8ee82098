//! A number of devices on Managed Instances: Axon writes device paths there as well, and ECS counts them as little.
//!
//! That no two tasks ever hold one device is checked by the simulated AWS in every scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axon_sim::LiveTask;
use axon_tests::World;
use axon_tests::fleets::{edit, example};

const SHARED: &str = "inf2-48xlarge-shared.yaml";

/// The cluster of the examples and the one in which two services share a managed instance.
fn shared(change: impl FnOnce(&str) -> String) -> World {
    let world = World::new("");
    let mut file = example(SHARED);
    file.text = change(&file.text);
    world.specify_files(vec![example("vllm-managed.yaml"), file]);
    world
}

fn unchanged(text: &str) -> String {
    text.to_owned()
}

/// The tasks with device paths that run.
fn tasks(world: &World) -> Vec<LiveTask> {
    let live = world.aws.with(|aws| aws.world().live_tasks());
    let shares = |task: &LiveTask| {
        task.service.as_deref().is_some_and(|name| name.starts_with("author") || name.starts_with("reviewer"))
    };
    live.into_iter().filter(|task| task.status == "RUNNING" && shares(task)).collect()
}

/// Names of services and the devices of their tasks.
fn devices(world: &World) -> BTreeMap<String, usize> {
    tasks(world).into_iter().map(|task| (task.service.unwrap(), task.devices.len())).collect()
}

fn instances(world: &World) -> BTreeSet<String> {
    tasks(world).into_iter().filter_map(|task| task.instance).collect()
}

/// Whether every device of the tasks is held by one of them on its instance.
fn once(world: &World) -> bool {
    let mut held = BTreeSet::new();
    tasks(world).into_iter().all(|task| task.devices.into_iter().all(|path| held.insert((task.instance.clone(), path))))
}

#[tokio::test(start_paused = true)]
async fn two_services_have_their_own_devices_on_one_managed_instance_and_a_plan_right_after_is_empty() {
    let world = shared(unchanged);
    world.converge().await;
    let expected = [("author-n0-7".to_owned(), 8), ("reviewer-n8-11".to_owned(), 4)];
    assert_eq!(devices(&world), BTreeMap::from(expected));
    assert_eq!(instances(&world).len(), 1, "twelve devices are one inf2.48xlarge");
    assert!(once(&world), "{:#?}", tasks(&world));
    let paths: BTreeSet<String> = tasks(&world).into_iter().flat_map(|task| task.devices).collect();
    assert_eq!(paths, (0..12).map(|id| format!("/dev/neuron{id}")).collect());
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    let mut operator = world.start().await;
    operator.ready().await;
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_version_waits_for_the_devices_of_the_old_one_or_gets_another_instance() {
    let world = shared(unchanged);
    world.converge().await;
    let mut file = example(SHARED);
    file.text = edit(&file.text, "Qwen2.5-32B-Instruct", "Qwen3-32B");
    world.specify_files(vec![example("vllm-managed.yaml"), file]);
    let mut operator = world.start().await;
    operator.ready().await;
    let counts: Vec<usize> = devices(&world).into_values().collect();
    assert_eq!(counts, [8, 4]);
    assert!(once(&world), "{:#?}", tasks(&world));
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_interfaces_of_their_own_tasks_are_too_large_to_meet_on_a_managed_instance() {
    // Half of an inf2.48xlarge is 393216 MiB; two of these never fit, whatever ECS counts of their devices.
    let world = shared(|text| {
        let text = edit(&edit(text, "memory: 262144", "memory: 400000"), "memory: 131072", "memory: 400000");
        edit(&text, "  networking: {mode: Host}\n", "")
    });
    world.converge().await;
    let mut sizes: Vec<usize> = devices(&world).into_values().collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [4, 8]);
    assert_eq!(instances(&world).len(), 2, "{:#?}", tasks(&world));
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
}
