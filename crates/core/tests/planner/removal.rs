//! What is no longer declared goes, in the order that works, and never by accident.

use axon_core::ownership;
use axon_core::plan::{Prune, PruneBlock};
use serde_json::json;

use super::fixture::{
    Specs, cluster, converge, converged, empty_account, key, plan_once, preview_of, rounds, text, waits,
};

fn only_a_cluster() -> Specs {
    Specs { clusters: vec![cluster("other")], pools: Vec::new(), services: Vec::new() }
}

#[test]
fn removal_runs_in_the_reverse_order_of_creation() {
    let desired = only_a_cluster().desired();
    let provider = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    let steps = preview_of(&desired, &converged(), Prune::Enabled);
    let text = rounds(&steps);
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing in {text}"));
    assert!(place("DeleteService service ml/llama") < place("DeregisterTaskDefinition task definition ml-llama"));
    assert!(
        place("DeleteService service ml/llama")
            < place(&format!("DeleteCapacityProvider capacity provider {provider}"))
    );
    assert!(place("DeleteCapacityProvider") < place("DeleteCluster cluster ml"));
    let after = converge(&desired, converged(), Prune::Enabled);
    assert!(plan_once(&desired, &after, Prune::Enabled).is_settled());
}

#[test]
fn with_pruning_off_nothing_goes_and_nothing_waits() {
    let desired = only_a_cluster().desired();
    let preview = preview_of(&desired, &converged(), Prune::Disabled);
    assert_eq!(rounds(&preview), "CreateCluster cluster other\n");
    assert_eq!(preview.blocked, []);
}

#[test]
fn an_incomplete_or_empty_source_removes_nothing_and_says_so() {
    for why in [PruneBlock::IncompleteSource, PruneBlock::EmptySource] {
        let plan =
            plan_once(&Specs { services: Vec::new(), ..Specs::default() }.desired(), &converged(), Prune::Blocked(why));
        assert_eq!(plan.steps, []);
        assert!(waits(&plan).contains("service ml/llama is no longer declared but stays"), "{}", waits(&plan));
    }
}

#[test]
fn an_object_that_is_declared_but_invalid_stays() {
    let mut desired = Specs { services: Vec::new(), ..Specs::default() }.desired();
    desired.held.insert(key("NeuronService", "llama"));
    let plan = plan_once(&desired, &converged(), Prune::Enabled);
    assert!(plan.steps.is_empty(), "{}", text(&plan.steps));
}

#[test]
fn prune_disabled_outlives_the_object() {
    let kept = Specs::default().edit_service("/metadata/annotations", json!({"neuron.ecs/prune": "Disabled"}));
    let observed = converge(&kept.desired(), empty_account(), Prune::Enabled);
    let without = Specs { services: Vec::new(), ..Specs::default() }.desired();
    assert_eq!(plan_once(&without, &observed, Prune::Enabled).steps, []);
}

#[test]
fn an_adopted_cluster_is_never_deleted() {
    let mut observed = converge(
        &Specs { pools: vec![], services: vec![], ..Specs::default() }.desired(),
        empty_account(),
        Prune::Enabled,
    );
    observed.clusters.get_mut("ml").unwrap().tags.insert(ownership::ADOPTED.into(), "true".into());
    let plan = plan_once(&only_a_cluster().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "CreateCluster cluster other\n");
}

#[test]
fn a_provider_that_a_stranger_s_service_uses_stays() {
    let mut observed = converged();
    super::fixture::llama(&mut observed).tags.clear();
    let plan =
        plan_once(&Specs { services: vec![], pools: vec![], ..Specs::default() }.desired(), &observed, Prune::Enabled);
    assert!(!text(&plan.steps).contains("DeleteCapacityProvider"));
    assert!(waits(&plan).contains("no longer use it"), "{}", waits(&plan));
}

#[test]
fn what_is_not_ours_is_never_removed() {
    let mut observed = converged();
    super::fixture::llama(&mut observed).tags.insert(ownership::MANAGED_BY.into(), "blue".into());
    let plan = plan_once(&Specs { services: vec![], ..Specs::default() }.desired(), &observed, Prune::Enabled);
    assert!(!text(&plan.steps).contains("DeleteService"));
}
