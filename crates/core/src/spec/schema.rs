//! The JSON Schema of the objects, made from the types, and the descriptions of fields made from the schema.
//!
//! Neighbours: `parse` checks documents against it; `axon schema` and `axon explain` print it.
//! Not here: rules that JSON Schema cannot say (`validate`).

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Kind, NeuronCluster, NeuronJob, NeuronPool, NeuronService};

/// The JSON Schema (draft 2020-12) of one document: one of the kinds. Definitions are under `$defs`, one per type.
///
/// `null` is allowed nowhere but inside `overrides`: a field is given or left out.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let kinds = [
        generator.subschema_for::<NeuronCluster>(),
        generator.subschema_for::<NeuronPool>(),
        generator.subschema_for::<NeuronService>(),
        generator.subschema_for::<NeuronJob>(),
    ];
    let definitions = generator.take_definitions(true);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Axon objects",
        "description": "One document of Axon: a NeuronCluster, a NeuronPool, a NeuronService or a NeuronJob.",
        "oneOf": kinds,
        "$defs": definitions,
    });
    tidy(&mut schema);
    schema
}

/// The schema, made once: it never changes while the program runs.
pub(crate) fn shared_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(schema);
    &SCHEMA
}

/// The schema as the text of a file, with a newline at the end.
pub fn schema_text() -> String {
    let mut text = format!("{:#}", schema());
    text.push('\n');
    text
}

/// Makes the schema say exactly what `parse` accepts: no `null`, and bounds where the integer type ends.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            drop_null(map);
            close_integer(map);
            map.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `type: [x, null]` becomes `type: x`; `anyOf: [x, {type: null}]` becomes `x`.
fn drop_null(map: &mut serde_json::Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if map.get("default") == Some(&Value::Null) {
        map.shift_remove("default");
    }
    if let Some(Value::Array(choices)) = map.get("anyOf")
        && let [Value::Object(only), Value::Object(null)] = choices.as_slice()
        && null.get("type").is_some_and(|kind| kind == "null")
    {
        let only = only.clone();
        map.shift_remove("anyOf");
        for (key, value) in only {
            map.entry(key).or_insert(value);
        }
    }
}

/// Formats such as `uint32` become bounds, which every validator understands.
fn close_integer(map: &mut serde_json::Map<String, Value>) {
    let (least, most): (i64, i64) = match map.get("format").and_then(Value::as_str) {
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => return,
    };
    map.shift_remove("format");
    map.entry("minimum").or_insert(json!(least));
    map.entry("maximum").or_insert(json!(most));
}

/// The description of a field, by its path: `NeuronPool.spec.managedInstances.subnets`; items of lists and values of
/// maps are passed through (`NeuronService.spec.template.containers.image`). A kind alone describes the kind.
/// The answer is Markdown: the field's path, its type, its description, and its own fields if it has any.
pub fn field_doc(path: &str) -> Option<String> {
    let root = shared_schema();
    let mut parts = path.split('.');
    let kind = Kind::named(parts.next()?)?;
    let mut node = root.pointer(&format!("/$defs/{kind}"))?;
    let mut description = text_of(node, "description");
    for part in parts {
        let inner = object_inside(root, node)?;
        node = inner.get("properties")?.get(part)?;
        let own = text_of(node, "description");
        description = if own.is_empty() { text_of(resolve_schema(root, node), "description") } else { own };
    }
    let mut page = format!("# {path}\n\nType: {}\n\n{description}\n", type_of(root, node));
    if let Some(fields) = object_inside(root, node).and_then(|n| n.get("properties")).and_then(Value::as_object) {
        page.push_str("\n| field | type | meaning |\n| --- | --- | --- |\n");
        for (name, field) in fields {
            let own = text_of(field, "description");
            let own = if own.is_empty() { text_of(resolve_schema(root, field), "description") } else { own };
            let meaning = own.replace('\n', " ").replace('|', "\\|");
            let line = format!("| `{name}` | {} | {meaning} |\n", type_of(root, field).replace('|', "\\|"));
            page.push_str(&line);
        }
    }
    Some(page)
}

fn text_of<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The definition behind a `$ref`, or the node itself.
pub(crate) fn resolve_schema<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let target = node.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(node)
}

/// The object with fields that a node leads to, through references, list items and map values.
fn object_inside<'a>(root: &'a Value, node: &'a Value) -> Option<&'a Value> {
    let mut node = resolve_schema(root, node);
    for _ in 0..4 {
        if node.get("properties").is_some() {
            return Some(node);
        }
        let next = node.get("items").or_else(|| node.get("additionalProperties").filter(|v| v.is_object()))?;
        node = resolve_schema(root, next);
    }
    None
}

fn type_of(root: &Value, node: &Value) -> String {
    let node = resolve_schema(root, node);
    if let Some(choices) = node.get("oneOf").or_else(|| node.get("enum")).and_then(Value::as_array) {
        let words = choices.iter().map(|c| match c.get("const").or(Some(c)) {
            Some(Value::String(word)) => format!("`{word}`"),
            _ => type_of(root, c),
        });
        return words.collect::<Vec<_>>().join(" \\| ").replace("\\|", "|");
    }
    match text_of(node, "type") {
        "array" => node.get("items").map_or_else(|| "list".to_owned(), |i| format!("list of {}", type_of(root, i))),
        "object" => match node.get("additionalProperties") {
            Some(values) if values.is_object() => format!("map of {}", type_of(root, values)),
            _ => "object".to_owned(),
        },
        "" => "any".to_owned(),
        other => other.to_owned(),
    }
}
