//! Plans what lies behind a pool of Auto Scaling groups: launch template, group, capacity provider, association.
//!
//! One group for each instance type. The contents of a template version are recognised by the fingerprint in its
//! description; the group names its version by number, so that a change of image is a change that can be seen, rolled
//! and taken back. Which image is in force is decided by `image`, how running instances follow by `rollout`; the provider
//! and its association are in `group_provider`.

use super::image::Chosen;
use super::tags::{TagWrite, Tagged, tag_write};
use super::{Evidence, Planner, Wait};
use crate::desired::{DesiredGroup, DesiredPool};
use crate::diff::{self, diff_without};
use crate::fingerprint::Fingerprint;
use crate::observe::{Group, GroupMember, ProviderStatus, SubnetAnswer, Template, TemplateVersion};
use crate::observed::Slot;
use crate::ownership::{self, Tags};
use crate::shape::launch_template::{
    CreateLaunchTemplate, CreateLaunchTemplateVersion, LaunchTemplateData, TagSpecification,
};
use crate::shape::scaling_group::{
    CreateAutoScalingGroup, Ec2Tag, GroupTag, LaunchTemplateSpecification, UpdateAutoScalingGroup,
};
use crate::step::{Action, Cause, FieldChange, Resource, Step};

impl<'a> Planner<'a> {
    pub(super) fn groups(&mut self, pool: &DesiredPool, groups: &[DesiredGroup]) {
        let observed = self.world.observed;
        let unread = [
            (observed.templates.is_read(), "launch templates"),
            (observed.groups.is_read(), "Auto Scaling groups"),
            (observed.group_providers.is_read(), "capacity providers of Auto Scaling groups"),
        ];
        if let Some((_, what)) = unread.into_iter().find(|(read, _)| !read) {
            self.wait(&pool.object, Wait::NotRead { what: what.to_owned() });
            return;
        }
        let mut usable = Vec::new();
        for group in groups {
            usable.extend(self.group(pool, group));
        }
        self.associate(pool, &usable);
    }

    /// Plans one group; gives the name of its provider once that is active.
    fn group(&mut self, pool: &DesiredPool, wanted: &DesiredGroup) -> Option<String> {
        let version = self.template(pool, wanted)?;
        let group = self.scaling_group(pool, wanted, &version)?;
        self.roll(pool, wanted, group, &version);
        let provider = self.group_provider(pool, wanted, group)?;
        (provider.status == ProviderStatus::Active).then(|| provider.name.clone())
    }

    /// The version of the template that new instances should have, once it exists.
    fn template(&mut self, pool: &DesiredPool, wanted: &DesiredGroup) -> Option<Version> {
        match self.world.observed.template(&wanted.name, self.installation()) {
            Slot::Unknown => None,
            Slot::Foreign(_, owner) => {
                self.name_taken(pool, Resource::LaunchTemplate(wanted.name.clone()), &owner);
                None
            }
            Slot::Ours(_, owner) if owner != pool.object => {
                self.name_taken(pool, Resource::LaunchTemplate(wanted.name.clone()), &ownership::Owner::Us(owner));
                None
            }
            Slot::Absent => {
                let chosen = self.image(pool, wanted, None)?;
                self.create_template(pool, wanted, &chosen);
                None
            }
            Slot::Ours(found, _) => {
                let chosen = self.image(pool, wanted, Some(found))?;
                self.keep_template(pool, wanted, found, &chosen)
            }
        }
    }

