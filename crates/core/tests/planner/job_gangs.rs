//! Jobs of several nodes: all of them start or none, and they end together.

use axon_core::job::record::RunResult;
use axon_core::observed::Listing;
use axon_core::step::Action;
use serde_json::{Value, json};

use super::fixture::{empty_ec2_account, grouped, set};
use super::group_fixture::{launch, register};
use super::job_yard::{Yard, job};

fn gang(edit: &[(&str, Value)]) -> Value {
    let mut gang = job("train", "neuron", &[("/spec/nodes", json!(2))]);
    for (pointer, value) in edit {
        set(&mut gang, pointer, value.clone());
    }
    gang
}

/// A pool of at most four instances, none of which is there, and a job of two nodes.
fn yard(edit: &[(&str, Value)]) -> Yard {
    Yard::grouped(vec![gang(edit)])
}

/// An instance has joined the cluster.
fn stands(yard: &mut Yard, id: &str) {
    let group = yard.desired().pools["neuron"].groups()[0].clone();
    launch(&mut yard.observed, &group, (id, 1), yard.now);
    register(&mut yard.observed, &group, id, yard.now);
}

fn least(yard: &Yard) -> i32 {
    yard.observed.groups.iter().next().unwrap().settings.min_size.unwrap()
}

/// Two nodes that run.
fn running() -> Yard {
    let mut yard = yard(&[]);
    yard.go();
    stands(&mut yard, "i-1");
    stands(&mut yard, "i-2");
    yard.go();
    yard
}

#[test]
fn nothing_is_started_before_an_instance_for_every_node_stands_ready() {
    let mut yard = yard(&[]);
    assert_eq!(yard.go(), ["put train/0.0"]);
    assert_eq!(least(&yard), 2, "the group is asked for both");
    stands(&mut yard, "i-1");
    assert_eq!(yard.go(), [""; 0]);
    let waits = yard.waits();
    assert!(waits.contains("when 2 idle instances of one type stand ready, 1 do"), "{waits}");
    assert!(!waits.contains("starting or being recorded"), "no task of it starts yet: {waits}");
    stands(&mut yard, "i-2");
    assert_eq!(yard.go(), ["put train/0.0.nodes", "run train/0.0.0", "run train/0.0.1"], "node 0 comes first");
    assert_eq!(least(&yard), 0, "their tasks keep the instances now");
}

