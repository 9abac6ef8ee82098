//! Jobs that give up their devices where a pool is full: to whom, which, and how many.

use axon_core::plan::Limits;
use axon_core::spec::ObjectKey;
use axon_core::status::{ConditionType, Reason};
use serde_json::{Value, json};

use super::fixture::{empty_ec2_account, grouped, plan_with, set};
use super::group_fixture::{launch, register};
use super::job_yard::{Yard, job};
use super::judgement::status_of;

/// A full pool of so many inf2.24xlarge (six devices each) on which jobs give way.
fn yard(instances: u32, jobs: Vec<Value>) -> Yard {
    let mut specs = grouped();
    specs.services.clear();
    set(&mut specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(instances));
    set(&mut specs.pools[0], "/spec/autoScalingGroup/jobPreemption", json!("LowerPriority"));
    let mut yard = Yard::on(specs, empty_ec2_account(), jobs);
    let group = yard.desired().pools["neuron"].groups()[0].clone();
    for number in 1..=instances {
        let id = format!("i-{number}");
        launch(&mut yard.observed, &group, (&id, 1), yard.now);
        register(&mut yard.observed, &group, &id, yard.now);
    }
    yard
}

fn with(name: &str, priority: i32, devices: u32, completions: u32) -> Value {
    let edit = [
        ("/spec/priority", json!(priority)),
        ("/spec/devices", json!(devices)),
        ("/spec/completions", json!(completions)),
    ];
    job(name, "neuron", &edit)
}

/// ECS has placed the tasks of attempts on instances.
fn placed(yard: &mut Yard, places: &[(&str, &str)]) {
    for (task, instance) in places {
        yard.running_task(task).task.container_instance = Some(format!("container-instance/{instance}"));
    }
}

/// A job on all six devices of the only instance.
fn low() -> Yard {
    let mut yard = yard(1, vec![with("low", 0, 6, 1)]);
    assert_eq!(yard.go(), ["put low/0.0", "run low/0.0"]);
    placed(&mut yard, &[("low/0.0", "i-1")]);
    yard
}

