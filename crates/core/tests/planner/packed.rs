//! Services whose devices Axon chooses: one ECS service for each set of devices, within one budget.

use axon_core::allocate::{Healthy, Ledger};
use axon_core::desired::Desired;
use axon_core::observed::Observed;
use axon_core::plan::Prune;
use axon_core::step::Action;
use serde_json::json;

use super::fixture::{NOW, Specs, plan_once, text, waits};
use super::group_fixture::{go, look, made, on_halves};

/// Counts of the ECS services of `llama`, by name.
fn counts(observed: &Observed) -> Vec<(String, i32)> {
    let found = observed.services.get("ml").unwrap().iter();
    found.map(|service| (service.name.clone(), service.settings.desired_count.unwrap())).collect()
}

fn total(observed: &Observed) -> i32 {
    counts(observed).iter().map(|(_, count)| count).sum()
}

/// Plans until nothing is left; after every plan the number of replicas must be in the range.
fn walk(desired: &Desired, observed: &mut Observed, range: std::ops::RangeInclusive<i32>) {
    for _ in 0..40 {
        look(observed);
        if go(desired, observed, NOW).is_empty() {
            return;
        }
        assert!(range.contains(&total(observed)), "{:?}", counts(observed));
    }
    panic!("it does not end: {}", text(&plan_once(desired, observed, Prune::Enabled).steps));
}

#[test]
fn every_set_of_devices_has_an_ecs_service() {
    let observed = made(&on_halves().desired());
    let names: Vec<(String, i32)> = counts(&observed);
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().all(|(name, count)| name.starts_with("llama-n") && *count == 2), "{names:?}");
    assert!(plan_once(&on_halves().desired(), &observed, Prune::Enabled).is_settled());
}

#[test]
fn more_replicas_are_spread_over_the_sets() {
    let mut observed = made(&on_halves().desired());
    let desired = on_halves().edit_service("/spec/replicas", json!(6)).desired();
    walk(&desired, &mut observed, 4..=6);
    assert_eq!(counts(&observed).iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn fewer_replicas_leave_no_ecs_service_without_a_set() {
    let mut observed = made(&on_halves().desired());
    let desired = on_halves().edit_service("/spec/replicas", json!(1)).desired();
    walk(&desired, &mut observed, 1..=4);
    assert_eq!(total(&observed), 1, "{:?}", counts(&observed));
}

#[test]
fn replicas_without_devices_are_said_and_the_others_run() {
    let desired = on_halves().edit_service("/spec/replicas", json!(9)).desired();
    let observed = made(&desired);
    assert_eq!(total(&observed), 8);
    let waits = waits(&plan_once(&desired, &observed, Prune::Enabled));
    assert!(waits.contains("NeuronService/llama: 1 replicas have no Neuron devices (inf2.24xlarge: "), "{waits}");
}

#[test]
fn another_number_of_devices_moves_replicas_within_the_budget() {
    let mut observed = made(&on_halves().desired());
    let before = counts(&observed);
    let desired = on_halves().edit_service("/spec/devices", json!(1)).desired();
    walk(&desired, &mut observed, 2..=4);
    assert_eq!(total(&observed), 4);
    assert!(counts(&observed).iter().all(|(name, _)| before.iter().all(|(old, _)| old != name)), "{observed:?}");
}

#[test]
fn deployments_of_its_ecs_services_take_turns() {
    let mut observed = made(&on_halves().desired());
    let changed: Specs = on_halves().edit_service("/spec/template/containers/0/image", json!("vllm:2"));
    let desired = changed.desired();
    let mut deployed = Vec::new();
    for _ in 0..12 {
        look(&mut observed);
        let plan = plan_once(&desired, &observed, Prune::Enabled);
        let deploys = plan.steps.iter().filter(|step| matches!(step.action, Action::UpdateService(_)));
        let deploys: Vec<String> = deploys.map(|step| step.resource.to_string()).collect();
        assert!(deploys.len() <= 1, "{deploys:?}");
        if deployed.is_empty() && deploys.len() == 1 {
            assert!(waits(&plan).contains("waits for its turn"), "{}", waits(&plan));
        }
        deployed.extend(deploys);
        plan.steps.iter().for_each(|step| axon_core::preview::assume(&mut observed, step));
    }
    assert_eq!(deployed.len(), 2, "{deployed:?}");
    assert!(plan_once(&desired, &observed, Prune::Enabled).is_settled());
}

#[test]
fn nothing_moves_while_its_tasks_are_unread() {
    let mut observed = made(&on_halves().desired());
    observed.tasks.clear();
    let desired = on_halves().edit_service("/spec/replicas", json!(6)).desired();
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("waits for the first reading of tasks of service ml/llama-n"), "{}", waits(&plan));
}

#[test]
fn an_ecs_service_that_lacks_tasks_may_deploy_what_may_bring_them_back() {
    let ledger = Ledger { available: 2, floor: 2, total: 3, ceiling: 6, replicas: 3 };
    let may = |runs| { ledger }.take_turn(&mut Healthy::default(), "llama", ledger.turn(runs, 2));
    assert!(may(1), "it has nothing to stop: one of two is its least");
    assert!(!may(2), "it may stop one, and none may be missing");
}
