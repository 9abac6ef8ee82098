//! Everything a reconciler of one target knows, and how it learns: [`State::fold`] takes one event at a time.
//!
//! `runtime` owns a state, feeds it events (a new specification, a sweep, an outcome, the time) and asks it for the next
//! plan and the next scope to read. Outcomes are newer than sweeps that began before them; an ambiguous outcome makes a
//! step wait for a fresh reading. No I/O, no clock.

mod apply;
mod declared;
mod ec2;
mod jobs;
mod merge;
mod permissions;
mod push;
mod recent;
mod scope;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::check::{self, Violation};
use crate::cloud::{CloudError, Effect, ErrorClass, ServiceKey, Sweep};
use crate::desired::Desired;
use crate::observe::{ClusterStatus, Service};
use crate::observed::{History, Observed};
use crate::ownership::Installation;
use crate::plan::{self, Answer, Limits, Plan, Prune, PruneBlock, Recent, Retry};
use crate::spec::{Completeness, ObjectKey};
use crate::step::{Resource, Step};
use crate::world::World;

pub use permissions::{Permissions, Pruning};
pub use scope::is_steady;

use merge::Newer;

/// A failed step that was due so long ago, and has not been tried again, is not wanted any more.
const GIVEN_UP: SignedDuration = SignedDuration::from_hours(1);

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A source was read and resolved.
    Specified(Box<Specified>),
    /// AWS was read.
    Swept(Box<Sweep>),
    /// A step is being executed from now on.
    Started(Box<Step>),
    /// A step has ended.
    Ended(Box<Ended>),
}

/// A resolved specification.
#[derive(Clone, Debug, Default)]
pub struct Specified {
    /// Where it comes from, for instance `main@sha1:…`; of several sources, all of them.
    pub revision: String,
    /// What should be true.
    pub desired: Desired,
    /// Whether everything in the source could be read.
    pub completeness: Completeness,
}

impl Specified {
    /// Whether undeclared objects may go: never on the word of a source that is incomplete or empty.
    pub fn prune(&self, pruning: Pruning) -> Prune {
        match (pruning, self.completeness) {
            (Pruning::Off, _) => Prune::Disabled,
            (Pruning::On, Completeness::Partial) => Prune::Blocked(PruneBlock::IncompleteSource),
            (Pruning::On, Completeness::Complete) if self.desired.is_empty() => Prune::Blocked(PruneBlock::EmptySource),
            (Pruning::On, Completeness::Complete) => Prune::Enabled,
        }
    }
}

/// How a step ended.
#[derive(Debug)]
pub struct Ended {
    /// The step.
    pub step: Step,
    /// AWS's answer.
    pub result: Result<Effect, CloudError>,
    /// When it came.
    pub at: Timestamp,
    /// If it failed: when to try again.
    pub not_before: Timestamp,
}

/// All that is known about one target.
#[derive(Clone, Debug)]
pub struct State {
    installation: Installation,
    permissions: Permissions,
    specified: Option<Specified>,
    observed: Observed,
    in_flight: BTreeMap<Resource, Step>,
    recent: BTreeMap<Resource, Vec<Recent>>,
    retries: BTreeMap<Resource, Retry>,
    written: BTreeMap<Resource, Timestamp>,
    needs_history: BTreeSet<ServiceKey>,
    looked_into: BTreeMap<ServiceKey, Fingerprinted>,
    last_errors: Vec<CloudError>,
    images_read: Option<Timestamp>,
    subnets_read: Option<Timestamp>,
    declared: BTreeMap<Resource, String>,
    /// When records of jobs were looked for.
    looked_for_jobs: Option<Timestamp>,
    /// When a write of a record was refused or not answered: what is there then is not what was known.
    records_doubted: Option<Timestamp>,
    /// What Axon itself has removed since it made it.
    let_go: BTreeSet<Resource>,
}

/// What a service looked like when its tasks were read last.
type Fingerprinted = (String, i32, i32, String);

