//! Managed instances capacity providers and their lives: PROVISIONING, ACTIVE, DEPROVISIONING, INACTIVE, with an
//! updateStatus beside it. Neighbours: `provider_validate` says what is allowed, `instance` ends what a deletion leaves.

use serde_json::{Value, json};

use super::{describe, group_provider, instance, names, provider_validate, strategy, tags};
use crate::{
    engine::Event,
    quirks::{DefaultStrategyOnDelete, OmittedOnUpdate},
    state::{Backing, Provider, Scaling},
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, fill, put, put_some},
    },
    world::{World, tail},
};

/// Members of a launch template that only the creation can set.
const CREATE_ONLY: [&str; 3] = ["capacityOptionType", "fipsEnabled", "nitroEnclavesEnabled"];

pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    let name = input.text("name").unwrap_or_default().to_owned();
    provider_validate::name(&name)?;
    if input.has("autoScalingGroupProvider") && input.has("managedInstancesProvider") {
        return Err(Fault::invalid("Give exactly one of autoScalingGroupProvider and managedInstancesProvider."));
    }
    if input.has("autoScalingGroupProvider") {
        return group_provider::create(world, input);
    }
    let Some(document) = input.at("managedInstancesProvider") else {
        return Err(Fault::invalid("The capacity provider details are missing."));
    };
    let Some(cluster) = input.text("cluster") else {
        return Err(Fault::invalid("A managed instances capacity provider needs a cluster."));
    };
    let cluster = names::find_cluster(world, cluster)?.name.clone();
    let document = filled(document.clone());
    provider_validate::document(world, &document)?;
    let tags = tags::check(input.list("tags"), provider_validate::TAG_LIMIT)?;
    if let Some(old) = world.state.providers.get(&name) {
        let whose = if old.belongs_to(&cluster) { "in this cluster" } else { "for another cluster" };
        return Err(Fault::client(format!("A capacity provider with the name {name} already exists {whose}.")));
    }
    let in_cluster =
        world.state.providers.values().filter(|p| p.belongs_to(&cluster) && p.status != "INACTIVE").count();
    if in_cluster >= 20 {
        return Err(Fault::new("LimitExceededException", "A cluster can have at most 20 capacity providers."));
    }
    let provider = Provider {
        arn: world.arn(&format!("capacity-provider/{name}")),
        name: name.clone(),
        backing: Backing::ManagedInstances { cluster },
        document,
        status: "PROVISIONING",
        update_status: "CREATE_IN_PROGRESS",
        reason: None,
        tags,
        change: world.next_serial(),
        scaling: Scaling::default(),
    };
    let seconds = world.ids.between(3, 8);
    world.after(seconds, Event::ProviderMoves(name.clone(), provider.change));
    let answer = json!({"capacityProvider": describe::provider(&provider, &["TAGS"])});
    world.state.providers.insert(name, provider);
    Ok(answer)
}

/// What AWS's documents give as defaults. Others (scaleInAfter, actionsStatus) stay absent, because no value is published.
fn filled(mut document: Value) -> Value {
    fill(&mut document, "propagateTags", "NONE");
    let mut template = document.at("instanceLaunchTemplate").cloned().unwrap_or_default();
    fill(&mut template, "capacityOptionType", "ON_DEMAND");
    fill(&mut template, "monitoring", "BASIC");
    fill(&mut template, "storageConfiguration", json!({"storageSizeGiB": 80}));
    put(&mut document, "instanceLaunchTemplate", template);
    document
}

/// A provider by name or ARN. A managed instances provider is found in the cluster that the request names.
pub(crate) fn find<'w>(world: &'w World, named: &str, cluster: Option<&str>) -> Result<&'w Provider, Fault> {
    let missing = "The specified capacity provider does not exist. Specify a valid name or ARN and try again.";
    let found = world.state.providers.get(tail(named)).filter(|p| p.status != "INACTIVE");
    let found = found.filter(|p| !named.starts_with("arn:") || p.arn == named).ok_or_else(|| Fault::client(missing))?;
    if found.group().is_some() {
        return Ok(found);
    }
    let Some(cluster) = cluster else {
        return Err(Fault::invalid("A managed instances capacity provider can be changed only with its cluster."));
    };
    if !found.belongs_to(&names::find_cluster(world, cluster)?.name) {
        return Err(Fault::invalid("The cluster is not the one that the capacity provider belongs to."));
    }
    Ok(found)
}

