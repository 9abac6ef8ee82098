//! Removes what lies behind a pool of Auto Scaling groups that is no longer wanted.
//!
//! Part of `removal`. The order that works: services, association, provider, group (its instances go with it), template.

use super::super::{Planner, Wait};
use crate::observe::{Group, Provider, ProviderStatus};
use crate::observed::Listing;
use crate::shape::cluster::PutClusterCapacityProviders;
use crate::spec::{Kind, ObjectKey};
use crate::step::{Action, Cause, Resource};

impl Planner<'_> {
    /// Takes a provider of a group out of every cluster of ours; true once it is in none.
    pub(super) fn disassociate(&mut self, owner: &ObjectKey, provider: &Provider, cause: &Cause) -> bool {
        let mut free = true;
        for cluster in self.world.observed.clusters.iter() {
            if !cluster.capacity_providers.contains(&provider.name) {
                continue;
            }
            free = false;
            if !self.knows_managed(cluster) {
                let what = format!("capacity providers of cluster {}", cluster.name);
                self.wait(owner, Wait::NotRead { what });
                continue;
            }
            if cluster.attachments_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
                let status = "changing its capacity providers".to_owned();
                self.wait(owner, Wait::Cluster { cluster: cluster.name.clone(), status });
                continue;
            }
            let mut list = self.associated(cluster);
            list.retain(|name| *name != provider.name);
            let mut strategy = cluster.default_strategy.clone();
            strategy.retain(|item| item.capacity_provider != provider.name);
            let action = Action::PutClusterCapacityProviders(PutClusterCapacityProviders {
                cluster: cluster.name.clone(),
                capacity_providers: list,
                default_capacity_provider_strategy: strategy,
            });
            self.remove(owner, Resource::Cluster(cluster.name.clone()), action, cause.clone());
        }
        free
    }

    pub(super) fn surplus_groups(&mut self) {
        let desired = self.world.desired;
        for group in self.world.observed.groups.iter() {
            let Some(owner) = self.removable(&group.tags) else { continue };
            let pool = desired.pools.get(&owner.name);
            if owner.kind != Kind::NeuronPool || group.status.is_some() {
                continue;
            }
            let cause = match pool {
                Some(pool) if pool.groups().iter().any(|wanted| wanted.name == group.name) => continue,
                Some(pool) => Cause::Superseded { by: pool.object.to_string() },
                None if desired.declares(&owner) => continue,
                None => Cause::NotDeclared,
            };
            let resource = Resource::AutoScalingGroup(group.name.clone());
            if !self.lets_go(&owner, &resource, &cause) {
                continue;
            }
            if self.is_backed(group) {
                self.wait(&owner, Wait::Replacement { resource });
                continue;
            }
            let action = Action::DeleteAutoScalingGroup { name: group.name.clone() };
            self.remove(&owner, resource, action, cause);
        }
    }

    /// Whether a provider still stands in front of a group, or nobody knows.
    fn is_backed(&self, group: &Group) -> bool {
        let Listing::Read(providers) = &self.world.observed.group_providers else { return true };
        providers.values().any(|provider| {
            let behind = provider.auto_scaling_group.as_ref().map(|given| given.auto_scaling_group_arn.as_str());
            provider.status != ProviderStatus::Inactive && behind == Some(group.arn.as_str())
        })
    }

    pub(super) fn surplus_templates(&mut self) {
        let desired = self.world.desired;
        for template in self.world.observed.templates.iter() {
            let Some(owner) = self.removable(&template.tags) else { continue };
            if owner.kind != Kind::NeuronPool {
                continue;
            }
            let cause = match desired.pools.get(&owner.name) {
                Some(pool) if pool.groups().iter().any(|wanted| wanted.name == template.name) => continue,
                Some(pool) => Cause::Superseded { by: pool.object.to_string() },
                None if desired.declares(&owner) => continue,
                None => Cause::NotDeclared,
            };
            // The group has the name of its template.
            let groups = &self.world.observed.groups;
            if !groups.is_read() || groups.get(&template.name).is_some() {
                continue;
            }
            let action = Action::DeleteLaunchTemplate { id: template.id.clone(), name: template.name.clone() };
            self.remove(&owner, Resource::LaunchTemplate(template.name.clone()), action, cause);
        }
    }
}
