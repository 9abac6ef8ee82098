//! A short run of what `cargo xtask crash-sweep` and `cargo xtask soak` do for hours: histories from seeds, and calls that go wrong.

use axon_tests::trust::edit::Edit;
use axon_tests::trust::fault::Fate;
use axon_tests::trust::fleet::Fleet;
use axon_tests::trust::history::{About, Event, History, Tamper};
use axon_tests::trust::play::{Played, play};
use axon_tests::trust::scenarios::scenarios;
use axon_tests::trust::sweep::{Extent, sweep};

/// Histories that found something once, cut down.
fn kept() -> Vec<History> {
    let packed = vec![Event::Pass(600), Event::Edit(Edit::Devices(1, 5)), Event::Pass(300)];
    let empty = [Event::Pass(114), Event::Ami(677), Event::Kill, Event::Pass(75), Event::Ami(579), Event::Lag(300)];
    let histories = [
        // A clock that went back stopped everything for as long.
        (1, Fleet::managed(), vec![Event::Pass(120), Event::Jump(86_400), Event::Pass(60), Event::Jump(-86_400)]),
        // The provider of a group that was deleted and made again could not be replaced.
        (1, Fleet::rolling(), vec![Event::Pass(600), Event::Tamper(Tamper::DeletesGroup, 0), Event::Pass(60)]),
        // A replica was stopped for one that had only just started.
        (1, Fleet::packed(), packed),
        // An instance that had been read as empty was drained, and terminated with the task that it had got since.
        (101, Fleet::mixed(), [&empty[..], &[Event::Pass(839)]].concat()),
    ];
    histories.map(|(seed, fleet, events)| History { seed, fleet, events }).to_vec()
}

#[test]
fn histories_end_like_a_fresh_installation_of_the_last_specification() {
    let drawn = (100..102).map(|seed| History::drawn(About::Services, seed, 12));
    for history in kept().into_iter().chain(drawn) {
        ends_well(&history);
    }
}

#[test]
fn a_history_of_jobs_of_several_nodes_ends_with_their_work_done() {
    let played = ends_well(&History::drawn(About::Gangs, 2, 6));
    assert!(played.jobs.1 > 3, "{:?}", played.jobs);
}

#[test]
fn a_history_of_batches_ends_with_each_of_eighty_tasks_done() {
    let played = ends_well(&History::drawn(About::Batches, 3, 2));
    assert!(played.jobs.1 >= 80, "{:?}", played.jobs);
}

/// Plays a history to its end, in which nothing is wrong.
fn ends_well(history: &History) -> Played {
    let played = play(history);
    assert_eq!(played.findings, Vec::<String>::new(), "{history:?}");
    assert_eq!(played.events, history.events.len());
    played
}

#[test]
fn the_same_seed_gives_the_same_calls_at_the_same_instants() {
    let history = History::drawn(About::Services, 200, 8);
    let [first, second] = [play(&history), play(&history)];
    assert_eq!((first.trace, first.calls), (second.trace, second.calls));
    assert!(first.calls > 10, "{first:?}");
    let other = play(&History { seed: 201, ..history });
    assert_ne!(first.trace, other.trace, "another seed, another account");
}

#[test]
fn whatever_goes_wrong_with_one_call_the_end_is_the_same() {
    let first = scenarios().into_iter().find(|scenario| scenario.name == "managed: first installation").unwrap();
    let swept = sweep(&first, Extent { every_read: 200, pairs: 1, only_call: None });
    assert_eq!(swept.findings, Vec::<String>::new());
    assert!(swept.runs > 20, "{swept:?}");
    assert!(swept.ways.contains_key(Fate::DiesAfter.name()), "{swept:?}");
}

#[test]
fn there_are_more_than_a_hundred_scenarios_and_no_two_are_alike() {
    let all = scenarios();
    let names: std::collections::BTreeSet<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    assert!(names.len() > 100, "{}", names.len());
    assert_eq!(names.len(), all.len());
}
