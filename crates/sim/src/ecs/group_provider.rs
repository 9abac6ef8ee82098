//! Capacity providers of Auto Scaling groups: what they may say, and what belongs to their association with a cluster.
//! Neighbours: `provider` moves their statuses on, `cluster` associates them, `scaling` scales the group, `groups` reaches it.
//! Sources: "Auto Scaling group capacity providers", "Control the instances Amazon ECS terminates", AutoScalingGroupProvider in
//! the API reference. Guesses: the exception types, that managedScaling without a status is off, and the attachments' details.

use serde_json::{Value, json};

use super::{describe, groups, provider_validate, scaling, tags};
use crate::{
    engine::Event,
    quirks::{GroupProviderCreation, OmittedOnUpdate},
    state::{Backing, Cluster, Host, Provider, Scaling},
    wire::{
        fault::{Answer, Fault},
        value::{Read, fill, put},
    },
    world::World,
};

pub(crate) fn create(world: &mut World, input: &Value) -> Answer {
    let name = input.text("name").unwrap_or_default().to_owned();
    if input.has("cluster") {
        return Err(Fault::invalid("A capacity provider of an Auto Scaling group is not created for one cluster."));
    }
    let given = input.at("autoScalingGroupProvider").cloned().unwrap_or_default();
    let named = given.text("autoScalingGroupArn").unwrap_or_default();
    let Some(group) = groups::find(world, named) else {
        return Err(Fault::client(format!("The specified Auto Scaling group '{named}' does not exist.")));
    };
    let document = filled(given);
    check(&document, &group, &Value::Null)?;
    let tags = tags::check(input.list("tags"), tags::USUAL_LIMIT)?;
    if world.state.providers.contains_key(&name) {
        return Err(Fault::client(format!("A capacity provider with the name {name} already exists.")));
    }
    let stands = |p: &Provider| groups::of_provider(world, p).is_some();
    let same = |p: &Provider| p.status != "INACTIVE" && p.group() == Some(&group.name) && stands(p);
    if world.state.providers.values().any(same) {
        return Err(Fault::client(
            "The specified Auto Scaling group ARN is already being used by another capacity provider. Specify a unique \
             Auto Scaling group ARN and try again.",
        ));
    }
    groups::mark(world, &group.name);
    let at_once = world.options.quirks.group_provider_creation == GroupProviderCreation::AtOnce;
    let (status, update_status) =
        if at_once { ("ACTIVE", "CREATE_COMPLETE") } else { ("PROVISIONING", "CREATE_IN_PROGRESS") };
    let provider = Provider {
        arn: world.arn(&format!("capacity-provider/{name}")),
        name: name.clone(),
        backing: Backing::Group { name: group.name },
        document,
        status,
        update_status,
        reason: None,
        tags,
        change: world.next_serial(),
        scaling: Scaling::default(),
    };
    let seconds = world.ids.between(3, 8);
    if !at_once {
        world.after(seconds, Event::ProviderMoves(name.clone(), provider.change));
    }
    let answer = json!({"capacityProvider": describe::provider(&provider, &["TAGS"])});
    world.state.providers.insert(name, provider);
    Ok(answer)
}

/// The defaults of the API reference.
fn filled(mut document: Value) -> Value {
    fill(&mut document, "managedTerminationProtection", "DISABLED");
    fill(&mut document, "managedDraining", "ENABLED");
    let mut scaling = document.at("managedScaling").cloned().unwrap_or_else(|| json!({}));
    fill(&mut scaling, "status", "DISABLED");
    fill(&mut scaling, "targetCapacity", 100);
    fill(&mut scaling, "minimumScalingStepSize", 1);
    fill(&mut scaling, "maximumScalingStepSize", 10_000);
    fill(&mut scaling, "instanceWarmupPeriod", 300);
    put(&mut document, "managedScaling", scaling);
    document
}

/// Checks a document that takes the place of another.
fn check(document: &Value, group: &groups::Facts, before: &Value) -> Result<(), Fault> {
    let scaling = document.at("managedScaling").unwrap_or(&Value::Null);
    for (key, low, high) in [
        ("targetCapacity", 1, 100),
        ("minimumScalingStepSize", 1, 10_000),
        ("maximumScalingStepSize", 1, 10_000),
        ("instanceWarmupPeriod", 0, 10_000),
    ] {
        if scaling.number(key).is_none_or(|n| !(low..=high).contains(&n)) {
            return Err(Fault::invalid(format!("{key} must be from {low} to {high}.")));
        }
    }
    if scaling.number("minimumScalingStepSize") > scaling.number("maximumScalingStepSize") {
        return Err(Fault::invalid("minimumScalingStepSize is above maximumScalingStepSize."));
    }
    if document.text("managedTerminationProtection") != Some("ENABLED") {
        return Ok(());
    }
    let invalid = "The managed termination protection setting for the capacity provider is invalid.";
    if scaling.text("status") != Some("ENABLED") {
        return Err(Fault::invalid(format!("{invalid} Managed scaling must be enabled.")));
    }
    // Instances that are not protected keep it from being turned on; later ECS itself takes protection away.
    let turned_on = before.text("managedTerminationProtection") != Some("ENABLED");
    if !group.protects_new || turned_on && group.members.iter().any(|m| !m.protected) {
        return Err(Fault::invalid(format!(
            "{invalid} To enable managed termination protection for a capacity provider, the Auto Scaling group and its \
             instances must have instance protection from scale in enabled."
        )));
    }
    Ok(())
}

