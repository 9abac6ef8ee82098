//! Imagines the effect of steps, so that a plan can be shown to its end without writing anything.
//!
//! [`preview`] plans, applies every step's assumed effect to a copy of what was observed, lets time pass for what is in
//! transition, and plans again until nothing is left. `axon plan` prints the result; "it ends, and planning after it is
//! empty" is the first property that the planner is tested for. [`assume`] also files outcomes that AWS answers
//! without telling the new state.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::observe::{
    Cluster, ClusterStatus, Deployment, Provider, ProviderStatus, Rollout, Service, ServiceStatus, TaskDefinition,
};
use crate::observed::{Listing, Observed};
use crate::ownership::Tags;
use crate::plan::{Limits, Plan, Prune, Waiting, World, plan};
use crate::shape::cluster::CreateCluster;
use crate::shape::provider::{CreateCapacityProvider, ManagedInstancesProvider, UpdateCapacityProvider};
use crate::shape::service::{CreateService, UpdateService};
use crate::shape::shared::Tag;
use crate::shape::task_definition::RegisterTaskDefinition;
use crate::step::{Action, Step};

/// More rounds than any chain of dependencies needs.
const MAX_ROUNDS: usize = 200;

/// All steps to convergence, in the order in which they become possible.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Steps round by round: those of one round do not depend on one another.
    pub rounds: Vec<Vec<Step>>,
    /// What will not come about without a person.
    pub blocked: Vec<Waiting>,
    /// Whether planning came to rest. Anything else is a bug in the planner.
    pub ended: bool,
}

impl Preview {
    /// All steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.rounds.iter().flatten()
    }
}

/// Plays a target to its end. Nothing is in flight and nothing has failed in this imagined world.
pub fn preview(world: World<'_>, now: Timestamp, prune: Prune) -> Preview {
    let mut observed = world.observed.clone();
    let limits = Limits::fresh(now, prune);
    let mut preview = Preview::default();
    for _ in 0..MAX_ROUNDS {
        let plan: Plan = plan(World { observed: &observed, ..world }, &limits);
        for step in &plan.steps {
            assume(&mut observed, step);
        }
        let moved = settle(&mut observed, &plan);
        if plan.steps.is_empty() && !moved {
            preview.blocked = plan.waiting;
            preview.ended = true;
            return preview;
        }
        if !plan.steps.is_empty() {
            preview.rounds.push(plan.steps);
        }
    }
    preview
}

/// Lets everything in transition arrive; says whether anything did.
fn settle(observed: &mut Observed, plan: &Plan) -> bool {
    let before = observed.clone();
    if let Listing::Read(clusters) = &mut observed.clusters {
        for cluster in clusters.values_mut() {
            match cluster.status {
                ClusterStatus::Provisioning => cluster.status = ClusterStatus::Active,
                ClusterStatus::Deprovisioning => cluster.status = ClusterStatus::Inactive,
                ClusterStatus::Active | ClusterStatus::Failed | ClusterStatus::Inactive | ClusterStatus::Other(_) => {}
            }
            cluster.registered_instances = 0;
        }
    }
    for provider in observed.providers.values_mut().flat_map(entries_mut) {
        match provider.status {
            ProviderStatus::Provisioning if provider.update_status.as_deref() != Some("CREATE_FAILED") => {
                provider.status = ProviderStatus::Active;
            }
            ProviderStatus::Deprovisioning => provider.status = ProviderStatus::Inactive,
            ProviderStatus::Provisioning
            | ProviderStatus::Active
            | ProviderStatus::Inactive
            | ProviderStatus::Other(_) => {}
        }
        if provider.update_status.as_deref() == Some("UPDATE_IN_PROGRESS") {
            provider.update_status = Some("UPDATE_COMPLETE".to_owned());
        }
    }
    for service in observed.services.values_mut().flat_map(entries_mut) {
        settle_service(service);
    }
    // Services that wait for their history are imagined to have a clean one.
    for key in &plan.needs_history {
        let read = Timestamp::UNIX_EPOCH;
        let clean = crate::observed::History { read, deployments: Vec::new() };
        observed.history.entry(key.clone()).or_insert(clean);
    }
    *observed != before
}

