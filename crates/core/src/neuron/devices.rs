//! Which sets of devices on one instance may be given to one container.
//!
//! Neighbours: `validate` checks counts, layout chooses sets. Not here: who has which device right now.
//!
//! Source: the rules of the Neuron scheduler extension (Inf, Trn1) and the Neuron DRA driver (Trn2). ECS does not enforce
//! them; the Neuron runtime fails when they are broken.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{InstanceType, Topology};

/// Devices of one instance in a row, `first..=last`. Every set that a container may have is such a run.
///
/// Written as `0-3`, or `5` for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceSet {
    first: u8,
    last: u8,
}

impl DeviceSet {
    /// The set that sorts before all others: device 0.
    pub(crate) const LOWEST: Self = Self { first: 0, last: 0 };

    /// The devices from `first` on, `count` of them. None if there are none, or if ids would exceed 255.
    pub fn new(first: u8, count: u8) -> Option<Self> {
        let last = first.checked_add(count.checked_sub(1)?)?;
        Some(Self { first, last })
    }

    /// The set of exactly these ids, in any order. None if they are not a run, or if there are none.
    pub fn from_ids(ids: impl IntoIterator<Item = u8>) -> Option<Self> {
        let mut ids: Vec<u8> = ids.into_iter().collect();
        ids.sort_unstable();
        let set = Self { first: *ids.first()?, last: *ids.last()? };
        set.ids().eq(ids).then_some(set)
    }

    /// The lowest id.
    pub const fn first(self) -> u8 {
        self.first
    }

    /// The highest id.
    pub const fn last(self) -> u8 {
        self.last
    }

    /// The ids, rising.
    pub fn ids(self) -> impl Iterator<Item = u8> {
        self.first..=self.last
    }

    /// How many devices.
    #[expect(clippy::len_without_is_empty, reason = "a set is never empty")]
    pub fn len(self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    /// True if a device is in both.
    pub const fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for DeviceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(f);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// The text is no run of device ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no run of device ids such as 5 or 0-3")]
pub struct ParseDeviceSetError(String);

impl FromStr for DeviceSet {
    type Err = ParseDeviceSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (first.parse(), last.parse());
        match (first, last) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(ParseDeviceSetError(text.to_owned())),
        }
    }
}

impl Serialize for DeviceSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl InstanceType {
    /// How many devices one container may have, smallest first.
    pub fn device_counts(&self) -> Vec<u8> {
        match self.topology {
            Topology::Single => vec![1],
            Topology::Ring => (1..=self.chips).collect(),
            Topology::Torus4x4 => [1, 4, 8, 16].into_iter().filter(|count| *count <= self.chips).collect(),
        }
    }

    /// The sets that `count` devices may be, lowest first; none if the count is not allowed. On a ring, runs across the
    /// end (11, 0) are left out: the runtime wants ids in a row.
    pub fn device_sets(&self, count: u8) -> Vec<DeviceSet> {
        if !self.device_counts().contains(&count) {
            return Vec::new();
        }
        let last = self.chips.saturating_sub(count);
        let stride = match self.topology {
            Topology::Single | Topology::Ring => 1,
            Topology::Torus4x4 => usize::from(count),
        };
        (0..=last).step_by(stride).filter_map(|first| DeviceSet::new(first, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;
    use super::DeviceSet;

    fn written(sets: &[DeviceSet]) -> Vec<String> {
        sets.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_torus_gives_out_whole_rows() {
        let catalog = Catalog::builtin();
        let trn1 = catalog.get("trn1.32xlarge").unwrap();
        assert_eq!(written(&trn1.device_sets(4)), ["0-3", "4-7", "8-11", "12-15"]);
        assert!(trn1.device_sets(2).is_empty());
        assert_eq!(trn1.device_sets(1).len(), 16);
    }

    #[test]
    fn a_ring_gives_out_runs_of_neighbours() {
        let catalog = Catalog::builtin();
        let inf2 = catalog.get("inf2.24xlarge").unwrap();
        assert_eq!(written(&inf2.device_sets(5)), ["0-4", "1-5"]);
        assert!(inf2.device_sets(7).is_empty());
    }

    #[test]
    fn only_a_run_of_ids_is_a_set() {
        assert_eq!(DeviceSet::from_ids([3, 1, 2]), DeviceSet::new(1, 3));
        assert_eq!(DeviceSet::from_ids([0, 2, 4]), None);
        assert_eq!(DeviceSet::from_ids([1, 1, 2]), None);
        assert_eq!(DeviceSet::from_ids([]), None);
        assert_eq!(DeviceSet::new(250, 7), None);
        assert_eq!(DeviceSet::new(5, 1).unwrap().to_string(), "5");
        assert_eq!("0-3".parse(), Ok(DeviceSet::new(0, 4).unwrap()));
        assert_eq!("5".parse(), Ok(DeviceSet::new(5, 1).unwrap()));
        assert!("3-0".parse::<DeviceSet>().is_err());
    }

    #[test]
    fn sets_overlap_if_they_share_a_device() {
        let set = |first, count| DeviceSet::new(first, count).unwrap();
        assert!(set(0, 4).overlaps(set(3, 1)));
        assert!(!set(0, 4).overlaps(set(4, 4)));
        assert_eq!(set(4, 4).len(), 4);
    }
}
