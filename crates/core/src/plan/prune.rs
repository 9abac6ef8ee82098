//! Decides, once a plan, whether what is no longer declared may go.
//!
//! Part of `plan`, asked by `removal` before anything goes. Whole objects are counted, not their resources, and not those
//! that are kept. What exceeds a limit is not cut down to it: then nothing goes, because the count itself is the evidence
//! that something is wrong. Objects that are on their way out count until the last of them is gone on both sides of the
//! share, so that an allowed removal never blocks itself. Which resource goes when is `removal`'s.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Planner, Prune, Wait};
use crate::observe::{ClusterStatus, ProviderStatus, ServiceStatus};
use crate::observed::{Listing, Observed};
use crate::ownership::{self, Owner, Tags};
use crate::spec::ObjectKey;
use crate::step::{Cause, Resource};

/// How many of the objects that would go a message names.
const MOST_NAMES: usize = 5;

/// How much may be removed at once because it is no longer declared. Whatever exceeds a limit stays as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneLimits {
    /// Most objects.
    pub max_objects: Option<u32>,
    /// Most percent of all objects, declared or not. A single object may always go.
    pub max_percent: Option<u32>,
}

impl PruneLimits {
    /// No limits.
    pub const NONE: Self = Self { max_objects: None, max_percent: None };

    /// The limit that removing `objects` of all `of` objects would exceed.
    fn exceeded_by(self, objects: u32, of: u32) -> Option<PruneLimit> {
        let too_many = self.max_objects.filter(|most| objects > *most).map(PruneLimit::Objects);
        let share = |percent: &u32| u64::from(objects) * 100 > u64::from(of) * u64::from(*percent);
        let too_much = self.max_percent.filter(|percent| objects > 1 && share(percent)).map(PruneLimit::Percent);
        too_many.or(too_much)
    }
}

/// One of [`PruneLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneLimit {
    /// So many objects.
    Objects(u32),
    /// So many percent of all objects.
    Percent(u32),
}

/// What forbids pruning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneBlock {
    /// The source could not be read completely, so absence proves nothing.
    IncompleteSource,
    /// The source declares nothing at all, which is more likely a mistake than a wish.
    EmptySource,
    /// More would go at once than is allowed.
    TooMany {
        /// Objects that would go.
        objects: u32,
        /// All objects, declared or not.
        of: u32,
        /// What is allowed.
        limit: PruneLimit,
    },
}

impl PruneBlock {
    /// Cause, evidence and what to do. `which` names objects that would go, if they were counted.
    pub(super) fn in_words(&self, which: &str) -> String {
        match self {
            Self::IncompleteSource => {
                "the source was not read completely, so a missing object proves nothing; fix the findings that `axon validate` lists".to_owned()
            }
            Self::EmptySource => {
                "the source declares nothing at all, which looks like a mistake; declare at least one object, or delete the resources by hand".to_owned()
            }
            Self::TooMany { objects, of, limit } => {
                let (most, setting, flag) = match limit {
                    PruneLimit::Objects(most) => (format!("{most}"), "maxObjects", "objects"),
                    PruneLimit::Percent(most) => (format!("{most} percent"), "maxPercent", "percent"),
                };
                format!(
                    "{objects} of {of} objects are no longer declared ({which}), and at most {most} may be removed at once; if \
                     that is meant, raise pruning.{setting} in the configuration (--prune-max-{flag}), or run \
                     `axon apply --prune` on this commit by hand"
                )
            }
        }
    }
}

/// The first few of the objects that would go.
fn named(going: &BTreeSet<ObjectKey>) -> String {
    let mut names: Vec<String> = going.iter().take(MOST_NAMES).map(ToString::to_string).collect();
    if going.len() > MOST_NAMES {
        names.push(format!("and {} more", going.len() - MOST_NAMES));
    }
    names.join(", ")
}

/// Whether what is no longer declared may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    Goes,
    /// It stays, and nobody needs to know.
    #[default]
    Stays,
    /// It stays, and people should know why.
    Blocked {
        /// Why.
        why: PruneBlock,
        /// Names of objects that would go, if they were counted.
        which: String,
    },
    /// Not enough was read to count what would go.
    Uncounted,
}

