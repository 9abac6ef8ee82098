//! What people are told: conditions with cause, evidence and next step.

use std::collections::BTreeMap;

use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::desired::Desired;
use axon_core::judge::{Case, judge};
use axon_core::observe::{Rollout, ServiceTasks, Task, TaskContainer};
use axon_core::observed::Observed;
use axon_core::plan::{Limits, Prune, Retry, plan};
use axon_core::spec::ObjectKey;
use axon_core::status::{ConditionType, Reason, Status, Truth};
use axon_core::world::World;
use jiff::ToSpan as _;

use super::fixture::{NOW, Specs, converged, empty_account, installation, key, llama};

fn judged_after(
    specs: &Specs,
    observed: &Observed,
    before: &BTreeMap<ObjectKey, Status>,
) -> BTreeMap<ObjectKey, Status> {
    judged_of(&specs.desired(), observed, before)
}

fn judged_of(
    desired: &Desired,
    observed: &Observed,
    before: &BTreeMap<ObjectKey, Status>,
) -> BTreeMap<ObjectKey, Status> {
    let installation = installation();
    let world = World { installation: &installation, desired, observed };
    let plan = plan(world, &Limits::fresh(NOW, Prune::Enabled));
    let now = if before.is_empty() { NOW } else { NOW + 1.hour() };
    judge(Case { world, plan: &plan, in_flight: &BTreeMap::new(), now }, before)
}

/// What an object is told.
pub(crate) fn status_of(desired: &Desired, observed: &Observed, object: &ObjectKey) -> Status {
    judged_of(desired, observed, &BTreeMap::new()).remove(object).unwrap()
}

fn judged(observed: &Observed) -> Status {
    judged_after(&Specs::default(), observed, &BTreeMap::new()).remove(&key("NeuronService", "llama")).unwrap()
}

fn ready(status: &Status) -> (Truth, Reason, &str) {
    let ready = status.condition(ConditionType::Ready).unwrap();
    (ready.status, ready.reason, &ready.message)
}

#[test]
fn a_converged_service_is_ready_in_every_respect() {
    let status = judged(&converged());
    assert_eq!(ready(&status), (Truth::True, Reason::Succeeded, "as declared"));
    for kind in [ConditionType::Registered, ConditionType::CapacityReady, ConditionType::Available] {
        assert_eq!(status.condition(kind).unwrap().status, Truth::True, "{kind:?}");
    }
    assert_eq!(status.condition(ConditionType::Reconciling), None);
    assert_eq!(status.condition(ConditionType::Stalled), None);
}

#[test]
fn being_throttled_is_progress_and_says_when_it_goes_on() {
    let (installation, desired, observed) = (installation(), Specs::default().desired(), empty_account());
    let world = World { installation: &installation, desired: &desired, observed: &observed };
    let mut limits = Limits::fresh(NOW, Prune::Enabled);
    let step = plan(world, &limits).steps.remove(0);
    let error = CloudError {
        class: ErrorClass::Throttled,
        operation: step.action.operation(),
        code: "ThrottlingException".into(),
        message: "Rate exceeded".into(),
        request_id: None,
    };
    let retry = Retry { step: step.fingerprint(), error, attempts: 0, not_before: NOW + 2.seconds() };
    limits.retries.insert(step.resource, retry);
    let plan = plan(world, &limits);
    let case = Case { world, plan: &plan, in_flight: &BTreeMap::new(), now: NOW };
    let status = judge(case, &BTreeMap::new()).remove(&key("NeuronCluster", "ml")).unwrap();
    let message = format!("AWS takes no more calls of CreateCluster at present; waits until {}", NOW + 2.seconds());
    assert_eq!(ready(&status), (Truth::False, Reason::Progressing, message.as_str()));
}

#[test]
fn what_was_never_read_is_unknown_and_not_false() {
    assert_eq!(ready(&judged(&Observed::default())).0, Truth::Unknown);
}

