//! EC2 has no instance of a type: in one zone, the group launches in the other; in all of them, the pool says what is short
//! and since when, and nobody has to do anything when it is back.

use std::time::Duration;

use axon_core::status::{Condition, ConditionType, Reason, Truth};
use axon_runtime::View;
use axon_sim::{Options, Shortage};
use axon_tests::World;
use axon_tests::fleets::{SHARED, edit};
use axon_tests::operator::is_quiet;

/// The two subnets of the pool lie in zones a and b.
fn two_zones() -> World {
    let subnets = [("subnet-0a1b2c3d".to_owned(), 'a'), ("subnet-4e5f6a7b".to_owned(), 'b')].into();
    World::with(Options { subnets, ..Options::default() }, SHARED)
}

fn run_short(world: &World, zone: Option<&str>) {
    let shortage = Shortage { instance_type: "inf2.48xlarge".to_owned(), zone: zone.map(str::to_owned) };
    world.aws.with(|aws| aws.world_mut().run_short(shortage));
}

fn pool(view: &View, kind: ConditionType) -> Option<Condition> {
    let pool = view.statuses.values().find(|status| status.object.name.as_str() == "shared")?;
    pool.condition(kind).cloned()
}

fn zones(world: &World) -> Vec<String> {
    let machines = world.aws.with(|aws| aws.world().machines());
    machines.into_iter().map(|machine| machine.zone).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_first_zone_is_short_launches_in_the_other_and_says_what_is_short() {
    let world = two_zones();
    run_short(&world, Some("us-east-1a"));
    let mut operator = world.start().await;
    let told = |view: &View| {
        pool(view, ConditionType::CapacityReady)
            .is_some_and(|found| found.status == Truth::True && found.message.contains("us-east-1a"))
    };
    let view = operator.shows("the pool says which zone is short", told).await;
    let message = pool(&view, ConditionType::CapacityReady).unwrap().message;
    assert!(message.contains("inf2.48xlarge") && message.contains("other zones"), "{message}");
    operator.ready().await;
    assert_eq!(zones(&world), ["us-east-1b", "us-east-1b"]);
    let message = pool(&operator.view(), ConditionType::CapacityReady).unwrap().message;
    assert!(!message.contains("us-east-1a"), "nothing is missing any more: {message}");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_shortage_in_every_zone_is_said_with_its_type_and_time_and_ends_by_itself() {
    let mut world = two_zones();
    world.settings.busy_interval = Duration::from_secs(30);
    run_short(&world, None);
    let mut operator = world.start().await;
    let short = |view: &View| {
        pool(view, ConditionType::Ready).is_some_and(|ready| ready.reason == Reason::InsufficientCapacity)
    };
    let first = operator.shows("the pool is short", short).await;
    let since = |view: &View| {
        let message = pool(view, ConditionType::Ready).unwrap().message;
        let (_, rest) = message.split_once(" since ").unwrap_or_else(|| unreachable!("{message}"));
        rest.split(';').next().unwrap().to_owned()
    };
    let ready = pool(&first, ConditionType::Ready).unwrap();
    assert!(ready.message.contains("inf2.48xlarge") && ready.message.contains("2026-01-01T"), "{}", ready.message);
    assert_eq!(pool(&first, ConditionType::CapacityReady).unwrap().status, Truth::False);
    world.calls();
    world.quiet(Duration::from_mins(30)).await;
    let view = operator.view();
    assert!(short(&view) && !is_quiet(&view), "{:#?}", axon_tests::reasons(&view));
    assert_eq!(since(&view), since(&first), "the time is that of the first refusal");
    let services = view.statuses.values().filter(|status| status.replicas.is_some());
    for service in services {
        let ready = service.condition(ConditionType::Ready).unwrap();
        assert_eq!(ready.status, Truth::False, "{ready:?}");
    }
    world.aws.with(|aws| aws.world_mut().end_shortages());
    operator.ready().await;
    assert_eq!(zones(&world).len(), 2);
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn replicas_go_to_the_next_type_of_the_pool_when_ec2_has_none_of_the_first() {
    let types = edit(SHARED, "instanceTypes: [inf2.48xlarge]", "instanceTypes: [inf2.48xlarge, inf2.24xlarge]");
    let smaller = edit(&types, "devices: 7", "devices: 6");
    let specs = edit(&smaller, "cpu: 98304\n    memory: 400000", "cpu: 65536\n    memory: 200000");
    let mut world = World::with(Options::default(), &specs);
    world.settings.busy_interval = Duration::from_secs(30);
    run_short(&world, None);
    let mut operator = world.start().await;
    operator.ready().await;
    let kinds = |world: &World| {
        let machines = world.aws.with(|aws| aws.world().machines());
        let running = machines.into_iter().filter(|machine| machine.state == "running");
        running.map(|machine| machine.instance_type).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(kinds(&world), ["inf2.24xlarge".to_owned()].into());
    world.aws.with(|aws| aws.world_mut().end_shortages());
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    world.pass(Duration::from_hours(1)).await;
    operator.ready().await;
    assert_eq!(world.aws.with(|aws| aws.world().live_tasks()), tasks, "capacity that is back moves nothing");
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}
