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
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axon_tests::trust::days::{Day, live};
use axon_tests::trust::history::{About, History};
use axon_tests::trust::play::{Played, play};
use axon_tests::trust::scenarios::scenarios;
use axon_tests::trust::shrink::shrink;
use axon_tests::trust::sweep::{Extent, sweep};
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Only this call, in each way. A finding is told with the writes before it.
    #[arg(long)]
    call: Option<u64>,
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
    /// Histories of one seed about different things have nothing in common, but for preemption, which is those of jobs.
    #[arg(long, value_enum, default_value_t = About::Services)]
    about: About,
    /// Cut those that fail down to short ones.
    #[arg(long)]
    shrink: bool,
    /// With `--seed` or `--shrink`: so many of the writes before a finding are told.
    #[arg(long, default_value_t = 30)]
    writes: usize,
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
            let Day { number, calls, writes, resident, account } = day;
            println!(
                "day {number:>3}: {calls:>8} calls, {writes:>6} writes, {} KiB resident, account of {account} KiB as text",
                resident.unwrap_or(0)
            );
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

fn crash_sweep(Sweeping { every_read, pairs, only, call }: &Sweeping, shards: usize) -> Vec<String> {
    let extent = Extent { every_read: *every_read, pairs: *pairs, only_call: *call };
    let scenarios: Vec<_> = scenarios().into_iter().filter(|scenario| scenario.name.contains(only)).collect();
    let mut sums = Sums::of("runs");
    let mut findings = Vec::new();
    sharded(
        &scenarios,
        shards,
        |scenario| sweep(scenario, extent),
        |scenario, swept| {
            let (name, found) = (&scenario.name, swept.findings.len());
            println!("{name:<60} {:>5} calls, {:>5} runs, {found} findings", swept.length, swept.runs);
            for finding in &swept.findings {
                println!("  {finding}");
            }
            sums.runs += swept.runs;
            sums.add((0, swept.calls, swept.simulated), &swept.ways);
            println!("... {sums}");
            findings.extend(swept.findings);
        },
    );
    println!("{} scenarios, {sums}\n{}", scenarios.len(), sums.of_kinds());
    findings
}

fn soak(options: &Soaking, shards: usize) -> Vec<String> {
    let seeds: Vec<u64> = match options.seed {
        Some(seed) => vec![seed],
        None => (options.from..options.from + options.seeds).collect(),
    };
    let mut sums = Sums::of("histories");
    let mut findings = Vec::new();
    let work = |seed: &u64| played(*seed, options);
    sharded(&seeds, shards, work, |seed, played| {
        sums.runs += 1;
        sums.add((played.events, played.calls, played.simulated), &played.faults);
        sums.jobs = (sums.jobs.0 + played.jobs.0, sums.jobs.1 + played.jobs.1);
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
        if sums.runs.is_multiple_of(100) {
            println!("... {sums}, {} findings\n{}", findings.len(), sums.of_kinds());
        }
    });
    println!("{sums}\n{}", sums.of_kinds());
    findings
}

/// What many runs came to.
struct Sums {
    /// What a run is called.
    what: &'static str,
    began: Instant,
    runs: u64,
    events: usize,
    calls: u64,
    simulated: Duration,
    /// Runs of jobs, and tasks of them.
    jobs: (u64, u64),
    kinds: BTreeMap<&'static str, u64>,
}

impl Sums {
    fn of(what: &'static str) -> Self {
        let (runs, events, calls) = (0, 0, 0);
        let (began, simulated, kinds) = (Instant::now(), Duration::ZERO, BTreeMap::new());
        Self { what, began, runs, events, calls, simulated, jobs: (0, 0), kinds }
    }

    fn add(&mut self, (events, calls, simulated): (usize, u64, Duration), kinds: &BTreeMap<&'static str, u64>) {
        self.events += events;
        self.calls += calls;
        self.simulated += simulated;
        for (kind, count) in kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }

    /// What went wrong, and how often.
    fn of_kinds(&self) -> String {
        let lines = self.kinds.iter().map(|(kind, count)| format!("  {kind:<28} {count:>8}\n"));
        let count: u64 = self.kinds.values().sum();
        format!("{}  {count} of {} kinds", lines.collect::<String>(), self.kinds.len())
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, runs, events, calls, jobs: (of_jobs, tasks), .. } = self;
        let (hours, seconds) = (self.simulated.as_secs() / 3600, self.began.elapsed().as_secs_f64());
        write!(to, "{runs} {what}, {events} events, {calls} calls, {hours} simulated hours, {seconds:.0} s")?;
        if *of_jobs > 0 {
            write!(to, ", {of_jobs} runs of jobs with {tasks} tasks")?;
        }
        Ok(())
    }
}

/// Plays the history of a seed; of what did not hold, one text that begins with how to play it again.
fn played(seed: u64, options: &Soaking) -> Played {
    let history = History::drawn(options.about, seed, options.events);
    let mut played = play(&history);
    if options.twice && played.findings.is_empty() && play(&history).trace != played.trace {
        played.findings.push("the same seed gave another trace".to_owned());
    }
    if played.findings.is_empty() {
        return played;
    }
    let (history, last) = if options.shrink { shrink(&history, played.clone()) } else { (history, played.clone()) };
    let about = options.about.to_possible_value().map_or_else(String::new, |about| about.get_name().to_owned());
    let mut told = format!("cargo xtask soak --about {about} --seed {seed} --events {}", options.events);
    for finding in last.findings.iter().take(6) {
        let _written = write!(told, "\n  {finding}");
    }
    if options.shrink || options.seed.is_some() {
        let _written = write!(told, "\n  {:?}\n  {:?}", history.fleet.pools.keys(), history.events);
        for write in last.last_writes.iter().rev().take(options.writes).rev() {
            let _written = write!(told, "\n  {write}");
        }
    }
    played.findings = vec![told];
    played
}
