//! Fleets to begin with.
//!
//! Part of `fleet`; `history` draws one of them, `scenarios` lets things happen to each.

use super::fleet::{Fleet, Pool, Service, Shape};
use super::job::{Job, Work};

impl Fleet {
    /// One managed pool with two services.
    pub fn managed() -> Self {
        let one = Service { replicas: 1, checked: false, ..Service::on("chips") };
        Self::empty()
            .pool("chips", Pool::of(Shape::Managed))
            .service("llama", Service::on("chips"))
            .service("bert", one)
    }

    /// One packed pool with three services of different sizes.
    pub fn packed() -> Self {
        let sized = |devices, replicas| Service { devices, replicas, checked: false, ..Service::on("shared") };
        Self::empty()
            .pool("shared", Pool { max: 4, ..Pool::of(Shape::Packed) })
            .service("large", sized(7, 1))
            .service("medium", sized(4, 1))
            .service("small", sized(1, 2))
    }

    /// One pool of small instances with one service.
    pub fn rolling() -> Self {
        let server = Service { replicas: 3, checked: false, ..Service::on("workers") };
        Self::empty().pool("workers", Pool::of(Shape::Rolling)).service("server", server)
    }

    /// One of each.
    pub fn mixed() -> Self {
        let mut all = Self::managed();
        for other in [Self::packed(), Self::rolling()] {
            all.pools.extend(other.pools);
            all.services.extend(other.services);
        }
        all
    }

    /// A packed pool with two services and a batch of six tasks, three at once.
    pub fn batch() -> Self {
        let sized = |devices, replicas| Service { devices, replicas, checked: false, ..Service::on("shared") };
        Self::empty()
            .pool("shared", Pool { max: 4, ..Pool::of(Shape::Packed) })
            .service("medium", sized(4, 1))
            .service("small", sized(1, 2))
            .job("sweep", Job { completions: 6, parallelism: 3, ..Job::on("shared") })
    }

    /// A managed pool with a service and a job that takes an instance for each of its tasks, one after the other.
    pub fn training() -> Self {
        let one = Service { replicas: 1, checked: false, ..Service::on("chips") };
        Self::empty()
            .pool("chips", Pool::of(Shape::Managed))
            .service("bert", one)
            .job("train", Job { work: Work::Flaky, parallelism: 1, ..Job::on("chips") })
    }

    /// A packed pool with a service and a job that runs every hour.
    pub fn hourly() -> Self {
        let small = Service { checked: false, ..Service::on("shared") };
        Self::empty()
            .pool("shared", Pool { max: 4, ..Pool::of(Shape::Packed) })
            .service("small", small)
            .job("digest", Job { every: Some(60), ..Job::on("shared") })
    }

    /// A packed pool with a service and three jobs: one waits for another, and they queue for chips by their rank.
    pub fn chain() -> Self {
        let medium = Service { devices: 4, replicas: 1, least: 0, checked: false, ..Service::on("shared") };
        let sized = |devices, completions| Job { devices, completions, parallelism: 3, ..Job::on("shared") };
        let after = [String::from("prepare")].into();
        Self::empty()
            .pool("shared", Pool { max: 2, ..Pool::of(Shape::Packed) })
            .service("medium", medium)
            .job("prepare", Job { work: Work::Brief, ..sized(2, 2) })
            .job("survey", Job { priority: -5, ..sized(4, 4) })
            .job("train", Job { priority: 5, after, ..sized(6, 2) })
    }

    /// A pool of single instances with a service, and a job of two indexes with three nodes each.
    pub fn gang() -> Self {
        let bert = Service { replicas: 1, checked: false, ..Service::on("nodes") };
        Self::empty()
            .pool("nodes", Pool::of(Shape::Gang))
            .service("bert", bert)
            .job("pretrain", Job { nodes: 3, parallelism: 1, ..Job::on("nodes") })
            .job("tune", Job { completions: 1, priority: -5, ..Job::on("nodes") })
    }

    /// The same beside a shared pool with a batch, for which one of them waits.
    pub fn gangs() -> Self {
        let mut all = Self::batch();
        let Self { pools, services, jobs, .. } = Self::gang();
        all.pools.extend(pools);
        all.services.extend(services);
        all.jobs.extend(jobs);
        if let Some(last) = all.jobs.get_mut("tune") {
            last.after.insert("sweep".to_owned());
        }
        all
    }

    /// A shared pool with services whose models are compiled first, and a batch.
    pub fn compiling() -> Self {
        let mut all = Self::batch();
        for service in all.services.values_mut() {
            service.compiled = true;
        }
        all
    }

    /// A shared pool with a service and jobs that are due every minute or two.
    pub fn schedules() -> Self {
        let small = Service { checked: false, ..Service::on("shared") };
        let every = |minutes, work, policy| Job {
            every: Some(minutes),
            work,
            policy,
            completions: 1,
            parallelism: 1,
            ..Job::on("shared")
        };
        Self::empty()
            .pool("shared", Pool { max: 3, ..Pool::of(Shape::Packed) })
            .service("small", small)
            .job("beat", every(1, Work::Brief, 0))
            .job("count", Job { completions: 2, parallelism: 2, ..every(1, Work::Brief, 1) })
            .job("digest", Job { priority: 3, ..every(2, Work::Flaky, 2) })
            .job("erase", Job { backoff: 1, priority: -3, ..every(1, Work::Failing, 0) })
    }

    /// A shared pool with a service and two batches of forty tasks; one of them tries each of its indexes twice.
    pub fn batches() -> Self {
        let small = Service { checked: false, ..Service::on("shared") };
        let forty = |work, priority| Job { work, priority, completions: 40, parallelism: 12, ..Job::on("shared") };
        Self::empty()
            .pool("shared", Pool { max: 4, ..Pool::of(Shape::Packed) })
            .service("small", small)
            .job("sweep", forty(Work::Brief, 0))
            .job("tune", forty(Work::Flaky, -5))
    }

    /// All of that, and instances with one chip that are replaced when their image changes.
    pub fn busy() -> Self {
        let mut all = Self::mixed().job("rolled", Job { work: Work::Long, completions: 1, ..Job::on("workers") });
        for other in [Self::batch(), Self::training()] {
            all.jobs.extend(other.jobs);
        }
        all
    }
}
