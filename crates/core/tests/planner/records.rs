//! When records of jobs are read, and that nothing of them is kept once they are gone.

use std::collections::BTreeSet;

use axon_core::cloud::{CloudError, Effect, ErrorClass, JobSweep, Sweep};
use axon_core::observe::Parameter;
use axon_core::observed::{Listing, Observed};
use axon_core::state::{Ended, Event, Pruning, Specified, State};
use axon_core::step::{Action, Cause, Resource, Step};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::fixture::{NOW, ignorant, key, sweep};
use super::job_yard::{Yard, job};

const ROOT: &str = "/axon/axon/jobs";

fn record(name: &str) -> Parameter {
    Parameter { name: format!("{ROOT}/{name}"), value: "{}".into(), written: Some(NOW) }
}

/// Ends of so many runs of a job that nobody declares.
fn ends(number: usize) -> Vec<Parameter> {
    (0..number).map(|run| record(&format!("old/{run}/end"))).collect()
}

/// A reading of an account whose records were read, or were not asked for.
fn read(observed: &Observed, started: Timestamp, records: Option<Vec<Parameter>>) -> Event {
    let tasks = observed.standalone.iter().map(|(k, l)| (k.clone(), Ok(l.iter().cloned().collect())));
    let jobs = JobSweep { records: records.map(Ok), tasks: tasks.collect() };
    Event::Swept(Box::new(Sweep { jobs: Some(jobs), ..sweep(observed, started) }))
}

/// A yard whose job runs, and a state that has read all of it and so many records besides, at [`NOW`].
fn state_with(records: usize) -> (Yard, State) {
    let mut yard = Yard::managed(vec![job("train", "inf2", &[])]);
    yard.go();
    let mut state = ignorant(Pruning::On);
    let specified = Specified { desired: yard.desired(), ..Specified::default() };
    state.fold(Event::Specified(Box::new(specified)));
    let all = own(&yard).into_iter().chain(ends(records)).collect();
    state.fold(read(&yard.observed, NOW, Some(all)));
    (yard, state)
}

fn own(yard: &Yard) -> Vec<Parameter> {
    yard.observed.records.iter().cloned().collect()
}

/// Whether the next sweep reads records.
fn reads(state: &State, at: Timestamp) -> bool {
    state.scope(at).jobs.is_some_and(|jobs| jobs.records.is_some())
}

fn put(name: &str) -> Step {
    let name = format!("{ROOT}/{name}");
    Step {
        object: key("NeuronJob", "train"),
        resource: Resource::Parameter(name.clone()),
        action: Action::PutParameter { name, value: "{}".into() },
        because: vec![Cause::Missing],
    }
}

fn end(state: &mut State, step: Step, result: Result<Effect, CloudError>, at: Timestamp) {
    state.fold(Event::Ended(Box::new(Ended { step, result, at, not_before: at + 10.seconds() })));
}

fn refused(class: ErrorClass) -> CloudError {
    let code = "ParameterAlreadyExists".into();
    CloudError { class, operation: "PutParameter", code, message: "it exists".into(), request_id: None }
}

#[test]
fn records_are_read_as_seldom_as_they_are_many() {
    for (others, seconds) in [(0, 1), (97, 10), (200, 21), (5_000, 45)] {
        let (_, state) = state_with(others);
        assert!(!reads(&state, NOW + seconds.seconds() - 1.millisecond()), "{others} others");
        assert!(reads(&state, NOW + seconds.seconds()), "{others} others");
    }
}

#[test]
fn ends_of_the_runs_that_are_wanted_now_are_asked_for_by_name() {
    let schedule = [("/spec/schedule", json!({"cron": "0 2 * * *"}))];
    let yard = Yard::managed(vec![job("train", "inf2", &[]), job("nightly", "inf2", &schedule)]);
    let mut state = ignorant(Pruning::On);
    let desired = yard.desired();
    let run = desired.jobs.values().find(|job| job.object.name.as_str() == "train").unwrap().run.clone();
    state.fold(Event::Specified(Box::new(Specified { desired, ..Specified::default() })));
    let two = "2026-09-12T02:00:00Z".parse::<Timestamp>().unwrap();
    let expected = ["nightly/20260912T020000Z", &format!("train/{run}")].map(|run| format!("{ROOT}/{run}/end"));
    assert_eq!(Vec::from_iter(state.scope(two + 23.hours()).jobs.unwrap().ends), expected);
}

