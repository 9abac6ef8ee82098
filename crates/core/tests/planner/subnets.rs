//! Subnets of pools: what is known of their zones, and what is not done with those that do not exist.

use std::collections::BTreeMap;

use axon_core::cloud::{CloudError, Ec2Sweep, Effect, ErrorClass, Reading, Sweep};
use axon_core::desired::Desired;
use axon_core::observe::SubnetAnswer;
use axon_core::observed::Observed;
use axon_core::plan::Prune;
use axon_core::shape::scaling_group::CreateAutoScalingGroup;
use axon_core::spec::Completeness;
use axon_core::state::{Ended, Event, Pruning, Specified, State};
use axon_core::status::{ConditionType, Reason, Status, Truth};
use axon_core::step::{Action, Cause, Resource, Step};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::fixture::{NOW, Specs, ignorant, key, plan_once, text, waits};
use super::group_fixture::{edit_group, first_group, made, on_groups, on_halves};
use super::judgement::status_of;

const BOTH: [&str; 2] = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"];

fn found(zone: &str) -> SubnetAnswer {
    SubnetAnswer::Found { zone: zone.into() }
}

fn answers(zones: [SubnetAnswer; 2]) -> BTreeMap<String, SubnetAnswer> {
    BOTH.map(str::to_owned).into_iter().zip(zones).collect()
}

/// Everything but the group exists.
fn without_group(desired: &Desired) -> Observed {
    let mut observed = made(desired);
    observed.groups.remove(&first_group(desired).name);
    observed
}

fn pool(desired: &Desired, observed: &Observed) -> Status {
    status_of(desired, observed, &key("NeuronPool", "inf2"))
}

#[test]
fn no_group_is_made_in_a_subnet_that_does_not_exist_and_the_pool_names_it() {
    let desired = on_groups(&["inf2.xlarge"]).desired();
    let mut observed = without_group(&desired);
    observed.subnets = answers([found("us-east-1a"), SubnetAnswer::Missing]);
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    assert!(!text(&plan.steps).contains("AutoScalingGroup"), "{}", text(&plan.steps));
    assert!(
        waits(&plan).contains("NeuronPool/inf2: EC2 does not know subnet-1a1b2c3d in this account"),
        "{}",
        waits(&plan)
    );
    let status = pool(&desired, &observed);
    let stalled = status.condition(ConditionType::Stalled).unwrap();
    assert_eq!(stalled.reason, Reason::SubnetMissing);
    assert!(stalled.message.contains("subnet-1a1b2c3d") && !stalled.message.contains("subnet-0a1b2c3d"));

    observed.subnets = answers([found("us-east-1a"), found("us-east-1b")]);
    let plan = plan_once(&desired, &observed, Prune::Enabled);
    assert!(text(&plan.steps).starts_with("CreateAutoScalingGroup"), "{}", text(&plan.steps));
}

#[test]
fn subnets_of_which_nothing_is_known_keep_nobody_waiting() {
    let desired = on_groups(&["inf2.xlarge"]).desired();
    let plan = plan_once(&desired, &without_group(&desired), Prune::Enabled);
    assert!(text(&plan.steps).starts_with("CreateAutoScalingGroup"), "{}", text(&plan.steps));
}

#[test]
fn a_group_keeps_its_subnets_while_a_new_one_does_not_exist() {
    let before = on_groups(&["inf2.xlarge"]).desired();
    let mut observed = made(&before);
    observed.subnets = answers([found("us-east-1a"), found("us-east-1b")]);
    observed.subnets.insert("subnet-typo".into(), SubnetAnswer::Missing);
    let subnets = json!(["subnet-0a1b2c3d", "subnet-typo"]);
    let after = edit_group(on_groups(&["inf2.xlarge"]), "subnets", subnets).desired();
    let plan = plan_once(&after, &observed, Prune::Enabled);
    assert_eq!(text(&plan.steps), "");
    assert!(waits(&plan).contains("EC2 does not know subnet-typo"), "{}", waits(&plan));

    // A subnet that has gone under a group is said, and everything else of the group is still looked after.
    observed.subnets = answers([found("us-east-1a"), SubnetAnswer::Missing]);
    let after = edit_group(on_groups(&["inf2.xlarge"]), "maxSize", json!(3)).desired();
    let plan = plan_once(&after, &observed, Prune::Enabled);
    assert!(text(&plan.steps).starts_with("UpdateAutoScalingGroup"), "{}", text(&plan.steps));
    assert!(waits(&plan).contains("EC2 does not know subnet-1a1b2c3d"), "{}", waits(&plan));
}

fn spread_out() -> Specs {
    on_halves().edit_service("/spec/spread", json!("AvailabilityZones"))
}

/// Zones of the instances that the layout would have launched.
fn zones(desired: &Desired, observed: &Observed) -> Vec<Option<String>> {
    let plan = plan_once(desired, observed, Prune::Enabled);
    let mut zones: Vec<_> = plan.allocation.pools["inf2"][0].layout.rows.iter().map(|row| row.zone.clone()).collect();
    zones.sort();
    zones
}

