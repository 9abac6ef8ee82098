//! Valid fleets whose pools are Auto Scaling groups, made at random: several instance types, numbers of devices.
//!
//! Neighbours: everything but pools and placement comes from `generate`. Every pool is large enough for all replicas of its
//! services, each on an instance of its own. Not here: layouts, which are what such fleets are made to test.

use std::num::NonZeroU8;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::{Size, accept, cluster_spec, metadata, name, service_draft, tags};
use crate::neuron::{Catalog, InstanceType};
use crate::spec::{
    Ami, AutoScalingGroup, CapacityOption, ClusterSpec, Deployment, Devices, Duration, Efa, Fleet, JobPreemption,
    LoadBalancer, Monitoring, NetworkMode, Networking, NeuronCluster, NeuronPool, NeuronService, PoolOverrides,
    PoolRollout, PoolSpec, RolloutPolicy, RolloutWindow, RootVolume, Scaling, ServiceSpec, Spread, Strategy as Rollout,
    Weekday,
};

/// Types on which every generated task fits, of every wiring of chips.
const TYPES: [&str; 5] = ["inf1.24xlarge", "inf2.8xlarge", "inf2.24xlarge", "inf2.48xlarge", "trn1.32xlarge"];

/// A service whose pool and devices are still to be picked.
type Draft = (ServiceSpec, Index, Index);
type Group = (ClusterSpec, Vec<PoolSpec>, Vec<Draft>);

/// A valid fleet on Auto Scaling groups: every pool belongs to a cluster, every service to one pool and with a number of
/// devices that the pool's first type gives, or all of them.
pub fn fleet_on_groups(size: Size) -> impl Strategy<Value = Fleet> {
    let group = (cluster_spec(), vec(pool_spec(), 1..=size.pools), vec(draft(), 0..=size.services));
    vec(group, 1..=size.clusters).prop_map(|groups| {
        let mut fleet = Fleet::default();
        for (c, group) in groups.into_iter().enumerate() {
            add_group(&mut fleet, c, group);
        }
        fleet
    })
}

fn add_group(fleet: &mut Fleet, c: usize, (cluster, mut pools, drafts): Group) {
    let cluster_name = name(&format!("cluster-{c}"));
    fleet.clusters.insert(cluster_name.clone(), accept(NeuronCluster::new(metadata(&cluster_name), cluster)));
    for (s, (spec, pool, devices)) in drafts.into_iter().enumerate() {
        let index = pool.index(pools.len());
        let Some(group) = pools.get_mut(index).and_then(|pool| pool.auto_scaling_group.as_mut()) else { continue };
        group.max_size += spec.replicas.unwrap_or_default();
        let pool = Some(name(&format!("pool-{c}-{index}")));
        let spec = ServiceSpec { pool, devices: pick(group, devices), ..spec };
        let own = name(&format!("service-{c}-{s}"));
        fleet.services.insert(own.clone(), accept(NeuronService::new(metadata(&own), spec)));
    }
    for (p, pool) in pools.into_iter().enumerate() {
        let own = name(&format!("pool-{c}-{p}"));
        let spec = PoolSpec { cluster: cluster_name.clone(), ..pool };
        fleet.pools.insert(own.clone(), accept(NeuronPool::new(metadata(&own), spec)));
    }
}

/// All devices, or a number that the first type gives.
pub(super) fn pick(group: &AutoScalingGroup, index: Index) -> Devices {
    let catalog = Catalog::builtin();
    let first = group.instance_types.first().and_then(|kind| catalog.get(kind));
    let mut choices = vec![Devices::All];
    let counts = first.map(InstanceType::device_counts).unwrap_or_default();
    choices.extend(counts.into_iter().filter_map(NonZeroU8::new).map(Devices::Count));
    choices.get(index.index(choices.len())).copied().unwrap_or_default()
}

fn draft() -> impl Strategy<Value = Draft> {
    let mode = prop_oneof![3 => Just(None), 1 => Just(Some(NetworkMode::Host))];
    let spread = select(vec![Spread::Pack, Spread::AvailabilityZones]);
    (service_draft(), 0_u32..4, mode, spread, any::<Index>(), any::<Index>()).prop_map(
        |(draft, replicas, mode, spread, pool, devices)| {
            let rolling = draft.spec.deployment.strategy == Rollout::Rolling;
            let deployment = if rolling { draft.spec.deployment.clone() } else { Deployment::default() };
            let plain = |target: LoadBalancer| LoadBalancer { traffic_shift: None, ..target };
            let spec = ServiceSpec {
                replicas: Some(replicas),
                spread,
                networking: Networking { mode, ..Networking::default() },
                load_balancers: draft.spec.load_balancers.iter().cloned().map(plain).collect(),
                deployment,
                ..draft.spec
            };
            (spec, pool, devices)
        },
    )
}

fn pool_spec() -> impl Strategy<Value = PoolSpec> {
    let types = subsequence(TYPES.to_vec(), 1..=3).prop_shuffle();
    let sizes = (0_u32..2, 1_u32..4, 30_u32..=1_000, 0_u32..=4_096);
    let buying = select(vec![CapacityOption::OnDemand, CapacityOption::Spot]);
    let yields = select(vec![JobPreemption::Never, JobPreemption::LowerPriority]);
    let settings =
        ((buying, yields), rollout(), btree_map("[a-z]{1,8}", "[a-z0-9]{1,8}", 0..3), option::of("[a-z ]{1,40}"));
    (types, vec("subnet-[0-9a-f]{8}", 1..4), sizes, settings, tags()).prop_map(
        |(
            types,
            subnets,
            (min_size, max_size, size_gib, reserved),
            ((buying, yields), rollout, attributes, lines),
            tags,
        )| {
            let group = AutoScalingGroup {
                instance_types: types.into_iter().map(str::to_owned).collect(),
                job_preemption: yields,
                instance_requirements: None,
                ami: Ami::default(),
                instance_profile_arn: "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole".to_owned(),
                subnets,
                security_groups: vec!["sg-0a1b2c3d".to_owned()],
                min_size,
                max_size,
                capacity_option: buying,
                root_volume: RootVolume { size_gib, ..RootVolume::default() },
                placement_group: None,
                efa: Efa::Disabled,
                monitoring: Monitoring::Basic,
                metadata_hop_limit: 2,
                attributes,
                reserved_memory_mib: reserved,
                user_data: lines,
                scaling: Scaling::default(),
                rollout,
            };
            PoolSpec {
                cluster: name("unset"),
                managed_instances: None,
                auto_scaling_group: Some(group),
                tags,
                drift: super::super::Drift::default(),
                overrides: PoolOverrides::default(),
            }
        },
    )
}

fn rollout() -> impl Strategy<Value = PoolRollout> {
    let policy = select(vec![RolloutPolicy::Report, RolloutPolicy::Roll, RolloutPolicy::Hold]);
    let window = ("([01][0-9]|2[0-3]):[0-5][0-9]", 1_u32..=24, any::<bool>());
    (policy, 1_u32..3, 0_u32..=60, option::of(window)).prop_map(|(policy, max_unavailable, soak, window)| {
        let windows = window.into_iter().filter_map(|(start, hours, weekend)| {
            Some(RolloutWindow {
                start: start.parse().ok()?,
                duration: Duration::from_minutes(hours * 60),
                days: if weekend { vec![Weekday::Sat, Weekday::Sun] } else { Vec::new() },
                time_zone: "Europe/Berlin".to_owned(),
            })
        });
        let soak = Duration::from_minutes(soak);
        PoolRollout { policy, max_unavailable, soak, windows: windows.collect(), ..PoolRollout::default() }
    })
}
