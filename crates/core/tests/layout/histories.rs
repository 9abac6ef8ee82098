//! What holds for every layout of every history.
//!
//! 10,000 histories by default; `AXON_LAYOUT_HISTORIES`, set when the test is compiled, asks for another number.

use std::cell::RefCell;

use axon_core::layout::{Hold, InstanceState, Layout, Room};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::pool::{Draw, Event, KINDS, Pool, as_laid_out, demand_event, event, faults, kind};

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
    let settle = prop::collection::vec(any::<Draw>(), 8).prop_map(Event::Settle);
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
    let run = |(pool, events): (Pool, Vec<Event>)| plays(pool, &events, &mut seen.borrow_mut());
    TestRunner::new(config).run(&history(), run).unwrap();
    let seen = seen.into_inner();
    let enough = cases / 20;
    assert!(
        [seen.settled, seen.loose, seen.moved, seen.unplaced, seen.one_replica].iter().all(|seen| *seen >= enough),
        "{seen:?}"
    );
}

/// Plays a history and looks at the layout after each event.
fn plays(mut pool: Pool, events: &[Event], seen: &mut Seen) -> Result<(), TestCaseError> {
    for event in events {
        let before = pool.clone();
        pool.play(event);
        let layout = pool.lay_out();
        valid(&pool, &layout)?;
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

const LOW: Draw = Draw(0);
const QUARTER: Draw = Draw(1 << 62);
const HALF: Draw = Draw(1 << 63);

/// A demand whose size is drawn; few CPU units and MiB.
fn asks(at: usize, replicas: u32, devices: u64) -> Event {
    Event::Demand { at, replicas, devices: Draw(devices), need: (100, 100), spread: false }
}

fn spread(at: usize, replicas: u32, devices: u64) -> Event {
    Event::Demand { at, replicas, devices: Draw(devices), need: (100, 100), spread: true }
}

fn in_three_zones(name: &str) -> Pool {
    Pool::new(kind(name), Room { max_instances: None, zones: ["a", "b", "c"].map(str::to_owned).into() })
}

/// How few instances would do was found by packing onto the instances that happened to be there, in their zones. Once the
/// layout was as wanted there were others, fewer seemed to do, and what had just been placed moved.
#[test]
fn zones_of_empty_instances_do_not_say_how_few_would_do() {
    let settle = || Event::Settle(vec![LOW; 8]);
    let fat = Event::Demand { at: 0, replicas: 6, devices: LOW, need: (1_000, 32_001), spread: false };
    let twelve_chips = [
        fat,
        asks(5, 2, 16_909_515_400_900_422_315),
        settle(),
        Event::Drain(QUARTER),
        asks(2, 3, 13_835_058_055_282_163_712),
        spread(3, 5, 1_537_228_672_809_129_302),
        Event::Replicas { at: QUARTER, by: 1 },
        settle(),
        spread(0, 1, 1_537_228_672_809_129_302),
    ];
    plays(in_three_zones("inf2.48xlarge"), &twelve_chips, &mut Seen::default()).unwrap();

    let six_chips = [
        asks(4, 4, 0),
        spread(3, 2, 6_148_914_691_236_517_206),
        asks(5, 4, 12_297_829_382_473_034_411),
        asks(1, 4, 1 << 63),
        settle(),
        spread(0, 3, 3_074_457_345_618_258_603),
        asks(3, 4, 12_297_829_382_473_034_411),
    ];
    plays(in_three_zones("inf2.24xlarge"), &six_chips, &mut Seen::default()).unwrap();

    let four_chips = [
        asks(0, 0, 0),
        asks(1, 2, 0),
        spread(2, 5, 0),
        settle(),
        Event::Resize { at: Draw(6_148_914_691_236_517_206), devices: HALF },
        asks(4, 1, 1 << 62),
        asks(0, 6, 1 << 63),
        Event::Settle([LOW; 7].into_iter().chain([HALF]).collect()),
        Event::Replicas { at: LOW, by: 2 },
        asks(3, 2, 13_835_058_055_282_163_712),
        spread(4, 5, 0),
    ];
    plays(in_three_zones("inf1.6xlarge"), &four_chips, &mut Seen::default()).unwrap();
}