pub(crate) fn update(world: &mut World, input: &Value) -> Answer {
    let named = input.text("name").unwrap_or_default();
    let mut provider = find(world, named, input.text("cluster"))?.clone();
    if provider.group().is_some() {
        return group_provider::update(world, provider, input);
    }
    let Some(update) = input.at("managedInstancesProvider") else {
        return Err(Fault::invalid("The capacity provider details are missing."));
    };
    if provider.update_status.ends_with("_IN_PROGRESS") {
        return Err(Fault::new(
            "UpdateInProgressException",
            "The capacity provider is being changed. Try again later.",
        ));
    }
    provider.document = match world.options.quirks.omitted_on_update {
        OmittedOnUpdate::Keep => merged(&provider.document, update),
        OmittedOnUpdate::Reset => replaced(&provider.document, update),
    };
    provider_validate::document(world, &provider.document)?;
    provider.update_status = "UPDATE_IN_PROGRESS";
    provider.reason = None;
    provider.change = world.next_serial();
    let seconds = world.ids.between(2, 5);
    world.after(seconds, Event::ProviderMoves(provider.name.clone(), provider.change));
    let answer = json!({"capacityProvider": describe::provider(&provider, &["TAGS"])});
    world.state.providers.insert(provider.name.clone(), provider);
    Ok(answer)
}

fn merged(old: &Value, update: &Value) -> Value {
    let mut out = old.clone();
    for (key, value) in update.as_object().into_iter().flatten() {
        let value = match (key.as_str(), old.at(key)) {
            ("instanceLaunchTemplate", Some(old)) => merged(old, value),
            _ => value.clone(),
        };
        put(&mut out, key, value);
    }
    out
}

/// The profile and the network have no default to go back to, so they stay when they are left out.
fn replaced(old: &Value, update: &Value) -> Value {
    let mut out = update.clone();
    let old = old.at("instanceLaunchTemplate").unwrap_or(&Value::Null);
    let mut template = out.at("instanceLaunchTemplate").cloned().unwrap_or_default();
    for key in CREATE_ONLY.into_iter().chain(["ec2InstanceProfileArn", "networkConfiguration"]) {
        if let Some(value) = old.at(key) {
            fill(&mut template, key, value.clone());
        }
    }
    put(&mut out, "instanceLaunchTemplate", template);
    filled(out)
}

pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let named = input.text("capacityProvider").unwrap_or_default();
    if strategy::is_fargate(tail(named)) {
        return Err(Fault::client("FARGATE and FARGATE_SPOT are reserved and cannot be deleted."));
    }
    let mut provider = find(world, named, input.text("cluster"))?.clone();
    if provider.update_status.ends_with("_IN_PROGRESS") {
        return Err(Fault::new(
            "UpdateInProgressException",
            "The capacity provider is being changed. Try again later.",
        ));
    }
    let listed = |items: &[Value]| items.iter().any(|i| i.text("capacityProvider") == Some(&provider.name));
    let services = world.state.services.values().filter(|s| s.status != "INACTIVE");
    if services.into_iter().any(|s| listed(&s.strategy) || s.deployments.iter().any(|d| listed(&d.strategy))) {
        return Err(Fault::client("The capacity provider is in use by a service and cannot be deleted."));
    }
    if world.state.clusters.values().any(|c| c.status == "ACTIVE" && c.providers.contains(&provider.name)) {
        return Err(Fault::client("The capacity provider is associated with a cluster and cannot be deleted."));
    }
    let home = provider.cluster().and_then(|c| world.state.clusters.get(c));
    let default = home.is_some_and(|c| listed(&c.strategy));
    if default && world.options.quirks.default_strategy_on_delete == DefaultStrategyOnDelete::Refused {
        return Err(Fault::client("The capacity provider is in the cluster's default strategy and cannot be deleted."));
    }
    provider.status = "DEPROVISIONING";
    provider.update_status = "DELETE_IN_PROGRESS";
    provider.reason = None;
    provider.change = world.next_serial();
    world.after(5, Event::ProviderMoves(provider.name.clone(), provider.change));
    let answer = json!({"capacityProvider": describe::provider(&provider, &["TAGS"])});
    world.state.providers.insert(provider.name.clone(), provider);
    Ok(answer)
}

