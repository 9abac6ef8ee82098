//! Rules about the instance types of Auto Scaling groups.
//!
//! Neighbours: called by `group`; asks `neuron`. Not here: whether a service's task fits on them (`group_fit`).

use std::collections::BTreeSet;

use crate::diagnostic::{Code, did_you_mean};
use crate::neuron::InstanceType;
use crate::spec::{AutoScalingGroup, Capacity, CapacityOption, Efa, InstanceRequirements, NO_PRICE_PROTECTION};

use super::group::GROUP;
use super::subject::Subject;
use super::{World, pool, pool_types};

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, group: &AutoScalingGroup) {
    let named = !group.instance_types.is_empty();
    if named == group.instance_requirements.is_some() {
        let what = if named { "both are given" } else { "neither is given" };
        let message = format!("of instanceTypes and instanceRequirements {what}");
        let help = "Write instanceTypes, for example [inf2.48xlarge], or instanceRequirements.";
        subject.report(Code::TypeChoice, GROUP, message, help);
    }
    names(subject, world, group);
    if let Some(wanted) = &group.instance_requirements {
        let at = format!("{GROUP}/instanceRequirements");
        pool::requirements(subject, wanted, &at);
        without_effect(subject, wanted, &at);
        if world.catalog.matching(wanted).is_empty() {
            pool_types::nothing_matches(subject, world.catalog.nearest_for_groups(wanted), (world, wanted), &at);
        }
    }
    for kind in world.catalog.types_of(Capacity::AutoScalingGroup(group)) {
        one(subject, group, kind);
    }
}

fn names(subject: &mut Subject<'_>, world: &World<'_>, group: &AutoScalingGroup) {
    let mut seen = BTreeSet::new();
    for (index, name) in group.instance_types.iter().enumerate() {
        let at = format!("{GROUP}/instanceTypes/{index}");
        if !seen.insert(name) {
            let message = format!("{name} is in the list already");
            subject.report(Code::DuplicateInstanceType, &at, message, "Remove it; maxSize holds for each type.");
        } else if world.catalog.get(name).is_none() {
            let known: Vec<&str> = world.catalog.iter().map(|kind| kind.name.as_str()).collect();
            let help = did_you_mean(name, known.iter().copied());
            let message = format!("{name:?} is not a Neuron instance type that Axon knows");
            let help = help.unwrap_or_else(|| format!("Axon knows {}.", known.join(", ")));
            subject.report(Code::UnknownInstanceType, &at, message, help);
        }
    }
}

/// Rules for one type: where it is named, or at the setting that rules it out.
fn one(subject: &mut Subject<'_>, group: &AutoScalingGroup, kind: &InstanceType) {
    let name = &kind.name;
    if group.capacity_option == CapacityOption::Spot && !kind.spot {
        let message = format!("{name} is not sold as Spot");
        let help = "Write OnDemand, or take the type out.";
        subject.report(Code::SpotUnavailable, &format!("{GROUP}/capacityOption"), message, help);
    }
    if group.efa == Efa::Enabled && kind.efa == 0 {
        let message = format!("efa is Enabled, and {name} has no Elastic Fabric Adapter");
        let help = "Write `efa: Disabled`, or use a type that has it, such as trn1.32xlarge.";
        subject.report(Code::NoEfa, &format!("{GROUP}/efa"), message, help);
    }
    if kind.offers(group.reserved_memory_mib).1 == 0 {
        let message = format!(
            "reservedMemoryMib is {}, and {name} has {} MiB with the operating system",
            group.reserved_memory_mib, kind.memory_mib
        );
        let at = format!("{GROUP}/reservedMemoryMib");
        subject.report(Code::ReservedMemory, &at, message, "Lower it; 1024 is the default.");
    }
}

/// Requirements are met from Axon's catalog, which knows neither prices to compare by nor networks and disks.
fn without_effect(subject: &mut Subject<'_>, wanted: &InstanceRequirements, at: &str) {
    let given = [
        ("instanceGenerations", !wanted.instance_generations.is_empty()),
        ("networkInterfaceCount", wanted.network_interface_count.is_some()),
        ("baselineEbsBandwidthMbps", wanted.baseline_ebs_bandwidth_mbps.is_some()),
        ("networkBandwidthGbps", wanted.network_bandwidth_gbps.is_some()),
        (
            "onDemandMaxPricePercentageOverLowestPrice",
            wanted.on_demand_max_price_percentage_over_lowest_price != NO_PRICE_PROTECTION,
        ),
        ("spotMaxPricePercentageOverLowestPrice", wanted.spot_max_price_percentage_over_lowest_price.is_some()),
        (
            "maxSpotPriceAsPercentageOfOptimalOnDemandPrice",
            wanted.max_spot_price_as_percentage_of_optimal_on_demand_price.is_some(),
        ),
    ];
    for (field, _) in given.into_iter().filter(|(_, given)| *given) {
        let message = format!("{field} is not in Axon's catalog, by which the types of the groups are chosen");
        let help = "Name the types under instanceTypes, or leave it out.";
        subject.report(Code::RequirementUnused, &format!("{at}/{field}"), message, help);
    }
}
