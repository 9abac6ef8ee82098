//! Keeps the tags of a resource as declared, without touching tags that others have put there.

use super::Planner;
use crate::ownership::{self, Tags};
use crate::spec::ObjectKey;
use crate::step::{Action, Cause, FieldChange, Resource, Step};

impl Planner<'_> {
    /// Tags for something that is about to be written, with the source revision of its object.
    pub(super) fn stamped(&self, object: &ObjectKey, tags: &Tags) -> Tags {
        let mut tags = tags.clone();
        if let Some(revision) = self.world.desired.revisions.tag(object) {
            tags.insert(ownership::REVISION.to_owned(), revision);
        }
        tags
    }
}

/// A resource whose tags are compared.
pub(super) struct Tagged<'a> {
    pub(super) object: &'a ObjectKey,
    pub(super) resource: Resource,
    pub(super) arn: &'a str,
    pub(super) found: &'a Tags,
}

/// What is written next to bring tags to what is wanted.
pub(super) enum TagWrite {
    /// These keys go.
    Remove(Vec<String>),
    /// These are set; others stay.
    Set(Tags),
}

/// The next write that brings tags to `wanted`, if one is needed: removals first, while the record still names them.
pub(super) fn tag_write(found: &Tags, wanted: &Tags) -> Option<(TagWrite, Vec<Cause>)> {
    let keys = stale_tags(found, wanted);
    if !keys.is_empty() {
        let because = keys.iter().map(|key| field(key, found.get(key), None)).collect();
        return Some((TagWrite::Remove(keys), because));
    }
    let differing = wanted.iter().filter(|(key, value)| found.get(*key) != Some(*value));
    let tags: Tags = differing.map(|(key, value)| (key.clone(), value.clone())).collect();
    let because = tags.iter().map(|(key, value)| field(key, found.get(key), Some(value))).collect();
    (!tags.is_empty()).then_some((TagWrite::Set(tags), because))
}

/// The step of [`tag_write`] on a resource of ECS.
///
/// `recorded` tags are refreshed along with a needed change but never are a reason for one: the source revision moves
/// with every commit.
pub(super) fn tag_step(place: &Tagged<'_>, wanted: &Tags, recorded: &Tags) -> Option<Step> {
    let (write, because) = tag_write(place.found, wanted)?;
    let arn = place.arn.to_owned();
    let action = match write {
        TagWrite::Remove(keys) => Action::UntagResource { arn, keys },
        TagWrite::Set(mut tags) => {
            tags.extend(recorded.clone());
            Action::TagResource { arn, tags }
        }
    };
    Some(Step { object: place.object.clone(), resource: place.resource.clone(), action, because })
}

/// Keys of tags that came from an earlier specification and are in this one no more.
fn stale_tags(found: &Tags, wanted: &Tags) -> Vec<String> {
    let recorded = found.get(ownership::TAG_KEYS).map_or("", String::as_str);
    recorded
        .split(' ')
        // A service may have had devices of its own and leave the choice to ECS now.
        .chain([ownership::DEVICES, ownership::INSTANCE_TYPE, ownership::TAG_KEYS])
        .filter(|key| found.contains_key(*key) && !wanted.contains_key(*key))
        .map(str::to_owned)
        .collect()
}

fn field(key: &str, from: Option<&String>, to: Option<&String>) -> Cause {
    let value = |text: &String| serde_json::Value::String(text.clone());
    Cause::Field(FieldChange { path: format!("tags[{key}]"), from: from.map(value), to: to.map(value) })
}
