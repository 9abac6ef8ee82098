//! Which object a document declares, read before anything else so that even a broken object keeps its name.
//!
//! Neighbours: `parse` asks first; `structure` then reads the rest. Not here: whether the object is valid.

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{API_VERSION, Kind, Name, ObjectKey};

use super::tree::{Mark, Node, Problem, Shape};

/// The kind and name, or nothing if one of them cannot be trusted. What is wrong is added to `problems`.
pub(crate) fn key_of(root: &Node, problems: &mut Vec<Problem>) -> Option<ObjectKey> {
    if !matches!(root.shape, Shape::Map(_)) {
        let message = "the document is not a mapping; every document has apiVersion, kind, metadata and spec";
        problems.push(Problem::new(Code::NotAnObject, root.mark, message));
        return None;
    }
    check_version(root, problems);
    let kind = kind_of(root, problems);
    let name = name_of(root, problems);
    Some(ObjectKey { kind: kind?, name: name? })
}

fn check_version(root: &Node, problems: &mut Vec<Problem>) {
    let Some((text, at)) = word(root, "apiVersion", problems) else { return };
    if text != API_VERSION {
        let message = format!("apiVersion is {text:?}; this build reads {API_VERSION:?} only");
        let help = format!("Write `apiVersion: {API_VERSION}`.");
        problems.push(Problem::new(Code::UnknownApiVersion, at, message).with_help(help));
    }
}

fn kind_of(root: &Node, problems: &mut Vec<Problem>) -> Option<Kind> {
    let (text, at) = word(root, "kind", problems)?;
    let kind = Kind::named(text);
    if kind.is_none() {
        let names = Kind::ALL.map(Kind::as_str);
        let message = format!("kind is {text:?}; the kinds are {}", names.join(", "));
        let help = match text {
            "NeuronJob" => Some("NeuronJob is planned and not part of this version; take the document out.".to_owned()),
            _ => did_you_mean(text, names),
        };
        problems.push(Problem::new(Code::UnknownKind, at, message).with_help(help.unwrap_or_default()));
    }
    kind
}

fn name_of(root: &Node, problems: &mut Vec<Problem>) -> Option<Name> {
    let metadata = root.field("metadata");
    let Some(metadata) = metadata.filter(|field| !field.repeated && matches!(field.node.shape, Shape::Map(_))) else {
        let at = metadata.map_or_else(|| beginning(root), |field| field.key_mark);
        let message = "the document has no readable metadata, so it is not known which object it is";
        let help = "Write `metadata: {name: …}` once.";
        problems.push(Problem::new(Code::NotAnObject, at, message).with_help(help));
        return None;
    };
    let (text, at) = word(&metadata.node, "name", problems)?;
    match text.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let shown: String = text.chars().take(60).collect();
            let message = format!("metadata.name {shown:?} cannot be used: {error}");
            problems.push(Problem::new(Code::BadName, at, message));
            None
        }
    }
}

/// A field of a mapping that must be a text, written once.
fn word<'a>(map: &'a Node, name: &str, problems: &mut Vec<Problem>) -> Option<(&'a str, Mark)> {
    let field = map.field(name);
    if let Some(field) = field.filter(|field| !field.repeated)
        && let Shape::Scalar { text, .. } = &field.node.shape
        && !text.is_empty()
    {
        return Some((text, field.node.mark));
    }
    let at = field.map_or_else(|| beginning(map), |field| field.key_mark);
    let message = match field {
        Some(field) if field.repeated => format!("`{name}` is written twice, so it is not known which one is meant"),
        Some(_) => format!("`{name}` is not a text"),
        None => format!("the document has no `{name}`"),
    };
    problems.push(Problem::new(Code::NotAnObject, at, message).with_help(format!("Give `{name}` once, as a text.")));
    None
}

/// The first key of a mapping, which is a better place to point at than the whole.
fn beginning(map: &Node) -> Mark {
    match &map.shape {
        Shape::Map(fields) => fields.first().map_or(map.mark, |field| field.key_mark),
        Shape::Scalar { .. } | Shape::List(_) => map.mark,
    }
}
