//! How long a large fleet takes from nothing to ready in simulated time, against the least that AWS's limits on calls
//! allow, and what a pass costs afterwards in which nothing has changed.
//!
//! `cargo bench --profile dev -p axon-tests --bench convergence -- 1000 80` for 1,000 services at a share of 80 %. The
//! numbers of docs/performance.md come from here. No assertions: the scenarios have those, for a hundred services.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints what it has measured")]

use std::collections::BTreeMap;
use std::time::Duration;

use axon_core::parse::SourceFile;
use axon_core::quota::Share;
use axon_runtime::clock::Clock as _;
use axon_sim::{Call, Options};
use axon_tests::World;
use axon_tests::bounds::least_time;
use axon_tests::fleets::many;
use axon_tests::wire::is_write;

fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let services = usize::try_from(numbers.first().copied().unwrap_or(1_000)).unwrap();
    let share = numbers.get(1).map_or(Share::default(), |percent| Share::try_from(*percent).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let alone = install(share, 1).await;
        let fleet = install(share, services).await;
        println!("{services} services at a share of {share} of AWS's limits, simulated time");
        println!("  limits allow     {:>8.1} s", fleet.least.as_secs_f64());
        println!("  one service      {:>8.1} s  (instances boot, tasks start)", alone.taken.as_secs_f64());
        println!("  all services     {:>8.1} s", fleet.taken.as_secs_f64());
        let pacing = fleet.taken.saturating_sub(alone.taken).as_secs_f64();
        println!("  less one service {pacing:>8.1} s  ({:+.1} %)", (pacing / fleet.least.as_secs_f64() - 1.0) * 100.0);
        println!(
            "  writes {}, refused {}; reads {}, refused {}",
            fleet.writes.0, fleet.writes.1, fleet.reads.0, fleet.reads.1
        );
        println!("a pass in which nothing has changed: {} calls", fleet.quiet.values().sum::<usize>());
        for (operation, count) in &fleet.quiet {
            println!("  {operation:<28} {count:>5}");
        }
    });
}

/// All calls and those that were refused.
type Counted = (usize, usize);

struct Installed {
    taken: Duration,
    least: Duration,
    writes: Counted,
    reads: Counted,
    /// Calls of one sweep after everything has become quiet.
    quiet: BTreeMap<String, usize>,
}

async fn install(share: Share, services: usize) -> Installed {
    let options = Options { log_limit: 10_000_000, ..Options::default() };
    let mut world = World::with(options, "");
    // Each object in a file of its own, as no file may be so large.
    let file = |(number, text): (usize, &str)| SourceFile { path: format!("{number}.yaml"), text: text.to_owned() };
    world.specify_files(many(services).split("---").enumerate().map(file).collect());
    world.settings.share = share;
    let start = world.clock.now();
    let mut operator = world.start().await;
    operator.ready().await;
    let taken = world.clock.now().duration_since(start).try_into().unwrap();
    let calls = world.calls();
    let writes: Vec<Call> = calls.iter().filter(|call| is_write(&call.operation)).cloned().collect();
    let reads: Vec<Call> = calls.into_iter().filter(|call| !is_write(&call.operation)).collect();
    world.pass(Duration::from_mins(10)).await;
    let before = operator.view().last_sweep;
    operator.shows("the next sweep", |view| view.last_sweep > before).await;
    world.calls();
    let since = operator.view().last_sweep;
    operator.shows("another sweep", |view| view.last_sweep > since).await;
    let mut quiet = BTreeMap::new();
    for call in world.calls() {
        *quiet.entry(call.operation).or_default() += 1;
    }
    operator.stop().await;
    Installed { taken, least: least_time(&writes, share), writes: counted(&writes), reads: counted(&reads), quiet }
}

fn counted(calls: &[Call]) -> Counted {
    (calls.len(), calls.iter().filter(|call| call.error.is_some()).count())
}
