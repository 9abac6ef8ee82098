//! Running instances after a change of image: surge, soak, drain, terminate; and back, if the image is bad.

use axon_core::desired::{Desired, DesiredGroup};
use axon_core::observe::Activity;
use axon_core::observed::Observed;
use axon_core::plan::Prune;
use axon_core::step::{Action, Place, Step};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::fixture::{NOW, Specs, plan_once, text, waits};
use super::group_fixture::{
    busy, edit_group, empty, first_group, go, idle, image, launch, on_groups, plan_at, publish, register, run,
};

pub(super) fn inf2() -> Specs {
    on_groups(&["inf2.xlarge"])
}

/// A new image is published and the group names it.
pub(super) fn new_image(desired: &Desired, observed: &mut Observed) {
    publish(observed, desired, image("ami-2"));
    let name = first_group(desired).name;
    let steps = text(&go(desired, observed, NOW));
    assert_eq!(steps, format!("CreateLaunchTemplateVersion launch template {name}\n"));
    let steps = text(&go(desired, observed, NOW));
    assert_eq!(steps, format!("UpdateAutoScalingGroup Auto Scaling group {name}\n"));
}

/// Two busy instances, and one of a new image that has registered beside them.
fn with_newcomer(desired: &Desired) -> (DesiredGroup, Observed) {
    let group = first_group(desired);
    let mut observed = busy(desired, &["i-1", "i-2"]);
    new_image(desired, &mut observed);
    launch(&mut observed, &group, ("i-3", 2), NOW);
    register(&mut observed, &group, "i-3", NOW);
    (group, observed)
}

pub(super) fn goes(desired: &Desired, observed: &mut Observed, now: Timestamp, steps: &str) {
    assert_eq!(text(&go(desired, observed, now)), steps);
}

pub(super) fn waits_for(desired: &Desired, observed: &Observed, now: Timestamp, what: &str) {
    let plan = plan_at(desired, observed, now);
    assert_eq!(text(&plan.steps), "");
    assert!(waits(&plan).contains(what), "{}", waits(&plan));
}

/// An instance is marked and then drained.
pub(super) fn drains(desired: &Desired, observed: &mut Observed, now: Timestamp, id: &str) {
    goes(desired, observed, now, &format!("CreateTags instance {id}\n"));
    goes(desired, observed, now, &format!("UpdateContainerInstancesState instance {id}\n"));
}

#[test]
fn an_instance_is_replaced_by_surge_soak_drain_and_termination() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    assert!(plan_once(&desired, &observed, Prune::Enabled).is_settled());
    new_image(&desired, &mut observed);
    goes(&desired, &mut observed, NOW, &format!("SetDesiredCapacity Auto Scaling group {}\n", group.name));
    assert_eq!(observed.groups.get(&group.name).unwrap().desired, 3);
    waits_for(&desired, &observed, NOW, "a new one is being launched");
    launch(&mut observed, &group, ("i-3", 2), NOW);
    waits_for(&desired, &observed, NOW, "a new one is being launched");
    register(&mut observed, &group, "i-3", NOW);
    // An empty one is watched for five minutes at most, its tasks for ten.
    waits_for(&desired, &observed, NOW + 4.minutes(), "new ones are watched until 2027-01-15T08:05:00Z");
    let now = NOW + 5.minutes();
    drains(&desired, &mut observed, now, "i-1");
    waits_for(&desired, &observed, now, "1 are being drained or terminated");
    empty(&mut observed, "i-1");
    run(&mut observed, "i-3", now);
    let steps = go(&desired, &mut observed, now);
    assert_eq!(text(&steps), "TerminateInstanceInAutoScalingGroup instance i-1\n");
    assert!(matches!(&steps[0].action, Action::TerminateInstanceInAutoScalingGroup { place: Place::Removed, .. }));
    assert_eq!(observed.groups.get(&group.name).unwrap().desired, 2);
    waits_for(&desired, &observed, now, "new ones are watched until 2027-01-15T08:15:00Z");
    let now = now + 10.minutes();
    goes(&desired, &mut observed, now, &format!("SetDesiredCapacity Auto Scaling group {}\n", group.name));
}

