//! Drift that is only reported, and what is left to others.

use std::collections::BTreeMap;

use axon_core::check::check;
use axon_core::cloud::{Effect, Sweep};
use axon_core::judge::{Case, judge};
use axon_core::observed::Observed;
use axon_core::ownership;
use axon_core::plan::{Limits, Plan, Prune};
use axon_core::preview::assume;
use axon_core::shape::service::UpdateService;
use axon_core::spec::Completeness;
use axon_core::state::{Ended, Event, Pruning, Specified, State};
use axon_core::status::{ConditionType, Reason, Truth};
use axon_core::step::Action;
use jiff::ToSpan as _;
use serde_json::{Value, json};

use super::fixture::{
    NOW, Specs, converge, converged, empty_account, empty_ec2_account, group_name, grouped, ignorant, installation,
    key, llama, plan_once, preview_of, set, text, waits, world,
};
use super::miniature::Miniature;

fn report() -> Value {
    json!({"policy": "Report"})
}

/// The small fleet, none of whose drift is corrected.
fn reporting() -> Specs {
    Specs::default()
        .edit_service("/spec/drift", report())
        .edit_pool("/spec/drift", report())
        .edit_cluster("/spec/drift", report())
}

fn ignoring(pointers: &[&str]) -> Specs {
    Specs::default().edit_service("/spec/drift", json!({"ignore": pointers}))
}

fn built(specs: &Specs) -> Observed {
    converge(&specs.desired(), empty_account(), Prune::Enabled)
}

fn planned(specs: &Specs, observed: &Observed) -> Plan {
    plan_once(&specs.desired(), observed, Prune::Enabled)
}

fn update(specs: &Specs, observed: &Observed) -> UpdateService {
    let preview = preview_of(&specs.desired(), observed, Prune::Enabled);
    let updates = preview.steps().filter_map(|step| match &step.action {
        Action::UpdateService(request) => Some(request.clone()),
        _ => None,
    });
    updates.last().unwrap_or_else(|| panic!("{}", text(preview.steps())))
}

#[test]
fn what_is_declared_is_recorded_once_and_then_nothing_is_left_to_do() {
    let observed = built(&reporting());
    assert!(observed.services["ml"].get("llama").is_some(), "what never was is made");
    assert!(planned(&reporting(), &observed).is_settled());
    // Switching over writes tags and nothing else.
    let switched = preview_of(&reporting().desired(), &converged(), Prune::Enabled);
    assert!(switched.steps().all(|step| step.action.operation() == "TagResource"), "{}", text(switched.steps()));
}

#[test]
fn an_edited_field_is_reported_with_both_values_and_not_written() {
    let mut observed = built(&reporting());
    llama(&mut observed).settings.desired_count = Some(7);
    llama(&mut observed).tags.insert("team".into(), "sales".into());
    let plan = planned(&reporting(), &observed);
    assert_eq!(plan.steps, []);
    assert_eq!(
        waits(&plan),
        "NeuronService/llama: somebody changed service ml/llama: /desiredCount is 7, declared is 2; /tags/team is sales, \
         declared is nlp; drift.policy is Report, so it stays until the specification changes\n"
    );
}

#[test]
fn an_object_whose_drift_is_reported_is_ready_and_says_what_differs() {
    let specs = reporting();
    let (installation, desired, mut observed) = (installation(), specs.desired(), built(&specs));
    llama(&mut observed).settings.desired_count = Some(7);
    let plan = planned(&specs, &observed);
    let world = world(&installation, &desired, &observed);
    let case = Case { world, plan: &plan, in_flight: &BTreeMap::new(), now: NOW };
    let status = judge(case, &BTreeMap::new()).remove(&key("NeuronService", "llama")).unwrap();
    assert!(status.is_ready());
    let drifted = status.condition(ConditionType::Drifted).unwrap();
    assert_eq!((drifted.status, drifted.reason), (Truth::True, Reason::DriftDetected));
    assert!(drifted.message.contains("/desiredCount is 7, declared is 2"), "{}", drifted.message);
    assert!(status.condition(ConditionType::Ready).unwrap().message.contains("Drifted"));
}

