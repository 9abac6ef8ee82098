//! Plans clusters: create, take over if allowed, keep settings and tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tags::Tagged;
use super::{Evidence, Planner, Wait};
use crate::desired::DesiredCluster;
use crate::diff::{self, diff_without};
use crate::ignored::Ignored;
use crate::observe::{Cluster, ClusterStatus};
use crate::observed::Slot;
use crate::ownership::{self, Owner, Tags};
use crate::shape::cluster::{ClusterSetting, CreateCluster, UpdateCluster};
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
        let resource = Resource::Cluster(wanted.object.name.to_string());
        let record = self.record(&wanted.object, &resource, &wanted_settings(wanted), &wanted.tags);
        if self.is_gone(&wanted.object, &resource, record.as_ref()) {
            return;
        }
        let step = Step {
            object: wanted.object.clone(),
            resource,
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
        let (settings, there) = (wanted_settings(wanted), found_settings(found));
        let ignored = self.ignored(&wanted.object);
        let changes = diff_without(&settings, &there, &diff::CLUSTER, &ignored);
        let resource = Resource::Cluster(found.name.clone());
        let place = Tagged { object: &wanted.object, resource: resource.clone(), arn: &found.arn, found: &found.tags };
        let kept = self.kept(place, &settings, &wanted.tags);
        if self.spares(&kept, "", &changes) {
            return;
        }
        if !changes.is_empty() {
            let request = UpdateCluster {
                cluster: Some(found.name.clone()),
                settings: theirs_left_out(&wanted.document.settings, &ignored),
                configuration: wanted.document.configuration.clone(),
                service_connect_defaults: wanted.document.service_connect_defaults.clone(),
            };
            let action = Action::UpdateCluster(ignored.left_out(request, &there));
            let because = changes.into_iter().map(Cause::Field).collect();
            self.step(Step { object: wanted.object.clone(), resource, action, because }, Evidence::Reading);
            return;
        }
        if let Some(step) = kept.retag(&self.stamped(kept.place.object, &Tags::new())) {
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

/// What UpdateCluster does not name stays as it is.
fn theirs_left_out(settings: &[ClusterSetting], ignored: &Ignored) -> Vec<ClusterSetting> {
    let below = ignored.below("settings");
    let theirs = |setting: &&ClusterSetting| setting.name.as_deref().is_some_and(|name| below.has(name));
    settings.iter().filter(|setting| !theirs(setting)).cloned().collect()
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
