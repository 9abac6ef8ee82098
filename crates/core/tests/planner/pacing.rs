//! What holds a step back: calls in flight, readings that lag, failures, and people.

use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::observe::ServiceStatus;
use axon_core::plan::{Answer, Limits, Prune, Recent, Retry, Writes};
use jiff::ToSpan as _;
use serde_json::json;

use super::fixture::{NOW, Specs, converged, empty_account, key, llama, plan_once, plan_with, text, waits};

fn limits() -> Limits {
    Limits::fresh(NOW, Prune::Enabled)
}

#[test]
fn a_resource_with_a_call_in_flight_is_not_written_again() {
    let desired = Specs::default().desired();
    let step = plan_once(&desired, &empty_account(), Prune::Enabled).steps.remove(0);
    let mut limits = limits();
    limits.in_flight.insert(step.resource.clone(), step);
    let plan = plan_with(&desired, &empty_account(), &limits);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("NeuronCluster/ml: CreateCluster is being called"));
}

#[test]
fn a_step_that_just_succeeded_is_not_repeated_while_readings_may_lag() {
    let desired = Specs::default().desired();
    let step = plan_once(&desired, &empty_account(), Prune::Enabled).steps.remove(0);
    let mut limits = limits();
    let recent = |at| vec![Recent { step: step.fingerprint(), at, answer: Answer::Accepted, revision: None }];
    limits.recent.insert(step.resource.clone(), recent(NOW - 299.seconds()));
    assert_eq!(plan_with(&desired, &empty_account(), &limits).steps, []);
    limits.recent.insert(step.resource.clone(), recent(NOW - 300.seconds()));
    assert_eq!(plan_with(&desired, &empty_account(), &limits).steps.len(), 1);
}

#[test]
fn a_service_that_aws_itself_calls_inactive_is_created_again_at_once() {
    let desired = Specs::default().desired();
    let mut observed = converged();
    llama(&mut observed).status = ServiceStatus::Inactive;
    let step = plan_once(&desired, &observed, Prune::Enabled).steps.remove(0);
    let mut limits = limits();
    limits.recent.insert(
        step.resource.clone(),
        vec![Recent { step: step.fingerprint(), at: NOW, answer: Answer::Accepted, revision: None }],
    );
    assert_eq!(text(&plan_with(&desired, &observed, &limits).steps), "CreateService service ml/llama\n");
}

#[test]
fn a_draining_service_is_waited_for() {
    let mut observed = converged();
    llama(&mut observed).status = ServiceStatus::Draining;
    let plan = plan_once(&Specs::default().desired(), &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("waits for the deleted service ml/llama to stop its tasks"));
}

#[test]
fn a_failed_step_waits_for_its_time_and_a_changed_one_does_not() {
    let mut observed = converged();
    llama(&mut observed).settings.desired_count = Some(5);
    let desired = Specs::default().desired();
    let step = plan_once(&desired, &observed, Prune::Enabled).steps.remove(0);
    let error = CloudError {
        class: ErrorClass::Transient,
        operation: "UpdateService",
        code: "ServerException".into(),
        message: "try later".into(),
        request_id: None,
    };
    let mut limits = limits();
    let retry = Retry { step: step.fingerprint(), error, attempts: 3, not_before: NOW + 1.minute() };
    limits.retries.insert(step.resource.clone(), retry);
    let plan = plan_with(&desired, &observed, &limits);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("UpdateService answered ServerException: try later; attempt 3 failed"));
    limits.now = NOW + 1.minute();
    assert_eq!(plan_with(&desired, &observed, &limits).steps.len(), 1);
    limits.now = NOW;
    let changed = Specs::default().edit_service("/spec/replicas", json!(4)).desired();
    assert_eq!(plan_with(&changed, &observed, &limits).steps.len(), 1);
}

#[test]
fn read_only_plans_nothing_and_says_what_it_would_call() {
    let mut limits = limits();
    limits.writes = Writes::ReadOnly;
    let plan = plan_with(&Specs::default().desired(), &empty_account(), &limits);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("CreateCluster is due, but writing is switched off"));
}

#[test]
fn a_suspended_object_is_left_alone_and_the_others_go_on() {
    let suspended = Specs::default().edit_service("/metadata/annotations", json!({"neuron.ecs/suspend": "true"}));
    let mut desired = suspended.edit_cluster("/spec/containerInsights", json!("Enabled")).desired();
    assert!(desired.suspended.contains(&key("NeuronService", "llama")));
    desired.services.get_mut("llama").unwrap().replicas = Some(9);
    let plan = plan_once(&desired, &converged(), Prune::Enabled);
    assert_eq!(text(&plan.steps), "UpdateCluster cluster ml\n");
    assert!(waits(&plan).contains("NeuronService/llama: suspended by the annotation"));
}