#[test]
fn a_change_of_the_specification_is_applied_and_brings_the_rest_along() {
    let mut observed = built(&reporting());
    llama(&mut observed).settings.desired_count = Some(7);
    let changed = reporting().edit_service("/spec/executeCommand", json!(true));
    let request = update(&changed, &observed);
    assert_eq!((request.enable_execute_command, request.desired_count), (Some(true), Some(2)));
    let after = converge(&changed.desired(), observed, Prune::Enabled);
    assert!(planned(&changed, &after).is_settled());
    let scaled = reporting().edit_service("/spec/replicas", json!(5));
    assert_eq!(update(&scaled, &built(&reporting())).desired_count, Some(5), "replicas are part of the declaration");
    let labelled = reporting().edit_service("/metadata/labels", json!({"team": "asr"}));
    let retagged = converge(&labelled.desired(), built(&reporting()), Prune::Enabled);
    assert_eq!(retagged.services["ml"].get("llama").unwrap().tags["team"], "asr");
}

#[test]
fn a_service_deleted_by_hand_is_missed_even_by_a_process_that_never_saw_it() {
    let mut observed = built(&reporting());
    observed.services.get_mut("ml").unwrap().remove("llama");
    let plan = planned(&reporting(), &observed);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("somebody removed service ml/llama"), "{}", waits(&plan));
    let changed = reporting().edit_service("/spec/replicas", json!(3));
    let made = preview_of(&changed.desired(), &observed, Prune::Enabled);
    assert!(text(made.steps()).contains("CreateService service ml/llama"), "{}", text(made.steps()));
}

#[test]
fn a_deregistered_revision_is_reported_and_not_registered_anew() {
    let mut observed = built(&reporting());
    let arn = llama(&mut observed).settings.task_definition.clone().unwrap();
    observed.task_definitions.remove(&arn);
    let plan = planned(&reporting(), &observed);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("somebody removed task definition ml-llama"), "{}", waits(&plan));
}

#[test]
fn an_edited_cluster_and_an_edited_provider_are_reported_by_their_pointers() {
    let mut observed = built(&reporting());
    observed.clusters.get_mut("ml").unwrap().settings.insert("containerInsights".into(), "enabled".into());
    let name = reporting().desired().pools["inf2"].providers()[0].name.clone();
    let provider = observed.providers.get_mut("ml").unwrap().get_mut(&name).unwrap();
    provider.managed_instances.as_mut().unwrap().propagate_tags = Some("NONE".into());
    let plan = planned(&reporting(), &observed);
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("/settings/containerInsights is enabled, declared is disabled"), "{}", waits(&plan));
    let field = "/managedInstancesProvider/propagateTags is NONE, declared is CAPACITY_PROVIDER";
    assert!(waits(&plan).contains(field), "{}", waits(&plan));
}

/// A process that has seen the whole account as declared.
fn watching(specs: &Specs, observed: &Observed) -> State {
    let mut state = ignorant(Pruning::On);
    specify(&mut state, specs);
    see(&mut state, observed, 0);
    assert!(state.plan(NOW).0.is_settled());
    state
}

fn specify(state: &mut State, specs: &Specs) {
    let (revision, desired) = ("main@sha1:1".into(), specs.desired());
    state.fold(Event::Specified(Box::new(Specified { revision, desired, completeness: Completeness::Complete })));
}

fn see(state: &mut State, observed: &Observed, minutes: i64) {
    let sweep = Sweep {
        ec2: None,
        jobs: None,
        started: NOW + minutes.minutes(),
        clusters: Ok(observed.clusters.iter().cloned().collect()),
        providers: observed.providers.iter().map(|(k, l)| (k.clone(), Ok(l.iter().cloned().collect()))).collect(),
        services: observed.services.iter().map(|(k, l)| (k.clone(), Ok(l.iter().cloned().collect()))).collect(),
        task_definitions: Some(Ok(observed.task_definitions.iter().cloned().collect())),
        tasks: BTreeMap::new(),
        history: BTreeMap::new(),
        calls: 4,
    };
    state.fold(Event::Swept(Box::new(sweep)));
}

#[test]
fn a_cluster_and_a_provider_removed_by_hand_are_missed_by_the_process_that_saw_them() {
    let without_service = Specs { services: vec![], ..reporting() };
    let observed = built(&without_service);
    let mut state = watching(&without_service, &observed);
    let mut emptied = observed.clone();
    *emptied.providers.get_mut("ml").unwrap() = axon_core::observed::Listing::Read(BTreeMap::new());
    see(&mut state, &emptied, 10);
    let (plan, violations) = state.plan(NOW + 10.minutes());
    assert!(plan.steps.is_empty() && violations.is_empty(), "{}", text(&plan.steps));
    assert!(waits(&plan).contains("somebody removed capacity provider inf2-"), "{}", waits(&plan));
    see(&mut state, &empty_account(), 20);
    let (plan, _) = state.plan(NOW + 20.minutes());
    assert_eq!(plan.steps, []);
    assert!(waits(&plan).contains("somebody removed cluster ml"), "{}", waits(&plan));
}

