//! NeuronService → a task definition and the settings of an ECS service.

use super::connect::connect;
use super::container::LogPlace;
use super::deployment::deployment;
use super::task::{Devices, task_definition};
use super::{Context, int, overrides, tags};
use crate::desired::{DesiredService, PoolShare};
use crate::fingerprint::Fingerprint;
use crate::ownership::{self, Tags};
use crate::shape::service::{
    AdvancedConfiguration, AwsVpcConfiguration, LoadBalancer, NetworkConfiguration, PlacementStrategy, ServiceRegistry,
    UpdateService, VpcLatticeConfiguration,
};
use crate::spec::{
    self, Accepted, AvailabilityZoneRebalancing, Capacity, Compile, Name, NetworkMode, NeuronPool, NeuronService,
    ObjectKey, PropagateTags, Spread,
};

/// A service whose tasks ECS places by itself.
pub(super) fn service(
    (accepted, object): (&Accepted<NeuronService>, &ObjectKey),
    pool: &NeuronPool,
    context: Context<'_>,
) -> Result<DesiredService, String> {
    let shares = accepted.spec.shares().into_iter();
    let pools = shares
        .map(|share| PoolShare {
            pool: share.pool,
            instance_type: None,
            weight: int(share.weight),
            base: int(share.base),
        })
        .collect();
    one_service(&Source { accepted, pool, object, context }, Devices::Managed, "", pools)
}

/// What an ECS service is rendered from.
pub(super) struct Source<'a> {
    pub(super) accepted: &'a Accepted<NeuronService>,
    pub(super) pool: &'a NeuronPool,
    /// For whom: the service itself, or the job whose tasks are like those of the service.
    pub(super) object: &'a ObjectKey,
    pub(super) context: Context<'a>,
}

/// One ECS service; `suffix` follows the object's name in its own.
pub(super) fn one_service(
    source: &Source<'_>,
    devices: Devices<'_>,
    suffix: &str,
    pools: Vec<PoolShare>,
) -> Result<DesiredService, String> {
    let Source { accepted, pool, context, .. } = *source;
    let spec = &accepted.spec;
    let object = source.object.clone();
    let cluster = pool.spec.cluster.clone();
    let task = task_definition(&accepted.object, pool, (devices, suffix), context)?;
    let revision_content = Fingerprint::of(&task);
    let settings =
        overrides::merge(settings(&accepted.object, &cluster, pool.spec.capacity(), context), &spec.overrides.service)?;
    let fingerprint =
        Fingerprint::of(&(&settings, &revision_content, pools.iter().map(share_text).collect::<Vec<_>>()));
    let mut revision_tags: Tags = tags(accepted, &object, &[&spec.tags, &spec.template.tags], context);
    revision_tags.insert(ownership::FINGERPRINT.to_owned(), revision_content.to_string());
    revision_tags.remove(ownership::TAG_KEYS);
    let mut service_tags = tags(accepted, &object, &[&spec.tags], context);
    if let Devices::Manual(chips) = devices {
        service_tags.insert(ownership::DEVICES.to_owned(), chips.set.to_string());
        service_tags.insert(ownership::INSTANCE_TYPE.to_owned(), chips.kind.name.clone());
    }
    Ok(DesiredService {
        name: format!("{}{suffix}", object.name),
        cluster,
        adopt: accepted.policy.adopt,
        task_definition: crate::shape::task_definition::RegisterTaskDefinition {
            tags: ownership::to_list(&revision_tags),
            ..task
        },
        content: revision_content,
        pools,
        settings,
        replicas: spec.replicas.map(int),
        tags: service_tags,
        fingerprint,
        history_limit: spec.revision_history_limit,
        after: spec.compile.as_ref().and_then(|_| Compile::job_name(&object.name)),
        object,
    })
}

fn share_text(share: &PoolShare) -> String {
    format!("{} {} {}", share.pool, share.weight, share.base)
}

