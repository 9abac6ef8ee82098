//! Plans ECS services: create, take over if allowed, move to new revisions and settings, repair.
//!
//! A specification that ECS has rolled back is not pushed again. To know it after a restart, the fingerprint of what is
//! about to be pushed is written to the service's tags *before* the update, together with the creation time of the
//! newest deployment of that moment, or of ECS's newest event if that is later: a deployment from after it that was
//! rolled back is the failure of this fingerprint.

use jiff::Timestamp;

use super::cluster::{may_adopt, owner_in_words};
use super::pool::provider_wait;
use super::tags::{Tagged, tag_step};
use super::{Evidence, Planner, Wait};
use crate::cloud::ServiceKey;
use crate::desired::{DesiredCapacity, DesiredPool, DesiredService, PoolShare};
use crate::diff::{self, diff_without};
use crate::fingerprint::{Comparison, Fingerprint};
use crate::observe::{
    DeploymentResult, PastDeployment, Provider, ProviderStatus, Service, ServiceStatus, TaskDefinition,
};
use crate::observed::Slot;
use crate::ownership::{self, Owner, Tags};
use crate::shape::service::{CreateService, UpdateService};
use crate::shape::shared::CapacityProviderStrategyItem;
use crate::spec::ObjectKey;
use crate::step::{Action, Cause, FieldChange, Resource, Step};

/// Members whose change starts a deployment (ECS API reference, UpdateService).
const DEPLOYED_MEMBERS: [&str; 8] = [
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "capacityProviderStrategy",
];

impl<'a> Planner<'a> {
    pub(super) fn services(&mut self) {
        let desired = self.world.desired;
        for service in desired.services.values() {
            self.service(service);
            self.trim_revisions(service);
        }
    }

    /// Plans one ECS service.
    pub(super) fn service(&mut self, wanted: &DesiredService) {
        if !self.cluster_is_ready(&wanted.object, wanted.cluster.as_str()) {
            return;
        }
        let revision = self.revision(wanted);
        let strategy = self.strategy(wanted);
        let (Some(revision), Some(strategy)) = (revision, strategy) else { return };
        let document = document(wanted, revision, strategy);
        let (cluster, name) = (wanted.cluster.as_str(), wanted.name.as_str());
        match self.world.observed.service(cluster, name, self.installation()) {
            Slot::Unknown => self.wait(&wanted.object, Wait::NotRead { what: format!("service {cluster}/{name}") }),
            Slot::Absent => self.create_service(wanted, document, Evidence::Reading),
            Slot::Ours(found, _) | Slot::Foreign(found, _) if found.status == ServiceStatus::Inactive => {
                self.create_service(wanted, document, Evidence::SeenGone);
            }
            Slot::Ours(found, _) | Slot::Foreign(found, _) if found.status == ServiceStatus::Draining => {
                let (cluster, service) = (cluster.to_owned(), name.to_owned());
                self.wait(&wanted.object, Wait::Draining { cluster, service });
            }
            Slot::Foreign(found, owner) => self.adopt_service(wanted, found, &owner),
            Slot::Ours(found, owner) if owner != wanted.object => {
                self.adopt_service(wanted, found, &Owner::Us(owner));
            }
            Slot::Ours(found, _) => self.keep_service(wanted, found, document),
        }
    }

    /// The strategy with the providers in charge, once all of them can be used.
    pub(super) fn strategy(&mut self, wanted: &DesiredService) -> Option<Vec<CapacityProviderStrategyItem>> {
        let desired = self.world.desired;
        let mut items = Vec::new();
        let mut ready = true;
        for share in &wanted.pools {
            let pool = desired.pools.get(&share.pool);
            let wait = match pool.and_then(|pool| self.provider_of(pool, share)) {
                Some((pool, provider)) if self.is_usable(pool, provider) => {
                    items.push(CapacityProviderStrategyItem {
                        capacity_provider: provider.name.clone(),
                        weight: share.weight,
                        base: share.base,
                    });
                    continue;
                }
                Some((pool, provider)) if provider.status == ProviderStatus::Active => {
                    let status = "not associated with it yet".to_owned();
                    Wait::Cluster { cluster: format!("{} to take {}", pool.cluster, provider.name), status }
                }
                Some((_, provider)) => provider_wait(provider),
                None => Wait::Object { object: ObjectKey::pool(share.pool.clone()) },
            };
            self.wait(&wanted.object, wait);
            ready = false;
        }
        ready.then_some(items)
    }

