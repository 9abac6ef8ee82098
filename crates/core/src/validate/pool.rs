//! Rules for a NeuronPool.
//!
//! Neighbours: called by `validate`; which types the requirements match is in `pool_types`. Not here: whether a service's
//! task fits on the pool (`fit`).

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{
    Bounds, Capacity, CapacityOption, InstanceRequirements, Kind, ManagedInstances, MinBounds, NeuronPool, ScaleIn,
};

use super::arn::{self, Resource};
use super::subject::Subject;
use super::{Referred, World, drift, group, identity, overrides, pool_types};

/// Tags that a Managed Instances provider takes, by the text of AWS's error.
const TAG_LIMIT: usize = 45;
/// What `-<8 hexadecimal digits>-<n>` leaves of a provider's 255 characters, with room for a five-digit `n`.
const LONGEST_NAME: usize = 240;
/// What instance type, hash and number leave of a launch template's 128 characters.
const LONGEST_GROUP_NAME: usize = 90;
const PATTERN_LIMIT: usize = 400;
pub(super) const MI: &str = "/spec/managedInstances";
pub(super) const REQUIREMENTS: &str = "/spec/managedInstances/instanceRequirements";
/// The accelerator names of the ECS API model; `inferentia` is the only Neuron one.
const ECS_ACCELERATORS: [&str; 14] = [
    "a100",
    "inferentia",
    "k520",
    "k80",
    "m60",
    "radeon-pro-v520",
    "t4",
    "vu9p",
    "v100",
    "a10g",
    "h100",
    "t4g",
    "l40s",
    "l4",
];

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, pool: &NeuronPool) {
    let spec = &pool.spec;
    name(subject, pool.metadata.name.as_str(), spec.capacity());
    if let Referred::Missing = world.cluster(&spec.cluster) {
        let message = format!("no NeuronCluster {} is declared", spec.cluster);
        let help = did_you_mean(spec.cluster.as_str(), world.names(Kind::NeuronCluster)).unwrap_or_else(|| {
            "Declare it; to use one that exists already, annotate it `neuron.ecs/adopt: Always`.".to_owned()
        });
        subject.report(Code::UnknownCluster, "/spec/cluster", message, help);
    }
    identity::tags(subject, "/spec/tags", &spec.tags, TAG_LIMIT);
    overrides::pool(subject, spec);
    drift::pool(subject, &pool.metadata, spec);
    if spec.managed_instances.is_some() == spec.auto_scaling_group.is_some() {
        let what = if spec.managed_instances.is_some() { "both are given" } else { "neither is given" };
        let message = format!("of managedInstances and autoScalingGroup {what}");
        subject.report(Code::CapacityChoice, "/spec", message, "Give one of them.");
    }
    if let Some(managed) = &spec.managed_instances {
        launch(subject, managed);
        buying(subject, managed);
        requirements(subject, &managed.instance_requirements, REQUIREMENTS);
        unsure(subject, &managed.instance_requirements);
        pool_types::check(subject, world, managed);
    }
    if let Some(group) = &spec.auto_scaling_group {
        group::check(subject, world, group);
    }
}

fn name(subject: &mut Subject<'_>, name: &str, capacity: Capacity<'_>) {
    let lower = name.to_lowercase();
    if let Some(word) = ["aws", "ecs", "fargate"].into_iter().find(|word| lower.starts_with(word)) {
        let message =
            format!("the name {name:?} begins with `{word}`, which ECS reserves in names of capacity providers");
        subject.report(Code::ReservedPoolName, "/metadata/name", message, "Choose another name.");
    }
    let (longest, help) = match capacity {
        Capacity::ManagedInstances(_) => {
            (LONGEST_NAME, "Axon appends `-<8 hexadecimal digits>-<n>`, and ECS allows 255.")
        }
        Capacity::AutoScalingGroup(_) => {
            (LONGEST_GROUP_NAME, "Axon appends the instance type and a number, and EC2 allows launch templates 128.")
        }
    };
    if name.len() > longest {
        let message = format!("the name has {} characters; a pool may have {longest}", name.len());
        subject.report(Code::PoolNameTooLong, "/metadata/name", message, help);
    }
}

fn launch(subject: &mut Subject<'_>, spec: &ManagedInstances) {
    arn::check(subject, &format!("{MI}/infrastructureRoleArn"), &spec.infrastructure_role_arn, Resource::Role);
    let profile = format!("{MI}/instanceProfileArn");
    arn::check(subject, &profile, &spec.instance_profile_arn, Resource::InstanceProfile);
    let last = spec.instance_profile_arn.rsplit('/').next().unwrap_or_default();
    if Resource::InstanceProfile.names(&spec.instance_profile_arn) && !last.starts_with("ecsInstanceRole") {
        let message = format!("the instance profile is called {last:?}, not ecsInstanceRole…");
        let help = "Rename role and profile, or allow the infrastructure role `iam:PassRole` for it.";
        subject.report(Code::InstanceRoleName, &profile, message, help);
    }
    arn::check_ids(subject, &format!("{MI}/subnets"), &spec.subnets, "subnet-");
    arn::check_ids(subject, &format!("{MI}/securityGroups"), &spec.security_groups, "sg-");
    if spec.subnets.is_empty() {
        subject.report(Code::NoSubnets, &format!("{MI}/subnets"), "the pool has no subnets", "Name at least one.");
    }
    if let Some(size) = spec.storage_size_gib.filter(|size| !(30..=16_384).contains(size)) {
        let message = format!("storageSizeGib is {size}; ECS accepts 30 to 16384");
        subject.report(Code::StorageSize, &format!("{MI}/storageSizeGib"), message, "80 is AWS's default.");
    }
}