/// Every setting is said, also where it equals AWS's default: an omitted member of an update stays as it is.
fn settings(service: &NeuronService, cluster: &Name, pool: Capacity<'_>, context: Context<'_>) -> UpdateService {
    let spec = &service.spec;
    let group = format!("/axon/{cluster}/{}", service.metadata.name);
    let place = LogPlace { group: &group, region: &context.facts.identity.region };
    UpdateService {
        deployment_configuration: Some(deployment(&spec.deployment)),
        availability_zone_rebalancing: Some(
            match spec.availability_zone_rebalancing {
                AvailabilityZoneRebalancing::Enabled => "ENABLED",
                AvailabilityZoneRebalancing::Disabled => "DISABLED",
            }
            .to_owned(),
        ),
        network_configuration: network(&spec.networking, pool),
        placement_strategy: placement(spec.spread, pool),
        health_check_grace_period_seconds: grace(spec),
        enable_execute_command: Some(spec.execute_command),
        enable_ecs_managed_tags: Some(spec.ecs_managed_tags),
        load_balancers: Some(spec.load_balancers.iter().map(|given| load_balancer(given, &spec.template)).collect()),
        propagate_tags: Some(
            match spec.propagate_tags {
                PropagateTags::Service => "SERVICE",
                PropagateTags::TaskDefinition => "TASK_DEFINITION",
                PropagateTags::None => "NONE",
            }
            .to_owned(),
        ),
        service_registries: Some(spec.service_registries.iter().map(registry).collect()),
        service_connect_configuration: Some(connect(spec.service_connect.as_ref(), &place)),
        vpc_lattice_configurations: Some(spec.vpc_lattice.iter().map(lattice).collect()),
        ..UpdateService::default()
    }
}

/// How ECS chooses among instances with room. Fewer instances hold more free chips in a row; documents disagree whether
/// Managed Instances know strategies at all.
fn placement(spread: Spread, pool: Capacity<'_>) -> Option<Vec<PlacementStrategy>> {
    let strategy =
        |kind: &str, field: &str| PlacementStrategy { r#type: Some(kind.to_owned()), field: Some(field.to_owned()) };
    match (pool, spread) {
        (Capacity::ManagedInstances(_), _) => None,
        (Capacity::AutoScalingGroup(_), Spread::Pack) => Some(vec![strategy("binpack", "memory")]),
        (Capacity::AutoScalingGroup(_), Spread::AvailabilityZones) => {
            Some(vec![strategy("spread", "attribute:ecs.availability-zone"), strategy("binpack", "memory")])
        }
    }
}

/// The grace period; AWS takes one only for services with a load balancer or health checks of another kind, so it is
/// said only where it was asked for or a load balancer is there.
fn grace(spec: &spec::ServiceSpec) -> Option<i32> {
    let balanced = !spec.load_balancers.is_empty();
    spec.health_check_grace_period.map(|period| int(period.seconds())).or(balanced.then_some(0))
}

fn network(given: &spec::Networking, pool: Capacity<'_>) -> Option<NetworkConfiguration> {
    let or = |given: &[String], pool: &[String]| if given.is_empty() { pool.to_vec() } else { given.to_vec() };
    match given.mode_on(pool) {
        NetworkMode::Host | NetworkMode::Bridge => None,
        NetworkMode::AwsVpc => Some(NetworkConfiguration {
            awsvpc_configuration: Some(AwsVpcConfiguration {
                subnets: or(&given.subnets, pool.subnets()),
                security_groups: or(&given.security_groups, pool.security_groups()),
                assign_public_ip: given
                    .assign_public_ip
                    .map(|assign| if assign { "ENABLED" } else { "DISABLED" }.to_owned()),
            }),
        }),
    }
}

/// The container defaults to the one with the devices, its port to the only one it has.
fn load_balancer(given: &spec::LoadBalancer, template: &spec::Template) -> LoadBalancer {
    let named = given.container.as_ref().and_then(|name| template.containers.iter().find(|c| c.name == *name));
    let container = named.or_else(|| template.neuron_container());
    let port = given.port.or_else(|| container.and_then(|c| c.ports.first()).map(|port| port.container_port));
    LoadBalancer {
        target_group_arn: Some(given.target_group_arn.clone()),
        load_balancer_name: None,
        container_name: container.map(|container| container.name.to_string()),
        container_port: port.map(i32::from),
        advanced_configuration: given.traffic_shift.as_ref().map(|shift| AdvancedConfiguration {
            alternate_target_group_arn: Some(shift.alternate_target_group_arn.clone()),
            production_listener_rule: Some(shift.production_listener_rule_arn.clone()),
            test_listener_rule: shift.test_listener_rule_arn.clone(),
            role_arn: Some(shift.role_arn.clone()),
        }),
    }
}

fn registry(given: &spec::ServiceRegistry) -> ServiceRegistry {
    ServiceRegistry {
        registry_arn: Some(given.registry_arn.clone()),
        port: None,
        container_name: given.container.as_ref().map(ToString::to_string),
        container_port: given.port.map(i32::from),
    }
}

fn lattice(given: &spec::VpcLattice) -> VpcLatticeConfiguration {
    VpcLatticeConfiguration {
        role_arn: given.role_arn.clone(),
        target_group_arn: given.target_group_arn.clone(),
        port_name: given.port_name.clone(),
        ..VpcLatticeConfiguration::default()
    }
}
