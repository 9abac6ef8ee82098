//! Which instance types meet a pool's requirements, and what stands in the way of the ones that do not.
//!
//! Neighbours: `validate` explains impossible requirements with it, `resolve` lists a pool's types. Not here: how AWS
//! chooses among several types beyond "the cheapest that fits".
//!
//! The catalog knows nothing about network bandwidth, EBS bandwidth, network interfaces and generations; requirements on
//! them are taken as met.

use super::{Catalog, InstanceType, ManagedSupport};
use crate::spec::{
    AcceleratorManufacturer, AcceleratorType, Bounds, Capacity, DecimalBounds, Inclusion, InstanceRequirements,
    LocalStorageType,
};

/// A requirement that an instance type does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The attribute, as the spec spells it.
    pub attribute: &'static str,
    /// What the type has, and what is required.
    pub reason: String,
}

/// The type that misses the fewest requirements, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest<'a> {
    /// The type.
    pub instance_type: &'a InstanceType,
    /// What stands in its way.
    pub exclusions: Vec<Exclusion>,
}

/// True if a name matches a pattern in which `*` stands for any characters.
pub fn pattern_matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else { return rest.is_empty() };
    let middle: Vec<&str> = parts.collect();
    let inner = middle.split_last().map_or(&[][..], |(_, inner)| inner);
    for part in inner {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Catalog {
    /// Every type that meets the requirements, cheapest first, whether Managed Instances launch it or not.
    pub fn matching(&self, requirements: &InstanceRequirements) -> Vec<&InstanceType> {
        let mut found: Vec<_> = self.iter().filter(|kind| exclusions(kind, requirements).is_empty()).collect();
        found.sort_by_key(|kind| (kind.price, &kind.name));
        found
    }

    /// Every type that meets the requirements and is not ruled out for Managed Instances, cheapest first.
    pub fn launchable(&self, requirements: &InstanceRequirements) -> Vec<&InstanceType> {
        let mut found = self.matching(requirements);
        found.retain(|kind| !matches!(kind.managed, ManagedSupport::No(_)));
        found
    }

    /// The types a pool uses, in the order of preference: on Managed Instances those that ECS may launch, cheapest first; in
    /// Auto Scaling groups those named, in the order written, or those that meet the requirements, cheapest first. Names
    /// the catalog does not know are left out.
    pub fn types_of(&self, capacity: Capacity<'_>) -> Vec<&InstanceType> {
        match capacity {
            Capacity::ManagedInstances(managed) => self.launchable(&managed.instance_requirements),
            Capacity::AutoScalingGroup(group) => match &group.instance_requirements {
                Some(wanted) if group.instance_types.is_empty() => self.matching(wanted),
                Some(_) | None => group.instance_types.iter().filter_map(|name| self.get(name)).collect(),
            },
        }
    }

    /// The type for Managed Instances that misses the fewest requirements; among equals the one whose name is nearest to
    /// what is allowed, then the cheapest.
    pub fn nearest(&self, requirements: &InstanceRequirements) -> Option<Nearest<'_>> {
        nearest_of(self.iter().filter(|kind| !matches!(kind.managed, ManagedSupport::No(_))), requirements)
    }

    /// The type for Auto Scaling groups that misses the fewest requirements; among equals as with [`Self::nearest`].
    pub fn nearest_for_groups(&self, requirements: &InstanceRequirements) -> Option<Nearest<'_>> {
        nearest_of(self.iter(), requirements)
    }
}

fn nearest_of<'a>(
    candidates: impl Iterator<Item = &'a InstanceType>,
    requirements: &InstanceRequirements,
) -> Option<Nearest<'a>> {
    let scored = candidates.map(|kind| (exclusions(kind, requirements), kind));
    let wanted = &requirements.allowed_instance_types;
    let best = scored.min_by_key(|(missing, kind)| {
        let prefix = wanted.iter().map(|pattern| common_prefix(pattern, &kind.name)).max().unwrap_or_default();
        (missing.len(), std::cmp::Reverse(prefix), kind.price)
    });
    best.map(|(exclusions, instance_type)| Nearest { instance_type, exclusions })
}

