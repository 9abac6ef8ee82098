//! What can happen to a shared pool, as proptest makes it up; `histories` plays it.

use proptest::prelude::*;
use proptest::sample::{Index, select};

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
    Add { devices: Index, replicas: u32, percent: (u32, u32) },
    Resize { which: Index, replicas: u32 },
    Devices { which: Index, devices: Index },
    Remove { which: Index },
    Image { which: Index, quality: Quality },
    Lose { which: Index },
    Drain { which: Index },
    TakeBack { which: Index },
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
    (any::<Index>(), 1..4_u32, percent()).prop_map(|(devices, replicas, percent)| Event::Add {
        devices,
        replicas,
        percent,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let blind = vec![Blind::Services, Blind::Instances, Blind::Tasks, Blind::Groups, Blind::Templates, Blind::Images];
    prop_oneof![
        3 => add(),
        3 => (any::<Index>(), 1..5_u32).prop_map(|(which, replicas)| Event::Resize { which, replicas }),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(which, devices)| Event::Devices { which, devices }),
        1 => any::<Index>().prop_map(|which| Event::Remove { which }),
        2 => (any::<Index>(), quality()).prop_map(|(which, quality)| Event::Image { which, quality }),
        2 => any::<Index>().prop_map(|which| Event::Lose { which }),
        1 => any::<Index>().prop_map(|which| Event::Drain { which }),
        1 => any::<Index>().prop_map(|which| Event::TakeBack { which }),
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
