//! Forms of the AWS Query and EC2 Query protocols: decoding, and members of an operation from dotted keys. Neighbours: `shape`
//! says which members there are, `xml` writes the answer. No operation's meaning belongs here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::shape::{Misfit, Shape, Table};

/// How a protocol names the items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `Name.1`.
    Ec2,
    /// `Name.member.1`.
    Query,
}

/// Decodes `application/x-www-form-urlencoded`.
pub(crate) fn form(body: &str) -> BTreeMap<String, String> {
    body.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair: Vec<u8> = bytes.by_ref().take(2).collect();
                let code = std::str::from_utf8(&pair).ok().and_then(|t| u8::from_str_radix(t, 16).ok());
                out.push(code.unwrap_or(b'?'));
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Dotted keys as a tree.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// The input of an operation and what of the form does not fit its shape.
pub(crate) fn input(
    table: &Table,
    shape: &str,
    protocol: Protocol,
    form: &BTreeMap<String, String>,
) -> (Value, Vec<Misfit>) {
    let mut root = Node::default();
    for (key, text) in form.iter().filter(|(key, _)| !matches!(key.as_str(), "Action" | "Version")) {
        let mut node = &mut root;
        for part in key.split('.') {
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(text.clone());
    }
    let mut reader = Reader { table, protocol, found: Vec::new() };
    if table.shape(shape).is_none() {
        let unknown = root.children.keys().map(|k| Misfit::Unknown(k.clone())).collect();
        return (Value::Object(Map::new()), unknown);
    }
    let value = reader.value(shape, &root, "");
    (value, reader.found)
}

struct Reader<'t> {
    table: &'t Table,
    protocol: Protocol,
    found: Vec<Misfit>,
}

impl Reader<'_> {
    fn value(&mut self, shape: &str, node: &Node, path: &str) -> Value {
        let text = node.text.clone().unwrap_or_default();
        let table = self.table;
        let (value, kind) = match table.shape(shape) {
            Some(Shape::Structure(_)) => return self.structure(shape, node, path),
            Some(Shape::List(items, _)) => return self.list(items.shape, items.named, node, path),
            Some(Shape::Whole(_)) => (text.parse::<i64>().ok().map(Value::from), "integer"),
            Some(Shape::Fraction) => (text.parse::<f64>().ok().map(Value::from), "number"),
            Some(Shape::Flag) => (text.parse::<bool>().ok().map(Value::from), "boolean"),
            _ => (Some(Value::from(text)), "string"),
        };
        if let Some(child) = node.children.keys().next() {
            self.found.push(Misfit::Unknown(format!("{path}.{child}")));
        }
        value.unwrap_or_else(|| {
            self.found.push(Misfit::Type(path.to_owned(), kind));
            Value::Null
        })
    }

    fn structure(&mut self, shape: &str, node: &Node, path: &str) -> Value {
        let table = self.table;
        let Some(Shape::Structure(members)) = table.shape(shape) else { return Value::Null };
        let mut out = Map::new();
        for (key, child) in &node.children {
            let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match members.iter().find(|m| m.sent_as == key) {
                Some(member) if member.refused() => self.found.push(Misfit::Refused(here)),
                Some(member) => {
                    let value = self.value(member.shape, child, &here);
                    out.insert(member.name.to_owned(), value);
                }
                None => self.found.push(Misfit::Unknown(here)),
            }
        }
        Value::Object(out)
    }

    fn list(&mut self, shape: &str, named: Option<&'static str>, node: &Node, path: &str) -> Value {
        let empty = Node::default();
        let (items, path) = match self.protocol {
            Protocol::Ec2 => (node, path.to_owned()),
            Protocol::Query => {
                let name = named.unwrap_or("member");
                for key in node.children.keys().filter(|k| *k != name) {
                    self.found.push(Misfit::Unknown(format!("{path}.{key}")));
                }
                (node.children.get(name).unwrap_or(&empty), format!("{path}.{name}"))
            }
        };
        let mut numbered: BTreeMap<u32, (&String, &Node)> = BTreeMap::new();
        for (key, child) in &items.children {
            match key.parse::<u32>() {
                Ok(number) => drop(numbered.insert(number, (key, child))),
                Err(_) => self.found.push(Misfit::Unknown(format!("{path}.{key}"))),
            }
        }
        numbered.into_values().map(|(key, child)| self.value(shape, child, &format!("{path}.{key}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::shape::{AUTOSCALING, EC2};

    fn read(table: &Table, operation: &str, protocol: Protocol, body: &str) -> (Value, Vec<Misfit>) {
        let shape = table.operations.get(operation).map_or("-", |o| o.input);
        input(table, shape, protocol, &form(body))
    }

    #[test]
    fn ec2_lists_are_flat_and_keys_are_capitalised() {
        let body = "Action=CreateLaunchTemplate&Version=2016-11-15&LaunchTemplateName=n\
                    &LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=100\
                    &LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1=sg-1\
                    &TagSpecification.1.ResourceType=launch-template&TagSpecification.1.Tag.1.Key=a%20b\
                    &TagSpecification.1.Tag.1.Value=";
        let (value, found) = read(&EC2, "CreateLaunchTemplate", Protocol::Ec2, body);
        assert_eq!(found, []);
        let expected = json!({
            "LaunchTemplateName": "n",
            "LaunchTemplateData": {"BlockDeviceMappings": [{"Ebs": {"VolumeSize": 100}}],
                                   "NetworkInterfaces": [{"Groups": ["sg-1"]}]},
            "TagSpecifications": [{"ResourceType": "launch-template", "Tags": [{"Key": "a b", "Value": ""}]}],
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn query_lists_have_a_member_level_and_an_empty_one_is_an_empty_text() {
        let body = "Tags.member.2.Key=b&Tags.member.1.Key=a&TerminationPolicies=&MinSize=0";
        let (value, found) = read(&AUTOSCALING, "CreateAutoScalingGroup", Protocol::Query, body);
        assert_eq!(found, []);
        assert_eq!(value, json!({"Tags": [{"Key": "a"}, {"Key": "b"}], "TerminationPolicies": [], "MinSize": 0}));
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_key() {
        let (_, found) =
            read(&AUTOSCALING, "CreateAutoScalingGroup", Protocol::Query, "MinSize=x&Tags.1.Key=a&Colour=red");
        let expected = [
            Misfit::Unknown("Colour".to_owned()),
            Misfit::Type("MinSize".to_owned(), "integer"),
            Misfit::Unknown("Tags.1".to_owned()),
        ];
        assert_eq!(found, expected);
    }
}
