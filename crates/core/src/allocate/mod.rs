//! Gives every replica of a packed service its devices: desired + observed → the ECS services that should exist now.
//!
//! Between `resolve` and `plan`. The layout of a pool says how many replicas each set of devices should have; the budget
//! of a service says how far towards that it may go in one step, so that never too few replicas are there. Everything is
//! rebuilt from live tasks each time. Not here: task definitions (`resolve`), the packing itself (`layout`), AWS calls
//! (`plan`).

mod budget;
mod healthy;
mod jobs;
mod ledger;
mod live;
mod preempt;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::desired::{DesiredPool, DesiredService, PackedService};
use crate::job::agenda::{Agenda, Compiled};
use crate::layout::{self, Changes, Demand, Host, Layout, Live, Room, Slot};
use crate::neuron::DeviceSet;
use crate::observe::{Service, ServiceStatus};
use crate::ownership::{self, Owner};
use crate::shape::deployment::DeploymentConfiguration;
use crate::spec::{Kind, Name, ObjectKey, Spread};
use crate::world::World;

use preempt::Claimant;

pub use healthy::Healthy;
pub use jobs::JobPlaces;
pub use ledger::Ledger;
pub use preempt::Preempted;

/// What packed services come to at this moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allocation {
    /// By service.
    pub services: BTreeMap<Name, Allocated>,
    /// Devices for attempts that are due, by job.
    pub jobs: BTreeMap<Name, JobPlaces>,
    /// Attempts that give up their devices.
    pub preempted: Preempted,
    /// Layouts by pool, in order of preference of its instance types.
    pub pools: BTreeMap<Name, Vec<PoolLayout>>,
}

/// One packed service at this moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Allocated {
    /// Something must be read first; nothing of it is touched until then.
    Blind {
        /// What is to be read, in words.
        what: String,
    },
    /// Its ECS services.
    Units(Units),
}

/// The ECS services of one packed service.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// Those that should exist, with the replicas that are safe now, by name.
    pub stay: BTreeMap<String, DesiredService>,
    /// Those that should go, by name.
    pub leave: BTreeMap<String, Departing>,
    /// Running tasks of those that the layout has elsewhere, and that stay until they are healthy there. None of them is zero.
    pub surplus: BTreeMap<String, u32>,
    /// What may be missing and surplus.
    pub ledger: Ledger,
    /// Which of its tasks ECS counts as healthy, less those that may be stopped already.
    pub healthy: Healthy,
    /// ECS services on instances that are drained: what those may stop is out of both already.
    pub drained: BTreeSet<String>,
    /// Replicas without devices, and why, in words.
    pub unplaced: Option<(u32, String)>,
}

impl Units {
    /// How one of its ECS services should replace its tasks now, if that is said.
    pub fn deployment(&self, name: &str) -> Option<&DeploymentConfiguration> {
        let stays = self.stay.get(name).map(|unit| &unit.settings.deployment_configuration);
        stays.or_else(|| self.leave.get(name).map(|departing| &departing.deployment))?.as_ref()
    }
}

/// An ECS service that should go.
#[derive(Clone, Debug, PartialEq)]
pub struct Departing {
    /// Replicas that must stay for now: with none left it is deleted.
    pub count: u32,
    /// As it is, but while its tasks are on an instance that is drained, with the percentages of its turn.
    pub deployment: Option<DeploymentConfiguration>,
}

/// The chips of the instances of one type in a pool, and who should hold them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolLayout {
    /// The type.
    pub instance_type: String,
    /// Devices of one instance.
    pub chips: u8,
    /// Who should hold what.
    pub layout: Layout,
    /// Who holds what now, by instance.
    pub live: Vec<layout::LiveInstance>,
    /// What changes from here to there.
    pub changes: Changes,
}

/// One instance type of a pool that carries packed services.
#[derive(Clone)]
struct Shelf<'a> {
    kind: String,
    host: &'a Host,
    live: Live,
    room: Room,
    /// Instances that there are, if EC2 has had no more to give for a while.
    short: Option<u32>,
    /// Instances that are drained and still hold tasks.
    emptying: u32,
}