    fn create_template(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, chosen: &Chosen) {
        let resource = Resource::LaunchTemplate(wanted.name.clone());
        let record = self.record(&pool.object, &resource, &(&wanted.name, &wanted.template), &pool.tags);
        if self.is_gone(&pool.object, &resource, record.as_ref()) {
            return;
        }
        let data = contents(wanted, &chosen.id);
        let tags = self.stamped(&pool.object, &pool.tags);
        let action = Action::CreateLaunchTemplate(CreateLaunchTemplate {
            launch_template_name: wanted.name.clone(),
            version_description: Some(Fingerprint::of(&data).to_string()),
            launch_template_data: data,
            tag_specifications: vec![TagSpecification {
                resource_type: "launch-template".to_owned(),
                tags: tags.into_iter().map(|(key, value)| Ec2Tag { key, value }).collect(),
            }],
        });
        let step = Step { object: pool.object.clone(), resource, action, because: vec![Cause::Missing] };
        self.step(step, Evidence::Reading);
    }

    fn keep_template(
        &mut self,
        pool: &DesiredPool,
        wanted: &DesiredGroup,
        found: &Template,
        chosen: &Chosen,
    ) -> Option<Version> {
        self.tag_template(pool, wanted, found);
        if let Some(kept) = &chosen.version {
            return Some(Version { template: found.id.clone(), number: *kept });
        }
        let data = contents(wanted, &chosen.id);
        let fingerprint = Fingerprint::of(&data).to_string();
        if let Some(version) = version_with(found, &fingerprint) {
            return Some(Version { template: found.id.clone(), number: version.number });
        }
        let newest = found.versions.last();
        let because = match newest.and_then(|newest| newest.image.as_ref()) {
            Some(image) if *image != chosen.id => Cause::Field(FieldChange {
                path: "ImageId".to_owned(),
                from: Some(image.clone().into()),
                to: Some(chosen.id.clone().into()),
            }),
            _ => Cause::NewContent,
        };
        let action = Action::CreateLaunchTemplateVersion(CreateLaunchTemplateVersion {
            launch_template_id: found.id.clone(),
            version_description: Some(fingerprint),
            launch_template_data: data,
        });
        let resource = Resource::LaunchTemplate(wanted.name.clone());
        self.step(Step { object: pool.object.clone(), resource, action, because: vec![because] }, Evidence::Reading);
        None
    }

    fn tag_template(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, found: &Template) {
        let resource = Resource::LaunchTemplate(wanted.name.clone());
        let place = Tagged { object: &pool.object, resource: resource.clone(), arn: &found.id, found: &found.tags };
        let kept = self.kept(place, &(&wanted.name, &wanted.template), &pool.tags);
        if self.spares(&kept, "", &[]) {
            return;
        }
        let Some((write, because)) = tag_write(&found.tags, &kept.tags) else { return };
        let id = found.id.clone();
        let action = match write {
            TagWrite::Remove(keys) => Action::DeleteTags { id, keys },
            TagWrite::Set(tags) => Action::CreateTags { id, tags },
        };
        self.step(Step { object: pool.object.clone(), resource, action, because }, Evidence::Reading);
    }

