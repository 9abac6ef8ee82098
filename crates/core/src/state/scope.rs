//! What the next sweep should read: enough to plan, and no call more.

use std::collections::BTreeSet;

use super::{State, look};
use jiff::{SignedDuration, Timestamp};

use crate::cloud::{JobScope, Scope, Seen, ServiceKey};
use crate::desired::Desired;
use crate::job::book;
use crate::job::record::{self, RecordName, RunId};
use crate::observe::{ClusterStatus, Instance, Rollout, Service, ServiceStatus, ServiceTasks, StandaloneTask};
use crate::observed::{Listing, Observed};
use crate::ownership::{self, Owner};
use crate::spec::Kind;

/// How often records are looked for where no job is declared.
const LOOK_FOR_JOBS: SignedDuration = SignedDuration::from_hours(1);

impl State {
    /// What the next sweep should read.
    pub fn scope(&self, now: Timestamp) -> Scope {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let clusters: BTreeSet<String> = desired
            .into_iter()
            .flat_map(|d| {
                let declared = d.clusters.keys().chain(d.pools.values().map(|pool| &pool.cluster));
                declared.map(ToString::to_string).collect::<Vec<_>>()
            })
            .collect();
        let ours = self.observed.clusters.iter().filter(|cluster| cluster.status == ClusterStatus::Active);
        let prefixes = clusters.iter().cloned().chain(ours.map(|cluster| cluster.name.clone()));
        Scope {
            installation: self.installation.clone(),
            family_prefixes: prefixes.map(|cluster| format!("{cluster}-")).collect(),
            clusters,
            services: self.services_to_describe(desired),
            tasks_of: self.services_to_look_into(),
            history_of: self.needs_history.clone(),
            ec2: self.ec2_scope(now),
            jobs: self.job_scope(now),
            seen: self.seen(),
        }
    }

    /// Records and tasks of jobs, while there are jobs; otherwise now and then, as another process may have left records.
    fn job_scope(&self, now: Timestamp) -> Option<JobScope> {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let is_due = |looked: Timestamp| now.duration_since(looked).abs() >= LOOK_FOR_JOBS;
        // Tasks are asked for by cluster, so clusters come first.
        let looks = self.observed.clusters.is_read() && self.looked_for_jobs.is_none_or(is_due);
        (self.has_jobs() || looks).then(|| {
            let ours = self.observed.clusters.iter().filter(|cluster| cluster.status == ClusterStatus::Active);
            let ours =
                ours.filter(|cluster| matches!(ownership::owner(&cluster.tags, &self.installation), Owner::Us(_)));
            let named = desired.into_iter().flat_map(|d| d.jobs.values()).map(|job| job.cluster.to_string());
            JobScope {
                records: self.are_records_due(now).then(|| record::root(&self.installation)),
                ends: self.ends(now),
                started_by: book::started_by(&self.installation),
                tasks_of: ours.map(|cluster| cluster.name.clone()).chain(named).collect(),
            }
        })
    }

    fn seen(&self) -> Seen {
        let Observed { tasks, standalone, instances, .. } = &self.observed;
        let of_service = |found: &ServiceTasks| found.tasks.iter().map(|task| task.arn.clone()).collect();
        let of_jobs = |found: &Listing<StandaloneTask>| found.iter().map(|found| found.task.arn.clone()).collect();
        let arns = |found: &Listing<Instance>| found.iter().map(|instance| instance.arn.clone()).collect();
        Seen {
            tasks: tasks.iter().map(|(service, found)| (service.clone(), of_service(found))).collect(),
            standalone: standalone.iter().map(|(cluster, found)| (cluster.clone(), of_jobs(found))).collect(),
            instances: instances.iter().map(|(cluster, found)| (cluster.clone(), arns(found))).collect(),
        }
    }