#[test]
fn a_job_of_lower_priority_makes_room_and_is_tried_again_without_counting() {
    let mut yard = low();
    yard.jobs.push(with("high", 5, 6, 1));
    let done = yard.go();
    let why = "stop: axon: preempted by NeuronJob/high, which lacks devices and comes first";
    assert_eq!(done, [why, "put low/0.0.end", "put high/0.0", "run high/0.0"]);
    assert!(yard.records().contains(r#""failure":"Preempted""#), "{}", yard.records());
    placed(&mut yard, &[("high/0.0", "i-1")]);
    yard.later(10);
    assert_eq!(yard.go(), [""; 0], "it waits behind the other");
    assert!(yard.waits().contains("NeuronJob/low: run"), "{}", yard.waits());
    yard.end("high/0.0", 0);
    let done = yard.go();
    assert!(done.contains(&"run low/0.1".to_owned()), "{done:?}");
}

#[test]
fn the_status_says_to_whom_an_attempt_gave_its_devices() {
    let mut yard = low();
    yard.jobs.push(with("high", 5, 6, 1));
    yard.go();
    let status = status_of(&yard.desired(), &yard.observed, &ObjectKey::job("low".parse().unwrap()));
    let evicted = status.condition(ConditionType::Evicted).unwrap();
    assert_eq!(evicted.reason, Reason::Preempted);
    assert!(
        evicted.message.starts_with("attempt 0.0 gave up its devices: axon: preempted by NeuronJob/high"),
        "{evicted:?}"
    );
    assert!(status.condition(ConditionType::Requeued).is_some());
}

#[test]
fn nobody_makes_room_for_an_equal_nor_where_the_pool_does_not_say_so() {
    let mut yard = low();
    yard.jobs.push(with("equal", 0, 6, 1));
    assert_eq!(yard.go(), [""; 0]);
    yard.jobs.push(with("high", 5, 6, 1));
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/jobPreemption", json!("Never"));
    assert_eq!(yard.go(), [""; 0]);
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/jobPreemption", json!("LowerPriority"));
    assert!(yard.go()[0].starts_with("stop: axon: preempted by NeuronJob/high"));
}

#[test]
fn a_pool_that_may_grow_grows_instead() {
    let mut yard = low();
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(2));
    yard.jobs.push(with("high", 5, 6, 1));
    assert_eq!(yard.go(), ["put high/0.0", "run high/0.0"]);
}

#[test]
fn while_somebody_is_going_nobody_else_is_stopped() {
    let mut yard = yard(2, vec![with("low", 0, 6, 1), with("middle", 2, 6, 1)]);
    yard.go();
    placed(&mut yard, &[("low/0.0", "i-1"), ("middle/0.0", "i-2")]);
    // It would cost more, and goes anyway.
    "STOPPED".clone_into(&mut yard.running_task("middle/0.0").task.desired_status);
    yard.jobs.push(with("high", 5, 6, 1));
    assert_eq!(yard.go(), [""; 0]);
    set(&mut yard.jobs[2], "/spec/completions", json!(2));
    let done = yard.go();
    assert!(
        done[0].starts_with("stop: axon: preempted by") && done[1] == "put low/0.0.end",
        "the second place: {done:?}"
    );
}

#[test]
fn as_few_devices_as_possible_are_given_up_and_the_newest_first() {
    let mut yard = yard(2, vec![with("wide", 0, 6, 1), with("narrow", 0, 1, 6)]);
    yard.go();
    let narrow: Vec<String> = (0..6).map(|index| format!("narrow/{index}.0")).collect();
    placed(&mut yard, &[("wide/0.0", "i-1")]);
    placed(&mut yard, &narrow.iter().map(|task| (task.as_str(), "i-2")).collect::<Vec<_>>());
    yard.jobs.push(with("high", 5, 1, 1));
    let done = yard.go();
    let stopped = done.iter().filter(|line| line.starts_with("stop")).count();
    assert_eq!(stopped, 1, "{done:?}");
    assert!(done[1].starts_with("put narrow/"), "one device rather than six: {done:?}");
}

#[test]
fn the_lowest_priority_goes_first_whatever_else() {
    let mut yard = yard(2, vec![with("middle", 2, 6, 1), with("lowest", -3, 1, 6)]);
    yard.go();
    let lowest: Vec<String> = (0..6).map(|index| format!("lowest/{index}.0")).collect();
    placed(&mut yard, &[("middle/0.0", "i-1")]);
    placed(&mut yard, &lowest.iter().map(|task| (task.as_str(), "i-2")).collect::<Vec<_>>());
    yard.jobs.push(with("high", 5, 6, 1));
    let done = yard.go();
    assert_eq!(
        done.iter().filter(|line| line.starts_with("put lowest") && line.contains(".end")).count(),
        6,
        "{done:?}"
    );
    assert!(!done.iter().any(|line| line.starts_with("put middle")), "{done:?}");
}

#[test]
fn a_task_that_waits_for_an_instance_gets_it_back_from_one_of_lower_priority() {
    let mut yard = yard(1, vec![with("high", 5, 6, 1)]);
    yard.go();
    "PROVISIONING".clone_into(&mut yard.running_task("high/0.0").task.last_status);
    // Both waited, and ECS has placed the other one.
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(2));
    yard.jobs.push(with("low", 0, 6, 1));
    assert_eq!(yard.go(), ["put low/0.0", "run low/0.0"]);
    placed(&mut yard, &[("low/0.0", "i-1")]);
    assert_eq!(yard.go(), [""; 0], "there is room for both");
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(1));
    let done = yard.go();
    assert!(done[0].starts_with("stop: axon: preempted by NeuronJob/high"), "{done:?}");
    assert_eq!(done[1..], ["put low/0.0.end"], "its task is there already");
}

