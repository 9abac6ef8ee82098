//! Files what AWS has answered to a step.
//!
//! Part of `state`.

use std::collections::BTreeMap;

use super::State;
use crate::cloud::Effect;
use crate::observed::Listing;
use crate::ownership::Tags;
use crate::step::{Action, Change, Step};

impl State {
    pub(super) fn apply(&mut self, step: &Step, effect: Effect) {
        let observed = &mut self.observed;
        match effect {
            Effect::Cluster(mut cluster) => {
                if matches!(step.action, Action::CreateCluster(_)) {
                    // A cluster that was just made has nothing in it.
                    observed.providers.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
                    observed.services.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
                    observed.standalone.insert(cluster.name.clone(), Listing::Read(BTreeMap::new()));
                }
                let known = observed.clusters.get(&cluster.name).map(|known| &known.tags);
                keep_tags(&mut cluster.tags, known, step);
                observed.clusters.put(cluster.name.clone(), *cluster);
            }
            Effect::Provider(mut provider) => {
                if provider.auto_scaling_group.is_some() {
                    let known = observed.group_providers.get(&provider.name).map(|known| &known.tags);
                    keep_tags(&mut provider.tags, known, step);
                    observed.group_providers.put(provider.name.clone(), *provider);
                } else if let Some(listing) = observed.providers.get_mut(&provider.cluster) {
                    keep_tags(&mut provider.tags, listing.get(&provider.name).map(|known| &known.tags), step);
                    listing.put(provider.name.clone(), *provider);
                }
            }
            Effect::TaskDefinition(revision) if revision.active => {
                observed.task_definitions.put(revision.arn.clone(), revision);
            }
            Effect::TaskDefinition(revision) => observed.task_definitions.remove(&revision.arn),
            Effect::Service(mut service) => {
                if let Some(listing) = observed.services.get_mut(&service.cluster) {
                    keep_tags(&mut service.tags, listing.get(&service.name).map(|known| &known.tags), step);
                    listing.put(service.name.clone(), *service);
                }
            }
            Effect::Template(template) => observed.templates.put(template.name.clone(), template),
            Effect::TemplateVersion(id, version) => {
                let name = observed.templates.iter().find(|template| template.id == id).map(|t| t.name.clone());
                if let Some(template) = name.and_then(|name| observed.templates.get_mut(&name)) {
                    template.versions.push(version);
                }
            }
            Effect::Instance(cluster, instance) => {
                if let Some(listing) = observed.instances.get_mut(&cluster) {
                    listing.put(instance.arn.clone(), *instance);
                }
            }
            Effect::Parameter(parameter) => observed.records.put(parameter.name.clone(), parameter),
            Effect::Tasks(tasks) => {
                for found in tasks {
                    if let Some(listing) = observed.standalone.get_mut(&found.cluster) {
                        listing.put(found.task.arn.clone(), found);
                    }
                }
            }
            // A group that was just made has an ARN that only the next sweep tells.
            Effect::Done if matches!(step.action, Action::CreateAutoScalingGroup(_)) => {}
            Effect::Tags | Effect::Done | Effect::Gone => crate::preview::assume(observed, step),
        }
    }
}

/// AWS answers with tags only where something is created; anywhere else their absence says nothing.
fn keep_tags(answered: &mut Tags, known: Option<&Tags>, step: &Step) {
    if answered.is_empty()
        && step.action.change() != Change::Create
        && let Some(known) = known
    {
        answered.clone_from(known);
    }
}