    /// Ends of the runs that are wanted now.
    fn ends(&self, now: Timestamp) -> BTreeSet<String> {
        let root = record::root(&self.installation);
        let jobs = self.specified.iter().flat_map(|specified| specified.desired.jobs.values());
        let ends = jobs.filter_map(|job| {
            let run = match &job.spec.schedule {
                None => job.run.clone(),
                Some(schedule) => RunId::due_at(schedule.calendar().ok()?.last(now)?),
            };
            Some(RecordName::End(job.object.name.clone(), run).parameter(&root))
        });
        ends.collect()
    }

    /// Whether there are jobs: declared ones, or such whose records or revisions are still there.
    pub(super) fn has_jobs(&self) -> bool {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let declared = desired.is_some_and(|desired| !desired.jobs.is_empty());
        let recorded = self.observed.records.iter().next().is_some();
        let of_job = |tags| matches!(ownership::owner(tags, &self.installation), Owner::Us(owner) if owner.kind == Kind::NeuronJob);
        let registered =
            || self.observed.task_definitions.iter().any(|revision| revision.active && of_job(&revision.tags));
        declared || recorded || registered()
    }

    /// Services that a list may not show: a draining one is no longer listed, a new one not yet.
    fn services_to_describe(&self, desired: Option<&Desired>) -> BTreeSet<ServiceKey> {
        let declared = desired
            .into_iter()
            .flat_map(|d| d.services.values().map(|service| (service.cluster.to_string(), service.name.clone())));
        let unlisted = self
            .observed
            .all_services()
            .filter(|service| service.status == ServiceStatus::Draining)
            .map(|service| (service.cluster.clone(), service.name.clone()));
        let known = |(cluster, name): &ServiceKey| {
            self.observed
                .services
                .get(cluster)
                .and_then(|listing| listing.get(name))
                .is_some_and(|service| service.status == ServiceStatus::Active)
        };
        declared.filter(|key| !known(key)).chain(unlisted).collect()
    }

    /// Tasks are worth a call only where something moves or has moved since the last look. Those with devices of their own
    /// matter to every layout of their cluster, also while they go and when nobody declares them.
    fn services_to_look_into(&self) -> BTreeSet<ServiceKey> {
        self.observed
            .all_services()
            .filter(|service| {
                let declared = service.status == ServiceStatus::Active && self.is_declared(service);
                declared || (service.status != ServiceStatus::Inactive && self.has_devices(service))
            })
            .filter(|service| {
                let key = (service.cluster.clone(), service.name.clone());
                let changed = self.looked_into.get(&key) != Some(&look(service));
                !is_steady(service) || changed || self.has_unproven_tasks(&key, service)
            })
            .map(|service| (service.cluster.clone(), service.name.clone()))
            .collect()
    }

    /// Whether it matters that a task of a packed service is not yet counted as healthy.
    fn has_unproven_tasks(&self, key: &ServiceKey, service: &Service) -> bool {
        let Owner::Us(owner) = ownership::owner(&service.tags, &self.installation) else { return false };
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let Some(packed) = desired.and_then(|desired| desired.packed.get(&owner.name)) else { return false };
        let (signal, read) = (packed.health_signal(), self.observed.tasks_read.get(key).copied());
        let tasks = self.observed.tasks.get(key).into_iter().flat_map(|known| &known.tasks);
        tasks.into_iter().any(|task| task.runs() && !task.is_proven(signal, read))
    }

    fn has_devices(&self, service: &Service) -> bool {
        let owner = ownership::owner(&service.tags, &self.installation);
        matches!(owner, Owner::Us(_)) && service.tags.contains_key(ownership::DEVICES)
    }

    fn is_declared(&self, service: &Service) -> bool {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let owner = ownership::owner(&service.tags, &self.installation);
        desired.is_some_and(|desired| matches!(&owner, Owner::Us(owner) if desired.declares(owner)))
    }
}

/// Whether nothing moves in a service.
pub fn is_steady(service: &Service) -> bool {
    let [only] = service.deployments.as_slice() else { return false };
    only.rollout != Rollout::InProgress && only.running == only.desired && service.pending == 0
}
