//! The operator's list of IAM roles: an object that names another one is held, whatever it was before, and nobody else is.

use std::time::Duration;

use axon_core::roles::RoleRules;
use axon_core::status::{ConditionType, Reason, Truth};
use axon_runtime::View;
use axon_tests::fleets::{SMALL, edit};
use axon_tests::{World, accepted};

fn only(roles: &[&str]) -> RoleRules {
    let arn = |role: &&str| format!("arn:aws:iam::111122223333:{role}").parse().unwrap();
    RoleRules::only(roles.iter().map(arn).collect())
}

/// Which objects are held over a role, and what their status says of it.
fn refused(view: &View) -> Vec<(String, String)> {
    let held = view.statuses.iter().filter_map(|(key, status)| {
        let valid = status.condition(ConditionType::SpecValid)?;
        let refused = valid.status == Truth::False && valid.message.contains("AX0215");
        assert!(!refused || valid.reason == Reason::InvalidSpec);
        refused.then(|| (key.to_string(), valid.message.clone()))
    });
    held.collect()
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_names_another_role_changes_nothing_of_its_object_and_the_others_go_on() {
    let mut world = World::new(SMALL);
    world.settings.roles = only(&["role/ecs*", "instance-profile/ecs*"]);
    let mut operator = world.start().await;
    operator.ready().await;
    world.quiet(Duration::from_mins(10)).await;
    let admin = edit(SMALL, "role/ecsTaskExecutionRole", "role/admin");
    world.specify(&edit(&admin, "containerInsights: Enhanced", "containerInsights: Enabled"));
    let view = operator.shows("the role is refused", |view| !refused(view).is_empty()).await;
    let said = refused(&view);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].0, "NeuronService/llama");
    let (at, stays) = ("fleet.yaml:30:", "the last valid version stays in force");
    assert!(said[0].1.contains(at) && said[0].1.contains("role/admin") && said[0].1.contains(stays), "{said:?}");
    world.pass(Duration::from_mins(10)).await;
    assert_eq!(accepted(&world.writes()), ["UpdateCluster"], "the cluster changes, and nothing else");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_became_stricter_removes_nothing_and_a_fresh_process_holds_what_it_forbids() {
    let mut world = World::new(SMALL);
    world.converge().await;
    world.calls();
    world.settings.roles = only(&["instance-profile/ecs*"]);
    let applied = world.apply().await;
    assert_eq!(world.writes(), [], "pool and service are held as they are");
    let names: Vec<String> = refused(&applied.view).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["NeuronPool/chips", "NeuronService/llama"]);
}
