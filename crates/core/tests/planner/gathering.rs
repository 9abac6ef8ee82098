//! A pool on more instances than its layout needs, with the very counts that the layout has.

use axon_core::desired::Desired;
use axon_core::observed::Observed;
use axon_core::plan::Prune;
use axon_core::step::{Action, Cause};
use jiff::ToSpan as _;
use serde_json::json;

use super::fixture::{NOW, Specs, plan_once, text};
use super::group_fixture::{edit_group, first_group, launch, look, made, on_groups, register};

/// Makes something happen.
type Disturb = fn(&mut Observed);

/// Three replicas of two of six devices: they fit on one instance, and a layout leaves them alone on two.
fn thirds() -> Specs {
    on_groups(&["inf2.24xlarge"])
        .edit_service("/spec/devices", json!(2))
        .edit_service("/spec/replicas", json!(3))
        .edit_service("/spec/deployment", json!({"minimumHealthyPercent": 60, "maximumPercent": 100}))
}

/// Each set is held on an instance of its own. No count is wrong, and there are two instances more than a fresh packing has.
fn scattered(desired: &Desired) -> Observed {
    let mut observed = made(desired);
    let group = first_group(desired);
    let names: Vec<String> = observed.services["ml"].iter().map(|service| service.name.clone()).collect();
    for (number, name) in names.iter().enumerate() {
        let id = format!("i-{number}");
        launch(&mut observed, &group, (&id, 1), NOW - 5.hours());
        register(&mut observed, &group, &id, NOW - 5.hours());
        put(&mut observed, name, &id);
    }
    observed
}

/// A task of an ECS service runs on an instance.
fn put(observed: &mut Observed, service: &str, id: &str) {
    look(observed);
    let on = format!("container-instance/{id}");
    observed.instances.get_mut("ml").unwrap().get_mut(&on).unwrap().running_tasks += 1;
    let task = super::group_fixture::task(&format!("task/{service}-{id}"), &on, NOW - 4.hours());
    observed.tasks.get_mut(&("ml".to_owned(), service.to_owned())).unwrap().tasks.push(task);
}

fn drains(desired: &Desired, observed: &Observed) -> String {
    text(&plan_once(desired, observed, Prune::Enabled).steps)
}

#[test]
fn one_instance_that_no_count_would_free_is_drained() {
    let desired = thirds().desired();
    let mut observed = scattered(&desired);
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    let [step] = plan.steps.as_slice() else { panic!("{}", text(&plan.steps)) };
    assert!(matches!(&step.action, Action::UpdateContainerInstancesState { status: "DRAINING", .. }));
    assert_eq!(step.because, [Cause::Surplus { needed: 2, held: 3 }]);

    axon_core::preview::assume(&mut observed, step);
    assert_eq!(drains(&desired, &observed), "", "one at a time");
}

#[test]
fn where_nothing_may_be_missing_another_replica_may_come_first() {
    let deployment = json!({"minimumHealthyPercent": 100, "maximumPercent": 134});
    let desired = thirds().edit_service("/spec/deployment", deployment).desired();
    assert!(drains(&desired, &scattered(&desired)).starts_with("UpdateContainerInstancesState"));
}

#[test]
fn nothing_is_drained_that_may_not_be() {
    let cases: [(Specs, &str); 3] = [
        (edit_group(thirds(), "scaling", json!({"consolidation": "Off"})), "it is switched off"),
        (edit_group(thirds(), "minSize", json!(3)), "the group would launch another"),
        (thirds().edit_service("/spec/replicas", json!(2)), "two instances are one more than one"),
    ];
    for (specs, why) in cases {
        let desired = specs.desired();
        let observed = scattered(&desired);
        assert_eq!(drains(&desired, &observed), "", "{why}");
    }
}

#[test]
fn a_pool_where_something_is_going_on_is_left_alone() {
    let desired = thirds().desired();
    let disturb: [(Disturb, &str); 3] = [
        (
            |observed| observed.services.get_mut("ml").unwrap().get_mut("llama-n0-1").unwrap().running = 0,
            "a task is down",
        ),
        (
            |observed| {
                let listing = observed.instances.get_mut("ml").unwrap();
                listing.get_mut("container-instance/i-2").unwrap().connected = false;
            },
            "an agent is lost",
        ),
        (
            |observed| {
                let listing = observed.instances.get_mut("ml").unwrap();
                for id in ["i-0", "i-1", "i-2"] {
                    listing.get_mut(&format!("container-instance/{id}")).unwrap().running_tasks += 1;
                }
            },
            "somebody else's task runs on each",
        ),
    ];
    for (disturb, why) in disturb {
        let mut observed = scattered(&desired);
        disturb(&mut observed);
        assert_eq!(drains(&desired, &observed), "", "{why}");
    }
}