fn buying(subject: &mut Subject<'_>, spec: &ManagedInstances) {
    let reserved = spec.capacity_option == CapacityOption::Reserved;
    if reserved && spec.reservations.is_none() {
        let message = "capacityOption is Reserved, but reservations are not given";
        let help = "Add `reservations: {groupArn: …, preference: Only}`.";
        subject.report(Code::ReservationMismatch, &format!("{MI}/capacityOption"), message, help);
    }
    if let Some(reservations) = &spec.reservations {
        let at = format!("{MI}/reservations");
        if !reserved {
            let message = format!("reservations are given, but capacityOption is {:?}", spec.capacity_option);
            subject.report(Code::ReservationMismatch, &at, message, "Write `capacityOption: Reserved`.");
        }
        let group = reservations.group_arn.as_ref();
        arn::check_optional(subject, &format!("{at}/groupArn"), group, Resource::CapacityGroup);
    }
    let at = format!("{MI}/scaleInAfter");
    match spec.scale_in_after {
        Some(ScaleIn::After(time)) if time.seconds() > 3600 => {
            let message = format!("scaleInAfter is {time}; ECS accepts up to 1h");
            subject.report(Code::ScaleInRange, &at, message, "Choose up to `1h`, or `Never`.");
        }
        Some(ScaleIn::Never) => {
            let message = "idle instances are never terminated and cost their full price";
            subject.report(Code::ScaleInNever, &at, message, "Give a duration unless you want warm instances.");
        }
        Some(ScaleIn::After(_)) | None => {}
    }
}

/// Rules for requirements, wherever they stand.
pub(super) fn requirements(subject: &mut Subject<'_>, wanted: &InstanceRequirements, at: &str) {
    let (allowed, excluded) = (&wanted.allowed_instance_types, &wanted.excluded_instance_types);
    if !allowed.is_empty() && !excluded.is_empty() {
        let message = "allowedInstanceTypes and excludedInstanceTypes are both given; AWS accepts one of them";
        let help = "Say what is allowed, for example `inf2*`.";
        subject.report(Code::AllowedAndExcluded, &format!("{at}/excludedInstanceTypes"), message, help);
    }
    for (field, list) in [("allowedInstanceTypes", allowed), ("excludedInstanceTypes", excluded)] {
        if list.len() > PATTERN_LIMIT {
            let message = format!("{field} has {} entries; ECS takes {PATTERN_LIMIT}", list.len());
            subject.report(Code::TooManyPatterns, &format!("{at}/{field}"), message, "Use `*`.");
        }
    }
    ranges(subject, wanted, at);
}

/// Requirements whose meaning to ECS is not settled.
fn unsure(subject: &mut Subject<'_>, wanted: &InstanceRequirements) {
    for (index, name) in wanted.accelerator_names.iter().enumerate() {
        if !ECS_ACCELERATORS.contains(&name.as_str()) {
            let message = format!("{name:?} is not among the accelerator names of the ECS API model");
            let at = format!("{REQUIREMENTS}/acceleratorNames/{index}");
            subject.report(
                Code::AcceleratorNameUnsure,
                &at,
                message,
                "Choose types with allowedInstanceTypes instead.",
            );
        }
    }
    if !wanted.accelerator_types.is_empty() {
        let message = "whether Trainium counts as `inference` is not documented";
        let at = format!("{REQUIREMENTS}/acceleratorTypes");
        subject.report(Code::AcceleratorTypeUnsure, &at, message, "Leave it out.");
    }
}

fn ranges(subject: &mut Subject<'_>, wanted: &InstanceRequirements, at: &str) {
    let open = |b: MinBounds| Some(Bounds { min: Some(b.min), max: b.max });
    let whole = [
        ("vCpuCount", open(wanted.v_cpu_count)),
        ("memoryMiB", open(wanted.memory_mib)),
        ("acceleratorCount", wanted.accelerator_count),
        ("acceleratorTotalMemoryMiB", wanted.accelerator_total_memory_mib),
        ("networkInterfaceCount", wanted.network_interface_count),
        ("baselineEbsBandwidthMbps", wanted.baseline_ebs_bandwidth_mbps),
    ];
    let decimal = [
        ("memoryGiBPerVCpu", wanted.memory_gib_per_v_cpu),
        ("totalLocalStorageGB", wanted.total_local_storage_gb),
        ("networkBandwidthGbps", wanted.network_bandwidth_gbps),
    ];
    let whole = whole.into_iter().filter_map(|(field, b)| {
        let b = b?;
        Some((field, f64::from(b.min?), f64::from(b.max?)))
    });
    let decimal = decimal.into_iter().filter_map(|(field, b)| {
        let b = b?;
        Some((field, b.min?, b.max?))
    });
    for (field, min, max) in whole.chain(decimal).filter(|(_, min, max)| min > max) {
        let message = format!("{field} begins at {min} and ends at {max}");
        subject.report(Code::RangeReversed, &format!("{at}/{field}"), message, "Swap min and max.");
    }
}
