//! Tells drift from a change of the specification, and reports drift where that is all that is wanted.
//!
//! Part of `plan`. Under `drift.policy: Report` a resource carries a hash of everything that was rendered for it, written
//! once AWS has been seen to have it as declared. What differs under the same hash was changed by somebody else; under
//! another hash, or none, the specification has changed, and is applied. A resource that is gone carries nothing: that it
//! was there is known from what this process has seen, and for services from a mark on their task definition.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::tags::{Tagged, tag_step};
use super::{Evidence, Planner, Wait};
use crate::fingerprint::{Comparison, Fingerprint};
use crate::ignored::Ignored;
use crate::observe::{Service, TaskDefinition};
use crate::ownership::{self, Owner, Tags};
use crate::parse::escape;
use crate::spec::{DriftPolicy, ObjectKey};
use crate::step::{Action, Cause, FieldChange, Resource, Step};

/// Longest value that is shown, in characters.
const LONGEST: usize = 60;
/// Members whose values nobody but their owner should read.
const SECRET: [&str; 6] = ["environment", "secret", "password", "token", "userdata", "options"];

/// One member that AWS has otherwise than declared, in a form for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deviation {
    /// JSON pointer, as `spec.drift.ignore` takes it.
    pub field: String,
    /// What is declared, shortened; absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    /// What AWS has, shortened; absent if it has nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

impl Deviation {
    fn of(change: &FieldChange, below: &str) -> Self {
        let tag = change.path.strip_prefix("tags[").and_then(|rest| rest.strip_suffix(']'));
        let field = match tag {
            Some(key) => format!("/tags/{}", escape(key)),
            // An item of a list: lists are ignored as a whole.
            None => format!("{below}/{}", change.path.split('[').next().unwrap_or_default().replace('.', "/")),
        };
        let hidden = tag.is_none() && is_secret(&change.path);
        let show = |value: &Value| if hidden { "(hidden)".to_owned() } else { shortened(&redacted(value)) };
        Self { declared: change.to.as_ref().map(show), found: change.from.as_ref().map(show), field }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, declared, found } = self;
        match (found, declared) {
            (Some(found), Some(declared)) => write!(f, "{field} is {found}, declared is {declared}"),
            (Some(found), None) => write!(f, "{field} is {found}, declared is nothing"),
            (None, Some(declared)) => write!(f, "{field} is missing, declared is {declared}"),
            (None, None) => f.write_str(field),
        }
    }
}

fn is_secret(path: &str) -> bool {
    let path = path.to_lowercase();
    SECRET.iter().any(|word| path.contains(word))
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown = |name: &str, value| if is_secret(name) { Value::from("(hidden)") } else { redacted(value) };
            members.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect()
        }
        Value::Array(items) => items.iter().map(redacted).collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar.clone(),
    }
}

fn shortened(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST - 1).chain(['…']).collect() }
}

/// Fields of a document, and of tags that a step would set, as deviations.
fn deviations(changes: &[FieldChange], below: &str, retag: &[Cause]) -> Vec<Deviation> {
    let tags = retag.iter().filter_map(|cause| if let Cause::Field(change) = cause { Some(change) } else { None });
    changes.iter().chain(tags).map(|change| Deviation::of(change, below)).collect()
}

/// A resource that should stay, and what its tags should be.
pub(super) struct Kept<'a> {
    pub(super) place: Tagged<'a>,
    /// The hash that says that it was as declared; only under Report.
    record: Option<String>,
    /// Its tags once it is as declared.
    pub(super) tags: Tags,
}

impl Kept<'_> {
    /// The next change of tags once everything else is as declared.
    pub(super) fn retag(&self, recorded: &Tags) -> Option<Step> {
        tag_step(&self.place, &self.tags, recorded)
    }
}

impl<'a> Planner<'a> {
    /// What of an object's resources is left to others.
    pub(super) fn ignored(&self, object: &ObjectKey) -> Ignored {
        self.world.desired.drift.get(object).map(|drift| Ignored::of(&drift.ignore)).unwrap_or_default()
    }

    fn only_reports(&self, object: &ObjectKey) -> bool {
        self.world.desired.drift.get(object).is_some_and(|drift| drift.policy == DriftPolicy::Report)
    }

    /// The hash of what is rendered for a resource, if its drift is only reported.
    pub(super) fn record(
        &self,
        object: &ObjectKey,
        resource: &Resource,
        rendered: &impl Serialize,
        tags: &Tags,
    ) -> Option<String> {
        // The name of a provider may be any of several for the same declaration.
        let kind = match resource {
            Resource::Cluster(_) => "cluster",
            Resource::LaunchTemplate(_) => "template",
            Resource::AutoScalingGroup(_) => "group",
            Resource::CapacityProvider(_) => "provider",
            Resource::TaskDefinition(_) => "revision",
            Resource::Service { .. } => "service",
            Resource::Parameter(_) => "parameter",
            Resource::Task { .. } => "task",
            Resource::Instance(_) => "instance",
        };
        let hash = || Fingerprint::of(&(object, kind, rendered, tags)).to_string();
        self.only_reports(object).then(hash)
    }

