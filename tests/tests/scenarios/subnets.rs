//! A subnet that does not exist is named before a group is made with it, and takes nothing from a group that there is.

use axon_core::status::{ConditionType, Reason};
use axon_runtime::View;
use axon_tests::fleets::{SHARED, edit};
use axon_tests::{World, accepted};

const BOTH: &str = "subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]";
const ONE: &str = "subnets: [subnet-0a1b2c3d]";

fn names_the_missing(view: &View) -> bool {
    let pool = view.statuses.values().find(|status| status.object.name.as_str() == "shared");
    let ready = pool.and_then(|status| status.condition(ConditionType::Ready));
    ready.is_some_and(|ready| ready.reason == Reason::SubnetMissing && ready.message.contains("subnet-4e5f6a7b"))
}

#[tokio::test(start_paused = true)]
async fn no_group_is_made_in_a_subnet_that_does_not_exist_until_the_pool_names_others() {
    let world = World::new(SHARED);
    world.aws.with(|aws| aws.world_mut().remove_subnet("subnet-4e5f6a7b"));
    let mut operator = world.start().await;
    operator.shows("the subnet is named", names_the_missing).await;
    assert!(world.writes().iter().all(|call| call.operation != "CreateAutoScalingGroup"));
    world.specify(&edit(SHARED, BOTH, ONE));
    operator.ready().await;
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_keeps_its_subnets_and_its_tasks_while_the_pool_names_one_that_does_not_exist() {
    let world = World::new(&edit(SHARED, BOTH, ONE));
    world.aws.with(|aws| aws.world_mut().remove_subnet("subnet-4e5f6a7b"));
    let mut operator = world.start().await;
    operator.ready().await;
    let before = world.aws.with(|aws| aws.world().live_tasks());
    world.calls();
    world.specify(SHARED);
    operator.shows("the subnet is named", names_the_missing).await;
    world.pass(std::time::Duration::from_mins(30)).await;
    // The first plan may be made before the subnet was looked up; AWS refuses it then.
    assert_eq!(accepted(&world.writes()), [""; 0], "nothing is changed");
    assert_eq!(world.aws.with(|aws| aws.world().live_tasks()), before);
    operator.stop().await;
}
