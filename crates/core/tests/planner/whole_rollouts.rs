//! Whole rollouts, played to their end in a miniature of AWS. After every pass a fresh state plans the same.

use axon_core::ownership::QUARANTINED;
use axon_core::plan::Wait;
use jiff::{SignedDuration, ToSpan as _};
use serde_json::{Value, json};

use super::fixture::{Specs, grouped, text, waits};
use super::miniature::Miniature;

fn with_rollout(rollout: Value) -> Specs {
    grouped().edit_pool("/spec/autoScalingGroup/rollout", rollout)
}

fn rolling() -> Specs {
    with_rollout(json!({"policy": "Roll", "soak": "2m"}))
}

/// The instance launched from the second version of the template.
fn newcomer(mini: &Miniature) -> String {
    let new = mini.group().members.iter().find(|member| member.template_version.as_deref() == Some("2"));
    new.unwrap().id.clone()
}

#[test]
fn a_new_image_is_rolled_one_instance_at_a_time_and_never_below_the_replicas() {
    let mut mini = Miniature::running(rolling());
    mini.publish("ami-2");
    let mut fewest = mini.running_tasks();
    for _ in 0..60 {
        mini.pass();
        fewest = fewest.min(mini.running_tasks());
    }
    assert_eq!(mini.images(), ["ami-2", "ami-2"], "{}", mini.log);
    assert_eq!(fewest, 2, "a spare instance stands ready before one is drained:\n{}", mini.log);
    assert!(mini.plan().is_settled(), "{}", waits(&mini.plan()));
    let operations: Vec<&str> = mini.log.lines().filter_map(|line| line.split(' ').next()).collect();
    let replacement =
        ["SetDesiredCapacity", "CreateTags", "UpdateContainerInstancesState", "TerminateInstanceInAutoScalingGroup"];
    let all = [&["CreateLaunchTemplateVersion", "UpdateAutoScalingGroup"][..], &replacement, &replacement].concat();
    assert_eq!(operations, all);
    assert_eq!(mini.group().desired, 2, "the surge is taken back");
}

#[test]
fn the_next_instance_waits_until_the_new_one_has_soaked() {
    let mut mini = Miniature::running(with_rollout(json!({"policy": "Roll", "soak": "15m"})));
    mini.publish("ami-2");
    while !mini.log.contains("Terminate") {
        mini.pass();
    }
    mini.log.clear();
    for _ in 0..5 {
        mini.pass();
    }
    assert_eq!(mini.log, "");
    assert!(waits(&mini.plan()).contains("new ones are watched until"), "{}", waits(&mini.plan()));
    mini.now += 10.minutes();
    assert!(mini.pass().contains("SetDesiredCapacity"), "{}", mini.log);
}

#[test]
fn at_its_largest_a_group_is_rolled_without_a_surge() {
    let percentages = json!({"minimumHealthyPercent": 50, "maximumPercent": 100});
    let specs = rolling().edit_pool("/spec/autoScalingGroup/maxSize", json!(2));
    let mut mini = Miniature::running(specs.edit_service("/spec/deployment", percentages));
    mini.publish("ami-2");
    mini.until(|mini| mini.images() == ["ami-2", "ami-2"] && mini.running_tasks() == 2);
    let drain = mini.log.find("UpdateContainerInstancesState").unwrap();
    assert!(!mini.log[..drain].contains("SetDesiredCapacity"), "{}", mini.log);
}

#[test]
fn report_and_hold_replace_nothing_and_are_settled() {
    for (policy, versions) in [("Report", 2), ("Hold", 1)] {
        let mut mini = Miniature::running(with_rollout(json!({"policy": policy})));
        mini.publish("ami-2");
        for _ in 0..20 {
            mini.pass();
        }
        assert_eq!(mini.images(), ["ami-1", "ami-1"]);
        assert!(mini.plan().is_settled(), "{policy}: {}", waits(&mini.plan()));
        assert_eq!(mini.template().versions.len(), versions, "{policy}");
    }
}

#[test]
fn outside_its_windows_a_group_stays_and_the_plan_is_settled() {
    // The clock of these tests starts on a Friday.
    let window = json!({"start": "02:00", "duration": "1h", "days": ["Tue"]});
    let rollout = json!({"policy": "Roll", "soak": "2m", "windows": [window]});
    let mut mini = Miniature::running(with_rollout(rollout));
    mini.publish("ami-2");
    for _ in 0..20 {
        mini.pass();
    }
    let plan = mini.plan();
    assert!(plan.is_settled() && mini.images() == ["ami-1", "ami-1"], "{}", mini.log);
    let opens = plan.waiting.iter().find_map(|waiting| match &waiting.on {
        Wait::Window { opens, .. } => Some(*opens),
        _ => None,
    });
    mini.now = opens.unwrap();
    mini.until(|mini| mini.images() == ["ami-2", "ami-2"]);
}

