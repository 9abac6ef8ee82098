//! The reviewer bites: every rule is shown a plan that breaks it.

use axon_core::check::{Rule, check};
use axon_core::observe::{ProviderStatus, StandaloneTask, Task};
use axon_core::observed::{Listing, Observed};
use axon_core::ownership;
use axon_core::plan::{Limits, Plan, Prune, PruneLimits, Writes};
use axon_core::roles::RoleRules;
use axon_core::step::{Action, Cause, Resource, Step};
use serde_json::json;

use super::fixture::{NOW, Specs, converged, empty_account, installation, key, llama, plan_once, world};

fn rules(specs: &Specs, observed: &Observed, limits: &Limits, steps: Vec<Step>) -> Vec<Rule> {
    let (installation, desired) = (installation(), specs.desired());
    let plan = Plan { steps, ..Plan::default() };
    check(world(&installation, &desired, observed), limits, &plan).into_iter().map(|violation| violation.rule).collect()
}

fn limits() -> Limits {
    Limits::fresh(NOW, Prune::Enabled)
}

fn step(resource: Resource, action: Action, cause: Cause) -> Step {
    Step { object: key("NeuronService", "llama"), resource, action, because: vec![cause] }
}

fn delete_llama(cause: Cause) -> Step {
    let resource = Resource::Service { cluster: "ml".into(), name: "llama".into() };
    step(resource, Action::DeleteService { cluster: "ml".into(), service: "llama".into() }, cause)
}

fn create(observed: &Observed) -> Vec<Step> {
    plan_once(&Specs::default().desired(), observed, Prune::Enabled).steps
}

#[test]
fn a_declared_service_may_not_be_deleted() {
    let broken = rules(&Specs::default(), &converged(), &limits(), vec![delete_llama(Cause::NotDeclared)]);
    assert_eq!(broken, [Rule::NothingDeclaredIsDeleted]);
}

#[test]
fn nothing_is_pruned_against_the_rules() {
    let without = Specs { services: vec![], ..Specs::default() };
    let limits = Limits::fresh(NOW, Prune::Disabled);
    let broken = rules(&without, &converged(), &limits, vec![delete_llama(Cause::NotDeclared)]);
    assert_eq!(broken, [Rule::PruneAllowed]);
}

#[test]
fn no_more_is_pruned_at_once_than_is_allowed() {
    let without = Specs { services: vec![], ..Specs::default() };
    let nothing = Specs { clusters: vec![super::fixture::cluster("other")], pools: vec![], services: vec![] };
    let mut limits = limits();
    let delete = || vec![delete_llama(Cause::NotDeclared)];
    limits.prune_limits = PruneLimits { max_objects: Some(0), max_percent: None };
    assert_eq!(rules(&without, &converged(), &limits, delete()), [Rule::PruneLimited]);
    limits.prune_limits = PruneLimits { max_objects: Some(1), max_percent: Some(0) };
    assert_eq!(rules(&without, &converged(), &limits, delete()), [], "a single one may go");
    // 2 of 3 objects.
    let cluster = Specs { pools: vec![], services: vec![], ..Specs::default() };
    limits.prune_limits = PruneLimits { max_objects: None, max_percent: Some(66) };
    assert_eq!(rules(&cluster, &converged(), &limits, delete()), [Rule::PruneLimited]);
    limits.prune_limits.max_percent = Some(67);
    assert_eq!(rules(&cluster, &converged(), &limits, delete()), []);
    // 3 of 4 objects.
    limits.prune_limits = PruneLimits { max_objects: None, max_percent: Some(74) };
    assert_eq!(rules(&nothing, &converged(), &limits, delete()), [Rule::PruneLimited]);
    limits.prune_limits.max_percent = Some(75);
    assert_eq!(rules(&nothing, &converged(), &limits, delete()), []);
}

