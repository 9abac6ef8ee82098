//! Workloads that compile first → the same with the variable that names the cache, and a job for each that fills it.
//!
//! The first step of `resolve`: everything after it sees plain services and jobs. Not here: how a workload waits (`plan`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{Accepted, Fleet, Name, NeuronJob};

/// A fleet in which nothing asks for compilation any more.
pub(super) struct Expanded<'f> {
    pub(super) fleet: Cow<'f, Fleet>,
    /// The job that each service waits for.
    pub(super) services: BTreeMap<Name, Name>,
}

impl<'f> Expanded<'f> {
    pub(super) fn of(fleet: &'f Fleet) -> Self {
        let asks = fleet.services.values().any(|service| service.spec.compile.is_some())
            || fleet.jobs.values().any(|job| job.spec.compile.is_some());
        if !asks {
            return Self { fleet: Cow::Borrowed(fleet), services: BTreeMap::new() };
        }
        let mut expanded = fleet.clone();
        let mut services = BTreeMap::new();
        let mut steps: Vec<Accepted<NeuronJob>> = Vec::new();
        for (name, service) in &mut expanded.services {
            if let Some((compile, job)) = service.spec.compile.clone().zip(service.compile_job()) {
                services.insert(name.clone(), job.metadata.name.clone());
                steps.push(Accepted { object: job, policy: service.policy, source: service.source.clone() });
                service.object.spec.template = compile.with_cache(&service.spec.template);
            }
        }
        for job in expanded.jobs.values_mut() {
            if let Some((compile, step)) = job.spec.compile.clone().zip(job.compile_job()) {
                job.object.spec.depends_on.insert(step.metadata.name.clone());
                steps.push(Accepted { object: step, policy: job.policy, source: job.source.clone() });
                job.object.spec.template = compile.with_cache(&job.spec.template);
            }
        }
        // A name that is declared as well is an error of `validate`; whatever was declared stays in force.
        let declared: BTreeSet<Name> = expanded.jobs.keys().cloned().collect();
        let new = steps.into_iter().map(|step| (step.metadata.name.clone(), step));
        expanded.jobs.extend(new.filter(|(name, _)| !declared.contains(name)));
        Self { fleet: Cow::Owned(expanded), services }
    }
}
