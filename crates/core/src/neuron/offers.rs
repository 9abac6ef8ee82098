//! What an EC2 instance of a type offers to ECS tasks, and the host ports by which ECS counts Neuron chips.
//!
//! Neighbours: `validate` judges tasks against it, layout and `resolve` reserve the ports. Not here: Managed Instances,
//! whose share for tasks AWS does not publish ([`InstanceType::task_memory_mib`]).
//!
//! The ECS agent registers what the kernel reports, less `ECS_RESERVED_MEMORY`. CPU is exact: 1024 units for each vCPU.
//! Memory is not: firmware, kernel and page tables take a share before the kernel counts, about 2.5 to 3.5 % on large
//! instances and more, in proportion, on small ones (an 8 GiB instance registers some 400 MiB less than its name says).
//! Both ends matter. Whether a task fits is judged by the least an instance may register; whether two tasks can be kept
//! apart by their sizes is judged by the most.

use std::ops::RangeInclusive;

use super::InstanceType;

/// The first of the host ports (TCP) that stand for Neuron chips: chip N of an instance is port 20000 + N. ECS counts
/// ports and not device paths, so a task that reserves the ports of its chips keeps every other such task off them.
pub const FIRST_CHIP_PORT: u16 = 20_000;

/// The host ports that are kept for chips, with room for types of 32 chips.
pub const CHIP_PORTS: RangeInclusive<u16> = FIRST_CHIP_PORT..=FIRST_CHIP_PORT + 31;

/// The host port (TCP) that stands for a chip.
pub fn chip_port(chip: u8) -> u16 {
    FIRST_CHIP_PORT + u16::from(chip)
}

impl InstanceType {
    /// The least CPU units and MiB an instance offers to tasks, if the agent keeps `reserved_mib` from them: 1024 units
    /// for each vCPU, and the memory less 3.5 %, 256 MiB and what is reserved.
    pub fn offers(&self, reserved_mib: u32) -> (u32, u32) {
        let system = self.memory_mib.saturating_mul(35) / 1000 + 256;
        (self.task_cpu(), self.memory_mib.saturating_sub(system).saturating_sub(reserved_mib))
    }

    /// The most CPU units and MiB an instance may offer to tasks, if the agent keeps `reserved_mib` from them.
    pub fn offers_at_most(&self, reserved_mib: u32) -> (u32, u32) {
        (self.task_cpu(), self.memory_mib.saturating_sub(reserved_mib))
    }

    /// How many sets of `count` devices an instance has that share no device.
    pub fn disjoint_sets(&self, count: u8) -> u32 {
        if self.device_counts().contains(&count) { u32::from(self.chips / count) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;
    use super::*;

    #[test]
    fn the_least_leaves_room_for_what_the_kernel_takes() {
        let catalog = Catalog::builtin();
        let offers = |name: &str| catalog.get(name).unwrap().offers(1024);
        assert_eq!(offers("inf1.xlarge"), (4096, 6626));
        assert_eq!(offers("inf2.48xlarge"), (196_608, 757_627));
        assert_eq!(catalog.get("inf2.48xlarge").unwrap().offers_at_most(1024), (196_608, 785_408));
    }

    #[test]
    fn a_reservation_above_the_memory_leaves_nothing() {
        assert_eq!(Catalog::builtin().get("inf1.xlarge").unwrap().offers(9000).1, 0);
    }

    #[test]
    fn every_chip_of_every_type_has_a_port() {
        for kind in Catalog::builtin().iter() {
            assert!(CHIP_PORTS.contains(&chip_port(kind.chips - 1)), "{}", kind.name);
        }
    }

    #[test]
    fn disjoint_sets_are_whole_numbers_of_chips() {
        let catalog = Catalog::builtin();
        let sets = |name: &str, count| catalog.get(name).unwrap().disjoint_sets(count);
        assert_eq!((sets("inf2.48xlarge", 5), sets("trn1.32xlarge", 4), sets("trn1.32xlarge", 2)), (2, 4, 0));
    }
}