#[test]
fn what_carries_our_id_and_names_no_object_is_none_of_those_that_go() {
    let without = Specs { services: vec![], ..Specs::default() };
    let mut limits = limits();
    limits.prune_limits = PruneLimits { max_objects: Some(1), max_percent: None };
    let with = |tag: &str, value: &str| {
        let mut observed = converged();
        let mut other = llama(&mut observed).clone();
        other.name = "other".into();
        other.tags.insert(tag.into(), value.into());
        observed.services.get_mut("ml").unwrap().put(other.name.clone(), other);
        rules(&without, &observed, &limits, vec![delete_llama(Cause::NotDeclared)])
    };
    assert_eq!(with(ownership::NAME, "other"), [Rule::PruneLimited]);
    assert_eq!(with(ownership::NAME, "no name"), []);
    assert_eq!(with(ownership::KIND, "NeuronMystery"), []);
}

#[test]
fn a_revision_is_counted_once_the_last_task_that_runs_it_has_stopped() {
    let without = Specs { services: vec![], ..Specs::default() };
    let mut limits = limits();
    limits.prune_limits = PruneLimits { max_objects: Some(1), max_percent: None };
    let with = |last_status: &str| {
        let mut observed = converged();
        let mut revision = observed.task_definitions.iter().next().unwrap().clone();
        revision.arn = "arn:aws:ecs:us-east-1:111122223333:task-definition/axon-train:1".into();
        revision.tags.extend(ownership::ownership_tags(&installation(), &key("NeuronJob", "train")));
        let task = standalone(&revision.arn, last_status);
        observed.task_definitions.put(revision.arn.clone(), revision);
        observed.standalone.insert("ml".into(), Listing::Read([(task.task.arn.clone(), task)].into()));
        rules(&without, &observed, &limits, vec![delete_llama(Cause::NotDeclared)])
    };
    assert_eq!(with("RUNNING"), []);
    assert_eq!(with("STOPPED"), [Rule::PruneLimited]);
}

fn standalone(task_definition: &str, last_status: &str) -> StandaloneTask {
    let task = Task {
        task_definition: task_definition.into(),
        last_status: last_status.into(),
        ..super::group_fixture::task("arn:aws:ecs:us-east-1:111122223333:task/ml/1", "i-1", NOW)
    };
    StandaloneTask { group: "train".into(), cluster: "ml".into(), task }
}

#[test]
fn what_was_adopted_is_not_pruned() {
    let without = Specs { services: vec![], ..Specs::default() };
    let mut observed = converged();
    llama(&mut observed).tags.insert(axon_core::ownership::ADOPTED.into(), "true".into());
    assert_eq!(rules(&without, &observed, &limits(), vec![delete_llama(Cause::NotDeclared)]), [Rule::PruneAllowed]);
}

#[test]
fn a_stranger_s_service_may_not_be_deleted() {
    let without = Specs { services: vec![], ..Specs::default() };
    let mut observed = converged();
    llama(&mut observed).tags.clear();
    let broken = rules(&without, &observed, &limits(), vec![delete_llama(Cause::NotDeclared)]);
    assert_eq!(broken, [Rule::OnlyOurs]);
}

#[test]
fn two_steps_on_one_resource_are_one_too_many() {
    let mut steps = create(&empty_account());
    steps.push(steps[0].clone());
    assert_eq!(rules(&Specs::default(), &empty_account(), &limits(), steps), [Rule::OneStepPerResource]);
}

#[test]
fn nothing_is_created_twice_or_on_a_guess() {
    let steps = create(&empty_account());
    assert_eq!(rules(&Specs::default(), &converged(), &limits(), steps.clone()), [Rule::NoDuplicate]);
    assert_eq!(rules(&Specs::default(), &Observed::default(), &limits(), steps), [Rule::NothingUnread]);
}

#[test]
fn what_is_created_carries_our_mark() {
    let mut steps = create(&empty_account());
    let Action::CreateCluster(request) = &mut steps[0].action else { panic!() };
    request.tags.clear();
    assert_eq!(rules(&Specs::default(), &empty_account(), &limits(), steps), [Rule::CreatedTagged]);
}