fn common_prefix(pattern: &str, name: &str) -> usize {
    pattern.chars().zip(name.chars()).take_while(|(a, b)| a == b).count()
}

/// Every requirement that a type does not meet.
pub(crate) fn exclusions(kind: &InstanceType, wanted: &InstanceRequirements) -> Vec<Exclusion> {
    let mut found = Vec::new();
    by_name(kind, wanted, &mut found);
    by_size(kind, wanted, &mut found);
    by_accelerator(kind, wanted, &mut found);
    by_feature(kind, wanted, &mut found);
    by_storage(kind, wanted, &mut found);
    found
}

fn exclude(found: &mut Vec<Exclusion>, attribute: &'static str, reason: String) {
    found.push(Exclusion { attribute, reason });
}

fn by_name(kind: &InstanceType, wanted: &InstanceRequirements, found: &mut Vec<Exclusion>) {
    let allowed = &wanted.allowed_instance_types;
    if !allowed.is_empty() && !allowed.iter().any(|pattern| pattern_matches(pattern, &kind.name)) {
        exclude(found, "allowedInstanceTypes", format!("it lists {}", allowed.join(", ")));
    }
    let excluded = wanted.excluded_instance_types.iter().find(|pattern| pattern_matches(pattern, &kind.name));
    if let Some(pattern) = excluded {
        exclude(found, "excludedInstanceTypes", format!("{pattern:?} matches it"));
    }
}

fn by_size(kind: &InstanceType, wanted: &InstanceRequirements, found: &mut Vec<Exclusion>) {
    let open = |bounds: crate::spec::MinBounds| Bounds { min: Some(bounds.min), max: bounds.max };
    within(found, "vCpuCount", (kind.vcpus, "vCPUs"), Some(open(wanted.v_cpu_count)));
    within(found, "memoryMiB", (kind.memory_mib, "MiB"), Some(open(wanted.memory_mib)));
    if let Some(bounds) = wanted.memory_gib_per_v_cpu {
        let ratio = f64::from(kind.memory_mib) / 1024.0 / f64::from(kind.vcpus.max(1));
        within_decimal(found, "memoryGiBPerVCpu", ratio, bounds);
    }
}

fn by_accelerator(kind: &InstanceType, wanted: &InstanceRequirements, found: &mut Vec<Exclusion>) {
    let makers = &wanted.accelerator_manufacturers;
    if !makers.is_empty() && !makers.contains(&AcceleratorManufacturer::AmazonWebServices) {
        exclude(found, "acceleratorManufacturers", "Neuron chips are made by amazon-web-services".to_owned());
    }
    let names = &wanted.accelerator_names;
    if !names.is_empty() && !names.contains(&kind.accelerator) {
        exclude(found, "acceleratorNames", format!("its accelerator is {}", kind.accelerator));
    }
    let types = &wanted.accelerator_types;
    if !types.is_empty() && !types.contains(&AcceleratorType::Inference) {
        exclude(found, "acceleratorTypes", "Neuron chips are of the type inference".to_owned());
    }
    within(found, "acceleratorCount", (u32::from(kind.chips), "chips"), wanted.accelerator_count);
    let memory = (kind.total_chip_memory_mib(), "MiB of device memory");
    within(found, "acceleratorTotalMemoryMiB", memory, wanted.accelerator_total_memory_mib);
}

fn by_feature(kind: &InstanceType, wanted: &InstanceRequirements, found: &mut Vec<Exclusion>) {
    if !wanted.cpu_manufacturers.is_empty() && !wanted.cpu_manufacturers.contains(&kind.cpu) {
        exclude(found, "cpuManufacturers", format!("its CPU is made by {:?}", kind.cpu));
    }
    if wanted.bare_metal == Some(Inclusion::Required) {
        exclude(found, "bareMetal", "no Neuron type is bare metal".to_owned());
    }
    if wanted.burstable_performance == Some(Inclusion::Required) {
        exclude(found, "burstablePerformance", "no Neuron type is burstable".to_owned());
    }
    if wanted.require_hibernate_support {
        exclude(found, "requireHibernateSupport", "no Neuron type can hibernate".to_owned());
    }
}

