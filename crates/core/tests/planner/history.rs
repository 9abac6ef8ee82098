//! What can happen to a shared pool, as proptest makes it up; `histories` plays it.

use proptest::prelude::*;
use proptest::sample::select;

/// Which of some things, however many there are: the share of the whole number range below it. It reads back as it prints,
/// so that a history that failed can be kept as a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick(pub(crate) usize);

impl Pick {
    /// # Panics
    ///
    /// If there are none to choose from.
    pub(crate) fn of<T>(self, some: &[T]) -> usize {
        assert!(!some.is_empty(), "one of nothing");
        let share = (some.len() as u128 * self.0 as u128) >> usize::BITS;
        usize::try_from(share).unwrap()
    }
}

fn pick() -> impl Strategy<Value = Pick> {
    any::<usize>().prop_map(Pick)
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Quality {
    Good,
    Mute,
    Broken,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Blind {
    Services,
    Instances,
    Tasks,
    Groups,
    Templates,
    Images,
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    Add { devices: Pick, replicas: u32, percent: (u32, u32) },
    Resize { which: Pick, replicas: u32 },
    Devices { which: Pick, devices: Pick },
    Remove { which: Pick },
    Image { which: Pick, quality: Quality },
    Lose { which: Pick },
    Drain { which: Pick },
    TakeBack { which: Pick },
    Publish { quality: Quality },
    Boot { quality: Quality },
    Short,
    Plenty,
    Blind { of: Blind },
    Pass { count: usize },
}

/// Percentages by which even a single replica can be replaced.
fn percent() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![4 => Just((100, 200)), 3 => Just((50, 200)), 2 => Just((75, 200)), 2 => Just((0, 100))]
}

fn quality() -> impl Strategy<Value = Quality> {
    prop_oneof![4 => Just(Quality::Good), 1 => Just(Quality::Mute), 2 => Just(Quality::Broken)]
}

fn add() -> impl Strategy<Value = Event> {
    (pick(), 1..4_u32, percent()).prop_map(|(devices, replicas, percent)| Event::Add { devices, replicas, percent })
}

fn event() -> impl Strategy<Value = Event> {
    let blind = vec![Blind::Services, Blind::Instances, Blind::Tasks, Blind::Groups, Blind::Templates, Blind::Images];
    prop_oneof![
        3 => add(),
        3 => (pick(), 1..5_u32).prop_map(|(which, replicas)| Event::Resize { which, replicas }),
        2 => (pick(), pick()).prop_map(|(which, devices)| Event::Devices { which, devices }),
        1 => pick().prop_map(|which| Event::Remove { which }),
        2 => (pick(), quality()).prop_map(|(which, quality)| Event::Image { which, quality }),
        2 => pick().prop_map(|which| Event::Lose { which }),
        1 => pick().prop_map(|which| Event::Drain { which }),
        1 => pick().prop_map(|which| Event::TakeBack { which }),
        5 => quality().prop_map(|quality| Event::Publish { quality }),
        1 => quality().prop_map(|quality| Event::Boot { quality }),
        1 => Just(Event::Short),
        1 => Just(Event::Plenty),
        2 => select(blind).prop_map(|of| Event::Blind { of }),
        6 => (1..9_usize).prop_map(|count| Event::Pass { count }),
    ]
}

/// A pool, and what happens to it.
pub(crate) type History = (&'static [&'static str], u32, Vec<Event>);

pub(crate) fn history() -> impl Strategy<Value = History> {
    let types: [&'static [&'static str]; 4] =
        [&["inf2.24xlarge"], &["inf2.48xlarge"], &["trn1.32xlarge"], &["inf2.24xlarge", "inf2.48xlarge"]];
    let types = prop_oneof![5 => Just(types[0]), 1 => Just(types[1]), 1 => Just(types[2]), 2 => Just(types[3])];
    let first = prop::collection::vec(add(), 1..4);
    let rest = prop::collection::vec(event(), 3..9);
    (types, 1..3_u32, first, rest).prop_map(|(types, unavailable, first, rest)| {
        let settle = Event::Pass { count: 6 };
        (types, unavailable, first.into_iter().chain([settle]).chain(rest).collect())
    })
}