impl Planner<'_> {
    /// The verdict of this plan.
    pub(super) fn decide_pruning(&self) -> Verdict {
        match self.limits.prune {
            Prune::Disabled => Verdict::Stays,
            Prune::Blocked(why) => Verdict::Blocked { why, which: String::new() },
            Prune::Enabled if self.limits.prune_limits == PruneLimits::NONE => Verdict::Goes,
            Prune::Enabled if !self.can_count() => Verdict::Uncounted,
            Prune::Enabled => {
                let (going, all) = self.count();
                let count = |objects: &BTreeSet<ObjectKey>| u32::try_from(objects.len()).unwrap_or(u32::MAX);
                let (objects, of) = (count(&going), count(&all));
                let limit = self.limits.prune_limits.exceeded_by(objects, of);
                limit.map_or(Verdict::Goes, |limit| Verdict::Blocked {
                    why: PruneBlock::TooMany { objects, of, limit },
                    which: named(&going),
                })
            }
        }
    }

    /// Whether something may go for this cause; if not, says why. What a replacement has taken over always may.
    pub(super) fn lets_go(&mut self, owner: &ObjectKey, resource: &Resource, cause: &Cause) -> bool {
        if *cause != Cause::NotDeclared {
            return true;
        }
        match &self.pruning {
            Verdict::Goes => return true,
            Verdict::Stays => {}
            Verdict::Blocked { why, which } => {
                let wait = Wait::PruneBlocked { why: *why, which: which.clone(), resource: resource.clone() };
                self.wait(owner, wait);
            }
            Verdict::Uncounted => {
                let what = "everything that this installation has, to count what is no longer declared".to_owned();
                self.wait(owner, Wait::NotRead { what });
            }
        }
        false
    }

    /// Whether what is no longer declared may not go because that may be a mistake; if so, says why.
    pub(super) fn doubts_going(&mut self, owner: &ObjectKey, resource: &Resource) -> bool {
        matches!(self.pruning, Verdict::Blocked { .. } | Verdict::Uncounted)
            && !self.lets_go(owner, resource, &Cause::NotDeclared)
    }

    /// The owner, if it is an object of ours and its resource may ever be removed.
    pub(super) fn removable(&self, tags: &Tags) -> Option<ObjectKey> {
        let Owner::Us(owner) = ownership::owner(tags, self.world.installation) else { return None };
        let kept = tags.get(ownership::PRUNE).is_some_and(|value| value == "Disabled");
        (!kept && !tags.contains_key(ownership::ADOPTED)).then_some(owner)
    }

    /// Objects that would go, and all objects.
    fn count(&self) -> (BTreeSet<ObjectKey>, BTreeSet<ObjectKey>) {
        let mut all = self.world.desired.objects();
        let mut going = BTreeSet::new();
        for tags in existing(self.world.observed, &self.revisions_in_use) {
            if let Owner::Us(owner) = ownership::owner(tags, self.world.installation) {
                all.insert(owner);
            }
            going.extend(self.removable(tags).filter(|owner| !self.world.desired.declares(owner)));
        }
        (going, all)
    }

    /// Whether every cluster of ours was looked into. A first sweep does not know of clusters that nobody declares. EC2
    /// need not be readable: who has only Managed Instances need not be allowed to look at it.
    fn can_count(&self) -> bool {
        let observed = self.world.observed;
        let mut ours = observed.clusters.iter().filter(|cluster| {
            let owner = ownership::owner(&cluster.tags, self.world.installation);
            cluster.status == ClusterStatus::Active && matches!(owner, Owner::Us(_))
        });
        observed.clusters.is_read()
            && ours.all(|cluster| {
                observed.task_definitions.is_read()
                    && observed.services.get(&cluster.name).is_some_and(Listing::is_read)
                    && observed.providers.get(&cluster.name).is_some_and(Listing::is_read)
            })
    }
}

/// The tags of everything that exists. A revision that a service runs counts with the service: with one that was adopted,
/// it stays.
fn existing<'o>(observed: &'o Observed, in_use: &BTreeSet<&str>) -> impl Iterator<Item = &'o Tags> {
    let clusters = observed.clusters.iter().filter(|found| found.status != ClusterStatus::Inactive);
    let providers = observed.all_providers().filter(|found| found.status != ProviderStatus::Inactive);
    let services = observed.all_services().filter(|found| found.status != ServiceStatus::Inactive);
    let revisions =
        observed.task_definitions.iter().filter(|found| found.active && !in_use.contains(found.arn.as_str()));
    clusters
        .map(|found| &found.tags)
        .chain(providers.map(|found| &found.tags))
        .chain(services.map(|found| &found.tags))
        .chain(revisions.map(|found| &found.tags))
        .chain(observed.groups.iter().map(|found| &found.tags))
        .chain(observed.templates.iter().map(|found| &found.tags))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_number_holds_always_and_the_share_from_the_second_object_on() {
        let limits = PruneLimits { max_objects: Some(3), max_percent: Some(50) };
        assert_eq!(limits.exceeded_by(1, 1), None);
        assert_eq!(limits.exceeded_by(2, 4), None);
        assert_eq!(limits.exceeded_by(2, 3), Some(PruneLimit::Percent(50)));
        assert_eq!(limits.exceeded_by(3, 100), None);
        assert_eq!(limits.exceeded_by(4, 100), Some(PruneLimit::Objects(3)));
        assert_eq!(PruneLimits::NONE.exceeded_by(u32::MAX, u32::MAX), None);
        let none = PruneLimits { max_objects: Some(0), max_percent: None };
        assert_eq!(none.exceeded_by(1, 9), Some(PruneLimit::Objects(0)));
    }

    proptest! {
        #[test]
        fn what_was_allowed_stays_allowed_while_it_goes(
            all in 1_u32..500, going in 0_u32..500, most in proptest::option::of(0_u32..500),
            percent in proptest::option::of(0_u32..=100),
        ) {
            let going = going.min(all);
            let limits = PruneLimits { max_objects: most, max_percent: percent };
            if limits.exceeded_by(going, all).is_none() {
                for gone in 0..=going {
                    prop_assert_eq!(limits.exceeded_by(going - gone, all - gone), None, "after {}", gone);
                }
            }
        }
    }
}
