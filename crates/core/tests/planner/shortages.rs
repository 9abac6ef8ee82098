//! EC2 has no more instances of one type of a pool: replicas that wait for it go to the next type, and stay there.

use axon_core::observed::Observed;
use serde_json::json;

use super::fixture::{Specs, set, text, waits};
use super::group_fixture::on_groups;
use super::miniature::Miniature;

const LARGE: &str = "inf2.48xlarge";
const SMALL: &str = "inf2.24xlarge";

/// Four replicas with six devices each: one fills a small instance, two a large one.
fn fleet() -> Specs {
    on_groups(&[SMALL, LARGE]).edit_service("/spec/devices", json!(6)).edit_service("/spec/replicas", json!(4))
}

/// Tasks that run on instances of a type.
fn running_on(observed: &Observed, kind: &str) -> usize {
    let of_kind = |arn: &String| {
        observed.instances["ml"].iter().any(|found| found.arn == *arn && found.instance_type.as_deref() == Some(kind))
    };
    let tasks = observed.tasks.values().flat_map(|tasks| &tasks.tasks);
    tasks.filter(|task| task.last_status == "RUNNING" && task.container_instance.as_ref().is_some_and(of_kind)).count()
}

fn short_of(kinds: &[&str], specs: Specs) -> Miniature {
    let mut mini = Miniature::empty(specs);
    mini.faults.short.extend(kinds.iter().map(|kind| (*kind).to_owned()));
    mini
}

fn passes(mini: &mut Miniature, count: usize) {
    for _ in 0..count {
        mini.pass();
    }
}

#[test]
fn replicas_that_ec2_has_no_instance_for_go_to_the_next_type_and_stay_there() {
    let mut mini = short_of(&[SMALL], fleet());
    mini.until(|mini| mini.running_tasks() == 4 && mini.plan().is_settled());
    assert_eq!((running_on(&mini.observed, SMALL), running_on(&mini.observed, LARGE)), (0, 4), "{}", mini.log);
    mini.faults.short.clear();
    mini.log.clear();
    passes(&mut mini, 60);
    assert_eq!(running_on(&mini.observed, LARGE), 4, "capacity that is back moves nothing\n{}", mini.log);
    set(&mut mini.specs.services[0], "/spec/replicas", json!(5));
    mini.until(|mini| mini.running_tasks() == 5 && mini.plan().is_settled());
    assert_eq!(running_on(&mini.observed, SMALL), 1, "what is new gets the type that is preferred\n{}", mini.log);
}

#[test]
fn what_runs_on_a_type_that_is_short_stays_and_only_what_is_missing_goes() {
    let mut mini = Miniature::running(fleet().edit_service("/spec/replicas", json!(2)));
    assert_eq!(running_on(&mini.observed, SMALL), 2);
    mini.faults.short.insert(SMALL.to_owned());
    set(&mut mini.specs.services[0], "/spec/replicas", json!(4));
    mini.until(|mini| mini.running_tasks() == 4 && mini.plan().is_settled());
    assert_eq!((running_on(&mini.observed, SMALL), running_on(&mini.observed, LARGE)), (2, 2), "{}", mini.log);
}

#[test]
fn where_every_type_is_short_replicas_stay_where_they_wait_and_come_when_there_is_room() {
    let mut mini = short_of(&[SMALL, LARGE], fleet());
    passes(&mut mini, 8);
    let settled = mini.plan();
    assert_eq!(text(&settled.steps), "", "{}", mini.log);
    mini.faults.short.remove(LARGE);
    mini.until(|mini| mini.running_tasks() == 4 && mini.plan().is_settled());
    assert_eq!(running_on(&mini.observed, LARGE), 4, "{}", mini.log);
}

#[test]
fn a_service_that_fits_nowhere_else_keeps_asking() {
    let specs = on_groups(&[LARGE, SMALL]).edit_service("/spec/devices", json!(12));
    let mut mini = short_of(&[LARGE], specs);
    passes(&mut mini, 30);
    let asked: i32 = mini.observed.all_services().map(|found| found.settings.desired_count.unwrap()).sum();
    assert_eq!(asked, 2, "ECS still asks for instances: {}\n{}", waits(&mini.plan()), mini.log);
    mini.faults.short.clear();
    mini.until(|mini| mini.missing() == 0 && mini.running_tasks() > 0);
}