/// The ECS services that exist for packed services, by cluster and owner, then by name.
type Existing<'a> = BTreeMap<(&'a str, Name), BTreeMap<&'a str, &'a Service>>;

/// Works out what every packed service comes to.
pub fn allocate(world: World<'_>, agenda: &Agenda<'_>) -> Allocation {
    let existing = existing(world);
    let mut allocation = Allocation::default();
    let jobs = jobs::Queue::of(world, agenda);
    let mut by_pool: BTreeMap<&Name, Vec<&PackedService>> = BTreeMap::new();
    // Before its model is compiled, the first deployment of a service leaves the devices to whoever compiles.
    let comes_first = |service: &&PackedService| {
        let compiles = service.after().is_some_and(|job| agenda.compiled(world.desired, job) != Compiled::Done);
        compiles && of(&existing, service).is_empty()
    };
    let services = world.desired.packed.values().filter(|service| !comes_first(service));
    for service in services.chain(jobs.services()) {
        by_pool.entry(&service.pool).or_default().push(service);
    }
    for (pool, services) in by_pool {
        let shelves = match world.desired.pools.get(pool) {
            Some(pool) => live::shelves((world, agenda), pool, &services),
            None => Err(format!("pool {pool}")),
        };
        match shelves {
            Ok(shelves) => fill(((world, agenda), &existing, &jobs), &mut allocation, (pool, &services), &shelves),
            Err(what) => {
                for service in services {
                    let (name, what) = (service.object.name.clone(), what.clone());
                    match service.object.kind {
                        Kind::NeuronJob => drop(allocation.jobs.insert(name, JobPlaces::Blind { what })),
                        Kind::NeuronService | Kind::NeuronPool | Kind::NeuronCluster => {
                            allocation.services.insert(name, Allocated::Blind { what });
                        }
                    }
                }
            }
        }
    }
    allocation
}

