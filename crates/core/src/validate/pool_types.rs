//! Rules about the instance types that a pool's requirements match.
//!
//! Neighbours: called by `pool`; asks `neuron`. Not here: whether a service's task fits on them (`fit`).

use crate::diagnostic::{Code, nearest};
use crate::neuron::{InstanceType, ManagedSupport, Nearest, pattern_matches};
use crate::spec::{CapacityOption, InstanceRequirements, ManagedInstances};

use super::World;
use super::pool::{MI, REQUIREMENTS};
use super::subject::Subject;

pub(super) fn check(subject: &mut Subject<'_>, world: &World<'_>, spec: &ManagedInstances) {
    let wanted = &spec.instance_requirements;
    let matching = world.catalog.matching(wanted);
    let ruled_out = matching.iter().find(|kind| matches!(kind.managed, ManagedSupport::No(_)));
    if let Some(kind) = ruled_out {
        not_on_managed(subject, wanted, kind);
    }
    let launchable = world.catalog.launchable(wanted);
    if launchable.is_empty() {
        if ruled_out.is_none() {
            nothing_matches(subject, world.catalog.nearest(wanted), (world, wanted), REQUIREMENTS);
        }
        return;
    }
    unconfirmed(subject, &launchable);
    if spec.capacity_option == CapacityOption::Spot && !launchable.iter().any(|kind| kind.spot) {
        let message = format!("{} is not sold as Spot", names(&launchable));
        let help = "Choose OnDemand or Reserved, or allow other types.";
        subject.report(Code::SpotUnavailable, &format!("{MI}/capacityOption"), message, help);
    }
    if spec.local_storage && launchable.iter().all(|kind| kind.local_storage_gb == Some(0)) {
        let message = format!("localStorage is true, but {} has no instance store", names(&launchable));
        subject.report(Code::NoLocalStorage, &format!("{MI}/localStorage"), message, "Leave localStorage out.");
    }
    price_limit(subject, wanted, &launchable);
}

fn not_on_managed(subject: &mut Subject<'_>, wanted: &InstanceRequirements, kind: &InstanceType) {
    let ManagedSupport::No(why) = kind.managed else { return };
    let list = &wanted.allowed_instance_types;
    let pattern = list.iter().enumerate().find(|(_, pattern)| pattern_matches(pattern, &kind.name));
    let (at, cause, help) = if let Some((index, pattern)) = pattern {
        let narrower = if pattern == "inf*" { "Write \"inf2*\"." } else { "Take it out." };
        let at = format!("{REQUIREMENTS}/allowedInstanceTypes/{index}");
        (at, format!("allowedInstanceTypes {pattern:?} matches it"), narrower)
    } else {
        let help = "Add allowedInstanceTypes, for example [\"inf2*\"].";
        (REQUIREMENTS.to_owned(), "instanceRequirements match it".to_owned(), help)
    };
    let message = format!("{} cannot run on Managed Instances ({why}); {cause}", kind.name);
    subject.report(Code::Inf1OnManaged, &at, message, help);
}

/// No type meets the requirements at `at`; `near` is the one that misses the fewest.
pub(super) fn nothing_matches(
    subject: &mut Subject<'_>,
    near: Option<Nearest<'_>>,
    (world, wanted): (&World<'_>, &InstanceRequirements),
    at: &str,
) {
    let Some(near) = near else { return };
    let ways: Vec<String> = near.exclusions.iter().map(|e| format!("{}: {}", e.attribute, e.reason)).collect();
    let kind = &near.instance_type.name;
    let message = format!("no Neuron type meets the requirements; the nearest is {kind}, but {}", ways.join("; "));
    let blocked = near.exclusions.first().map_or("", |exclusion| exclusion.attribute);
    let known: Vec<&str> = world.catalog.iter().map(|kind| kind.name.as_str()).collect();
    let typo = wanted.allowed_instance_types.iter().find_map(|name| nearest(name, known.iter().copied()));
    let help = match (blocked, typo) {
        ("allowedInstanceTypes", Some(name)) => format!("Did you mean `{name}`?"),
        _ => format!("Relax {blocked}."),
    };
    subject.report(Code::NoMatchingType, &format!("{at}/{blocked}"), message, help);
}

/// Silent while a confirmed type is among them: ECS has something to launch then.
fn unconfirmed(subject: &mut Subject<'_>, launchable: &[&InstanceType]) {
    if launchable.iter().any(|kind| kind.managed == ManagedSupport::Confirmed) {
        return;
    }
    if let Some(ManagedSupport::Unconfirmed(why)) = launchable.first().map(|kind| kind.managed) {
        let message = format!("whether Managed Instances launch {} is not confirmed: {why}", names(launchable));
        let help = "Try it with one replica first, or use Inf2 or Trn1.";
        subject.report(Code::LaunchUnconfirmed, &format!("{REQUIREMENTS}/allowedInstanceTypes"), message, help);
    }
}

fn price_limit(subject: &mut Subject<'_>, wanted: &InstanceRequirements, launchable: &[&InstanceType]) {
    let limit = wanted.on_demand_max_price_percentage_over_lowest_price;
    let (Some(first), Some(last)) = (launchable.first(), launchable.last()) else { return };
    let most = u64::from(first.price) * (100 + u64::from(limit)) / 100;
    if u64::from(last.price) > most {
        let message = format!(
            "{} costs more than {limit} % over {}, the cheapest match, so it would never be launched",
            last.name, first.name
        );
        let at = format!("{REQUIREMENTS}/onDemandMaxPricePercentageOverLowestPrice");
        subject.report(Code::PriceProtection, &at, message, "Leave the limit out, or name the types you want.");
    }
}

fn names(types: &[&InstanceType]) -> String {
    types.iter().map(|kind| kind.name.as_str()).collect::<Vec<_>>().join(", ")
}