impl State {
    /// Knows nothing yet.
    pub fn new(installation: Installation, permissions: Permissions) -> Self {
        Self {
            installation,
            permissions,
            specified: None,
            observed: Observed::default(),
            in_flight: BTreeMap::new(),
            recent: BTreeMap::new(),
            retries: BTreeMap::new(),
            written: BTreeMap::new(),
            needs_history: BTreeSet::new(),
            looked_into: BTreeMap::new(),
            last_errors: Vec::new(),
            images_read: None,
            subnets_read: None,
            declared: BTreeMap::new(),
            looked_for_jobs: None,
            records_doubted: None,
            let_go: BTreeSet::new(),
        }
    }

    /// Whose resources are ours.
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The specification in force.
    pub const fn specified(&self) -> Option<&Specified> {
        self.specified.as_ref()
    }

    /// Everything read so far.
    pub const fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Errors of the last sweep.
    pub fn sweep_errors(&self) -> &[CloudError] {
        &self.last_errors
    }

    /// The failure that a resource is waiting out, if any.
    pub fn retry(&self, resource: &Resource) -> Option<&Retry> {
        self.retries.get(resource)
    }

    /// Failures in a row of one step; another step on the resource starts from zero.
    pub fn attempts(&self, step: &Step) -> u32 {
        let same = |retry: &&Retry| retry.step == step.fingerprint();
        self.retries.get(&step.resource).filter(same).map_or(0, |retry| retry.attempts)
    }

    /// The earliest time at which a failed step may be tried again.
    pub fn next_retry(&self) -> Option<Timestamp> {
        self.retries.values().map(|retry| retry.not_before).min()
    }

    /// Learns from one event.
    pub fn fold(&mut self, event: Event) {
        match event {
            Event::Specified(specified) => self.specified = Some(*specified),
            Event::Swept(sweep) => self.swept(*sweep),
            Event::Started(step) => {
                self.in_flight.insert(step.resource.clone(), *step);
            }
            Event::Ended(ended) => self.ended(*ended),
        }
    }

    /// The next plan, and what an independent reviewer has against it. A plan with violations must not be executed.
    pub fn plan(&mut self, now: Timestamp) -> (Plan, Vec<Violation>) {
        self.remember_declared();
        let Some(specified) = &self.specified else { return (Plan::default(), Vec::new()) };
        let limits = Limits {
            now,
            writes: self.permissions.writes,
            prune: specified.prune(self.permissions.prune),
            prune_limits: self.permissions.prune_limits,
            roles: self.permissions.roles.clone(),
            in_flight: self.in_flight.clone(),
            recent: self.recent.clone(),
            retries: self.retries.clone(),
            declared: self.declared.clone(),
        };
        let world = World { installation: &self.installation, desired: &specified.desired, observed: &self.observed };
        let plan = plan::plan(world, &limits);
        let violations = check::check(world, &limits, &plan);
        self.needs_history.clone_from(&plan.needs_history);
        (plan, violations)
    }

    fn swept(&mut self, sweep: Sweep) {
        let started = sweep.started;
        self.last_errors.clear();
        self.look_for_recent(&sweep);
        let newer = Newer::than(&self.written, started);
        match sweep.clusters {
            Ok(clusters) => {
                let entries = clusters.into_iter().map(|cluster| (cluster.name.clone(), cluster));
                newer.merge(&mut self.observed.clusters, entries.collect(), |name, _| {
                    Resource::Cluster(name.to_owned())
                });
            }
            Err(error) => self.last_errors.push(error),
        }
        for (cluster, reading) in sweep.providers {
            let listing = self.observed.providers.entry(cluster).or_default();
            match reading {
                Ok(providers) => {
                    let entries = providers.into_iter().map(|provider| (provider.name.clone(), provider));
                    newer.merge(listing, entries.collect(), |name, _| Resource::CapacityProvider(name.to_owned()));
                }
                Err(error) => self.last_errors.push(error),
            }
        }
        for (cluster, reading) in sweep.services {
            let listing = self.observed.services.entry(cluster.clone()).or_default();
            match reading {
                Ok(services) => {
                    let entries = services.into_iter().map(|service| (service.name.clone(), service));
                    newer.merge(listing, entries.collect(), |name, _| Resource::Service {
                        cluster: cluster.clone(),
                        name: name.to_owned(),
                    });
                }
                Err(error) => self.last_errors.push(error),
            }
        }
        match sweep.task_definitions {
            Some(Ok(revisions)) => {
                let entries = revisions.into_iter().map(|revision| (revision.arn.clone(), revision));
                newer.merge(&mut self.observed.task_definitions, entries.collect(), |_, revision| {
                    Resource::TaskDefinition(revision.family.clone())
                });
            }
            Some(Err(error)) => self.last_errors.push(error),
            None => {}
        }
        if let Some(ec2) = sweep.ec2 {
            self.swept_ec2(ec2, started);
        }
        if let Some(jobs) = sweep.jobs {
            self.swept_jobs(jobs, started);
        }
        self.forget_lost_clusters();
        self.swept_details(sweep.tasks, sweep.history, started);
        self.forget_what_is_over(started);
    }

