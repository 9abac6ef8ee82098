//! Workloads that compile first → the same with the variable that names the cache, and a job for each that fills it.
//!
//! The first step of `resolve`: everything after it sees plain services and jobs. Not here: how a workload waits (`plan`).

use std::borrow::Cow;

use crate::spec::{Accepted, Fleet, NeuronJob};

/// The fleet in which every compilation is a job of its own.
pub(super) fn expanded(fleet: &Fleet) -> Cow<'_, Fleet> {
    let asks = fleet.services.values().any(|service| service.spec.compile.is_some())
        || fleet.jobs.values().any(|job| job.spec.compile.is_some());
    if !asks {
        return Cow::Borrowed(fleet);
    }
    let mut expanded = fleet.clone();
    let mut steps: Vec<Accepted<NeuronJob>> = Vec::new();
    for service in expanded.services.values_mut() {
        if let Some((compile, step)) = service.spec.compile.clone().zip(service.compile_job()) {
            steps.push(Accepted { object: step, policy: service.policy, source: service.source.clone() });
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
    for step in steps {
        // A name that is declared as well is an error of `validate`; whatever was declared stays in force.
        expanded.jobs.entry(step.metadata.name.clone()).or_insert(step);
    }
    Cow::Owned(expanded)
}
