//! Plans capacity providers of pools.
//!
//! What AWS cannot change in place is part of the generation: a pool whose generation changes gets another provider,
//! services move to it, and `removal` deletes the old one when nobody uses it. Providers are found by their tags, not by
//! their names, because a name stays blocked for a while after deletion.

use super::tags::{Tagged, tag_step};
use super::{Evidence, Planner, Wait};
use crate::desired::DesiredPool;
use crate::diff::{self, diff};
use crate::observe::{Provider, ProviderStatus};
use crate::observed::Slot;
use crate::ownership::{self, Owner};
use crate::shape::provider::{
    CreateCapacityProvider, CreateManagedInstancesProviderConfiguration, InstanceLaunchTemplateUpdate,
    ManagedInstancesProvider, UpdateCapacityProvider, UpdateManagedInstancesProviderConfiguration,
};
use crate::spec::ObjectKey;
use crate::step::{Action, Cause, Resource, Step};

/// Names tried for one generation. A name is skipped while a deleted or failed provider still blocks it.
const MAX_NAMES: u32 = 50;

impl<'a> Planner<'a> {
    pub(super) fn pools(&mut self) {
        let desired = self.world.desired;
        for pool in desired.pools.values() {
            self.pool(pool);
        }
    }

    fn pool(&mut self, wanted: &DesiredPool) {
        if !self.cluster_is_ready(&wanted.object, wanted.cluster.as_str()) {
            return;
        }
        let observed = self.world.observed;
        if observed.providers.get(wanted.cluster.as_str()).is_none_or(|listing| !listing.is_read()) {
            self.wait(
                &wanted.object,
                Wait::NotRead { what: format!("capacity providers of cluster {}", wanted.cluster) },
            );
            return;
        }
        match self.provider_in_charge(wanted) {
            Some(found) if found.status == ProviderStatus::Active => self.keep_provider(wanted, found),
            Some(found) => self.wait(&wanted.object, provider_wait(found)),
            None => self.create_provider(wanted),
        }
    }