    /// Every task and record of a job is a resource of its own: what is kept by resource would grow for ever.
    fn forget_what_is_over(&mut self, started: Timestamp) {
        // Every later reading begins after these.
        self.written.retain(|_, at| *at >= started);
        self.retries.retain(|_, retry| started.duration_since(retry.not_before) < GIVEN_UP);
    }

    fn swept_details(
        &mut self,
        tasks: BTreeMap<ServiceKey, crate::cloud::Reading<crate::observe::ServiceTasks>>,
        history: BTreeMap<ServiceKey, crate::cloud::Reading<Vec<crate::observe::PastDeployment>>>,
        started: Timestamp,
    ) {
        for (key, reading) in tasks {
            match reading {
                Ok(tasks) => {
                    let service = self.observed.services.get(&key.0).and_then(|listing| listing.get(&key.1));
                    if let Some(service) = service {
                        self.looked_into.insert(key.clone(), look(service));
                    }
                    self.observed.tasks_read.insert(key.clone(), started);
                    self.observed.tasks.insert(key, tasks);
                }
                Err(error) => self.last_errors.push(error),
            }
        }
        // A history is good for the plan after it; the next deviation asks anew.
        self.observed.history.retain(|_, history| history.read >= started);
        for (key, reading) in history {
            match reading {
                Ok(deployments) => {
                    self.observed.history.insert(key, History { read: started, deployments });
                }
                Err(error) => self.last_errors.push(error),
            }
        }
    }

    /// What was in a cluster that is gone is gone with it.
    fn forget_lost_clusters(&mut self) {
        let observed = &mut self.observed;
        if !observed.clusters.is_read() {
            return;
        }
        let clusters = &observed.clusters;
        let lives = |name: &String| clusters.get(name).is_some_and(|c| c.status != ClusterStatus::Inactive);
        observed.providers.retain(|name, _| lives(name));
        observed.services.retain(|name, _| lives(name));
        observed.instances.retain(|name, _| lives(name));
        observed.standalone.retain(|name, _| lives(name));
    }

    fn ended(&mut self, ended: Ended) {
        let Ended { step, result, at, not_before } = ended;
        self.in_flight.remove(&step.resource);
        match result {
            Ok(effect) => {
                // Whoever has written nothing knows no better than a reading.
                self.written.insert(step.resource.clone(), at);
                self.retries.remove(&step.resource);
                self.remember(&step, at, Answer::Accepted);
                self.forget_declared(&step);
                push::marked(&mut self.observed, &step, at);
                self.apply(&step, effect);
            }
            Err(error) => {
                if matches!(step.resource, Resource::Parameter(_)) && error.class != ErrorClass::Throttled {
                    self.records_doubted = Some(at);
                }
                self.remember_failed(&step, at, error.class);
                let attempts = self.attempts(&step) + u32::from(error.class != ErrorClass::Throttled);
                let retry = Retry { step: step.fingerprint(), error, attempts, not_before };
                self.retries.insert(step.resource, retry);
            }
        }
    }

    /// Objects that are declared now, in order of creation.
    pub fn objects(&self) -> BTreeSet<ObjectKey> {
        self.specified.as_ref().map(|specified| specified.desired.objects()).unwrap_or_default()
    }
}

fn look(service: &Service) -> Fingerprinted {
    let primary = service.deployments.iter().find(|deployment| deployment.primary);
    // A task that was replaced between two looks leaves the counts as they were, but not the events.
    let event = service.events.first().map(|event| event.id.clone()).unwrap_or_default();
    (primary.map(|deployment| deployment.id.clone()).unwrap_or_default(), service.running, service.pending, event)
}
