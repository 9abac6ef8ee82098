//! Long runs of the trust work, by hand: `cargo xtask crash-sweep` and `cargo xtask soak` build this optimised and start it.
//!
//! Neighbours: `axon_tests::trust` has everything that is run; only shards, sums and print-outs are here. What it prints goes
//! into docs/reliability.md.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a report is printed with the time it took, and a run that cannot start has failed"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axon_tests::trust::days::{Day, live};
use axon_tests::trust::history::History;
use axon_tests::trust::play::{Played, play};
use axon_tests::trust::scenarios::scenarios;
use axon_tests::trust::shrink::shrink;
use axon_tests::trust::sweep::{Extent, sweep};
use clap::{Args, Parser, Subcommand};

/// Long runs against the simulated AWS.
#[derive(Debug, Parser)]
#[command(name = "trust")]
struct Cli {
    #[command(subcommand)]
    task: Task,
    /// So many at once. Default: as many as there are cores.
    #[arg(long, global = true)]
    shards: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Every scenario with one call gone wrong, at every call and in every way.
    CrashSweep(Sweeping),
    /// Histories drawn from seeds.
    Soak(Soaking),
    /// A large fleet on a bad network for days.
    Days(Lasting),
}

#[derive(Debug, Args)]
struct Sweeping {
    /// Of the calls that only read, every so manieth.
    #[arg(long, default_value_t = 10)]
    every_read: u64,
    /// Besides, so many pairs of deaths of each scenario.
    #[arg(long, default_value_t = 20)]
    pairs: u64,
    /// Only scenarios with this in their name.
    #[arg(long, default_value = "")]
    only: String,
}

#[derive(Debug, Args)]
struct Soaking {
    /// One seed, told in full.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// So many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Events of each history.
    #[arg(long, default_value_t = 60)]
    events: usize,
    /// Play each twice and compare the traces.
    #[arg(long)]
    twice: bool,
    /// Cut those that fail down to short ones.
    #[arg(long)]
    shrink: bool,
}

#[derive(Debug, Args)]
struct Lasting {
    /// How many.
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// So many services of one task.
    #[arg(long, default_value_t = 500)]
    services: usize,
    /// So many of a hundred calls fail.
    #[arg(long, default_value_t = 30)]
    errors: u32,
}

fn main() -> ExitCode {
    let Cli { task, shards } = Cli::parse();
    let shards = shards.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let findings = match &task {
        Task::CrashSweep(sweeping) => crash_sweep(sweeping, shards),
        Task::Soak(soaking) => soak(soaking, shards),
        Task::Days(Lasting { days, services, errors }) => live(*services, *days, *errors, |day| {
            let Day { number, calls, writes, resident } = day;
            println!("day {number:>3}: {calls:>8} calls, {writes:>6} writes, {} KiB resident", resident.unwrap_or(0));
        }),
    };
    for finding in findings.iter().take(50) {
        println!("{finding}");
    }
    println!("{} findings", findings.len());
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Works on all of these, so many at once, and tells of each when it is done.
fn sharded<T: Sync, R: Send>(
    items: &[T],
    shards: usize,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T, R) + Send,
) {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(&mut done);
    std::thread::scope(|scope| {
        for _ in 0..shards {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let result = work(item);
                    let mut done = done.lock().unwrap();
                    (*done)(item, result);
                }
            });
        }
    });
}

fn crash_sweep(Sweeping { every_read, pairs, only }: &Sweeping, shards: usize) -> Vec<String> {
    let extent = Extent { every_read: *every_read, pairs: *pairs };
    let scenarios: Vec<_> = scenarios().into_iter().filter(|scenario| scenario.name.contains(only)).collect();
    let began = Instant::now();
    let (mut runs, mut calls, mut simulated) = (0, 0, Duration::ZERO);
    let mut ways: BTreeMap<&str, u64> = BTreeMap::new();
    let mut findings = Vec::new();
    let count = scenarios.len();
    sharded(
        &scenarios,
        shards,
        |scenario| sweep(scenario, extent),
        |scenario, swept| {
            println!(
                "{:<60} {:>5} calls, {:>5} runs, {} findings",
                scenario.name,
                swept.length,
                swept.runs,
                swept.findings.len()
            );
            runs += swept.runs;
            calls += swept.calls;
            simulated += swept.simulated;
            for (way, count) in swept.ways {
                *ways.entry(way).or_default() += count;
            }
            findings.extend(swept.findings);
        },
    );
    println!(
        "{count} scenarios, {runs} runs, {calls} calls, {} simulated hours, {:.0} s",
        simulated.as_secs() / 3600,
        began.elapsed().as_secs_f64()
    );
    for (way, count) in ways {
        println!("  {way:<28} {count:>8}");
    }
    findings
}

fn soak(options: &Soaking, shards: usize) -> Vec<String> {
    let seeds: Vec<u64> = match options.seed {
        Some(seed) => vec![seed],
        None => (options.from..options.from + options.seeds).collect(),
    };
    let began = Instant::now();
    let (mut events, mut calls, mut simulated) = (0, 0, Duration::ZERO);
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let mut findings = Vec::new();
    let work = |seed: &u64| played(*seed, options);
    let seen = Arc::new(AtomicUsize::new(0));
    sharded(&seeds, shards, work, |seed, played| {
        events += played.events;
        calls += played.calls;
        simulated += played.simulated;
        for (fault, count) in &played.faults {
            *faults.entry(fault).or_default() += count;
        }
        if options.seed.is_some() {
            println!(
                "seed {seed}: {} events, {} calls, {:?}, trace {:016x}",
                played.events, played.calls, played.simulated, played.trace
            );
        }
        for finding in &played.findings {
            println!("{finding}");
        }
        findings.extend(played.findings.iter().map(|finding| finding.lines().next().unwrap_or_default().to_owned()));
        let done = seen.fetch_add(1, Ordering::SeqCst) + 1;
        if done.is_multiple_of(100) {
            println!("... {done} histories, {} findings, {:.0} s", findings.len(), began.elapsed().as_secs_f64());
        }
    });
    println!(
        "{} histories, {events} events, {calls} calls, {} simulated hours, {:.0} s",
        seeds.len(),
        simulated.as_secs() / 3600,
        began.elapsed().as_secs_f64()
    );
    for (fault, count) in faults {
        println!("  {fault:<28} {count:>8}");
    }
    findings
}

/// Of the writes before a finding, so many are shown.
const SHOWN_WRITES: usize = 30;

/// Plays the history of a seed; of what did not hold, one text that begins with how to play it again.
fn played(seed: u64, options: &Soaking) -> Played {
    let history = History::drawn(seed, options.events);
    let mut played = play(&history);
    if options.twice && played.findings.is_empty() && play(&history).trace != played.trace {
        played.findings.push("the same seed gave another trace".to_owned());
    }
    if played.findings.is_empty() {
        return played;
    }
    let (history, last) = if options.shrink { shrink(&history, played.clone()) } else { (history, played.clone()) };
    let mut told = format!("cargo xtask soak --seed {seed} --events {}", options.events);
    for finding in last.findings.iter().take(6) {
        let _written = write!(told, "\n  {finding}");
    }
    if options.shrink || options.seed.is_some() {
        let _written = write!(told, "\n  {:?}\n  {:?}", history.fleet.pools.keys(), history.events);
        for write in last.last_writes.iter().rev().take(SHOWN_WRITES).rev() {
            let _written = write!(told, "\n  {write}");
        }
    }
    played.findings = vec![told];
    played
}
