//! Pools of the size at which a layout must not show in the time of a reconciliation: ten thousand replicas, be they of a
//! few services or each of its own. Whoever makes layouts slower than linear notices that these tests take minutes.

use std::collections::{BTreeMap, BTreeSet};

use axon_core::layout::{Demand, Layout, Moves, Room, Sharing, Spread};

use crate::pool::{Pool, as_laid_out, kind, name};

fn demand(at: usize, replicas: u32, devices: u8) -> Demand {
    let (spread, sharing) = (Spread::Pack, Sharing::Shared);
    Demand {
        workload: name(at),
        replicas,
        devices,
        cpu: 100,
        memory: 100,
        spread,
        sharing,
        priority: 0,
        moves: Moves::Freely,
    }
}

fn pool(demands: impl IntoIterator<Item = Demand>) -> Pool {
    let room = Room { max_instances: None, zones: ["a", "b", "c"].map(str::to_owned).into() };
    let mut pool = Pool::new(kind("trn1.32xlarge"), room);
    pool.demands = demands.into_iter().map(|it| (it.workload.clone(), it)).collect();
    pool
}

/// 200 services with 50 replicas each: 150 of one device, 40 of four, 10 of eight; 19,500 devices.
fn ten_thousand() -> Vec<Demand> {
    let devices = |at| {
        if at < 150 {
            1
        } else if at < 190 {
            4
        } else {
            8
        }
    };
    (0..200).map(|at| demand(at, 50, devices(at))).collect()
}

fn moved(pool: &Pool, layout: &Layout) -> u32 {
    layout.changes(&pool.live, |_| true).moved
}

#[test]
fn ten_thousand_replicas_fill_the_fewest_instances_and_stay() {
    let pool = pool(ten_thousand());
    let layout = pool.lay_out();
    assert_eq!(layout.instances(), 19_500_u32.div_ceil(16));
    let settled = as_laid_out(&pool, &layout);
    assert_eq!(settled.lay_out().counts(), layout.counts());
}

#[test]
fn a_thousand_instances_that_lose_half_their_tasks_are_consolidated() {
    let full = pool(ten_thousand());
    let mut half = as_laid_out(&full, &full.lay_out());
    half.demands.values_mut().for_each(|it| it.replicas = 25);
    // One of two tasks everywhere, as if ECS had chosen badly.
    let mut seen: BTreeMap<_, u32> = BTreeMap::new();
    for hold in half.live.instances.iter_mut().map(|it| &mut it.holds) {
        hold.retain(|hold| {
            let count = seen.entry(hold.workload.clone()).or_default();
            *count += 1;
            *count % 2 == 0
        });
    }
    half.live.wanted.clear();
    let layout = half.lay_out();
    assert!(layout.instances() <= layout.fresh + 1, "{} of {}", layout.instances(), layout.fresh);
    assert_eq!(layout.fresh, 9_750_u32.div_ceil(16));
    assert!(moved(&half, &layout) < 5_000, "not everything moves: {}", moved(&half, &layout));
}

/// 10,000 services with a replica each, no two of which need the same; 15,000 devices.
fn all_different() -> Vec<Demand> {
    let different = |at: usize| {
        let few = u32::try_from(at).unwrap();
        let devices = if at.is_multiple_of(6) { 4 } else { 1 };
        Demand { cpu: 300 + few % 1_009, memory: 1_000 + few * 7 % 4_001, ..demand(at, 1, devices) }
    };
    (0..10_000).map(different).collect()
}

/// The fewest instances that devices, CPU and memory together can do with.
fn at_least(demands: &[Demand]) -> u32 {
    let sum = |part: fn(&Demand) -> u32| demands.iter().map(|it| part(it) * it.replicas).sum::<u32>();
    let devices = sum(|it| it.devices.into()).div_ceil(16);
    devices.max(sum(|it| it.cpu).div_ceil(crate::pool::CPU)).max(sum(|it| it.memory).div_ceil(crate::pool::MEMORY))
}

#[test]
fn ten_thousand_services_that_all_need_something_else_are_packed_and_stay() {
    let demands = all_different();
    let few = at_least(&demands);
    let pool = pool(demands);
    let layout = pool.lay_out();
    assert!(layout.instances() <= few + few / 50, "{} where {few} might do", layout.instances());
    let settled = as_laid_out(&pool, &layout);
    assert_eq!(settled.lay_out().counts(), layout.counts());
}

#[test]
fn half_of_ten_thousand_services_leave_and_the_others_are_consolidated() {
    let full = pool(all_different());
    let mut half = as_laid_out(&full, &full.lay_out());
    half.demands = half.demands.into_iter().step_by(2).collect();
    half.live.instances.iter_mut().for_each(|it| it.holds.retain(|hold| half.demands.contains_key(&hold.workload)));
    let layout = half.lay_out();
    let few = at_least(&half.demanded());
    assert!(layout.fresh <= few + few / 50, "{} where {few} might do", layout.fresh);
    assert!(layout.instances() <= layout.fresh + 1, "{} of {}", layout.instances(), layout.fresh);
    assert!(moved(&half, &layout) < 5_000, "not everything moves: {}", moved(&half, &layout));
}

#[test]
fn three_thousand_services_are_spread_over_three_zones() {
    let three = (0..3_000).map(|at| Demand { spread: Spread::Zones, ..demand(at, 3, [1, 4, 1][at % 3]) });
    let pool = pool(three);
    let layout = pool.lay_out();
    let mut zones: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in &layout.rows {
        for slot in &row.slots {
            zones.entry(&slot.workload).or_default().insert(&row.zone);
        }
    }
    assert!(zones.values().all(|zones| zones.len() == 3));
    assert!(layout.instances() <= 1_125 + 11, "{}", layout.instances());
    let settled = as_laid_out(&pool, &layout);
    assert_eq!(settled.lay_out().counts(), layout.counts());
}
