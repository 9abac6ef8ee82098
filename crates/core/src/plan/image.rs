//! Decides which image new instances of a group get: the newest good one, or the last good one while that is in doubt.
//!
//! Part of `plan`. An image is good if EC2 can launch it, it is made for x86_64, it is not deprecated, and no rollout has
//! failed with it. A source that leads nowhere changes nothing: the version in force stays in force, and the wait says
//! what is wrong with the source.

use jiff::Timestamp;

use super::group::contents;
use super::{Planner, Wait};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::fingerprint::Fingerprint;
use crate::observe::{Image, ImageAnswer, Template, TemplateVersion};
use crate::ownership;
use crate::spec::RolloutPolicy;

/// What new instances launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// `ami-…`.
    pub(super) id: String,
    /// The version of the template that stays in force whatever the specification says of its other contents.
    pub(super) version: Option<i64>,
}

impl Planner<'_> {
    /// The image for new instances, or nothing while none is known to be good.
    pub(super) fn image(
        &mut self,
        pool: &DesiredPool,
        wanted: &DesiredGroup,
        template: Option<&Template>,
    ) -> Option<Chosen> {
        let Some(answer) = self.world.observed.images.get(&wanted.image) else {
            self.wait(&pool.object, Wait::NotRead { what: wanted.image.to_string() });
            return None;
        };
        let current = template.and_then(|template| in_force(self.world.observed.groups.get(&wanted.name), template));
        let problem = match answer {
            ImageAnswer::Found(image) => match fault(image, self.limits.now) {
                None => return Some(self.newest(pool, wanted, (&image.id, template, current))),
                Some(fault) => format!("{} names {}, which {fault}", wanted.image, image.id),
            },
            ImageAnswer::Dangling { evidence } => evidence.clone(),
        };
        let kept = current.and_then(|version| version.image.clone());
        self.wait(&pool.object, Wait::Image { problem, kept: kept.clone() });
        Some(self.newest(pool, wanted, (&kept?, template, current)))
    }

    /// An image that could be launched, unless the policy or an earlier failure speaks against taking it.
    fn newest(
        &mut self,
        pool: &DesiredPool,
        wanted: &DesiredGroup,
        (image, template, current): (&str, Option<&Template>, Option<&TemplateVersion>),
    ) -> Chosen {
        let newest = Chosen { id: image.to_owned(), version: None };
        let Some(template) = template else { return newest };
        if !is_quarantined(template, image) && !has_failed(wanted, template, image) {
            return match (wanted.rollout.policy, current) {
                (RolloutPolicy::Hold, Some(current)) if !is_bad(template, current) => {
                    let id = current.image.clone().unwrap_or(newest.id);
                    Chosen { id, version: Some(current.number) }
                }
                (RolloutPolicy::Hold | RolloutPolicy::Report | RolloutPolicy::Roll, _) => newest,
            };
        }
        let what = if is_quarantined(template, image) { image.to_owned() } else { "this launch template".to_owned() };
        let good = template.versions.iter().rev().find(|version| !is_bad(template, version));
        let kept = good.and_then(|version| version.image.clone());
        self.wait(&pool.object, Wait::Quarantined { what, template: template.id.clone(), kept: kept.clone() });
        let (Some(good), Some(id)) = (good, kept) else { return newest };
        // A bad image leaves the rest of the specification in force; bad contents take the whole version back.
        let version = has_failed(wanted, template, &id).then_some(good.number);
        Chosen { id, version }
    }
}

/// Whether a rollout has failed with what a version with this image would hold.
fn has_failed(wanted: &DesiredGroup, template: &Template, image: &str) -> bool {
    // Most templates have no mark, and a fingerprint costs more than to look for one.
    template.tags.contains_key(ownership::QUARANTINED)
        && is_quarantined(template, &Fingerprint::of(&contents(wanted, image)).to_string())
}

/// What keeps EC2 from launching it, or speaks against it.
fn fault(image: &Image, now: Timestamp) -> Option<String> {
    if image.state != "available" {
        return Some(format!("is {}", image.state));
    }
    if image.architecture != "x86_64" {
        return Some(format!("is made for {}; Neuron instances are x86_64", image.architecture));
    }
    let deprecated = image.deprecated.filter(|at| *at <= now);
    deprecated.map(|at| format!("is deprecated since {at:.0}"))
}

/// The version that a group launches from now, or the newest one before there is a group.
fn in_force<'t>(group: Option<&crate::observe::Group>, template: &'t Template) -> Option<&'t TemplateVersion> {
    let number = group.and_then(super::group::version_of);
    match number {
        Some(number) => template.versions.iter().find(|version| version.number == number),
        None => template.versions.last(),
    }
}

/// Whether a rollout has failed with an image, or with contents of this fingerprint.
pub(super) fn is_quarantined(template: &Template, mark: &str) -> bool {
    let marks = template.tags.get(ownership::QUARANTINED);
    marks.is_some_and(|marks| marks.split(' ').any(|found| found == mark))
}

/// Whether a rollout has failed with a version.
pub(super) fn is_bad(template: &Template, version: &TemplateVersion) -> bool {
    let marks = [version.image.as_deref(), version.description.as_deref()];
    marks.into_iter().flatten().any(|mark| is_quarantined(template, mark))
}
