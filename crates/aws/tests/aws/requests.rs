//! What goes over the wire when a step is executed.

use axon_core::cloud::{Cloud, Effect};
use axon_core::step::Action;
use serde_json::{Value, json};

use crate::fake::{Fake, Reply, actions, step, written};

fn request_of(action: &Action) -> Value {
    let value = serde_json::to_value(action).expect("an action is data");
    value["request"].clone()
}

#[tokio::test]
async fn a_complete_request_reaches_the_wire_as_it_is_written_in_the_plan() {
    let fake = Fake::new(written);
    let aws = fake.aws().await;
    for action in actions() {
        let documents = matches!(
            action,
            Action::CreateCluster(_)
                | Action::UpdateCluster(_)
                | Action::CreateCapacityProvider(_)
                | Action::UpdateCapacityProvider(_)
                | Action::RegisterTaskDefinition(_)
                | Action::CreateService(_)
                | Action::UpdateService(_)
                | Action::PutClusterCapacityProviders(_)
                | Action::RunTask(_)
        );
        aws.execute(&step(action.clone())).await.expect("the fake says yes");
        let sent = fake.calls().pop().expect("a call");
        assert_eq!(sent.operation, action.operation());
        if documents {
            assert_eq!(sent.body, request_of(&action), "{}", action.operation());
        }
    }
}

#[tokio::test]
async fn one_step_is_one_call() {
    let fake = Fake::new(written);
    let aws = fake.aws().await;
    let actions = actions();
    for action in &actions {
        aws.execute(&step(action.clone())).await.expect("the fake says yes");
    }
    assert_eq!(fake.calls().len(), actions.len());
}

#[tokio::test]
async fn a_deleted_service_is_forced_to_go() {
    let fake = Fake::new(written);
    let action = Action::DeleteService { cluster: "main".to_owned(), service: "llama".to_owned() };
    fake.aws().await.execute(&step(action)).await.expect("the fake says yes");
    let sent = fake.calls().pop().expect("a call");
    assert_eq!(sent.body, json!({"cluster": "main", "service": "llama", "force": true}));
}

#[tokio::test]
async fn a_list_emptied_by_an_update_is_sent_empty_and_one_left_out_is_not_sent() {
    let fake = Fake::new(written);
    let update = axon_core::shape::service::UpdateService {
        service: Some("llama".to_owned()),
        load_balancers: Some(vec![]),
        ..Default::default()
    };
    fake.aws().await.execute(&step(Action::UpdateService(update))).await.expect("the fake says yes");
    let sent = fake.calls().pop().expect("a call");
    assert_eq!(sent.body, json!({"service": "llama", "loadBalancers": []}));
}

#[tokio::test]
async fn deleting_what_does_not_exist_leaves_nothing_to_do() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "DeleteCapacityProvider" => Reply::Refused(400, "ClientException", "The specified provider does not exist."),
        "DeleteService" => Reply::Refused(400, "ServiceNotFoundException", "Service not found."),
        "DeleteCluster" => Reply::Refused(400, "ClusterNotFoundException", "Cluster not found."),
        "DeregisterTaskDefinition" => {
            Reply::Refused(400, "ClientException", "The specified task definition does not exist.")
        }
        "StopTask" => Reply::Refused(400, "InvalidParameterException", "The referenced task was not found."),
        "DeleteLaunchTemplate" => Reply::Refused(400, "InvalidLaunchTemplateId.NotFound", "It does not exist."),
        "DeleteAutoScalingGroup" => {
            Reply::Refused(400, "ValidationError", "AutoScalingGroup name not found - AutoScalingGroup 'x' not found")
        }
        "TerminateInstanceInAutoScalingGroup" => {
            Reply::Refused(400, "ValidationError", "Instance Id not found - No managed instance found")
        }
        _ => written(call),
    });
    let aws = fake.aws().await;
    for action in actions() {
        // DeleteParameters says of names that do not exist that they do not, in a good answer.
        let names = matches!(action, Action::DeleteParameters { .. });
        if action.change() == axon_core::step::Change::Delete && !names {
            assert_eq!(aws.execute(&step(action)).await, Ok(Effect::Gone));
        }
    }
}

#[tokio::test]
async fn a_deregistered_revision_is_no_longer_active() {
    let fake = Fake::new(written);
    let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/axon-llama:3".to_owned();
    let outcome = fake.aws().await.execute(&step(Action::DeregisterTaskDefinition { arn })).await;
    let Ok(Effect::TaskDefinition(revision)) = outcome else { panic!("{outcome:?}") };
    assert!(!revision.active);
    assert_eq!((revision.family.as_str(), revision.revision), ("axon-llama", 3));
}

#[tokio::test]
async fn an_answer_without_its_object_is_ambiguous_because_the_call_was_made() {
    let fake = Fake::new(|_| Reply::Ok(json!({})));
    let action = Action::DeleteService { cluster: "main".to_owned(), service: "llama".to_owned() };
    let error = fake.aws().await.execute(&step(action)).await.expect_err("no service in the answer");
    assert_eq!((error.class, error.code.as_str()), (axon_core::cloud::ErrorClass::Ambiguous, "Incomplete"));
}