#[test]
fn tasks_of_jobs_are_read_with_every_sweep_and_records_stay_known_meanwhile() {
    let (yard, mut state) = state_with(500);
    let scope = state.scope(NOW + 5.seconds()).jobs.unwrap();
    assert_eq!((scope.records, scope.tasks_of.len()), (None, 1));
    let before = state.observed().records.clone();
    state.fold(read(&yard.observed, NOW + 5.seconds(), None));
    assert_eq!(state.observed().records, before);
    assert!(!reads(&state, NOW + 44.seconds()), "a sweep without records is no reading of them");
    assert!(reads(&state, NOW + 45.seconds()));
}

#[test]
fn tasks_of_jobs_that_were_there_are_asked_for_by_name() {
    let (yard, state) = state_with(0);
    let there: BTreeSet<String> = yard.observed.standalone["ml"].iter().map(|found| found.task.arn.clone()).collect();
    assert!(!there.is_empty());
    assert_eq!(state.scope(NOW).seen.standalone, [("ml".to_owned(), there)].into());
}

#[test]
fn a_record_that_somebody_else_has_written_is_read_at_once() {
    let (yard, mut state) = state_with(500);
    end(&mut state, put("train/1/0.0"), Err(refused(ErrorClass::Throttled)), NOW + 2.seconds());
    assert!(!reads(&state, NOW + 3.seconds()), "nothing is known to be there that was not");
    end(&mut state, put("train/1/0.0"), Err(refused(ErrorClass::Conflict)), NOW + 2.seconds());
    assert!(reads(&state, NOW + 3.seconds()));
    state.fold(read(&yard.observed, NOW + 2.seconds(), Some(own(&yard).into_iter().chain(ends(500)).collect())));
    assert!(reads(&state, NOW + 4.seconds()), "that reading may have begun before it was written");
    state.fold(read(&yard.observed, NOW + 4.seconds(), Some(own(&yard).into_iter().chain(ends(500)).collect())));
    assert!(!reads(&state, NOW + 5.seconds()));
}

#[test]
fn records_are_read_while_a_task_runs_that_has_none() {
    let (mut yard, mut state) = state_with(500);
    let Listing::Read(tasks) = yard.observed.standalone.get_mut("ml").unwrap() else { panic!("not read") };
    let mut other = tasks.values().next().unwrap().clone();
    other.task.arn.push('2');
    other.group = other.group.replace("/0.0", "/0.1");
    tasks.insert(other.task.arn.clone(), other.clone());
    state.fold(read(&yard.observed, NOW + 5.seconds(), None));
    assert!(reads(&state, NOW + 6.seconds()), "another process has written its record");
    let Listing::Read(tasks) = yard.observed.standalone.get_mut("ml").unwrap() else { panic!("not read") };
    tasks.get_mut(&other.task.arn).unwrap().task.last_status = "STOPPED".into();
    state.fold(read(&yard.observed, NOW + 6.seconds(), None));
    assert!(!reads(&state, NOW + 7.seconds()), "records of a run that is over go before ECS forgets its tasks");
}

#[test]
fn records_that_could_not_be_read_are_asked_for_again() {
    let (yard, mut state) = state_with(500);
    for class in [ErrorClass::Transient, ErrorClass::Denied] {
        let mut failed = read(&yard.observed, NOW + 45.seconds(), None);
        if let Event::Swept(sweep) = &mut failed {
            sweep.jobs.as_mut().unwrap().records = Some(Err(refused(class)));
        }
        state.fold(failed);
        assert!(reads(&state, NOW + 46.seconds()));
        assert_eq!(state.sweep_errors().len(), 1);
        assert_eq!(state.observed().records.iter().count(), own(&yard).len() + 500, "they are not gone");
    }
}

#[test]
fn nothing_is_remembered_of_records_that_are_gone() {
    let (yard, mut state) = state_with(0);
    let (made, failed, name) = ("train/1/0.0", "train/1/7.7", format!("{ROOT}/train/1/0.0"));
    let parameter = Parameter { name: name.clone(), value: "{}".into(), written: None };
    end(&mut state, put(made), Ok(Effect::Parameter(parameter)), NOW + 1.second());
    end(&mut state, put(failed), Err(refused(ErrorClass::Conflict)), NOW + 1.second());
    let delete = Step { action: Action::DeleteParameters { names: vec![name] }, ..put(made) };
    end(&mut state, delete, Ok(Effect::Done), NOW + 2.seconds());
    let known = |state: &State| [made, failed].map(|name| format!("{state:?}").contains(name));
    assert_eq!(known(&state), [true, true]);
    state.fold(read(&yard.observed, NOW + 2.hours(), Some(own(&yard))));
    assert_eq!(known(&state), [false, false]);
}
