//! Rules for steps on the EC2 path: launch templates, Auto Scaling groups, machines, associations.
//!
//! Part of `check`, and like it written without the planner's code.

use std::collections::BTreeSet;

use super::{Review, Rule};
use crate::observe::{Group, Instance};
use crate::observed::Listing;
use crate::ownership::Tags;
use crate::shape::cluster::PutClusterCapacityProviders;
use crate::shape::launch_template::CreateLaunchTemplate;
use crate::shape::scaling_group::CreateAutoScalingGroup;
use crate::step::Step;

type Verdicts = Vec<(bool, Rule)>;

impl Review<'_> {
    pub(super) fn create_template(&self, request: &CreateLaunchTemplate) -> Verdicts {
        let specified = request.tag_specifications.iter().filter(|given| given.resource_type == "launch-template");
        let tags: Tags =
            specified.flat_map(|given| &given.tags).map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        vec![
            (self.observed().templates.is_read(), Rule::NothingUnread),
            (self.observed().templates.get(&request.launch_template_name).is_none(), Rule::NoDuplicate),
            (self.is_ours(&tags), Rule::CreatedTagged),
        ]
    }

    pub(super) fn write_ec2(&self, id: &str) -> Verdicts {
        let found = self.observed().templates.iter().find(|template| template.id == id);
        let ours = found.is_some_and(|template| self.is_ours(&template.tags)) || self.owns_machine(id);
        vec![(ours, Rule::OnlyOurs)]
    }

    pub(super) fn delete_template(&self, step: &Step, name: &str) -> Verdicts {
        let used = self.observed().groups.iter().any(|group| template_of(group) == Some(name));
        let mut rules = self.deletion(step, self.observed().templates.get(name).map(|found| &found.tags));
        rules.push((!used && self.observed().groups.is_read(), Rule::TemplateUnused));
        rules
    }

    pub(super) fn create_group(&self, request: &CreateAutoScalingGroup) -> Verdicts {
        let tags: Tags = request.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        vec![
            (self.observed().groups.is_read(), Rule::NothingUnread),
            (self.observed().groups.get(&request.auto_scaling_group_name).is_none(), Rule::NoDuplicate),
            (self.is_ours(&tags), Rule::CreatedTagged),
        ]
    }

    pub(super) fn write_group(&self, name: &str) -> Verdicts {
        let found = self.observed().groups.get(name);
        vec![(found.is_some_and(|group| self.is_ours(&group.tags)), Rule::OnlyOurs)]
    }

    pub(super) fn delete_group(&self, step: &Step, name: &str) -> Verdicts {
        let found = self.observed().groups.get(name);
        let backs = self.observed().group_providers.iter().any(|provider| {
            let behind = provider.auto_scaling_group.as_ref().map(|given| given.auto_scaling_group_arn.as_str());
            behind.is_some() && behind == found.map(|group| group.arn.as_str()) && super::lives(provider)
        });
        let mut rules = self.deletion(step, found.map(|group| &group.tags));
        rules.push((!backs && self.observed().group_providers.is_read(), Rule::GroupUnused));
        rules
    }

    /// An instance goes only when nothing runs on it.
    pub(super) fn terminate(&self, instance: &str) -> Verdicts {
        let busy = self.container_instance(instance).is_some_and(|found| found.running_tasks + found.pending_tasks > 0);
        vec![(self.owns_machine(instance), Rule::OnlyOurs), (!busy, Rule::InstanceIdle)]
    }

    pub(super) fn set_state(&self, arn: &str) -> Verdicts {
        let found = self.observed().instances.values().find_map(|listing| listing.get(arn));
        let machine = found.and_then(|instance| instance.ec2_id.as_deref());
        vec![(machine.is_some_and(|id| self.owns_machine(id)), Rule::OnlyOurs)]
    }

    /// The whole list is replaced: what others have associated must be in it still.
    pub(super) fn associate(&self, request: &PutClusterCapacityProviders) -> Verdicts {
        let Some(cluster) = self.observed().clusters.get(&request.cluster) else {
            return vec![(false, Rule::NothingUnread)];
        };
        let sent: BTreeSet<&str> = request.capacity_providers.iter().map(String::as_str).collect();
        let dropped = cluster.capacity_providers.iter().filter(|name| !sent.contains(name.as_str()));
        let all_ours = dropped.into_iter().all(|name| {
            let cluster_bound =
                self.observed().providers.values().any(|l| l.get(name).is_some_and(|p| p.managed_instances.is_some()));
            let group_bound = self.observed().group_providers.get(name);
            cluster_bound || group_bound.is_some_and(|provider| self.is_ours(&provider.tags))
        });
        vec![
            (self.owns_cluster(&request.cluster), Rule::OnlyOurs),
            (all_ours, Rule::OnlyOurs),
            (self.observed().group_providers.is_read(), Rule::NothingUnread),
        ]
    }

    fn owns_machine(&self, id: &str) -> bool {
        let group = self.observed().groups.iter().find(|group| group.members.iter().any(|member| member.id == id));
        group.is_some_and(|group| self.is_ours(&group.tags))
    }

    fn container_instance(&self, machine: &str) -> Option<&Instance> {
        let all = self.observed().instances.values().flat_map(Listing::iter);
        all.into_iter().find(|instance| instance.ec2_id.as_deref() == Some(machine) && instance.status != "INACTIVE")
    }
}

fn template_of(group: &Group) -> Option<&str> {
    let mixed = group.settings.mixed_instances_policy.as_ref();
    let mixed = mixed.and_then(|policy| policy.launch_template.as_ref()?.launch_template_specification.as_ref());
    group.settings.launch_template.as_ref().or(mixed)?.launch_template_name.as_deref()
}
