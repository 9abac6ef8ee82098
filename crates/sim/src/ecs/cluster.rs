//! Clusters. Neighbours: `provider` belongs to one, `service`, `task` and `instance` live in one.

use serde_json::{Value, json};

use super::{connect, describe, group_provider, names, settings, strategy, tags};
use crate::{
    engine::Event,
    quirks::{ClusterNamespace, ExistingCluster, ManagedNamesInPut},
    state::Cluster,
    wire::{
        fault::{Answer, Fault},
        page::{Sizes, cut},
        value::{Read, put_some},
    },
    world::{World, tail},
};

pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    let namespace = namespace(world, input)?;
    let name = input.text("clusterName").unwrap_or("default").to_owned();
    if !names::plain(&name) {
        return Err(Fault::invalid("A cluster name has up to 255 letters, digits, hyphens and underscores."));
    }
    if world.state.clusters.get(&name).is_some_and(|c| c.status == "ACTIVE") {
        return match world.options.quirks.existing_cluster {
            ExistingCluster::Returned => Ok(json!({"cluster": describe::cluster(world, &name, &describe::EVERYTHING)})),
            ExistingCluster::Rejected => Err(Fault::client(format!("The cluster {name} already exists."))),
        };
    }
    let mut cluster = Cluster {
        arn: world.arn(&format!("cluster/{name}")),
        name: name.clone(),
        status: "ACTIVE",
        settings: with_defaults(world, check_settings(input.list("settings"))?),
        configuration: configuration(input)?,
        providers: check_put(world, &name, input)?,
        strategy: Vec::new(),
        attachments_status: None,
        namespace,
        tags: tags::check(input.list("tags"), tags::USUAL_LIMIT)?,
    };
    cluster.strategy = strategy::check(world, &cluster, input.list("defaultCapacityProviderStrategy"))?;
    world.state.clusters.insert(name.clone(), cluster);
    group_provider::associated(world, &name);
    Ok(json!({"cluster": describe::cluster(world, &name, &describe::EVERYTHING)}))
}

/// The default Service Connect namespace of a request. AWS makes a namespace that does not exist and meanwhile shows an
/// attachment; here it is there at once. The API reference says "name or full ARN" of what is returned; the answers in the
/// developer guide's Service Connect tutorial have an ARN where a name was sent.
fn namespace(world: &World, input: &Value) -> Result<Option<String>, Fault> {
    let named = input.at("serviceConnectDefaults").and_then(|d| d.text("namespace")).filter(|n| !n.is_empty());
    let Some(named) = named else { return Ok(None) };
    let plain = named.chars().count() <= 1024 && !named.contains(['<', '>', '"', '/']);
    if !plain && !named.starts_with("arn:") {
        return Err(Fault::invalid("The namespace of serviceConnectDefaults is not valid."));
    }
    Ok(Some(match world.options.quirks.cluster_namespace {
        ClusterNamespace::Arn => connect::namespace_arn(world, named),
        ClusterNamespace::AsSent => named.to_owned(),
    }))
}

/// The configuration of a request, which replaces the one before as a whole (AWS does not say whether it does, or whether
/// what is left out stays). "When logging=OVERRIDE is specified, a logConfiguration must be provided."
fn configuration(input: &Value) -> Result<Option<Value>, Fault> {
    let given = input.at("configuration");
    let exec = given.and_then(|c| c.at("executeCommandConfiguration"));
    if exec.is_some_and(|e| e.text("logging") == Some("OVERRIDE") && !e.has("logConfiguration")) {
        return Err(Fault::invalid("The log configuration must be provided when logging is OVERRIDE."));
    }
    Ok(given.cloned())
}

fn check_settings(settings: &[Value]) -> Result<Vec<Value>, Fault> {
    for setting in settings {
        let value = setting.text("value").unwrap_or_default();
        if setting.text("name").is_none() || !["enabled", "disabled", "enhanced"].contains(&value) {
            return Err(Fault::invalid(format!("'{value}' is not a value of the setting containerInsights.")));
        }
    }
    Ok(settings.to_vec())
}

fn with_defaults(world: &World, mut settings: Vec<Value>) -> Vec<Value> {
    if settings.is_empty() {
        settings.push(json!({"name": "containerInsights", "value": settings::value(world, "containerInsights")}));
    }
    settings
}

pub(crate) fn update(world: &mut World, input: &Value) -> Answer {
    let namespace = namespace(world, input)?;
    let name = names::cluster(world, input)?;
    let settings = check_settings(input.list("settings"))?;
    let configuration = configuration(input)?;
    if let Some(cluster) = world.state.clusters.get_mut(&name) {
        if !settings.is_empty() {
            cluster.settings = settings;
        }
        if input.has("serviceConnectDefaults") {
            cluster.namespace = namespace;
        }
        if configuration.is_some() {
            cluster.configuration = configuration;
        }
    }
    Ok(json!({"cluster": describe::cluster(world, &name, &describe::EVERYTHING)}))
}

pub(crate) fn update_settings(world: &mut World, input: &Value) -> Answer {
    let name = names::cluster(world, input)?;
    let settings = check_settings(input.list("settings"))?;
    if settings.is_empty() {
        return Err(Fault::invalid("settings cannot be empty."));
    }
    if let Some(cluster) = world.state.clusters.get_mut(&name) {
        cluster.settings = settings;
    }
    Ok(json!({"cluster": describe::cluster(world, &name, &describe::EVERYTHING)}))
}

