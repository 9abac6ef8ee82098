//! What somebody else changes on AWS is found and brought back, and what is somebody else's business is left alone.

use std::time::Duration;

use axon_core::status::ConditionType;
use axon_runtime::View;
use axon_tests::fleets::{SMALL, edit};
use axon_tests::operator::Operator;
use axon_tests::{World, accepted};
use serde_json::{Value, json};

/// Long enough for everything that AWS may still be showing of our own writes.
const SETTLED: Duration = Duration::from_mins(10);

/// The small fleet, whose service has this to say about drift.
fn with_drift(drift: &str) -> String {
    edit(SMALL, "  pool: chips\n", &format!("  pool: chips\n  drift: {drift}\n"))
}

fn says(view: &View, text: &str) -> bool {
    let conditions = view.statuses.values().flat_map(|status| &status.conditions);
    conditions.into_iter().any(|condition| condition.kind == ConditionType::Drifted && condition.message.contains(text))
}

/// Longer than from one look at AWS to the next.
const NOTICED: Duration = Duration::from_mins(2);

/// The small fleet, ready for a while, and the process that looks after it.
async fn settled(yaml: &str) -> (World, Operator) {
    let world = World::new(yaml);
    let mut operator = world.start().await;
    operator.ready().await;
    world.quiet(SETTLED).await;
    (world, operator)
}