    /// The provider that a share of a strategy means.
    fn provider_of(&self, pool: &'a DesiredPool, share: &PoolShare) -> Option<(&'a DesiredPool, &'a Provider)> {
        let wanted = match (&pool.capacity, &share.instance_type) {
            (DesiredCapacity::Managed { provider, .. }, _) => provider,
            (DesiredCapacity::Groups(groups), Some(kind)) => {
                &groups.iter().find(|group| group.instance_type == *kind)?.provider
            }
            (DesiredCapacity::Groups(groups), None) => &groups.first()?.provider,
        };
        self.provider_in_charge(pool, wanted).map(|found| (pool, found))
    }

    fn is_usable(&self, pool: &DesiredPool, provider: &Provider) -> bool {
        let bound = match &pool.capacity {
            DesiredCapacity::Managed { .. } => true,
            DesiredCapacity::Groups(_) => self.is_associated(pool, provider),
        };
        bound && provider.status == ProviderStatus::Active
    }

    fn create_service(&mut self, wanted: &DesiredService, document: UpdateService, evidence: Evidence) {
        if !self.is_compiled(wanted) {
            return;
        }
        let record = self.record(&wanted.object, &resource(wanted), &rendered(wanted, &document), &with_mark(wanted));
        if self.is_gone(&wanted.object, &resource(wanted), record.as_ref()) {
            return;
        }
        let tags = self.stamped(&wanted.object, &with_mark(wanted));
        let action = Action::CreateService(create_document(wanted, document, &tags));
        let step =
            Step { object: wanted.object.clone(), resource: resource(wanted), action, because: vec![Cause::Missing] };
        self.step(step, evidence);
    }

    fn adopt_service(&mut self, wanted: &DesiredService, found: &Service, owner: &Owner) {
        let theirs = matches!(owner, Owner::Us(_));
        if theirs || !may_adopt(wanted.adopt, &found.tags, &wanted.object) {
            let wait = Wait::NameTaken { resource: resource(wanted), owner: owner_in_words(owner) };
            self.wait(&wanted.object, wait);
            return;
        }
        let mut tags = self.stamped(&wanted.object, &wanted.tags);
        tags.insert(ownership::ADOPTED.to_owned(), "true".to_owned());
        let action = Action::TagResource { arn: found.arn.clone(), tags };
        let step =
            Step { object: wanted.object.clone(), resource: resource(wanted), action, because: vec![Cause::Adoption] };
        self.step(step, Evidence::Reading);
    }

