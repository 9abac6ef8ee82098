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