fn settle_service(service: &mut Service) {
    if service.status == ServiceStatus::Draining {
        service.status = ServiceStatus::Inactive;
    }
    service.deployments.retain(|deployment| deployment.primary);
    for deployment in &mut service.deployments {
        if deployment.rollout == Rollout::InProgress {
            deployment.rollout = Rollout::Completed;
            deployment.running = deployment.desired;
            deployment.pending = 0;
        }
    }
}

fn entries_mut<T>(listing: &mut Listing<T>) -> impl Iterator<Item = &mut T> {
    match listing {
        Listing::Unread => None,
        Listing::Read(entries) => Some(entries.values_mut()),
    }
    .into_iter()
    .flatten()
}

/// Files the effect that a step has if AWS does as asked.
pub fn assume(observed: &mut Observed, step: &Step) {
    match &step.action {
        Action::CreateCluster(request) => {
            let cluster = cluster(request);
            observed.providers.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
            observed.services.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
            observed.clusters.put(cluster.name.clone(), cluster);
        }
        Action::UpdateCluster(request) => {
            if let Some(found) = observed.clusters.get_mut(request.cluster.as_deref().unwrap_or_default()) {
                found.settings.extend(settings(&request.settings));
                if request.configuration.is_some() {
                    found.configuration.clone_from(&request.configuration);
                }
                if let Some(defaults) = &request.service_connect_defaults {
                    found.service_connect_namespace = Some(defaults.namespace.clone());
                }
            }
        }
        Action::DeleteCluster { cluster } => {
            observed.clusters.remove(cluster);
            observed.providers.remove(cluster);
            observed.services.remove(cluster);
        }
        Action::CreateCapacityProvider(request) => {
            let provider = provider(request);
            let listing = observed.providers.entry(provider.cluster.clone()).or_default();
            listing.put(provider.name.clone(), provider);
        }
        Action::UpdateCapacityProvider(request) => update_provider(observed, request),
        Action::DeleteCapacityProvider { name, cluster } => {
            if let Some(listing) = observed.providers.get_mut(cluster) {
                listing.remove(name);
            }
        }
        Action::RegisterTaskDefinition(request) => register(observed, request),
        Action::DeregisterTaskDefinition { arn } => observed.task_definitions.remove(arn),
        Action::CreateService(request) => {
            let service = service(request);
            let listing = observed.services.entry(service.cluster.clone()).or_default();
            listing.put(service.name.clone(), service);
        }
        Action::UpdateService(request) => update_service(observed, request),
        Action::DeleteService { cluster, service } => {
            if let Some(listing) = observed.services.get_mut(cluster) {
                listing.remove(service);
            }
        }
        Action::TagResource { arn, tags } => {
            if let Some(found) = tags_of(observed, arn) {
                found.extend(tags.clone());
            }
        }
        Action::UntagResource { arn, keys } => {
            if let Some(found) = tags_of(observed, arn) {
                found.retain(|key, _| !keys.contains(key));
            }
        }
    }
}

fn tags_of<'o>(observed: &'o mut Observed, arn: &str) -> Option<&'o mut Tags> {
    let clusters = entries_mut(&mut observed.clusters).map(|found| (&found.arn, &mut found.tags));
    let providers = observed.providers.values_mut().flat_map(entries_mut).map(|found| (&found.arn, &mut found.tags));
    let services = observed.services.values_mut().flat_map(entries_mut).map(|found| (&found.arn, &mut found.tags));
    let revisions = entries_mut(&mut observed.task_definitions).map(|found| (&found.arn, &mut found.tags));
    let all = clusters.chain(providers).chain(services).chain(revisions);
    all.into_iter().find(|(found, _)| *found == arn).map(|(_, tags)| tags)
}

fn tags(list: &[Tag]) -> Tags {
    list.iter().filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect()
}

fn settings(list: &[crate::shape::cluster::ClusterSetting]) -> BTreeMap<String, String> {
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
        tags: tags(&request.tags),
    }
}

