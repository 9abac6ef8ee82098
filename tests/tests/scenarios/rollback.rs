//! What ECS has rolled back is said, and not tried again before the specification changes.

use std::time::Duration;

use axon_core::status::{ConditionType, Reason, Status};
use axon_runtime::View;
use axon_sim::{Acts, Behaviour};
use axon_tests::World;
use axon_tests::fleets::{SMALL, edit};

const DAY: Duration = Duration::from_hours(24);

fn bad(world: &World) {
    let reason = "manifest unknown".to_owned();
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*vllm:bad").acting(Acts::PullFails { reason })));
}

fn llama(view: &View) -> &Status {
    view.statuses.values().find(|status| status.object.name.as_str() == "llama").unwrap()
}

fn reason(view: &View) -> Option<Reason> {
    let found = view.statuses.values().find(|status| status.object.name.as_str() == "llama")?;
    found.condition(ConditionType::Stalled).map(|condition| condition.reason)
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_image_is_not_deployed_again_until_the_specification_changes() {
    let mut world = World::new(SMALL);
    world.settings.sweep_interval = Duration::from_mins(10);
    world.settings.source_interval = Duration::from_secs(30);
    bad(&world);
    let mut operator = world.start().await;
    operator.ready().await;
    world.specify(&edit(SMALL, "vllm:1", "vllm:bad"));
    let rolled_back = |view: &View| reason(view) == Some(Reason::DeploymentRolledBack);
    let view = operator.shows("the rollback is said", rolled_back).await;
    let message = &llama(&view).condition(ConditionType::Stalled).unwrap().message;
    assert!(message.contains("rolled"), "{message}");
    assert_eq!(world.running("llama"), 2, "the old revision serves");

    world.quiet(DAY).await;
    assert_eq!(reason(&operator.view()), Some(Reason::DeploymentRolledBack));
    operator.stop().await;

    let mut restarted = world.start().await;
    let view = restarted.shows("the rollback is known after a restart", rolled_back).await;
    assert!(llama(&view).is_stalled());
    world.quiet(Duration::from_hours(2)).await;

    world.specify(&edit(SMALL, "vllm:1", "vllm:2"));
    restarted.ready().await;
    let running = world.tasks("llama");
    assert_eq!(running.len(), 2);
    assert_eq!(
        world.inventory("ml")["services"]["llama"]["containers"][0]["image"].as_str().unwrap().split(':').next_back(),
        Some("2")
    );
    world.quiet(Duration::from_hours(1)).await;
    restarted.stop().await;
}

#[tokio::test(start_paused = true)]
async fn going_back_to_the_old_image_after_a_rollback_is_ready_without_a_deployment() {
    let world = World::new(SMALL);
    bad(&world);
    let mut operator = world.start().await;
    operator.ready().await;
    world.specify(&edit(SMALL, "vllm:1", "vllm:bad"));
    operator.shows("the rollback", |view| reason(view) == Some(Reason::DeploymentRolledBack)).await;
    let deployed = world.service("ml", "llama")["taskDefinition"].clone();
    world.calls();
    world.specify(SMALL);
    operator.ready().await;
    assert_eq!(world.service("ml", "llama")["taskDefinition"], deployed);
    let updates = world.writes().into_iter().filter(|call| call.operation == "UpdateService").count();
    assert_eq!(updates, 0, "what runs is what is declared");
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_bad_image_after_a_good_one_is_tried_again_once() {
    let world = World::new(SMALL);
    bad(&world);
    let mut operator = world.start().await;
    operator.ready().await;
    for attempt in 1..=2 {
        world.calls();
        world.specify(&edit(SMALL, "vllm:1", "vllm:bad"));
        let revision = format!("test@{}", 2 * attempt);
        let said = |view: &View| view.revision == revision && reason(view) == Some(Reason::DeploymentRolledBack);
        operator.shows("the rollback", said).await;
        let updates = world.writes().into_iter().filter(|call| call.operation == "UpdateService").count();
        assert_eq!(updates, 1, "attempt {attempt}");
        world.specify(SMALL);
        operator.ready().await;
        world.quiet(Duration::from_mins(10)).await;
    }
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_fails_is_said_and_not_repeated() {
    let mut world = World::new(&edit(SMALL, "vllm:1", "vllm:bad"));
    world.settings.sweep_interval = Duration::from_mins(10);
    world.settings.source_interval = Duration::from_secs(30);
    bad(&world);
    let mut operator = world.start().await;
    operator.shows("the failure is said", |view| reason(view) == Some(Reason::DeploymentFailed)).await;
    world.quiet(DAY).await;
    operator.stop().await;
    let mut restarted = world.start().await;
    restarted.shows("it is known after a restart", |view| reason(view) == Some(Reason::DeploymentFailed)).await;
    world.quiet(Duration::from_hours(2)).await;
    world.specify(SMALL);
    restarted.ready().await;
    assert_eq!(world.running("llama"), 2);
    restarted.stop().await;
}
