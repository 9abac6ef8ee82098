//! How long a batch of short tasks takes in simulated time, against the least that its devices and AWS's limits on calls allow,
//! and how many calls each index costs.
//!
//! `cargo bench --profile dev -p axon-tests --bench jobs -- 1000 48 60` for 1,000 indexes, 48 at once, of 60 seconds each. The numbers
//! of docs/performance.md come from here. No assertions: the scenarios have those, for forty indexes.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints what it has measured")]

use std::collections::BTreeMap;
use std::time::Duration;

use axon_runtime::clock::Clock as _;
use axon_sim::{Acts, Behaviour, Call, Options};
use axon_tests::World;
use axon_tests::fleets::{JOBS, edit};
use axon_tests::wire::is_write;

/// Chips of an instance of the pool, each for one task.
const CHIPS: u32 = 12;

fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let number = |at: usize, default: u32| numbers.get(at).copied().unwrap_or(default);
    let (indexes, at_once, seconds) = (number(0, 1_000), number(1, 48), number(2, 60));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let one = batch(1, at_once, seconds).await;
        let all = batch(indexes, at_once, seconds).await;
        let rounds = f64::from(indexes.div_ceil(at_once));
        println!("{indexes} indexes of {seconds} s, {at_once} at once, simulated time");
        println!("  their devices allow  {:>8.1} s", rounds * f64::from(seconds));
        println!("  one index            {:>8.1} s  (an instance boots, a task starts)", one.taken.as_secs_f64());
        println!("  all of them          {:>8.1} s", all.taken.as_secs_f64());
        for (what, calls) in [("change something", &all.writes), ("read", &all.reads)] {
            println!("  calls that {what}, and those that AWS refused:");
            for (operation, (count, refused)) in calls {
                let number = f64::from(u32::try_from(*count).unwrap());
                let (each, rate) = (number / f64::from(indexes), number / all.taken.as_secs_f64());
                println!(
                    "    {operation:<28} {count:>6} {refused:>6}  {each:>6.2} for each index {rate:>6.2} a second"
                );
            }
        }
    });
}

/// All calls and those that were refused.
type Counted = (usize, usize);

struct Batch {
    taken: Duration,
    writes: BTreeMap<String, Counted>,
    reads: BTreeMap<String, Counted>,
}

async fn batch(indexes: u32, at_once: u32, seconds: u32) -> Batch {
    let sizes = format!("completions: {indexes}\n  parallelism: {}", at_once.min(indexes));
    let fleet = edit(JOBS, "completions: 4", &sizes);
    let fleet = edit(&fleet, "maxSize: 4", &format!("maxSize: {}", at_once.div_ceil(CHIPS) + 1));
    let world = World::with(Options { log_limit: 10_000_000, ..Options::default() }, &fleet);
    let acts = Acts::Ends { after_seconds: i64::from(seconds), exit_code: 0 };
    world.aws.with(|aws| aws.world_mut().behave(Behaviour::of("*sweep:*").acting(acts)));
    let start = world.clock.now();
    let mut operator = world.start().await;
    let is_over = |view: &axon_runtime::View| {
        let jobs = view.statuses.values().filter_map(|status| status.job.as_ref());
        jobs.flat_map(|job| &job.runs).any(|run| run.ended.is_some())
    };
    operator.shows("the run is over", is_over).await;
    let taken = world.clock.now().duration_since(start).try_into().unwrap();
    operator.stop().await;
    let (writes, reads): (Vec<Call>, Vec<Call>) = world.calls().into_iter().partition(|call| is_write(&call.operation));
    Batch { taken, writes: counted(&writes), reads: counted(&reads) }
}

fn counted(calls: &[Call]) -> BTreeMap<String, Counted> {
    let mut counts: BTreeMap<String, Counted> = BTreeMap::new();
    for call in calls {
        let counted = counts.entry(call.operation.clone()).or_default();
        *counted = (counted.0 + 1, counted.1 + usize::from(call.error.is_some()));
    }
    counts
}
