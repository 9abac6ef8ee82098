//! How near the fewest possible instances layouts are, measured by an exact solver that knows nothing of this crate's
//! code: an integer program with a variable for every way to fill one instance, found by trying all device sets.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use axon_core::layout::{Demand, Hold, Room, Spread};
use axon_core::neuron::{DeviceSet, InstanceType};
use good_lp::{Expression, Solution, SolverModel, Variable, constraint, microlp, variable, variables};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::pool::{CPU, Draw, Event, MEMORY, Pool, event, kind};

/// Rings and tori, small enough to be solved.
const KINDS: [&str; 5] = ["inf2.24xlarge", "inf1.6xlarge", "inf2.48xlarge", "trn1.32xlarge", "trn2.48xlarge"];

/// How many tasks of each demand are on one instance.
type Filling = Vec<u32>;

/// True if these tasks fit on one instance; device sets are found by trying all.
fn fits(kind: &InstanceType, demands: &[Demand], filling: &Filling) -> bool {
    let sum = |part: fn(&Demand) -> u32| demands.iter().zip(filling).map(|(it, count)| part(it) * count).sum::<u32>();
    let tasks = demands.iter().zip(filling).flat_map(|(it, count)| (0..*count).map(|_| it.devices));
    sum(|it| it.cpu) <= CPU && sum(|it| it.memory) <= MEMORY && tiles(kind, &tasks.collect::<Vec<_>>(), &[])
}

fn tiles(kind: &InstanceType, counts: &[u8], taken: &[DeviceSet]) -> bool {
    let Some((count, rest)) = counts.split_first() else { return true };
    let free = kind.device_sets(*count).into_iter().filter(|set| !taken.iter().any(|other| other.overlaps(*set)));
    free.into_iter().any(|set| tiles(kind, rest, &[taken, &[set]].concat()))
}

/// Every way to fill an instance, in which nothing more of the demands fits.
fn fillings(kind: &InstanceType, demands: &[Demand]) -> Vec<Filling> {
    let mut found = BTreeSet::new();
    let mut open = vec![vec![0; demands.len()]];
    let mut seen = BTreeSet::new();
    while let Some(filling) = open.pop() {
        let more = (0..demands.len()).filter(|at| filling[*at] < demands[*at].replicas).map(|at| {
            let mut more = filling.clone();
            more[at] += 1;
            more
        });
        let more: Vec<_> = more.filter(|more| fits(kind, demands, more)).collect();
        if more.is_empty() {
            found.insert(filling);
        }
        open.extend(more.into_iter().filter(|more| seen.insert(more.clone())));
    }
    found.into_iter().collect()
}

/// The fewest instances that hold the demands; those that are to be spread evenly over so many zones.
fn optimum(kind: &InstanceType, demands: &[Demand], zones: u32) -> u32 {
    let mut all = variables!();
    let fillings = fillings(kind, demands);
    let most = demands.iter().map(|it| it.replicas).sum::<u32>();
    // How many instances of each zone are filled in each way.
    let used: Vec<Vec<Variable>> = (0..zones)
        .map(|_| fillings.iter().map(|_| all.add(variable().integer().min(0).max(f64::from(most)))).collect())
        .collect();
    let total: Expression = used.iter().flatten().sum();
    let mut model = all.minimise(total.clone()).using(microlp);
    for (at, it) in demands.iter().enumerate() {
        let room = |used: &Vec<Variable>| -> Expression {
            used.iter().zip(&fillings).map(|(used, filling)| f64::from(filling[at]) * *used).sum()
        };
        let rooms: Expression = used.iter().map(room).sum();
        model = model.with(constraint!(rooms >= f64::from(it.replicas)));
        if it.spread == Spread::Zones {
            // Room for the even share of each zone. Which zones have one replica more is for the sum to say, where
            // room may stand empty, so this asks for no more than a layout gives.
            let least = f64::from(it.replicas / zones);
            for zone in &used {
                model = model.with(constraint!(room(zone) >= least));
            }
        }
    }
    let found = model.solve().unwrap().eval(total).round();
    (0..=most).find(|count| (f64::from(*count) - found).abs() < 0.5).unwrap()
}

