//! Rules for how a new version replaces the old one.
//!
//! Neighbours: called by `service`. Not here: which instances the extra replicas of a deployment need (`fit`).

use crate::diagnostic::Code;
use crate::spec::{
    AvailabilityZoneRebalancing, CapacityOption, Deployment, Duration, HookTarget, NeuronPool, ReservationPreference,
    ServiceSpec, Spread, Strategy,
};

use super::arn::{self, Resource};
use super::site::Site;
use super::subject::Subject;

const DEPLOYMENT: &str = "/spec/deployment";

pub(super) fn check(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>, pools: &[&NeuronPool]) {
    let deployment = &spec.deployment;
    if deployment.strategy == Strategy::Rolling {
        rolling(subject, spec);
        reserved_surge(subject, spec, pools);
    } else {
        shifting(subject, spec);
    }
    settings(subject, spec);
    times(subject, deployment);
    percents(subject, deployment);
    hooks(subject, deployment);
    if deployment.alarms.as_ref().is_some_and(|alarms| alarms.names.is_empty()) {
        let at = format!("{DEPLOYMENT}/alarms");
        subject.report(Code::NoAlarms, &at, "alarms are given without names", "Name one, or remove the block.");
    }
    let rebalancing = spec.availability_zone_rebalancing == AvailabilityZoneRebalancing::Enabled;
    if rebalancing && deployment.maximum_percent <= 100 {
        let message = "rebalancing starts a task before it stops one, and maximumPercent is 100";
        let help = "Raise maximumPercent, or leave rebalancing disabled.";
        subject.report(Code::RebalancingNeedsRoom, "/spec/availabilityZoneRebalancing", message, help);
    }
    if rebalancing && site.group().is_some() && spec.spread != Spread::AvailabilityZones {
        let message = format!("rebalancing evens out zones, and spread is {:?}", spec.spread);
        let help = "Write `spread: AvailabilityZones`, or leave rebalancing disabled.";
        subject.report(Code::RebalancingNeedsSpread, "/spec/availabilityZoneRebalancing", message, help);
    }
}

/// True if a rolling deployment starts a replica before it stops one.
pub(super) fn starts_first(spec: &ServiceSpec) -> bool {
    let (replicas, least, _) = limits(spec);
    least >= replicas
}

/// Replicas in the count that the percentages apply to, how many must stay and how many may run, by ECS's rounding.
fn limits(spec: &ServiceSpec) -> (u64, u64, u64) {
    let replicas = u64::from(spec.replicas.unwrap_or(1).max(1));
    let least = (replicas * u64::from(spec.deployment.minimum_healthy_percent)).div_ceil(100);
    (replicas, least, replicas * u64::from(spec.deployment.maximum_percent) / 100)
}

fn rolling(subject: &mut Subject<'_>, spec: &ServiceSpec) {
    let (replicas, least, most) = limits(spec);
    let (min, max) = (spec.deployment.minimum_healthy_percent, spec.deployment.maximum_percent);
    if least >= replicas && most <= replicas {
        let message = format!(
            "with {replicas} replicas, minimumHealthyPercent {min} keeps {least} and maximumPercent {max} allows {most}, \
             so no task can be replaced"
        );
        let help =
            "Lower minimumHealthyPercent (stop first) or raise maximumPercent (start first, on a spare instance).";
        subject.report(Code::NeverRolls, &format!("{DEPLOYMENT}/minimumHealthyPercent"), message, help);
    }
    let checked = spec.template.neuron_container().is_none_or(|container| container.health_check.is_some());
    if spec.load_balancers.is_empty() && !checked {
        let message = "without a health check or load balancer a replica counts as healthy 40 s after its start";
        let help = "Add a healthCheck to the Neuron container.";
        subject.report(Code::NoHealthSignal, "/spec/template/containers", message, help);
    }
}

fn reserved_surge(subject: &mut Subject<'_>, spec: &ServiceSpec, pools: &[&NeuronPool]) {
    let (replicas, least, _) = limits(spec);
    let reserved = pools.iter().find(|pool| {
        pool.spec.managed_instances.as_ref().is_some_and(|instances| {
            let only = instances.reservations.as_ref().is_some_and(|r| r.preference == ReservationPreference::Only);
            instances.capacity_option == CapacityOption::Reserved && only
        })
    });
    if let Some(pool) = reserved.filter(|_| least >= replicas) {
        let message = format!(
            "a deployment starts new replicas before it stops old ones, and the pool {} launches into reservations only",
            pool.metadata.name
        );
        let help = "Use minimumHealthyPercent below 100 with maximumPercent 100, or keep reservations free.";
        subject.report(Code::SurgeOnReserved, DEPLOYMENT, message, help);
    }
}

fn shifting(subject: &mut Subject<'_>, spec: &ServiceSpec) {
    let strategy = spec.deployment.strategy;
    let routed = !spec.load_balancers.is_empty() || spec.service_connect.is_some();
    if matches!(strategy, Strategy::Canary | Strategy::Linear) && !routed {
        let message =
            format!("{strategy:?} moves traffic step by step, but no load balancer or Service Connect carries it");
        let help = "Add loadBalancers with trafficShift or serviceConnect, or use Rolling.";
        subject.report(Code::NoTrafficShift, &format!("{DEPLOYMENT}/strategy"), message, help);
    }
    for (index, target) in spec.load_balancers.iter().enumerate() {
        if target.traffic_shift.is_none() {
            let message = format!("{strategy:?} needs a second target group and listener rules");
            let at = format!("/spec/loadBalancers/{index}");
            subject.report(Code::NoTrafficShift, &at, message, "Add trafficShift.");
        }
    }
}

