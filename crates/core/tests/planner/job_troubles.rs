//! Jobs amid what goes wrong around them: an empty source, a wrong clock, a capacity provider that was replaced, a job before them
//! that has failed.

use axon_core::observed::Listing;
use axon_core::plan::{Prune, PruneBlock};
use jiff::SignedDuration;
use serde_json::json;

use super::fixture::set;
use super::job_yard::{Yard, job};

fn with_a_schedule_and_a_run_that_is_over() -> Yard {
    let nightly = [("/spec/schedule", json!({"cron": "0 2 * * *"}))];
    let mut yard = Yard::managed(vec![job("nightly", "inf2", &nightly), job("train", "inf2", &[])]);
    yard.go();
    yard.end("0.0", 0);
    yard.go();
    yard.forget_stopped_tasks();
    yard
}

#[test]
fn an_empty_source_takes_neither_the_beginning_of_a_schedule_nor_the_end_of_a_run_away() {
    let mut yard = with_a_schedule_and_a_run_that_is_over();
    // Longer than the end of a run is kept of a job that has left.
    yard.later(60 * 24 * 8);
    let jobs = std::mem::take(&mut yard.jobs);
    yard.prune = Prune::Blocked(PruneBlock::EmptySource);
    assert_eq!(yard.go(), ["delete 2"], "only what nobody needs after the end");
    yard.jobs = jobs;
    yard.prune = Prune::Enabled;
    let done = yard.go();
    assert!(!done.iter().any(|call| call.contains("train")), "it does not run again: {done:?}");
    yard.jobs.clear();
    yard.go();
    yard.forget_stopped_tasks();
    yard.later(60 * 24 * 8);
    yard.go();
    assert!(yard.records().is_empty(), "with a word of the source they go: {}", yard.records());
}

#[test]
fn records_of_what_is_over_go_in_time_also_where_nothing_is_pruned() {
    let mut yard = with_a_schedule_and_a_run_that_is_over();
    yard.jobs.clear();
    yard.prune = Prune::Disabled;
    yard.go();
    yard.later(60 * 24 * 8);
    yard.go();
    assert!(yard.records().is_empty(), "{}", yard.records());
}

#[test]
fn what_a_process_with_a_clock_a_day_ahead_has_ended_is_cleaned_by_the_clock_of_aws() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.end("0.0", 0);
    let right = yard.now;
    yard.now += SignedDuration::from_hours(24);
    yard.go();
    let Listing::Read(records) = &mut yard.observed.records else { panic!("they were read") };
    for record in records.values_mut() {
        record.written = Some(right);
    }
    yard.now = right + SignedDuration::from_mins(16);
    assert_eq!(yard.go(), ["delete 2"]);
}

#[test]
fn a_task_that_waits_for_an_instance_of_a_provider_that_was_replaced_is_stopped_and_started_on_the_new_one() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    assert_eq!(yard.go(), ["put train/0.0", "run train/0.0"]);
    let found = yard.running_task("0.0");
    "PROVISIONING".clone_into(&mut found.task.last_status);
    found.task.container_instance = None;
    assert_eq!(yard.go(), [""; 0], "instances may take their time");
    set(&mut yard.specs.pools[0], "/spec/managedInstances/capacityOption", json!("Spot"));
    let done = yard.go();
    assert!(done[0].starts_with("stop: axon: it waited for capacity provider inf2-"), "{done:?}");
    assert_eq!(done[1..], ["put train/0.0.end", "put train/0.1", "run train/0.1"], "{done:?}");
    assert!(yard.records().contains("\"verdict\":\"Cancelled\""), "it does not count: {}", yard.records());
    // One that runs stays where it is.
    set(&mut yard.specs.pools[0], "/spec/managedInstances/capacityOption", json!("OnDemand"));
    assert_eq!(yard.go(), [""; 0]);
}

#[test]
fn a_job_that_waits_for_one_that_has_failed_needs_a_person_as_well() {
    let before = [("/spec/backoffLimit", json!(0))];
    let after = [("/spec/dependsOn", json!(["prepare"]))];
    let mut yard = Yard::managed(vec![job("prepare", "inf2", &before), job("train", "inf2", &after)]);
    yard.go();
    let goes_on = |yard: &Yard| yard.plan().waiting.iter().any(|waiting| waiting.on.passes());
    assert!(goes_on(&yard) && yard.waits().contains("train: waits for NeuronJob/prepare"), "{}", yard.waits());
    yard.end("0.0", 1);
    yard.go();
    assert!(yard.waits().contains("NeuronJob/prepare to be complete; it is Failed"), "{}", yard.waits());
    assert!(!goes_on(&yard), "nothing goes on by itself: {}", yard.waits());
}

#[test]
fn nothing_is_done_about_an_attempt_of_an_undeclared_job_before_the_tasks_of_its_cluster_were_read() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.jobs.clear();
    let tasks = std::mem::take(&mut yard.observed.standalone);
    assert_eq!(yard.go(), [""; 0], "whether it runs is not known");
    assert!(yard.waits().contains("the first reading of tasks of jobs in cluster ml"), "{}", yard.waits());
    yard.observed.standalone = tasks;
    assert_eq!(yard.go()[0], "stop: axon: the job is no longer declared");
}
