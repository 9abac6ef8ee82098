//! The crash-point sweep: a scenario is played once undisturbed, then again and again with one call gone wrong, at every call
//! and in every way, and each time it must end as if nothing had been wrong.
//!
//! Neighbours: `scenarios` lists them, `play` has the end of a run, `stage` the account. The account at rest before the
//! scenario is made once and copied.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use axon_runtime::clock::Clock as _;
use axon_sim::Aws;
use serde_json::Value;

use super::account::account;
use super::alone;
use super::fault::Fate;
use super::happen::happen;
use super::ledger::Ledger;
use super::line::{Air, Pin};
use super::play::{QUIET, differences, foreign, protect, settle};
use super::portrait::portrait;
use super::scenarios::Scenario;
use super::stage::{Rest, Stage};
use super::trace::Trace;

/// Of everything that is drawn: what differs between two runs is the call that goes wrong.
const SEED: u64 = 7;

/// In this time nothing may be written after a run. What is seen only in half an hour without a write is seen in the undisturbed
/// run of each scenario, and at the end of every history.
const QUIET_IN_SWEEPS: Duration = Duration::from_mins(10);

/// The seven ways in which a call goes wrong.
pub const WAYS: [Fate; 7] =
    [Fate::Dies, Fate::DiesAfter, Fate::FailedAfter, Fate::Failed, Fate::Late(60), Fate::Stale(300), Fate::Twice];

/// Ways that differ from another one only for a call that changes something.
const ONLY_FOR_WRITES: [Fate; 3] = [Fate::DiesAfter, Fate::FailedAfter, Fate::Twice];

/// What came of sweeping one scenario.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Runs with something gone wrong.
    pub runs: u64,
    /// Calls of all runs.
    pub calls: u64,
    /// Simulated time of all runs.
    pub simulated: Duration,
    /// Calls of the undisturbed run until it was at rest.
    pub length: u64,
    /// Runs by what went wrong.
    pub ways: BTreeMap<&'static str, u64>,
    /// What did not hold, with the call and the way.
    pub findings: Vec<String>,
}

/// Which runs of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Every call that changes something, and every so manieth of those that only read.
    pub every_read: u64,
    /// Besides, so many pairs of deaths, the second of them while the first is being mended.
    pub pairs: u64,
    /// Only this call, in each way, and no pairs; a finding comes with the writes before it.
    pub only_call: Option<u64>,
}

struct Ground {
    aws: Aws,
    /// The tasks of jobs so far.
    ledger: Ledger,
    /// What it amounts to in the end.
    wanted: Value,
    /// The operations until it was at rest.
    tape: Vec<String>,
}

/// Sweeps one scenario.
pub fn sweep(scenario: &Scenario, extent: Extent) -> Swept {
    let mut swept = Swept::default();
    let ground = match ground(scenario) {
        Ok(ground) => ground,
        Err(findings) => {
            swept.findings =
                findings.into_iter().map(|finding| format!("{}, undisturbed: {finding}", scenario.name)).collect();
            return swept;
        }
    };
    swept.length = u64::try_from(ground.tape.len()).unwrap_or(u64::MAX);
    let mut reads = 0;
    for (call, operation) in (0_u64..).zip(&ground.tape) {
        let writes = crate::wire::is_write(operation);
        reads += u64::from(!writes);
        let is_drawn = writes || reads % extent.every_read == 0;
        if !extent.only_call.map_or(is_drawn, |only| only == call) {
            continue;
        }
        for way in WAYS.into_iter().filter(|way| writes || !ONLY_FOR_WRITES.contains(way)) {
            let mut run = disturbed(scenario, &ground, vec![Pin { call, fate: way }]);
            if let Some(finding) = run.findings.first_mut().filter(|_| extent.only_call.is_some()) {
                for write in &run.last_writes {
                    finding.push_str("\n    ");
                    finding.push_str(write);
                }
            }
            swept.add(run, way, &format!("{}, {} at call {call} ({operation})", scenario.name, way.name()));
        }
    }
    if extent.only_call.is_some() {
        return swept;
    }
    let mut dice = fastrand::Rng::with_seed(swept.length);
    for _ in 0..extent.pairs {
        let (first, second) = (dice.u64(0..swept.length.max(1)), dice.u64(1..40));
        let [way, after] = [(); 2].map(|()| if dice.bool() { Fate::Dies } else { Fate::DiesAfter });
        let pins = vec![Pin { call: first, fate: way }, Pin { call: first + second, fate: after }];
        let run = disturbed(scenario, &ground, pins);
        swept.add(run, Fate::Dies, &format!("{}, two deaths at calls {first} and {}", scenario.name, first + second));
    }
    swept
}

