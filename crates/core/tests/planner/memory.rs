//! What a state learns from sweeps and outcomes, and what it refuses to conclude.

use std::collections::BTreeMap;

use axon_core::cloud::{CloudError, Ec2Sweep, Effect, ErrorClass, Sweep};
use axon_core::observe::{Cluster, ClusterStatus};
use axon_core::observed::Observed;
use axon_core::ownership::{Tags, ownership_tags};
use axon_core::plan::Prune;
use axon_core::spec::Completeness;
use axon_core::state::{Ended, Event, Pruning, Specified, State};
use axon_core::step::{Action, Step};
use jiff::{Timestamp, ToSpan as _};

use super::fixture::{NOW, Specs, converge, converged, empty_account, ignorant, installation, key, llama, sweep, text};
use super::group_fixture::{first_group, on_groups, register, task};

fn state(specs: &Specs, pruning: Pruning) -> State {
    let mut state = ignorant(pruning);
    specify(&mut state, specs, Completeness::Complete);
    state
}

fn specify(state: &mut State, specs: &Specs, completeness: Completeness) {
    let specified = Specified { revision: "main@sha1:1".into(), desired: specs.desired(), completeness };
    state.fold(Event::Specified(Box::new(specified)));
}

fn swept(state: &mut State, observed: &Observed, started: Timestamp) {
    state.fold(Event::Swept(Box::new(sweep(observed, started))));
}

fn end(state: &mut State, step: Step, result: Result<Effect, CloudError>, at: Timestamp) {
    let ended = Ended { step, result, at, not_before: at + 10.seconds() };
    state.fold(Event::Ended(Box::new(ended)));
}

fn steps(state: &mut State, now: Timestamp) -> Vec<Step> {
    let (plan, violations) = state.plan(now);
    assert_eq!(violations, []);
    plan.steps
}

fn made(name: &str) -> Effect {
    Effect::Cluster(Box::new(Cluster {
        capacity_providers: Vec::new(),
        default_strategy: Vec::new(),
        attachments_status: None,
        name: name.into(),
        arn: format!("cluster/{name}"),
        status: ClusterStatus::Active,
        settings: [("containerInsights".to_owned(), "disabled".to_owned())].into(),
        configuration: None,
        service_connect_namespace: None,
        tags: ownership_tags(&installation(), &key("NeuronCluster", name)),
        registered_instances: 0,
    }))
}

fn error(class: ErrorClass) -> CloudError {
    CloudError { class, operation: "CreateCluster", code: "Code".into(), message: "message".into(), request_id: None }
}

#[test]
fn a_sweep_that_began_before_an_outcome_does_not_undo_it() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &empty_account(), NOW);
    let create = steps(&mut state, NOW).remove(0);
    end(&mut state, create, Ok(made("ml")), NOW + 5.seconds());
    swept(&mut state, &empty_account(), NOW + 4.seconds());
    assert!(state.observed().clusters.get("ml").is_some());
    swept(&mut state, &empty_account(), NOW + 6.seconds());
    assert!(state.observed().clusters.get("ml").is_none());
    assert_eq!(steps(&mut state, NOW + 7.seconds()), [], "a fresh reading may lag: nothing is created twice");
}

#[test]
fn what_another_process_has_made_shows_although_a_call_of_our_own_has_just_failed() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &empty_account(), NOW);
    let create = steps(&mut state, NOW).remove(0);
    end(&mut state, create, Err(error(ErrorClass::Throttled)), NOW + 5.seconds());
    swept(&mut state, &converged(), NOW + 4.seconds());
    assert!(state.observed().clusters.get("ml").is_some());
}

#[test]
fn a_failed_reading_makes_nothing_absent() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &converged(), NOW);
    assert_eq!(steps(&mut state, NOW), []);
    let mut broken = sweep(&empty_account(), NOW + 1.minute());
    broken.clusters = Err(error(ErrorClass::Transient));
    broken.task_definitions = Some(Err(error(ErrorClass::Transient)));
    broken.services.insert("ml".into(), Err(error(ErrorClass::Throttled)));
    broken.providers.insert("ml".into(), Err(error(ErrorClass::Denied)));
    state.fold(Event::Swept(Box::new(broken)));
    assert_eq!(steps(&mut state, NOW + 2.minutes()), []);
    assert_eq!(state.sweep_errors().len(), 4);
}