pub(crate) fn delete(world: &mut World, input: &Value) -> Answer {
    let name = names::cluster(world, input)?;
    let in_it = |cluster: &str| cluster == name;
    let state = &world.state;
    let full = |code, what: &str| Err(Fault::new(code, format!("The cluster cannot be deleted while it has {what}.")));
    if state.services.values().any(|s| in_it(&s.cluster) && s.status == "ACTIVE") {
        return full("ClusterContainsServicesException", "active services");
    }
    if state.tasks.values().any(|t| in_it(&t.cluster) && t.live()) {
        return full("ClusterContainsTasksException", "active tasks");
    }
    if state.providers.values().any(|p| p.belongs_to(&name) && p.status != "INACTIVE") {
        return full("ClusterContainsCapacityProviderException", "capacity providers");
    }
    if state.instances.values().any(|i| in_it(&i.cluster) && i.status != "INACTIVE") {
        return full("ClusterContainsContainerInstancesException", "container instances");
    }
    if let Some(cluster) = world.state.clusters.get_mut(&name) {
        cluster.status = "INACTIVE";
        // "To remove a capacity provider from a cluster, you can either use PutClusterCapacityProviders or delete the cluster."
        cluster.providers.clear();
    }
    let seconds = world.options.quirks.inactive_cluster_seconds;
    world.after(seconds, Event::ClusterForgotten(name.clone()));
    Ok(json!({"cluster": describe::cluster(world, &name, &describe::EVERYTHING)}))
}

pub(crate) fn forget(world: &mut World, name: &str) {
    if world.state.clusters.get(name).is_some_and(|c| c.status == "INACTIVE") {
        world.state.clusters.remove(name);
    }
}

/// Capacity providers per cluster, by the service quotas.
const MOST_PROVIDERS: usize = 20;

/// The names to associate: FARGATE, FARGATE_SPOT and providers of Auto Scaling groups. A managed instances provider belongs
/// to its cluster already.
fn check_put(world: &World, cluster: &str, input: &Value) -> Result<Vec<String>, Fault> {
    let mut out: Vec<String> = Vec::new();
    for name in input.strings("capacityProviders") {
        let name = tail(&name).to_owned();
        let provider = world.state.providers.get(&name).filter(|p| p.status != "INACTIVE");
        if let Some(provider) = provider.filter(|p| p.group().is_some()) {
            group_provider::attachable(world, provider, cluster)?;
            if !out.contains(&name) {
                out.push(name);
            }
            continue;
        }
        let managed = provider.is_some();
        if managed && world.options.quirks.managed_names_in_put == ManagedNamesInPut::Accepted {
            continue;
        }
        if managed {
            return Err(Fault::invalid(
                "Managed Instances capacity providers cannot be associated with a cluster through this API.",
            ));
        }
        if !strategy::is_fargate(&name) {
            return Err(Fault::invalid(format!("The specified capacity provider '{name}' was not found.")));
        }
        out.push(name);
    }
    if out.len() > MOST_PROVIDERS {
        return Err(Fault::invalid("A cluster can have at most 20 capacity providers."));
    }
    Ok(out)
}

pub(crate) fn put_providers(world: &mut World, input: &Value) -> Answer {
    let name = names::cluster(world, input)?;
    let providers = check_put(world, &name, input)?;
    let mut cluster = names::find_cluster(world, &name)?.clone();
    if cluster.attachments_status == Some("UPDATE_IN_PROGRESS") {
        return Err(Fault::new("UpdateInProgressException", "The cluster is being updated. Try again later."));
    }
    let gone: Vec<&String> = cluster.providers.iter().filter(|p| !providers.contains(p)).collect();
    let used = |item: &Value| item.text("capacityProvider").is_some_and(|n| gone.iter().any(|g| *g == n));
    let in_use = world.state.services.values().filter(|s| s.cluster == name && s.status != "INACTIVE");
    let by_task = |p: &&String| {
        world.state.tasks.values().any(|t| t.cluster == name && t.live() && t.provider.as_ref() == Some(*p))
    };
    if in_use.flat_map(|s| &s.strategy).any(used) || gone.iter().any(by_task) {
        return Err(Fault::new("ResourceInUseException", "A capacity provider to be removed is in use."));
    }
    cluster.providers = providers;
    cluster.strategy = strategy::check(world, &cluster, input.list("defaultCapacityProviderStrategy"))?;
    cluster.attachments_status = Some("UPDATE_IN_PROGRESS");
    world.state.clusters.insert(name.clone(), cluster);
    group_provider::associated(world, &name);
    world.after(4, Event::ClusterAttached(name.clone()));
    Ok(json!({"cluster": describe::cluster(world, &name, &describe::EVERYTHING)}))
}

pub(crate) fn attached(world: &mut World, name: &str) {
    if let Some(cluster) = world.state.clusters.get_mut(name) {
        cluster.attachments_status = Some("UPDATE_COMPLETE");
    }
    group_provider::associated(world, name);
}

pub(crate) fn describe(world: &mut World, input: &Value) -> Answer {
    let mut wanted = input.strings("clusters");
    if wanted.len() > 100 {
        return Err(Fault::invalid("clusters can have at most 100 items."));
    }
    if wanted.is_empty() {
        wanted.push("default".to_owned());
    }
    let include = input.strings("include");
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for name in &wanted {
        let found = world.state.clusters.get(tail(name)).filter(|c| !name.starts_with("arn:") || c.arn == *name);
        if let Some(found) = found {
            clusters.push(describe::cluster(world, &found.name, &include));
        } else {
            failures.push(names::missing(world, name, "cluster"));
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

pub(crate) fn list(world: &mut World, input: &Value) -> Answer {
    let active = world.state.clusters.values().filter(|c| c.status == "ACTIVE");
    let page = cut(world.paging(), active.map(|c| c.arn.clone()).collect(), input, Sizes { usual: 100, most: 100 })?;
    let mut answer = json!({"clusterArns": page.items});
    put_some(&mut answer, "nextToken", page.next);
    Ok(answer)
}
