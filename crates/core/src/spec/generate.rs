//! Valid specs made at random, for property tests of the planner.
//!
//! Pools are Managed Instances here; those with Auto Scaling groups are in `groups`, jobs in `jobs`.
//!
//! Neighbours: tests of `parse`, `validate` and `plan`, in this crate and (with the feature `generate`) in others.
//! Not here: invalid specs; tests make those by changing valid ones.

mod groups;
mod jobs;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::{
    Accepted, AutoRepair, Canary, CapacityOption, CircuitBreaker, ClusterSpec, Container, ContainerInsights,
    Deployment, Duration, Fleet, HealthCheck, InstanceRequirements, LoadBalancer, Logging, ManagedInstances, Metadata,
    Monitoring, Name, NeuronCluster, NeuronPool, NeuronService, Policy, PoolOverrides, PoolShare, PoolSpec, Port,
    PropagatePoolTags, Protocol, ScaleIn, ServiceSpec, Strategy as Rollout, Template,
};
use crate::diagnostic::Location;

pub use groups::fleet_on_groups;
pub use jobs::fleet_with_jobs;

/// How many objects of each kind a generated fleet may have.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Most clusters; at least one is made.
    pub clusters: usize,
    /// Most pools of each cluster; at least one is made.
    pub pools: usize,
    /// Most services of each cluster.
    pub services: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { clusters: 2, pools: 3, services: 5 }
    }
}

/// A valid fleet: every pool belongs to a cluster, every service to one or more pools of one cluster.
pub fn fleet(size: Size) -> impl Strategy<Value = Fleet> {
    let group = (cluster_spec(), vec(pool_spec(), 1..=size.pools), vec(service_draft(), 0..=size.services));
    vec(group, 1..=size.clusters).prop_map(|groups| {
        let mut fleet = Fleet::default();
        for (c, (cluster, pools, services)) in groups.into_iter().enumerate() {
            add_group(&mut fleet, c, (cluster, pools, services));
        }
        fleet
    })
}

fn add_group(fleet: &mut Fleet, c: usize, (cluster, pools, drafts): (ClusterSpec, Vec<PoolSpec>, Vec<Draft>)) {
    let cluster_name = name(&format!("cluster-{c}"));
    let count = pools.len();
    fleet.clusters.insert(cluster_name.clone(), accept(NeuronCluster::new(metadata(&cluster_name), cluster)));
    for (p, pool) in pools.into_iter().enumerate() {
        let own = name(&format!("pool-{c}-{p}"));
        let spec = PoolSpec { cluster: cluster_name.clone(), ..pool };
        fleet.pools.insert(own.clone(), accept(NeuronPool::new(metadata(&own), spec)));
    }
    for (s, draft) in drafts.into_iter().enumerate() {
        let own = name(&format!("service-{c}-{s}"));
        let spec = place(draft, c, count);
        fleet.services.insert(own.clone(), accept(NeuronService::new(metadata(&own), spec)));
    }
}

/// Puts a service on one pool of its cluster, or on all of them.
fn place(draft: Draft, cluster: usize, pools: usize) -> ServiceSpec {
    let pool = |index: usize| name(&format!("pool-{cluster}-{index}"));
    let Draft { spec, pool: pick } = draft;
    if let Some(pick) = pick {
        return ServiceSpec { pool: Some(pool(pick.index(pools))), ..spec };
    }
    let share = |index| PoolShare { pool: pool(index), weight: 1, base: u32::from(index == 0) };
    ServiceSpec { pools: (0..pools).map(share).collect(), ..spec }
}

/// A service that is not yet on a pool: on the picked one, or on all.
#[derive(Debug, Clone)]
struct Draft {
    spec: ServiceSpec,
    pool: Option<prop::sample::Index>,
}

fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|_| unreachable!("generated names are letters, digits and hyphens"))
}

fn metadata(name: &Name) -> Metadata {
    Metadata { name: name.clone(), labels: BTreeMap::new(), annotations: BTreeMap::new() }
}