#[test]
fn an_ambiguous_outcome_is_not_repeated_before_readings_can_show_it() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &empty_account(), NOW);
    let create = steps(&mut state, NOW).remove(0);
    end(&mut state, create, Err(error(ErrorClass::Ambiguous)), NOW);
    swept(&mut state, &empty_account(), NOW + 20.seconds());
    assert_eq!(steps(&mut state, NOW + 20.seconds()), []);
    swept(&mut state, &empty_account(), NOW + 40.seconds());
    assert_eq!(text(&steps(&mut state, NOW + 40.seconds())), "CreateCluster cluster ml\n");
}

#[test]
fn an_accepted_creation_is_waited_for_as_long_as_readings_may_lag() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &empty_account(), NOW);
    let create = steps(&mut state, NOW).remove(0);
    end(&mut state, create, Ok(made("ml")), NOW);
    swept(&mut state, &empty_account(), NOW + 4.minutes());
    assert!(!text(&steps(&mut state, NOW + 4.minutes())).contains("CreateCluster"));
    swept(&mut state, &empty_account(), NOW + 6.minutes());
    assert!(text(&steps(&mut state, NOW + 6.minutes())).contains("CreateCluster"));
}

#[test]
fn throttling_does_not_count_as_a_failure_and_other_errors_do() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &empty_account(), NOW);
    let create = steps(&mut state, NOW).remove(0);
    end(&mut state, create.clone(), Err(error(ErrorClass::Throttled)), NOW);
    assert_eq!(state.attempts(&create), 0);
    end(&mut state, create.clone(), Err(error(ErrorClass::Transient)), NOW);
    end(&mut state, create.clone(), Err(error(ErrorClass::Transient)), NOW);
    assert_eq!(state.attempts(&create), 2);
    assert_eq!(state.next_retry(), Some(NOW + 10.seconds()));
}

#[test]
fn an_answer_without_tags_does_not_make_a_resource_foreign() {
    let changed = Specs::default().edit_cluster("/spec/containerInsights", serde_json::json!("Enabled"));
    let mut state = state(&changed, Pruning::On);
    swept(&mut state, &converged(), NOW);
    let update = steps(&mut state, NOW).remove(0);
    let Effect::Cluster(mut answer) = made("ml") else { panic!() };
    answer.tags = Tags::new();
    end(&mut state, update, Ok(Effect::Cluster(answer)), NOW + 1.second());
    assert!(!state.observed().clusters.get("ml").unwrap().tags.is_empty());
}

#[test]
fn an_incomplete_or_empty_specification_prunes_nothing() {
    let without = Specs { services: vec![], ..Specs::default() };
    let mut state = state(&without, Pruning::On);
    swept(&mut state, &converged(), NOW);
    assert_eq!(text(&steps(&mut state, NOW)), "DeleteService service ml/llama\n");
    specify(&mut state, &without, Completeness::Partial);
    assert_eq!(steps(&mut state, NOW), []);
    specify(&mut state, &Specs { clusters: vec![], pools: vec![], services: vec![] }, Completeness::Complete);
    assert_eq!(steps(&mut state, NOW), []);
}

#[test]
fn a_revision_on_which_a_service_was_put_lately_stays_while_readings_may_lag() {
    let mut state = state(&Specs::default(), Pruning::On);
    let mut observed = converged();
    observed.services.get_mut("ml").unwrap().remove("llama");
    swept(&mut state, &observed, NOW);
    let [create] = steps(&mut state, NOW).try_into().unwrap();
    assert_eq!(create.action.operation(), "CreateService");
    end(&mut state, create, Ok(Effect::Done), NOW + 1.second());
    specify(&mut state, &Specs { services: vec![], ..Specs::default() }, Completeness::Complete);
    // It does not show the service yet.
    swept(&mut state, &observed, NOW + 2.seconds());
    assert_eq!(steps(&mut state, NOW + 4.minutes()), []);
    assert_eq!(text(&steps(&mut state, NOW + 6.minutes())), "DeregisterTaskDefinition task definition ml-llama\n");
}

