//! Imagines the effect of steps on the EC2 path: launch templates, Auto Scaling groups, machines, associations.
//!
//! Part of `preview`. Instances that a group wants are not imagined one by one: a preview knows tasks by their services.

use std::collections::BTreeMap;

use super::entries_mut;
use crate::observe::{Group, ServiceTasks, Template, TemplateVersion};
use crate::observed::{Listing, Observed};
use crate::ownership::Tags;
use crate::shape::cluster::PutClusterCapacityProviders;
use crate::shape::launch_template::{CreateLaunchTemplate, CreateLaunchTemplateVersion};
use crate::shape::scaling_group::{CreateAutoScalingGroup, GroupTag, UpdateAutoScalingGroup};
use crate::step::{Action, Place, Step};

/// Files the effect that a step on the EC2 path has if AWS does as asked. Other steps have none here.
pub(super) fn assume(observed: &mut Observed, step: &Step) {
    match &step.action {
        Action::PutClusterCapacityProviders(request) => associate(observed, request),
        Action::CreateLaunchTemplate(request) => {
            observed.templates.put(request.launch_template_name.clone(), template(request));
        }
        Action::CreateLaunchTemplateVersion(request) => add_version(observed, request),
        Action::DeleteLaunchTemplate { name, .. } => observed.templates.remove(name),
        Action::CreateTags { id, tags } => {
            if let Some(found) = ec2_tags(observed, id) {
                found.extend(tags.clone());
            }
        }
        Action::DeleteTags { id, keys } => {
            if let Some(found) = ec2_tags(observed, id) {
                found.retain(|key, _| !keys.contains(key));
            }
        }
        Action::CreateAutoScalingGroup(request) => {
            observed.groups.put(request.auto_scaling_group_name.clone(), group(request));
        }
        Action::UpdateAutoScalingGroup(request) => update_group(observed, request),
        Action::DeleteAutoScalingGroup { name } => observed.groups.remove(name),
        Action::CreateOrUpdateTags { group, tags } => tag_group(observed, group, tags),
        Action::DeleteGroupTags { group, keys } => {
            if let Some(found) = observed.groups.get_mut(group) {
                found.tags.retain(|key, _| !keys.contains(key));
            }
        }
        Action::SetDesiredCapacity { group, desired } => {
            if let Some(found) = observed.groups.get_mut(group) {
                found.desired = *desired;
            }
        }
        Action::TerminateInstanceInAutoScalingGroup { instance, place } => terminate(observed, instance, *place),
        Action::UpdateContainerInstancesState { cluster, instance, status } => {
            let listing = observed.instances.get_mut(cluster);
            let found = listing.and_then(|listing| listing.get_mut(instance));
            if let Some(found) = found {
                (*status).clone_into(&mut found.status);
            }
        }
        Action::CreateCluster(_)
        | Action::UpdateCluster(_)
        | Action::DeleteCluster { .. }
        | Action::CreateCapacityProvider(_)
        | Action::UpdateCapacityProvider(_)
        | Action::DeleteCapacityProvider { .. }
        | Action::RegisterTaskDefinition(_)
        | Action::DeregisterTaskDefinition { .. }
        | Action::CreateService(_)
        | Action::UpdateService(_)
        | Action::DeleteService { .. }
        | Action::PutParameter { .. }
        | Action::DeleteParameters { .. }
        | Action::RunTask(_)
        | Action::StopTask { .. }
        | Action::TagResource { .. }
        | Action::UntagResource { .. } => {}
    }
}

fn associate(observed: &mut Observed, request: &PutClusterCapacityProviders) {
    let Some(found) = observed.clusters.get_mut(&request.cluster) else { return };
    // Managed Instances providers belong to their cluster without being named.
    let managed = observed.providers.get(&request.cluster);
    let is_managed = |name: &String| managed.is_some_and(|listing| listing.get(name).is_some());
    found.capacity_providers.retain(is_managed);
    found.capacity_providers.extend(request.capacity_providers.iter().cloned());
    found.default_strategy.clone_from(&request.default_capacity_provider_strategy);
}

