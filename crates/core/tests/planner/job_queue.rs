//! Jobs: when runs of a schedule begin, and who gets devices where they are short.

use axon_core::observe::Instance;
use axon_core::observed::Listing;
use serde_json::json;

use super::fixture::{empty_ec2_account, grouped, set};
use super::job_yard::{Yard, job};

#[test]
fn a_schedule_holds_from_when_it_was_seen_first_and_runs_once_for_each_time_that_it_names() {
    let nightly = [("/spec/schedule", json!({"cron": "0 2 * * *"}))];
    let mut yard = Yard::managed(vec![job("nightly", "inf2", &nightly)]);
    assert_eq!(yard.go(), ["put nightly/since"], "what was due before is not made up for");
    assert!(
        yard.plan().is_settled() && yard.waits().contains("the next run is due at 2027-01-16T02:00:00Z"),
        "{}",
        yard.waits()
    );
    yard.now = "2027-01-16T02:00:10Z".parse().unwrap();
    let run = "20270116T020000Z";
    assert_eq!(
        yard.go(),
        [format!("put nightly/{run}/begin"), format!("put nightly/{run}/0.0"), format!("run nightly/{run}/0.0")]
    );
    yard.later(60);
    yard.end("0.0", 0);
    assert_eq!(yard.go(), [format!("put nightly/{run}/0.0.end"), format!("put nightly/{run}/end")]);
    yard.later(60 * 20);
    assert_eq!(yard.go(), ["delete 3"]);
    yard.now = "2027-01-17T02:00:00Z".parse().unwrap();
    assert_eq!(yard.go()[0], "put nightly/20270117T020000Z/begin");
}

#[test]
fn runs_of_a_schedule_do_not_overlap_unless_it_says_so() {
    let begin = |policy: &str| {
        let schedule = json!({"cron": "0 * * * *", "concurrencyPolicy": policy});
        let mut yard = Yard::managed(vec![job("hourly", "inf2", &[("/spec/schedule", schedule)])]);
        yard.go();
        yard.later(60);
        yard.go();
        yard.later(60);
        yard
    };
    assert_eq!(begin("Forbid").go(), [""; 0]);
    let both = begin("Allow").go();
    assert!(both[0].ends_with("/begin") && both.len() == 3, "{both:?}");
    let replaced = begin("Replace").go();
    assert!(replaced[0].ends_with("was replaced by the next run") && replaced[1].ends_with("0.0.end"), "{replaced:?}");
    assert!(replaced[2].ends_with("/end") && replaced[3].ends_with("/begin"), "{replaced:?}");
}

#[test]
fn only_so_many_ended_runs_of_a_schedule_are_remembered_and_the_newest_always() {
    let schedule = json!({"cron": "0 * * * *", "successfulHistoryLimit": 2});
    let mut yard = Yard::managed(vec![job("hourly", "inf2", &[("/spec/schedule", schedule)])]);
    yard.go();
    for _ in 0..6 {
        yard.later(60);
        yard.go();
        yard.end("0.0", 0);
        yard.go();
        yard.forget_tasks();
    }
    yard.later(30);
    yard.go();
    assert_eq!(yard.ends("hourly").len(), 3, "two, and the newest");
}

#[test]
fn attempts_get_devices_of_their_own_and_those_without_wait_in_the_queue() {
    let spec = [("/spec/devices", json!(6)), ("/spec/completions", json!(5))];
    let mut yard = Yard::grouped(vec![job("sweep", "neuron", &spec)]);
    let done = yard.go();
    assert_eq!(done.iter().filter(|line| line.starts_with("run")).count(), 4, "four instances: {done:?}");
    assert!(yard.waits().contains("attempts without devices: 1, which need 6 Neuron devices"), "{}", yard.waits());
    yard.end("2.0", 0);
    assert_eq!(yard.go(), ["put sweep/2.0.end", "put sweep/4.0", "run sweep/4.0"]);
}

#[test]
fn a_job_of_higher_priority_comes_first_and_nobody_overtakes_a_job_that_waits() {
    let jobs = vec![
        job(
            "big",
            "neuron",
            &[("/spec/devices", json!(6)), ("/spec/completions", json!(5)), ("/spec/priority", json!(5))],
        ),
        job("small", "neuron", &[("/spec/devices", json!(1))]),
    ];
    let mut yard = Yard::grouped(jobs);
    let done = yard.go();
    assert!(done.iter().filter(|line| line.starts_with("run")).all(|line| line.starts_with("run big")), "{done:?}");
    assert!(yard.waits().contains("big is before it in the queue of the pool and waits, too"), "{}", yard.waits());
}

#[test]
fn services_keep_their_devices_and_jobs_get_what_they_leave() {
    let mut specs = grouped().edit_service("/spec/devices", json!(6));
    set(&mut specs.services[0], "/spec/replicas", json!(3));
    let sweep = job("sweep", "neuron", &[("/spec/devices", json!(6)), ("/spec/completions", json!(3))]);
    let mut yard = Yard::on(specs, empty_ec2_account(), vec![sweep]);
    let done = yard.go();
    assert_eq!(done, ["put sweep/0.0", "run sweep/0.0"]);
}

#[test]
fn devices_of_a_task_that_runs_are_taken() {
    let mut specs = grouped();
    specs.services.clear();
    set(&mut specs.pools[0], "/spec/autoScalingGroup/maxSize", json!(1));
    let first = job("first", "neuron", &[("/spec/devices", json!(6))]);
    let mut yard = Yard::on(specs, empty_ec2_account(), vec![first]);
    assert_eq!(yard.go(), ["put first/0.0", "run first/0.0"]);
    let provider = yard.observed.group_providers.iter().next().unwrap().name.clone();
    let instance = Instance {
        arn: "instance/1".into(),
        ec2_id: Some("i-1".into()),
        instance_type: Some("inf2.24xlarge".into()),
        availability_zone: None,
        status: "ACTIVE".into(),
        provider: Some(provider),
        connected: true,
        image: None,
        agent_version: None,
        registered: None,
        running_tasks: 1,
        pending_tasks: 0,
    };
    yard.observed.instances.insert("ml".into(), Listing::Read([("instance/1".into(), instance)].into()));
    let Some(Listing::Read(tasks)) = yard.observed.standalone.get_mut("ml") else { panic!("no tasks were read") };
    for found in tasks.values_mut() {
        found.task.container_instance = Some("instance/1".into());
    }
    yard.jobs.push(job("second", "neuron", &[("/spec/devices", json!(1))]));
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.waits().contains("NeuronJob/second: run"), "{}", yard.waits());
    yard.end("0.0", 0);
    let done = yard.go();
    assert!(done.contains(&"run second/0.0".to_owned()), "{done:?}");
}
