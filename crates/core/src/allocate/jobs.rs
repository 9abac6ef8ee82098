//! Devices for attempts of jobs: the queue of each pool.
//!
//! Part of `allocate`. Services come first: jobs get what services leave. Among jobs, the higher priority comes first, then the
//! one that has begun earlier, then the name. The queue is strict: while a job lacks devices for one attempt, those behind it
//! start nothing, or a job that needs many devices would wait for ever.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Fill;
use super::preempt::Claimant;
use crate::desired::{DesiredJob, JobTasks, PackedService};
use crate::job::agenda::Agenda;
use crate::neuron::DeviceSet;
use crate::spec::{Kind, Name};
use crate::world::World;

/// Devices for the attempts of a job that are due.
#[derive(Clone, Debug, PartialEq)]
pub enum JobPlaces {
    /// Something must be read first.
    Blind {
        /// What is to be read, in words.
        what: String,
    },
    /// These.
    Found {
        /// Instance type and devices of each attempt that may start now; each of its nodes gets as many.
        places: Vec<(String, DeviceSet)>,
        /// Attempts that find none.
        missing: u32,
        /// Why, in words.
        why: String,
    },
}

/// Jobs that wait for devices, those that come first at the front.
pub(super) struct Queue {
    tickets: Vec<Ticket>,
}

struct Ticket {
    /// As a service with a replica for each attempt without an instance.
    service: PackedService,
    /// Attempts with devices that have no instance yet, by instance type and devices.
    waiting: BTreeMap<(String, DeviceSet), u32>,
    /// Attempts that are due.
    due: u32,
    /// Nodes of each, which find places together or not at all.
    nodes: u32,
    /// As the job says.
    priority: i32,
}

impl Queue {
    pub(super) fn of(world: World<'_>, agenda: &Agenda<'_>) -> Self {
        let mut waiting: BTreeMap<&Name, BTreeMap<(String, DeviceSet), u32>> = BTreeMap::new();
        let devices = agenda.devices(world.observed);
        for held in devices.iter().filter(|held| held.instance.is_none()) {
            *waiting.entry(held.job).or_default().entry((held.kind.to_owned(), held.set)).or_default() += 1;
        }
        let packed = world.desired.jobs.values().filter_map(|job| match &job.tasks {
            JobTasks::Packed(tasks) => Some((job, tasks)),
            JobTasks::Placed(_) => None,
        });
        let mut jobs: Vec<(&DesiredJob, &PackedService)> = packed.map(|(job, tasks)| (job, &**tasks)).collect();
        jobs.sort_by_key(|(job, _)| (Reverse(job.spec.priority), begun(agenda, job), &job.object.name));
        let ticket = |(rank, (job, tasks)): (usize, (&DesiredJob, &PackedService))| {
            let waiting = waiting.get(&job.object.name).cloned().unwrap_or_default();
            let due = agenda.jobs.get(&job.object.name).map_or(0, |agenda| agenda.due.len());
            let due = u32::try_from(due).unwrap_or(u32::MAX);
            let placed: u32 = waiting.values().sum();
            let rank = i32::try_from(rank).unwrap_or(i32::MAX);
            let behind = (-1_i32).saturating_sub(rank);
            let nodes = job.spec.nodes.max(1);
            let replicas = Some(placed.saturating_add(due.saturating_mul(nodes)));
            let service = PackedService { replicas, priority: behind, ..tasks.clone() };
            Ticket { service, waiting, due, nodes, priority: job.spec.priority }
        };
        Self { tickets: jobs.into_iter().enumerate().map(ticket).collect() }
    }

    /// The jobs as services.
    pub(super) fn services(&self) -> impl Iterator<Item = &PackedService> {
        self.tickets.iter().map(|ticket| &ticket.service)
    }

    /// The first job of a pool that lacks devices, also for attempts that wait for an instance, which somebody else has got. Those
    /// behind it get none before it has them.
    pub(super) fn first(&self, services: &[&PackedService], fill: &Fill<'_>) -> Option<Claimant<'_>> {
        let here = |ticket: &&Ticket| services.iter().any(|service| service.object == ticket.service.object);
        self.tickets.iter().filter(here).find_map(|ticket| {
            let tasks = fill.left.get(&ticket.service.object.name).map_or(0, |(missing, _)| *missing);
            let (nodes, below) = (ticket.nodes, Some(ticket.priority));
            (tasks > 0).then(|| Claimant { service: &ticket.service, missing: tasks.div_ceil(nodes), nodes, below })
        })
    }

    /// What a layout gives to the jobs of a pool.
    pub(super) fn places(&self, services: &[&PackedService], fill: &Fill<'_>) -> BTreeMap<Name, JobPlaces> {
        let here: Vec<&Name> =
            services.iter().filter(|service| service.object.kind == Kind::NeuronJob).map(|s| &s.object.name).collect();
        let mut found = BTreeMap::new();
        let mut before: Option<&Name> = None;
        for ticket in self.tickets.iter().filter(|ticket| here.contains(&&ticket.service.object.name)) {
            let name = &ticket.service.object.name;
            let why = fill.left.get(name).map(|(_, why)| why.clone());
            let (places, missing, why) = match before {
                Some(first) if ticket.due > 0 => {
                    (Vec::new(), ticket.due, format!("{first} is before it in the queue of the pool and waits, too"))
                }
                Some(_) | None => {
                    let places = ticket.new_places(fill);
                    let found = u32::try_from(places.len()).unwrap_or(u32::MAX);
                    let apart = || "its nodes would be on instances of several types".to_owned();
                    (places, ticket.due.saturating_sub(found), why.unwrap_or_else(apart))
                }
            };
            if missing > 0 && before.is_none() {
                before = Some(name);
            }
            found.insert(name.clone(), JobPlaces::Found { places, missing, why });
        }
        found
    }
}

impl Ticket {
    /// Devices that the layout gives to this job beyond those that its attempts have.
    fn new_places(&self, fill: &Fill<'_>) -> Vec<(String, DeviceSet)> {
        let Some(wanted) = fill.wanted.get(&self.service.object.name) else { return Vec::new() };
        let mut places = Vec::new();
        for (key, variant) in &self.service.variants {
            let given = wanted.get(&variant.name).copied().unwrap_or(0);
            let had = self.waiting.get(key).copied().unwrap_or(0);
            let whole = given.saturating_sub(had).checked_div(self.nodes).unwrap_or(0);
            let new = usize::try_from(whole).unwrap_or(usize::MAX);
            places.extend(std::iter::repeat_n(key.clone(), new));
        }
        places.truncate(usize::try_from(self.due).unwrap_or(usize::MAX));
        places
    }
}

/// When a job has begun; the end of time if it has not.
fn begun(agenda: &Agenda<'_>, job: &DesiredJob) -> Timestamp {
    let known = agenda.book.as_ref().and_then(|book| book.jobs.get(&job.object.name));
    let open = known.into_iter().flat_map(|known| known.runs.values()).filter(|run| run.end.is_none());
    let since = |run: &crate::job::RunBook<'_>| run.begin.as_ref().and_then(|(_, at)| *at).or_else(|| run.started());
    open.filter_map(since).min().unwrap_or(Timestamp::MAX)
}