/// Demands of few tasks, for which the optimum can be found.
fn small(spread: f64) -> impl Strategy<Value = Vec<Event>> {
    let need = prop_oneof![1 => (100_u32..500, 100_u32..2_000), 1 => (1_000_u32..9_000, 1_000_u32..40_000)];
    let demand = (0..4_usize, 1..4_u32, any::<Draw>(), need, prop::bool::weighted(spread));
    let demand =
        demand.prop_map(|(at, replicas, devices, need, spread)| Event::Demand { at, replicas, devices, need, spread });
    prop::collection::vec(demand, 2..6)
}

/// Of 1,000 pools with a history, about 94 % of the layouts are on the fewest instances possible and the others on one
/// more; a fresh packing misses the optimum by one in 0.2 %. The test prints the numbers (`--nocapture`).
#[test]
fn layouts_are_within_one_instance_of_the_optimum() {
    let settle = || prop::collection::vec(any::<Draw>(), 8).prop_map(Event::Settle);
    let rest = prop::collection::vec(prop_oneof![event(), settle()], 0..8);
    let cases = (select(&KINDS[..]), small(0.0), settle(), rest, settle());
    // How often a fresh packing, and how often a layout, takes so many instances more than the optimum.
    let gaps = RefCell::new([BTreeMap::<u32, u32>::new(), BTreeMap::new()]);
    let run = |(name, first, settle, rest, end): (&str, Vec<Event>, Event, Vec<Event>, Event)| {
        let mut pool = Pool::new(kind(name), Room::default());
        let rest = rest.into_iter().filter(|event| !matches!(event, Event::Demand { .. }));
        first.into_iter().chain([settle]).chain(rest).for_each(|event| pool.play(&event));
        let strangers = |hold: &Hold| !pool.demands.contains_key(&hold.workload);
        if pool.live.instances.iter().any(|it| it.holds.iter().any(strangers)) {
            pool.play(&end);
        }
        let layout = pool.lay_out();
        let best = optimum(&pool.kind, &pool.demanded(), 1);
        let mut gaps = gaps.borrow_mut();
        *gaps[0].entry(layout.fresh - best).or_default() += 1;
        *gaps[1].entry(layout.instances() - best).or_default() += 1;
        prop_assert!(layout.instances() <= best + 1, "{} instead of {best}: {layout:?}", layout.instances());
        Ok(())
    };
    TestRunner::new(config()).run(&cases, run).unwrap();
    let [fresh, laid_out] = gaps.into_inner();
    println!("instances above the optimum, and how often: fresh {fresh:?}, laid out {laid_out:?}");
    assert!(fresh.get(&1).is_none_or(|missed| *missed <= 20), "a fresh packing has become worse: {fresh:?}");
}

fn config() -> Config {
    Config { cases: 1_000, failure_persistence: None, rng_seed: crate::histories::seed(), ..Config::default() }
}

/// Pools without a history, where two of three services are spread over three zones, evenly, beside others that are
/// packed; as many instances as an even spread takes, or one more.
#[test]
fn spread_layouts_are_even_and_within_one_instance_of_the_optimum() {
    let zones = ["a", "b", "c"];
    let gaps = RefCell::new(BTreeMap::<u32, u32>::new());
    let run = |(name, demands): (&str, Vec<Event>)| {
        let room = Room { max_instances: None, zones: zones.map(str::to_owned).into() };
        let mut pool = Pool::new(kind(name), room);
        for event in &demands {
            pool.play(event);
        }
        let layout = pool.lay_out();
        for it in pool.demanded().iter().filter(|it| it.spread == Spread::Zones) {
            let held = zones.map(|zone| {
                let rows = layout.rows.iter().filter(|row| row.zone.as_deref() == Some(zone));
                rows.flat_map(|row| &row.slots).filter(|slot| slot.workload == it.workload).count()
            });
            let (most, least) = (held.iter().max().unwrap(), held.iter().min().unwrap());
            prop_assert!(most - least <= 1, "{} has {held:?}: {layout:?}", it.workload);
        }
        let best = optimum(&pool.kind, &pool.demanded(), 3);
        *gaps.borrow_mut().entry(layout.instances() - best).or_default() += 1;
        prop_assert!(layout.instances() <= best + 1, "{} instead of {best}: {layout:?}", layout.instances());
        Ok(())
    };
    TestRunner::new(config()).run(&(select(&KINDS[..]), small(0.67)), run).unwrap();
    println!("instances above an even optimum, and how often: {:?}", gaps.into_inner());
}
