//! Imagines the effect of steps on clusters and their capacity providers.
//!
//! Part of `preview`; what lies behind a pool of Auto Scaling groups is in `ec2`.

use std::collections::BTreeMap;

use super::tags;
use crate::observe::{Cluster, ClusterStatus, Provider, ProviderStatus};
use crate::observed::{Listing, Observed};
use crate::shape::cluster::{ClusterSetting, CreateCluster, UpdateCluster};
use crate::shape::provider::{
    AutoScalingGroupProviderUpdate, CreateCapacityProvider, ManagedInstancesProvider, UpdateCapacityProvider,
    UpdateManagedInstancesProviderConfiguration,
};

pub(super) fn create_cluster(observed: &mut Observed, request: &CreateCluster) {
    let cluster = cluster(request);
    observed.providers.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
    observed.services.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
    observed.standalone.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
    observed.clusters.put(cluster.name.clone(), cluster);
}

pub(super) fn update_cluster(observed: &mut Observed, request: &UpdateCluster) {
    let Some(found) = observed.clusters.get_mut(request.cluster.as_deref().unwrap_or_default()) else { return };
    found.settings.extend(settings(&request.settings));
    if request.configuration.is_some() {
        found.configuration.clone_from(&request.configuration);
    }
    if let Some(defaults) = &request.service_connect_defaults {
        found.service_connect_namespace = Some(defaults.namespace.clone());
    }
}

pub(super) fn delete_cluster(observed: &mut Observed, cluster: &str) {
    observed.clusters.remove(cluster);
    observed.providers.remove(cluster);
    observed.services.remove(cluster);
    observed.standalone.remove(cluster);
}

pub(super) fn create_provider(observed: &mut Observed, request: &CreateCapacityProvider) {
    let provider = provider(request);
    if request.cluster.is_none() {
        observed.group_providers.put(provider.name.clone(), provider);
    } else {
        let listing = observed.providers.entry(provider.cluster.clone()).or_default();
        listing.put(provider.name.clone(), provider);
    }
}

/// The provider of a group belongs to no cluster.
pub(super) fn update_provider(observed: &mut Observed, request: &UpdateCapacityProvider) {
    let name = request.name.as_deref().unwrap_or_default();
    let listing = match &request.cluster {
        Some(cluster) => observed.providers.get_mut(cluster),
        None => Some(&mut observed.group_providers),
    };
    let Some(found) = listing.and_then(|listing| listing.get_mut(name)) else { return };
    if let Some(given) = &request.managed_instances_provider {
        update_managed(found, given);
    }
    if let Some(given) = &request.auto_scaling_group_provider {
        update_group_provider(found, given);
    }
}

pub(super) fn delete_provider(observed: &mut Observed, name: &str, cluster: Option<&String>) {
    match cluster {
        Some(cluster) => {
            if let Some(listing) = observed.providers.get_mut(cluster) {
                listing.remove(name);
            }
        }
        None => observed.group_providers.remove(name),
    }
}

fn settings(list: &[ClusterSetting]) -> BTreeMap<String, String> {
    list.iter().filter_map(|setting| Some((setting.name.clone()?, setting.value.clone()?))).collect()
}

fn cluster(request: &CreateCluster) -> Cluster {
    let name = request.cluster_name.clone().unwrap_or_default();
    Cluster {
        arn: format!("cluster/{name}"),
        name,
        status: ClusterStatus::Active,
        settings: settings(&request.settings),
        configuration: request.configuration.clone(),
        service_connect_namespace: request.service_connect_defaults.as_ref().map(|d| d.namespace.clone()),
        tags: tags(&request.tags),
        registered_instances: 0,
        capacity_providers: Vec::new(),
        default_strategy: Vec::new(),
        attachments_status: None,
    }
}

fn provider(request: &CreateCapacityProvider) -> Provider {
    let name = request.name.clone().unwrap_or_default();
    Provider {
        arn: format!("capacity-provider/{name}"),
        name,
        cluster: request.cluster.clone().unwrap_or_default(),
        status: ProviderStatus::Active,
        update_status: None,
        update_status_reason: None,
        managed_instances: request.managed_instances_provider.as_ref().map(|given| ManagedInstancesProvider {
            infrastructure_role_arn: Some(given.infrastructure_role_arn.clone()),
            instance_launch_template: given.instance_launch_template.clone(),
            propagate_tags: given.propagate_tags.clone(),
            infrastructure_optimization: given.infrastructure_optimization.clone(),
            auto_repair_configuration: given.auto_repair_configuration.clone(),
        }),
        auto_scaling_group: request.auto_scaling_group_provider.clone(),
        tags: tags(&request.tags),
    }
}

fn update_managed(provider: &mut Provider, given: &UpdateManagedInstancesProviderConfiguration) {
    let Some(found) = &mut provider.managed_instances else { return };
    found.infrastructure_role_arn = Some(given.infrastructure_role_arn.clone());
    found.propagate_tags.clone_from(&given.propagate_tags);
    found.infrastructure_optimization.clone_from(&given.infrastructure_optimization);
    found.auto_repair_configuration.clone_from(&given.auto_repair_configuration);
    if let (Some(template), Some(update)) = (&mut found.instance_launch_template, &given.instance_launch_template) {
        template.ec2_instance_profile_arn = update.ec2_instance_profile_arn.clone().unwrap_or_default();
        template.network_configuration.clone_from(&update.network_configuration);
        template.storage_configuration.clone_from(&update.storage_configuration);
        template.local_storage_configuration.clone_from(&update.local_storage_configuration);
        template.monitoring.clone_from(&update.monitoring);
        template.instance_metadata_tags_propagation = update.instance_metadata_tags_propagation;
        template.instance_requirements.clone_from(&update.instance_requirements);
        template.capacity_reservations.clone_from(&update.capacity_reservations);
    }
}

fn update_group_provider(provider: &mut Provider, given: &AutoScalingGroupProviderUpdate) {
    let Some(found) = &mut provider.auto_scaling_group else { return };
    if given.managed_scaling.is_some() {
        found.managed_scaling.clone_from(&given.managed_scaling);
    }
    if given.managed_termination_protection.is_some() {
        found.managed_termination_protection.clone_from(&given.managed_termination_protection);
    }
    if given.managed_draining.is_some() {
        found.managed_draining.clone_from(&given.managed_draining);
    }
}