#[test]
fn a_service_needs_an_active_provider_and_an_active_revision() {
    let mut observed = converged();
    observed.services.get_mut("ml").unwrap().remove("llama");
    let steps = create(&observed);
    let name = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    let mut broken = observed.clone();
    broken.providers.get_mut("ml").unwrap().get_mut(&name).unwrap().status = ProviderStatus::Provisioning;
    assert_eq!(rules(&Specs::default(), &broken, &limits(), steps.clone()), [Rule::ProvidersActive]);
    let arn = observed.task_definitions.iter().next().unwrap().arn.clone();
    observed.task_definitions.remove(&arn);
    assert_eq!(rules(&Specs::default(), &observed, &limits(), steps), [Rule::RevisionActive]);
}

#[test]
fn a_provider_in_use_may_not_be_deleted() {
    let name = Specs::default().desired().pools["inf2"].providers()[0].name.clone();
    let action = Action::DeleteCapacityProvider { name: name.clone(), cluster: Some("ml".into()) };
    let deletion = step(Resource::CapacityProvider(name), action, Cause::NotDeclared);
    let without = Specs { services: vec![], pools: vec![], ..Specs::default() };
    assert_eq!(rules(&without, &converged(), &limits(), vec![deletion]), [Rule::ProviderUnused]);
}

#[test]
fn a_running_revision_may_not_be_deregistered() {
    let observed = converged();
    let arn = observed.task_definitions.iter().next().unwrap().arn.clone();
    let action = Action::DeregisterTaskDefinition { arn };
    let steps = vec![step(Resource::TaskDefinition("ml-llama".into()), action, Cause::BeyondHistory { limit: 1 })];
    assert_eq!(rules(&Specs::default(), &observed, &limits(), steps), [Rule::NothingDeclaredIsDeleted]);
}

#[test]
fn nothing_is_written_while_writing_is_off_or_the_object_suspended() {
    let mut off = limits();
    off.writes = Writes::ReadOnly;
    assert_eq!(rules(&Specs::default(), &empty_account(), &off, create(&empty_account())), [Rule::WritesAllowed]);
    let suspended = Specs::default().edit_cluster("/metadata/annotations", json!({"neuron.ecs/suspend": "true"}));
    assert_eq!(rules(&suspended, &empty_account(), &limits(), create(&empty_account())), [Rule::NotSuspended]);
}

#[test]
fn a_resource_in_flight_is_not_written() {
    let steps = create(&empty_account());
    let mut busy = limits();
    busy.in_flight.insert(steps[0].resource.clone(), steps[0].clone());
    assert_eq!(rules(&Specs::default(), &empty_account(), &busy, steps), [Rule::NotInFlight]);
}

#[test]
fn no_role_is_passed_that_the_operator_does_not_allow_whatever_the_planner_says() {
    let (specs, observed) = (Specs::default(), empty_account());
    let steps = || {
        axon_core::preview::preview(world(&installation(), &specs.desired(), &observed), &limits())
            .rounds
            .into_iter()
            .flatten()
            .filter(|step| step.action.operation() == "CreateCapacityProvider")
            .collect::<Vec<_>>()
    };
    let broken = |roles: &[&str]| {
        let mut limits = limits();
        limits.roles = RoleRules::only(roles.iter().map(|role| role.parse().unwrap()).collect());
        rules(&specs, &observed, &limits, steps()).contains(&Rule::RolesAllowed)
    };
    assert_eq!(steps().len(), 1);
    assert!(broken(&[]));
    assert!(broken(&["arn:aws:iam::111122223333:role/ecsInfrastructureRole"]), "the instance profile is passed too");
    assert!(!broken(&[
        "arn:aws:iam::111122223333:role/ecs*",
        "arn:aws:iam::*:instance-profile/ecsInstanceRole-neuron"
    ]));
}