    fn scaling_group(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, version: &Version) -> Option<&'a Group> {
        let resource = Resource::AutoScalingGroup(wanted.name.clone());
        match self.world.observed.group(&wanted.name, self.installation()) {
            Slot::Unknown => None,
            Slot::Foreign(_, owner) => {
                self.name_taken(pool, resource, &owner);
                None
            }
            Slot::Ours(_, owner) if owner != pool.object => {
                self.name_taken(pool, resource, &ownership::Owner::Us(owner));
                None
            }
            Slot::Ours(found, _) if found.status.is_some() => {
                let status = found.status.clone().unwrap_or_default();
                self.wait(&pool.object, Wait::Group { group: found.name.clone(), status });
                None
            }
            Slot::Ours(found, _) => {
                if !self.lacks_subnets(pool, wanted) || has_same_subnets(&wanted.settings, &found.settings) {
                    self.keep_group(pool, wanted, (found, version));
                }
                Some(found)
            }
            Slot::Absent => {
                if !self.lacks_subnets(pool, wanted) {
                    self.create_group(pool, wanted, version);
                }
                None
            }
        }
    }

    /// Says which subnets do not exist. One that was never looked up may.
    fn lacks_subnets(&mut self, pool: &DesiredPool, wanted: &DesiredGroup) -> bool {
        let known = &self.world.observed.subnets;
        let is_missing = |id: &&str| known.get(*id) == Some(&SubnetAnswer::Missing);
        let missing: Vec<String> = wanted.subnets().filter(is_missing).map(str::to_owned).collect();
        let lacks = !missing.is_empty();
        if lacks {
            self.wait(&pool.object, Wait::Subnets { group: wanted.name.clone(), missing });
        }
        lacks
    }

    /// The settings of a group, with as many instances at least as jobs of several nodes gather in it.
    fn sized(&self, pool: &DesiredPool, wanted: &DesiredGroup) -> UpdateAutoScalingGroup {
        let mut settings = wanted.settings.clone();
        if let Some(least) = self.gathered(pool, wanted).and_then(|least| i32::try_from(least).ok()) {
            settings.min_size = Some(settings.min_size.unwrap_or(0).max(least));
        }
        settings
    }

    fn create_group(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, version: &Version) {
        let settings = with_version(&wanted.settings, version);
        let resource = Resource::AutoScalingGroup(wanted.name.clone());
        let record = self.record(&pool.object, &resource, &settings, &pool.tags);
        if self.is_gone(&pool.object, &resource, record.as_ref()) {
            return;
        }
        let action = Action::CreateAutoScalingGroup(CreateAutoScalingGroup {
            auto_scaling_group_name: wanted.name.clone(),
            launch_template: settings.launch_template,
            mixed_instances_policy: settings.mixed_instances_policy,
            min_size: settings.min_size,
            max_size: settings.max_size,
            vpc_zone_identifier: settings.vpc_zone_identifier,
            placement_group: settings.placement_group,
            new_instances_protected_from_scale_in: settings.new_instances_protected_from_scale_in,
            health_check_type: settings.health_check_type,
            health_check_grace_period: settings.health_check_grace_period,
            default_instance_warmup: settings.default_instance_warmup,
            termination_policies: settings.termination_policies,
            capacity_rebalance: settings.capacity_rebalance,
            max_instance_lifetime: settings.max_instance_lifetime,
            tags: group_tags(&self.stamped(&pool.object, &pool.tags)),
        });
        let step = Step { object: pool.object.clone(), resource, action, because: vec![Cause::Missing] };
        self.step(step, Evidence::Reading);
    }

    fn keep_group(&mut self, pool: &DesiredPool, wanted: &DesiredGroup, (found, version): (&Group, &Version)) {
        let resource = Resource::AutoScalingGroup(wanted.name.clone());
        let settings = with_version(&self.sized(pool, wanted), version);
        let ignored = self.ignored(&pool.object);
        let changes = diff_without(&comparable(&settings), &comparable(&found.settings), &diff::GROUP, &ignored);
        let place = Tagged { object: &pool.object, resource: resource.clone(), arn: &found.arn, found: &found.tags };
        let kept = self.kept(place, &settings, &pool.tags);
        if self.spares(&kept, "", &changes) {
            return;
        }
        if !changes.is_empty() {
            let request = diff::spell_out(settings, &changes, &diff::GROUP);
            let action = Action::UpdateAutoScalingGroup(ignored.left_out(request, &found.settings));
            let because = changes.into_iter().map(Cause::Field).collect();
            self.step(Step { object: pool.object.clone(), resource, action, because }, Evidence::Reading);
            return;
        }
        let Some((write, because)) = tag_write(&found.tags, &kept.tags) else { return };
        let group = found.name.clone();
        let action = match write {
            TagWrite::Remove(keys) => Action::DeleteGroupTags { group, keys },
            TagWrite::Set(tags) => Action::CreateOrUpdateTags { group, tags: group_tags(&tags) },
        };
        self.step(Step { object: pool.object.clone(), resource, action, because }, Evidence::Reading);
    }
}