#[test]
fn a_service_comes_before_every_job() {
    let mut specs = grouped().edit_service("/spec/devices", json!(6));
    set(&mut specs.services[0], "/spec/replicas", json!(0));
    set(&mut specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(1));
    set(&mut specs.pools[0], "/spec/autoScalingGroup/jobPreemption", json!("LowerPriority"));
    let mut yard = Yard::on(specs, empty_ec2_account(), vec![with("low", 1000, 6, 1)]);
    let group = yard.desired().pools["neuron"].groups()[0].clone();
    launch(&mut yard.observed, &group, ("i-1", 1), yard.now);
    register(&mut yard.observed, &group, "i-1", yard.now);
    assert_eq!(yard.go(), ["put low/0.0", "run low/0.0"]);
    placed(&mut yard, &[("low/0.0", "i-1")]);
    set(&mut yard.specs.services[0], "/spec/replicas", json!(1));
    let mut desired = yard.desired();
    desired.suspended.insert(ObjectKey::service("llama".parse().unwrap()));
    let plan = plan_with(&desired, &yard.observed, &Limits::fresh(yard.now, yard.prune));
    assert_eq!(plan.steps, [], "nothing would be started for a suspended service");
    let done = yard.go();
    assert_eq!(
        done[0], "stop: axon: preempted by NeuronService/llama, which lacks devices and comes first",
        "{done:?}"
    );
    assert!(!done.contains(&"run low/0.1".to_owned()), "{done:?}");
}

#[test]
fn a_job_of_several_nodes_gets_them_all_or_stops_nobody() {
    let nodes = |count: u32| {
        let mut high = with("high", 5, 1, 1);
        set(&mut high, "/spec/devices", json!("all"));
        set(&mut high, "/spec/nodes", json!(count));
        high
    };
    let begin = |gang: Value| {
        let mut yard = yard(2, vec![with("low", 0, 6, 1), with("other", 9, 6, 1)]);
        yard.go();
        placed(&mut yard, &[("low/0.0", "i-1"), ("other/0.0", "i-2")]);
        yard.jobs.push(gang);
        yard
    };
    assert_eq!(begin(nodes(2)).go(), [""; 0], "one instance would not do, and the other job comes first");
    let mut yard = begin(nodes(2));
    set(&mut yard.jobs[1], "/spec/priority", json!(1));
    let done = yard.go();
    assert_eq!(done.iter().filter(|line| line.starts_with("stop")).count(), 2, "{done:?}");
}