/// The next step of a create, an update or a delete. A deletion ends the tasks that still run on the provider's instances
/// by terminating them (AWS: the instances are terminated with the provider), and waits until none is left.
pub(crate) fn moves(world: &mut World, name: &str, change: u64) {
    let Some(mut provider) = world.state.providers.get(name).filter(|p| p.change == change).cloned() else { return };
    let failure = world.provider_failures.remove(name);
    provider.reason.clone_from(&failure);
    match (provider.update_status, failure) {
        ("CREATE_IN_PROGRESS", Some(_)) => provider.update_status = "CREATE_FAILED",
        ("UPDATE_IN_PROGRESS", Some(_)) => provider.update_status = "UPDATE_FAILED",
        ("DELETE_IN_PROGRESS", Some(_)) => {
            provider.status = "ACTIVE";
            provider.update_status = "DELETE_FAILED";
        }
        ("CREATE_IN_PROGRESS", None) => {
            provider.status = "ACTIVE";
            provider.update_status = "CREATE_COMPLETE";
        }
        ("UPDATE_IN_PROGRESS", None) => provider.update_status = "UPDATE_COMPLETE",
        ("DELETE_IN_PROGRESS", None) => {
            if instance::end_all_of(world, name) {
                world.after(10, Event::ProviderMoves(name.to_owned(), change));
                return;
            }
            provider.status = "INACTIVE";
            provider.update_status = "DELETE_COMPLETE";
            let seconds = world.options.quirks.inactive_provider_seconds;
            world.after(seconds, Event::ProviderForgotten(name.to_owned(), change));
        }
        _ => return,
    }
    let cluster = provider.cluster().map(str::to_owned);
    world.state.providers.insert(name.to_owned(), provider);
    if let Some(cluster) = cluster {
        world.queue.push_once(world.now, Event::Place(cluster));
    }
}

pub(crate) fn forget(world: &mut World, name: &str, change: u64) {
    if world.state.providers.get(name).is_some_and(|p| p.change == change) {
        world.state.providers.remove(name);
    }
}

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let asked = input.strings("capacityProviders");
    if asked.len() > 100 {
        return Err(Fault::invalid("capacityProviders can have at most 100 items."));
    }
    let cluster = input.text("cluster").map(|c| names::find_cluster(world, c).map(|c| c.name.clone())).transpose()?;
    let include = input.strings("include");
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let keys = if asked.is_empty() { every(world, cluster.as_deref()) } else { asked };
    let page = cut(world.paging(), keys, input, Sizes { usual: 10, most: 10 })?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for named in &page.items {
        if let Some(provider) = one(world, named, cluster.as_deref(), &include) {
            found.push(provider);
        } else {
            failures.push(names::missing(world, named, "capacity-provider"));
        }
    }
    let mut answer = json!({"capacityProviders": found, "failures": failures});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}

/// Without a cluster only the account's own providers are listed; cluster-scoped ones need their cluster or their name.
fn every(world: &World, cluster: Option<&str>) -> Vec<String> {
    let Some(cluster) = cluster else {
        let own = ["FARGATE", "FARGATE_SPOT"].map(str::to_owned).into_iter();
        let groups = world.state.providers.values().filter(|p| p.group().is_some());
        return own.chain(groups.map(|p| p.name.clone())).collect();
    };
    let put = world.state.clusters.get(cluster).map(|c| c.providers.clone()).unwrap_or_default();
    let managed = world.state.providers.values().filter(|p| p.belongs_to(cluster));
    put.into_iter().chain(managed.map(|p| p.name.clone())).collect()
}

fn one(world: &World, named: &str, cluster: Option<&str>, include: &[&str]) -> Option<Value> {
    let name = tail(named);
    if strategy::is_fargate(name) {
        let associated = |c: &str| world.state.clusters.get(c).is_some_and(|c| c.providers.iter().any(|p| p == name));
        return cluster.is_none_or(associated).then(|| describe::fargate_provider(world, name));
    }
    let found = world.state.providers.get(name).filter(|p| !named.starts_with("arn:") || p.arn == named)?;
    let associated = |c: &str| world.state.clusters.get(c).is_some_and(|c| c.providers.iter().any(|p| p == name));
    cluster.is_none_or(|c| found.belongs_to(c) || associated(c)).then(|| describe::provider(found, include))
}