/// Lays out a pool and says what its services come to.
fn fill(
    ((world, agenda), existing, jobs): ((World<'_>, &Agenda<'_>), &Existing<'_>, &jobs::Queue),
    allocation: &mut Allocation,
    (pool, services): (&Name, &[&PackedService]),
    shelves: &[Shelf<'_>],
) {
    let mut fill = Fill::best((world, existing), services, shelves);
    // Only if all find a place elsewhere: nobody would ask EC2 for the others any more.
    let mut shelves = Cow::Borrowed(shelves);
    for fewer in [live::in_stock, live::beside_drained] {
        let Some(fewer) = fewer(&shelves) else { continue };
        let elsewhere = Fill::best((world, existing), services, &fewer);
        if elsewhere.missing() <= fill.missing() {
            (fill, shelves) = (elsewhere, Cow::Owned(fewer));
        }
    }
    // The services of a pool share its cluster.
    let cluster = services.first().map_or("", |service| service.cluster.as_str());
    let going = live::going(world, cluster);
    allocation.jobs.extend(jobs.places(services, &fill));
    if let Some(pool) = world.desired.pools.get(pool) {
        let claimants = preempt::claimants(services, &fill).chain(jobs.first(services, &fill));
        let claimants: Vec<Claimant<'_>> = claimants.collect();
        allocation.preempted.extend(preempt::preempt((world, agenda), (pool, &shelves), &fill, &claimants));
    }
    for service in services.iter().filter(|service| service.object.kind == Kind::NeuronService) {
        let targets = fill.wanted.remove(&service.object.name).unwrap_or_default();
        let unplaced = fill.left.remove(&service.object.name).filter(|(missing, _)| *missing > 0);
        let existing = of(existing, service);
        let standing = live::standing(world, service, existing.keys().copied(), &going);
        let units = budget::units(service, &targets, existing, &standing, unplaced);
        allocation.services.insert(service.object.name.clone(), Allocated::Units(units));
    }
    allocation.pools.insert(pool.clone(), fill.layouts);
}

/// The types of a pool laid out one after the other: what does not fit on one goes to the next.
struct Fill<'a> {
    /// Replicas by service and ECS service.
    wanted: BTreeMap<&'a Name, BTreeMap<String, u32>>,
    /// Replicas that have found no place yet, and why.
    left: BTreeMap<&'a Name, (u32, String)>,
    /// Replicas that belong to no type: the next one that can takes them.
    spare: BTreeMap<&'a Name, u32>,
    /// CPU units and MiB of a task.
    sizes: BTreeMap<&'a Name, (u32, u32)>,
    layouts: Vec<PoolLayout>,
}

impl<'a> Fill<'a> {
    fn best(world: (World<'_>, &Existing<'_>), services: &[&'a PackedService], shelves: &[Shelf<'_>]) -> Self {
        let fill = Self::new(world, services, shelves, &BTreeMap::new());
        if shelves.len() < 2 || fill.missing() == 0 {
            return fill;
        }
        // What has lost its place on one type may find room on one that comes before it.
        let extra = fill.left.iter().map(|(name, (missing, _))| (*name, *missing)).collect();
        let again = Self::new(world, services, shelves, &extra);
        if again.missing() < fill.missing() { again } else { fill }
    }

    /// `extra` replicas are offered to the first types although later ones hold them.
    fn new(
        (world, existing): (World<'_>, &Existing<'_>),
        services: &[&'a PackedService],
        shelves: &[Shelf<'_>],
        extra: &BTreeMap<&'a Name, u32>,
    ) -> Self {
        let sizes = services.iter().map(|service| (&service.object.name, (service.cpu, service.memory))).collect();
        let (wanted, left, spare) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut fill = Self { wanted, left, spare, sizes, layouts: Vec::new() };
        for service in services {
            let name = &service.object.name;
            let held: u32 = shelves.iter().map(|shelf| held_on(service, shelf)).sum();
            let total = service.replicas.unwrap_or_else(|| observed_total(of(existing, service)));
            let extra = extra.get(name).copied().unwrap_or(0);
            fill.spare.insert(name, total.saturating_sub(held).saturating_add(extra));
            fill.left.insert(name, (total, String::new()));
        }
        for shelf in shelves {
            fill.lay_out(world, services, shelf);
        }
        fill
    }

    /// CPU units and MiB of a task.
    fn size(&self, workload: &Name) -> (u32, u32) {
        self.sizes.get(workload).copied().unwrap_or_default()
    }

    fn missing(&self) -> u32 {
        self.left.values().map(|(missing, _)| *missing).sum()
    }

    fn lay_out(&mut self, world: World<'_>, services: &[&'a PackedService], place: &Shelf<'_>) {
        let offered = |service: &&'a PackedService| {
            let name = &service.object.name;
            let remaining = self.left.get(name).map_or(0, |(remaining, _)| *remaining);
            let spare = self.spare.get(name).copied().unwrap_or(0);
            let replicas = held_on(service, place).saturating_add(spare).min(remaining);
            Some((name, demand(service, place, replicas)?))
        };
        let offered: Vec<(&'a Name, Demand)> = services.iter().filter_map(offered).collect();
        let demands: Vec<Demand> = offered.iter().map(|(_, demand)| demand.clone()).collect();
        let laid_out = layout::lay_out(place.host, &demands, &place.live, &place.room);
        let unplaced: BTreeMap<&Name, &layout::Unplaced> =
            laid_out.unplaced.iter().map(|unplaced| (&unplaced.workload, unplaced)).collect();
        for (name, demand) in offered {
            let unplaced = unplaced.get(name);
            let missing = unplaced.map_or(0, |unplaced| unplaced.replicas);
            if let Some((remaining, why)) = self.left.get_mut(name) {
                *remaining = remaining.saturating_sub(demand.replicas.saturating_sub(missing));
                if let Some(unplaced) = unplaced {
                    *why = format!("{}: {}", place.kind, unplaced.why);
                }
                self.spare.insert(name, missing);
            }
        }
        let by_name: BTreeMap<&Name, &'a PackedService> =
            services.iter().map(|service| (&service.object.name, *service)).collect();
        for (slot, count) in laid_out.counts() {
            let service = by_name.get(&slot.workload);
            let variant = service.and_then(|service| service.variants.get(&(place.kind.clone(), slot.devices)));
            if let (Some(service), Some(variant)) = (service, variant) {
                self.wanted.entry(&service.object.name).or_default().insert(variant.name.clone(), count);
            }
        }
        self.layouts.push(PoolLayout {
            instance_type: place.kind.clone(),
            chips: place.host.chips(),
            changes: laid_out.changes(&place.live, |workload| is_declared(world, workload)),
            layout: laid_out,
            live: place.live.instances.clone(),
        });
    }
}

/// Whether a workload is one of ours that is declared.
fn is_declared(world: World<'_>, workload: &Name) -> bool {
    world.desired.packed.contains_key(workload) || world.desired.jobs.contains_key(workload)
}

fn demand(service: &PackedService, shelf: &Shelf<'_>, replicas: u32) -> Option<Demand> {
    Some(Demand {
        workload: service.object.name.clone(),
        replicas,
        devices: *service.devices.get(&shelf.kind)?,
        cpu: service.cpu,
        memory: service.memory,
        spread: match service.spread {
            Spread::Pack => layout::Spread::Pack,
            Spread::AvailabilityZones => layout::Spread::Zones,
        },
        sharing: layout::Sharing::Shared,
        priority: service.priority,
        moves: match service.object.kind {
            Kind::NeuronJob => layout::Moves::Never,
            Kind::NeuronService | Kind::NeuronPool | Kind::NeuronCluster => layout::Moves::Freely,
        },
    })
}

/// Replicas of a service that its ECS services ask for on one instance type, if it still gives what the service wants.
fn held_on(service: &PackedService, shelf: &Shelf<'_>) -> u32 {
    if !service.devices.contains_key(&shelf.kind) {
        return 0;
    }
    let lowest = Slot { workload: service.object.name.clone(), devices: DeviceSet::LOWEST };
    let counts = shelf.live.wanted.range(lowest..).take_while(|(slot, _)| slot.workload == service.object.name);
    counts.map(|(_, count)| *count).sum()
}

fn existing(world: World<'_>) -> Existing<'_> {
    let mut existing = Existing::new();
    for (cluster, listing) in &world.observed.services {
        for found in listing.iter().filter(|found| found.status == ServiceStatus::Active) {
            if let Owner::Us(ObjectKey { kind: Kind::NeuronService, name }) =
                ownership::owner(&found.tags, world.installation)
            {
                existing.entry((cluster.as_str(), name)).or_default().insert(&found.name, found);
            }
        }
    }
    existing
}

/// The ECS services of one packed service.
fn of<'e, 'a>(existing: &'e Existing<'a>, service: &'e PackedService) -> &'e BTreeMap<&'a str, &'a Service> {
    static NONE: BTreeMap<&str, &Service> = BTreeMap::new();
    existing.get(&(service.cluster.as_str(), service.object.name.clone())).unwrap_or(&NONE)
}

/// How many replicas there are if nobody says how many there should be.
fn observed_total(found: &BTreeMap<&str, &Service>) -> u32 {
    if found.is_empty() { 1 } else { found.values().map(|service| live::desired(service)).sum() }
}

/// The device set that every task of an ECS service has, as its tags say.
fn devices_of(found: &Service) -> Option<(String, DeviceSet)> {
    let kind = found.tags.get(ownership::INSTANCE_TYPE)?;
    Some((kind.clone(), found.tags.get(ownership::DEVICES)?.parse().ok()?))
}

/// Names of a pool's capacity providers, of this and of earlier generations.
fn provider_names(world: World<'_>, pool: &DesiredPool) -> BTreeSet<String> {
    let ours = world.observed.all_providers().filter(|provider| {
        matches!(ownership::owner(&provider.tags, world.installation), Owner::Us(owner) if owner == pool.object)
    });
    ours.map(|provider| provider.name.clone()).collect()
}
