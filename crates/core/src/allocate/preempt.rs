//! Which attempts of jobs give up their devices where a pool is full.
//!
//! Part of `allocate`, after a layout. Whoever has found no place in it, although services come before jobs and jobs before those of
//! lower priority, gets one that is taken: the one that costs the least. What is given up already, and is not free yet, comes
//! first, so that nothing more is stopped while it goes. Not here: stopping anything (`plan/job_run`, `plan/gang`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Fill, Shelf};
use crate::desired::{DesiredPool, PackedService};
use crate::job::Attempt;
use crate::job::agenda::{Agenda, Devices};
use crate::job::record::{AttemptId, RunId};
use crate::layout::{InstanceState, LiveInstance, Row};
use crate::neuron::DeviceSet;
use crate::observed::Listing;
use crate::spec::{JobPreemption, Kind, Name, ObjectKey};
use crate::world::World;

/// Attempts that give up their devices, by job, and for whom.
pub type Preempted = BTreeMap<Name, BTreeMap<(RunId, AttemptId), ObjectKey>>;

/// Who lacks devices.
pub(super) struct Claimant<'a> {
    pub(super) service: &'a PackedService,
    /// Tasks without a place, each on as many instances as it has nodes.
    pub(super) missing: u32,
    pub(super) nodes: u32,
    /// Jobs below this priority make room; without it, all do.
    pub(super) below: Option<i32>,
}

/// Services with replicas that have found no place, those that come first at the front.
pub(super) fn claimants<'a>(services: &[&'a PackedService], fill: &Fill<'_>) -> impl Iterator<Item = Claimant<'a>> {
    let missing = |name: &Name| fill.left.get(name).map_or(0, |(missing, _)| *missing);
    let lacks = services.iter().filter(|found| found.object.kind == Kind::NeuronService);
    let mut found: Vec<Claimant<'a>> = lacks
        .map(|service| Claimant { service, missing: missing(&service.object.name), nodes: 1, below: None })
        .filter(|claimant| claimant.missing > 0)
        .collect();
    found.sort_by_key(|claimant| (Reverse(claimant.service.priority), &claimant.service.object.name));
    found.into_iter()
}

/// Who makes room in a pool for those who lack devices, in their order.
pub(super) fn preempt(
    (world, agenda): (World<'_>, &Agenda<'_>),
    (pool, shelves): (&DesiredPool, &[Shelf<'_>]),
    fill: &Fill<'_>,
    claimants: &[Claimant<'_>],
) -> Preempted {
    let mut preempted = Preempted::new();
    if pool.job_preemption == JobPreemption::Never || claimants.is_empty() {
        return preempted;
    }
    let mut hall = Hall::of((world, agenda), pool, shelves, fill);
    // Nothing is started for a suspended object, whoever makes room for it.
    let goes_on = |claimant: &&Claimant<'_>| !world.desired.suspended.contains(&claimant.service.object);
    for claimant in claimants.iter().filter(goes_on) {
        for _ in 0..claimant.missing {
            let kinds = (0..shelves.len()).filter_map(|kind| hall.seated(claimant, kind));
            let Some((_, chosen, after)) = kinds.min_by(|(one, ..), (other, ..)| one.cmp(other)) else { break };
            for guest in chosen.iter().filter_map(|guest| after.guests.get(*guest)) {
                let (job, run, attempt) = guest.attempt;
                let who = claimant.service.object.clone();
                preempted.entry(job.clone()).or_default().insert((run.clone(), attempt), who);
            }
            hall = after;
        }
    }
    preempted
}

/// The instances of a pool that take tasks and hold some, with who may have to go.
#[derive(Clone)]
struct Hall<'a> {
    shelves: &'a [Shelf<'a>],
    seats: Vec<Seat>,
    guests: Vec<Guest<'a>>,
}

/// One instance.
#[derive(Clone)]
struct Seat {
    /// Its type, by shelf.
    kind: usize,
    /// Devices of those who stay.
    taken: Vec<DeviceSet>,
    /// CPU units and MiB beside those who stay.
    room: (i64, i64),
    /// Tasks of attempts, by guest.
    tasks: Vec<(usize, DeviceSet, (u32, u32))>,
    /// What the layout gives to jobs here, with their priority.
    planned: Vec<(i32, DeviceSet, (u32, u32))>,
}

/// An attempt that may have to go.
#[derive(Clone)]
struct Guest<'a> {
    attempt: (&'a Name, &'a RunId, AttemptId),
    priority: i32,
    /// When it was written down; the end of time if that was only just now.
    written: Timestamp,
    /// Of all its nodes.
    devices: usize,
    goes: bool,
}