    /// The live provider of the pool's generation, an active one before one that is still being made.
    pub(super) fn provider_in_charge(&self, wanted: &DesiredPool) -> Option<&'a Provider> {
        let observed = self.world.observed;
        let listing = observed.providers.get(wanted.cluster.as_str())?;
        let mine = |provider: &&Provider| {
            is_of(provider, &wanted.object, self.world.installation)
                && provider.tags.get(ownership::GENERATION) == Some(&wanted.generation)
        };
        let active = |provider: &&Provider| provider.status == ProviderStatus::Active;
        let making = |provider: &&Provider| provider.status == ProviderStatus::Provisioning && !has_failed(provider);
        listing.iter().filter(mine).find(active).or_else(|| listing.iter().filter(mine).find(making))
    }

    fn create_provider(&mut self, wanted: &DesiredPool) {
        for number in 1..=MAX_NAMES {
            let name = match number {
                1 => wanted.provider_name.clone(),
                number => format!("{}-{number}", wanted.provider_name),
            };
            let elsewhere = self
                .world
                .observed
                .all_providers()
                .any(|provider| provider.name == name && provider.cluster != wanted.cluster.as_str());
            let slot = self.world.observed.provider(wanted.cluster.as_str(), &name, self.installation());
            if slot == Slot::Absent && !elsewhere {
                return self.create_provider_named(wanted, name);
            }
        }
        let resource = Resource::CapacityProvider(wanted.provider_name.clone());
        let owner = format!("so do {MAX_NAMES} numbered variants");
        self.wait(&wanted.object, Wait::NameTaken { resource, owner });
    }

    fn create_provider_named(&mut self, wanted: &DesiredPool, name: String) {
        let document = &wanted.document;
        let configuration = CreateManagedInstancesProviderConfiguration {
            infrastructure_role_arn: document.infrastructure_role_arn.clone().unwrap_or_default(),
            instance_launch_template: document.instance_launch_template.clone(),
            propagate_tags: document.propagate_tags.clone(),
            infrastructure_optimization: document.infrastructure_optimization.clone(),
            auto_repair_configuration: document.auto_repair_configuration.clone(),
        };
        let action = Action::CreateCapacityProvider(CreateCapacityProvider {
            name: Some(name.clone()),
            cluster: Some(wanted.cluster.to_string()),
            managed_instances_provider: Some(configuration),
            tags: ownership::to_list(&self.stamped(&wanted.tags)),
        });
        let resource = Resource::CapacityProvider(name);
        self.step(
            Step { object: wanted.object.clone(), resource, action, because: vec![Cause::Missing] },
            Evidence::Reading,
        );
    }

    fn keep_provider(&mut self, wanted: &DesiredPool, found: &Provider) {
        if found.update_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
            self.wait(&wanted.object, provider_wait(found));
            return;
        }
        let resource = Resource::CapacityProvider(found.name.clone());
        let changes = diff(&wanted.document, &found.managed_instances, &diff::PROVIDER);
        if changes.is_empty() {
            let place = Tagged { object: &wanted.object, resource, arn: &found.arn, found: &found.tags };
            if let Some(step) = tag_step(&place, &wanted.tags, &self.stamped(&ownership::Tags::new())) {
                self.step(step, Evidence::Reading);
            }
            return;
        }
        let action = Action::UpdateCapacityProvider(UpdateCapacityProvider {
            name: Some(found.name.clone()),
            cluster: Some(wanted.cluster.to_string()),
            managed_instances_provider: Some(update_document(&wanted.document)),
        });
        let because = changes.into_iter().map(Cause::Field).collect();
        self.step(Step { object: wanted.object.clone(), resource, action, because }, Evidence::Reading);
    }

    /// Whether the cluster can be used; if not, says what is waited for.
    pub(super) fn cluster_is_ready(&mut self, object: &ObjectKey, name: &str) -> bool {
        use crate::observe::ClusterStatus::Active;
        let cluster = name.to_owned();
        let wait = match self.world.observed.cluster(name, self.installation()) {
            Slot::Ours(found, _) if found.status == Active => return true,
            Slot::Ours(found, _) => Wait::Cluster { cluster, status: format!("{:?}", found.status) },
            Slot::Unknown => Wait::NotRead { what: format!("cluster {name}") },
            Slot::Absent => Wait::Cluster { cluster, status: "not created yet".to_owned() },
            Slot::Foreign(..) => Wait::Cluster { cluster, status: "not ours".to_owned() },
        };
        self.wait(object, wait);
        false
    }
}

/// Whether a provider belongs to an object of ours.
pub(super) fn is_of(provider: &Provider, object: &ObjectKey, installation: &ownership::Installation) -> bool {
    matches!(ownership::owner(&provider.tags, installation), Owner::Us(owner) if owner == *object)
}

/// Whether AWS has given up on creating it.
pub(super) fn has_failed(provider: &Provider) -> bool {
    provider.update_status.as_deref() == Some("CREATE_FAILED")
}

pub(super) fn provider_wait(found: &Provider) -> Wait {
    let status = match (&found.status, &found.update_status) {
        (ProviderStatus::Active, Some(update)) => update.clone(),
        (status, _) => format!("{status:?}").to_uppercase(),
    };
    Wait::Provider { provider: found.name.clone(), status, reason: found.update_status_reason.clone() }
}

/// The complete document: what AWS does with an omitted member of an update is not documented.
fn update_document(wanted: &ManagedInstancesProvider) -> UpdateManagedInstancesProviderConfiguration {
    let template = wanted.instance_launch_template.clone().unwrap_or_default();
    UpdateManagedInstancesProviderConfiguration {
        infrastructure_role_arn: wanted.infrastructure_role_arn.clone().unwrap_or_default(),
        instance_launch_template: Some(InstanceLaunchTemplateUpdate {
            ec2_instance_profile_arn: Some(template.ec2_instance_profile_arn),
            network_configuration: template.network_configuration,
            storage_configuration: template.storage_configuration,
            local_storage_configuration: template.local_storage_configuration,
            monitoring: template.monitoring,
            instance_metadata_tags_propagation: template.instance_metadata_tags_propagation,
            instance_requirements: template.instance_requirements,
            capacity_reservations: template.capacity_reservations,
        }),
        propagate_tags: wanted.propagate_tags.clone(),
        infrastructure_optimization: wanted.infrastructure_optimization.clone(),
        auto_repair_configuration: wanted.auto_repair_configuration.clone(),
    }
}
