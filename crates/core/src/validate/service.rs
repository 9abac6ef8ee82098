//! Rules for a NeuronService: its pools, and everything the other files say about its task, devices, traffic and rollouts.
//!
//! Neighbours: called by `validate`. Not here: the rules of those other files.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{Capacity, Kind, Name, NeuronPool, NeuronService, PoolShare, ServiceSpec, Spread};

use super::group_fit::{self, Placed};
use super::site::Site;
use super::subject::Subject;
use super::{Referred, World, compile, devices, drift, fit, identity, networking, overrides, rollout, task, traffic};

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, service: &NeuronService) {
    let spec = &service.spec;
    let pools = pools(subject, world, spec);
    let site = Site::of(spec, &pools);
    identity::tags(subject, "/spec/tags", &spec.tags, 50);
    kinds(subject, spec, site, &pools);
    task::check(subject, spec, site);
    devices::check(subject, world, spec, site, &pools);
    for pool in &pools {
        match pool.spec.capacity() {
            Capacity::ManagedInstances(_) => fit::check(subject, world, spec, pool),
            Capacity::AutoScalingGroup(group) => {
                group_fit::check(subject, world, &Placed { spec, pool, group, site });
            }
        }
    }
    networking::check(subject, spec, site, &pools);
    traffic::check(subject, world, spec, pools.first().copied());
    rollout::check(subject, spec, site, &pools);
    if let Some(wanted) = &spec.compile {
        compile::check(
            subject,
            world,
            service.compile_job().as_ref(),
            (&service.metadata, &spec.template, wanted),
            &pools,
        );
    }
    overrides::service(subject, spec, site);
    drift::service(subject, &service.metadata, spec, site);
}

/// What pools of one kind cannot do that those of the other can.
fn kinds(subject: &mut Subject<'_>, spec: &ServiceSpec, site: Site<'_>, pools: &[&NeuronPool]) {
    let managed = pools.iter().filter(|pool| pool.spec.capacity().is_managed()).count();
    let groups = pools.len() - managed;
    if managed > 0 && groups > 0 {
        let message = "some of the pools are Managed Instances, others Auto Scaling groups; ECS takes one kind";
        subject.report(Code::MixedCapacity, "/spec/pools", message, "Write one service for each kind.");
    } else if groups > 1 {
        let message = format!("{groups} pools of Auto Scaling groups are named; device paths are specific to one pool");
        let help = "Write one service for each pool; a pool may have several instance types.";
        subject.report(Code::OneGroupPool, "/spec/pools", message, help);
    }
    if site.on_managed() && spec.spread != Spread::Pack {
        let message = format!("spread is {:?}, and Managed Instances choose where tasks run", spec.spread);
        let help = "Remove it; ECS spreads tasks over the subnets it has capacity in.";
        subject.report(Code::SpreadOnManaged, "/spec/spread", message, help);
    }
}

/// The valid pools of a service; findings about the others.
pub(super) fn pools<'a>(subject: &mut Subject<'_>, world: &'a World<'_>, spec: &ServiceSpec) -> Vec<&'a NeuronPool> {
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
            Referred::Missing => unknown_pool(subject, world, &at, &share.pool),
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

pub(super) fn unknown_pool(subject: &mut Subject<'_>, world: &World<'_>, at: &str, name: &Name) {
    let help = did_you_mean(name.as_str(), world.names(Kind::NeuronPool));
    let help = help.unwrap_or_else(|| "Declare it.".to_owned());
    subject.report(Code::UnknownPool, at, format!("no NeuronPool {name} is declared"), help);
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
