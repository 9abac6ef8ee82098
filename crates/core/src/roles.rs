//! Which IAM roles and instance profiles specifications may have handed to ECS and EC2: the operator's allow-list.
//!
//! `validate` holds objects that name others, with the place in the file; `check` refuses every call that would pass one,
//! however it came to be. Patterns mean what they mean in the `Resource` of an IAM policy, so that one list serves both.
//! Whether a role exists is not known here.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The roles that may be passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RoleRules(Option<Vec<RolePattern>>);

impl RoleRules {
    /// Whatever AWS lets Axon pass.
    pub const ANY: Self = Self(None);

    /// Those that match a pattern; without any pattern, none.
    pub const fn only(patterns: Vec<RolePattern>) -> Self {
        Self(Some(patterns))
    }

    /// Whether everything is allowed, so that nothing need be looked for.
    pub const fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a role or instance profile may be passed. An instance profile in a list of roles alone is not.
    pub fn allow(&self, arn: &str) -> bool {
        self.0.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(arn)))
    }

    /// The roles that this document would pass and may not, each with the JSON pointer to it.
    pub fn refused(&self, document: &Value) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if !self.is_any() {
            walk(document, &mut String::new(), &mut found);
            found.retain(|(_, role)| !self.allow(role));
        }
        found
    }
}

/// The list, for people.
impl fmt::Display for RoleRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(patterns) = &self.0 else { return f.write_str("any role") };
        if patterns.is_empty() {
            return f.write_str("no role");
        }
        let patterns: Vec<&str> = patterns.iter().map(|pattern| pattern.0.as_str()).collect();
        f.write_str(&patterns.join(", "))
    }
}

/// ARNs of roles or instance profiles: `arn:aws:iam::111122223333:role/axon/*`. `*` stands for any letters, `/` among
/// them, and `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RolePattern(String);

