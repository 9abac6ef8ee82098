//! Plans task definition revisions: register new content once, keep superseded revisions as deep as asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Answer, CREATE_GRACE, Evidence, Limits, Planner, Recent, Wait, World};
use crate::desired::DesiredService;
use crate::fingerprint::{Comparison, Fingerprint};
use crate::observe::{ServiceStatus, TaskDefinition};
use crate::observed::{Observed, Slot};
use crate::ownership::{self, Owner};
use crate::shape::shared::Tag;
use crate::spec::ObjectKey;
use crate::step::{Action, Cause, Resource, Step};

impl<'a> Planner<'a> {
    /// The revision that a service should run, registering it if no active one has the content.
    pub(super) fn revision(&mut self, wanted: &DesiredService) -> Option<&'a TaskDefinition> {
        let family = wanted.task_definition.family.clone().unwrap_or_default();
        if !self.world.observed.task_definitions.is_read() {
            self.wait(&wanted.object, Wait::NotRead { what: format!("task definition {family}") });
            return None;
        }
        if let Some(found) = self.revision_with(wanted) {
            return Some(found);
        }
        let resource = Resource::TaskDefinition(family);
        let (cluster, name) = (wanted.cluster.as_str(), wanted.name.as_str());
        if let Slot::Ours(found, _) = self.world.observed.service(cluster, name, self.installation())
            && found.status == ServiceStatus::Active
            && self.revision_is_gone(&wanted.object, &found.tags, &wanted.fingerprint)
        {
            self.wait(&wanted.object, Wait::Gone { resource });
            return None;
        }
        let mut request = wanted.task_definition.clone();
        if let Some(revision) = self.world.desired.revisions.tag(&wanted.object) {
            request.tags.push(Tag { key: Some(ownership::REVISION.to_owned()), value: Some(revision) });
        }
        let action = Action::RegisterTaskDefinition(request);
        let step = Step { object: wanted.object.clone(), resource, action, because: vec![Cause::NewContent] };
        self.step(step, Evidence::Reading);
        None
    }

    /// The newest active revision of ours with the wanted content.
    pub(super) fn revision_with(&self, wanted: &DesiredService) -> Option<&'a TaskDefinition> {
        let family = wanted.task_definition.family.as_deref();
        self.our_revisions(&wanted.object)
            .filter(|found| Some(found.family.as_str()) == family && has_content(found, &wanted.content))
            .max_by_key(|found| found.revision)
    }

    fn our_revisions(&self, object: &ObjectKey) -> impl Iterator<Item = &'a TaskDefinition> + use<'a, '_> {
        self.revisions.get(object).into_iter().flatten().copied()
    }

    /// Deregisters superseded revisions beyond the limit, one a plan: oldest first.
    pub(super) fn trim_revisions(&mut self, wanted: &DesiredService) {
        let Some(current) = self.revision_with(wanted) else { return };
        let mut superseded: Vec<&TaskDefinition> = self
            .our_revisions(&wanted.object)
            .filter(|found| {
                found.family == current.family
                    && found.arn != current.arn
                    && !self.revisions_in_use.contains(found.arn.as_str())
            })
            .collect();
        superseded.sort_by_key(|found| std::cmp::Reverse(found.revision));
        let kept = usize::try_from(wanted.history_limit).unwrap_or(usize::MAX);
        if let Some(oldest) = superseded.into_iter().skip(kept).last() {
            self.deregister(&wanted.object, oldest, Cause::BeyondHistory { limit: wanted.history_limit });
        }
    }

    pub(super) fn deregister(&mut self, object: &ObjectKey, revision: &TaskDefinition, cause: Cause) {
        let step = Step {
            object: object.clone(),
            resource: Resource::TaskDefinition(revision.family.clone()),
            action: Action::DeregisterTaskDefinition { arn: revision.arn.clone() },
            because: vec![cause],
        };
        self.step(step, Evidence::Reading);
    }
}

/// Our active revisions by the object that they are for.
pub(super) fn by_owner(world: World<'_>) -> BTreeMap<ObjectKey, Vec<&TaskDefinition>> {
    let mut revisions: BTreeMap<ObjectKey, Vec<&TaskDefinition>> = BTreeMap::new();
    for found in world.observed.task_definitions.iter().filter(|found| found.active) {
        if let Owner::Us(owner) = ownership::owner(&found.tags, world.installation) {
            revisions.entry(owner).or_default().push(found);
        }
    }
    revisions
}

/// Every revision (ARN) that a living service runs or is moving away from, or that one may be on although readings do not show
/// it yet.
pub(super) fn in_use<'a>(observed: &'a Observed, limits: &'a Limits, jobs: &[&'a str]) -> BTreeSet<&'a str> {
    let lately = limits.recent.values().flat_map(|recent| put_lately(recent, limits.now));
    observed
        .all_services()
        .filter(|service| service.status != ServiceStatus::Inactive)
        .flat_map(|service| {
            let deployed = service.deployments.iter().map(|deployment| deployment.task_definition.as_str());
            deployed.chain(service.settings.task_definition.as_deref())
        })
        .chain(lately)
        .chain(jobs.iter().copied())
        .collect()
}

/// The revisions on which a service may be by what was asked lately: that of the last call that AWS has accepted, and those of
/// calls whose answers were lost, which may still arrive. What the last one has taken the place of is in the deployments of
/// its answer as long as anything runs it.
fn put_lately(recent: &[Recent], now: Timestamp) -> impl Iterator<Item = &str> {
    let accepted = |recent: &Recent| recent.answer == Answer::Accepted && recent.revision.is_some();
    let last = recent.iter().rposition(accepted);
    let may_hold = move |(at, recent): &(usize, &Recent)| {
        now.duration_since(recent.at) < CREATE_GRACE && (!accepted(recent) || Some(*at) == last)
    };
    recent.iter().enumerate().filter(may_hold).filter_map(|(_, recent)| recent.revision.as_deref())
}

fn has_content(found: &TaskDefinition, content: &Fingerprint) -> bool {
    let tag = found.tags.get(ownership::FINGERPRINT);
    tag.is_some_and(|tag| content.compare(&Fingerprint::from_tag(tag)) == Comparison::Same)
}