impl Swept {
    fn add(&mut self, run: Run, way: Fate, what: &str) {
        self.runs += 1;
        self.calls += run.calls;
        self.simulated += run.simulated;
        *self.ways.entry(way.name()).or_default() += 1;
        self.findings.extend(run.findings.into_iter().take(3).map(|finding| format!("{what}: {finding}")));
    }
}

/// The account before the scenario, and its undisturbed end.
fn ground(scenario: &Scenario) -> Result<Ground, Vec<String>> {
    let (aws, ledger) = alone(SEED, async {
        let mut stage = Stage::new(account(SEED), Air::new(SEED, Vec::new()));
        foreign(&stage);
        if let Some(fleet) = &scenario.rests {
            stage.declare(fleet.clone());
            stage.start().await;
            settle(&mut stage, (Rest::Ready, QUIET), &mut Trace::default()).await;
            if let Some((fleet, seconds)) = &scenario.begun {
                stage.declare(fleet.clone());
                stage.pass(*seconds).await;
            }
            stage.stop().await;
        }
        let verdict = stage.verdict();
        let ledger = stage.audit(|auditor, _| auditor.ledger());
        if verdict.is_empty() { Ok((stage.world.aws.with(|aws| aws.clone()), ledger)) } else { Err(verdict) }
    })?;
    let mut ground = Ground { aws, ledger, wanted: Value::Null, tape: Vec::new() };
    let (wanted, tape) = alone(SEED, async {
        let mut stage = Stage::new(ground.aws.clone(), Air::new(SEED, Vec::new()));
        stage.air.record();
        begin(&mut stage, scenario, &ground).await;
        settle(&mut stage, (scenario.rest(), QUIET), &mut Trace::default()).await;
        let tape = stage.air.tape();
        stage.audit(|auditor, _| auditor.jobs_at_rest());
        let verdict = stage.verdict();
        if verdict.is_empty() { Ok((portrait(&stage.world), tape)) } else { Err(verdict) }
    })?;
    (ground.wanted, ground.tape) = (wanted, tape);
    Ok(ground)
}

struct Run {
    findings: Vec<String>,
    /// The last writes with their instants and answers, for people.
    last_writes: VecDeque<String>,
    calls: u64,
    simulated: Duration,
}

fn disturbed(scenario: &Scenario, ground: &Ground, pins: Vec<Pin>) -> Run {
    alone(SEED, async {
        let mut stage = Stage::new(ground.aws.clone(), Air::new(SEED, pins));
        let start = stage.world.clock.now();
        begin(&mut stage, scenario, ground).await;
        let mut trace = Trace::default();
        settle(&mut stage, (scenario.rest(), QUIET_IN_SWEEPS), &mut trace).await;
        if stage.verdict().is_empty() {
            stage.audit(|auditor, _| auditor.jobs_at_rest());
            for difference in differences("", &ground.wanted, &portrait(&stage.world)) {
                stage.findings.push(format!("another end: {difference}"));
            }
        }
        stage.world.aws.with(|aws| aws.world_mut().take_violations());
        let simulated = stage.world.clock.now().duration_since(start).unsigned_abs();
        let (findings, last_writes) = (stage.verdict(), trace.into_last_writes());
        Run { findings, last_writes, calls: stage.air.calls(), simulated }
    })
}

async fn begin(stage: &mut Stage, scenario: &Scenario, ground: &Ground) {
    protect(stage);
    let before = scenario.begun.as_ref().map(|(fleet, _)| fleet).or(scenario.rests.as_ref());
    if let Some(fleet) = before {
        stage.adopt(fleet.clone(), ground.ledger.clone());
    }
    stage.declare(scenario.declared.clone());
    if let Some(event) = scenario.event {
        happen(stage, event).await;
    }
    stage.start().await;
}
