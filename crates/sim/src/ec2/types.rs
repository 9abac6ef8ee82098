//! DescribeInstanceTypes and DescribeInstanceTypeOfferings. Neighbours: `catalog` has the types, `knobs` says where they are
//! offered.

use serde_json::{Value, json};

use super::{filter, page, subnet};
use crate::{
    catalog::{self, Type, types},
    quirks::{Trainium2Memory, Trn2uNeuronInfo, TypeNamesWithMaxResults},
    wire::{
        fault::{Answer, Fault},
        page::Sizes,
        value::{Read, array, put, put_some},
    },
    world::World,
};

const FILTERS: [&str; 13] = [
    "bare-metal",
    "burstable-performance-supported",
    "current-generation",
    "hypervisor",
    "instance-storage-supported",
    "instance-type",
    "memory-info.size-in-mib",
    "network-info.efa-info.maximum-efa-interfaces",
    "network-info.efa-supported",
    "network-info.maximum-network-cards",
    "processor-info.supported-architecture",
    "supported-usage-class",
    "vcpu-info.default-vcpus",
];

pub(crate) fn describe(world: &World, input: &Value) -> Answer {
    filter::check(input, &FILTERS)?;
    let wanted = input.strings("InstanceTypes");
    let unknown: Vec<&String> = wanted.iter().filter(|t| catalog::find(t).is_none()).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().map(|t| t.as_str()).collect();
        let message = format!("The following supplied instance types do not exist: [{}]", names.join(", "));
        return Err(Fault::new("InvalidInstanceType", message));
    }
    let combined = !wanted.is_empty() && input.has("MaxResults");
    if combined && world.options.quirks.type_names_with_max_results == TypeNamesWithMaxResults::Rejected {
        let message = "The parameter MaxResults cannot be used with the parameter InstanceTypes.";
        return Err(Fault::new("InvalidParameterCombination", message));
    }
    let mut names = Vec::new();
    for kind in types().iter().filter(|t| wanted.is_empty() || wanted.iter().any(|w| w == t.name)) {
        if filter::keep(input, |name| values(kind, name))? {
            names.push(kind.name.to_owned());
        }
    }
    let page = page(world.paging(), names, input, Sizes { usual: 100, most: 100 })?;
    let shown = page.items.iter().filter_map(|n| catalog::find(n)).map(|t| shown(world, t));
    let mut answer = json!({"InstanceTypes": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}

/// What the API says of Neuron types that does not follow from the catalog. Source: its answers as moto 5.2.5 keeps them
/// (`ec2/resources/instance_types.json.gz`).
struct Facts {
    /// `DedicatedHostsSupported`.
    hosts: bool,
    /// Whether capacity blocks are among the usage classes.
    blocks: bool,
    /// `NetworkPerformance` of the type and of each of its cards.
    network: (&'static str, &'static str),
}

fn facts(kind: &Type) -> Option<Facts> {
    let (hosts, blocks, network) = match kind.name {
        "inf1.xlarge" | "inf1.2xlarge" | "inf2.8xlarge" => (false, false, ("Up to 25 Gigabit", "Up to 25 Gigabit")),
        "inf1.6xlarge" => (true, false, ("25 Gigabit", "25 Gigabit")),
        "inf1.24xlarge" | "inf2.48xlarge" => (true, false, ("100 Gigabit", "100 Gigabit")),
        "inf2.xlarge" => (false, false, ("Up to 15 Gigabit", "Up to 15 Gigabit")),
        "inf2.24xlarge" => (true, false, ("50 Gigabit", "50 Gigabit")),
        "trn1.2xlarge" => (true, false, ("Up to 12.5 Gigabit", "Up to 12.5 Gigabit")),
        "trn1.32xlarge" => (true, true, ("8x 100 Gigabit", "100 Gigabit")),
        "trn1n.32xlarge" => (false, false, ("16x 100 Gigabit", "100 Gigabit")),
        "trn2.3xlarge" => (false, true, ("200 Gigabit", "50 Gigabit")),
        "trn2.48xlarge" | "trn2u.48xlarge" => (false, true, ("16x 200 Gigabit", "200 Gigabit")),
        _ => return None,
    };
    Some(Facts { hosts, blocks, network })
}

fn usage(kind: &Type) -> Vec<String> {
    let blocks = facts(kind).is_some_and(|known| known.blocks).then_some("capacity-block");
    let spot = kind.sold_on_spot().then_some("spot");
    [blocks, Some("on-demand"), spot].into_iter().flatten().map(str::to_owned).collect()
}

fn hypervisor(kind: &Type) -> &'static str {
    if kind.generation == "current" { "nitro" } else { "xen" }
}