    fn keep_service(&mut self, wanted: &DesiredService, found: &Service, document: UpdateService) {
        let ignored = self.ignored(&wanted.object);
        let there = comparable(found.settings.clone());
        let changes = diff_without(&comparable(document.clone()), &there, &diff::SERVICE, &ignored);
        let deploys = changes.iter().any(is_deployed);
        if deploys && self.is_held(wanted, found) {
            return;
        }
        let place = Tagged { object: &wanted.object, resource: resource(wanted), arn: &found.arn, found: &found.tags };
        let kept = self.kept(place, &rendered(wanted, &document), &with_mark(wanted));
        if self.spares(&kept, "", &changes) {
            if let Some(revision) = self.revision_with(wanted) {
                self.mark_revision(&kept, revision);
            }
            return;
        }
        let waits = deploys && !(self.is_compiled(wanted) && self.may_deploy(wanted, found));
        let mut tags = kept.tags.clone();
        if !changes.is_empty() {
            tags.remove(ownership::DECLARED);
        }
        if waits {
            tags.remove(ownership::FINGERPRINT);
        }
        let (document, changes): (UpdateService, Vec<FieldChange>) = if waits {
            (without_deployment(document), changes.into_iter().filter(|change| !is_deployed(change)).collect())
        } else {
            (document, changes)
        };
        let pushed = if waits { Tags::new() } else { pushed_after(wanted, found) };
        if let Some(step) = tag_step(&kept.place, &tags, &self.stamped(&wanted.object, &pushed)) {
            self.step(step, Evidence::Reading);
        } else if !changes.is_empty() {
            let moved = changes.iter().any(|change| is_in(change, "capacityProviderStrategy"));
            let request = UpdateService {
                // Documents disagree whether a new strategy moves running tasks by itself.
                force_new_deployment: moved.then_some(true),
                ..with_defaults(document, &changes)
            };
            let action = Action::UpdateService(ignored.left_out(request, &there));
            let because = changes.into_iter().map(Cause::Field).collect();
            let step = Step { object: wanted.object.clone(), resource: resource(wanted), action, because };
            self.step(step, Evidence::Reading);
        }
    }

    /// Whether ECS has rolled this very specification back, or whether that is not known yet.
    fn is_held(&mut self, wanted: &DesiredService, found: &Service) -> bool {
        let pushed = found.tags.get(ownership::FINGERPRINT).map(|tag| Fingerprint::from_tag(tag));
        if pushed.is_none_or(|pushed| wanted.fingerprint.compare(&pushed) != Comparison::Same) {
            return false;
        }
        let key: ServiceKey = (found.cluster.clone(), found.name.clone());
        self.plan.needs_history.insert(key.clone());
        let Some(history) = self.world.observed.history.get(&key) else {
            let what = format!("past deployments of service {}/{}", found.cluster, found.name);
            self.wait(&wanted.object, Wait::NotRead { what });
            return true;
        };
        let Some(failure) = failure_since(&history.deployments, found) else { return false };
        let reason = failure.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        self.wait(&wanted.object, Wait::RolledBack { reason });
        true
    }
}

/// The newest deployment, if it is later than the last push and ECS took it back.
pub(super) fn failure_since<'h>(history: &'h [PastDeployment], found: &Service) -> Option<&'h PastDeployment> {
    let since: Option<Timestamp> = found.tags.get(ownership::PUSHED_AFTER).and_then(|tag| tag.parse().ok());
    let newest = history.first()?;
    let later = since.is_none_or(|since| newest.created.is_some_and(|created| created > since));
    let taken_back = match newest.result {
        DeploymentResult::RollingBack | DeploymentResult::RolledBack | DeploymentResult::RollbackFailed => true,
        DeploymentResult::Running
        | DeploymentResult::Successful
        | DeploymentResult::Stopped
        | DeploymentResult::Unknown => false,
    };
    (later && taken_back).then_some(newest)
}

/// Recorded with a fingerprint that is about to be pushed, and only then: later it would hide a failure of it.
fn pushed_after(wanted: &DesiredService, found: &Service) -> Tags {
    if found.tags.get(ownership::FINGERPRINT) == Some(&wanted.fingerprint.to_string()) {
        return Tags::new();
    }
    // After a rollback only the older deployment is left; what ECS has said since is later than the one that failed.
    let deployed = found.deployments.iter().filter_map(|deployment| deployment.created);
    let newest = deployed.chain(found.events.iter().filter_map(|event| event.at)).max();
    newest.map(|at| Tags::from([(ownership::PUSHED_AFTER.to_owned(), at.to_string())])).unwrap_or_default()
}

pub(super) fn resource(wanted: &DesiredService) -> Resource {
    Resource::Service { cluster: wanted.cluster.to_string(), name: wanted.name.clone() }
}

/// Whether a change starts a deployment.
fn is_deployed(change: &FieldChange) -> bool {
    DEPLOYED_MEMBERS.iter().any(|member| is_in(change, member))
}