/// An instance left the group, which took until then.
fn left(ended: Option<Timestamp>) -> Activity {
    let description = Some("Terminating EC2 instance: i-9".to_owned());
    Activity { status: "Successful".to_owned(), message: None, description, started: Some(NOW - 1.hour()), ended }
}

#[test]
fn no_surge_is_asked_for_while_managed_scaling_may_still_count_an_instance_that_has_left() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    for (ended, now) in [(None, NOW), (Some(NOW), NOW + 2.minutes())] {
        observed.groups.get_mut(&group.name).unwrap().activities = vec![left(ended)];
        waits_for(&desired, &observed, now, "when managed scaling has counted those that stay");
    }
    let asks = format!("SetDesiredCapacity Auto Scaling group {}\n", group.name);
    goes(&desired, &mut observed, NOW + 3.minutes(), &asks);
}

#[test]
fn a_full_group_is_drained_without_a_surge() {
    let desired = edit_group(inf2(), "maxSize", json!(2)).desired();
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    drains(&desired, &mut observed, NOW, "i-1");
    // Its task may have nowhere to go.
    waits_for(&desired, &observed, NOW, "i-1 still has 1 tasks, and the group is at maxSize (2)");
}

#[test]
fn an_instance_without_tasks_goes_first_and_needs_no_surge() {
    let desired = inf2().desired();
    let mut observed = idle(&desired, &["i-1", "i-2"]);
    run(&mut observed, "i-1", NOW - 5.hours());
    new_image(&desired, &mut observed);
    drains(&desired, &mut observed, NOW, "i-2");
    goes(&desired, &mut observed, NOW, "TerminateInstanceInAutoScalingGroup instance i-2\n");
}

#[test]
fn a_termination_below_the_least_size_is_refilled() {
    let desired = edit_group(inf2(), "minSize", json!(1)).desired();
    let mut observed = idle(&desired, &["i-1"]);
    new_image(&desired, &mut observed);
    drains(&desired, &mut observed, NOW, "i-1");
    let steps = go(&desired, &mut observed, NOW);
    assert!(matches!(&steps[0].action, Action::TerminateInstanceInAutoScalingGroup { place: Place::Refilled, .. }));
}

#[test]
fn a_termination_in_a_group_that_is_kept_large_is_refilled() {
    for (least, place) in [(0, Place::Removed), (2, Place::Refilled)] {
        let desired = inf2().desired();
        let mut observed = idle(&desired, &["i-1", "i-2"]);
        new_image(&desired, &mut observed);
        drains(&desired, &mut observed, NOW, "i-1");
        observed.groups.get_mut(&first_group(&desired).name).unwrap().settings.min_size = Some(least);
        let terminates = |step: &Step| match &step.action {
            Action::TerminateInstanceInAutoScalingGroup { place, .. } => Some(*place),
            _ => None,
        };
        let steps = plan_once(&desired, &observed, Prune::Enabled).steps;
        assert_eq!(steps.iter().find_map(terminates), Some(place), "{}", text(&steps));
    }
}

