//! Histories that once went wrong, each made as short as it could be. `histories` plays them and prints the next ones.

use super::histories::play;
use super::history::{Event, Pick, Quality};

/// Two bad images, the second while ECS goes back from the first: there is no deployment left to go back to, and the last
/// one stays as it failed. An old service that waited for its replacement, which waited for the old one to finish, never ended.
#[test]
fn a_service_that_failed_on_whole_instances_moves_to_shared_ones() {
    let percents = [(50, 200), (0, 100), (100, 200), (75, 200)];
    for (percent, passes) in percents.into_iter().flat_map(|percent| (2..8).map(move |passes| (percent, passes))) {
        let bad = Event::Image { which: Pick(0), quality: Quality::Broken };
        let events = vec![
            Event::Add { devices: Pick(usize::MAX), replicas: 3, percent },
            Event::Pass { count: 6 },
            bad.clone(),
            Event::Pass { count: passes },
            bad,
            Event::Pass { count: 6 },
            Event::Devices { which: Pick(0), devices: Pick(0) },
        ];
        play(&(&["inf2.24xlarge"], 1, events)).unwrap();
    }
}

/// More replicas mean that more may be down, but not while ECS stops some by the budget of before.
#[test]
fn a_budget_that_grows_during_a_rollback_leaves_enough_replicas() {
    let events = vec![
        Event::Add { devices: Pick(usize::MAX / 2 + 1), replicas: 3, percent: (50, 200) },
        Event::Pass { count: 6 },
        Event::Image { which: Pick(0), quality: Quality::Broken },
        Event::Pass { count: 4 },
        Event::Resize { which: Pick(0), replicas: 4 },
    ];
    play(&(&["inf2.24xlarge"], 1, events)).unwrap();
}

/// A replica moves to other devices of an ECS service that stays. All was said to be done while the old one waited for the new
/// one to be healthy.
#[test]
fn a_service_that_keeps_a_replica_until_it_is_healthy_elsewhere_waits_for_that() {
    let add = |devices, replicas, percent| Event::Add { devices: Pick(devices), replicas, percent };
    let events = vec![
        add(9_223_372_036_854_775_808, 3, (75, 200)),
        add(4_611_686_018_427_732_386, 2, (50, 200)),
        add(12_297_605_778_756_383_802, 3, (50, 200)),
        Event::Pass { count: 6 },
        Event::Plenty,
        Event::Lose { which: Pick(14_739_426_793_158_076_899) },
        Event::Publish { quality: Quality::Good },
        Event::Boot { quality: Quality::Good },
        Event::Pass { count: 6 },
    ];
    play(&(&["inf2.24xlarge"], 2, events)).unwrap();
}

/// An instance is drained that holds a replica of a failed deployment, which ECS does not replace. The deployment that would
/// do so waited for a turn that the draining had taken.
#[test]
fn a_failed_replica_on_a_drained_instance_is_deployed_in_the_turn_of_the_instance() {
    let events = vec![
        Event::Add { devices: Pick(9_223_372_036_854_775_808), replicas: 1, percent: (50, 200) },
        Event::Pass { count: 6 },
        Event::Resize { which: Pick(756_616), replicas: 1 },
        Event::Publish { quality: Quality::Broken },
        Event::Resize { which: Pick(15_772_064_632_367_439_152), replicas: 4 },
        Event::Publish { quality: Quality::Good },
        Event::Pass { count: 7 },
        Event::Resize { which: Pick(8_170_949_631_751_986_213), replicas: 3 },
        Event::Blind { of: super::history::Blind::Groups },
    ];
    play(&(&["inf2.24xlarge"], 2, events)).unwrap();
}
