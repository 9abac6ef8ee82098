//! The built-in table of Neuron instance types.
//!
//! Neighbours: `Catalog` is made of it. Not here: how types are chosen.
//!
//! Sources: the EC2 table of accelerated types and the Neuron hardware pages for vCPUs, memory, chips, cores and EFA; the
//! ECS list of types for Managed Instances and the ECS page on Neuron workloads for where a type can run. An older copy of
//! that page gives 8 vCPU for inf2.xlarge, 64 GiB for inf2.8xlarge and 1536 GiB for trn2.48xlarge; all other sources give
//! 4 vCPU, 128 GiB and 2048 GiB, as below. EC2's API shows 512 GiB per Trn2 chip; the Neuron documents and tools show 96.
//! Prices are approximate and only give an order, see [`InstanceType::price`].

use super::{InstanceType, ManagedSupport, Topology};
use crate::spec::CpuManufacturer;

const INF1: ManagedSupport = ManagedSupport::No("AWS supports Inf1 only on EC2");
const TRN1N: ManagedSupport =
    ManagedSupport::Unconfirmed("AWS's list of types for Managed Instances names Trn1, not Trn1n");
const TRN2: ManagedSupport = ManagedSupport::Unconfirmed(
    "the ECS page on Neuron workloads shows how to choose Trn2, AWS's list of types for Managed Instances omits it",
);

/// What all types of a family have in common.
struct Family {
    name: &'static str,
    accelerator: &'static str,
    cores_per_chip: u8,
    cores_per_logical: u8,
    chip_memory_gib: u16,
    managed: ManagedSupport,
    spot: bool,
    cpu: CpuManufacturer,
}

/// What one size has of its own.
#[derive(Clone, Copy)]
struct Size {
    name: &'static str,
    vcpus: u32,
    memory_gib: u32,
    chips: u8,
    topology: Topology,
    efa: u8,
    max_interfaces: Option<u16>,
    local_storage_gb: Option<u32>,
    price: u32,
}

pub(super) fn rows() -> Vec<InstanceType> {
    let families = [(inf1(), inf1_sizes()), (inf2(), inf2_sizes()), (trn1(), trn1_sizes()), (trn1n(), trn1n_sizes())];
    let newer = [(trn2(), trn2_sizes()), (trn2u(), trn2u_sizes())];
    let all = families.into_iter().chain(newer);
    all.flat_map(|(family, sizes)| sizes.into_iter().map(move |size| row(&family, &size))).collect()
}

fn row(family: &Family, size: &Size) -> InstanceType {
    InstanceType {
        name: format!("{}.{}", family.name, size.name),
        family: family.name.to_owned(),
        vcpus: size.vcpus,
        memory_mib: size.memory_gib * 1024,
        chips: size.chips,
        cores_per_chip: family.cores_per_chip,
        cores_per_logical: family.cores_per_logical,
        chip_memory_gib: family.chip_memory_gib,
        efa: size.efa,
        // One EFA interface for each network card, where a type has any; the others have a single card (EC2 user guide,
        // "Elastic Fabric Adapter").
        network_cards: size.efa.max(1),
        max_interfaces: size.max_interfaces,
        topology: size.topology,
        managed: family.managed,
        spot: family.spot,
        accelerator: family.accelerator.to_owned(),
        local_storage_gb: size.local_storage_gb,
        cpu: family.cpu,
        price: size.price,
    }
}

const fn inf1() -> Family {
    Family {
        name: "inf1",
        accelerator: "inferentia",
        cores_per_chip: 4,
        cores_per_logical: 1,
        chip_memory_gib: 8,
        managed: INF1,
        spot: true,
        cpu: CpuManufacturer::Intel,
    }
}

const fn inf2() -> Family {
    Family {
        name: "inf2",
        accelerator: "inferentia2",
        cores_per_chip: 2,
        cores_per_logical: 1,
        chip_memory_gib: 32,
        managed: ManagedSupport::Confirmed,
        spot: true,
        cpu: CpuManufacturer::Amd,
    }
}

const fn trn1() -> Family {
    Family { name: "trn1", accelerator: "trainium", cpu: CpuManufacturer::Intel, ..inf2() }
}

const fn trn1n() -> Family {
    Family { name: "trn1n", managed: TRN1N, ..trn1() }
}

