//! Old instances that go before the others during a rollout: those of a bad image, and those on which tasks fail.
//!
//! Neighbours: `rollouts` has the usual way, and the helpers.

use axon_core::desired::Desired;
use axon_core::observed::Observed;
use jiff::ToSpan as _;
use serde_json::json;

use super::fixture::NOW;
use super::group_fixture::{busy, edit_group, first_group, image, launch, publish, register, run};
use super::rollouts::{drains, fail, goes, inf2, new_image, waits_for};

/// `i-3` has an image that was found to be bad, tasks that fail on it, and a third image is in force.
fn with_bad_one(desired: &Desired, observed: &mut Observed) {
    let group = first_group(desired);
    new_image(desired, observed);
    launch(observed, &group, ("i-3", 2), NOW);
    register(observed, &group, "i-3", NOW);
    run(observed, "i-3", NOW);
    run(observed, "i-3", NOW);
    let tags = &mut observed.templates.get_mut(&group.name).unwrap().tags;
    tags.insert("neuron.ecs/quarantined".to_owned(), "ami-2".to_owned());
    publish(observed, desired, image("ami-3"));
    goes(desired, observed, NOW, &format!("CreateLaunchTemplateVersion launch template {}\n", group.name));
    goes(desired, observed, NOW, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
}

#[test]
fn in_a_full_group_instances_of_a_bad_image_go_first() {
    let desired = edit_group(inf2(), "maxSize", json!(3)).desired();
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    with_bad_one(&desired, &mut observed);
    drains(&desired, &mut observed, NOW, "i-3");
}

#[test]
fn instances_of_a_bad_image_are_replaced_although_a_person_drains_another_one() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1"]);
    let drained = observed.instances.get_mut("ml").unwrap().get_mut("container-instance/i-1").unwrap();
    drained.status = "DRAINING".to_owned();
    with_bad_one(&desired, &mut observed);
    // The task on i-1 can go nowhere but to i-3, where it fails.
    goes(&desired, &mut observed, NOW, &format!("SetDesiredCapacity Auto Scaling group {}\n", group.name));
    launch(&mut observed, &group, ("i-4", 3), NOW);
    register(&mut observed, &group, "i-4", NOW);
    drains(&desired, &mut observed, NOW + 5.minutes(), "i-3");
    waits_for(&desired, &observed, NOW + 5.minutes(), "1 are being drained or terminated");
}

#[test]
fn instances_on_which_tasks_fail_go_before_a_good_one_that_is_drained_already() {
    let desired = edit_group(inf2(), "maxSize", json!(3)).desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    launch(&mut observed, &group, ("i-3", 2), NOW);
    register(&mut observed, &group, "i-3", NOW);
    run(&mut observed, "i-3", NOW);
    // The next image comes before anything has failed with this one, so nobody blames it.
    publish(&mut observed, &desired, image("ami-3"));
    goes(&desired, &mut observed, NOW, &format!("CreateLaunchTemplateVersion launch template {}\n", group.name));
    goes(&desired, &mut observed, NOW, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
    drains(&desired, &mut observed, NOW, "i-1");
    // Its task has no place but on i-3.
    fail(&mut observed, "i-3");
    waits_for(&desired, &observed, NOW, "i-1 still has 1 tasks");
    fail(&mut observed, "i-3");
    goes(&desired, &mut observed, NOW, "UpdateContainerInstancesState instance i-1\n");
    assert_eq!(observed.instances["ml"].get("container-instance/i-1").unwrap().status, "ACTIVE");
    goes(&desired, &mut observed, NOW, "DeleteTags instance i-1\nCreateTags instance i-3\n");
    goes(&desired, &mut observed, NOW, "UpdateContainerInstancesState instance i-3\n");
    waits_for(&desired, &observed, NOW, "1 are being drained or terminated");
}

#[test]
fn an_instance_with_nothing_but_tasks_that_fail_goes_first() {
    let full = || edit_group(inf2(), "maxSize", json!(2));
    let window = json!([{"start": "22:00", "duration": "4h", "timeZone": "UTC"}]);
    let (desired, by_night) = (full().desired(), edit_group(full(), "rollout/windows", window).desired());
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1"]);
    let key = ("ml".to_owned(), "llama".to_owned());
    // What is deployed runs nowhere well: it comes up on i-3 only, where its tasks fail.
    for task in &mut observed.tasks.get_mut(&key).unwrap().tasks {
        task.task_definition = "task-definition/llama:0".to_owned();
    }
    new_image(&desired, &mut observed);
    launch(&mut observed, &group, ("i-3", 2), NOW);
    register(&mut observed, &group, "i-3", NOW);
    publish(&mut observed, &desired, image("ami-3"));
    goes(&desired, &mut observed, NOW, &format!("CreateLaunchTemplateVersion launch template {}\n", group.name));
    goes(&desired, &mut observed, NOW, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
    fail(&mut observed, "i-3");
    fail(&mut observed, "i-3");
    let mut lasting = observed.clone();
    // One more is on its way to failing.
    run(&mut observed, "i-3", NOW - 1.minute());
    waits_for(&by_night, &observed, NOW, "the next maintenance window opens");
    drains(&desired, &mut observed, NOW, "i-3");
    run(&mut lasting, "i-3", NOW - 5.minutes());
    drains(&desired, &mut lasting, NOW, "i-1");
}