fn tag_group(observed: &mut Observed, group: &str, tags: &[GroupTag]) {
    let Some(found) = observed.groups.get_mut(group) else { return };
    found.tags.extend(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
}

fn terminate(observed: &mut Observed, instance: &str, place: Place) {
    for group in entries_mut(&mut observed.groups) {
        let before = group.members.len();
        group.members.retain(|member| member.id != instance);
        if group.members.len() < before && place == Place::Removed {
            group.desired -= 1;
        }
    }
}

/// Lets what is in transition arrive. What is read of tasks and instances is taken to be current: nothing in a preview
/// waits for the first look at something that it has only imagined.
pub(super) fn settle(observed: &mut Observed) {
    let gone: Vec<String> =
        entries_mut(&mut observed.groups).filter(|g| g.status.is_some()).map(|group| group.name.clone()).collect();
    for name in gone {
        observed.groups.remove(&name);
    }
    let services = observed.services.iter().flat_map(|(cluster, listing)| {
        listing.iter().map(|service| (cluster.clone(), service.name.clone())).collect::<Vec<_>>()
    });
    let unread: Vec<_> = services.filter(|key| !observed.tasks.contains_key(key)).collect();
    for key in unread {
        observed.tasks.insert(key, ServiceTasks::default());
    }
    for cluster in observed.services.keys() {
        let listing = observed.instances.entry(cluster.clone()).or_default();
        if !listing.is_read() {
            *listing = Listing::Read(BTreeMap::new());
        }
    }
}

fn template(request: &CreateLaunchTemplate) -> Template {
    let specified = request.tag_specifications.iter().filter(|given| given.resource_type == "launch-template");
    let tags = specified.flat_map(|given| given.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
    let version = TemplateVersion {
        number: 1,
        description: request.version_description.clone(),
        image: request.launch_template_data.image_id.clone(),
        created: None,
    };
    let name = request.launch_template_name.clone();
    Template { id: format!("lt-{name}"), name, tags: tags.collect(), versions: vec![version] }
}

fn add_version(observed: &mut Observed, request: &CreateLaunchTemplateVersion) {
    let found = entries_mut(&mut observed.templates).find(|template| template.id == request.launch_template_id);
    if let Some(template) = found {
        let newest = template.versions.iter().map(|version| version.number).max().unwrap_or(0);
        template.versions.push(TemplateVersion {
            number: newest + 1,
            description: request.version_description.clone(),
            image: request.launch_template_data.image_id.clone(),
            created: None,
        });
    }
}

/// Tags of a launch template or an instance.
fn ec2_tags<'o>(observed: &'o mut Observed, id: &str) -> Option<&'o mut Tags> {
    let templates = entries_mut(&mut observed.templates).map(|template| (&template.id, &mut template.tags));
    let machines = entries_mut(&mut observed.machines).map(|machine| (&machine.id, &mut machine.tags));
    templates.chain(machines).find(|(found, _)| *found == id).map(|(_, tags)| tags)
}

fn group(request: &CreateAutoScalingGroup) -> Group {
    let CreateAutoScalingGroup { auto_scaling_group_name: name, tags, .. } = request;
    let members = UpdateAutoScalingGroup {
        auto_scaling_group_name: Some(name.clone()),
        launch_template: request.launch_template.clone(),
        mixed_instances_policy: request.mixed_instances_policy.clone(),
        min_size: request.min_size,
        max_size: request.max_size,
        vpc_zone_identifier: request.vpc_zone_identifier.clone(),
        placement_group: request.placement_group.clone(),
        new_instances_protected_from_scale_in: request.new_instances_protected_from_scale_in,
        health_check_type: request.health_check_type.clone(),
        health_check_grace_period: request.health_check_grace_period,
        default_instance_warmup: request.default_instance_warmup,
        termination_policies: request.termination_policies.clone(),
        capacity_rebalance: request.capacity_rebalance,
        max_instance_lifetime: request.max_instance_lifetime,
    };
    Group {
        arn: format!("auto-scaling-group/{name}"),
        name: name.clone(),
        settings: members,
        desired: request.min_size.unwrap_or(0),
        status: None,
        members: Vec::new(),
        tags: tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
        activities: Vec::new(),
    }
}

fn update_group(observed: &mut Observed, request: &UpdateAutoScalingGroup) {
    let Some(found) = observed.groups.get_mut(request.auto_scaling_group_name.as_deref().unwrap_or_default()) else {
        return;
    };
    let mut settings = serde_json::to_value(&found.settings).unwrap_or_default();
    if let (Some(known), Ok(serde_json::Value::Object(given))) =
        (settings.as_object_mut(), serde_json::to_value(request))
    {
        known.extend(given);
        // A group has either, and the one that is sent replaces the other.
        if request.launch_template.is_some() {
            known.remove("MixedInstancesPolicy");
        } else if request.mixed_instances_policy.is_some() {
            known.remove("LaunchTemplate");
        }
    }
    if let Ok(merged) = serde_json::from_value(settings) {
        found.settings = merged;
    }
}
