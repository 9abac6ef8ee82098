//! Rules for a NeuronService: its pools, and everything the other files say about its task, devices, traffic and rollouts.
//!
//! Neighbours: called by `validate`. Not here: the rules of those other files.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{Kind, NetworkMode, NeuronPool, NeuronService, PoolShare, ServiceSpec};

use super::subject::Subject;
use super::{Referred, World, arn, devices, fit, identity, overrides, rollout, task, traffic};

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, service: &NeuronService) {
    let spec = &service.spec;
    let pools = pools(subject, world, spec);
    identity::tags(subject, "/spec/tags", &spec.tags, 50);
    task::check(subject, spec);
    devices::check(subject, world, spec, &pools);
    for pool in &pools {
        fit::check(subject, world, spec, pool);
    }
    networking(subject, spec, &pools);
    traffic::check(subject, world, spec, pools.first().copied());
    rollout::check(subject, spec, &pools);
    overrides::service(subject, spec);
}

/// The valid pools of a service; findings about the others.
fn pools<'a>(subject: &mut Subject<'_>, world: &'a World<'_>, spec: &ServiceSpec) -> Vec<&'a NeuronPool> {
    if spec.pool.is_some() != spec.pools.is_empty() {
        let what = if spec.pool.is_some() { "both `pool` and `pools` are given" } else { "no pool is given" };
        subject.report(Code::PoolChoice, "/spec/pools", what, "Give `pool` for one pool or `pools` for several.");
    }
    let shares = spec.shares();
    if spec.pool.is_none() {
        weights(subject, &shares);
    }
    let mut found: Vec<&NeuronPool> = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        let at = if spec.pool.is_some() { "/spec/pool".to_owned() } else { format!("/spec/pools/{index}/pool") };
        match world.pool(&share.pool) {
            Referred::Valid(pool) => found.push(pool),
            Referred::Held => {}
            Referred::Missing => {
                let message = format!("no NeuronPool {} is declared", share.pool);
                let help = did_you_mean(share.pool.as_str(), world.names(Kind::NeuronPool));
                subject.report(Code::UnknownPool, &at, message, help.unwrap_or_else(|| "Declare it.".to_owned()));
            }
        }
    }
    let clusters: BTreeSet<_> = found.iter().map(|pool| &pool.spec.cluster).collect();
    if clusters.len() > 1 {
        let list: Vec<String> =
            found.iter().map(|p| format!("{} belongs to {}", p.metadata.name, p.spec.cluster)).collect();
        let help = "Name pools of one cluster, or write one service for each cluster.";
        subject.report(Code::DifferentClusters, "/spec/pools", list.join(", "), help);
    }
    found
}

fn weights(subject: &mut Subject<'_>, shares: &[PoolShare]) {
    let mut names = BTreeSet::new();
    let twice = shares.iter().find(|share| !names.insert(&share.pool));
    let bases = shares.iter().filter(|share| share.base > 0).count();
    let problem = if let Some(share) = twice {
        format!("the pool {} is named twice", share.pool)
    } else if bases > 1 {
        format!("{bases} pools have a base; only one may")
    } else if shares.len() > 20 {
        format!("{} pools are named; ECS takes 20", shares.len())
    } else if !shares.is_empty() && shares.iter().all(|share| share.weight == 0) {
        "every weight is 0, so no task can be placed".to_owned()
    } else {
        return;
    };
    subject.report(Code::PoolShares, "/spec/pools", problem, "See `axon explain NeuronService.spec.pools`.");
}

fn networking(subject: &mut Subject<'_>, spec: &ServiceSpec, pools: &[&NeuronPool]) {
    let own = &spec.networking;
    arn::check_ids(subject, "/spec/networking/subnets", &own.subnets, "subnet-");
    arn::check_ids(subject, "/spec/networking/securityGroups", &own.security_groups, "sg-");
    if own.mode == NetworkMode::Host {
        if !own.subnets.is_empty() || !own.security_groups.is_empty() || own.assign_public_ip.is_some() {
            let message = "mode is Host, and subnets, securityGroups or assignPublicIp are given";
            subject.report(Code::HostNetworking, "/spec/networking", message, "Remove them, or use AwsVpc.");
        }
        return;
    }
    if own.assign_public_ip == Some(true) {
        let message = "AWS's documents disagree on public addresses on Managed Instances";
        subject.report(Code::PublicIpUnsure, "/spec/networking/assignPublicIp", message, "Leave it out.");
    }
    let of_pool = |pick: fn(&NeuronPool) -> usize| pools.iter().map(|pool| pick(pool)).max().unwrap_or_default();
    let pool_subnets = of_pool(|pool| pool.spec.managed_instances.subnets.len());
    let pool_groups = of_pool(|pool| pool.spec.managed_instances.security_groups.len());
    let count = |own: &[String], pools: usize| if own.is_empty() { pools } else { own.len() };
    let limits = [
        ("subnets", count(&own.subnets, pool_subnets), 16),
        ("securityGroups", count(&own.security_groups, pool_groups), 5),
    ];
    for (field, has, limit) in limits.into_iter().filter(|(_, has, limit)| has > limit) {
        let message = format!("the tasks get {has} {field}; ECS takes {limit}");
        let help = format!("Name at most {limit} under networking.{field}.");
        subject.report(Code::NetworkLimits, &format!("/spec/networking/{field}"), message, help);
    }
}