fn accept<T>(object: T) -> Accepted<T> {
    let source = Location::start_of(Arc::from("generated.yaml"));
    Accepted { object, policy: Policy::default(), source }
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map("[a-z]{1,8}", "[a-zA-Z0-9 ._-]{0,12}", 0..3)
}

fn cluster_spec() -> impl Strategy<Value = ClusterSpec> {
    let insights = prop::sample::select(vec![
        ContainerInsights::Disabled,
        ContainerInsights::Enabled,
        ContainerInsights::Enhanced,
    ]);
    (insights, tags()).prop_map(|(container_insights, tags)| ClusterSpec {
        container_insights,
        tags,
        ..ClusterSpec::default()
    })
}

/// Types that Managed Instances launch and that fit every generated task.
fn requirements() -> impl Strategy<Value = InstanceRequirements> {
    let types = ["inf2.8xlarge", "inf2.24xlarge", "inf2.48xlarge", "trn1.32xlarge"];
    prop::sample::select(types.to_vec()).prop_map(|kind| InstanceRequirements {
        allowed_instance_types: vec![kind.to_owned()],
        ..InstanceRequirements::default()
    })
}

fn pool_spec() -> impl Strategy<Value = PoolSpec> {
    let scale_in =
        prop_oneof![Just(None), (0_u32..=3600).prop_map(|s| Some(ScaleIn::After(Duration::from_seconds(s))))];
    let repair = option::of(prop::sample::select(vec![AutoRepair::Enabled, AutoRepair::Disabled]));
    let buying = prop::sample::select(vec![CapacityOption::OnDemand, CapacityOption::Spot]);
    let subnets = vec("subnet-[0-9a-f]{8}", 1..4);
    let settings = (option::of(30_u32..=16_384), scale_in, repair, buying, any::<bool>());
    (requirements(), subnets, settings, tags()).prop_map(|(wanted, subnets, settings, tags)| {
        let (storage_size_gib, scale_in_after, auto_repair, capacity_option, detailed) = settings;
        let managed_instances = ManagedInstances {
            infrastructure_role_arn: "arn:aws:iam::111122223333:role/ecsInfrastructureRole".to_owned(),
            instance_profile_arn: "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole".to_owned(),
            subnets,
            security_groups: vec!["sg-0a1b2c3d".to_owned()],
            instance_requirements: wanted,
            capacity_option,
            reservations: None,
            storage_size_gib,
            local_storage: false,
            monitoring: if detailed { Monitoring::Detailed } else { Monitoring::Basic },
            fips: None,
            instance_metadata_tags_propagation: None,
            propagate_tags: PropagatePoolTags::CapacityProvider,
            scale_in_after,
            auto_repair,
        };
        PoolSpec {
            cluster: name("unset"),
            managed_instances: Some(managed_instances),
            auto_scaling_group: None,
            tags,
            drift: super::Drift::default(),
            overrides: PoolOverrides::default(),
        }
    })
}

fn service_draft() -> impl Strategy<Value = Draft> {
    let shape = (option::of(0_u32..8), deployment(), any::<bool>(), option::of(1_u32..1200));
    let one_in_four = prop_oneof![3 => any::<prop::sample::Index>().prop_map(Some), 1 => Just(None)];
    (template(), shape, one_in_four, tags()).prop_map(|(template, shape, pool, tags)| {
        let (replicas, deployment, execute_command, grace) = shape;
        let shifting = deployment.strategy != Rollout::Rolling;
        let target = |_| LoadBalancer {
            target_group_arn: "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/t/0123456789abcdef"
                .to_owned(),
            container: None,
            port: Some(8080),
            traffic_shift: Some(traffic_shift()).filter(|_| shifting),
        };
        let load_balancers = (0..usize::from(shifting || execute_command)).map(target).collect();
        let spec = ServiceSpec {
            pool: None,
            replicas,
            load_balancers,
            deployment,
            health_check_grace_period: grace.map(Duration::from_seconds),
            execute_command,
            tags,
            ..ServiceSpec::new(name("none"), template)
        };
        Draft { spec, pool }
    })
}

