//! Filters of EC2's Describe operations, and the form of its ids. Neighbours: every describing module of `ec2`.
//! Which filters an operation has is said where it describes.

use serde_json::Value;

use super::instance::Tags;
use crate::{
    behaviour::matches,
    wire::{fault::Fault, value::Read},
};

/// Refuses filters other than these; those of tags are left to `keep`.
pub(crate) fn check(input: &Value, names: &[&str]) -> Result<(), Fault> {
    let names_tags = |name: &str| name == "tag-key" || name.starts_with("tag:");
    let mut asked = input.list("Filters").iter().map(|f| f.text("Name").unwrap_or_default());
    match asked.find(|name| !names.contains(name) && !names_tags(name)) {
        Some(name) => Err(Fault::not_modelled(format!("the filter '{name}'"))),
        None => Ok(()),
    }
}

/// Whether an item passes the request's filters: all of them, each with any of its values, where `*` and `?` are wildcards.
/// `values` gives the item's values for a filter, none for a filter that is not modelled.
pub(crate) fn keep(input: &Value, values: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool, Fault> {
    let mut kept = true;
    for filter in input.list("Filters") {
        let name = filter.text("Name").unwrap_or_default();
        let unknown = || Fault::not_modelled(format!("the filter '{name}'"));
        let have = values(name).ok_or_else(unknown)?;
        let wanted = filter.strings("Values");
        kept &= wanted.iter().any(|w| have.iter().any(|h| wild(w, h)));
    }
    Ok(kept)
}

fn wild(pattern: &str, text: &str) -> bool {
    if !pattern.contains('?') {
        return matches(pattern, text);
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    fits(&pattern, &text)
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some(('*', rest)), next) => fits(rest, text) || next.is_some_and(|(_, after)| fits(pattern, after)),
        (Some(('?', rest)), Some((_, after))) => fits(rest, after),
        (Some((wanted, rest)), Some((found, after))) => wanted == found && fits(rest, after),
        (Some(_), None) => false,
    }
}

/// The values of `tag:<key>` and `tag-key`.
pub(crate) fn of_tags(tags: &Tags, name: &str) -> Option<Vec<String>> {
    match name.strip_prefix("tag:") {
        Some(key) => Some(tags.get(key).cloned().into_iter().collect()),
        None if name == "tag-key" => Some(tags.keys().cloned().collect()),
        None => None,
    }
}

/// Whether an id has the prefix and 8 or 17 hexadecimal digits.
pub(crate) fn well_formed(id: &str, prefix: &str) -> bool {
    let digits = id.strip_prefix(prefix).unwrap_or_default();
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_stands_for_one_character() {
        assert!(wild("trn?.32xlarge", "trn1.32xlarge"));
        assert!(!wild("trn?.32xlarge", "trn1n.32xlarge"));
        assert!(wild("t?n*", "trn1n.32xlarge"));
        assert!(wild("inf2.*", "inf2.xlarge"));
        assert!(!wild("?", ""));
    }
}