/// Carries out what is planned until nothing is; `answer` is AWS's.
fn carry_out(state: &mut State, at: Timestamp, answer: impl Fn(&Step) -> Result<Effect, CloudError>) {
    for _ in 0..10 {
        for step in steps(state, at) {
            let result = answer(&step);
            end(state, step, result, at);
        }
    }
}

#[test]
fn of_revisions_on_which_a_service_was_put_in_quick_succession_only_those_stay_that_it_may_still_get() {
    let mut state = state(&Specs::default(), Pruning::On);
    swept(&mut state, &converged(), NOW);
    for version in 2..=7 {
        let image = format!("app:{version}").into();
        let specs = Specs::default().edit_service("/spec/template/containers/0/image", image);
        specify(&mut state, &specs, Completeness::Complete);
        carry_out(&mut state, NOW + version.seconds(), |step| match step.action {
            Action::UpdateService(_) if version == 2 => Err(error(ErrorClass::Ambiguous)),
            _ => Ok(Effect::Done),
        });
    }
    let revisions = &state.observed().task_definitions;
    let mut left: Vec<i32> = revisions.iter().filter(|found| found.active).map(|found| found.revision).collect();
    left.sort_unstable();
    // Three are kept besides the newest, and that of the call whose answer was lost.
    assert_eq!(left, [2, 4, 5, 6, 7]);
}

#[test]
fn nothing_is_pruned_while_pruning_is_off() {
    let without = Specs { services: vec![], ..Specs::default() };
    let mut state = state(&without, Pruning::Off);
    swept(&mut state, &converged(), NOW);
    assert_eq!(steps(&mut state, NOW), []);
}

#[test]
fn records_of_jobs_are_looked_for_once_an_hour_where_there_are_no_jobs() {
    use axon_core::cloud::JobSweep;
    use axon_core::observe::Parameter;
    let found = |records| {
        let mut state = state(&Specs::default(), Pruning::On);
        assert!(state.scope(NOW).jobs.is_none(), "tasks are asked for by cluster");
        swept(&mut state, &converged(), NOW);
        assert!(state.scope(NOW).jobs.is_some(), "an earlier process may have left some");
        let mut sweep = sweep(&converged(), NOW);
        sweep.jobs = Some(JobSweep { records: Some(records), tasks: BTreeMap::new() });
        state.fold(Event::Swept(Box::new(sweep)));
        state
    };
    assert!(found(Ok(vec![])).scope(NOW + 59.minutes()).jobs.is_none());
    assert!(found(Ok(vec![])).scope(NOW + 1.hour()).jobs.is_some(), "another process may have left some");
    let left = Parameter { name: "/axon/axon/jobs/train/1/0.0".into(), value: "{}".into(), written: Some(NOW) };
    assert!(found(Ok(vec![left])).scope(NOW).jobs.is_some(), "until they are gone");
    let denied = found(Err(error(ErrorClass::Denied)));
    assert!(denied.scope(NOW).jobs.is_none(), "an operator without jobs needs no permission");
    assert_eq!(denied.sweep_errors(), []);
    assert!(found(Err(error(ErrorClass::Transient))).scope(NOW).jobs.is_some());
}

#[test]
fn instances_that_were_there_are_asked_for_by_name() {
    let mut state = state(&Specs::default(), Pruning::On);
    let desired = on_groups(&["inf2.24xlarge"]).desired();
    let (mut observed, group) = (super::group_fixture::made(&desired), first_group(&desired));
    register(&mut observed, &group, "i-1", NOW);
    let mut first = sweep(&converged(), NOW);
    first.ec2 = Some(Ec2Sweep {
        providers: Ok(vec![]),
        templates: Ok(vec![]),
        groups: Ok(vec![]),
        machines: Ok(vec![]),
        images: BTreeMap::new(),
        instances: [("ml".to_owned(), Ok(observed.instances["ml"].iter().cloned().collect()))].into(),
        subnets: Ok(BTreeMap::new()),
    });
    state.fold(Event::Swept(Box::new(first)));
    let there = ["container-instance/i-1".to_owned()].into();
    assert_eq!(state.scope(NOW).seen.instances, [("ml".to_owned(), there)].into());
}

