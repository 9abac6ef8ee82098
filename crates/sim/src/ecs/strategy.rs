//! Capacity provider strategies: what one may hold, and which provider the next task goes to. Neighbours: `cluster`,
//! `service_validate` and `run_task` check with it, `task` asks it for a provider.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    state::Cluster,
    wire::{fault::Fault, value::Read},
    world::{World, tail},
};

const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// What kind of capacity a provider has. A strategy holds one kind only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fargate,
    Managed,
    /// An Auto Scaling group.
    Group,
}

/// The kind of a strategy that was checked.
pub(crate) fn kind(world: &World, strategy: &[Value]) -> Kind {
    let name = strategy.first().and_then(|i| i.text("capacityProvider")).unwrap_or_default();
    match world.state.providers.get(name) {
        Some(provider) if provider.group().is_some() => Kind::Group,
        Some(_) => Kind::Managed,
        None => Kind::Fargate,
    }
}

/// Checks a strategy for a cluster and writes it as it is described: every item with its base and weight.
pub(crate) fn check(world: &World, cluster: &Cluster, items: &[Value]) -> Result<Vec<Value>, Fault> {
    if items.len() > 20 {
        return Err(Fault::invalid("A capacity provider strategy can have at most 20 providers."));
    }
    let mut out: Vec<Value> = Vec::new();
    let mut kinds: Vec<Kind> = Vec::new();
    for item in items {
        let name = tail(item.text("capacityProvider").unwrap_or_default());
        if out.iter().any(|i| i.text("capacityProvider") == Some(name)) {
            return Err(Fault::invalid(format!("The capacity provider '{name}' is in the strategy more than once.")));
        }
        kinds.push(usable(world, cluster, name)?);
        let (base, weight) = (item.number("base").unwrap_or(0), item.number("weight").unwrap_or(0));
        if !(0..=100_000).contains(&base) || !(0..=1000).contains(&weight) {
            return Err(Fault::invalid("A base is from 0 to 100000 and a weight from 0 to 1000."));
        }
        out.push(json!({"capacityProvider": name, "weight": weight, "base": base}));
    }
    kinds.dedup();
    if kinds.len() > 1 {
        return Err(Fault::invalid("A capacity provider strategy cannot mix kinds of capacity providers."));
    }
    if out.iter().filter(|i| i.number("base").unwrap_or(0) > 0).count() > 1 {
        return Err(Fault::invalid("Only one capacity provider in a strategy can have a base."));
    }
    if !out.is_empty() && out.iter().all(|i| i.number("weight") == Some(0)) {
        return Err(Fault::invalid("At least one capacity provider of a strategy must have a weight above zero."));
    }
    Ok(out)
}

fn usable(world: &World, cluster: &Cluster, name: &str) -> Result<Kind, Fault> {
    if FARGATE.contains(&name) {
        return if cluster.providers.iter().any(|p| p == name) {
            Ok(Kind::Fargate)
        } else {
            Err(Fault::invalid(format!("The capacity provider '{name}' is not associated with the cluster.")))
        };
    }
    let known = world.state.providers.get(name).filter(|p| p.status != "INACTIVE");
    if known.is_some_and(|p| p.group().is_some()) && !cluster.providers.iter().any(|p| p == name) {
        return Err(Fault::invalid(format!("The capacity provider '{name}' is not associated with the cluster.")));
    }
    let found = known.filter(|p| p.group().is_some() || p.belongs_to(&cluster.name));
    let found = found.ok_or_else(|| {
        Fault::invalid(format!("The specified capacity provider '{name}' was not found in the cluster."))
    })?;
    if found.status != "ACTIVE" {
        return Err(Fault::invalid(format!(
            "The specified capacity provider '{name}' is not in an ACTIVE state. Use an active provider and try again."
        )));
    }
    Ok(if found.group().is_some() { Kind::Group } else { Kind::Managed })
}

/// The provider for the next task, given how many tasks each already has: first the base, then the lowest ratio of tasks
/// to weight, in the order of the strategy.
pub(crate) fn next(strategy: &[Value], have: &BTreeMap<String, i64>) -> Option<String> {
    let count = |name: &str| have.get(name).copied().unwrap_or(0);
    let below_base = strategy.iter().find(|i| i.text("capacityProvider").is_some_and(|n| count(n) < base(i)));
    if let Some(item) = below_base {
        return item.text("capacityProvider").map(str::to_owned);
    }
    let weighted = strategy.iter().filter(|i| i.number("weight").unwrap_or(0) > 0);
    let best = weighted.min_by_key(|i| {
        let beyond = count(i.text("capacityProvider").unwrap_or_default()) - base(i);
        (beyond + 1) * 1_000_000 / i.number("weight").unwrap_or(1)
    });
    best.and_then(|i| i.text("capacityProvider")).map(str::to_owned)
}

fn base(item: &Value) -> i64 {
    item.number("base").unwrap_or(0)
}

/// Running on Fargate is not modelled: its providers can be associated and described, no task starts on them.
pub(crate) fn refuse_fargate(strategy: &[Value]) -> Result<(), Fault> {
    if strategy.iter().any(|i| i.text("capacityProvider").is_some_and(|n| FARGATE.contains(&n))) {
        return Err(Fault::not_modelled("tasks on Fargate"));
    }
    Ok(())
}

pub(crate) fn is_fargate(name: &str) -> bool {
    FARGATE.contains(&name)
}
