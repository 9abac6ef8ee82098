//! Which Neuron devices a task has, and that it has them alone.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_core::status::TaskStatus;
use axon_sim::{NeuronResource, Options, Quirks};
use axon_tests::World;
use axon_tests::fleets::{SMALL, edit};

fn tasks(view: &axon_runtime::View) -> Vec<TaskStatus> {
    let replicas = view.statuses.values().filter_map(|status| status.replicas.clone());
    replicas.flat_map(|replicas| replicas.tasks).collect()
}

#[tokio::test(start_paused = true)]
async fn the_status_shows_the_devices_and_the_instance_of_every_task() {
    for resource in [NeuronResource::StringSet, NeuronResource::Integer] {
        let quirks = Quirks { neuron_resource: resource, ..Quirks::default() };
        let world = World::with(Options { quirks, ..Options::default() }, SMALL);
        let applied = world.converge().await;
        let tasks = tasks(&applied.view);
        assert_eq!(tasks.len(), 2, "{resource:?}: {tasks:#?}");
        for task in tasks {
            assert_eq!(task.instance_type.as_deref(), Some("trn1.2xlarge"), "{resource:?}");
            assert_eq!(task.neuron_devices, ["0"], "{resource:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_on_a_large_instance_shows_all_of_its_devices() {
    let large = edit(SMALL, "[inf2.8xlarge, trn1.2xlarge]", "[inf2.24xlarge]");
    let world = World::new(&edit(&large, "replicas: 2", "replicas: 1"));
    let applied = world.converge().await;
    let shown: Vec<String> = tasks(&applied.view).into_iter().flat_map(|task| task.neuron_devices).collect();
    assert_eq!(shown, ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_never_has_two_tasks_not_even_in_a_deployment() {
    let world = World::new(&edit(SMALL, "replicas: 2", "replicas: 4"));
    let mut operator = world.start().await;
    operator.ready().await;
    world.specify(&edit(&edit(SMALL, "replicas: 2", "replicas: 4"), "vllm:1", "vllm:2"));
    let mut most = 0;
    for _ in 0..900 {
        world.pass(Duration::from_secs(1)).await;
        let live: Vec<String> = world.tasks("llama").into_iter().filter_map(|task| task.instance).collect();
        let distinct: BTreeSet<&String> = live.iter().collect();
        assert_eq!(distinct.len(), live.len(), "one Neuron task an instance");
        most = most.max(live.len());
    }
    assert!(most > 4, "the deployment overlapped");
    operator.ready().await;
    assert_eq!(world.running("llama"), 4);
    operator.stop().await;
}
