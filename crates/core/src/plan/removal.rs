//! Plans removals: what is no longer declared, and what a replacement has made superfluous.
//!
//! The reverse order of creation: services, then their task definitions, providers without users, empty clusters. Only
//! what carries our installation id is considered; what was adopted or is marked `prune: Disabled` stays.

use std::collections::BTreeSet;

use super::pool::{has_failed, is_of};
use super::{Evidence, Planner, Prune, Wait};
use crate::observe::{
    Cluster, ClusterStatus, Provider, ProviderStatus, Rollout, Service, ServiceStatus, TaskDefinition,
};
use crate::observed::{Listing, Slot};
use crate::ownership::{self, Owner, Tags};
use crate::spec::{Kind, ObjectKey};
use crate::step::{Action, Cause, Resource, Step};

impl Planner<'_> {
    pub(super) fn removals(&mut self) {
        self.surplus_services();
        self.surplus_revisions();
        self.surplus_providers();
        self.surplus_clusters();
    }

    fn surplus_services(&mut self) {
        for service in self.world.observed.all_services() {
            let Some(owner) = self.removable(&service.tags) else { continue };
            if owner.kind != Kind::NeuronService || service.status != ServiceStatus::Active {
                continue;
            }
            let wanted = self.world.desired.services.get(&owner.name);
            let resource = Resource::Service { cluster: service.cluster.clone(), name: service.name.clone() };
            let cause = match wanted {
                Some(wanted) if wanted.cluster == *service.cluster && wanted.object.name == *service.name => continue,
                Some(wanted) if self.is_steady(wanted.cluster.as_str(), wanted.object.name.as_str()) => {
                    Cause::Superseded { by: format!("service {}/{}", wanted.cluster, wanted.object.name) }
                }
                Some(_) => {
                    self.wait(&owner, Wait::Replacement { resource });
                    continue;
                }
                None if self.world.desired.declares(&owner) => continue,
                None => Cause::NotDeclared,
            };
            self.delete_service(&owner, service, cause);
        }
    }

    fn delete_service(&mut self, owner: &ObjectKey, service: &Service, cause: Cause) {
        let resource = Resource::Service { cluster: service.cluster.clone(), name: service.name.clone() };
        let action = Action::DeleteService { cluster: service.cluster.clone(), service: service.name.clone() };
        self.remove(owner, resource, action, cause);
    }

    /// Whether a service exists and its newest deployment has all its tasks running.
    fn is_steady(&self, cluster: &str, name: &str) -> bool {
        let Slot::Ours(found, _) = self.world.observed.service(cluster, name, self.installation()) else {
            return false;
        };
        let primary = found.deployments.iter().find(|deployment| deployment.primary);
        found.status == ServiceStatus::Active
            && primary
                .is_some_and(|primary| primary.rollout == Rollout::Completed && primary.running >= primary.desired)
    }

    fn surplus_revisions(&mut self) {
        let families: BTreeSet<&str> =
            self.world.desired.services.values().filter_map(|s| s.task_definition.family.as_deref()).collect();
        let mut surplus: Vec<(ObjectKey, &TaskDefinition)> = Vec::new();
        for revision in self.world.observed.task_definitions.iter().filter(|revision| revision.active) {
            let Some(owner) = self.removable(&revision.tags) else { continue };
            let current = families.contains(revision.family.as_str()) || self.world.desired.held.contains(&owner);
            if !current && !self.revisions_in_use.contains(revision.arn.as_str()) && self.services_are_read() {
                surplus.push((owner, revision));
            }
        }
        for (owner, revision) in surplus {
            let resource = Resource::TaskDefinition(revision.family.clone());
            if !self.taken.contains(&resource) {
                let action = Action::DeregisterTaskDefinition { arn: revision.arn.clone() };
                self.remove(&owner, resource, action, Cause::NotDeclared);
            }
        }
    }

    fn services_are_read(&self) -> bool {
        self.world.observed.clusters.is_read() && self.world.observed.services.values().all(Listing::is_read)
    }

    fn surplus_providers(&mut self) {
        for provider in self.world.observed.all_providers() {
            let Some(owner) = self.removable(&provider.tags) else { continue };
            let live = matches!(provider.status, ProviderStatus::Active | ProviderStatus::Provisioning);
            if owner.kind != Kind::NeuronPool || !live {
                continue;
            }
            match self.provider_surplus(&owner, provider) {
                Surplus::InCharge => {}
                Surplus::Waits => {
                    let resource = Resource::CapacityProvider(provider.name.clone());
                    self.wait(&owner, Wait::Replacement { resource });
                }
                Surplus::Goes(cause) => self.delete_provider(&owner, provider, cause),
            }
        }
    }

    fn provider_surplus(&self, owner: &ObjectKey, provider: &Provider) -> Surplus {
        let Some(pool) = self.world.desired.pools.get(&owner.name) else {
            let declared = self.world.desired.declares(owner);
            return if declared { Surplus::InCharge } else { Surplus::Goes(Cause::NotDeclared) };
        };
        if has_failed(provider) && is_of(provider, owner, self.world.installation) {
            let reason = provider.update_status_reason.clone().unwrap_or_else(|| "no reason given".to_owned());
            return Surplus::Goes(Cause::Failed { reason });
        }
        match self.provider_in_charge(pool) {
            Some(current) if current.name == provider.name => Surplus::InCharge,
            Some(current) if current.status == ProviderStatus::Active => {
                Surplus::Goes(Cause::Superseded { by: format!("capacity provider {}", current.name) })
            }
            _ => Surplus::Waits,
        }
    }

    fn delete_provider(&mut self, owner: &ObjectKey, provider: &Provider, cause: Cause) {
        let by = self.users(provider);
        if by.is_empty() && self.world.observed.services.get(&provider.cluster).is_some_and(Listing::is_read) {
            let action =
                Action::DeleteCapacityProvider { name: provider.name.clone(), cluster: provider.cluster.clone() };
            self.remove(owner, Resource::CapacityProvider(provider.name.clone()), action, cause);
        } else if self.may_prune(&cause).is_ok() {
            self.wait(owner, Wait::InUse { provider: provider.name.clone(), by });
        }
    }

    /// Services, ours or not, that still use a provider.
    fn users(&self, provider: &Provider) -> Vec<String> {
        let services = self.world.observed.services.get(&provider.cluster).into_iter().flat_map(Listing::iter);
        services
            .filter(|service| service.status != ServiceStatus::Inactive)
            .filter(|service| {
                let strategy = service.settings.capacity_provider_strategy.iter().flatten();
                strategy.into_iter().any(|item| item.capacity_provider == provider.name)
            })
            .map(|service| format!("service {}", service.name))
            .collect()
    }

    fn surplus_clusters(&mut self) {
        for cluster in self.world.observed.clusters.iter() {
            let Some(owner) = self.removable(&cluster.tags) else { continue };
            let adopted = cluster.tags.contains_key(ownership::ADOPTED);
            if cluster.status != ClusterStatus::Active || adopted || self.world.desired.declares(&owner) {
                continue;
            }
            let resource = Resource::Cluster(cluster.name.clone());
            match self.contents(cluster) {
                Some(contents) if self.may_prune(&Cause::NotDeclared).is_ok() => {
                    self.wait(&owner, Wait::NotEmpty { cluster: cluster.name.clone(), contents });
                }
                Some(_) => {}
                None => {
                    let action = Action::DeleteCluster { cluster: cluster.name.clone() };
                    self.remove(&owner, resource, action, Cause::NotDeclared);
                }
            }
        }
    }

    /// What still lives in a cluster, in words.
    fn contents(&self, cluster: &Cluster) -> Option<String> {
        let observed = self.world.observed;
        let (Some(services), Some(providers)) =
            (observed.services.get(&cluster.name), observed.providers.get(&cluster.name))
        else {
            return Some("something not read yet".to_owned());
        };
        if !services.is_read() || !providers.is_read() {
            return Some("something not read yet".to_owned());
        }
        let service = services.iter().find(|service| service.status != ServiceStatus::Inactive);
        let provider = providers.iter().find(|provider| provider.status != ProviderStatus::Inactive);
        match (service, provider) {
            (Some(service), _) => Some(format!("service {}", service.name)),
            (None, Some(provider)) => Some(format!("capacity provider {}", provider.name)),
            (None, None) if cluster.registered_instances > 0 => {
                Some(format!("{} container instances", cluster.registered_instances))
            }
            (None, None) => None,
        }
    }

    /// The owner, if it is an object of ours and its resource may ever be removed.
    fn removable(&self, tags: &Tags) -> Option<ObjectKey> {
        let Owner::Us(owner) = ownership::owner(tags, self.world.installation) else { return None };
        let kept = tags.get(ownership::PRUNE).is_some_and(|value| value == "Disabled");
        (!kept).then_some(owner)
    }

    fn remove(&mut self, owner: &ObjectKey, resource: Resource, action: Action, cause: Cause) {
        match self.may_prune(&cause) {
            Ok(()) => {
                let step = Step { object: owner.clone(), resource, action, because: vec![cause] };
                self.step(step, Evidence::Reading);
            }
            Err(Some(why)) => self.wait(owner, Wait::PruneBlocked { why, resource }),
            Err(None) => {}
        }
    }

    /// Whether something may go for this cause. A replacement's predecessor always may.
    const fn may_prune(&self, cause: &Cause) -> Result<(), Option<super::PruneBlock>> {
        match (cause, self.limits.prune) {
            (Cause::NotDeclared, Prune::Disabled) => Err(None),
            (Cause::NotDeclared, Prune::Blocked(why)) => Err(Some(why)),
            _ => Ok(()),
        }
    }
}

enum Surplus {
    InCharge,
    Waits,
    Goes(Cause),
}