pub(crate) fn update(world: &mut World, mut provider: Provider, input: &Value) -> Answer {
    let Some(given) = input.at("autoScalingGroupProvider") else {
        return Err(Fault::invalid("The capacity provider is one of an Auto Scaling group: give its details."));
    };
    if provider.update_status.ends_with("_IN_PROGRESS") {
        let message = "The capacity provider is being changed. Try again later.";
        return Err(Fault::new("UpdateInProgressException", message));
    }
    let group = groups::of_provider(world, &provider);
    let group =
        group.ok_or_else(|| Fault::client("The Auto Scaling group of the capacity provider does not exist."))?;
    let mut document = given.clone();
    put(&mut document, "autoScalingGroupArn", provider.document.text("autoScalingGroupArn").unwrap_or_default());
    if world.options.quirks.omitted_on_update == OmittedOnUpdate::Keep {
        document = kept(&provider.document, document);
    }
    let document = filled(document);
    check(&document, &group, &provider.document)?;
    provider.document = document;
    provider.update_status = "UPDATE_IN_PROGRESS";
    provider.reason = None;
    provider.change = world.next_serial();
    let seconds = world.ids.between(2, 5);
    world.after(seconds, Event::ProviderMoves(provider.name.clone(), provider.change));
    let answer = json!({"capacityProvider": describe::provider(&provider, &["TAGS"])});
    let name = provider.name.clone();
    world.state.providers.insert(name.clone(), provider);
    scaling::wake(world, &name);
    Ok(answer)
}

fn kept(old: &Value, mut new: Value) -> Value {
    for (key, value) in old.as_object().into_iter().flatten() {
        if key == "managedScaling" {
            let given = new.at(key).cloned().unwrap_or_else(|| json!({}));
            put(&mut new, key, kept(value, given));
        } else {
            fill(&mut new, key, value.clone());
        }
    }
    new
}

/// Whether a provider can be associated with a cluster. With managed scaling it serves one cluster.
pub(crate) fn attachable(world: &World, provider: &Provider, cluster: &str) -> Result<(), Fault> {
    let name = &provider.name;
    if provider.status != "ACTIVE" {
        return Err(Fault::invalid(format!(
            "The specified capacity provider '{name}' is not in an ACTIVE state. Use an active provider and try again."
        )));
    }
    let elsewhere = |c: &Cluster| c.name != cluster && c.status == "ACTIVE" && c.providers.contains(name);
    if scaling::enabled(provider) && world.state.clusters.values().any(elsewhere) {
        return Err(Fault::invalid(format!(
            "The capacity provider '{name}' uses managed scaling and is associated with another cluster."
        )));
    }
    provider_validate::name(name)
}

/// The provider whose group a machine of a cluster belongs to.
pub(crate) fn of_group(world: &World, cluster: &str, group: Option<&str>) -> Option<String> {
    let listed = &world.state.clusters.get(cluster)?.providers;
    let group = group?;
    let mut all = listed.iter().filter_map(|p| world.state.providers.get(p));
    all.find(|p| p.group() == Some(group) && groups::of_provider(world, p).is_some()).map(|p| p.name.clone())
}

/// What a cluster's list of providers changes: the providers of its instances, and who scales.
pub(crate) fn associated(world: &mut World, cluster: &str) {
    let machines: Vec<(String, String)> = world
        .state
        .instances
        .values()
        .filter(|i| i.cluster == cluster && i.host == Host::Machine)
        .map(|i| (i.id.clone(), i.ec2_id.clone()))
        .collect();
    for (id, machine) in machines {
        let group = groups::of_machine(world, &machine);
        let provider = of_group(world, cluster, group.as_deref());
        if let Some(instance) = world.state.instances.get_mut(&id) {
            instance.provider = provider;
        }
    }
    let names = world.state.clusters.get(cluster).map(|c| c.providers.clone()).unwrap_or_default();
    for name in names {
        scaling::wake(world, &name);
    }
    world.queue.push_once(world.now, Event::Place(cluster.to_owned()));
}

/// What ECS attached to the groups of a cluster: a scaling policy, and the hook of managed draining.
pub(crate) fn attachments(world: &World, cluster: &Cluster) -> Value {
    let status = if cluster.attachments_status == Some("UPDATE_IN_PROGRESS") { "CREATING" } else { "CREATED" };
    let mut out = Vec::new();
    for provider in cluster.providers.iter().filter_map(|p| world.state.providers.get(p)) {
        if provider.group().is_none() {
            continue;
        }
        let mut add = |kind: &str, key: &str, value: String| {
            out.push(json!({
                "id": format!("{:016x}", crate::ids::of_text(&format!("{}{}{kind}", cluster.name, provider.name))),
                "type": kind,
                "status": status,
                "details": [{"name": "capacityProviderName", "value": provider.name}, {"name": key, "value": value}],
            }));
        };
        if scaling::enabled(provider) {
            let id = crate::ids::of_text(&provider.name);
            add("as_policy", "scalingPolicyName", format!("ECSManagedAutoScalingPolicy-{id:016x}"));
        }
        if drains(provider) {
            let hook = "ecs-managed-draining-termination-hook".to_owned();
            add("managed_draining", "autoScalingLifecycleHookName", hook);
        }
    }
    Value::Array(out)
}

/// Whether ECS drains an instance before the group ends it.
pub(crate) fn drains(provider: &Provider) -> bool {
    provider.document.text("managedDraining") == Some("ENABLED")
}

/// Whether ECS says which instances the group may end.
pub(crate) fn protects(provider: &Provider) -> bool {
    provider.document.text("managedTerminationProtection") == Some("ENABLED")
}