/// A version of a launch template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// `lt-…`.
    pub(super) template: String,
    /// Number.
    pub(super) number: i64,
}

/// What a version holds.
pub(super) fn contents(wanted: &DesiredGroup, image: &str) -> LaunchTemplateData {
    LaunchTemplateData { image_id: Some(image.to_owned()), ..wanted.template.clone() }
}

/// The newest version with these contents.
pub(super) fn version_with<'t>(template: &'t Template, fingerprint: &str) -> Option<&'t TemplateVersion> {
    template.versions.iter().rev().find(|version| version.description.as_deref() == Some(fingerprint))
}

/// The version that a group launches from.
pub fn version_of(group: &Group) -> Option<i64> {
    specification(&group.settings)?.version.as_deref()?.parse().ok()
}

/// Whether a group launches from this version of this very template. One that was deleted and made again counts its versions
/// from 1 again.
pub(super) fn launches_from(group: &Group, version: &Version) -> bool {
    let names = |given: &LaunchTemplateSpecification| given.launch_template_id.as_ref() == Some(&version.template);
    specification(&group.settings).is_some_and(names) && version_of(group) == Some(version.number)
}

/// Whether an instance was launched from the template and the version that its group launches from.
pub fn is_current(group: &Group, member: &GroupMember) -> bool {
    let Some(given) = specification(&group.settings) else { return false };
    given.launch_template_id == member.template && given.version == member.template_version
}

fn specification(settings: &UpdateAutoScalingGroup) -> Option<&LaunchTemplateSpecification> {
    let mixed = settings.mixed_instances_policy.as_ref();
    let mixed = mixed.and_then(|policy| policy.launch_template.as_ref()?.launch_template_specification.as_ref());
    settings.launch_template.as_ref().or(mixed)
}

fn with_version(settings: &UpdateAutoScalingGroup, version: &Version) -> UpdateAutoScalingGroup {
    let specification = LaunchTemplateSpecification {
        launch_template_id: Some(version.template.clone()),
        launch_template_name: None,
        version: Some(version.number.to_string()),
    };
    let mut settings = settings.clone();
    match settings.mixed_instances_policy.as_mut().and_then(|policy| policy.launch_template.as_mut()) {
        Some(template) => template.launch_template_specification = Some(specification),
        None => settings.launch_template = Some(specification),
    }
    settings
}

/// AWS answers the name of the template beside its id.
fn comparable(settings: &UpdateAutoScalingGroup) -> UpdateAutoScalingGroup {
    let mut settings = settings.clone();
    settings.auto_scaling_group_name = None;
    settings.vpc_zone_identifier = sorted_subnets(&settings);
    let mixed = settings.mixed_instances_policy.as_mut().and_then(|policy| policy.launch_template.as_mut());
    let mixed = mixed.and_then(|template| template.launch_template_specification.as_mut());
    for specification in settings.launch_template.iter_mut().chain(mixed) {
        specification.launch_template_name = None;
    }
    settings
}

/// AWS answers the subnets in an order of its own.
fn sorted_subnets(settings: &UpdateAutoScalingGroup) -> Option<String> {
    settings.vpc_zone_identifier.as_ref().map(|subnets| {
        let mut subnets: Vec<&str> = subnets.split(',').map(str::trim).collect();
        subnets.sort_unstable();
        subnets.join(",")
    })
}

fn has_same_subnets(one: &UpdateAutoScalingGroup, other: &UpdateAutoScalingGroup) -> bool {
    sorted_subnets(one) == sorted_subnets(other)
}

fn group_tags(tags: &Tags) -> Vec<GroupTag> {
    let tag = |(key, value): (&String, &String)| GroupTag {
        key: key.clone(),
        value: value.clone(),
        // Instances and volumes get theirs from the template.
        propagate_at_launch: false,
    };
    tags.iter().map(tag).collect()
}