/// What a place costs, the least first: nothing; then the priority, the devices and the number of the attempts that go for it;
/// of equal ones, those go that began last.
type Cost = (Option<i32>, usize, usize, Reverse<Option<Timestamp>>);

/// Guests by attempt.
type Numbers<'a> = BTreeMap<(&'a Name, &'a RunId, AttemptId), usize>;

impl<'a> Hall<'a> {
    fn of(
        (world, agenda): (World<'a>, &'a Agenda<'_>),
        pool: &'a DesiredPool,
        shelves: &'a [Shelf<'a>],
        fill: &Fill<'_>,
    ) -> Self {
        let cluster = pool.cluster.as_str();
        let instances = world.observed.instances.get(cluster).into_iter().flat_map(Listing::iter);
        let ids: BTreeMap<&str, &str> = instances
            .map(|found| (found.arn.as_str(), found.ec2_id.as_deref().unwrap_or(found.arn.as_str())))
            .collect();
        let mut held: BTreeMap<&str, Vec<Devices<'_>>> = BTreeMap::new();
        for devices in agenda.devices(world.observed).into_iter().filter(|devices| devices.cluster == cluster) {
            if let Some(id) = devices.instance.and_then(|arn| ids.get(arn)) {
                held.entry(id).or_default().push(devices);
            }
        }
        let guests = guests(world, agenda, held.values().flatten());
        let numbers: Numbers<'_> = guests.iter().enumerate().map(|(number, guest)| (guest.attempt, number)).collect();
        let mut seats = Vec::new();
        for (kind, (shelf, found)) in shelves.iter().zip(&fill.layouts).enumerate() {
            let rows = found.layout.rows.iter();
            let rows: BTreeMap<&str, &Row> = rows.filter_map(|row| Some((row.instance.as_deref()?, row))).collect();
            for live in found.live.iter().filter(|live| live.state == InstanceState::Usable) {
                let of_jobs = held.get(live.id.as_str()).map_or(&[][..], Vec::as_slice);
                let mut seat = Seat::of((kind, shelf), live, of_jobs, &numbers);
                seat.plan(world, rows.get(live.id.as_str()).copied(), fill);
                seats.push(seat);
            }
        }
        seats.retain(|seat| !(seat.taken.is_empty() && seat.tasks.is_empty() && seat.planned.is_empty()));
        Self { shelves, seats, guests }
    }

    /// With one more task of a claimant on instances of a type: what it costs, who goes, and the hall after it.
    fn seated(&self, claimant: &Claimant<'_>, kind: usize) -> Option<(Cost, BTreeSet<usize>, Self)> {
        let Shelf { kind: name, host, .. } = self.shelves.get(kind)?;
        let count = *claimant.service.devices.get(name)?;
        let need = (claimant.service.cpu, claimant.service.memory);
        let (mut after, mut chosen) = (self.clone(), BTreeSet::new());
        for _ in 0..claimant.nodes {
            let now = &after;
            let here = now.seats.iter().enumerate().filter(|(_, seat)| seat.kind == kind);
            let offers = here.flat_map(|(number, seat)| {
                let of = move |set: &DeviceSet| {
                    let go = now.go(seat, *set, need, claimant)?;
                    Some((now.cost(&go), number, *set, go))
                };
                host.sets(count).iter().filter_map(of)
            });
            let (_, number, set, go) = offers.min()?;
            for guest in &go {
                after.guests.get_mut(*guest)?.goes = true;
            }
            after.seats.get_mut(number)?.take(set, need);
            chosen.extend(go);
        }
        Some((self.cost(&chosen), chosen, after))
    }