/// Somebody edits; the writes until everything is ready again.
async fn repaired(world: &World, operator: &mut Operator, operation: &str, input: Value) -> Vec<String> {
    let before = world.inventory("ml");
    world.calls();
    world.act(operation, &input);
    world.pass(NOTICED).await;
    operator.ready().await;
    let writes = world.writes();
    world.quiet(SETTLED).await;
    assert_eq!(world.inventory("ml"), before, "as it was before {operation}");
    accepted(&writes).into_iter().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn an_edited_desired_count_is_set_back() {
    let (world, mut operator) = settled(SMALL).await;
    let edit = json!({"cluster": "ml", "service": "llama", "desiredCount": 5});
    let writes = repaired(&world, &mut operator, "UpdateService", edit).await;
    assert_eq!(writes, ["UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_service_is_made_again() {
    let (world, mut operator) = settled(SMALL).await;
    let edit = json!({"cluster": "ml", "service": "llama", "force": true});
    let writes = repaired(&world, &mut operator, "DeleteService", edit).await;
    assert_eq!(writes, ["CreateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_deregistered_revision_is_registered_again_and_deployed() {
    let (world, mut operator) = settled(SMALL).await;
    let revision = world.service("ml", "llama")["taskDefinition"].clone();
    let edit = json!({"taskDefinition": revision});
    let writes = repaired(&world, &mut operator, "DeregisterTaskDefinition", edit).await;
    assert_eq!(writes, ["RegisterTaskDefinition", "UpdateService"]);
    assert_ne!(world.service("ml", "llama")["taskDefinition"], revision);
}

#[tokio::test(start_paused = true)]
async fn an_edited_tag_of_the_specification_is_set_back_and_a_foreign_tag_stays() {
    let (world, mut operator) = settled(&edit(SMALL, "pool: chips", "pool: chips\n  tags: {cost-center: ml}")).await;
    let arn = world.service("ml", "llama")["serviceArn"].clone();
    let foreign = json!({"resourceArn": arn, "tags": [{"key": "reviewed", "value": "yes"}]});
    world.act("TagResource", &foreign);
    world.quiet(SETTLED).await;
    let edit = json!({"resourceArn": arn, "tags": [{"key": "cost-center", "value": "sales"}]});
    let writes = repaired(&world, &mut operator, "TagResource", edit).await;
    assert_eq!(writes, ["TagResource"]);
    let tags = axon_tests::account::tags(&world.service("ml", "llama"));
    assert_eq!(tags["reviewed"], "yes");
}

#[tokio::test(start_paused = true)]
async fn an_edited_provider_is_set_back() {
    let (world, mut operator) = settled(SMALL).await;
    let found = world.provider("ml");
    let mut settings = found["managedInstancesProvider"].clone();
    settings["instanceLaunchTemplate"]["storageConfiguration"]["storageSizeGiB"] = json!(900);
    for fixed in ["capacityOptionType", "fipsEnabled"] {
        settings["instanceLaunchTemplate"].as_object_mut().unwrap().remove(fixed);
    }
    let edit = json!({"name": found["name"], "cluster": "ml", "managedInstancesProvider": settings});
    let writes = repaired(&world, &mut operator, "UpdateCapacityProvider", edit).await;
    assert_eq!(writes, ["UpdateCapacityProvider"]);
}

#[tokio::test(start_paused = true)]
async fn an_edited_setting_of_a_cluster_is_set_back() {
    let (world, mut operator) = settled(SMALL).await;
    let edit = json!({"cluster": "ml", "settings": [{"name": "containerInsights", "value": "disabled"}]});
    let writes = repaired(&world, &mut operator, "UpdateClusterSettings", edit).await;
    assert_eq!(writes, ["UpdateCluster"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_deleted_right_after_it_was_made_comes_back() {
    let world = World::new(SMALL);
    let mut operator = world.start().await;
    let made = |view: &View| view.statuses.values().any(|status| status.replicas.is_some());
    operator.shows("the service exists", made).await;
    world.act("DeleteService", &json!({"cluster": "ml", "service": "llama", "force": true}));
    world.pass(Duration::from_mins(6)).await;
    operator.ready().await;
    assert_eq!(world.service("ml", "llama")["status"], "ACTIVE");
    let writes = world.writes();
    let created = accepted(&writes).into_iter().filter(|operation| *operation == "CreateService").count();
    assert_eq!(created, 2, "made, and made again once");
    world.quiet(SETTLED).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_desired_count_that_is_not_declared_is_left_to_others() {
    let (world, operator) = settled(&edit(SMALL, "  replicas: 2\n", "")).await;
    assert_eq!(world.service("ml", "llama")["desiredCount"], 1);
    for count in [4, 0, 2] {
        world.act("UpdateService", &json!({"cluster": "ml", "service": "llama", "desiredCount": count}));
        world.quiet(Duration::from_mins(20)).await;
        assert_eq!(world.service("ml", "llama")["desiredCount"], count);
        assert!(operator.view().statuses.values().all(axon_core::status::Status::is_ready));
    }
    world.specify(&edit(SMALL, "  replicas: 2\n", "").replace("vllm:1", "vllm:2"));
    let mut operator = operator;
    operator.ready().await;
    assert_eq!(world.service("ml", "llama")["desiredCount"], 2, "a deployment does not change it either");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_only_reported_stays_until_the_specification_changes() {
    let yaml = with_drift("{policy: Report}");
    let (world, mut operator) = settled(&yaml).await;
    world.act("UpdateService", &json!({"cluster": "ml", "service": "llama", "desiredCount": 5}));
    let drifted = |view: &View| says(view, "/desiredCount is 5, declared is 2");
    let view = operator.shows("what drifted", drifted).await;
    let told = view.events.iter().filter(|event| event.reason.to_string() == "DriftDetected");
    assert_eq!(told.filter(|event| event.message.contains("/desiredCount is 5")).count(), 1);
    world.quiet(Duration::from_hours(1)).await;
    assert!(operator.view().statuses.values().all(axon_core::status::Status::is_ready));
    operator.stop().await;

    let mut restarted = world.start().await;
    restarted.shows("what drifted, after a restart", drifted).await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(world.service("ml", "llama")["desiredCount"], 5);
    world.specify(&yaml.replace("vllm:1", "vllm:2"));
    restarted.ready().await;
    assert_eq!(world.service("ml", "llama")["desiredCount"], 2, "a change brings all of the service along");
    restarted.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_deleted_by_hand_is_not_made_again_where_that_is_only_reported() {
    let yaml = with_drift("{policy: Report}");
    let (world, mut operator) = settled(&yaml).await;
    world.act("DeleteService", &json!({"cluster": "ml", "service": "llama", "force": true}));
    let gone = |view: &View| says(view, "somebody removed service ml/llama");
    operator.shows("that it is gone", gone).await;
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;

    let mut restarted = world.start().await;
    restarted.shows("that it is gone, after a restart", gone).await;
    world.quiet(Duration::from_hours(2)).await;
    world.specify(SMALL);
    restarted.ready().await;
    assert_eq!(world.running("llama"), 2, "it is made again once drift is corrected");
    restarted.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_desired_count_that_is_ignored_belongs_to_an_autoscaler_also_when_something_else_changes() {
    let yaml = with_drift("{ignore: [/desiredCount]}");
    let (world, mut operator) = settled(&yaml).await;
    assert_eq!(world.service("ml", "llama")["desiredCount"], 2, "it is made with what is declared");
    for count in [4, 3] {
        world.act("UpdateService", &json!({"cluster": "ml", "service": "llama", "desiredCount": count}));
        world.quiet(Duration::from_mins(20)).await;
        assert!(operator.view().statuses.values().all(axon_core::status::Status::is_ready));
    }
    world.specify(&yaml.replace("vllm:1", "vllm:2"));
    operator.ready().await;
    assert_eq!(world.service("ml", "llama")["desiredCount"], 3);
    assert_eq!(world.running("llama"), 3);
    operator.stop().await;
}
