//! Jobs: what is written down before a task starts and after it has stopped, and what is never run twice.

use std::collections::BTreeMap;

use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::job::record::RunResult;
use axon_core::observed::Listing;
use axon_core::plan::{Answer, Limits, Prune, PruneBlock, Recent, Retry};
use jiff::SignedDuration;
use serde_json::json;

use super::fixture::{self, set};
use super::job_yard::{Yard, job};

#[test]
fn a_task_is_started_after_its_record_and_its_end_is_written_down_before_the_end_of_the_run() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    assert_eq!(yard.go(), ["put train/0.0", "run train/0.0"]);
    yard.later(90);
    assert_eq!(yard.go(), [""; 0], "a task that runs is let run");
    yard.end("0.0", 0);
    assert_eq!(yard.go(), ["put train/0.0.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::Complete]);
}

#[test]
fn a_run_that_is_over_is_never_begun_again_though_ecs_and_its_attempts_are_forgotten() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.end("0.0", 0);
    yard.go();
    yard.later(14);
    assert_eq!(yard.go(), [""; 0], "whoever reads late must see the end first");
    yard.later(2);
    assert_eq!(yard.go(), ["delete 2"]);
    yard.forget_tasks();
    yard.later(60 * 24 * 365);
    assert_eq!(yard.go(), [""; 0]);
    assert_eq!(yard.waits(), "");
}

#[test]
fn no_more_tasks_run_than_the_parallelism_and_every_index_runs_once() {
    let spec = [("/spec/completions", json!(5)), ("/spec/parallelism", json!(2))];
    let mut yard = Yard::managed(vec![job("sweep", "inf2", &spec)]);
    assert_eq!(yard.go(), ["put sweep/0.0", "put sweep/1.0", "run sweep/0.0", "run sweep/1.0"]);
    yard.end("1.0", 0);
    assert_eq!(yard.go(), ["put sweep/1.0.end", "put sweep/2.0", "run sweep/2.0"]);
    for (index, next) in [(0, Some(3)), (2, Some(4)), (3, None)] {
        yard.end(&format!("{index}.0"), 0);
        let mut expected = vec![format!("put sweep/{index}.0.end")];
        expected.extend(
            next.map(|next| [format!("put sweep/{next}.0"), format!("run sweep/{next}.0")]).into_iter().flatten(),
        );
        assert_eq!(yard.go(), expected);
    }
    yard.end("4.0", 0);
    assert_eq!(yard.go(), ["put sweep/4.0.end", "put sweep/end"]);
    assert_eq!(yard.ends("sweep"), [RunResult::Complete]);
}

#[test]
fn an_attempt_that_may_have_been_written_down_comes_before_one_that_is_tried_again() {
    let spec = [("/spec/completions", json!(2)), ("/spec/parallelism", json!(1))];
    let mut yard = Yard::managed(vec![job("sweep", "inf2", &spec)]);
    yard.go();
    yard.end("0.0", 3);
    for expected in ["put sweep/0.0.end", "put sweep/1.0"] {
        assert_eq!(yard.told_now(), [expected]);
        if expected.ends_with("end") {
            yard.step();
        }
    }
    let put = yard.plan().steps.remove(0);
    yard.later(1);
    assert_eq!(yard.told_now(), ["put sweep/0.1"], "without a doubt the first index comes first");
    let (resource, step) = (put.resource.clone(), put.fingerprint());
    let fresh = || Limits::fresh(yard.now, yard.prune);
    let error = CloudError {
        class: ErrorClass::Ambiguous,
        operation: "PutParameter",
        code: String::new(),
        message: String::new(),
        request_id: None,
    };
    let recent = Recent { step: step.clone(), at: yard.now, answer: Answer::Unknown, revision: None };
    let retry = Retry { step, error, attempts: 1, not_before: yard.now + SignedDuration::from_secs(9) };
    let doubts = [
        Limits { in_flight: [(resource.clone(), put.clone())].into(), ..fresh() },
        Limits { recent: [(resource.clone(), vec![recent])].into(), ..fresh() },
        Limits { retries: [(resource, retry)].into(), ..fresh() },
    ];
    for doubt in doubts {
        let steps = fixture::plan_with(&yard.desired(), &yard.observed, &doubt).steps;
        assert_eq!(steps, [], "{doubt:?}");
    }
}