fn by_storage(kind: &InstanceType, wanted: &InstanceRequirements, found: &mut Vec<Exclusion>) {
    let Some(size) = kind.local_storage_gb else { return };
    match wanted.local_storage {
        Some(Inclusion::Required) if size == 0 => exclude(found, "localStorage", "it has no instance store".to_owned()),
        Some(Inclusion::Excluded) if size > 0 => exclude(found, "localStorage", "it has an instance store".to_owned()),
        Some(Inclusion::Required | Inclusion::Excluded | Inclusion::Included) | None => {}
    }
    let kinds = &wanted.local_storage_types;
    if size > 0 && !kinds.is_empty() && !kinds.contains(&LocalStorageType::Ssd) {
        exclude(found, "localStorageTypes", "its instance store is ssd".to_owned());
    }
    if let Some(bounds) = wanted.total_local_storage_gb {
        within_decimal(found, "totalLocalStorageGB", f64::from(size), bounds);
    }
}

fn within(found: &mut Vec<Exclusion>, attribute: &'static str, (has, unit): (u32, &str), bounds: Option<Bounds>) {
    let Some(bounds) = bounds else { return };
    if let Some(min) = bounds.min.filter(|min| has < *min) {
        exclude(found, attribute, format!("it has {has} {unit}, at least {min} are required"));
    }
    if let Some(max) = bounds.max.filter(|max| has > *max) {
        exclude(found, attribute, format!("it has {has} {unit}, at most {max} are allowed"));
    }
}

fn within_decimal(found: &mut Vec<Exclusion>, attribute: &'static str, has: f64, bounds: DecimalBounds) {
    if let Some(min) = bounds.min.filter(|min| has < *min) {
        exclude(found, attribute, format!("it has {has}, at least {min} is required"));
    }
    if let Some(max) = bounds.max.filter(|max| has > *max) {
        exclude(found, attribute, format!("it has {has}, at most {max} is allowed"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(patterns: &[&str]) -> InstanceRequirements {
        InstanceRequirements {
            allowed_instance_types: patterns.iter().map(|p| (*p).to_owned()).collect(),
            ..InstanceRequirements::default()
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(pattern_matches("inf2*", "inf2.xlarge"));
        assert!(pattern_matches("*.xlarge", "inf2.xlarge"));
        assert!(pattern_matches("i*2*large", "inf2.8xlarge"));
        assert!(pattern_matches("inf2.xlarge", "inf2.xlarge"));
        assert!(!pattern_matches("inf2.x", "inf2.xlarge"));
        assert!(!pattern_matches("trn1.*", "trn1n.32xlarge"));
        assert!(!pattern_matches("a*ab", "ab"));
    }

    #[test]
    fn the_page_of_awss_own_example_matches_inf1_too() {
        let catalog = Catalog::builtin();
        let wanted = allowing(&["inf*", "trn*"]);
        assert_eq!(catalog.matching(&wanted).len(), 14);
        assert_eq!(catalog.launchable(&wanted).len(), 10);
    }

    #[test]
    fn matching_types_come_cheapest_first() {
        let names: Vec<_> = Catalog::builtin().matching(&allowing(&["inf2*"])).iter().map(|t| t.name.clone()).collect();
        assert_eq!(names, ["inf2.xlarge", "inf2.8xlarge", "inf2.24xlarge", "inf2.48xlarge"]);
    }

    #[test]
    fn the_nearest_type_says_what_is_in_its_way() {
        let catalog = Catalog::builtin();
        let mut wanted = allowing(&["inf2*"]);
        wanted.v_cpu_count.min = 200;
        let nearest = catalog.nearest(&wanted).unwrap();
        assert_eq!(nearest.exclusions.len(), 1);
        assert_eq!(nearest.exclusions[0].attribute, "vCpuCount");
    }
}
