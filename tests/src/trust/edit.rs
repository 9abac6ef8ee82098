//! One change that somebody commits.
//!
//! Neighbours: `history` draws edits, `sweep` lists them, `stage` puts what they make in force; `job_edit` has those of jobs. An edit never makes a
//! fleet that the reference of the objects refuses: refusals are tested elsewhere.

use super::fleet::{Fleet, Image, Pool, Service, Shape};
use super::job_edit::{self, JobEdit};

/// A change of the specification. Numbers pick among what is there, so that a history stays playable when it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The next version of an image, and what it does.
    Image(usize, Image),
    /// Another environment.
    Env(usize),
    /// So many replicas.
    Replicas(usize, u32),
    /// So many chips.
    Devices(usize, u32),
    /// Another budget.
    Budget(usize, u32, u32),
    /// Another tag on a service.
    Team(usize),
    /// With or without a health check.
    Check(usize),
    /// Compiled before it is deployed, or not.
    Compile(usize),
    /// Another service on a pool, up to four of them.
    AddService(usize),
    /// One service less.
    RemoveService(usize),
    /// Another pool of some shape with one service, up to four pools.
    AddPool(Shape),
    /// One pool less, with its services.
    RemovePool(usize),
    /// Spot instead of on demand, or back: another capacity provider.
    Option(usize),
    /// Other instance types.
    Types(usize),
    /// Other subnets.
    Subnets(usize),
    /// Another tag on a pool.
    PoolTeam(usize),
    /// Another limit of a pool.
    Max(usize),
    /// Container Insights on or off.
    Insights,
    /// Something about jobs.
    Job(JobEdit),
    /// Every image is well again, and every job comes to its end.
    Mend,
}

impl Edit {
    /// What the fleet is afterwards.
    #[must_use]
    pub fn apply(self, fleet: &Fleet) -> Fleet {
        let mut after = fleet.clone();
        match self {
            Self::Image(..)
            | Self::Env(_)
            | Self::Replicas(..)
            | Self::Devices(..)
            | Self::Budget(..)
            | Self::Team(_)
            | Self::Check(_)
            | Self::Compile(_) => self.edit_service(&mut after),
            Self::AddService(pick) => add_service(&mut after, pick),
            Self::RemoveService(pick) => {
                if let Some(name) = chosen(after.services.keys(), pick) {
                    after.services.remove(&name);
                }
            }
            Self::AddPool(shape) => add_pool(&mut after, shape),
            Self::RemovePool(pick) => {
                if let Some(name) = chosen(after.pools.keys(), pick) {
                    after.pools.remove(&name);
                    after.services.retain(|_, service| service.pool != name);
                    let on_it = after.jobs.iter().filter(|(_, job)| job.pool == name);
                    let on_it: Vec<String> = on_it.map(|(job, _)| job.clone()).collect();
                    for job in &on_it {
                        job_edit::remove(&mut after, job);
                    }
                }
            }
            Self::Option(_) | Self::Types(_) | Self::Subnets(_) | Self::PoolTeam(_) | Self::Max(_) => {
                self.edit_pool(&mut after);
            }
            Self::Insights => after.insights = !after.insights,
            Self::Job(edit) => edit.apply(&mut after),
            Self::Mend => {
                job_edit::mend(&mut after);
                // People may have cancelled what compiles for it.
                let mended = |service: &&mut Service| service.image != Image::Well || service.compiled;
                for service in after.services.values_mut().filter(mended) {
                    service.image = Image::Well;
                    service.version += 1;
                }
            }
        }
        // What cannot be carried out without an outage is no edit.
        if after.has_room() || !fleet.has_room() { after } else { fleet.clone() }
    }

    fn edit_service(self, fleet: &mut Fleet) {
        let (Self::Image(pick, _)
        | Self::Env(pick)
        | Self::Replicas(pick, _)
        | Self::Devices(pick, _)
        | Self::Budget(pick, ..)
        | Self::Team(pick)
        | Self::Check(pick)
        | Self::Compile(pick)) = self
        else {
            return;
        };
        let Some(name) = chosen(fleet.services.keys(), pick) else { return };
        let Some(service) = fleet.services.get_mut(&name) else { return };
        match self {
            Self::Image(_, image) => {
                service.version += 1;
                service.image = image;
            }
            Self::Env(_) => service.env += 1,
            Self::Replicas(_, count) => service.replicas = count.min(most(fleet.pools.get(&service.pool))),
            Self::Devices(_, count) => service.devices = count,
            Self::Budget(_, least, most) => (service.least, service.most) = (least, most),
            Self::Team(_) => service.team += 1,
            Self::Compile(_) => service.compiled = !service.compiled,
            _ => service.checked = !service.checked,
        }
    }

    fn edit_pool(self, fleet: &mut Fleet) {
        let (Self::Option(pick) | Self::Types(pick) | Self::Subnets(pick) | Self::PoolTeam(pick) | Self::Max(pick)) =
            self
        else {
            return;
        };
        let Some(name) = chosen(fleet.pools.keys(), pick) else { return };
        let Some(pool) = fleet.pools.get_mut(&name) else { return };
        match self {
            Self::Option(_) => pool.spot = !pool.spot,
            // Other chips in shared instances are other device sets; that is a subject of the layout's own tests.
            Self::Types(_) if ![Shape::Packed, Shape::Gang].contains(&pool.shape) => pool.types += 1,
            Self::Subnets(_) => pool.subnets += 1,
            Self::PoolTeam(_) => pool.team += 1,
            Self::Max(_) => pool.max = if pool.max == 8 { 7 } else { 8 },
            _ => {}
        }
    }
}

/// Replicas that fit on a pool together with as many again while they are replaced; in a shared one, `has_room` says.
const fn most(pool: Option<&Pool>) -> u32 {
    match pool {
        Some(Pool { shape: Shape::Rolling | Shape::Gang, .. }) => 3,
        _ => 4,
    }
}

pub(super) fn chosen<'a>(names: impl Iterator<Item = &'a String> + Clone, pick: usize) -> Option<String> {
    let count = names.clone().count();
    names.into_iter().nth(pick.checked_rem(count)?).cloned()
}

fn add_service(fleet: &mut Fleet, pick: usize) {
    let Some(pool) = chosen(fleet.pools.keys(), pick) else { return };
    let rolling = fleet.pools.get(&pool).is_some_and(|pool| [Shape::Rolling, Shape::Gang].contains(&pool.shape));
    let there = fleet.services.values().filter(|service| service.pool == pool).count();
    if there < if rolling { 1 } else { 4 } {
        insert_service(fleet, &pool);
    }
}

fn insert_service(fleet: &mut Fleet, pool: &str) {
    let free = (1..1_000).map(|number| format!("added-{number}")).find(|name| !fleet.services.contains_key(name));
    if let Some(name) = free {
        fleet.services.insert(name, Service { replicas: 1, ..Service::on(pool) });
    }
}

fn add_pool(fleet: &mut Fleet, shape: Shape) {
    if fleet.pools.len() >= 4 {
        return;
    }
    let free = (1..1_000).map(|number| format!("pool-{number}")).find(|name| !fleet.pools.contains_key(name));
    if let Some(name) = free {
        fleet.pools.insert(name.clone(), Pool::of(shape));
        insert_service(fleet, &name);
    }
}
