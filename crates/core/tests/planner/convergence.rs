//! From any start to the wanted state, and then silence.

use axon_core::observed::Observed;
use axon_core::plan::Prune;
use serde_json::json;

use super::fixture::{
    Specs, cluster, converge, converged, empty_account, plan_once, pool, preview_of, rounds, service, waits,
};

#[test]
fn an_empty_account_is_filled_in_order_of_dependency() {
    let preview = preview_of(&Specs::default().desired(), &empty_account(), Prune::Enabled);
    let provider = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    assert_eq!(
        rounds(&preview),
        format!(
            "CreateCluster cluster ml\n--\n\
             CreateCapacityProvider capacity provider {provider}\nRegisterTaskDefinition task definition ml-llama\n--\n\
             CreateService service ml/llama\n"
        )
    );
    assert_eq!(preview.blocked, []);
}

#[test]
fn a_plan_after_convergence_is_empty() {
    let plan = plan_once(&Specs::default().desired(), &converged(), Prune::Enabled);
    assert!(plan.is_settled(), "{plan:?}");
}

#[test]
fn nothing_is_planned_on_an_account_that_was_never_read() {
    let plan = plan_once(&Specs::default().desired(), &Observed::default(), Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("NeuronCluster/ml: waits for the first reading of cluster ml"));
}

#[test]
fn a_new_image_is_registered_then_recorded_then_rolled_out() {
    let changed = Specs::default().edit_service("/spec/template/containers/0/image", json!("vllm:2"));
    let preview = preview_of(&changed.desired(), &converged(), Prune::Enabled);
    assert_eq!(
        rounds(&preview),
        "RegisterTaskDefinition task definition ml-llama\n--\nTagResource service ml/llama\n--\nUpdateService service ml/llama\n"
    );
}

#[test]
fn settings_that_need_no_revision_change_in_place() {
    let changed = Specs::default().edit_service("/spec/deployment", json!({"maximumPercent": 150}));
    let preview = preview_of(&changed.desired(), &converged(), Prune::Enabled);
    assert_eq!(rounds(&preview), "TagResource service ml/llama\n--\nUpdateService service ml/llama\n");
}

#[test]
fn cluster_settings_change_in_place() {
    let changed = Specs::default().edit_cluster("/spec/containerInsights", json!("Enhanced"));
    let preview = preview_of(&changed.desired(), &converged(), Prune::Enabled);
    assert_eq!(rounds(&preview), "UpdateCluster cluster ml\n");
}

#[test]
fn going_back_to_earlier_content_uses_the_earlier_revision() {
    let changed = Specs::default().edit_service("/spec/template/containers/0/image", json!("vllm:2"));
    let later = converge(&changed.desired(), converged(), Prune::Enabled);
    let preview = preview_of(&Specs::default().desired(), &later, Prune::Enabled);
    assert_eq!(rounds(&preview), "TagResource service ml/llama\n--\nUpdateService service ml/llama\n");
}

#[test]
fn a_service_on_another_cluster_is_moved_before_the_old_one_goes() {
    let moved = Specs {
        clusters: vec![cluster("ml"), cluster("ml2")],
        pools: vec![pool("inf2", "ml"), pool("other", "ml2")],
        services: vec![service("llama", "other")],
    };
    let preview = preview_of(&moved.desired(), &converged(), Prune::Enabled);
    let text = rounds(&preview);
    let created = text.find("CreateService service ml2/llama").unwrap();
    let deleted = text.find("DeleteService service ml/llama").unwrap();
    assert!(created < deleted, "{text}");
    let after = converge(&moved.desired(), converged(), Prune::Enabled);
    assert!(plan_once(&moved.desired(), &after, Prune::Enabled).is_settled());
}

#[test]
fn the_same_input_gives_the_same_plan() {
    let plan = || plan_once(&Specs::default().desired(), &empty_account(), Prune::Enabled);
    assert_eq!(serde_json::to_string(&plan().steps).unwrap(), serde_json::to_string(&plan().steps).unwrap());
}