#[test]
fn failures_are_tried_again_after_growing_waits_until_the_limit() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[("/spec/backoffLimit", json!(1))])]);
    yard.go();
    yard.end("0.0", 3);
    assert_eq!(yard.go(), ["put train/0.0.end"]);
    assert!(yard.waits().contains("failed attempts to be tried again: 1, the next at"), "{}", yard.waits());
    yard.later(1);
    assert_eq!(yard.go(), ["put train/0.1", "run train/0.1"]);
    yard.end("0.1", 3);
    assert_eq!(yard.go(), ["put train/0.1.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::Failed]);
    assert!(yard.waits().contains("attempt 0.1 failed: ExitCode with exit code 3"), "{}", yard.waits());
}

#[test]
fn lost_instances_and_spot_interruptions_do_not_count() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[("/spec/backoffLimit", json!(0))])]);
    yard.go();
    let losses = [
        ("SpotInterruption", "Your Spot Task was interrupted."),
        ("TerminationNotice", "Host EC2 (instance i-0123456789abcdef0) terminated."),
        ("TaskFailedToStart", "CannotPullContainerError: timeout"),
    ];
    for (number, (code, reason)) in losses.into_iter().enumerate() {
        yard.lose(&format!("0.{number}"), code, reason);
        yard.go();
        yard.later(10);
        let next = number + 1;
        assert_eq!(yard.go(), [format!("put train/0.{next}"), format!("run train/0.{next}")]);
    }
    yard.end("0.3", 1);
    yard.go();
    assert_eq!(yard.ends("train"), [RunResult::Failed]);
}

#[test]
fn rules_of_the_retry_policy_come_before_the_defaults() {
    let rules = json!({"rules": [
        {"action": "FailJob", "onExitCodes": [42]}, {"action": "Ignore", "onExitCodes": [1]},
        {"action": "FailIndex", "onFailures": ["OutOfMemory"]},
    ]});
    let spec = [("/spec/completions", json!(3)), ("/spec/backoffLimit", json!(0)), ("/spec/retryPolicy", rules)];
    let mut yard = Yard::managed(vec![job("train", "inf2", &spec)]);
    yard.go();
    yard.end("0.0", 1);
    yard.go();
    yard.later(1);
    assert_eq!(yard.go(), ["put train/0.1", "run train/0.1"], "ignored");
    yard.lose("1.0", "EssentialContainerExited", "OutOfMemoryError: Container killed due to memory usage");
    yard.go();
    yard.later(10);
    assert_eq!(yard.go(), [""; 0], "the index has failed");
    yard.end("2.0", 42);
    let done = yard.go();
    assert_eq!(done[0], "put train/2.0.end");
    assert!(done[1].starts_with("stop: axon: run "), "{done:?}");
    assert_eq!(done[2..], ["put train/0.1.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::Failed]);
}

#[test]
fn a_task_that_nobody_has_seen_is_started_again_within_the_time_in_which_aws_knows_the_token() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    let first = yard.observed.standalone["ml"].iter().next().unwrap().clone();
    yard.forget_tasks();
    yard.later(49);
    assert_eq!(yard.go(), ["run train/0.0"]);
    assert_eq!(yard.observed.standalone["ml"].iter().next().unwrap(), &first, "with the same request");
}

#[test]
fn after_that_time_it_is_reported_as_unknown_and_not_run_again() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.forget_tasks();
    yard.later(51);
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.waits().contains("attempt 0.0 was to be started and no task of it can be seen"), "{}", yard.waits());
    yard.later(15);
    assert_eq!(yard.go(), ["put train/0.0.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::Unknown]);
    yard.later(60 * 24);
    assert_eq!(yard.go(), ["delete 2"]);
    assert!(yard.waits().contains("nobody can tell"), "{}", yard.waits());
}

#[test]
fn what_cannot_be_read_is_never_taken_for_gone() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.forget_tasks();
    yard.now += SignedDuration::from_mins(70);
    assert_eq!(yard.go(), [""; 0], "the last reading of tasks is old");
    yard.later(0);
    assert_eq!(yard.go(), ["put train/0.0.end", "put train/end"]);
    let mut unread = Yard::managed(vec![job("train", "inf2", &[])]);
    unread.observed.records = Listing::Unread;
    assert_eq!(unread.go(), [""; 0]);
    assert!(unread.waits().contains("waits for the first reading of records and tasks of NeuronJob/train"));
    let mut unlisted = Yard::managed(vec![job("train", "inf2", &[])]);
    unlisted.observed.standalone.insert("ml".into(), Listing::Unread);
    assert_eq!(unlisted.go(), [""; 0]);
}