#[test]
fn replicas_are_spread_over_the_zones_of_subnets_before_there_is_an_instance() {
    let desired = spread_out().desired();
    let mut observed = made(&desired);
    assert_eq!(zones(&desired, &observed), [None, None], "nobody knows the zones");
    observed.subnets = answers([found("us-east-1a"), found("us-east-1b")]);
    assert_eq!(zones(&desired, &observed), ["us-east-1a", "us-east-1b"].map(|zone| Some(zone.to_owned())));
    observed.subnets = answers([found("us-east-1a"), SubnetAnswer::Missing]);
    assert_eq!(zones(&desired, &observed), ["us-east-1a", "us-east-1a"].map(|zone| Some(zone.to_owned())));
}

#[test]
fn a_service_that_is_to_be_spread_says_that_its_pool_is_in_one_zone() {
    let desired = spread_out().desired();
    let mut observed = made(&desired);
    let spread = |observed: &Observed| {
        let status = status_of(&desired, observed, &key("NeuronService", "llama"));
        status.condition(ConditionType::Spread).map(|it| (it.status, it.reason, it.message.clone()))
    };
    assert_eq!(spread(&observed), None);
    observed.subnets = answers([found("us-east-1a"), found("us-east-1a")]);
    let (truth, reason, message) = spread(&observed).unwrap();
    assert_eq!((truth, reason), (Truth::False, Reason::OneZone));
    assert!(message.contains("all subnets of NeuronPool/inf2 lie in us-east-1a"), "{message}");
    observed.subnets = answers([found("us-east-1a"), found("us-east-1b")]);
    assert_eq!(spread(&observed).map(|(truth, ..)| truth), Some(Truth::True));
}

fn sweep(subnets: Reading<BTreeMap<String, SubnetAnswer>>, started: Timestamp) -> Sweep {
    Sweep {
        started,
        clusters: Ok(Vec::new()),
        providers: BTreeMap::new(),
        services: BTreeMap::new(),
        task_definitions: None,
        tasks: BTreeMap::new(),
        history: BTreeMap::new(),
        ec2: Some(Ec2Sweep {
            providers: Ok(Vec::new()),
            templates: Ok(Vec::new()),
            groups: Ok(Vec::new()),
            machines: Ok(Vec::new()),
            images: BTreeMap::new(),
            instances: BTreeMap::new(),
            subnets,
        }),
        jobs: None,
        calls: 1,
    }
}

fn specify(state: &mut State, desired: Desired) {
    let specified = Specified { revision: "main@sha1:1".into(), desired, completeness: Completeness::Complete };
    state.fold(Event::Specified(Box::new(specified)));
}

#[test]
fn ec2_is_looked_at_as_long_as_readings_may_not_show_what_was_made_there() {
    let mut state = ignorant(Pruning::On);
    specify(&mut state, on_groups(&["inf2.xlarge"]).desired());
    state.fold(Event::Swept(Box::new(sweep(Ok(BTreeMap::new()), NOW))));
    let request = Box::new(CreateAutoScalingGroup {
        auto_scaling_group_name: "axon-inf2".into(),
        ..CreateAutoScalingGroup::default()
    });
    let step = Step {
        object: key("NeuronPool", "inf2"),
        resource: Resource::AutoScalingGroup("axon-inf2".into()),
        action: Action::CreateAutoScalingGroup(*request),
        because: vec![Cause::Missing],
    };
    let ended = Ended { step, result: Ok(Effect::Done), at: NOW + 1.second(), not_before: NOW };
    state.fold(Event::Ended(Box::new(ended)));
    // The pool is taken back at once, and a reading that lags shows no group of it.
    specify(&mut state, Specs::default().desired());
    state.fold(Event::Swept(Box::new(sweep(Ok(BTreeMap::new()), NOW + 2.seconds()))));
    assert!(state.scope(NOW + 4.minutes()).ec2.is_some());
    assert!(state.scope(NOW + 6.minutes()).ec2.is_none());
}

#[test]
fn subnets_are_looked_up_once_an_hour_and_those_that_are_missing_every_time() {
    let mut state = ignorant(Pruning::On);
    specify(&mut state, on_groups(&["inf2.xlarge"]).desired());
    let asks = |state: &State, at: Timestamp| state.scope(at).ec2.unwrap().subnets.len();
    assert_eq!(asks(&state, NOW), 2);

    let known = answers([found("us-east-1a"), SubnetAnswer::Missing]);
    state.fold(Event::Swept(Box::new(sweep(Ok(known), NOW))));
    assert_eq!(asks(&state, NOW + 1.minute()), 2, "one is missing");

    let known = answers([found("us-east-1a"), found("us-east-1b")]);
    state.fold(Event::Swept(Box::new(sweep(Ok(known.clone()), NOW + 1.minute()))));
    assert_eq!(asks(&state, NOW + 2.minutes()), 0);
    assert_eq!(asks(&state, NOW + 62.minutes()), 2);

    let (code, message) = ("UnauthorizedOperation".into(), String::new());
    let denied =
        CloudError { class: ErrorClass::Denied, operation: "DescribeSubnets", code, message, request_id: None };
    state.fold(Event::Swept(Box::new(sweep(Err(denied), NOW + 62.minutes()))));
    assert_eq!(state.observed().subnets, known, "a reading that failed changes nothing");
    assert_eq!(state.sweep_errors().len(), 1);
}
