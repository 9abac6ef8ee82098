//! What holds for every layout of every history.
//!
//! 10,000 histories by default; `AXON_LAYOUT_HISTORIES`, set when the test is compiled, asks for another number.

use std::cell::RefCell;

use axon_core::layout::{Hold, InstanceState, Layout, Room};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::pool::{Event, KINDS, Pool, as_laid_out, demand_event, event, faults, kind};

fn config() -> Config {
    let histories = option_env!("AXON_LAYOUT_HISTORIES").and_then(|text| text.parse().ok());
    Config { cases: histories.unwrap_or(10_000), failure_persistence: None, rng_seed: seed(), ..Config::default() }
}

/// The same histories in every run, so that a failure is a change and not luck; `PROPTEST_RNG_SEED` explores others.
pub(crate) fn seed() -> RngSeed {
    match Config::default().rng_seed {
        RngSeed::Random => RngSeed::Fixed(2026),
        given @ RngSeed::Fixed(_) => given,
    }
}

/// A pool, the demands at its beginning, and what happens then.
fn history() -> impl Strategy<Value = (Pool, Vec<Event>)> {
    let zones = prop_oneof![Just(Vec::new()), Just(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()])];
    let room = (prop_oneof![3 => Just(None), 1 => (1..8_u32).prop_map(Some)], zones);
    let room = room.prop_map(|(max_instances, zones)| Room { max_instances, zones });
    let first = prop::collection::vec(demand_event(), 1..5);
    let settle = prop::collection::vec(any::<Index>(), 8).prop_map(Event::Settle);
    let rest = prop::collection::vec(event(), 1..12);
    (select(&KINDS[..]), room, first, settle, rest).prop_map(|(name, room, first, settle, rest)| {
        (Pool::new(kind(name), room), first.into_iter().chain([settle]).chain(rest).collect())
    })
}

/// How many instances a layout is allowed before it has to move tasks.
fn slack(pool: &Pool, layout: &Layout) -> usize {
    let max = pool.room.max_instances.map_or(usize::MAX, |max| usize::try_from(max).unwrap());
    let is_stranger = |hold: &Hold| !pool.demands.contains_key(&hold.workload);
    let usable = pool.live.instances.iter().filter(|it| it.state == InstanceState::Usable);
    let with_strangers = usable.filter(|it| it.holds.iter().any(is_stranger)).count();
    (usize::try_from(layout.fresh).unwrap() + 1).min(max.max(with_strangers))
}

/// Instances that hold something, be it a stranger's.
fn in_use(pool: &Pool, layout: &Layout) -> usize {
    let after = as_laid_out(pool, layout);
    after.live.instances.iter().filter(|it| !it.holds.is_empty()).count()
}

fn moved(pool: &Pool, layout: &Layout) -> u32 {
    layout.changes(&pool.live, |name| pool.demands.contains_key(name)).moved
}

/// What was seen, so that a generator that has become too tame is noticed.
#[derive(Debug, Default)]
struct Seen {
    settled: u32,
    /// Settled on more instances than a fresh packing needs.
    loose: u32,
    /// Tasks had to move.
    moved: u32,
    unplaced: u32,
    one_replica: u32,
}

#[test]
fn layouts_are_valid_final_and_calm_throughout_a_history() {
    let seen = RefCell::new(Seen::default());
    let config = config();
    let cases = config.cases;
    let run = |(mut pool, events): (Pool, Vec<Event>)| {
        for event in &events {
            let before = pool.clone();
            pool.play(event);
            let layout = pool.lay_out();
            valid(&pool, &layout)?;
            let mut seen = seen.borrow_mut();
            seen.unplaced += u32::from(!layout.unplaced.is_empty());
            seen.moved += u32::from(moved(&pool, &layout) > 0);
            if pool.is_settled() {
                seen.settled += 1;
                seen.loose += u32::from(layout.fresh < layout.instances());
                stays(&pool, &layout)?;
            }
            if before.is_settled() && matches!(event, Event::Replicas { by: 1 | -1, .. }) {
                seen.one_replica += 1;
                bounded(&before, &pool, &layout)?;
            }
        }
        Ok(())
    };
    TestRunner::new(config).run(&history(), run).unwrap();
    let seen = seen.into_inner();
    let enough = cases / 20;
    assert!(
        [seen.settled, seen.loose, seen.moved, seen.unplaced, seen.one_replica].iter().all(|seen| *seen >= enough),
        "{seen:?}"
    );
}

/// No overlap, valid sets, exact counts, few instances, and nothing to change once it is so.
fn valid(pool: &Pool, layout: &Layout) -> Result<(), TestCaseError> {
    prop_assert_eq!(faults(pool, layout), Vec::<String>::new());
    prop_assert!(in_use(pool, layout) <= slack(pool, layout), "{:?}", layout);
    if pool.room.max_instances.is_none() {
        prop_assert_eq!(&layout.unplaced, &vec![]);
    }
    let next = as_laid_out(pool, layout);
    prop_assert_eq!(next.lay_out().counts(), layout.counts(), "laid out anew, it is the same");
    Ok(())
}

/// What is held exactly and on few instances is the layout.
fn stays(pool: &Pool, layout: &Layout) -> Result<(), TestCaseError> {
    let held = pool.live.instances.iter().filter(|it| !it.holds.is_empty()).count();
    if held <= slack(pool, layout) {
        prop_assert_eq!(pool.held(), layout.counts());
        prop_assert_eq!(moved(pool, layout), 0);
    }
    Ok(())
}

/// A change of one demand by a replica moves nothing, unless what is held, beside the change, takes too many instances.
fn bounded(before: &Pool, after: &Pool, layout: &Layout) -> Result<(), TestCaseError> {
    if moved(after, layout) == 0 {
        return Ok(());
    }
    let held = before.live.instances.iter().filter(|it| !it.holds.is_empty()).count();
    let grown = after.demands.values().zip(before.demands.values()).any(|(new, old)| new.replicas > old.replicas);
    prop_assert!(held + usize::from(grown) > slack(after, layout), "{:?}", layout);
    Ok(())
}