#[test]
fn the_other_nodes_wait_until_an_instance_has_taken_node_0_and_are_told_its_address() {
    let mut yard = yard(&[]);
    yard.go();
    stands(&mut yard, "i-1");
    stands(&mut yard, "i-2");
    let first = yard.plan().steps;
    assert_eq!(first.len(), 1, "where they are is written down before anything: {first:?}");
    axon_core::preview::assume(&mut yard.observed, &first[0]);
    yard.date();
    let second = yard.plan().steps;
    axon_core::preview::assume(&mut yard.observed, &second[0]);
    let task = yard.running_task("0.0.0");
    "PROVISIONING".clone_into(&mut task.task.last_status);
    task.task.container_instance = None;
    assert_eq!(yard.go(), [""; 0]);
    assert_eq!(least(&yard), 2, "an idle instance would be taken away again");
    yard.running_task("0.0.0").task.container_instance = Some("container-instance/i-1".into());
    let steps = yard.plan().steps;
    let told = steps.iter().find_map(|step| match &step.action {
        Action::RunTask(request) => Some(request.clone()),
        _ => None,
    });
    let told = serde_json::to_string(&told.unwrap()).unwrap();
    for words in ["NEURON_RT_ROOT_COMM_ID\",\"value\":\"10.0.0.7:62182", "NODE_RANK\",\"value\":\"1", "i-2"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn nodes_that_succeed_end_the_run_when_the_last_of_them_does() {
    let mut yard = running();
    yard.later(60);
    yard.end("0.0.0", 0);
    assert_eq!(yard.go(), ["put train/0.0.0.end"], "the other one goes on");
    yard.later(90);
    yard.forget_stopped_tasks();
    yard.end("0.0.1", 0);
    assert_eq!(yard.go(), ["put train/0.0.1.end", "put train/0.0.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::Complete]);
}

#[test]
fn one_node_that_fails_ends_the_attempt_and_the_next_one_starts_as_a_whole() {
    let mut yard = running();
    yard.later(5);
    yard.end("0.0.1", 1);
    let done = yard.go();
    assert_eq!(
        done,
        [
            "put train/0.0.1.end",
            "stop: axon: node 1 of attempt 0.0 has ended",
            "put train/0.0.0.end",
            "put train/0.0.end"
        ]
    );
    yard.later(1);
    assert_eq!(yard.go(), ["put train/0.1", "put train/0.1.nodes", "run train/0.1.0", "run train/0.1.1"]);
}

#[test]
fn a_lost_instance_does_not_count_against_the_limit() {
    let mut yard = yard(&[("/spec/backoffLimit", json!(0))]);
    yard.go();
    stands(&mut yard, "i-1");
    stands(&mut yard, "i-2");
    yard.go();
    yard.lose("0.0.0", "TaskFailedToStart", "Host EC2 (instance i-1) terminated.");
    yard.go();
    yard.later(1);
    assert_eq!(yard.go()[0], "put train/0.1");
}

#[test]
fn instances_that_do_not_come_in_time_end_the_attempt_and_the_group_may_shrink() {
    let mut yard = yard(&[]);
    yard.go();
    stands(&mut yard, "i-1");
    yard.later(21);
    assert_eq!(yard.go(), ["put train/0.0.nodes", "put train/0.0.end"], "nothing was started");
    assert_eq!(least(&yard), 0, "nobody pays for instances that wait");
    let failure = "1 of 2 instances stood ready within 1200 s";
    assert!(yard.records().contains(failure) && yard.records().contains("Capacity"), "{}", yard.records());
    yard.later(1);
    assert_eq!(yard.go(), ["put train/0.1"]);
}

#[test]
fn an_attempt_that_a_clock_a_day_ahead_has_given_up_is_followed_by_the_next_one_by_the_clock_of_aws() {
    let mut yard = yard(&[]);
    yard.go();
    let right = yard.now;
    yard.now += jiff::SignedDuration::from_hours(24);
    assert_eq!(yard.go(), ["put train/0.0.nodes", "put train/0.0.end"]);
    let Listing::Read(records) = &mut yard.observed.records else { panic!("they were read") };
    for record in records.values_mut() {
        record.written = Some(right);
    }
    yard.now = right + jiff::SignedDuration::from_mins(1);
    assert_eq!(yard.go(), ["put train/0.1"], "not a day later");
}

#[test]
fn nodes_that_do_not_all_run_in_time_are_stopped() {
    let mut yard = running();
    "PENDING".clone_into(&mut yard.running_task("0.0.1").task.last_status);
    yard.later(19);
    assert_eq!(yard.go(), [""; 0]);
    yard.later(2);
    let done = yard.go();
    let stops = done.iter().filter(|line| line.contains("not all nodes ran in time, 1200 s")).count();
    assert_eq!((stops, done[4].as_str()), (2, "put train/0.0.end"), "{done:?}");
    assert!(yard.records().contains("\"failure\":\"Capacity\""), "it is tried again: {}", yard.records());
}

#[test]
fn a_node_that_is_ending_long_after_it_started_is_not_late() {
    let mut yard = running();
    yard.later(60);
    let now = yard.now;
    let task = yard.running_task("0.0.1");
    task.task.started = Some(now - jiff::SignedDuration::from_mins(59));
    for status in ["DEACTIVATING", "STOPPING", "DEPROVISIONING"] {
        status.clone_into(&mut yard.running_task("0.0.1").task.last_status);
        assert_eq!(yard.go(), [""; 0], "{status}: the others go on");
    }
    yard.end("0.0.1", 0);
    assert_eq!(yard.go(), ["put train/0.0.1.end"]);
}

#[test]
fn a_node_that_shows_up_after_the_end_of_its_attempt_is_stopped() {
    let mut yard = running();
    let late = yard.take_task("0.0.1");
    yard.end("0.0.0", 1);
    let done = yard.go();
    assert_eq!(done, ["put train/0.0.0.end", "put train/0.0.1.end", "put train/0.0.end"], "it cannot be seen");
    yard.put_task(late);
    assert_eq!(yard.go(), ["stop: axon: attempt 0.0 is over"]);
}

#[test]
fn a_suspended_job_gives_up_what_it_gathers_and_it_does_not_count() {
    let mut yard = yard(&[("/spec/backoffLimit", json!(0))]);
    yard.go();
    set(&mut yard.jobs[0], "/spec/suspend", json!(true));
    assert_eq!(yard.go(), ["put train/0.0.nodes", "put train/0.0.end"]);
    assert_eq!(least(&yard), 0);
    set(&mut yard.jobs[0], "/spec/suspend", json!(false));
    assert_eq!(yard.go(), ["put train/0.1"]);
}

#[test]
fn nodes_of_which_nothing_is_known_after_hours_make_the_attempt_unknown() {
    let mut yard = running();
    yard.later(180);
    yard.forget_tasks();
    yard.date();
    assert_eq!(yard.go(), ["put train/0.0.0.end", "put train/0.0.1.end", "put train/0.0.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::Unknown]);
}

#[test]
fn an_attempt_that_shows_before_its_record_does_is_left_alone() {
    let mut yard = running();
    let Listing::Read(records) = &mut yard.observed.records else { panic!("records are read") };
    let name = records.keys().find(|name| name.ends_with("/0.0")).cloned().unwrap();
    let record = records.remove(&name).unwrap();
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.waits().contains("the record of attempt 0.0"), "{}", yard.waits());
    yard.observed.records.put(name, record);
    yard.end("0.0.0", 0);
    yard.end("0.0.1", 0);
    assert_eq!(yard.go().last().unwrap(), "put train/end");
    assert_eq!(yard.ends("train"), [RunResult::Complete]);
}

#[test]
fn a_job_whose_nodes_do_not_all_fit_waits_and_holds_nothing() {
    let mut specs = grouped().edit_service("/spec/devices", json!(6));
    set(&mut specs.services[0], "/spec/replicas", json!(3));
    let mut yard = Yard::on(specs, empty_ec2_account(), vec![gang(&[])]);
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.waits().contains("attempts without devices: 1, which need 12 Neuron devices"), "{}", yard.waits());
}

#[test]
fn instances_that_are_meant_for_nodes_are_given_to_nobody_else() {
    let mut yard = yard(&[]);
    yard.go();
    stands(&mut yard, "i-1");
    stands(&mut yard, "i-2");
    let placed = yard.plan().steps;
    axon_core::preview::assume(&mut yard.observed, &placed[0]);
    yard.date();
    set(&mut yard.specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(2));
    yard.jobs.push(job("other", "neuron", &[("/spec/devices", json!(1)), ("/spec/priority", json!(9))]));
    let done = yard.go();
    assert_eq!(done, ["run train/0.0.0", "run train/0.0.1"]);
    assert!(yard.waits().contains("NeuronJob/other: run"), "{}", yard.waits());
}

#[test]
fn an_instance_that_leaves_or_that_ecs_cannot_use_or_on_which_there_is_something_does_not_stand_ready() {
    let mut yard = yard(&[]);
    yard.go();
    stands(&mut yard, "i-1");
    stands(&mut yard, "i-2");
    let whole = yard.observed.clone();
    let marks = [(axon_core::ownership::DRAINED_FOR.to_owned(), "1".to_owned())];
    yard.observed.machines.get_mut("i-2").unwrap().tags.extend(marks);
    let told: Vec<String> = yard.plan().steps.iter().filter_map(|step| Yard::told(&step.action)).collect();
    assert_eq!(told, [""; 0], "it is being drained");
    for what in ["a task", "a task that starts", "no agent", "no address"] {
        yard.observed = whole.clone();
        let instances = yard.observed.instances.get_mut("ml").unwrap();
        let found = instances.get_mut("container-instance/i-2").unwrap();
        match what {
            "a task" => found.running_tasks = 1,
            "a task that starts" => found.pending_tasks = 1,
            "no agent" => found.connected = false,
            _ => yard.observed.machines.get_mut("i-2").unwrap().address = None,
        }
        assert_eq!(yard.go(), [""; 0], "{what}");
    }
    yard.observed = whole;
    assert_eq!(yard.go()[0], "put train/0.0.nodes");
}

#[test]
fn two_gangs_do_not_take_the_same_instances() {
    let mut yard = yard(&[("/spec/completions", json!(2))]);
    yard.go();
    for id in ["i-1", "i-2", "i-3"] {
        stands(&mut yard, id);
    }
    let done = yard.go();
    assert_eq!(done, ["put train/0.0.nodes", "run train/0.0.0", "run train/0.0.1"], "the second gang lacks one");
    assert_eq!(least(&yard), 4);
    stands(&mut yard, "i-4");
    assert_eq!(yard.go(), ["put train/1.0.nodes", "run train/1.0.0", "run train/1.0.1"]);
    let Listing::Read(tasks) = &yard.observed.standalone["ml"] else { panic!("no tasks were read") };
    let on: std::collections::BTreeSet<_> = tasks.values().map(|found| found.task.container_instance.clone()).collect();
    assert_eq!(on.len(), 4, "{on:?}");
}

#[test]
fn a_gang_that_is_no_longer_declared_is_stopped_as_a_whole() {
    let mut yard = running();
    yard.jobs.clear();
    let done = yard.go();
    let stops = done.iter().filter(|line| line.contains("the job is no longer declared")).count();
    assert_eq!(stops, 2, "{done:?}");
    assert_eq!(yard.ends("train"), [RunResult::Superseded]);
}
