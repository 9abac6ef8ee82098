//! Members of documents that are left to others, named by JSON pointers (RFC 6901).
//!
//! Made from `spec.drift.ignore`, used by `diff` and `plan`. A pointer may lead to a member at any depth of objects; a list
//! is one value, because AWS orders its items as it likes. Which pointers make sense is `validate`'s.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ownership::Tags;

/// The segments of a pointer to a member, unescaped; `None` if the text is no such pointer.
pub fn segments(pointer: &str) -> Option<Vec<String>> {
    pointer.strip_prefix('/')?.split('/').map(unescape).collect()
}

fn unescape(segment: &str) -> Option<String> {
    let mut parts = segment.split('~');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (mark, rest) = (part.get(..1)?, part.get(1..)?);
        plain.push(match mark {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        plain.push_str(rest);
    }
    Some(plain)
}

/// The member that is left to others, from the document on.
type Path = Vec<String>;

/// Members that are left to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored(Vec<Path>);

impl Ignored {
    /// From JSON pointers. What is no pointer is left out; `validate` has refused it.
    pub fn of(pointers: &[String]) -> Self {
        Self(pointers.iter().filter_map(|pointer| segments(pointer)).collect())
    }

    /// Those within a member, as seen from there.
    #[must_use]
    pub fn below(&self, member: &str) -> Self {
        let within = self.0.iter().filter_map(|path| path.split_first().filter(|(first, _)| *first == member));
        Self(within.map(|(_, rest)| rest.to_vec()).collect())
    }

    /// Whether a member of the top level is ignored as a whole.
    pub fn has(&self, member: &str) -> bool {
        self.0.iter().any(|path| matches!(path.as_slice(), [only] if only == member))
    }

    /// Takes the members out of a document, so that nobody compares them.
    pub fn remove_from(&self, document: &mut Value) {
        for path in &self.0 {
            put(document, None, path);
        }
    }

    /// A request with the members as AWS has them: for requests that replace everything.
    #[must_use]
    pub fn kept<T: Serialize + DeserializeOwned>(&self, request: T, found: &impl Serialize) -> T {
        self.rewritten(request, found, |_| false)
    }

    /// The same for requests in which a member of the top level that is left out stays as it is. Others may be changing
    /// it just now, so it is not repeated.
    #[must_use]
    pub fn left_out<T: Serialize + DeserializeOwned>(&self, request: T, found: &impl Serialize) -> T {
        self.rewritten(request, found, |path| path.len() == 1)
    }

    fn rewritten<T: Serialize + DeserializeOwned>(
        &self,
        request: T,
        found: &impl Serialize,
        omit: fn(&Path) -> bool,
    ) -> T {
        if self.0.is_empty() {
            return request;
        }
        let (Ok(mut document), Ok(found)) = (serde_json::to_value(&request), serde_json::to_value(found)) else {
            return request;
        };
        for path in &self.0 {
            put(&mut document, Some(&found).filter(|_| !omit(path)), path);
        }
        serde_json::from_value(document).unwrap_or(request)
    }

    /// Tags to aim at: those declared, but where a tag is left to others, what it is now.
    pub fn tolerant(&self, declared: &Tags, found: &Tags) -> Tags {
        let tags = self.below("tags");
        let all = self.has("tags");
        let theirs = |key: &str| (all && !key.starts_with(crate::ownership::PREFIX)) || tags.has(key);
        let mut wanted: Tags = declared.iter().filter(|(key, _)| !theirs(key)).map(cloned).collect();
        wanted.extend(found.iter().filter(|(key, _)| theirs(key)).map(cloned));
        wanted
    }
}

fn cloned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

/// Gives a member the value that it has in `found`, or removes it if that has none.
fn put(document: &mut Value, found: Option<&Value>, path: &[String]) {
    let Some((member, rest)) = path.split_first() else {
        *document = found.cloned().unwrap_or_default();
        return;
    };
    let found = found.and_then(|found| found.get(member)).filter(|value| !value.is_null());
    let Value::Object(members) = document else { return };
    match (rest, found) {
        ([], Some(found)) => drop(members.insert(member.clone(), found.clone())),
        ([], None) => drop(members.remove(member)),
        (rest, found) => {
            if let Some(inner) = members.get_mut(member) {
                put(inner, found, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ignored(pointers: &[&str]) -> Ignored {
        Ignored::of(&pointers.iter().map(|pointer| (*pointer).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn pointers_are_read_as_rfc_6901_has_them() {
        assert_eq!(segments("/a~1b/m~0n"), Some(vec!["a/b".to_owned(), "m~n".to_owned()]));
        assert_eq!(segments("/~01"), Some(vec!["~1".to_owned()]));
        assert_eq!(segments("/"), Some(vec![String::new()]));
        for wrong in ["", "a", "/a~", "/a~2", "/a~é"] {
            assert_eq!(segments(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_member_left_to_others_is_taken_out_at_any_depth() {
        let mut document = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1]});
        ignored(&["/a", "/b/c", "/e/0", "/x/y"]).remove_from(&mut document);
        assert_eq!(document, json!({"b": {"d": 3}, "e": [1]}));
        ignored(&["/b"]).below("b").remove_from(&mut document);
        assert_eq!(document, Value::Null);
    }

    #[test]
    fn a_request_that_replaces_everything_repeats_what_aws_has() {
        let request = json!({"a": 1, "b": {"c": 2, "d": 3}});
        let found = json!({"a": 9, "b": {"c": 8}});
        assert_eq!(ignored(&["/a", "/b/c", "/b/d"]).kept(request, &found), json!({"a": 9, "b": {"c": 8}}));
    }

    #[test]
    fn a_request_that_changes_only_what_it_names_does_not_name_it() {
        let request = json!({"a": 1, "b": {"c": 2, "d": 3}});
        let found = json!({"a": 9, "b": {"c": 8, "d": 7}});
        assert_eq!(ignored(&["/a", "/b/c"]).left_out(request, &found), json!({"b": {"c": 8, "d": 3}}));
    }

    #[test]
    fn a_tag_left_to_others_is_aimed_at_as_it_is() {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let tags = |list: &[(&str, &str)]| -> Tags { list.iter().map(owned).collect() };
        let declared = tags(&[("team", "nlp"), ("cost", "1"), ("neuron.ecs/name", "x")]);
        let found = tags(&[("team", "sales"), ("cost", "2")]);
        let aim = ignored(&["/tags/team"]).tolerant(&declared, &found);
        assert_eq!(aim, tags(&[("team", "sales"), ("cost", "1"), ("neuron.ecs/name", "x")]));
        assert_eq!(ignored(&["/tags/team"]).tolerant(&declared, &Tags::new()).get("team"), None);
        let all = ignored(&["/tags"]).tolerant(&declared, &found);
        assert_eq!(all, tags(&[("team", "sales"), ("cost", "2"), ("neuron.ecs/name", "x")]));
    }
}