#[test]
fn a_steady_world_needs_no_look_into_tasks_or_histories() {
    let mut state = state(&Specs::default(), Pruning::On);
    assert!(
        state.scope(NOW).services.contains(&("ml".into(), "llama".into())),
        "an unknown service is asked for by name"
    );
    swept(&mut state, &converged(), NOW);
    let key = ("ml".to_owned(), "llama".to_owned());
    assert_eq!(state.scope(NOW).tasks_of, [key.clone()].into(), "the first look");
    let mut second = sweep(&converged(), NOW + 1.minute());
    let tasks = vec![task("task/1", "container-instance/i-1", NOW)];
    let instances = std::collections::BTreeMap::new();
    second.tasks.insert(key.clone(), Ok(axon_core::observe::ServiceTasks { tasks, instances }));
    state.fold(Event::Swept(Box::new(second)));
    assert!(state.scope(NOW).tasks_of.is_empty());
    assert_eq!(state.scope(NOW).seen.tasks, [(key, ["task/1".to_owned()].into())].into());
    assert!(state.scope(NOW).history_of.is_empty());
    assert!(state.scope(NOW).services.is_empty());
}

#[test]
fn a_revision_that_may_have_been_registered_is_looked_for_before_another_one_is() {
    let newer = Specs::default().edit_service("/spec/template/containers/0/image", serde_json::json!("vllm:2"));
    for class in [ErrorClass::Ambiguous, ErrorClass::Transient] {
        let mut state = state(&newer, Pruning::On);
        swept(&mut state, &converged(), NOW);
        let [register] = steps(&mut state, NOW).try_into().unwrap();
        assert_eq!(register.action.operation(), "RegisterTaskDefinition");
        end(&mut state, register.clone(), Err(error(class)), NOW + 1.second());
        let hour = NOW + 1.hour();
        assert_eq!(steps(&mut state, hour), [], "{class:?}");
        let unread = Sweep { task_definitions: Some(Err(error(class))), ..sweep(&converged(), hour) };
        state.fold(Event::Swept(Box::new(unread)));
        assert_eq!(steps(&mut state, hour), [], "{class:?}");
        swept(&mut state, &converged(), hour);
        assert_eq!(steps(&mut state, hour), [register], "{class:?}");
    }
}

#[test]
fn a_fingerprint_that_was_just_written_is_pushed_without_asking_what_became_of_it() {
    let bad = Specs::default().edit_service("/spec/template/containers/0/image", serde_json::json!("vllm:bad"));
    let good = llama(&mut converged()).clone();
    let mut observed = converge(&bad.desired(), converged(), Prune::Enabled);
    *llama(&mut observed) = good;
    let mut state = state(&bad, Pruning::On);
    swept(&mut state, &observed, NOW);
    let [mark] = steps(&mut state, NOW).try_into().unwrap();
    end(&mut state, mark, Ok(Effect::Tags), NOW + 2.seconds());
    assert_eq!(text(&steps(&mut state, NOW + 2.seconds())), "UpdateService service ml/llama\n");
    // It may wait for its token while a reading ends that began before.
    swept(&mut state, &observed, NOW + 1.second());
    assert_eq!(text(&steps(&mut state, NOW + 3.seconds())), "UpdateService service ml/llama\n");
    // What was read later could show anything, so AWS is asked.
    let service = state.observed().services["ml"].get("llama").unwrap().clone();
    *llama(&mut observed) = service;
    swept(&mut state, &observed, NOW + 4.seconds());
    assert_eq!(steps(&mut state, NOW + 5.seconds()), []);
    assert!(state.scope(NOW).history_of.contains(&("ml".to_owned(), "llama".to_owned())));
}