fn values(kind: &Type, name: &str) -> Option<Vec<String>> {
    Some(vec![match name {
        "bare-metal" => "false".to_owned(),
        "burstable-performance-supported" => kind.burstable().to_string(),
        "current-generation" => (kind.generation == "current").to_string(),
        "hypervisor" => hypervisor(kind).to_owned(),
        "instance-storage-supported" => (kind.local_gb > 0).to_string(),
        "instance-type" => kind.name.to_owned(),
        "memory-info.size-in-mib" => kind.memory_mib.to_string(),
        "network-info.efa-info.maximum-efa-interfaces" => kind.efa.to_string(),
        "network-info.efa-supported" => (kind.efa > 0).to_string(),
        "network-info.maximum-network-cards" => kind.network_cards.to_string(),
        "processor-info.supported-architecture" => catalog::ARCHITECTURE.to_owned(),
        "supported-usage-class" => return Some(usage(kind)),
        "vcpu-info.default-vcpus" => kind.vcpus.to_string(),
        _ => return None,
    }])
}

fn shown(world: &World, kind: &Type) -> Value {
    let manufacturer = if kind.cpu == "amd" { "AMD" } else { "Intel" };
    let mut out = json!({
        "InstanceType": kind.name,
        "CurrentGeneration": kind.generation == "current",
        "FreeTierEligible": false,
        "SupportedUsageClasses": usage(kind),
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": false,
        "Hypervisor": hypervisor(kind),
        "ProcessorInfo": {"SupportedArchitectures": [catalog::ARCHITECTURE], "Manufacturer": manufacturer},
        "VCpuInfo": {"DefaultVCpus": kind.vcpus, "DefaultCores": kind.vcpus / 2, "DefaultThreadsPerCore": 2},
        "MemoryInfo": {"SizeInMiB": kind.memory_mib},
        "InstanceStorageSupported": kind.local_gb > 0,
        "EbsInfo": {"EbsOptimizedSupport": "default", "EncryptionSupport": "supported", "NvmeSupport": "required"},
        "NetworkInfo": network(kind),
        "PlacementGroupInfo": {"SupportedStrategies": ["cluster", "partition", "spread"]},
        "HibernationSupported": false,
        "BurstablePerformanceSupported": kind.burstable(),
        "DedicatedHostsSupported": facts(kind).is_none_or(|known| known.hosts),
        "AutoRecoverySupported": kind.local_gb == 0 && kind.family() != "inf2",
        "SupportedBootModes": if kind.family().starts_with("trn1") { json!(["legacy-bios"]) } else { json!(["legacy-bios", "uefi"]) },
    });
    if kind.local_gb > 0 {
        // The largest types have four disks.
        let count = if kind.local_gb > 4000 { 4 } else { 1 };
        let disk = json!({"SizeInGB": kind.local_gb / count, "Count": count, "Type": "ssd"});
        put(&mut out, "InstanceStorageInfo", json!({"TotalSizeInGB": kind.local_gb, "Disks": [disk]}));
    }
    accelerators(world, kind, &mut out);
    out
}

fn network(kind: &Type) -> Value {
    let performance = match kind.network_mbps {
        mbps if mbps < 10_000 => format!("Up to {} Gigabit", if mbps < 5_000 { 15 } else { 25 }),
        mbps => format!("{} Gigabit", mbps / 1000),
    };
    let (performance, of_card) = facts(kind).map_or_else(
        || (performance.clone(), performance.clone()),
        |known| (known.network.0.to_owned(), known.network.1.to_owned()),
    );
    let each = kind.interfaces / kind.network_cards.max(1);
    let cards = (0..kind.network_cards)
        .map(|card| json!({"NetworkCardIndex": card, "NetworkPerformance": of_card, "MaximumNetworkInterfaces": each}));
    let mut out = json!({
        "NetworkPerformance": performance,
        "MaximumNetworkInterfaces": kind.interfaces,
        "MaximumNetworkCards": kind.network_cards,
        "DefaultNetworkCardIndex": 0,
        "NetworkCards": array(cards),
        "EnaSupport": "required",
        "EfaSupported": kind.efa > 0,
        "EncryptionInTransitSupported": facts(kind).is_some(),
    });
    if kind.efa > 0 {
        put(&mut out, "EfaInfo", json!({"MaximumEfaInterfaces": kind.efa}));
    }
    out
}