#[test]
fn a_service_without_its_cluster_says_what_it_waits_for() {
    let (truth, reason, message) = {
        let status = judged(&empty_account());
        let ready = status.condition(ConditionType::Ready).unwrap().clone();
        (ready.status, ready.reason, ready.message)
    };
    assert_eq!((truth, reason), (Truth::False, Reason::DependencyNotReady));
    assert_eq!(message, "waits for cluster ml, which is not created yet");
}

#[test]
fn a_failed_deployment_names_the_task_its_exit_code_and_the_next_step() {
    let mut observed = converged();
    let deployment = &mut llama(&mut observed).deployments[0];
    deployment.rollout = Rollout::Failed;
    deployment.reason = Some("tasks failed to start".into());
    let container = TaskContainer {
        name: "server".into(),
        last_status: Some("STOPPED".into()),
        exit_code: Some(137),
        reason: Some("OutOfMemoryError".into()),
        neuron_device_ids: vec![],
    };
    let task = Task {
        started: None,
        stopped: None,
        arn: "task/ml/0123".into(),
        task_definition: "task-definition/ml-llama:1".into(),
        last_status: "STOPPED".into(),
        desired_status: "STOPPED".into(),
        health: None,
        container_instance: None,
        availability_zone: None,
        created: Some(NOW),
        stopped_reason: Some("Essential container in task exited".into()),
        stop_code: None,
        containers: vec![container],
    };
    let tasks = ServiceTasks { tasks: vec![task], instances: BTreeMap::new() };
    observed.tasks.insert(("ml".into(), "llama".into()), tasks);
    let status = judged(&observed);
    assert!(status.is_stalled());
    assert_eq!(ready(&status).1, Reason::DeploymentFailed);
    assert_eq!(
        ready(&status).2,
        "the deployment failed: tasks failed to start; task 0123 stopped: Essential container in task exited, \
         container server exited with 137 (OutOfMemoryError). Change the specification to try again"
    );
}

#[test]
fn missing_capacity_is_said_in_ecs_s_own_words() {
    let mut observed = converged();
    let service = llama(&mut observed);
    service.running = 0;
    service.deployments[0].running = 0;
    service.deployments[0].rollout = Rollout::InProgress;
    service.events = vec![axon_core::observe::ServiceEvent {
        id: "1".into(),
        at: Some(NOW),
        message: "(service llama) was unable to place a task because there is insufficient capacity.".into(),
    }];
    let status = judged(&observed);
    assert_eq!(ready(&status).1, Reason::InsufficientCapacity);
    assert_eq!(status.condition(ConditionType::CapacityReady).unwrap().status, Truth::False);
    assert_eq!(status.condition(ConditionType::Available).unwrap().message, "0 of 2 tasks run");
}

#[test]
fn a_deviation_is_shown_field_by_field() {
    let mut observed = converged();
    llama(&mut observed).settings.desired_count = Some(7);
    let status = judged(&observed);
    let drifted = status.condition(ConditionType::Drifted).unwrap();
    assert_eq!(drifted.message, "differs from what is declared: desiredCount");
}

#[test]
fn a_transition_time_moves_only_when_the_status_does() {
    let before = judged_after(&Specs::default(), &converged(), &BTreeMap::new());
    let after = judged_after(&Specs::default(), &converged(), &before);
    let llama_key = key("NeuronService", "llama");
    assert_eq!(after[&llama_key].conditions[0].last_transition_time, NOW);
    let mut observed = converged();
    llama(&mut observed).settings.desired_count = Some(7);
    let changed = judged_after(&Specs::default(), &observed, &before);
    assert_eq!(changed[&llama_key].conditions[0].last_transition_time, NOW + 1.hour());
}

#[test]
fn an_object_that_is_going_says_so() {
    let without = Specs { services: vec![], ..Specs::default() };
    let statuses = judged_after(&without, &converged(), &BTreeMap::new());
    let going = &statuses[&key("NeuronService", "llama")];
    assert_eq!(ready(going).1, Reason::Progressing);
    assert!(ready(going).2.contains("deleting service ml/llama"), "{}", ready(going).2);
}