fn update_provider(observed: &mut Observed, request: &UpdateCapacityProvider) {
    let listing = observed.providers.get_mut(request.cluster.as_deref().unwrap_or_default());
    let found = listing.and_then(|listing| listing.get_mut(request.name.as_deref().unwrap_or_default()));
    let (Some(found), Some(given)) =
        (found.and_then(|found| found.managed_instances.as_mut()), &request.managed_instances_provider)
    else {
        return;
    };
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

fn register(observed: &mut Observed, request: &RegisterTaskDefinition) {
    let family = request.family.clone().unwrap_or_default();
    let newest = observed.task_definitions.iter().filter(|found| found.family == family).map(|found| found.revision);
    let revision = newest.max().unwrap_or(0) + 1;
    let arn = format!("task-definition/{family}:{revision}");
    let found = TaskDefinition { arn: arn.clone(), family, revision, active: true, tags: tags(&request.tags) };
    observed.task_definitions.put(arn, found);
}

fn service(request: &CreateService) -> Service {
    let name = request.service_name.clone().unwrap_or_default();
    let cluster = request.cluster.clone().unwrap_or_default();
    let desired = request.desired_count.unwrap_or(1);
    let settings = UpdateService {
        desired_count: Some(desired),
        task_definition: request.task_definition.clone(),
        capacity_provider_strategy: Some(request.capacity_provider_strategy.clone()),
        deployment_configuration: request.deployment_configuration.clone(),
        availability_zone_rebalancing: request.availability_zone_rebalancing.clone(),
        network_configuration: request.network_configuration.clone(),
        placement_constraints: Some(request.placement_constraints.clone()),
        placement_strategy: Some(request.placement_strategy.clone()),
        health_check_grace_period_seconds: request.health_check_grace_period_seconds,
        deployment_controller: request.deployment_controller.clone(),
        enable_execute_command: request.enable_execute_command,
        enable_ecs_managed_tags: request.enable_ecs_managed_tags,
        load_balancers: Some(request.load_balancers.clone()),
        propagate_tags: request.propagate_tags.clone(),
        service_registries: Some(request.service_registries.clone()),
        service_connect_configuration: request.service_connect_configuration.clone(),
        volume_configurations: Some(request.volume_configurations.clone()),
        vpc_lattice_configurations: Some(request.vpc_lattice_configurations.clone()),
        monitoring: request.monitoring.clone(),
        ..UpdateService::default()
    };
    Service {
        arn: format!("service/{cluster}/{name}"),
        deployments: vec![completed(&settings, desired)],
        name,
        cluster,
        status: ServiceStatus::Active,
        settings,
        scheduling_strategy: "REPLICA".to_owned(),
        running: desired,
        pending: 0,
        events: Vec::new(),
        tags: tags(&request.tags),
    }
}

fn completed(settings: &UpdateService, desired: i32) -> Deployment {
    Deployment {
        id: "previewed".to_owned(),
        primary: true,
        task_definition: settings.task_definition.clone().unwrap_or_default(),
        desired,
        running: desired,
        pending: 0,
        failed: 0,
        rollout: Rollout::Completed,
        reason: None,
        created: None,
    }
}

fn update_service(observed: &mut Observed, request: &UpdateService) {
    let listing = observed.services.get_mut(request.cluster.as_deref().unwrap_or_default());
    let Some(found) = listing.and_then(|listing| listing.get_mut(request.service.as_deref().unwrap_or_default()))
    else {
        return;
    };
    let mut settings = serde_json::to_value(&found.settings).unwrap_or_default();
    if let (Some(known), Ok(serde_json::Value::Object(given))) =
        (settings.as_object_mut(), serde_json::to_value(request))
    {
        known.extend(given);
    }
    if let Ok(merged) = serde_json::from_value::<UpdateService>(settings) {
        found.settings = UpdateService { cluster: None, service: None, force_new_deployment: None, ..merged };
    }
    let desired = found.settings.desired_count.unwrap_or(found.running);
    found.running = desired;
    found.deployments = vec![completed(&found.settings, desired)];
}