fn traffic_shift() -> super::TrafficShift {
    let rule = "arn:aws:elasticloadbalancing:us-east-1:111122223333:listener-rule/app/a/0123456789abcdef/1/2";
    super::TrafficShift {
        alternate_target_group_arn:
            "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/n/0123456789abcdef".to_owned(),
        production_listener_rule_arn: rule.to_owned(),
        test_listener_rule_arn: None,
        role_arn: "arn:aws:iam::111122223333:role/ecsLoadBalancerRole".to_owned(),
    }
}

fn deployment() -> impl Strategy<Value = Deployment> {
    // Zero healthy replicas can roll with any maximum, whatever the number of replicas.
    let rolling = (100_u32..=200, any::<bool>()).prop_map(|(maximum_percent, rollback)| Deployment {
        minimum_healthy_percent: 0,
        maximum_percent,
        circuit_breaker: CircuitBreaker { rollback, ..CircuitBreaker::default() },
        ..Deployment::default()
    });
    let canary = (1_u32..=100, 0_u32..=60).prop_map(|(percent, minutes)| Deployment {
        strategy: Rollout::Canary,
        canary: Some(Canary { percent: f64::from(percent), bake_time: Duration::from_minutes(minutes) }),
        ..Deployment::default()
    });
    let blue_green = (0_u32..=60).prop_map(|minutes| Deployment {
        strategy: Rollout::BlueGreen,
        bake_time: Some(Duration::from_minutes(minutes)),
        ..Deployment::default()
    });
    prop_oneof![Just(Deployment::default()), rolling, canary, blue_green]
}

fn template() -> impl Strategy<Value = Template> {
    let sidecars = vec(container(), 0..3);
    let env = btree_map("[A-Z][A-Z_]{0,8}", "[ -~]{0,12}", 0..4);
    (128_u32..=10_240, 4096_u32..=65_536, env, sidecars, tags()).prop_map(|(cpu, memory, env, sidecars, tags)| {
        let port = Port {
            container_port: 8080,
            host_port: None,
            protocol: Protocol::Tcp,
            name: Some("http".to_owned()),
            app_protocol: None,
        };
        let server = Container { env, ports: vec![port], health_check: Some(health()), ..plain("server") };
        let sidecars = sidecars.into_iter().enumerate();
        let sidecars = sidecars.map(|(index, c)| Container { name: name(&format!("sidecar-{index}")), ..c });
        Template {
            cpu,
            memory,
            task_role_arn: None,
            execution_role_arn: Some("arn:aws:iam::111122223333:role/ecsTaskExecutionRole".to_owned()),
            containers: std::iter::once(server).chain(sidecars).collect(),
            volumes: Vec::new(),
            pid_mode: None,
            tags,
        }
    })
}

fn health() -> HealthCheck {
    HealthCheck {
        command: vec!["CMD-SHELL".to_owned(), "curl -f http://localhost:8080/health".to_owned()],
        interval: Duration::from_seconds(30),
        timeout: Duration::from_seconds(5),
        retries: 3,
        start_period: Some(Duration::from_minutes(5)),
    }
}

fn container() -> impl Strategy<Value = Container> {
    let command = vec("[a-z -]{1,10}", 0..3);
    (command, any::<bool>(), option::of(6_u32..512)).prop_map(|(command, essential, memory)| Container {
        command,
        essential,
        memory,
        ..plain("sidecar")
    })
}

/// A container with a name, an image and every default.
fn plain(own: &str) -> Container {
    Container {
        name: name(own),
        image: "public.ecr.aws/neuron/server:1".to_owned(),
        neuron: None,
        command: Vec::new(),
        entry_point: Vec::new(),
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        env_files: Vec::new(),
        ports: Vec::new(),
        health_check: None,
        logging: Logging::default(),
        mounts: Vec::new(),
        depends_on: Vec::new(),
        essential: true,
        cpu: None,
        memory: None,
        memory_reservation: None,
        linux: None,
        ulimits: Vec::new(),
        start_timeout: None,
        stop_timeout: None,
        user: None,
        working_directory: None,
        readonly_root_filesystem: false,
        privileged: false,
        restart_policy: None,
        docker_labels: BTreeMap::new(),
        system_controls: Vec::new(),
        repository_credentials: None,
        firelens: None,
    }
}
