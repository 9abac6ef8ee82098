//! Plans removals: what is no longer declared, and what a replacement has made superfluous.
//!
//! The reverse order of creation: services, then their task definitions, providers without users, empty clusters. Only
//! what carries our installation id is considered; what was adopted or is marked `prune: Disabled` stays. Whether anything
//! may go that is no longer declared is `prune`'s to say.

mod groups;

use std::collections::BTreeSet;

use super::pool::{has_failed, is_of};
use super::{Evidence, Planner, Wait};
use crate::allocate::Allocated;
use crate::desired::{DesiredJob, PackedService};
use crate::observe::{
    Cluster, ClusterStatus, Provider, ProviderStatus, Rollout, Service, ServiceStatus, TaskDefinition,
};
use crate::observed::{Listing, Slot};
use crate::spec::{Kind, ObjectKey};
use crate::step::{Action, Cause, Resource, Step};

impl Planner<'_> {
    pub(super) fn removals(&mut self) {
        self.pruning = self.decide_pruning();
        self.surplus_services();
        self.undeclared_jobs();
        self.surplus_revisions();
        self.surplus_providers();
        self.surplus_groups();
        self.surplus_templates();
        self.surplus_clusters();
    }

    fn surplus_services(&mut self) {
        for service in self.world.observed.all_services() {
            let Some(owner) = self.removable(&service.tags) else { continue };
            if owner.kind != Kind::NeuronService || service.status != ServiceStatus::Active {
                continue;
            }
            let wanted = self.world.desired.services.get(&owner.name);
            // The ECS services of a packed service come and go with its layout.
            let packed = self.world.desired.packed.get(&owner.name);
            if packed.is_some_and(|packed| packed.cluster == *service.cluster) {
                continue;
            }
            let resource = Resource::Service { cluster: service.cluster.clone(), name: service.name.clone() };
            let cause = match wanted {
                Some(wanted) if wanted.cluster == *service.cluster && wanted.name == *service.name => continue,
                Some(wanted) if self.is_steady(wanted.cluster.as_str(), &wanted.name) => {
                    Cause::Superseded { by: format!("service {}/{}", wanted.cluster, wanted.name) }
                }
                Some(_) => {
                    self.wait(&owner, Wait::Replacement { resource });
                    continue;
                }
                None => match packed {
                    Some(packed) if self.is_packed_steady(packed) => {
                        Cause::Superseded { by: format!("{} in cluster {}", packed.object, packed.cluster) }
                    }
                    Some(_) => {
                        self.wait(&owner, Wait::Replacement { resource });
                        continue;
                    }
                    None if self.world.desired.declares(&owner) => continue,
                    None => Cause::NotDeclared,
                },
            };
            self.delete_service(&owner, service, cause);
        }
    }

    fn delete_service(&mut self, owner: &ObjectKey, service: &Service, cause: Cause) {
        let resource = Resource::Service { cluster: service.cluster.clone(), name: service.name.clone() };
        let action = Action::DeleteService { cluster: service.cluster.clone(), service: service.name.clone() };
        // What takes its place marks the revisions as its own.
        let replaced = matches!(cause, Cause::Superseded { .. });
        if !replaced && (!self.lets_go(owner, &resource, &cause) || !self.unmark(owner, service, &cause)) {
            return;
        }
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

    fn is_packed_steady(&self, packed: &PackedService) -> bool {
        match self.plan.allocation.services.get(&packed.object.name) {
            Some(Allocated::Units(units)) => {
                !units.stay.is_empty()
                    && units.stay.values().all(|unit| self.is_steady(unit.cluster.as_str(), &unit.name))
            }
            Some(Allocated::Blind { .. }) | None => false,
        }
    }

    fn surplus_revisions(&mut self) {
        let desired = self.world.desired;
        let variants = desired.packed.values().flat_map(|packed| packed.variants.values());
        let of_jobs = desired.jobs.values().flat_map(DesiredJob::variants);
        let families: BTreeSet<&str> = desired
            .services
            .values()
            .chain(variants)
            .chain(of_jobs)
            .filter_map(|s| s.task_definition.family.as_deref())
            .collect();
        let mut surplus: Vec<(ObjectKey, &TaskDefinition)> = Vec::new();
        for revision in self.world.observed.task_definitions.iter().filter(|revision| revision.active) {
            let Some(owner) = self.removable(&revision.tags) else { continue };
            if !self.is_job_known(&owner) {
                self.wait(&owner, Wait::NotRead { what: format!("records and tasks of {owner}") });
                continue;
            }
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

    /// Whether everything is known that may run a revision of a job.
    fn is_job_known(&self, owner: &ObjectKey) -> bool {
        owner.kind != Kind::NeuronJob || self.agenda.book.is_some()
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
        let current: Vec<&Provider> =
            pool.providers().into_iter().filter_map(|wanted| self.provider_in_charge(pool, wanted)).collect();
        let all_active = current.len() == pool.providers().len()
            && current.iter().all(|provider| provider.status == ProviderStatus::Active);
        match current.first() {
            _ if current.iter().any(|current| current.name == provider.name) => Surplus::InCharge,
            Some(first) if all_active => {
                Surplus::Goes(Cause::Superseded { by: format!("capacity provider {}", first.name) })
            }
            _ => Surplus::Waits,
        }
    }

    fn delete_provider(&mut self, owner: &ObjectKey, provider: &Provider, cause: Cause) {
        let resource = Resource::CapacityProvider(provider.name.clone());
        if !self.lets_go(owner, &resource, &cause) {
            return;
        }
        let by = self.users(provider);
        let in_group = provider.auto_scaling_group.is_some();
        let read = if in_group {
            self.services_are_read()
        } else {
            self.world.observed.services.get(&provider.cluster).is_some_and(Listing::is_read)
        };
        if !by.is_empty() || !read {
            self.wait(owner, Wait::InUse { provider: provider.name.clone(), by });
            return;
        }
        if in_group && !self.disassociate(owner, provider, &cause) {
            return;
        }
        let cluster = (!in_group).then(|| provider.cluster.clone());
        let action = Action::DeleteCapacityProvider { name: provider.name.clone(), cluster };
        self.remove(owner, resource, action, cause);
    }

    /// Services, ours or not, that still use a provider. The provider of a group may be used in any cluster.
    fn users(&self, provider: &Provider) -> Vec<String> {
        let services = self.world.observed.all_services();
        services
            .filter(|service| provider.cluster.is_empty() || service.cluster == provider.cluster)
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
            let resource = Resource::Cluster(cluster.name.clone());
            let declared = self.world.desired.declares(&owner);
            if cluster.status != ClusterStatus::Active
                || declared
                || !self.lets_go(&owner, &resource, &Cause::NotDeclared)
            {
                continue;
            }
            if let Some(contents) = self.contents(cluster) {
                self.wait(&owner, Wait::NotEmpty { cluster: cluster.name.clone(), contents });
                continue;
            }
            let action = Action::DeleteCluster { cluster: cluster.name.clone() };
            self.remove(&owner, resource, action, Cause::NotDeclared);
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
        let mut of_groups = observed.group_providers.iter();
        let associated = of_groups.find(|provider| cluster.capacity_providers.contains(&provider.name));
        let associated = associated.map(|provider| format!("capacity provider {}", provider.name));
        match (service, provider) {
            (Some(service), _) => Some(format!("service {}", service.name)),
            (None, Some(provider)) => Some(format!("capacity provider {}", provider.name)),
            (None, None) if associated.is_some() => associated,
            (None, None) if cluster.registered_instances > 0 => {
                Some(format!("{} container instances", cluster.registered_instances))
            }
            (None, None) => None,
        }
    }

    fn remove(&mut self, owner: &ObjectKey, resource: Resource, action: Action, cause: Cause) {
        if self.lets_go(owner, &resource, &cause) {
            let step = Step { object: owner.clone(), resource, action, because: vec![cause] };
            self.step(step, Evidence::Reading);
        }
    }
}

enum Surplus {
    InCharge,
    Waits,
    Goes(Cause),
}