#[test]
fn an_image_whose_instances_never_register_is_quarantined_and_taken_back() {
    let mut mini = Miniature::running(rolling());
    mini.faults.mute.insert("ami-2".into());
    mini.publish("ami-2");
    mini.until(|mini| mini.template().tags.contains_key(QUARANTINED) && mini.images() == ["ami-1", "ami-1"]);
    assert_eq!(mini.template().tags[QUARANTINED], "ami-2");
    assert_eq!(axon_core::plan::version_of(mini.group()), Some(1));
    assert_eq!(mini.group().desired, 2);
    assert!(!mini.log.contains("UpdateContainerInstancesState"), "no good instance was drained:\n{}", mini.log);
    assert!(waits(&mini.plan()).contains("a rollout with ami-2 failed; ami-1 is in force"), "{}", waits(&mini.plan()));
}

#[test]
fn an_image_on_which_tasks_fail_is_quarantined_and_a_newer_one_is_tried() {
    let mut mini = Miniature::running(rolling());
    mini.faults.broken.insert("ami-2".into());
    mini.publish("ami-2");
    mini.until(|mini| mini.template().tags.contains_key(QUARANTINED) && mini.running_tasks() == 2);
    // One was drained before the failure showed.
    mini.until(|mini| mini.images() == ["ami-1", "ami-1"] && mini.active() == 2);
    assert!(mini.observed.machines.iter().all(|machine| machine.tags.is_empty()), "{}", mini.log);
    assert_eq!(mini.template().tags[QUARANTINED], "ami-2");
    mini.publish("ami-3");
    mini.until(|mini| mini.images() == ["ami-3", "ami-3"] && mini.running_tasks() == 2);
    assert!(mini.plan().is_settled(), "{}", waits(&mini.plan()));
}

#[test]
fn contents_that_fail_with_the_same_image_are_taken_back_as_a_whole() {
    let mut mini = Miniature::running(rolling());
    // The mark is the instance: what the user data of the second version breaks is broken whatever the image.
    super::fixture::set(&mut mini.specs.pools[0], "/spec/autoScalingGroup/userData", json!("systemctl stop ecs"));

    mini.until(|mini| mini.template().tags.contains_key(QUARANTINED) && mini.group().members.len() == 2);
    assert!(mini.template().tags[QUARANTINED].starts_with("v1:"), "{:?}", mini.template().tags);
    assert_eq!(axon_core::plan::version_of(mini.group()), Some(1));
    // Also while the parameter leads nowhere.
    let evidence = "gone".to_owned();
    mini.observed.images.insert(super::fixture::source(), axon_core::observe::ImageAnswer::Dangling { evidence });
    assert_eq!(text(&mini.plan().steps), "");
}

#[test]
fn tasks_that_fail_on_old_instances_too_do_not_blame_the_image() {
    let mut mini = Miniature::running(rolling());
    mini.publish("ami-2");
    for _ in 0..5 {
        mini.pass();
    }
    assert_eq!(mini.images(), ["ami-1", "ami-1", "ami-2"], "{}", mini.log);
    let arn = format!("container-instance/{}", newcomer(&mini));
    let tasks = mini.observed.tasks.get_mut(&("ml".into(), "llama".into())).unwrap();
    let mut failed = tasks.tasks[0].clone();
    failed.last_status = "STOPPED".into();
    failed.stop_code = Some("EssentialContainerExited".into());
    for number in 0..3 {
        let mut on_new = failed.clone();
        on_new.arn = format!("task/new-{number}");
        on_new.container_instance = Some(arn.clone());
        tasks.tasks.push(on_new);
    }
    let blamed = text(&mini.plan().steps);
    assert!(blamed.contains("CreateTags"), "on new instances only, they do: {blamed}");
    failed.arn = "task/old".into();
    mini.observed.tasks.get_mut(&("ml".into(), "llama".into())).unwrap().tasks.push(failed);
    let steps = text(&mini.plan().steps);
    assert!(!steps.contains("CreateTags"), "{steps}");
}

#[test]
fn an_instance_that_a_person_drains_is_no_spare_and_is_left_alone() {
    let mut mini = Miniature::running(rolling());
    mini.publish("ami-2");
    while !mini.images().contains(&"ami-2".to_owned()) {
        mini.pass();
    }
    mini.pass();
    let new = newcomer(&mini);
    let instances = mini.observed.instances.get_mut("ml").unwrap();
    instances.get_mut(&format!("container-instance/{new}")).unwrap().status = "DRAINING".into();
    mini.now += 10.minutes();
    let steps = text(&mini.plan().steps);
    assert!(!steps.contains(&new) && !steps.contains("UpdateContainerInstancesState"), "{steps}");
    assert!(steps.contains("SetDesiredCapacity"), "another spare is asked for: {steps}");
}

/// Four replicas of one chip each share an instance, and at least two must run.
fn sharing() -> Specs {
    rolling()
        .edit_service("/spec/devices", json!(1))
        .edit_service("/spec/replicas", json!(4))
        .edit_service("/spec/deployment", json!({"minimumHealthyPercent": 50, "maximumPercent": 100}))
}

