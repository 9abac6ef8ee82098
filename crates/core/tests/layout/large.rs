//! Pools of the size at which a layout must not show in the time of a reconciliation: ten thousand replicas.

use std::collections::BTreeMap;

use axon_core::layout::{Demand, Layout, Room, Sharing, Spread};

use crate::pool::{Pool, as_laid_out, kind, name};

fn demand(at: usize, replicas: u32, devices: u8) -> Demand {
    let (spread, sharing) = (Spread::Pack, Sharing::Shared);
    Demand { workload: name(at), replicas, devices, cpu: 100, memory: 100, spread, sharing, priority: 0 }
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