#[test]
fn all_nodes_of_an_attempt_go_for_a_place_on_one_of_them() {
    let mut gang = with("gang", 0, 1, 1);
    set(&mut gang, "/spec/devices", json!("all"));
    set(&mut gang, "/spec/nodes", json!(2));
    let mut yard = yard(2, vec![gang]);
    let done = yard.go();
    assert!(done.contains(&"run gang/0.0.1".to_owned()), "{done:?}");
    yard.jobs.push(with("high", 5, 1, 1));
    let done = yard.go();
    assert_eq!(
        done.iter().filter(|line| line.starts_with("stop: axon: preempted by NeuronJob/high")).count(),
        2,
        "{done:?}"
    );
    assert!(done.contains(&"put gang/0.0.end".to_owned()) && done.contains(&"run high/0.0".to_owned()), "{done:?}");
    assert!(yard.records().contains(r#""failure":"Preempted""#), "{}", yard.records());
}

#[test]
fn nobody_is_stopped_for_a_task_that_fits_on_no_instance() {
    let mut yard = low();
    let mut high = with("high", 5, 6, 1);
    set(&mut high, "/spec/template/memory", json!(4_000_000));
    yard.jobs.push(high);
    assert!(!yard.go().iter().any(|line| line.starts_with("stop")));
}

#[test]
fn a_job_of_several_nodes_that_still_gathers_makes_room_too() {
    let mut gang = with("gang", 0, 1, 1);
    set(&mut gang, "/spec/devices", json!("all"));
    set(&mut gang, "/spec/nodes", json!(2));
    let mut yard = yard(2, vec![gang]);
    for id in ["i-1", "i-2"] {
        let found = yard.observed.instances.get_mut("ml").unwrap();
        found.get_mut(&format!("container-instance/{id}")).unwrap().running_tasks = 1;
    }
    assert_eq!(yard.go(), ["put gang/0.0"], "tasks of others run there");
    yard.jobs.push(with("high", 5, 1, 1));
    let done = yard.go();
    assert!(done.contains(&"run high/0.0".to_owned()), "what gathers holds nothing: {done:?}");
}

#[test]
fn memory_can_be_what_is_short() {
    let wide = |name: &str, priority: i32, memory: u32| {
        let mut wide = with(name, priority, 1, 1);
        set(&mut wide, "/spec/template/memory", json!(memory));
        wide
    };
    let mut yard = yard(1, vec![wide("one", 0, 150_000), wide("two", 0, 150_000)]);
    yard.go();
    placed(&mut yard, &[("one/0.0", "i-1"), ("two/0.0", "i-1")]);
    yard.jobs.push(wide("high", 5, 300_000));
    let done = yard.go();
    assert_eq!(done.iter().filter(|line| line.starts_with("stop")).count(), 2, "{done:?}");
    assert!(done.contains(&"run high/0.0".to_owned()), "{done:?}");
}

#[test]
fn a_suspended_object_is_left_alone_and_another_one_makes_room() {
    let mut yard = yard(2, vec![with("one", 0, 6, 1), with("two", 0, 6, 1)]);
    yard.go();
    placed(&mut yard, &[("one/0.0", "i-1"), ("two/0.0", "i-2")]);
    yard.jobs.push(with("high", 5, 6, 1));
    for (suspended, other) in [("one", "two"), ("two", "one")] {
        let mut desired = yard.desired();
        desired.suspended.insert(ObjectKey::job(suspended.parse().unwrap()));
        let plan = plan_with(&desired, &yard.observed, &Limits::fresh(yard.now, yard.prune));
        let stopped: Vec<String> = plan.steps.iter().map(|step| step.object.to_string()).collect();
        assert_eq!(stopped, [format!("NeuronJob/{other}")]);
    }
}

#[test]
fn nobody_is_stopped_on_an_instance_that_takes_no_tasks() {
    let mut yard = yard(2, vec![with("low", 0, 6, 2)]);
    yard.go();
    placed(&mut yard, &[("low/0.0", "i-1"), ("low/1.0", "i-2")]);
    let found = yard.observed.instances.get_mut("ml").unwrap();
    "DRAINING".clone_into(&mut found.get_mut("container-instance/i-1").unwrap().status);
    found.get_mut("container-instance/i-1").unwrap().running_tasks = 1;
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(1));
    yard.jobs.push(with("high", 5, 6, 1));
    let done = yard.go();
    assert!(done.contains(&"put low/1.0.end".to_owned()) && !done.contains(&"put low/0.0.end".to_owned()), "{done:?}");
}

#[test]
fn one_attempt_with_many_devices_costs_more_than_two_with_few() {
    let mut yard = yard(2, vec![with("wide", 0, 6, 1), with("narrow", 0, 1, 2), with("first", 9, 2, 2)]);
    yard.go();
    let places =
        [("wide/0.0", "i-1"), ("narrow/0.0", "i-2"), ("narrow/1.0", "i-2"), ("first/0.0", "i-2"), ("first/1.0", "i-2")];
    placed(&mut yard, &places);
    yard.jobs.push(with("high", 5, 2, 1));
    let done = yard.go();
    assert_eq!(
        done.iter().filter(|line| line.starts_with("put narrow") && line.contains(".end")).count(),
        2,
        "{done:?}"
    );
}

#[test]
fn every_type_of_a_pool_is_looked_at() {
    let mut yard = yard(1, vec![with("other", 9, 6, 1)]);
    let types = json!(["inf2.24xlarge", "inf2.48xlarge"]);
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/instanceTypes", types);
    yard.go();
    let group = yard.desired().pools["neuron"].groups()[1].clone();
    launch(&mut yard.observed, &group, ("i-2", 1), yard.now);
    register(&mut yard.observed, &group, "i-2", yard.now);
    yard.jobs.push(with("low", 0, 12, 1));
    yard.go();
    placed(&mut yard, &[("other/0.0", "i-1"), ("low/0.0", "i-2")]);
    yard.jobs.push(with("high", 5, 6, 1));
    let done = yard.go();
    assert!(done.contains(&"put low/0.0.end".to_owned()) && done.contains(&"run high/0.0".to_owned()), "{done:?}");
}

#[test]
fn what_the_layout_gives_to_somebody_who_comes_first_is_not_given_twice() {
    let mut yard = yard(1, vec![with("first", 9, 3, 1), with("low", 0, 3, 1)]);
    yard.go();
    placed(&mut yard, &[("low/0.0", "i-1")]);
    // Its task waits for the instance.
    "PROVISIONING".clone_into(&mut yard.running_task("first/0.0").task.last_status);
    yard.jobs.push(with("high", 5, 3, 1));
    let done = yard.go();
    assert!(done.contains(&"put low/0.0.end".to_owned()) && done.contains(&"run high/0.0".to_owned()), "{done:?}");
}
