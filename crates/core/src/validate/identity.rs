//! Rules that every kind shares: annotations, tags, and objects nothing uses.
//!
//! Neighbours: called by the rules of each kind. Not here: names, whose characters `parse` checks.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::parse::{Declared, escape};
use crate::spec::{ADOPT, BadAnnotation, Completeness, Fleet, Kind, Metadata, Name, PREFIX, PRUNE, Policy, SUSPEND};

use super::subject::Subject;

/// Tags Axon adds to everything: managed-by, kind, name, fingerprint and revision.
const OWN_TAGS: usize = 5;

/// The policy in the annotations, unless one of them is wrong.
pub(super) fn policy(subject: &mut Subject<'_>, metadata: &Metadata) -> Option<Policy> {
    match Policy::read(&metadata.annotations) {
        Ok(policy) => Some(policy),
        Err(problems) => {
            for problem in problems {
                report(subject, &problem);
            }
            None
        }
    }
}

fn report(subject: &mut Subject<'_>, problem: &BadAnnotation) {
    let at = |key: &str| format!("/metadata/annotations/{}", escape(key));
    match problem {
        BadAnnotation::UnknownKey { key } => {
            let message = format!("the annotation {key:?} is under {PREFIX} but unknown");
            let help = did_you_mean(key, [PRUNE, ADOPT, SUSPEND]).unwrap_or_default();
            subject.report(Code::BadAnnotation, &at(key), message, help);
        }
        BadAnnotation::UnknownValue { key, value, allowed } => {
            let message = format!("the annotation {key} is {value:?}");
            subject.report(Code::BadAnnotation, &at(key), message, format!("Write {}.", allowed.join(" or ")));
        }
    }
}

/// Rules for tags. `limit` is the most tags AWS allows on the thing.
pub(super) fn tags(subject: &mut Subject<'_>, pointer: &str, tags: &BTreeMap<String, String>, limit: usize) {
    if tags.len() + OWN_TAGS > limit {
        let message = format!("{} tags, and Axon adds {OWN_TAGS}; AWS allows {limit}", tags.len());
        subject.report(Code::TooManyTags, pointer, message, "Remove some.");
    }
    let help = "Use letters, digits, spaces and + - = . _ : / @.";
    for (key, value) in tags {
        let at = format!("{pointer}/{}", escape(key));
        if key.to_lowercase().starts_with("aws:") || key.starts_with(PREFIX) {
            let message = format!("the tag {key:?} uses a reserved prefix");
            subject.report(Code::ReservedTag, &at, message, "Choose another key.");
        }
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(in_tag) {
            let message = format!("the tag key {key:?} is empty, longer than 128 characters or has ones AWS refuses");
            subject.report(Code::BadTag, &at, message, help);
        }
        if value.chars().count() > 256 || !value.chars().all(in_tag) {
            let message = format!("the value of the tag {key:?} is longer than 256 characters or has ones AWS refuses");
            subject.report(Code::BadTag, &at, message, help);
        }
    }
}

fn in_tag(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ' ' | '+' | '-' | '=' | '.' | '_' | ':' | '/' | '@')
}

/// Pools without services. Silent while some service cannot be read, since that one may use the pool.
pub(super) fn unused(fleet: &Fleet, objects: &[Declared], diagnostics: &mut Vec<Diagnostic>) {
    let held = fleet.stalled.iter().any(|key| matches!(key.kind, Kind::NeuronService | Kind::NeuronJob));
    if held || fleet.complete == Completeness::Partial {
        return;
    }
    let shares = fleet.services.values().flat_map(|service| service.spec.shares());
    let jobs = fleet.jobs.values().map(|job| job.spec.pool.clone());
    let steps = fleet.services.values().filter_map(|service| service.compile_job());
    let steps = steps.chain(fleet.jobs.values().filter_map(|job| job.compile_job())).map(|step| step.spec.pool);
    let used: BTreeSet<Name> = shares.map(|share| share.pool).chain(jobs).chain(steps).collect();
    for declared in objects.iter().filter(|declared| declared.key.kind == Kind::NeuronPool) {
        let name = &declared.key.name;
        if used.contains(name) || !fleet.pools.contains_key(name) {
            continue;
        }
        let at = declared.positions.of("/metadata/name");
        let found = Diagnostic::new(Code::UnusedObject, at, format!("no service or job runs on the pool {name}"));
        diagnostics.push(found.about(declared.key.clone()).with_help("Remove it, or name it in a service or job."));
    }
}
