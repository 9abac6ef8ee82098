//! A specification that ECS has rolled back is not pushed again until it changes.

use axon_core::observe::{DeploymentResult, PastDeployment};
use axon_core::observed::{History, Observed};
use axon_core::ownership;
use axon_core::plan::{Plan, Prune};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::fixture::{NOW, Specs, converge, converged, llama, plan_once, text, waits};

fn bad() -> Specs {
    Specs::default().edit_service("/spec/template/containers/0/image", json!("vllm:bad"))
}

/// The bad revision was pushed after `pushed` and ECS went back to the good one.
fn rolled_back(deployed: Timestamp, result: DeploymentResult) -> Observed {
    let mut observed = converged();
    llama(&mut observed).deployments[0].created = Some(NOW);
    let good = llama(&mut observed).settings.task_definition.clone();
    let mut observed = converge(&bad().desired(), observed, Prune::Enabled);
    let service = llama(&mut observed);
    assert_eq!(service.tags.get(ownership::PUSHED_AFTER), Some(&NOW.to_string()));
    service.settings.task_definition = good;
    let past = PastDeployment {
        arn: "service-deployment/1".into(),
        result,
        reason: Some("tasks failed to start".into()),
        created: Some(deployed),
    };
    let history = History { read: NOW, deployments: vec![past] };
    observed.history.insert(("ml".into(), "llama".into()), history);
    observed
}

fn is_held(plan: &Plan) -> bool {
    plan.steps.is_empty() && waits(plan).contains("ECS rolled this specification back: tasks failed to start")
}

#[test]
fn it_is_held_and_says_why() {
    let observed = rolled_back(NOW + 1.minute(), DeploymentResult::RolledBack);
    assert!(is_held(&plan_once(&bad().desired(), &observed, Prune::Enabled)));
}

#[test]
fn a_thousand_looks_later_it_is_still_held() {
    let observed = rolled_back(NOW + 1.minute(), DeploymentResult::RolledBack);
    for _ in 0..1000 {
        assert!(is_held(&plan_once(&bad().desired(), &observed, Prune::Enabled)));
    }
}

#[test]
fn a_changed_specification_is_pushed_at_once() {
    let observed = rolled_back(NOW + 1.minute(), DeploymentResult::RolledBack);
    let fixed = Specs::default().edit_service("/spec/template/containers/0/image", json!("vllm:3")).desired();
    let plan = plan_once(&fixed, &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "RegisterTaskDefinition task definition ml-llama\n");
}

#[test]
fn a_failure_from_before_the_push_does_not_hold_it() {
    let observed = rolled_back(NOW - 1.minute(), DeploymentResult::RolledBack);
    let plan = plan_once(&bad().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "UpdateService service ml/llama\n");
}

#[test]
fn an_edit_by_hand_after_a_good_deployment_is_brought_back() {
    let observed = rolled_back(NOW + 1.minute(), DeploymentResult::Successful);
    let plan = plan_once(&bad().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "UpdateService service ml/llama\n");
}

#[test]
fn without_its_history_a_service_is_not_touched() {
    let mut observed = rolled_back(NOW + 1.minute(), DeploymentResult::RolledBack);
    observed.history.clear();
    let plan = plan_once(&bad().desired(), &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(plan.needs_history.contains(&("ml".into(), "llama".into())));
}

#[test]
fn a_repair_that_starts_no_deployment_goes_on() {
    let mut observed = rolled_back(NOW + 1.minute(), DeploymentResult::RolledBack);
    llama(&mut observed).settings.task_definition = {
        let wanted = converge(&bad().desired(), converged(), Prune::Enabled);
        let mut wanted = wanted;
        llama(&mut wanted).settings.task_definition.clone()
    };
    llama(&mut observed).settings.desired_count = Some(9);
    let plan = plan_once(&bad().desired(), &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "UpdateService service ml/llama\n");
}