/// Settings that belong to another strategy than the chosen one.
fn settings(subject: &mut Subject<'_>, spec: &ServiceSpec) {
    let strategy = spec.deployment.strategy;
    let rolling = strategy == Strategy::Rolling;
    let others = "BlueGreen, Canary and Linear";
    let in_deployment = |field: &str| format!("{DEPLOYMENT}/{field}");
    let mut noted: Vec<(String, &str)> = Vec::new();
    if spec.deployment.canary.is_some() && strategy != Strategy::Canary {
        noted.push((in_deployment("canary"), "Canary"));
    }
    if spec.deployment.linear.is_some() && strategy != Strategy::Linear {
        noted.push((in_deployment("linear"), "Linear"));
    }
    if rolling {
        if spec.deployment.bake_time.is_some() {
            noted.push((in_deployment("bakeTime"), others));
        }
        let targets = spec.load_balancers.iter().enumerate().filter(|(_, target)| target.traffic_shift.is_some());
        noted.extend(targets.map(|(index, _)| (format!("/spec/loadBalancers/{index}/trafficShift"), others)));
        let connect = spec.service_connect.iter().flat_map(|connect| connect.services.iter().enumerate());
        let testing = connect.filter(|(_, s)| s.client_aliases.iter().any(|a| a.test_traffic_header.is_some()));
        let at = |index| format!("/spec/serviceConnect/services/{index}/clientAliases");
        noted.extend(testing.map(|(index, _)| (at(index), others)));
    } else {
        let percents = [
            ("minimumHealthyPercent", spec.deployment.minimum_healthy_percent != 100),
            ("maximumPercent", spec.deployment.maximum_percent != 200),
        ];
        let changed = percents.into_iter().filter(|(_, changed)| *changed);
        noted.extend(changed.map(|(field, _)| (in_deployment(field), "Rolling")));
    }
    for (at, owner) in noted {
        let field = at.rsplit('/').next().unwrap_or_default();
        let message = format!("{field} belongs to {owner}, and the strategy is {strategy:?}");
        subject.report(Code::StrategySetting, &at, message, "Change the strategy or remove the setting.");
    }
}

fn times(subject: &mut Subject<'_>, deployment: &Deployment) {
    let bake = [
        ("bakeTime", deployment.bake_time),
        ("canary/bakeTime", deployment.canary.as_ref().map(|canary| canary.bake_time)),
        ("linear/stepBakeTime", deployment.linear.as_ref().map(|linear| linear.step_bake_time)),
    ];
    for (field, time) in bake {
        if let Some(time) = time.filter(|time| time.whole_minutes().is_none_or(|minutes| minutes > 1440)) {
            bad_time(subject, &format!("{DEPLOYMENT}/{field}"), time, "whole minutes up to 24h");
        }
    }
    for (index, hook) in deployment.lifecycle_hooks.iter().enumerate() {
        let after = hook.timeout.as_ref().map(|timeout| timeout.after);
        let allowed = |time: &Duration| time.whole_minutes().is_some_and(|minutes| (1..=20_160).contains(&minutes));
        if let Some(time) = after.filter(|time| !allowed(time)) {
            let at = format!("{DEPLOYMENT}/lifecycleHooks/{index}/timeout/after");
            bad_time(subject, &at, time, "whole minutes from 1m to 336h");
        }
    }
}

fn bad_time(subject: &mut Subject<'_>, at: &str, time: Duration, allowed: &str) {
    let message = format!("{time} cannot be sent; ECS counts {allowed}");
    subject.report(Code::BakeTime, at, message, "Use whole minutes in the range.");
}

fn percents(subject: &mut Subject<'_>, deployment: &Deployment) {
    let canary = deployment.canary.as_ref().map(|canary| ("canary/percent", canary.percent, 0.1));
    let linear = deployment.linear.as_ref().map(|linear| ("linear/stepPercent", linear.step_percent, 3.0));
    for (field, percent, least) in canary.into_iter().chain(linear) {
        let tenths = percent * 10.0;
        if percent < least || percent > 100.0 || (tenths - tenths.round()).abs() > 1e-6 {
            let message = format!("{percent} is not between {least} and 100 in tenths");
            subject.report(
                Code::StepPercent,
                &format!("{DEPLOYMENT}/{field}"),
                message,
                "Choose a value in the range.",
            );
        }
    }
}

fn hooks(subject: &mut Subject<'_>, deployment: &Deployment) {
    for (index, hook) in deployment.lifecycle_hooks.iter().enumerate() {
        let at = format!("{DEPLOYMENT}/lifecycleHooks/{index}");
        let (function, role) = (hook.lambda_arn.is_some(), hook.role_arn.is_some());
        let problem = match hook.target {
            HookTarget::Lambda if !function || !role => Some("a Lambda hook needs lambdaArn and roleArn"),
            HookTarget::Pause if function || role => Some("a pause has neither lambdaArn nor roleArn"),
            HookTarget::Lambda | HookTarget::Pause => None,
        };
        let stages = hook.stages.is_empty().then_some("the hook has no stages");
        for message in problem.into_iter().chain(stages) {
            subject.report(Code::HookSettings, &at, message, "See `axon explain AX0614`.");
        }
        arn::check_optional(subject, &format!("{at}/lambdaArn"), hook.lambda_arn.as_ref(), Resource::Lambda);
        arn::check_optional(subject, &format!("{at}/roleArn"), hook.role_arn.as_ref(), Resource::Role);
    }
}