/// Inferentia types have the older InferenceAcceleratorInfo too; Trainium types do not.
fn accelerators(world: &World, kind: &Type, out: &mut Value) {
    let Some(name) = kind.accelerator else { return };
    let mut name: Vec<char> = name.chars().collect();
    if let Some(first) = name.first_mut() {
        first.make_ascii_uppercase();
    }
    let name: String = name.into_iter().collect();
    let quirks = &world.options.quirks;
    if kind.chips() == 0 {
        let memory = kind.accelerators * kind.chip_mib;
        let gpu = json!({"Name": name.to_uppercase(), "Manufacturer": "NVIDIA", "Count": kind.accelerators,
                         "MemoryInfo": {"SizeInMiB": kind.chip_mib}});
        put(out, "GpuInfo", json!({"Gpus": [gpu], "TotalGpuMemoryInMiB": memory}));
        return;
    }
    if kind.family() == "trn2u" && quirks.trn2u_neuron_info == Trn2uNeuronInfo::Absent {
        return;
    }
    let as_table = quirks.trainium2_memory == Trainium2Memory::AsTable && kind.core_version() == 3;
    let each = if as_table { 524_288 } else { kind.chip_mib };
    let device = json!({
        "Count": kind.chips(),
        "Name": name,
        "CoreInfo": {"Count": kind.cores, "Version": kind.core_version()},
        "MemoryInfo": {"SizeInMiB": each},
    });
    put(out, "NeuronInfo", json!({"NeuronDevices": [device], "TotalNeuronDeviceMemoryInMiB": each * kind.chips()}));
    if kind.accelerator_type() == Some("inference") {
        let device = json!({"Count": kind.chips(), "Name": name, "Manufacturer": "AWS",
                            "MemoryInfo": {"SizeInMiB": kind.chip_mib}});
        let total = kind.chip_mib * kind.chips();
        put(out, "InferenceAcceleratorInfo", json!({"Accelerators": [device], "TotalInferenceMemoryInMiB": total}));
    }
}

pub(crate) fn offerings(world: &World, input: &Value) -> Answer {
    filter::check(input, &["instance-type", "location"])?;
    let region = &world.options.region;
    let zones: Vec<String> = world.options.zones.iter().map(|z| format!("{region}{z}")).collect();
    let by = input.text("LocationType").unwrap_or("region");
    let mut found = Vec::new();
    for kind in types() {
        let offered: Vec<&String> = zones.iter().filter(|z| world.offered(kind.name, z)).collect();
        let places: Vec<String> = match by {
            "region" => (!offered.is_empty()).then(|| region.clone()).into_iter().collect(),
            "availability-zone" => offered.into_iter().cloned().collect(),
            "availability-zone-id" => offered.into_iter().map(|z| subnet::zone_id(world, z)).collect(),
            other => return Err(Fault::not_modelled(format!("the location type {other}"))),
        };
        for place in places {
            let values = |name: &str| match name {
                "instance-type" => Some(vec![kind.name.to_owned()]),
                "location" => Some(vec![place.clone()]),
                _ => None,
            };
            if filter::keep(input, values)? {
                found.push(format!("{}\n{place}", kind.name));
            }
        }
    }
    let page = page(world.paging(), found, input, Sizes { usual: 1000, most: 1000 })?;
    let shown = page
        .items
        .iter()
        .filter_map(|key| key.split_once('\n'))
        .map(|(kind, place)| json!({"InstanceType": kind, "LocationType": by, "Location": place}));
    let mut answer = json!({"InstanceTypeOfferings": array(shown)});
    put_some(&mut answer, "NextToken", page.next);
    Ok(answer)
}