    /// Who has to go so that a task gets a set of devices on an instance; nothing if somebody is in the way who stays.
    fn go(&self, seat: &Seat, wanted: DeviceSet, need: (u32, u32), claimant: &Claimant<'_>) -> Option<BTreeSet<usize>> {
        if seat.taken.iter().any(|taken| taken.overlaps(wanted)) {
            return None;
        }
        let yields = |priority: i32| claimant.below.is_none_or(|below| priority < below);
        // Whoever compiles for the claimant is what it waits for.
        let may_go = |guest: &Guest<'_>| {
            yields(guest.priority) && claimant.service.after().is_none_or(|job| job != guest.attempt.0)
        };
        let (mut room, mut go, mut others) = (seat.room, BTreeSet::new(), Vec::new());
        for (_, devices, size) in seat.planned.iter().filter(|(priority, ..)| !yields(*priority)) {
            if devices.overlaps(wanted) {
                return None;
            }
            room = (room.0 - i64::from(size.0), room.1 - i64::from(size.1));
        }
        for (number, devices, size) in &seat.tasks {
            let guest = self.guests.get(*number)?;
            match (guest.goes, devices.overlaps(wanted)) {
                (true, _) => {}
                (false, true) if may_go(guest) => drop(go.insert(*number)),
                (false, true) => return None,
                (false, false) => {
                    room = (room.0 - i64::from(size.0), room.1 - i64::from(size.1));
                    others.push((guest.priority, Reverse(guest.written), *number, (*size, may_go(guest))));
                }
            }
        }
        // Devices alone are not enough: CPU or memory may be what is short.
        others.sort_unstable();
        for (.., number, (size, may_go)) in others {
            let lacks = room.0 < i64::from(need.0) || room.1 < i64::from(need.1);
            if lacks && may_go {
                room = (room.0 + i64::from(size.0), room.1 + i64::from(size.1));
                go.insert(number);
            }
        }
        (room.0 >= i64::from(need.0) && room.1 >= i64::from(need.1)).then_some(go)
    }

    fn cost(&self, go: &BTreeSet<usize>) -> Cost {
        let guests = || go.iter().filter_map(|number| self.guests.get(*number));
        let first = guests().map(|guest| guest.written).min();
        let devices = guests().map(|guest| guest.devices).sum();
        (guests().map(|guest| guest.priority).max(), devices, go.len(), Reverse(first))
    }
}

impl Seat {
    /// An instance with what it holds.
    fn of(
        (kind, shelf): (usize, &Shelf<'_>),
        live: &LiveInstance,
        of_jobs: &[Devices<'_>],
        numbers: &Numbers<'_>,
    ) -> Self {
        let (cpu, memory) = shelf.host.room();
        let (taken, tasks, planned) = (Vec::new(), Vec::new(), Vec::new());
        let mut seat = Self { kind, taken, room: (cpu.into(), memory.into()), tasks, planned };
        for held in of_jobs {
            match numbers.get(&(held.job, held.run, held.attempt)) {
                Some(number) => seat.tasks.push((*number, held.set, held.size)),
                None => seat.take(held.set, held.size),
            }
        }
        for hold in live.holds.iter().filter(|hold| of_jobs.iter().all(|held| *held.job != hold.workload)) {
            seat.take(hold.devices, (hold.cpu, hold.memory));
        }
        seat
    }

    /// Adds what the layout gives to others here.
    fn plan(&mut self, world: World<'_>, row: Option<&Row>, fill: &Fill<'_>) {
        for slot in row.into_iter().flat_map(|row| &row.slots) {
            let size = fill.size(&slot.workload);
            match world.desired.jobs.get(&slot.workload) {
                Some(job) => self.planned.push((job.spec.priority, slot.devices, size)),
                None if self.taken.contains(&slot.devices) => {}
                None => self.take(slot.devices, size),
            }
        }
    }

    fn take(&mut self, set: DeviceSet, (cpu, memory): (u32, u32)) {
        self.room = (self.room.0 - i64::from(cpu), self.room.1 - i64::from(memory));
        self.taken.push(set);
    }
}

/// The attempts of declared jobs that can be stopped.
fn guests<'a, 'd>(
    world: World<'_>,
    agenda: &'a Agenda<'_>,
    devices: impl Iterator<Item = &'d Devices<'a>>,
) -> Vec<Guest<'a>>
where
    'a: 'd,
{
    let mut guests: BTreeMap<(&Name, &RunId, AttemptId), Guest<'a>> = BTreeMap::new();
    for held in devices {
        let known = agenda.run(held.job, held.run).and_then(|run| run.attempts.get(&held.attempt));
        let (Some(job), Some(found)) = (world.desired.jobs.get(held.job), known) else { continue };
        if world.desired.suspended.contains(&job.object) {
            continue;
        }
        let key = (held.job, held.run, held.attempt);
        let guest = guests.entry(key).or_insert_with(|| Guest {
            attempt: key,
            priority: job.spec.priority,
            written: found.written.unwrap_or(Timestamp::MAX),
            devices: 0,
            goes: goes(found),
        });
        guest.devices += held.set.len();
    }
    guests.into_values().collect()
}

/// Whether all that an attempt holds is given up already.
fn goes(attempt: &Attempt<'_>) -> bool {
    let mut tasks = attempt.tasks().filter(|found| found.task.last_status != "STOPPED").peekable();
    tasks.peek().is_some() && tasks.all(|found| found.task.desired_status == "STOPPED")
}
