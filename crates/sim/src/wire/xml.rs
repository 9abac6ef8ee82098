//! XML documents of the AWS Query and EC2 Query protocols, from values by their shapes. Neighbours: `shape` says how members
//! are named, `envelope` puts the result into a response. No operation's meaning belongs here.

use jiff::{Timestamp, fmt::strtime};
use serde_json::Value;

use super::{
    query::Protocol,
    shape::{Shape, Table},
    value::Read,
};

/// Escapes text for an XML element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// A moment as these protocols write it.
pub(crate) fn instant(at: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%S.000Z", at).unwrap_or_default()
}

/// The elements of a value, members in the order of the model. Members that the shape does not have are left out: whoever
/// answers has checked that there are none.
pub(crate) fn write(table: &Table, shape: &str, protocol: Protocol, value: &Value) -> String {
    let mut out = String::new();
    element(table, shape, protocol, value, &mut out);
    out
}

fn element(table: &Table, shape: &str, protocol: Protocol, value: &Value, out: &mut String) {
    match table.shape(shape) {
        Some(Shape::Structure(members)) => {
            for member in members {
                if let Some(inner) = value.at(member.name) {
                    wrapped(table, (member.shown_as, member.shape), protocol, inner, out);
                }
            }
        }
        Some(Shape::List(items, _)) => {
            let usual = match protocol {
                Protocol::Ec2 => "item",
                Protocol::Query => "member",
            };
            for item in value.as_array().into_iter().flatten() {
                wrapped(table, (items.named.unwrap_or(usual), items.shape), protocol, item, out);
            }
        }
        _ => match value {
            Value::String(text) => out.push_str(&escape(text)),
            other => out.push_str(&other.to_string()),
        },
    }
}

fn wrapped(table: &Table, named: (&str, &str), protocol: Protocol, value: &Value, out: &mut String) {
    let (name, shape) = named;
    out.extend(["<", name, ">"]);
    element(table, shape, protocol, value, out);
    out.extend(["</", name, ">"]);
}
