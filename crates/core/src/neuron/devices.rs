//! Which sets of devices on one instance may be given to one container.
//!
//! Neighbours: `validate` checks counts, layout chooses sets. Not here: who has which device right now.
//!
//! Source: the rules of the Neuron scheduler extension (Inf, Trn1) and the Neuron DRA driver (Trn2). ECS does not enforce
//! them; the Neuron runtime fails when they are broken.

use super::{InstanceType, Topology};

impl InstanceType {
    /// How many devices one container may have, smallest first.
    pub fn device_counts(&self) -> Vec<u8> {
        match self.topology {
            Topology::Single => vec![1],
            Topology::Ring => (1..=self.chips).collect(),
            Topology::Torus4x4 => [1, 4, 8, 16].into_iter().filter(|count| *count <= self.chips).collect(),
        }
    }

    /// The sets of device ids that `count` devices may be, each in rising order; none if the count is not allowed. On a
    /// ring, runs across the end (11, 0) are left out: the runtime wants ids in a row.
    pub fn device_sets(&self, count: u8) -> Vec<Vec<u8>> {
        if !self.device_counts().contains(&count) {
            return Vec::new();
        }
        let last = self.chips.saturating_sub(count);
        let stride = match self.topology {
            Topology::Single | Topology::Ring => 1,
            Topology::Torus4x4 => usize::from(count),
        };
        (0..=last).step_by(stride).map(|first| (first..first + count).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;

    #[test]
    fn a_torus_gives_out_whole_rows() {
        let catalog = Catalog::builtin();
        let trn1 = catalog.get("trn1.32xlarge").unwrap();
        assert_eq!(trn1.device_sets(4), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]);
        assert!(trn1.device_sets(2).is_empty());
        assert_eq!(trn1.device_sets(1).len(), 16);
    }

    #[test]
    fn a_ring_gives_out_runs_of_neighbours() {
        let catalog = Catalog::builtin();
        let inf2 = catalog.get("inf2.24xlarge").unwrap();
        assert_eq!(inf2.device_sets(5), [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]);
        assert!(inf2.device_sets(7).is_empty());
    }
}