const fn trn2() -> Family {
    Family {
        name: "trn2",
        accelerator: "trainium2",
        cores_per_chip: 8,
        cores_per_logical: 2,
        chip_memory_gib: 96,
        managed: TRN2,
        spot: true,
        cpu: CpuManufacturer::Intel,
    }
}

const fn trn2u() -> Family {
    Family { name: "trn2u", spot: false, ..trn2() }
}

/// A size without EFA and instance store, which most have not.
const fn size(name: &'static str, vcpus: u32, memory_gib: u32, price: u32) -> Size {
    let topology = Topology::Single;
    let max_interfaces = None;
    Size { name, vcpus, memory_gib, chips: 1, topology, efa: 0, max_interfaces, local_storage_gb: Some(0), price }
}

const fn ring(chips: u8, size: Size) -> Size {
    Size { chips, topology: Topology::Ring, ..size }
}

const fn torus(efa: u8, size: Size) -> Size {
    Size { chips: 16, topology: Topology::Torus4x4, efa, local_storage_gb: Some(7600), ..size }
}

fn inf1_sizes() -> Vec<Size> {
    vec![
        size("xlarge", 4, 8, 228),
        size("2xlarge", 8, 16, 362),
        ring(4, size("6xlarge", 24, 48, 1_180)),
        Size { efa: 1, ..ring(16, size("24xlarge", 96, 192, 4_721)) },
    ]
}

fn inf2_sizes() -> Vec<Size> {
    vec![
        size("xlarge", 4, 16, 758),
        size("8xlarge", 32, 128, 1_968),
        ring(6, size("24xlarge", 96, 384, 6_491)),
        ring(12, size("48xlarge", 192, 768, 12_981)),
    ]
}

fn trn1_sizes() -> Vec<Size> {
    vec![
        Size { local_storage_gb: Some(474), ..size("2xlarge", 8, 32, 1_344) },
        Size { max_interfaces: Some(40), ..torus(8, size("32xlarge", 128, 512, 21_500)) },
    ]
}

fn trn1n_sizes() -> Vec<Size> {
    vec![Size { max_interfaces: Some(80), ..torus(16, size("32xlarge", 128, 512, 24_780)) }]
}

fn trn2_sizes() -> Vec<Size> {
    vec![
        Size { efa: 1, max_interfaces: Some(2), local_storage_gb: None, ..size("3xlarge", 12, 128, 2_235) },
        Size { max_interfaces: Some(32), ..torus(16, size("48xlarge", 192, 2048, 35_764)) },
    ]
}

fn trn2u_sizes() -> Vec<Size> {
    vec![torus(16, size("48xlarge", 192, 2048, 44_701))]
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;

    #[test]
    fn the_cells_an_old_page_has_wrong_are_right_here() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.get("inf2.xlarge").unwrap().vcpus, 4);
        assert_eq!(catalog.get("inf2.8xlarge").unwrap().memory_mib, 128 * 1024);
        assert_eq!(catalog.get("trn2.48xlarge").unwrap().memory_mib, 2048 * 1024);
    }

    #[test]
    fn types_with_efa_have_one_card_for_each() {
        for kind in Catalog::builtin().iter() {
            assert_eq!(kind.network_cards, kind.efa.max(1), "{}", kind.name);
        }
        let with: Vec<String> =
            Catalog::builtin().iter().filter(|kind| kind.efa > 0).map(|k| format!("{} {}", k.name, k.efa)).collect();
        let expected =
            ["inf1.24xlarge 1", "trn1.32xlarge 8", "trn1n.32xlarge 16", "trn2.3xlarge 1", "trn2.48xlarge 16"];
        assert_eq!(with[..5], expected);
        assert_eq!(with[5..], ["trn2u.48xlarge 16"]);
    }

    #[test]
    fn cores_follow_from_chips() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.get("inf2.48xlarge").unwrap().cores(), 24);
        assert_eq!(catalog.get("trn2.48xlarge").unwrap().cores(), 128);
        assert_eq!(catalog.get("trn2.48xlarge").unwrap().logical_cores(None), 64);
        assert_eq!(catalog.get("trn2.48xlarge").unwrap().logical_cores(Some(1)), 128);
        assert_eq!(catalog.get("trn1.32xlarge").unwrap().logical_cores(Some(2)), 32);
        assert_eq!(catalog.iter().count(), 14);
    }
}