#[test]
fn what_axon_itself_has_removed_is_made_again_when_it_is_declared_again() {
    let with_pool = Specs { services: vec![], ..reporting() };
    let without_pool = Specs { pools: vec![], services: vec![], ..reporting() };
    let observed = built(&with_pool);
    let mut state = watching(&with_pool, &observed);
    specify(&mut state, &without_pool);
    let (plan, _) = state.plan(NOW);
    assert!(text(&plan.steps).starts_with("DeleteCapacityProvider"), "{}", text(&plan.steps));
    let step = plan.steps[0].clone();
    let ended = Ended { step, result: Ok(Effect::Done), at: NOW, not_before: NOW };
    state.fold(Event::Ended(Box::new(ended)));
    // AWS shows it for a while, mark and all.
    see(&mut state, &observed, 1);
    let (_, _) = state.plan(NOW + 1.minutes());
    let mut emptied = observed.clone();
    *emptied.providers.get_mut("ml").unwrap() = axon_core::observed::Listing::Read(BTreeMap::new());
    see(&mut state, &emptied, 10);
    specify(&mut state, &with_pool);
    let (plan, violations) = state.plan(NOW + 10.minutes());
    assert_eq!(violations, []);
    assert!(text(&plan.steps).starts_with("CreateCapacityProvider"), "{}{}", text(&plan.steps), waits(&plan));
}

#[test]
fn a_service_that_leaves_the_source_and_comes_back_is_made_again_by_a_process_that_saw_neither() {
    let without = Specs { services: vec![], ..reporting() };
    let mut observed = built(&reporting());
    let unmarked = planned(&without, &observed);
    assert_eq!(text(&unmarked.steps), "UntagResource task definition ml-llama\n", "first the mark, then the service");
    unmarked.steps.iter().for_each(|step| assume(&mut observed, step));
    let deleted = planned(&without, &observed);
    assert_eq!(text(&deleted.steps), "DeleteService service ml/llama\n");
    deleted.steps.iter().for_each(|step| assume(&mut observed, step));
    assert_eq!(text(&planned(&reporting(), &observed).steps), "CreateService service ml/llama\n");
}

#[test]
fn an_ecs_service_of_a_packed_one_that_left_the_layout_comes_back_with_it() {
    let specs = grouped()
        .edit_service("/spec/devices", json!(3))
        .edit_service("/spec/replicas", json!(4))
        .edit_service("/spec/drift", report());
    let mut mini = Miniature::running(specs);
    for wanted in [1, 4, 2, 4] {
        set(&mut mini.specs.services[0], "/spec/replicas", json!(wanted));
        mini.until(|mini| mini.running_tasks() == wanted && mini.plan().is_settled());
    }
    assert!(mini.log.contains("UntagResource task definition"), "{}", mini.log);
}

#[test]
fn groups_and_their_templates_are_spared_too() {
    let specs = grouped().edit_pool("/spec/drift", report()).edit_service("/spec/drift", report());
    let mut observed = converge(&specs.desired(), empty_ec2_account(), Prune::Enabled);
    assert!(planned(&specs, &observed).is_settled(), "{}", waits(&planned(&specs, &observed)));
    let name = group_name(&specs);
    observed.groups.get_mut(&name).unwrap().settings.max_size = Some(9);
    let plan = planned(&specs, &observed);
    assert_eq!(text(&plan.steps), "");
    assert!(waits(&plan).contains("/MaxSize is 9, declared is 4"), "{}", waits(&plan));
    let changed = specs.edit_pool("/spec/autoScalingGroup/maxSize", json!(6)).desired();
    let after = converge(&changed, observed, Prune::Enabled);
    assert_eq!(after.groups.get(&name).unwrap().settings.max_size, Some(6));
}

#[test]
fn a_member_left_to_others_is_no_drift_and_updates_do_not_name_it() {
    let specs = ignoring(&["/desiredCount"]);
    let mut observed = built(&specs);
    assert_eq!(llama(&mut observed).settings.desired_count, Some(2), "it is created as declared");
    llama(&mut observed).settings.desired_count = Some(40);
    assert!(planned(&specs, &observed).is_settled());
    let changed = specs.edit_service("/spec/executeCommand", json!(true));
    let request = update(&changed, &observed);
    assert_eq!((request.enable_execute_command, request.desired_count), (Some(true), None));
    let after = converge(&changed.desired(), observed, Prune::Enabled);
    assert_eq!(after.services["ml"].get("llama").unwrap().settings.desired_count, Some(40));
}

