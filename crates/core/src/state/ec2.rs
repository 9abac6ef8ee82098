//! Files what a sweep found on the EC2 path.
//!
//! Part of `state`. Groups, machines and container instances change by themselves; images are looked up now and then.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::merge::Newer;
use super::recent::is_recent;
use crate::cloud::{Ec2Scope, Ec2Sweep, ErrorClass, Reading};
use crate::desired::{Desired, DesiredCapacity, DesiredPool, JobTasks};
use crate::observe::SubnetAnswer;
use crate::observed::Listing;
use crate::step::Resource;

/// How long a looked-up image counts as known. AWS publishes images every few days; Parameter Store takes 40 calls a
/// second from the whole account.
const IMAGES_STAY: SignedDuration = SignedDuration::from_mins(15);

/// How long a looked-up subnet counts as known.
const SUBNETS_STAY: SignedDuration = SignedDuration::from_hours(1);

impl State {
    pub(super) fn swept_ec2(&mut self, ec2: Ec2Sweep, started: Timestamp) {
        let newer = Newer::than(&self.written, started);
        let mut errors = Vec::new();
        let observed = &mut self.observed;
        if let Some(found) = good(ec2.providers, &mut errors) {
            let entries = found.into_iter().map(|provider| (provider.name.clone(), provider));
            newer.merge(&mut observed.group_providers, entries.collect(), |name, _| {
                Resource::CapacityProvider(name.to_owned())
            });
        }
        if let Some(found) = good(ec2.templates, &mut errors) {
            let entries = found.into_iter().map(|template| (template.name.clone(), template));
            newer
                .merge(&mut observed.templates, entries.collect(), |name, _| Resource::LaunchTemplate(name.to_owned()));
        }
        if let Some(found) = good(ec2.groups, &mut errors) {
            let entries = found.into_iter().map(|group| (group.name.clone(), group));
            newer.merge(&mut observed.groups, entries.collect(), |name, _| Resource::AutoScalingGroup(name.to_owned()));
        }
        if let Some(found) = good(ec2.machines, &mut errors) {
            observed.machines = Listing::Read(found.into_iter().map(|machine| (machine.id.clone(), machine)).collect());
        }
        for (cluster, reading) in ec2.instances {
            let listing = observed.instances.entry(cluster).or_default();
            if let Some(found) = good(reading, &mut errors) {
                let entries = found.into_iter().map(|instance| (instance.arn.clone(), instance));
                newer.merge(listing, entries.collect(), |arn, instance| {
                    Resource::Instance(instance.ec2_id.clone().unwrap_or_else(|| arn.to_owned()))
                });
            }
        }
        if !ec2.images.is_empty() {
            self.images_read = Some(started);
        }
        for (source, reading) in ec2.images {
            if let Some(answer) = good(reading, &mut errors) {
                observed.images.insert(source, answer);
            }
        }
        if let Some(answers) = good(ec2.subnets, &mut errors) {
            if !answers.is_empty() {
                self.subnets_read = Some(started);
            }
            self.observed.subnets.extend(answers);
        }
        // Who has only Managed Instances need not be allowed to look at EC2.
        let wanted = self.wants_ec2();
        errors.retain(|error| wanted || error.class != ErrorClass::Denied);
        self.last_errors.extend(errors);
    }

    /// What the next sweep should read of the EC2 path: all of it while something of it is declared, exists, or may.
    pub(super) fn ec2_scope(&self, now: Timestamp) -> Option<Ec2Scope> {
        let observed = &self.observed;
        let exists = observed.groups.iter().next().is_some()
            || observed.templates.iter().next().is_some()
            || observed.group_providers.iter().any(|provider| self.is_ours(&provider.tags));
        let unread = !observed.groups.is_read() || !observed.templates.is_read() || !observed.group_providers.is_read();
        if !self.wants_ec2() && !exists && !unread && !self.wrote_ec2_lately(now) {
            return None;
        }
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        let groups: Vec<_> = desired.into_iter().flat_map(|d| d.pools.values()).flat_map(DesiredPool::groups).collect();
        let stale = self.images_read.is_none_or(|read| now.duration_since(read) >= IMAGES_STAY);
        let images: BTreeSet<_> = groups.iter().map(|group| group.image.clone()).collect();
        let unknown = images.iter().any(|image| !observed.images.contains_key(image));
        let subnets: BTreeSet<String> = groups.iter().flat_map(|group| group.subnets()).map(str::to_owned).collect();
        // Subnets rarely come and go. One that is not there is looked for every time: somebody is about to make it.
        let is_found = |id: &String| matches!(observed.subnets.get(id), Some(SubnetAnswer::Found { .. }));
        let old = self.subnets_read.is_none_or(|read| now.duration_since(read) >= SUBNETS_STAY);
        let ask = old || !subnets.iter().all(is_found);
        Some(Ec2Scope {
            names: groups.iter().map(|group| group.name.clone()).collect(),
            images: if stale || unknown { images } else { BTreeSet::new() },
            instances_of: desired.map(clusters_with_layouts).unwrap_or_default(),
            subnets: if ask { subnets } else { BTreeSet::new() },
        })
    }

    /// Whether something of it was written so lately that no reading may show it yet: who looks away now never sees it.
    fn wrote_ec2_lately(&self, now: Timestamp) -> bool {
        let is_ec2 =
            |resource: &Resource| matches!(resource, Resource::AutoScalingGroup(_) | Resource::LaunchTemplate(_));
        self.recent.iter().any(|(resource, all)| is_ec2(resource) && all.iter().any(|recent| is_recent(recent, now)))
    }

    fn wants_ec2(&self) -> bool {
        let desired = self.specified.as_ref().map(|specified| &specified.desired);
        desired.is_some_and(|desired| !clusters_with_layouts(desired).is_empty())
    }

    fn is_ours(&self, tags: &crate::ownership::Tags) -> bool {
        matches!(crate::ownership::owner(tags, &self.installation), crate::ownership::Owner::Us(_))
    }
}

/// Clusters whose container instances matter: with groups of ours, or with services whose devices Axon chooses.
fn clusters_with_layouts(desired: &Desired) -> BTreeSet<String> {
    let grouped = desired.pools.values().filter(|pool| matches!(pool.capacity, DesiredCapacity::Groups(_)));
    let packed = desired.packed.values().map(|service| &service.cluster);
    let jobs = desired.jobs.values().filter(|job| matches!(job.tasks, JobTasks::Packed(_))).map(|job| &job.cluster);
    grouped.map(|pool| &pool.cluster).chain(packed).chain(jobs).map(ToString::to_string).collect()
}

fn good<T>(reading: Reading<T>, errors: &mut Vec<crate::cloud::CloudError>) -> Option<T> {
    reading.map_err(|error| errors.push(error)).ok()
}
