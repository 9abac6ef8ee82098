//! The examples of the documentation become ready, and then nothing is left to do.

use std::time::Duration;

use axon_sim::{Launchable, LogGroups, Options, Quirks};
use axon_tests::World;
use axon_tests::fleets::{example, examples, group_examples};

/// Trainium 2 is launched, which AWS's documents disagree on. Nobody has created a log group.
fn options() -> Options {
    let quirks = Quirks { launchable: Launchable::WithTrainium2, ..Quirks::default() };
    Options { quirks, log_groups: LogGroups::Created, ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn every_example_becomes_ready_and_then_nothing_is_left_to_do() {
    let mut world = World::with(options(), "");
    world.settings.busy_interval = Duration::from_secs(30);
    let files = examples();
    assert!(files.len() >= 8, "{} examples", files.len());
    world.specify_files(files);
    let mut operator = world.start().await;
    let view = operator.ready().await;
    assert!(view.statuses.len() >= 25, "{} objects", view.statuses.len());
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_an_example_is_what_is_then_done() {
    let world = World::with(options(), "");
    world.specify_files(vec![example("vllm-managed.yaml")]);
    let plan = world.plan().await;
    let mut planned: Vec<&str> = plan.steps().map(|step| step.action.operation()).collect();
    world.calls();
    world.converge().await;
    let writes = world.writes();
    let mut written: Vec<&str> = writes.iter().map(|call| call.operation.as_str()).collect();
    planned.sort_unstable();
    written.sort_unstable();
    assert_eq!(written, planned);
}

/// The clusters that the examples share, without anything else.
const CLUSTERS: &str = "
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml-prod}
spec: {}
---
apiVersion: neuron.ecs/v1alpha1
kind: NeuronCluster
metadata: {name: ml-other}
spec: {}
";

#[tokio::test(start_paused = true)]
async fn every_example_of_auto_scaling_groups_becomes_ready_and_then_nothing_is_left_to_do() {
    let files = group_examples();
    assert!(files.len() >= 13, "{} examples", files.len());
    let mut world = World::with(options(), "");
    world.settings.busy_interval = Duration::from_secs(30);
    let clusters = axon_core::parse::SourceFile { path: "clusters.yaml".to_owned(), text: CLUSTERS.to_owned() };
    world.specify_files(std::iter::once(clusters).chain(files).collect());
    let mut operator = world.start().await;
    operator.ready().await;
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    world.quiet(Duration::from_hours(2)).await;
    operator.stop().await;
}
