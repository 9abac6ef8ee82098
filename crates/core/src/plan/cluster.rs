//! Plans clusters: create, take over if allowed, keep settings and tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tags::{Tagged, tag_step};
use super::{Evidence, Planner, Wait};
use crate::desired::DesiredCluster;
use crate::diff::{self, diff};
use crate::observe::{Cluster, ClusterStatus};
use crate::observed::Slot;
use crate::ownership::{self, Owner, Tags};
use crate::shape::cluster::{CreateCluster, UpdateCluster};
use crate::spec::Adopt;
use crate::step::{Action, Cause, Resource, Step};

impl Planner<'_> {
    pub(super) fn clusters(&mut self) {
        let desired = self.world.desired;
        for cluster in desired.clusters.values() {
            self.cluster(cluster);
        }
    }

    fn cluster(&mut self, wanted: &DesiredCluster) {
        let name = wanted.object.name.as_str();
        match self.world.observed.cluster(name, self.installation()) {
            Slot::Unknown => self.wait(&wanted.object, Wait::NotRead { what: format!("cluster {name}") }),
            Slot::Absent => self.create_cluster(wanted),
            Slot::Foreign(found, owner) => self.adopt_cluster(wanted, found, &owner),
            Slot::Ours(found, _) => self.keep_cluster(wanted, found),
        }
    }

    fn create_cluster(&mut self, wanted: &DesiredCluster) {
        let step = Step {
            object: wanted.object.clone(),
            resource: Resource::Cluster(wanted.object.name.to_string()),
            action: Action::CreateCluster(CreateCluster {
                tags: ownership::to_list(&self.stamped(&wanted.object, &wanted.tags)),
                ..wanted.document.clone()
            }),
            because: vec![Cause::Missing],
        };
        let seen = self.world.observed.clusters.get(wanted.object.name.as_str()).is_some();
        self.step(step, if seen { Evidence::SeenGone } else { Evidence::Reading });
    }

    fn adopt_cluster(&mut self, wanted: &DesiredCluster, found: &Cluster, owner: &Owner) {
        let resource = Resource::Cluster(found.name.clone());
        if !may_adopt(wanted.adopt, &found.tags, &wanted.object) {
            self.wait(&wanted.object, Wait::NameTaken { resource, owner: owner_in_words(owner) });
            return;
        }
        let mut tags = self.stamped(&wanted.object, &wanted.tags);
        tags.insert(ownership::ADOPTED.to_owned(), "true".to_owned());
        let action = Action::TagResource { arn: found.arn.clone(), tags };
        let step = Step { object: wanted.object.clone(), resource, action, because: vec![Cause::Adoption] };
        self.step(step, Evidence::Reading);
    }

    fn keep_cluster(&mut self, wanted: &DesiredCluster, found: &Cluster) {
        if found.status != ClusterStatus::Active {
            let status = format!("{:?}", found.status);
            self.wait(&wanted.object, Wait::Cluster { cluster: found.name.clone(), status });
            return;
        }
        let changes = diff(&wanted_settings(wanted), &found_settings(found), &diff::CLUSTER);
        let resource = Resource::Cluster(found.name.clone());
        if !changes.is_empty() {
            let action = Action::UpdateCluster(UpdateCluster {
                cluster: Some(found.name.clone()),
                settings: wanted.document.settings.clone(),
                configuration: wanted.document.configuration.clone(),
                service_connect_defaults: wanted.document.service_connect_defaults.clone(),
            });
            let because = changes.into_iter().map(Cause::Field).collect();
            self.step(Step { object: wanted.object.clone(), resource, action, because }, Evidence::Reading);
            return;
        }
        let place = Tagged { object: &wanted.object, resource, arn: &found.arn, found: &found.tags };
        if let Some(step) = tag_step(&place, &wanted.tags, &self.stamped(&wanted.object, &Tags::new())) {
            self.step(step, Evidence::Reading);
        }
    }
}

/// Whether `adopt` allows taking over something that carries these tags.
pub(super) fn may_adopt(adopt: Adopt, tags: &Tags, object: &crate::spec::ObjectKey) -> bool {
    match adopt {
        Adopt::Never => false,
        Adopt::IfTagged => ownership::named_object(tags).as_ref() == Some(object),
        Adopt::Always => true,
    }
}

/// "is managed by …", for a sentence about a taken name.
pub(super) fn owner_in_words(owner: &Owner) -> String {
    match owner {
        Owner::Us(object) => format!("belongs to {object}"),
        Owner::Other(id) => format!("is managed by installation {id}"),
        Owner::Nobody => "carries no tag of an Axon installation".to_owned(),
    }
}

fn wanted_settings(wanted: &DesiredCluster) -> Value {
    let settings: BTreeMap<&str, &str> =
        wanted.document.settings.iter().filter_map(|s| Some((s.name.as_deref()?, s.value.as_deref()?))).collect();
    json!({
        "settings": settings,
        "configuration": wanted.document.configuration,
        "serviceConnectDefaults": wanted.document.service_connect_defaults,
    })
}

fn found_settings(found: &Cluster) -> Value {
    json!({
        "settings": found.settings,
        "configuration": found.configuration,
        "serviceConnectDefaults": {"namespace": found.service_connect_namespace},
    })
}