#[test]
fn a_group_that_was_made_smaller_meanwhile_is_not_made_smaller_again() {
    let desired = inf2().desired();
    let mut observed = idle(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    let name = first_group(&desired).name;
    observed.groups.get_mut(&name).unwrap().desired = 1;
    drains(&desired, &mut observed, NOW, "i-1");
    let steps = go(&desired, &mut observed, NOW);
    assert_eq!(text(&steps), "TerminateInstanceInAutoScalingGroup instance i-1\n");
    assert!(matches!(&steps[0].action, Action::TerminateInstanceInAutoScalingGroup { place: Place::Refilled, .. }));
    assert_eq!(observed.groups.get(&name).unwrap().desired, 1);
}

#[test]
fn no_more_instances_of_a_pool_are_drained_at_once_than_allowed() {
    for (budget, drained) in [(1, 1), (2, 2), (5, 3)] {
        let desired = edit_group(on_groups(&["inf2.xlarge", "inf2.8xlarge"]), "rollout/maxUnavailable", json!(budget));
        let desired = desired.desired();
        let mut observed = idle(&desired, &["i-1", "i-2"]);
        let second = desired.pools["inf2"].groups()[1].clone();
        launch(&mut observed, &second, ("i-3", 1), NOW - 5.hours());
        register(&mut observed, &second, "i-3", NOW - 5.hours());
        publish(&mut observed, &desired, image("ami-2"));
        go(&desired, &mut observed, NOW);
        go(&desired, &mut observed, NOW);
        for operation in ["CreateTags instance", "UpdateContainerInstancesState"] {
            let steps = text(&go(&desired, &mut observed, NOW));
            assert_eq!(steps.matches(operation).count(), drained, "{steps}");
        }
    }
}

#[test]
fn nothing_is_drained_outside_the_maintenance_windows() {
    let window = json!([{"start": "22:00", "duration": "4h", "timeZone": "UTC"}]);
    let desired = edit_group(inf2(), "rollout/windows", window).desired();
    let mut observed = idle(&desired, &["i-1"]);
    new_image(&desired, &mut observed);
    waits_for(&desired, &observed, NOW, "the next maintenance window opens at 2027-01-15T22:00:00Z");
    assert!(plan_at(&desired, &observed, NOW).is_settled(), "it is planned, nothing is wrong");
    drains(&desired, &mut observed, NOW + 15.hours(), "i-1");
}

#[test]
fn a_pool_that_only_reports_leaves_running_instances_alone() {
    let desired = edit_group(inf2(), "rollout/policy", json!("Report")).desired();
    let mut observed = idle(&desired, &["i-1"]);
    new_image(&desired, &mut observed);
    assert!(plan_at(&desired, &observed, NOW).is_settled());
}

#[test]
fn an_image_whose_instance_never_registers_is_marked_and_taken_back() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    go(&desired, &mut observed, NOW);
    launch(&mut observed, &group, ("i-3", 2), NOW);
    waits_for(&desired, &observed, NOW + 20.minutes(), "a new one is being launched");
    let now = NOW + 21.minutes();
    goes(&desired, &mut observed, now, &format!("CreateTags launch template {}\n", group.name));
    let mark = &observed.templates.get(&group.name).unwrap().tags["neuron.ecs/quarantined"];
    assert_eq!(mark, "ami-2");
    goes(&desired, &mut observed, now, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
    assert_eq!(axon_core::plan::version_of(observed.groups.get(&group.name).unwrap()), Some(1));
    goes(&desired, &mut observed, now, "TerminateInstanceInAutoScalingGroup instance i-3\n");
    assert_eq!(observed.groups.get(&group.name).unwrap().desired, 2);
    waits_for(&desired, &observed, now, "a rollout with ami-2 failed; ami-1 is in force");
    publish(&mut observed, &desired, image("ami-3"));
    goes(&desired, &mut observed, now, &format!("CreateLaunchTemplateVersion launch template {}\n", group.name));
}

/// A task has failed on an instance.
pub(super) fn fail(observed: &mut Observed, id: &str) {
    run(observed, id, NOW);
    let tasks = &mut observed.tasks.get_mut(&("ml".to_owned(), "llama".to_owned())).unwrap().tasks;
    let task = tasks.last_mut().unwrap();
    task.last_status = "STOPPED".into();
    task.desired_status = "STOPPED".into();
    task.stop_code = Some("EssentialContainerExited".into());
    let on = format!("container-instance/{id}");
    observed.instances.get_mut("ml").unwrap().get_mut(&on).unwrap().running_tasks -= 1;
}

#[test]
fn tasks_that_fail_on_new_instances_only_are_the_fault_of_the_image() {
    let desired = inf2().desired();
    let (group, mut observed) = with_newcomer(&desired);
    fail(&mut observed, "i-3");
    waits_for(&desired, &observed, NOW, "new ones are watched");
    fail(&mut observed, "i-3");
    let mut on_old = observed.clone();
    fail(&mut on_old, "i-1");
    waits_for(&desired, &on_old, NOW, "new ones are watched");
    goes(&desired, &mut observed, NOW, &format!("CreateTags launch template {}\n", group.name));
}

#[test]
fn a_task_that_waited_for_its_instance_does_not_blame_it() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    let registered = NOW + 26.minutes();
    launch(&mut observed, &group, ("i-3", 2), NOW + 25.minutes());
    register(&mut observed, &group, "i-3", registered);
    run(&mut observed, "i-3", NOW);
    let tasks = &mut observed.tasks.get_mut(&("ml".to_owned(), "llama".to_owned())).unwrap().tasks;
    tasks.last_mut().unwrap().last_status = "PENDING".into();
    let blamed = |at| text(&plan_at(&desired, &observed, at).steps).contains("CreateTags launch template");
    assert!(!blamed(NOW + 40.minutes()), "it waited since {NOW}");
    assert!(blamed(registered + 21.minutes()), "it has had the time that it may take");
}

