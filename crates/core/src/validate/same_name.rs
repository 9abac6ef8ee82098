//! The rule that a job and a service of one cluster have different names: both name their task definitions and log groups by
//! cluster and name.
//!
//! Neighbours: called by `validate` once every object has been judged alone. Both are held: which of the two came first cannot
//! be seen. Not here: two objects of one kind, which `validate` itself finds.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Declared;
use crate::spec::{Fleet, Kind, Name, Object};

use super::sharing::{Judged, hold};

/// Clusters by pool.
type Pools<'a> = BTreeMap<&'a Name, &'a Name>;

/// Holds jobs and services that could take each other's revisions for their own.
pub(super) fn check(fleet: &mut Fleet, judged: &Judged<'_>, diagnostics: &mut Vec<Diagnostic>) {
    compiling(fleet, judged, diagnostics);
    let of = |kind: Kind| judged.objects.iter().filter(move |declared| declared.key.kind == kind);
    let services: BTreeMap<&Name, &Declared> =
        of(Kind::NeuronService).map(|declared| (&declared.key.name, declared)).collect();
    let pools: Pools<'_> = of(Kind::NeuronPool)
        .filter_map(|declared| match &declared.object {
            Some(Object::Pool(pool)) => Some((&declared.key.name, &pool.spec.cluster)),
            Some(Object::Cluster(_) | Object::Service(_) | Object::Job(_)) | None => None,
        })
        .collect();
    for job in of(Kind::NeuronJob) {
        let Some(service) = services.get(&job.key.name).filter(|service| !apart(job, service, &pools)) else {
            continue;
        };
        for (one, other) in [(job, *service), (*service, job)] {
            let at = one.positions.of("/metadata/name");
            let message = format!(
                "{} in the same cluster has the name, too; both would have one family of task definitions and one log group",
                other.key
            );
            let found = Diagnostic::new(Code::JobAndService, at, message).about(one.key.clone());
            let found = found.and_see(other.location.clone(), "the other one");
            diagnostics.push(found.with_help("Give one of them another name."));
            hold(fleet, one.key.clone());
        }
    }
}

/// Holds workloads whose job that compiles would have the name of something else.
fn compiling(fleet: &mut Fleet, judged: &Judged<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let mut taken: BTreeMap<Name, &Declared> = BTreeMap::new();
    for declared in judged.objects.iter().filter(|declared| is_work(declared.key.kind)) {
        taken.entry(declared.key.name.clone()).or_insert(declared);
    }
    for declared in judged.objects {
        let job = match &declared.object {
            Some(Object::Service(service)) => service.compile_job(),
            Some(Object::Job(job)) => job.compile_job(),
            Some(Object::Cluster(_) | Object::Pool(_)) | None => None,
        };
        let Some(name) = job.map(|job| job.metadata.name) else { continue };
        if let Some(other) = taken.get(&name) {
            let at = declared.positions.of("/spec/compile");
            let message = format!(
                "its model is compiled by NeuronJob/{name}, and {} has that name or compiles under it",
                other.key
            );
            let found = Diagnostic::new(Code::CompileJobTaken, at, message).about(declared.key.clone());
            let found = found.and_see(other.location.clone(), "the other one");
            diagnostics.push(found.with_help("Give one of them another name."));
            hold(fleet, declared.key.clone());
        } else {
            taken.insert(name, declared);
        }
    }
}

const fn is_work(kind: Kind) -> bool {
    match kind {
        Kind::NeuronService | Kind::NeuronJob => true,
        Kind::NeuronCluster | Kind::NeuronPool => false,
    }
}

/// Whether two objects are known to be in different clusters.
fn apart(one: &Declared, other: &Declared, pools: &Pools<'_>) -> bool {
    match (clusters(one, pools), clusters(other, pools)) {
        (Some(one), Some(other)) => one.is_disjoint(&other),
        _ => false,
    }
}

/// The clusters in which an object has tasks, if all its pools are known.
fn clusters<'a>(declared: &Declared, pools: &Pools<'a>) -> Option<BTreeSet<&'a Name>> {
    let named: Vec<Name> = match &declared.object {
        Some(Object::Job(job)) => vec![job.spec.pool.clone()],
        Some(Object::Service(service)) => service.spec.shares().into_iter().map(|share| share.pool).collect(),
        Some(Object::Cluster(_) | Object::Pool(_)) | None => return None,
    };
    named.iter().map(|pool| pools.get(pool).copied()).collect()
}
