//! Which source revision each object is taken from.
//!
//! Filled by whoever knows the sources, carried through `resolve` in `Desired`; `plan` writes it into tags and `judge`
//! into statuses. Informative: nothing is ever decided by comparing revisions. Not here: what a revision looks like.

use std::collections::BTreeMap;

use crate::spec::ObjectKey;

/// The longest value that a tag may have on AWS, in characters.
const LONGEST_TAG: usize = 256;

/// The revision of every object, such as `main@sha1:…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    usual: String,
    own: BTreeMap<ObjectKey, String>,
}

impl Revisions {
    /// One revision for every object. Empty means that nothing is known.
    pub fn new(usual: impl Into<String>) -> Self {
        Self { usual: usual.into(), own: BTreeMap::new() }
    }

    /// Gives an object a revision of its own.
    pub fn set(&mut self, object: ObjectKey, revision: impl Into<String>) {
        self.own.insert(object, revision.into());
    }

    /// The revision of an object.
    pub fn of(&self, object: &ObjectKey) -> &str {
        self.own.get(object).unwrap_or(&self.usual)
    }

    /// The revision of an object as AWS takes it for the value of a tag: a branch may have letters in its name that ECS
    /// refuses, and one refused tag would refuse the whole call.
    pub fn tag(&self, object: &ObjectKey) -> Option<String> {
        let revision = self.of(object);
        let letter = |c: char| if c.is_alphanumeric() || " +-=._:/@".contains(c) { c } else { '_' };
        (!revision.is_empty()).then(|| revision.chars().map(letter).take(LONGEST_TAG).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::cluster(name.parse().unwrap())
    }

    #[test]
    fn an_object_has_its_own_revision_or_the_usual_one() {
        let mut revisions = Revisions::new("main@sha1:1");
        revisions.set(key("a"), "prod@sha1:2");
        assert_eq!((revisions.of(&key("a")), revisions.of(&key("b"))), ("prod@sha1:2", "main@sha1:1"));
    }

    #[test]
    fn a_tag_has_only_letters_that_aws_takes_and_not_too_many() {
        let mut revisions = Revisions::new("team#1/(x)@sha1:0a");
        revisions.set(key("long"), "b".repeat(300));
        assert_eq!(revisions.tag(&key("a")).as_deref(), Some("team_1/_x_@sha1:0a"));
        assert_eq!(revisions.tag(&key("long")).map(|tag| tag.len()), Some(256));
        assert_eq!(Revisions::default().tag(&key("a")), None);
    }
}
