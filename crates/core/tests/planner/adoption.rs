//! What is not ours is never touched, unless the specification allows taking it over.

use axon_core::ownership;
use axon_core::plan::Prune;
use axon_core::step::Action;
use serde_json::json;

use super::fixture::{Specs, converged, llama, plan_once, preview_of, rounds, waits};

#[test]
fn a_service_of_the_same_name_without_our_mark_is_left_alone() {
    let mut observed = converged();
    llama(&mut observed).tags.clear();
    llama(&mut observed).settings.desired_count = Some(9);
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("service ml/llama exists and carries no tag of an Axon installation"));
}

#[test]
fn a_service_of_another_installation_is_left_alone() {
    let mut observed = converged();
    llama(&mut observed).tags.insert(ownership::MANAGED_BY.into(), "blue".into());
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("is managed by installation blue"));
}

#[test]
fn with_adopt_always_a_stranger_is_marked_first_and_then_converged() {
    let adopting = Specs::default().edit_service("/metadata/annotations", json!({"neuron.ecs/adopt": "Always"}));
    let mut observed = converged();
    llama(&mut observed).tags.clear();
    llama(&mut observed).settings.desired_count = Some(9);
    let preview = preview_of(&adopting.desired(), &observed, Prune::Enabled);
    assert!(rounds(&preview).starts_with("TagResource service ml/llama\n--\n"), "{}", rounds(&preview));
    let Action::TagResource { tags, .. } = &preview.rounds[0][0].action else { panic!() };
    assert_eq!(tags.get(ownership::ADOPTED).map(String::as_str), Some("true"));
    assert!(rounds(&preview).ends_with("UpdateService service ml/llama\n"));
}

#[test]
fn with_adopt_if_tagged_only_what_names_the_object_is_taken_over() {
    let adopting =
        Specs::default().edit_service("/metadata/annotations", json!({"neuron.ecs/adopt": "IfTagged"})).desired();
    let mut observed = converged();
    llama(&mut observed).tags.insert(ownership::MANAGED_BY.into(), "old".into());
    assert_eq!(plan_once(&adopting, &observed, Prune::Enabled).steps.len(), 1);
    llama(&mut observed).tags.insert(ownership::NAME.into(), "mistral".into());
    assert_eq!(plan_once(&adopting, &observed, Prune::Enabled).steps, []);
}

#[test]
fn a_foreign_cluster_is_left_alone_and_everything_in_it_waits() {
    let mut observed = converged();
    observed.clusters.get_mut("ml").unwrap().tags.clear();
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("NeuronPool/inf2: cluster ml exists and"));
}
