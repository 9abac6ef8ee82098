//! What the next sweep should read: enough to plan, and no call more.

use std::collections::BTreeSet;

use super::{State, look};
use crate::cloud::{Scope, ServiceKey};
use crate::desired::Desired;
use crate::observe::{ClusterStatus, Rollout, Service, ServiceStatus};

impl State {
    /// What the next sweep should read.
    pub fn scope(&self) -> Scope {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let clusters: BTreeSet<String> = desired
            .into_iter()
            .flat_map(|d| {
                let declared = d.clusters.keys().chain(d.pools.values().map(|pool| &pool.cluster));
                declared.map(ToString::to_string).collect::<Vec<_>>()
            })
            .collect();
        let ours = self.observed.clusters.iter().filter(|cluster| cluster.status == ClusterStatus::Active);
        let prefixes = clusters.iter().cloned().chain(ours.map(|cluster| cluster.name.clone()));
        Scope {
            installation: self.installation.clone(),
            family_prefixes: prefixes.map(|cluster| format!("{cluster}-")).collect(),
            clusters,
            services: self.services_to_describe(desired),
            tasks_of: self.services_to_look_into(),
            history_of: self.needs_history.clone(),
        }
    }

    /// Services that a list may not show: a draining one is no longer listed, a new one not yet.
    fn services_to_describe(&self, desired: Option<&Desired>) -> BTreeSet<ServiceKey> {
        let declared = desired.into_iter().flat_map(|d| {
            d.services.values().map(|service| (service.cluster.to_string(), service.object.name.to_string()))
        });
        let unlisted = self
            .observed
            .all_services()
            .filter(|service| service.status == ServiceStatus::Draining)
            .map(|service| (service.cluster.clone(), service.name.clone()));
        let known = |(cluster, name): &ServiceKey| {
            self.observed
                .services
                .get(cluster)
                .and_then(|listing| listing.get(name))
                .is_some_and(|service| service.status == ServiceStatus::Active)
        };
        declared.filter(|key| !known(key)).chain(unlisted).collect()
    }

    /// Tasks are worth a call only where something moves or has moved since the last look.
    fn services_to_look_into(&self) -> BTreeSet<ServiceKey> {
        self.observed
            .all_services()
            .filter(|service| service.status == ServiceStatus::Active && self.is_declared(service))
            .filter(|service| {
                let key = (service.cluster.clone(), service.name.clone());
                !is_steady(service) || self.looked_into.get(&key) != Some(&look(service))
            })
            .map(|service| (service.cluster.clone(), service.name.clone()))
            .collect()
    }

    fn is_declared(&self, service: &Service) -> bool {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        desired.is_some_and(|desired| desired.services.contains_key(service.name.as_str()))
    }
}

/// Whether nothing moves in a service.
pub fn is_steady(service: &Service) -> bool {
    let [only] = service.deployments.as_slice() else { return false };
    only.rollout != Rollout::InProgress && only.running == only.desired && service.pending == 0
}