#[test]
fn an_unknown_outcome_is_tried_again_where_the_job_says_so() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[("/spec/unknownOutcome", json!("Retry"))])]);
    yard.go();
    yard.forget_tasks();
    yard.later(66);
    assert_eq!(yard.go(), ["put train/0.0.end", "put train/0.1", "run train/0.1"]);
}

#[test]
fn a_task_without_a_record_counts_as_the_attempt_that_it_is() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.observed.records = Listing::Read(BTreeMap::new());
    assert_eq!(yard.go(), [""; 0], "it runs, though somebody has removed its record");
    yard.end("0.0", 0);
    assert_eq!(yard.go(), ["put train/0.0.end", "put train/end"]);
}

#[test]
fn another_template_is_another_run_after_the_tasks_of_the_first_have_ended() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    set(&mut yard.jobs[0], "/spec/template/containers/0/image", json!("train:2"));
    assert_eq!(yard.go(), [""; 0]);
    assert!(yard.waits().contains("which began with an earlier version of the job"), "{}", yard.waits());
    yard.end("0.0", 0);
    assert_eq!(yard.go(), ["put train/0.0.end", "put train/end", "put train/0.0", "run train/0.0"]);
    assert_eq!(yard.ends("train"), [RunResult::Superseded]);
}

#[test]
fn the_end_of_a_run_that_was_left_says_nothing_of_the_work_that_took_its_place() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    let earlier = yard.desired().jobs.values().next().unwrap().run.to_string();
    set(&mut yard.jobs[0], "/spec/template/containers/0/image", json!("train:2"));
    yard.end("0.0", 0);
    yard.go();
    let found = yard.observed.records.iter().find(|record| record.name.ends_with(&format!("{earlier}/end")));
    let end: serde_json::Value = serde_json::from_str(&found.unwrap().value).unwrap();
    assert_eq!((&end["result"], &end["work"]), (&json!("Superseded"), &json!(earlier)));
    yard.forget_stopped_tasks();
    yard.end("0.0", 0);
    yard.go();
    set(&mut yard.jobs[0], "/spec/template/containers/0/image", json!("train:1"));
    assert_eq!(yard.go(), [""; 0], "it was run before, in part");
    assert!(yard.waits().contains("was left for a newer version of the job"), "{}", yard.waits());
}

#[test]
fn the_name_of_a_run_follows_from_the_work_alone_and_is_the_same_in_every_version() {
    let yard = Yard::managed(vec![job("train", "inf2", &[])]);
    let desired = yard.desired();
    let run = desired.jobs.values().next().unwrap().run.to_string();
    assert_eq!(run, "3c886c26f0c1", "jobs that are complete would run again after an upgrade");
    let several = Yard::grouped(vec![job("train", "neuron", &[("/spec/nodes", json!(2))])]);
    let run = several.desired().jobs.values().next().unwrap().run.to_string();
    assert_eq!(run, "21e369429b85", "several nodes are other work");
}

#[test]
fn limits_and_priorities_do_not_begin_another_run() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    for (pointer, value) in
        [("/spec/backoffLimit", json!(9)), ("/spec/priority", json!(5)), ("/spec/activeDeadline", json!("5h"))]
    {
        set(&mut yard.jobs[0], pointer, value);
        assert_eq!(yard.go(), [""; 0], "{pointer}");
    }
}

#[test]
fn a_suspended_job_stops_its_tasks_and_goes_on_later_without_counting_them() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[("/spec/backoffLimit", json!(0))])]);
    yard.go();
    set(&mut yard.jobs[0], "/spec/suspend", json!(true));
    assert_eq!(yard.go(), ["stop: axon: the job is suspended", "put train/0.0.end"]);
    assert!(yard.plan().is_settled());
    set(&mut yard.jobs[0], "/spec/suspend", json!(false));
    assert_eq!(yard.go(), ["put train/0.1", "run train/0.1"]);
}

