//! Instances that several services share are lost: by hardware, and by Spot interruptions with two minutes' notice.
//!
//! That no two tasks ever hold one device is checked by the simulated AWS in every scenario.

use std::time::Duration;

use axon_sim::{Loss, RunningMachine};
use axon_tests::World;
use axon_tests::fleets::{SHARED, edit};

/// The shared pool on Spot capacity, with more small replicas so that every instance is shared.
fn crowded(capacity: &str) -> String {
    let crowd = edit(SHARED, "replicas: 2", "replicas: 6");
    edit(&crowd, "    maxSize: 4", &format!("    maxSize: 6\n    capacityOption: {capacity}"))
}

fn machines(world: &World) -> Vec<RunningMachine> {
    world.aws.with(|aws| aws.world().machines()).into_iter().filter(|machine| machine.state == "running").collect()
}

fn running(world: &World) -> usize {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    tasks.iter().filter(|task| task.status == "RUNNING" && task.desired == "RUNNING").count()
}

/// Converges, loses instances, and converges again.
async fn survives(capacity: &str, loss: Loss, how_many: usize) {
    let mut world = World::new(&crowded(capacity));
    world.settings.busy_interval = Duration::from_secs(30);
    world.converge().await;
    assert_eq!(running(&world), 8);
    let before = machines(&world);
    let mut operator = world.start().await;
    operator.ready().await;
    let gone: Vec<&RunningMachine> = before.iter().take(how_many).collect();
    for machine in &gone {
        assert_eq!(machine.spot, capacity == "Spot");
        assert!(world.aws.with(|aws| aws.world_mut().lose_machine(&machine.id, loss)), "{machine:?}");
    }
    world.pass(Duration::from_mins(40)).await;
    operator.ready().await;
    assert_eq!(running(&world), 8, "{loss:?} of {how_many}");
    let now = machines(&world);
    assert!(gone.iter().all(|lost| now.iter().all(|machine| machine.id != lost.id)), "{now:#?}");
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn replicas_of_an_instance_whose_hardware_fails_come_back() {
    survives("OnDemand", Loss::Hardware, 1).await;
}

#[tokio::test(start_paused = true)]
async fn replicas_of_an_interrupted_spot_instance_come_back() {
    survives("Spot", Loss::SpotInterruption, 1).await;
}

#[tokio::test(start_paused = true)]
async fn replicas_come_back_when_every_instance_is_interrupted_at_once() {
    survives("Spot", Loss::SpotInterruption, usize::MAX).await;
}
