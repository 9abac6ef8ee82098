//! A large fleet for many simulated days on a network that fails often: does it stay equal to its specification, and does
//! the process stay as small as it was?
//!
//! Neighbours: `stage` is where, `fault` the network. Every hour somebody commits a change; every day the memory is read.

use std::time::Duration;

use super::account::account;
use super::alone;
use super::edit::Edit;
use super::fault::Weather;
use super::fleet::{Fleet, Image, Pool, Service, Shape};
use super::line::Air;
use super::play::{QUIET, settle};
use super::stage::{Rest, Stage};
use super::trace::Trace;

/// What one day was like.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    /// Counted from 1.
    pub number: u64,
    /// Calls in it.
    pub calls: u64,
    /// Writes among them that AWS accepted.
    pub writes: usize,
    /// Resident memory of this process in KiB at its end; nothing where the operating system does not say.
    pub resident: Option<u64>,
    /// KiB of text that the simulated account fills at its end. It keeps every revision, and so takes part of the memory.
    pub account: usize,
}

/// So many services of one task on one pool.
fn fleet(services: usize) -> Fleet {
    let one = Service { replicas: 1, checked: false, ..Service::on("chips") };
    let empty = Fleet::empty().pool("chips", Pool::of(Shape::Managed));
    (0..services).fold(empty, |fleet, number| fleet.service(&format!("service-{number:04}"), one.clone()))
}

/// Lives through the days, tells of each, and gives what did not hold.
pub fn live(services: usize, days: u64, errors: u32, mut tell: impl FnMut(Day)) -> Vec<String> {
    alone(1, async {
        let mut stage = Stage::new(account(1), Air::new(1, Vec::new()));
        let mut trace = Trace::default();
        stage.declare(fleet(services));
        stage.start().await;
        settle(&mut stage, (Rest::Ready, QUIET), &mut trace).await;
        stage.air.turn(|_| Weather::errors(errors));
        for number in 1..=days {
            let before = stage.air.calls();
            let mut writes = 0;
            for hour in 0..24 {
                let pick = usize::try_from(number * 24 + hour).unwrap_or(0) * 7;
                let edit = if hour % 2 == 0 { Edit::Env(pick) } else { Edit::Image(pick, Image::Well) };
                stage.declare(edit.apply(&stage.fleet));
                tokio::time::sleep(Duration::from_hours(1)).await;
                stage.look().await;
                writes += trace.calls(&stage).len();
            }
            let account = stage.world.aws.with(|aws| format!("{aws:?}").len() / 1024);
            tell(Day { number, calls: stage.air.calls() - before, writes, resident: resident(), account });
            if !stage.verdict().is_empty() {
                return stage.verdict();
            }
        }
        stage.air.turn(|_| Weather::default());
        settle(&mut stage, (Rest::Ready, QUIET), &mut trace).await;
        stage.verdict()
    })
}

fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
