//! Plans the capacity provider in front of an Auto Scaling group, and its association with the cluster.
//!
//! Part of `plan`, called by `group`. A provider is bound to the ARN of its group for life: if the group was deleted and
//! made again, the provider is as good as gone, and another one takes its place.

use super::pool::{has_failed, place, provider_tags, provider_wait};
use super::{Evidence, Planner, Wait};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::diff::{self, diff_without};
use crate::observe::{Cluster, Group, Provider, ProviderStatus};
use crate::observed::Listing;
use crate::ownership;
use crate::shape::cluster::PutClusterCapacityProviders;
use crate::shape::provider::{
    AutoScalingGroupProvider, AutoScalingGroupProviderUpdate, CreateCapacityProvider, UpdateCapacityProvider,
};
use crate::step::{Action, Cause, FieldChange, Resource, Step};

/// The member of the request under which the settings of such a provider are.
const IN_GROUP: &str = "autoScalingGroupProvider";

impl<'a> Planner<'a> {
    /// The provider in front of a group, as soon as it exists.
    pub(super) fn group_provider(
        &mut self,
        pool: &DesiredPool,
        wanted: &DesiredGroup,
        group: &Group,
    ) -> Option<&'a Provider> {
        match self.provider_in_charge(pool, &wanted.provider) {
            Some(found) if found.status == ProviderStatus::Active => {
                self.keep_group_provider(pool, wanted, found);
                Some(found)
            }
            Some(found) => {
                self.wait(&pool.object, provider_wait(found));
                None
            }
            None => {
                let document =
                    AutoScalingGroupProvider { auto_scaling_group_arn: group.arn.clone(), ..wanted.document.clone() };
                let tags = provider_tags(pool, &wanted.provider);
                let resource = Resource::CapacityProvider(wanted.provider.name.clone());
                let record = self.record(&pool.object, &resource, &document, &tags);
                if self.is_gone(&pool.object, &resource, record.as_ref()) {
                    return None;
                }
                let request = CreateCapacityProvider {
                    auto_scaling_group_provider: Some(document),
                    tags: ownership::to_list(&self.stamped(&pool.object, &tags)),
                    ..CreateCapacityProvider::default()
                };
                self.create_provider(pool, &wanted.provider, request);
                None
            }
        }
    }

    fn keep_group_provider(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, found: &Provider) {
        if found.update_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
            self.wait(&pool.object, provider_wait(found));
            return;
        }
        let arn = found.auto_scaling_group.as_ref().map(|given| given.auto_scaling_group_arn.clone());
        let document =
            AutoScalingGroupProvider { auto_scaling_group_arn: arn.unwrap_or_default(), ..wanted.document.clone() };
        let ignored = self.ignored(&pool.object).below(IN_GROUP);
        let changes = diff_without(&document, &found.auto_scaling_group, &diff::PROVIDER, &ignored);
        let kept = self.kept(place(pool, found), &document, &provider_tags(pool, &wanted.provider));
        if self.spares(&kept, &format!("/{IN_GROUP}"), &changes) {
            return;
        }
        if changes.is_empty() {
            self.tag_provider(&kept);
            return;
        }
        let document = ignored.kept(document, &found.auto_scaling_group);
        let action = Action::UpdateCapacityProvider(UpdateCapacityProvider {
            name: Some(found.name.clone()),
            auto_scaling_group_provider: Some(AutoScalingGroupProviderUpdate {
                managed_scaling: document.managed_scaling,
                managed_termination_protection: document.managed_termination_protection,
                managed_draining: document.managed_draining,
            }),
            ..UpdateCapacityProvider::default()
        });
        let because = changes.into_iter().map(Cause::Field).collect();
        let resource = Resource::CapacityProvider(found.name.clone());
        self.step(Step { object: pool.object.clone(), resource, action, because }, Evidence::Reading);
    }

    /// Adds providers to the list of the cluster. The whole list is sent: what others have put there stays, except
    /// Managed Instances providers, which belong to their cluster without it and may not be named.
    pub(super) fn associate(&mut self, pool: &DesiredPool, providers: &[String]) {
        let observed = self.world.observed;
        let Some(cluster) = observed.clusters.get(pool.cluster.as_str()) else { return };
        if !self.knows_managed(cluster) {
            let what = format!("capacity providers of cluster {}", cluster.name);
            self.wait(&pool.object, Wait::NotRead { what });
            return;
        }
        let missing: Vec<String> =
            providers.iter().filter(|name| !cluster.capacity_providers.contains(name)).cloned().collect();
        let Some(first) = missing.first().cloned() else { return };
        if cluster.attachments_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
            let status = "attaching capacity providers".to_owned();
            self.wait(&pool.object, Wait::Cluster { cluster: cluster.name.clone(), status });
            return;
        }
        let mut list: Vec<String> = self.associated(cluster);
        list.extend(missing);
        let action = Action::PutClusterCapacityProviders(PutClusterCapacityProviders {
            cluster: cluster.name.clone(),
            capacity_providers: list,
            default_capacity_provider_strategy: cluster.default_strategy.clone(),
        });
        let because = vec![Cause::Field(FieldChange {
            path: "capacityProviders".to_owned(),
            from: None,
            to: Some(first.into()),
        })];
        let resource = Resource::Cluster(cluster.name.clone());
        self.step(Step { object: pool.object.clone(), resource, action, because }, Evidence::Reading);
    }

    /// Whether it is known which of a cluster's providers are for Managed Instances.
    pub(super) fn knows_managed(&self, cluster: &Cluster) -> bool {
        self.world.observed.providers.get(&cluster.name).is_some_and(Listing::is_read)
    }

    /// What PutClusterCapacityProviders may name of a cluster's list.
    pub(super) fn associated(&self, cluster: &Cluster) -> Vec<String> {
        let managed = self.world.observed.providers.get(&cluster.name);
        let is_managed = |name: &String| {
            managed.and_then(|listing| listing.get(name)).is_some_and(|found| found.managed_instances.is_some())
        };
        cluster.capacity_providers.iter().filter(|name| !is_managed(name)).cloned().collect()
    }

    /// Whether a group's provider can be named by services: active and associated with the cluster.
    pub(super) fn is_associated(&self, pool: &DesiredPool, provider: &Provider) -> bool {
        let cluster = self.world.observed.clusters.get(pool.cluster.as_str());
        cluster.is_some_and(|cluster| cluster.capacity_providers.contains(&provider.name)) && !has_failed(provider)
    }
}