#[test]
fn a_job_that_takes_too_long_is_stopped_and_has_failed() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[("/spec/activeDeadline", json!("2h"))])]);
    yard.go();
    yard.later(119);
    assert_eq!(yard.go(), [""; 0]);
    yard.later(1);
    let done = yard.go();
    assert!(done[0].ends_with("was not over after activeDeadline (2h)"), "{done:?}");
    assert_eq!(done[1..], ["put train/0.0.end", "put train/end"]);
    assert_eq!(yard.ends("train"), [RunResult::DeadlineExceeded]);
}

#[test]
fn a_job_starts_once_those_that_it_depends_on_are_complete() {
    let second = job("second", "inf2", &[("/spec/dependsOn", json!(["first"]))]);
    let mut yard = Yard::managed(vec![job("first", "inf2", &[]), second]);
    assert_eq!(yard.go(), ["put first/0.0", "run first/0.0"]);
    assert!(yard.waits().contains("waits for NeuronJob/first to be complete; it is not over"), "{}", yard.waits());
    yard.end("0.0", 0);
    assert_eq!(yard.go(), ["put first/0.0.end", "put first/end", "put second/0.0", "run second/0.0"]);
}

#[test]
fn a_job_that_leaves_git_is_stopped_and_its_end_outlives_it_for_a_week() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    let declared = yard.jobs.clone();
    yard.jobs.clear();
    yard.prune = Prune::Disabled;
    assert_eq!(yard.go(), [""; 0], "pruning is off");
    yard.prune = Prune::Enabled;
    assert_eq!(yard.go(), ["stop: axon: the job is no longer declared", "put train/0.0.end", "put train/end"]);
    yard.later(20);
    assert_eq!(yard.go(), ["delete 2"]);
    yard.forget_tasks();
    yard.later(60 * 24 * 7 + 1);
    assert_eq!(yard.go(), ["delete 1"]);
    assert!(
        yard.observed.records.iter().next().is_none()
            && yard.observed.task_definitions.iter().all(|found| !found.family.contains("train"))
    );
    yard.jobs = declared;
    assert_eq!(yard.go(), ["put train/0.0", "run train/0.0"]);
}

#[test]
fn the_end_of_an_attempt_is_written_down_though_the_job_is_suspended_by_annotation_or_has_no_valid_specification() {
    for held in [false, true] {
        let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
        yard.go();
        yard.end("0.0", 0);
        let mut desired = yard.desired();
        let key = fixture::key("NeuronJob", "train");
        if held {
            desired.jobs.clear();
            desired.held.insert(key);
        } else {
            desired.suspended.insert(key);
        }
        let plan = fixture::plan_with(&desired, &yard.observed, &Limits::fresh(yard.now, Prune::Enabled));
        let done: Vec<String> = plan.steps.iter().filter_map(|step| Yard::told(&step.action)).collect();
        assert_eq!(done, ["put train/0.0.end"], "held: {held}");
    }
}

#[test]
fn a_rule_for_one_container_looks_at_no_other() {
    let rules = json!({"rules": [{"action": "FailIndex", "onExitCodes": [7], "container": "log"}]});
    let mut yard = Yard::managed(vec![job("train", "inf2", &[("/spec/retryPolicy", rules)])]);
    yard.go();
    yard.end("0.0", 7);
    yard.go();
    yard.later(1);
    assert_eq!(yard.go(), ["put train/0.1", "run train/0.1"], "it was the container that does the work");
}

#[test]
fn a_process_that_finds_revisions_of_an_undeclared_job_waits_until_it_has_read_its_tasks() {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    yard.jobs.clear();
    yard.observed.records = Listing::Unread;
    assert_eq!(yard.go(), [""; 0]);
    assert!(
        !yard.plan().is_settled() && yard.waits().contains("the first reading of records and tasks of NeuronJob/train")
    );
}

#[test]
fn a_run_whose_job_is_missing_from_an_empty_source_goes_on_when_the_job_is_back() {
    let spec = [("/spec/completions", json!(2)), ("/spec/parallelism", json!(1))];
    let mut yard = Yard::managed(vec![job("sweep", "inf2", &spec)]);
    yard.go();
    let jobs = std::mem::take(&mut yard.jobs);
    yard.prune = Prune::Blocked(PruneBlock::EmptySource);
    yard.end("0.0", 0);
    assert_eq!(yard.go(), ["put sweep/0.0.end"], "how it has ended is written down, and not that the run is over");
    yard.jobs = jobs;
    yard.prune = Prune::Enabled;
    assert_eq!(yard.go(), ["put sweep/1.0", "run sweep/1.0"]);
}