/// The part of an update that starts no deployment: what is left out stays as it is.
fn without_deployment(document: UpdateService) -> UpdateService {
    UpdateService {
        task_definition: None,
        network_configuration: None,
        load_balancers: None,
        service_registries: None,
        service_connect_configuration: None,
        volume_configurations: None,
        vpc_lattice_configurations: None,
        capacity_provider_strategy: None,
        ..document
    }
}

fn is_in(change: &FieldChange, member: &str) -> bool {
    change.path.strip_prefix(member).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn document(
    wanted: &DesiredService,
    revision: &TaskDefinition,
    strategy: Vec<CapacityProviderStrategyItem>,
) -> UpdateService {
    UpdateService {
        cluster: Some(wanted.cluster.to_string()),
        service: Some(wanted.name.clone()),
        task_definition: Some(revision.arn.clone()),
        capacity_provider_strategy: Some(strategy),
        desired_count: wanted.replicas,
        ..wanted.settings.clone()
    }
}

/// What a service is recognised by as the one that was declared.
fn rendered<'d>(wanted: &'d DesiredService, document: &UpdateService) -> (&'d str, UpdateService) {
    (&wanted.name, UpdateService { service: None, force_new_deployment: None, ..document.clone() })
}

/// Tags of a service that has what is declared.
fn with_mark(wanted: &DesiredService) -> Tags {
    let mut tags = wanted.tags.clone();
    tags.insert(ownership::FINGERPRINT.to_owned(), wanted.fingerprint.to_string());
    tags
}

/// Says what must go back to AWS's default: a member that an update leaves out stays as it is.
fn with_defaults(document: UpdateService, changes: &[FieldChange]) -> UpdateService {
    let Ok(serde_json::Value::Object(mut members)) = serde_json::to_value(&document) else { return document };
    for change in changes.iter().filter(|change| !change.path.contains(['.', '['])) {
        if let (false, Some(default)) = (members.contains_key(&change.path), &change.to) {
            members.insert(change.path.clone(), default.clone());
        }
    }
    serde_json::from_value(members.into()).unwrap_or(document)
}

/// What identifies the service is not compared, and neither is a wish for a deployment.
fn comparable(document: UpdateService) -> UpdateService {
    UpdateService { cluster: None, service: None, force_new_deployment: None, ..document }
}

fn create_document(wanted: &DesiredService, document: UpdateService, tags: &Tags) -> CreateService {
    CreateService {
        cluster: document.cluster,
        service_name: document.service,
        task_definition: document.task_definition,
        availability_zone_rebalancing: document.availability_zone_rebalancing,
        load_balancers: document.load_balancers.unwrap_or_default(),
        service_registries: document.service_registries.unwrap_or_default(),
        desired_count: Some(wanted.replicas.unwrap_or(1)),
        // The name is unique already; a token that AWS remembers would get in the way of re-creating a deleted service.
        client_token: None,
        capacity_provider_strategy: document.capacity_provider_strategy.unwrap_or_default(),
        deployment_configuration: document.deployment_configuration,
        placement_constraints: document.placement_constraints.unwrap_or_default(),
        placement_strategy: document.placement_strategy.unwrap_or_default(),
        network_configuration: document.network_configuration,
        health_check_grace_period_seconds: document.health_check_grace_period_seconds,
        scheduling_strategy: Some("REPLICA".to_owned()),
        deployment_controller: document.deployment_controller,
        tags: ownership::to_list(tags),
        enable_ecs_managed_tags: document.enable_ecs_managed_tags,
        propagate_tags: document.propagate_tags,
        enable_execute_command: document.enable_execute_command,
        service_connect_configuration: document.service_connect_configuration,
        volume_configurations: document.volume_configurations.unwrap_or_default(),
        vpc_lattice_configurations: document.vpc_lattice_configurations.unwrap_or_default(),
        monitoring: document.monitoring,
    }
}