    pub(super) fn kept<'t>(&self, place: Tagged<'t>, rendered: &impl Serialize, tags: &Tags) -> Kept<'t> {
        let record = self.record(place.object, &place.resource, rendered, tags);
        let mut tags = self.ignored(place.object).tolerant(tags, place.found);
        tags.extend(record.iter().map(|record| (ownership::DECLARED.to_owned(), record.clone())));
        Kept { place, record, tags }
    }

    /// Whether a resource was as declared under this very specification, so that it is not written. What differs is
    /// reported.
    pub(super) fn spares(&mut self, kept: &Kept<'_>, below: &str, changes: &[FieldChange]) -> bool {
        let stands = kept.record.is_some() && kept.place.found.get(ownership::DECLARED) == kept.record.as_ref();
        if stands {
            let retag = kept.retag(&Tags::new()).map(|step| step.because).unwrap_or_default();
            let fields = deviations(changes, below, &retag);
            if !fields.is_empty() {
                let resource = kept.place.resource.clone();
                self.wait(kept.place.object, Wait::Drift { resource, fields });
            }
        }
        stands
    }

    /// Whether a resource that is missing was there under this very specification, so that it is not made again.
    pub(super) fn is_gone(&mut self, object: &ObjectKey, resource: &Resource, record: Option<&String>) -> bool {
        let marked = |found: &TaskDefinition| {
            let ours = matches!(ownership::owner(&found.tags, self.world.installation), Owner::Us(_));
            ours && found.active && found.tags.get(ownership::DECLARED) == record
        };
        let gone = record.is_some_and(|record| self.limits.declared.values().any(|seen| seen == record))
            || (record.is_some() && self.world.observed.task_definitions.iter().any(marked));
        if gone {
            self.wait(object, Wait::Gone { resource: resource.clone() });
        }
        gone
    }

    /// Whether the revision that a service runs was deregistered by hand: its service was as declared, and the content
    /// is what it was.
    pub(super) fn revision_is_gone(&self, object: &ObjectKey, tags: &Tags, fingerprint: &Fingerprint) -> bool {
        let pushed = tags.get(ownership::FINGERPRINT).map(|tag| Fingerprint::from_tag(tag));
        let same = pushed.is_some_and(|pushed| fingerprint.compare(&pushed) == Comparison::Same);
        same && tags.contains_key(ownership::DECLARED) && self.only_reports(object)
    }

    /// Takes the marks off the revisions of a service that Axon is about to remove itself, so that nobody misses it if it
    /// is declared again. True once there are none.
    pub(super) fn unmark(&mut self, object: &ObjectKey, service: &Service, cause: &Cause) -> bool {
        let arn = service.settings.task_definition.as_deref().unwrap_or_default();
        let family = self.world.observed.task_definitions.get(arn).map(|found| &found.family);
        let of_service = |found: &TaskDefinition| {
            let mark = found.tags.get(ownership::DECLARED);
            mark.is_some() && (Some(&found.family) == family || mark == service.tags.get(ownership::DECLARED))
        };
        let revisions = self.revisions.get(object);
        let Some(found) = revisions.and_then(|all| all.iter().copied().find(|found| of_service(found))) else {
            return true;
        };
        let step = Step {
            object: object.clone(),
            resource: Resource::TaskDefinition(found.family.clone()),
            action: Action::UntagResource { arn: found.arn.clone(), keys: vec![ownership::DECLARED.to_owned()] },
            because: vec![cause.clone()],
        };
        self.step(step, Evidence::Reading);
        false
    }

    /// Marks the revision of a service that is as declared: the mark stays when somebody deletes the service.
    pub(super) fn mark_revision(&mut self, kept: &Kept<'_>, revision: &'a TaskDefinition) {
        let Some(record) = kept.record.as_ref().filter(|record| {
            let untouched = !self.plan.waiting.iter().any(|waiting| waiting.object == *kept.place.object);
            revision.tags.get(ownership::DECLARED) != Some(*record) && untouched
        }) else {
            return;
        };
        let change = FieldChange {
            path: format!("tags[{}]", ownership::DECLARED),
            from: revision.tags.get(ownership::DECLARED).map(|tag| tag.clone().into()),
            to: Some(record.clone().into()),
        };
        let tags = Tags::from([(ownership::DECLARED.to_owned(), record.clone())]);
        let step = Step {
            object: kept.place.object.clone(),
            resource: Resource::TaskDefinition(revision.family.clone()),
            action: Action::TagResource { arn: revision.arn.clone(), tags },
            because: vec![Cause::Field(change)],
        };
        self.step(step, Evidence::Reading);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(path: &str, from: Value, to: Option<Value>) -> String {
        Deviation::of(&FieldChange { path: path.into(), from: Some(from), to }, "").to_string()
    }

    #[test]
    fn a_field_is_named_as_the_pointer_that_ignores_it() {
        assert_eq!(shown("a.b", json!(7), Some(json!(2))), "/a/b is 7, declared is 2");
        assert_eq!(shown("a.subnets[1]", json!("x"), Some(json!("y"))), "/a/subnets is x, declared is y");
        assert_eq!(shown("tags[cost/center]", json!("x"), None), "/tags/cost~1center is x, declared is nothing");
        let below = Deviation::of(&FieldChange { path: "b".into(), from: None, to: Some(json!(1)) }, "/a");
        assert_eq!(below.to_string(), "/a/b is missing, declared is 1");
    }

    #[test]
    fn secrets_are_not_shown_wherever_they_are() {
        let options = "serviceConnectConfiguration.logConfiguration.options.splunk-url";
        assert_eq!(
            shown(options, json!("s3cret"), None),
            format!("/{} is (hidden), declared is nothing", options.replace('.', "/"))
        );
        let document = json!({"environment": [{"name": "KEY", "value": "s3cret"}], "image": "a"});
        let text = shown("containers", json!([document]), Some(json!("x")));
        assert!(!text.contains("s3cret") && text.contains("(hidden)"), "{text}");
    }

    #[test]
    fn long_values_are_shortened() {
        let text = shown("a", json!("é".repeat(100)), Some(json!(1)));
        assert_eq!(text, format!("/a is {}…, declared is 1", "é".repeat(59)));
    }
}
