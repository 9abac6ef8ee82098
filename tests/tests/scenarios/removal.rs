//! What leaves the source leaves AWS, in order and only then.

use std::time::Duration;

use axon_core::plan::PruneLimits;
use axon_core::status::{ConditionType, Reason};
use axon_runtime::{Outcome, View};
use axon_tests::fleets::{OTHER, ROLLING, SMALL, edit, without_service};
use axon_tests::operator::Operator;
use axon_tests::{World, accepted};
use serde_json::json;

fn reasons_of(view: &View, object: &str) -> Vec<Reason> {
    let found = view.statuses.values().filter(|status| status.object.name.as_str() == object);
    found.flat_map(|status| &status.conditions).map(|condition| condition.reason).collect()
}

fn both() -> String {
    format!("{SMALL}---{OTHER}")
}

async fn running(yaml: &str) -> (World, Operator) {
    let world = World::new(yaml);
    let mut operator = world.start().await;
    operator.ready().await;
    world.quiet(Duration::from_mins(10)).await;
    (world, operator)
}

#[tokio::test(start_paused = true)]
async fn what_leaves_the_source_goes_in_the_reverse_order_of_its_creation() {
    let (world, mut operator) = running(&both()).await;
    world.specify(OTHER);
    operator.ready().await;
    let writes = world.writes();
    let mut operations: Vec<&str> = accepted(&writes);
    operations.dedup();
    let deletions = ["DeleteService", "DeregisterTaskDefinition", "DeleteCapacityProvider", "DeleteCluster"];
    assert_eq!(operations, deletions, "{writes:#?}");
    assert_eq!(world.cluster("ml")["status"], "INACTIVE");
    assert_eq!(world.cluster("other")["status"], "ACTIVE");
    assert_eq!(world.revisions(), Vec::<String>::new());
    world.quiet(Duration::from_hours(1)).await;
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_service_that_leaves_takes_nothing_with_it() {
    let two = format!("{SMALL}---{}", edit(SMALL.split("---").last().unwrap(), "name: llama", "name: qwen"));
    let (world, mut operator) = running(&two).await;
    world.specify(SMALL);
    operator.ready().await;
    world.pass(Duration::from_mins(10)).await;
    assert_eq!(accepted(&world.writes()), ["DeleteService", "DeregisterTaskDefinition"]);
    assert_eq!(world.running("llama"), 2);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_source_removes_nothing_and_says_so() {
    let (world, mut operator) = running(SMALL).await;
    world.specify("");
    let blocked = |view: &View| reasons_of(view, "llama").contains(&Reason::PruneBlocked);
    operator.shows("nothing is removed, and why", blocked).await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(world.running("llama"), 2);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_became_invalid_stays_as_it_was() {
    let (world, mut operator) = running(SMALL).await;
    world.specify(&edit(SMALL, "replicas: 2", "replicas: -2"));
    let invalid = |view: &View| reasons_of(view, "llama").contains(&Reason::InvalidSpec);
    operator.shows("it is invalid", invalid).await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(world.running("llama"), 2);
    operator.stop().await;

    let mut restarted = world.start().await;
    restarted.shows("it is invalid after a restart", invalid).await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(world.running("llama"), 2, "not even the last valid version is known, and it stays");
    restarted.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_read_completely_removes_nothing() {
    let (world, mut operator) = running(&both()).await;
    world.specify(&format!("{OTHER}---\nkind: [broken"));
    operator.shows("the finding", |view| view.revision == "test@2" && !view.diagnostics.is_empty()).await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(world.running("llama"), 2);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_marked_to_stay_stays() {
    let kept = edit(SMALL, "{name: llama, labels", "{name: llama, annotations: {neuron.ecs/prune: Disabled}, labels");
    let (world, operator) = running(&format!("{kept}---{OTHER}")).await;
    world.specify(OTHER);
    world.pass(Duration::from_hours(1)).await;
    assert_eq!(accepted(&world.writes()), Vec::<&str>::new());
    assert_eq!(world.running("llama"), 2);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_where_pruning_is_off() {
    let (mut world, operator) = running(&both()).await;
    operator.stop().await;
    world.settings.pruning = axon_core::state::Pruning::Off;
    world.specify(OTHER);
    let applied = world.converge().await;
    assert_eq!(applied.view.statuses.len(), 1);
    assert_eq!(world.writes(), []);
    assert_eq!(world.running("llama"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_of_somebody_else_with_the_same_name_is_reported_and_untouched() {
    let mut world = World::new(&without_service());
    world.settings.timeout = Some(Duration::from_mins(20));
    world.converge().await;
    let definition = json!({
        "family": "theirs", "requiresCompatibilities": ["MANAGED_INSTANCES"], "networkMode": "awsvpc",
        "cpu": "1024", "memory": "2048",
        "containerDefinitions": [{"name": "web", "image": "nginx:1", "essential": true}],
    });
    let revision = world.act("RegisterTaskDefinition", &definition)["taskDefinition"]["taskDefinitionArn"].clone();
    let service = json!({
        "cluster": "ml", "serviceName": "llama", "taskDefinition": revision, "desiredCount": 1,
        "capacityProviderStrategy": [{"capacityProvider": world.provider("ml")["name"], "weight": 1}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"]}},
    });
    world.act("CreateService", &service);
    world.pass(Duration::from_mins(10)).await;
    let before = world.inventory("ml");
    world.calls();

    world.specify(SMALL);
    let applied = world.apply().await;
    assert!(matches!(applied.outcome, Outcome::Stalled(_)), "{:#?}", applied.outcome);
    let stalled = applied.view.statuses.values().find(|status| status.object.name.as_str() == "llama").unwrap();
    assert_eq!(stalled.condition(ConditionType::Stalled).map(|found| found.reason), Some(Reason::NameConflict));
    let writes = world.writes();
    assert_eq!(accepted(&writes), ["RegisterTaskDefinition"], "a family of our own");
    assert_eq!(world.inventory("ml"), before);

    world.specify(OTHER);
    world.apply().await;
    assert_eq!(world.service("ml", "llama")["status"], "ACTIVE", "and it is not removed with the rest");
    assert_eq!(world.providers("ml").len(), 1, "nor is the capacity that it uses");
}

#[tokio::test(start_paused = true)]
async fn when_all_but_a_few_objects_vanish_nothing_goes_until_the_limit_is_raised() {
    let mut world = World::new(&both());
    world.settings.prune_limits = PruneLimits { max_objects: Some(2), max_percent: None };
    let mut operator = world.start().await;
    operator.ready().await;
    world.specify(OTHER);
    let blocked = |view: &View| {
        ["llama", "chips", "ml"].iter().all(|object| reasons_of(view, object).contains(&Reason::PruneBlocked))
    };
    let view = operator.shows("that nothing is removed", blocked).await;
    let how = "3 of 4 objects are no longer declared (NeuronCluster/ml, NeuronPool/chips, NeuronService/llama), and at most 2";
    let blocked = world.plan().await;
    assert!(blocked.rounds.is_empty(), "the plan shows the same: {:#?}", blocked.rounds);
    assert!(blocked.blocked.iter().all(|waiting| waiting.on.to_string().contains(how)), "{:#?}", blocked.blocked);
    for object in ["llama", "chips", "ml"] {
        let told = view.events.iter().filter(|event| event.object.to_string().ends_with(&format!("/{object}")));
        let words: Vec<String> = told.map(|event| format!("{}: {}", event.reason, event.message)).collect();
        let told = words.iter().any(|word| word.starts_with("PruneBlocked: ") && word.contains(how));
        assert!(told, "{object}: {words:#?}");
    }
    world.pass(Duration::from_mins(10)).await;
    world.quiet(Duration::from_hours(1)).await;
    assert_eq!(world.running("llama"), 2);
    operator.stop().await;

    world.settings.prune_limits.max_objects = Some(3);
    let mut allowed = world.start().await;
    allowed.ready().await;
    assert_eq!(world.cluster("ml")["status"], "INACTIVE", "and it goes on to its end");
    assert_eq!(world.revisions(), Vec::<String>::new());
    allowed.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_a_pool_of_groups_ends_when_its_tags_change_and_when_it_goes() {
    let (world, mut operator) = running(&format!("{ROLLING}---{OTHER}")).await;
    world.specify(&format!("{}---{OTHER}", edit(ROLLING, "  cluster: ml\n", "  cluster: ml\n  tags: {team: nlp}\n")));
    assert!(world.plan().await.steps().any(|step| step.action.operation() == "TagResource"));
    world.specify(OTHER);
    let plan = world.plan().await;
    let operations: Vec<&str> = plan.steps().map(|step| step.action.operation()).collect();
    for operation in
        ["DeleteService", "PutClusterCapacityProviders", "DeleteCapacityProvider", "DeleteAutoScalingGroup"]
    {
        assert_eq!(operations.iter().filter(|one| **one == operation).count(), 1, "{operation}: {operations:?}");
    }
    operator.ready().await;
    operator.stop().await;
}