#[test]
fn an_instance_that_was_drained_for_a_version_that_another_one_has_followed_takes_tasks_again() {
    let desired = inf2().desired();
    let (group, mut observed) = with_newcomer(&desired);
    let now = NOW + 10.minutes();
    drains(&desired, &mut observed, now, "i-1");
    // Its tasks have no place but on i-3, and fail there; then there is another image.
    publish(&mut observed, &desired, image("ami-3"));
    goes(&desired, &mut observed, now, &format!("CreateLaunchTemplateVersion launch template {}\n", group.name));
    goes(&desired, &mut observed, now, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
    let steps = text(&go(&desired, &mut observed, now));
    assert!(steps.contains("UpdateContainerInstancesState instance i-1\n"), "{steps}");
    let state = |observed: &Observed| observed.instances["ml"].get("container-instance/i-1").unwrap().status.clone();
    assert_eq!(state(&observed), "ACTIVE");
    let steps = text(&go(&desired, &mut observed, now));
    assert!(steps.contains("DeleteTags instance i-1\n"), "{steps}");
    assert_eq!(state(&observed), "ACTIVE");
}

#[test]
fn an_instance_that_its_group_holds_until_it_is_empty_takes_no_tasks() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    let leave = |observed: &mut Observed, id: &str| {
        let members = &mut observed.groups.get_mut(&group.name).unwrap().members;
        members.iter_mut().find(|member| member.id == id).unwrap().lifecycle = "Terminating:Wait".into();
    };
    leave(&mut observed, "i-1");
    goes(&desired, &mut observed, NOW, "UpdateContainerInstancesState instance i-1\n");
    assert_eq!(observed.instances["ml"].get("container-instance/i-1").unwrap().status, "DRAINING");
    goes(&desired, &mut observed, NOW, "");
    empty(&mut observed, "i-2");
    leave(&mut observed, "i-2");
    goes(&desired, &mut observed, NOW, "");
}

#[test]
fn an_instance_of_a_bad_image_that_may_be_registering_is_left_for_ten_minutes() {
    let desired = inf2().desired();
    let group = first_group(&desired);
    let mut observed = busy(&desired, &["i-1", "i-2"]);
    new_image(&desired, &mut observed);
    go(&desired, &mut observed, NOW);
    launch(&mut observed, &group, ("i-3", 2), NOW);
    let now = NOW + 21.minutes();
    launch(&mut observed, &group, ("i-4", 2), now);
    goes(&desired, &mut observed, now, &format!("CreateTags launch template {}\n", group.name));
    goes(&desired, &mut observed, now, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
    goes(&desired, &mut observed, now, "TerminateInstanceInAutoScalingGroup instance i-3\n");
    let later = text(&plan_at(&desired, &observed, now + 9.minutes()).steps);
    assert!(!later.contains("i-4"), "{later}");
    let given_up = text(&plan_at(&desired, &observed, now + 11.minutes()).steps);
    assert!(given_up.contains("TerminateInstanceInAutoScalingGroup instance i-4"), "{given_up}");
}

#[test]
fn instances_of_a_template_that_was_deleted_and_made_again_are_not_taken_for_new_ones() {
    let desired = inf2().desired();
    let (group, mut observed) = with_newcomer(&desired);
    observed.templates.remove(&group.name);
    goes(&desired, &mut observed, NOW, &format!("CreateLaunchTemplate launch template {}\n", group.name));
    // It counts its versions from 1 again, as that of the old instances was.
    observed.templates.get_mut(&group.name).unwrap().id = "lt-again".to_owned();
    goes(&desired, &mut observed, NOW, &format!("UpdateAutoScalingGroup Auto Scaling group {}\n", group.name));
    fail(&mut observed, "i-1");
    fail(&mut observed, "i-1");
    goes(&desired, &mut observed, NOW, "CreateTags instance i-3\n");
}
