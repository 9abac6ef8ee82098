//! One change of jobs that somebody commits.
//!
//! Part of `edit`. Like there, an edit never makes a fleet that the reference of the objects refuses: no job waits for one that is not
//! declared, none for itself by any way around.

use std::collections::BTreeSet;

use super::edit::chosen;
use super::fleet::Fleet;
use super::job::{Job, Work};

/// A change of jobs. Numbers pick among what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEdit {
    /// Another job on a pool, up to four of them.
    Add(usize, Work),
    /// One job less.
    Remove(usize),
    /// The job that was removed last is back, as it was.
    Return,
    /// The next version of an image: another run.
    Image(usize, Work),
    /// Another environment: another run.
    Env(usize),
    /// So many tasks that must succeed: another run.
    Completions(usize, u32),
    /// So many chips: another run.
    Devices(usize, u32),
    /// Stopped until further notice, or let go on.
    Suspend(usize),
    /// So many at once.
    Parallelism(usize, u32),
    /// So many nodes, where the pool is for that: another run.
    Nodes(usize, u32),
    /// So many failures.
    Backoff(usize, u32),
    /// Another rank in the queue.
    Priority(usize, i32),
    /// So many minutes, or as long as it takes.
    Deadline(usize, u32),
    /// Every so many minutes, or once.
    Every(usize, u32),
    /// Another `concurrencyPolicy`.
    Policy(usize),
    /// What nobody knows is tried again, or is not.
    Repeats(usize),
    /// Waits for another job, or for none any more.
    After(usize, usize),
    /// Another pool.
    Pool(usize, usize),
}

/// Most jobs of a fleet.
const MOST: usize = 4;

impl JobEdit {
    /// Makes the change.
    pub(super) fn apply(self, fleet: &mut Fleet) {
        match self {
            Self::Add(pick, work) => add(fleet, pick, work),
            Self::Remove(pick) => {
                if let Some(name) = chosen(fleet.jobs.keys(), pick) {
                    remove(fleet, &name);
                }
            }
            Self::Return => give_back(fleet),
            Self::After(pick, other) => wait_for(fleet, pick, other),
            Self::Pool(pick, pool) => {
                let Some(pool) = chosen(fleet.pools.keys(), pool) else { return };
                let Some(name) = chosen(fleet.jobs.keys(), pick) else { return };
                if let Some(job) = fleet.jobs.get_mut(&name) {
                    // Another shape may be another task, and so another run.
                    (job.pool, job.marred) = (pool, true);
                }
            }
            _ => self.edit(fleet),
        }
    }

    fn edit(self, fleet: &mut Fleet) {
        let (Self::Image(pick, _)
        | Self::Env(pick)
        | Self::Completions(pick, _)
        | Self::Devices(pick, _)
        | Self::Suspend(pick)
        | Self::Parallelism(pick, _)
        | Self::Nodes(pick, _)
        | Self::Backoff(pick, _)
        | Self::Priority(pick, _)
        | Self::Deadline(pick, _)
        | Self::Every(pick, _)
        | Self::Policy(pick)
        | Self::Repeats(pick)) = self
        else {
            return;
        };
        let Some(name) = chosen(fleet.jobs.keys(), pick) else { return };
        let waited_for = fleet.jobs.values().any(|other| other.after.contains(&name));
        let Some(job) = fleet.jobs.get_mut(&name) else { return };
        match self {
            Self::Image(_, work) => (job.work, job.version, job.marred) = (work, job.version + 1, false),
            Self::Env(_) => (job.env, job.marred) = (job.env + 1, false),
            // There and back is the same work again, which has ended already.
            Self::Completions(_, count) => (job.completions, job.marred) = (count.max(1), true),
            Self::Devices(_, count) => (job.devices, job.marred) = (count.max(1), true),
            Self::Nodes(_, count) => (job.nodes, job.marred) = (count.max(1), true),
            Self::Suspend(_) => job.suspend = !job.suspend,
            Self::Parallelism(_, count) => job.parallelism = count.max(1),
            Self::Backoff(_, count) => job.backoff = count,
            Self::Priority(_, rank) => job.priority = rank,
            Self::Deadline(_, minutes) => {
                job.deadline = Some(minutes).filter(|_| job.deadline.is_none());
                job.marred = true;
            }
            // Nobody can wait for a job that never ends.
            Self::Every(_, minutes) if !waited_for => {
                job.every = Some(minutes).filter(|_| job.every.is_none());
                job.marred = true;
            }
            Self::Policy(_) => job.policy += 1,
            Self::Repeats(_) => job.repeats = !job.repeats,
            _ => {}
        }
    }
}

/// A job goes, and nobody waits for it any more.
pub(super) fn remove(fleet: &mut Fleet, name: &str) {
    let Some(job) = fleet.jobs.remove(name) else { return };
    for other in fleet.jobs.values_mut() {
        other.after.remove(name);
    }
    fleet.gone = Some((name.to_owned(), Job { after: BTreeSet::new(), ..job }));
}

fn add(fleet: &mut Fleet, pick: usize, work: Work) {
    let Some(pool) = chosen(fleet.pools.keys(), pick) else { return };
    if fleet.jobs.len() >= MOST {
        return;
    }
    fleet.named += 1;
    fleet.jobs.insert(format!("job-{}", fleet.named), Job { work, ..Job::on(&pool) });
}

fn give_back(fleet: &mut Fleet) {
    let Some((name, job)) = fleet.gone.take() else { return };
    if fleet.pools.contains_key(&job.pool) && fleet.jobs.len() < MOST {
        fleet.jobs.insert(name, Job { marred: true, ..job });
    }
}

fn wait_for(fleet: &mut Fleet, pick: usize, other: usize) {
    let (Some(name), Some(other)) = (chosen(fleet.jobs.keys(), pick), chosen(fleet.jobs.keys(), other)) else { return };
    // Only for names that come before it, so that there is no circle, and for what comes to an end.
    if other >= name || fleet.jobs.get(&other).is_none_or(|other| other.every.is_some()) {
        return;
    }
    if let Some(job) = fleet.jobs.get_mut(&name)
        && !job.after.remove(&other)
    {
        job.after.insert(other);
    }
}

/// Everything ends well and by itself: work that cannot is changed, what begins again and again is held, and what people have ended
/// or changed to and fro begins anew.
pub(super) fn mend(fleet: &mut Fleet) {
    for job in fleet.jobs.values_mut() {
        // What has run out of time is not run again without that.
        if !job.work.is_well() || job.marred || job.deadline.is_some() {
            job.version += 1;
        }
        if !job.work.is_well() {
            job.work = Work::Batch;
        }
        (job.suspend, job.deadline, job.marred) = (job.every.is_some(), None, false);
    }
}