#[test]
fn a_member_within_one_that_is_replaced_keeps_what_aws_has() {
    let specs = ignoring(&["/deploymentConfiguration/maximumPercent"]);
    let mut observed = built(&specs);
    llama(&mut observed).settings.deployment_configuration.as_mut().unwrap().maximum_percent = Some(175);
    assert!(planned(&specs, &observed).is_settled());
    let changed = specs.edit_service("/spec/deployment", json!({"minimumHealthyPercent": 50}));
    let configuration = update(&changed, &observed).deployment_configuration.unwrap();
    assert_eq!((configuration.maximum_percent, configuration.minimum_healthy_percent), (Some(175), Some(50)));
}

#[test]
fn a_revision_left_to_others_is_registered_and_not_deployed() {
    let specs = ignoring(&["/taskDefinition"]);
    let mut observed = built(&specs);
    llama(&mut observed).settings.task_definition = Some("task-definition/theirs:4".into());
    assert!(planned(&specs, &observed).is_settled());
    let changed = specs
        .edit_service("/spec/template/containers/0/image", json!("vllm:2"))
        .edit_service("/spec/executeCommand", json!(true));
    assert_eq!(update(&changed, &observed).task_definition, None);
}

#[test]
fn a_tag_left_to_others_is_neither_set_nor_removed() {
    let specs = ignoring(&["/tags/team"]);
    let mut observed = built(&specs);
    assert_eq!(llama(&mut observed).tags["team"], "nlp", "it is created as declared");
    llama(&mut observed).tags.insert("team".into(), "sales".into());
    assert!(planned(&specs, &observed).is_settled());
    llama(&mut observed).tags.remove("team");
    assert!(planned(&specs, &observed).is_settled());
}

#[test]
fn members_of_a_provider_and_of_a_group_are_left_to_others() {
    let specs =
        Specs::default().edit_pool("/spec/drift", json!({"ignore": ["/managedInstancesProvider/propagateTags"]}));
    let mut observed = built(&specs);
    let name = specs.desired().pools["inf2"].providers()[0].name.clone();
    let provider = observed.providers.get_mut("ml").unwrap().get_mut(&name).unwrap();
    provider.managed_instances.as_mut().unwrap().propagate_tags = Some("NONE".into());
    assert!(planned(&specs, &observed).is_settled());
    let changed = specs.edit_pool("/spec/managedInstances/monitoring", json!("Detailed"));
    let plan = planned(&changed, &observed);
    let Action::UpdateCapacityProvider(request) = &plan.steps[0].action else { panic!("{plan:?}") };
    let managed = request.managed_instances_provider.as_ref().unwrap();
    assert_eq!(managed.propagate_tags.as_deref(), Some("NONE"), "the request replaces everything");

    let specs = grouped().edit_pool("/spec/drift", json!({"ignore": ["/MaxSize"]}));
    let mut observed = converge(&specs.desired(), empty_ec2_account(), Prune::Enabled);
    let name = group_name(&specs);
    observed.groups.get_mut(&name).unwrap().settings.max_size = Some(9);
    assert!(planned(&specs, &observed).is_settled(), "{}", text(&planned(&specs, &observed).steps));
}

#[test]
fn a_setting_of_a_cluster_is_left_to_others() {
    let specs = Specs::default().edit_cluster("/spec/drift", json!({"ignore": ["/settings/containerInsights"]}));
    let mut observed = built(&specs);
    observed.clusters.get_mut("ml").unwrap().settings.insert("containerInsights".into(), "enhanced".into());
    assert!(planned(&specs, &observed).is_settled());
}

#[test]
fn the_reviewer_lets_revisions_of_ours_be_marked_and_no_others() {
    let (installation, desired) = (installation(), reporting().desired());
    let mut observed = built(&reporting());
    let arn = llama(&mut observed).settings.task_definition.clone().unwrap();
    observed.task_definitions.get_mut(&arn).unwrap().tags.remove(ownership::DECLARED);
    let limits = Limits::fresh(NOW, Prune::Enabled);
    let plan = planned(&reporting(), &observed);
    assert_eq!(text(&plan.steps), "TagResource task definition ml-llama\n");
    observed.task_definitions.get_mut(&arn).unwrap().tags.clear();
    assert_eq!(check(world(&installation, &desired, &observed), &limits, &plan).len(), 1);
}