#[test]
fn draining_a_shared_instance_keeps_to_the_budget_of_all_ecs_services_together() {
    let mut mini = Miniature::running(sharing());
    assert_eq!(mini.images(), ["ami-1"]);
    mini.publish("ami-2");
    let mut fewest = mini.running_tasks();
    for _ in 0..60 {
        mini.pass();
        fewest = fewest.min(mini.running_tasks());
    }
    assert_eq!(mini.images(), ["ami-2"], "{}", mini.log);
    assert_eq!(fewest, 2, "{}", mini.log);
    assert_eq!(mini.watch.violations, Vec::<String>::new());
    mini.until(|mini| mini.plan().is_settled());
}

/// A deployment whose tasks fail is under way while new instances of a good image stand ready.
fn deployed_meanwhile(mini: &mut Miniature) {
    mini.publish("ami-2");
    while !mini.images().contains(&"ami-2".to_owned()) {
        mini.pass();
    }
    mini.pass();
    mini.faults.bad.insert("vllm:bad".into());
    let service = &mut mini.specs.services[0];
    super::fixture::set(service, "/spec/template/containers/0/image", json!("vllm:bad"));
    super::fixture::set(service, "/spec/deployment", json!({"circuitBreaker": {"enabled": false}}));
}

#[test]
fn a_bad_deployment_during_a_rollout_pauses_it_and_does_not_blame_the_image() {
    let mut mini = Miniature::running(rolling());
    deployed_meanwhile(&mut mini);
    for _ in 0..40 {
        mini.pass();
    }
    assert!(!mini.template().tags.contains_key(QUARANTINED), "{}", mini.log);
    let said = waits(&mini.plan());
    assert!(said.contains("paused") && said.contains("which was deployed meanwhile"), "{said}");
    assert_eq!(mini.images().iter().filter(|image| *image == "ami-1").count(), 2, "no old instance goes: {}", mini.log);
    let service = &mut mini.specs.services[0];
    super::fixture::set(service, "/spec/template/containers/0/image", json!("vllm:good"));
    mini.until(|mini| mini.images() == ["ami-2", "ami-2"] && mini.missing() == 0);
}

#[test]
fn a_bad_image_is_still_found_when_something_is_deployed_meanwhile() {
    let mut mini = Miniature::running(rolling());
    mini.faults.broken.insert("ami-2".into());
    mini.publish("ami-2");
    while !mini.images().contains(&"ami-2".to_owned()) {
        mini.pass();
    }
    super::fixture::set(&mut mini.specs.services[0], "/spec/template/containers/0/image", json!("vllm:2"));
    mini.until(|mini| mini.template().tags.contains_key(QUARANTINED) && mini.missing() == 0);
    assert!(mini.images().iter().all(|image| image == "ami-1"), "{}", mini.log);
}

#[test]
fn an_instance_that_a_person_drains_stays_drained_when_a_rollout_is_undone() {
    let mut mini = Miniature::running(rolling());
    let by_hand = format!("container-instance/{}", mini.group().members[0].id);
    mini.observed.instances.get_mut("ml").unwrap().get_mut(&by_hand).unwrap().status = "DRAINING".into();
    mini.faults.mute.insert("ami-2".into());
    mini.publish("ami-2");
    mini.until(|mini| mini.template().tags.contains_key(QUARANTINED) && mini.missing() == 0);
    let found = mini.observed.instances["ml"].get(&by_hand);
    assert!(found.is_none_or(|found| found.status == "DRAINING"), "{}", mini.log);
}

#[test]
fn replicas_that_change_their_devices_while_an_instance_is_drained_keep_to_the_budget() {
    // The ECS services of the old devices are on the instance that goes, before or after it is marked.
    for (from, to, passes) in [(1, 2, 5), (1, 6, 5), (2, 1, 4), (3, 1, 12)] {
        let mut mini = Miniature::running(
            rolling()
                .edit_service("/spec/devices", json!(from))
                .edit_service("/spec/replicas", json!(1))
                .edit_service("/spec/deployment", json!({"minimumHealthyPercent": 50, "maximumPercent": 200})),
        );
        mini.step = SignedDuration::from_mins(4);
        super::fixture::set(&mut mini.specs.services[0], "/spec/replicas", json!(3));
        mini.pass();
        mini.publish("ami-2");
        for _ in 0..passes {
            mini.pass();
        }
        super::fixture::set(&mut mini.specs.services[0], "/spec/devices", json!(to));
        mini.until(|mini| mini.plan().is_settled() && mini.running_tasks() == 3);
        assert_eq!(mini.watch.violations, Vec::<String>::new(), "{from} to {to}:\n{}", mini.log);
        assert!(mini.images().iter().all(|image| image == "ami-2"), "{:?}", mini.images());
    }
}