/// Why a text is no such pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no roles: write ARNs such as arn:aws:iam::111122223333:role/axon/* or \
     arn:aws:iam::111122223333:instance-profile/axon/*"
)]
pub struct InvalidPattern(String);

impl RolePattern {
    fn matches(&self, arn: &str) -> bool {
        matches(self.0.as_bytes(), arn.as_bytes())
    }
}

impl FromStr for RolePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [arn, partition, service, region, account, resource] = parts.as_slice() else {
            return Err(InvalidPattern(text.to_owned()));
        };
        let is_role = ["role/", "instance-profile/"].iter().any(|kind| resource.starts_with(kind));
        let plain = !text.chars().any(|letter| letter.is_control() || letter.is_whitespace());
        if *arn == "arn"
            && !partition.is_empty()
            && *service == "iam"
            && region.is_empty()
            && !account.is_empty()
            && is_role
            && plain
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPattern(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RolePattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl From<RolePattern> for String {
    fn from(pattern: RolePattern) -> Self {
        pattern.0
    }
}

/// Goes back to the last `*` where the rest does not fit, so that no text takes long.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match (pattern.get(at), text.get(from), star) {
            (Some(b'*'), _, _) => {
                star = Some((at, from));
                at += 1;
            }
            (Some(wanted), Some(letter), _) if wanted == letter || *wanted == b'?' => {
                at += 1;
                from += 1;
            }
            (_, _, Some((star_at, taken))) => {
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                from = taken + 1;
            }
            (_, _, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

/// What is copied to tasks and tags as it is, and passes nothing.
const UNREAD: [&str; 8] =
    ["env", "environment", "labels", "annotations", "tags", "dockerLabels", "attributes", "command"];

/// Every value of a member that takes a role or an instance profile, in whatever request. Members are known by the ends of
/// their names, which AWS and specifications share (`taskRoleArn`, `infrastructureRoleArn`, `ServiceLinkedRoleARN`).
fn walk(value: &Value, pointer: &mut String, found: &mut Vec<(String, String)>) {
    let length = pointer.len();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if UNREAD.contains(&name.as_str()) {
                    continue;
                }
                pointer.push('/');
                pointer.push_str(&crate::parse::escape(name));
                let is_profile = name.eq_ignore_ascii_case("iamInstanceProfile");
                if let Some(role) = member.as_str().filter(|_| takes_role(name)) {
                    found.push((pointer.clone(), role.to_owned()));
                } else if let Some(profile) = member.as_object().filter(|_| is_profile) {
                    // By name or by ARN; a name alone says nothing about the account and never matches.
                    let named = profile.values().filter_map(Value::as_str);
                    found.extend(named.map(|role| (pointer.clone(), role.to_owned())));
                } else {
                    walk(member, pointer, found);
                }
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&at.to_string());
                walk(item, pointer, found);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn takes_role(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["rolearn", "instanceprofilearn"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules(patterns: &[&str]) -> RoleRules {
        RoleRules::only(patterns.iter().map(|pattern| pattern.parse().unwrap()).collect())
    }

    #[test]
    fn a_pattern_means_what_it_means_in_an_iam_policy() {
        let rules = rules(&["arn:aws:iam::111122223333:role/axon/*", "arn:aws:iam::*:role/task-?"]);
        for (arn, allowed) in [
            ("arn:aws:iam::111122223333:role/axon/llama", true),
            ("arn:aws:iam::111122223333:role/axon/team/llama", true),
            ("arn:aws:iam::111122223333:role/axon/", true),
            ("arn:aws:iam::111122223333:role/axon", false),
            ("arn:aws:iam::111122223333:role/Axon/llama", false),
            ("arn:aws:iam::444455556666:role/axon/llama", false),
            ("arn:aws:iam::444455556666:role/task-a", true),
            ("arn:aws:iam::444455556666:role/task-ab", false),
            ("arn:aws:iam::111122223333:instance-profile/axon/x", false),
            ("x arn:aws:iam::111122223333:role/axon/llama", false),
            ("", false),
        ] {
            assert_eq!(rules.allow(arn), allowed, "{arn}");
        }
    }

    #[test]
    fn without_a_list_everything_is_allowed_and_an_empty_list_allows_nothing() {
        let role = "arn:aws:iam::111122223333:role/admin";
        assert!(RoleRules::default().allow(role) && RoleRules::ANY.is_any());
        assert!(!rules(&[]).allow(role));
    }

    #[test]
    fn a_text_that_cannot_be_a_role_is_no_pattern() {
        for text in [
            "*",
            "arn:aws:iam::1:user/x",
            "arn:aws:s3:::x",
            "role/axon",
            "arn:aws:iam::1:role/a b",
            "arn:aws:iam:::role/x",
        ] {
            assert!(text.parse::<RolePattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn roles_are_found_wherever_a_request_takes_one_and_not_in_what_is_only_copied() {
        let refused = rules(&[]).refused(&json!({
            "taskRoleArn": "a", "nested": [{"ServiceLinkedRoleARN": "b"}, {"roleArn": "c"}],
            "ec2InstanceProfileArn": "d", "IamInstanceProfile": {"Name": "e"}, "iamInstanceProfile": {"arn": "f"},
            "environment": [{"name": "roleArn", "value": "x"}], "tags": {"roleArn": "x"}, "roleName": "x",
        }));
        let found: Vec<_> = refused.iter().map(|(at, role)| (at.as_str(), role.as_str())).collect();
        let expected = [
            ("/taskRoleArn", "a"),
            ("/nested/0/ServiceLinkedRoleARN", "b"),
            ("/nested/1/roleArn", "c"),
            ("/ec2InstanceProfileArn", "d"),
            ("/IamInstanceProfile", "e"),
            ("/iamInstanceProfile", "f"),
        ];
        assert_eq!(found, expected);
    }

    /// The same by trying everything.
    fn slowly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), None) => slowly(rest, text),
            (Some((b'*', rest)), Some((_, further))) => slowly(rest, text) || slowly(pattern, further),
            (Some((b'?', rest)), Some((_, further))) => slowly(rest, further),
            (Some((wanted, rest)), Some((letter, further))) => wanted == letter && slowly(rest, further),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_trying_everything_finds(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), slowly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
