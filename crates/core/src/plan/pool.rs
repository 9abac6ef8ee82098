//! Plans capacity providers of pools.
//!
//! What AWS cannot change in place is part of the generation: a pool whose generation changes gets another provider,
//! services move to it, and `removal` deletes the old one when nobody uses it. Providers are found by their tags, not by
//! their names, because a name stays blocked for a while after deletion.

use super::cluster::owner_in_words;
use super::drift::Kept;
use super::tags::Tagged;
use super::{Evidence, Planner, Wait};
use crate::desired::{DesiredCapacity, DesiredPool, DesiredProvider};
use crate::diff::{self, diff_without};
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
/// The member of the request under which the settings of a Managed Instances provider are.
const MANAGED: &str = "managedInstancesProvider";

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
        match &wanted.capacity {
            DesiredCapacity::Managed { provider, document, .. } => self.managed(wanted, provider, document),
            DesiredCapacity::Groups(groups) => self.groups(wanted, groups),
        }
    }

    fn managed(&mut self, pool: &DesiredPool, wanted: &DesiredProvider, document: &ManagedInstancesProvider) {
        let listing = self.world.observed.providers.get(pool.cluster.as_str());
        if listing.is_none_or(|listing| !listing.is_read()) {
            let what = format!("capacity providers of cluster {}", pool.cluster);
            self.wait(&pool.object, Wait::NotRead { what });
            return;
        }
        match self.provider_in_charge(pool, wanted) {
            Some(found) if found.status == ProviderStatus::Active => {
                self.keep_managed(pool, (wanted, document), found);
            }
            Some(found) => self.wait(&pool.object, provider_wait(found)),
            None => {
                let tags = provider_tags(pool, wanted);
                let resource = Resource::CapacityProvider(wanted.name.clone());
                let record = self.record(&pool.object, &resource, document, &tags);
                if self.is_gone(&pool.object, &resource, record.as_ref()) {
                    return;
                }
                let request = CreateCapacityProvider {
                    cluster: Some(pool.cluster.to_string()),
                    managed_instances_provider: Some(create_document(document)),
                    tags: ownership::to_list(&self.stamped(&pool.object, &tags)),
                    ..CreateCapacityProvider::default()
                };
                self.create_provider(pool, wanted, request);
            }
        }
    }

    /// The live provider of a generation, an active one before one that is still being made.
    pub(super) fn provider_in_charge(&self, pool: &DesiredPool, wanted: &DesiredProvider) -> Option<&'a Provider> {
        let place = match &pool.capacity {
            DesiredCapacity::Managed { .. } => Some(pool.cluster.as_str()),
            DesiredCapacity::Groups(_) => None,
        };
        let ours = self.providers.get(&pool.object).into_iter().flatten();
        let listing = ours.filter(|(found_in, _)| *found_in == place).map(|(_, provider)| *provider);
        let mine = |provider: &&Provider| {
            provider.tags.get(ownership::GENERATION) == Some(&wanted.generation)
                && self.is_in_front(pool, wanted, provider)
        };
        let active = |provider: &&Provider| provider.status == ProviderStatus::Active;
        let making = |provider: &&Provider| provider.status == ProviderStatus::Provisioning && !has_failed(provider);
        listing.clone().filter(mine).find(active).or_else(|| listing.filter(mine).find(making))
    }

    /// The provider that has taken the place of one of ours and can be used.
    pub(super) fn successor(&self, name: &str) -> Option<&'a Provider> {
        let has = |list: &[(Option<&str>, &Provider)]| list.iter().any(|(_, provider)| provider.name == name);
        let owner = self.providers.iter().find(|(_, list)| has(list)).map(|(owner, _)| owner)?;
        let pool = self.world.desired.pools.values().find(|pool| pool.object == *owner)?;
        let found: Vec<&'a Provider> =
            pool.providers().into_iter().filter_map(|wanted| self.provider_in_charge(pool, wanted)).collect();
        let replaced = found.iter().all(|provider| provider.name != name);
        found.into_iter().find(|provider| replaced && provider.status == ProviderStatus::Active)
    }

    /// Whether the group behind a provider is the one that there is. A group that was made again has another ARN.
    fn is_in_front(&self, pool: &DesiredPool, wanted: &DesiredProvider, provider: &Provider) -> bool {
        let group = pool.groups().iter().find(|group| group.provider == *wanted);
        let found = group.and_then(|group| self.world.observed.groups.get(&group.name));
        let behind = provider.auto_scaling_group.as_ref().map(|given| &given.auto_scaling_group_arn);
        found.is_none_or(|found| behind == Some(&found.arn))
    }

    /// Creates a provider under the first name that nothing blocks.
    pub(super) fn create_provider(
        &mut self,
        pool: &DesiredPool,
        wanted: &DesiredProvider,
        request: CreateCapacityProvider,
    ) {
        for number in 1..=MAX_NAMES {
            let name = match number {
                1 => wanted.name.clone(),
                number => format!("{}-{number}", wanted.name),
            };
            if self.world.observed.all_providers().all(|provider| provider.name != name) {
                let action =
                    Action::CreateCapacityProvider(CreateCapacityProvider { name: Some(name.clone()), ..request });
                let resource = Resource::CapacityProvider(name);
                let step = Step { object: pool.object.clone(), resource, action, because: vec![Cause::Missing] };
                return self.step(step, Evidence::Reading);
            }
        }
        let resource = Resource::CapacityProvider(wanted.name.clone());
        let owner = format!("so do {MAX_NAMES} numbered variants");
        self.wait(&pool.object, Wait::NameTaken { resource, owner });
    }

    fn keep_managed(
        &mut self,
        pool: &DesiredPool,
        (wanted, document): (&DesiredProvider, &ManagedInstancesProvider),
        found: &Provider,
    ) {
        if found.update_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
            self.wait(&pool.object, provider_wait(found));
            return;
        }
        let ignored = self.ignored(&pool.object).below(MANAGED);
        let changes = diff_without(document, &found.managed_instances, &diff::PROVIDER, &ignored);
        let kept = self.kept(place(pool, found), document, &provider_tags(pool, wanted));
        if self.spares(&kept, &format!("/{MANAGED}"), &changes) {
            return;
        }
        if changes.is_empty() {
            self.tag_provider(&kept);
            return;
        }
        let document = ignored.kept(document.clone(), &found.managed_instances);
        let action = Action::UpdateCapacityProvider(UpdateCapacityProvider {
            name: Some(found.name.clone()),
            cluster: Some(pool.cluster.to_string()),
            managed_instances_provider: Some(update_document(&document)),
            ..UpdateCapacityProvider::default()
        });
        let because = changes.into_iter().map(Cause::Field).collect();
        let resource = Resource::CapacityProvider(found.name.clone());
        self.step(Step { object: pool.object.clone(), resource, action, because }, Evidence::Reading);
    }

    pub(super) fn tag_provider(&mut self, kept: &Kept<'_>) {
        if let Some(step) = kept.retag(&self.stamped(kept.place.object, &ownership::Tags::new())) {
            self.step(step, Evidence::Reading);
        }
    }

    pub(super) fn name_taken(&mut self, pool: &DesiredPool, resource: Resource, owner: &Owner) {
        self.wait(&pool.object, Wait::NameTaken { resource, owner: owner_in_words(owner) });
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
            Slot::Foreign(_, owner) => {
                Wait::NameTaken { resource: Resource::Cluster(cluster), owner: owner_in_words(&owner) }
            }
        };
        self.wait(object, wait);
        false
    }
}

/// A provider that stays.
pub(super) fn place<'p>(pool: &'p DesiredPool, found: &'p Provider) -> Tagged<'p> {
    let resource = Resource::CapacityProvider(found.name.clone());
    Tagged { object: &pool.object, resource, arn: &found.arn, found: &found.tags }
}

/// Tags of a provider of this generation.
pub(super) fn provider_tags(pool: &DesiredPool, wanted: &DesiredProvider) -> ownership::Tags {
    let mut tags = pool.tags.clone();
    tags.insert(ownership::GENERATION.to_owned(), wanted.generation.clone());
    tags
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

fn create_document(document: &ManagedInstancesProvider) -> CreateManagedInstancesProviderConfiguration {
    CreateManagedInstancesProviderConfiguration {
        infrastructure_role_arn: document.infrastructure_role_arn.clone().unwrap_or_default(),
        instance_launch_template: document.instance_launch_template.clone(),
        propagate_tags: document.propagate_tags.clone(),
        infrastructure_optimization: document.infrastructure_optimization.clone(),
        auto_repair_configuration: document.auto_repair_configuration.clone(),
    }
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
