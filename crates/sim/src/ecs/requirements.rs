//! instanceRequirements: which instance types satisfy them, cheapest first. Neighbours: `provider_validate` refuses what no
//! type satisfies, `capacity` launches from the list. Descriptions of the attributes: EC2 InstanceRequirementsRequest.

use serde_json::Value;

use crate::{
    behaviour::matches,
    catalog::{Type, types},
    quirks::{Launchable, PriceProtection},
    wire::{fault::Fault, value::Read},
    world::World,
};

/// From this on, EC2 reads a percentage as "no price protection".
const NO_LIMIT: i64 = 999_999;

pub(crate) fn check(world: &World, wanted: &Value) -> Result<(), Fault> {
    if !wanted.list("allowedInstanceTypes").is_empty() && !wanted.list("excludedInstanceTypes").is_empty() {
        return Err(Fault::invalid("allowedInstanceTypes and excludedInstanceTypes cannot be given together."));
    }
    if wanted.flag("requireHibernateSupport") == Some(true) {
        return Err(Fault::not_modelled("requireHibernateSupport"));
    }
    if wanted.has("spotMaxPricePercentageOverLowestPrice")
        && wanted.has("maxSpotPriceAsPercentageOfOptimalOnDemandPrice")
    {
        return Err(Fault::invalid("Only one of the two spot price protections can be given."));
    }
    for (key, value) in wanted.as_object().into_iter().flatten() {
        let (min, max) = (number(value, "min"), number(value, "max"));
        if min.is_some_and(|m| m < 0.0) || max.is_some_and(|max| min.is_some_and(|min| max < min)) {
            return Err(Fault::invalid(format!("The range of {key} is not valid.")));
        }
    }
    if fitting(world, Some(wanted)).is_empty() {
        return Err(Fault::invalid("No instance type satisfies the instance requirements."));
    }
    Ok(())
}

/// Types that Managed Instances launch for these requirements, cheapest first. Without requirements AWS chooses a
/// general-purpose type by price.
pub(crate) fn fitting(world: &World, wanted: Option<&Value>) -> Vec<&'static Type> {
    let launchable = types().iter().filter(|t| managed(world, t));
    let mut found: Vec<&Type> = match wanted {
        Some(wanted) => launchable.filter(|t| satisfies(t, wanted)).collect(),
        None => launchable.filter(|t| t.accelerators == 0 && t.generation == "current").collect(),
    };
    found.sort_by_key(|t| (t.price, t.name));
    if let Some(limit) = wanted.and_then(|w| price_limit(world, w, &found)) {
        found.retain(|t| t.price <= limit);
    }
    found
}

fn managed(world: &World, kind: &Type) -> bool {
    let launchable = world.options.quirks.launchable;
    match kind.family() {
        "inf1" => launchable == Launchable::EveryNeuronType,
        "trn1n" | "trn2" | "trn2u" => launchable != Launchable::Agreed,
        _ => kind.vcpus > 1,
    }
}

/// EC2's base is the cheapest current C, M or R type that matches, else the cheapest that matches.
fn price_limit(world: &World, wanted: &Value, found: &[&Type]) -> Option<i64> {
    let default = match world.options.quirks.price_protection {
        PriceProtection::Off => None,
        PriceProtection::LikeEc2 => Some(20),
    };
    let percentage = wanted.number("onDemandMaxPricePercentageOverLowestPrice").or(default)?;
    if percentage >= NO_LIMIT {
        return None;
    }
    let general = found.iter().find(|t| t.generation == "current" && t.name.starts_with(['c', 'm', 'r']));
    let base = general.or_else(|| found.iter().find(|t| t.generation == "current"))?;
    Some(base.price + base.price.saturating_mul(percentage) / 100)
}

fn satisfies(kind: &Type, wanted: &Value) -> bool {
    let name = |key: &str| wanted.strings(key).iter().any(|p| matches(p, kind.name));
    let allowed = wanted.list("allowedInstanceTypes");
    if !allowed.is_empty() && !name("allowedInstanceTypes") || name("excludedInstanceTypes") {
        return false;
    }
    let word = |key: &str, value: Option<&str>| {
        let list = wanted.strings(key);
        list.is_empty() || value.is_some_and(|v| list.iter().any(|w| w == v))
    };
    let choice = |key: &str, default: &str, has: bool| match wanted.text(key).unwrap_or(default) {
        "required" => has,
        "excluded" => !has,
        _ => true,
    };
    // EC2 excludes burstable and previous-generation types by default, unless they are named outright.
    let burstable = if allowed.is_empty() { "excluded" } else { "included" };
    word("cpuManufacturers", Some(kind.cpu))
        && word("instanceGenerations", Some(kind.generation))
        && (!wanted.list("instanceGenerations").is_empty() || !allowed.is_empty() || kind.generation == "current")
        && word("acceleratorManufacturers", kind.accelerator_manufacturer())
        && word("acceleratorNames", kind.accelerator)
        && word("acceleratorTypes", kind.accelerator_type())
        && word("localStorageTypes", (kind.local_gb > 0).then_some("ssd"))
        && choice("bareMetal", "excluded", false)
        && choice("burstablePerformance", burstable, kind.burstable())
        && choice("localStorage", "included", kind.local_gb > 0)
        && ranges(kind, wanted)
}

fn ranges(kind: &Type, wanted: &Value) -> bool {
    let gib_per_vcpu = thousandth(kind.memory_mib * 1000 / 1024 / kind.vcpus.max(1));
    let within = |key: &str, have: f64| {
        wanted.at(key).is_none_or(|range| {
            number(range, "min").is_none_or(|min| have >= min) && number(range, "max").is_none_or(|max| have <= max)
        })
    };
    let whole = |key: &str, have: i64| within(key, thousandth(have.saturating_mul(1000)));
    whole("vCpuCount", kind.vcpus)
        && whole("memoryMiB", kind.memory_mib)
        && within("memoryGiBPerVCpu", gib_per_vcpu)
        && whole("networkInterfaceCount", kind.interfaces)
        && whole("totalLocalStorageGB", kind.local_gb)
        && whole("baselineEbsBandwidthMbps", kind.ebs_mbps)
        && whole("acceleratorCount", kind.accelerators)
        && whole("acceleratorTotalMemoryMiB", kind.accelerators * kind.chip_mib)
        && within("networkBandwidthGbps", thousandth(kind.network_mbps))
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value.get(key).and_then(Value::as_f64)
}

/// A count of thousandths as a number; every size in the catalog is far below what an f64 holds exactly.
fn thousandth(thousandths: i64) -> f64 {
    jiff::SignedDuration::from_millis(thousandths).as_secs_f64()
}
