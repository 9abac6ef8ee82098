//! A document's tree against the JSON Schema: every unknown, missing, mistyped or misspelt field at once, and the value
//! as the schema reads it.
//!
//! Neighbours: the schema comes from the types in `spec`, the value goes into them. A property test holds that a document
//! is accepted here exactly if a JSON Schema validator accepts it. Not here: rules that a schema cannot say.

use serde_json::{Map, Value};

use crate::diagnostic::{Code, did_you_mean};
use crate::spec::{Duration, Kind, Name, ParseDurationError, TimeOfDay, resolve_schema};

use super::scalar;
use super::tree::{Field, Mark, Node, Problem, Shape};

/// Reads a document of this kind. The value is complete only if nothing was added to `problems`.
pub(crate) fn read(schema: &Value, kind: Kind, root: &Node, problems: &mut Vec<Problem>) -> Option<Value> {
    let definition = schema.pointer(&format!("/$defs/{kind}"))?;
    let mut reader = Reader { schema, problems, path: Vec::new() };
    reader.value(root, definition, root.mark)
}

struct Reader<'a, 'p> {
    schema: &'a Value,
    problems: &'p mut Vec<Problem>,
    path: Vec<String>,
}

impl<'a> Reader<'a, '_> {
    /// Reads one value. `at` is the place of its key, where findings about mappings and lists point.
    fn value(&mut self, node: &Node, schema: &'a Value, at: Mark) -> Option<Value> {
        let schema = resolve_schema(self.schema, schema);
        let choices = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        if let Some(choices) = choices {
            return self.one_of(node, schema, choices, at);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return self.word(node, words.iter().filter_map(Value::as_str).collect(), at);
        }
        if let Some(only) = schema.get("const").and_then(Value::as_str) {
            return self.word(node, vec![only], at);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => self.object(node, schema, at),
            Some("array") => self.list(node, schema, at),
            Some("string") => self.text(node, schema, at),
            Some("integer") => self.integer(node, schema, at),
            Some("number") => self.number(node, at),
            Some("boolean") => self.boolean(node, at),
            _ => Some(raw(node)),
        }
    }

    fn one_of(&mut self, node: &Node, schema: &'a Value, choices: &'a [Value], at: Mark) -> Option<Value> {
        let words: Vec<&str> = choices.iter().filter_map(|choice| choice.get("const")?.as_str()).collect();
        if words.len() == choices.len() {
            return self.word(node, words, at);
        }
        for choice in choices {
            let mut quiet = Vec::new();
            let mut attempt = Reader { schema: self.schema, problems: &mut quiet, path: Vec::new() };
            let value = attempt.value(node, choice, at);
            if quiet.is_empty() && value.is_some() {
                return value;
            }
        }
        let expected = schema.get("description").and_then(Value::as_str).unwrap_or("another value is expected");
        let message = format!("{} is {}", self.here(), described(node));
        self.problems
            .push(Problem::new(Code::WrongType, place(node, at), message).with_help(format!("Write {expected}")));
        None
    }

    fn word(&mut self, node: &Node, words: Vec<&str>, at: Mark) -> Option<Value> {
        let text = self.scalar(node, "one of a few words", at)?;
        if words.contains(&text) {
            return Some(Value::String(text.to_owned()));
        }
        let message = format!("{} is {text:?}; it may be {}", self.here(), words.join(", "));
        let help = did_you_mean(text, words).unwrap_or_default();
        self.problems.push(Problem::new(Code::UnknownValue, node.mark, message).with_help(help));
        None
    }

    fn object(&mut self, node: &Node, schema: &'a Value, at: Mark) -> Option<Value> {
        let Shape::Map(fields) = &node.shape else {
            self.mistyped(node, "a mapping", at);
            return None;
        };
        let empty = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let others = schema.get("additionalProperties").filter(|rest| **rest != Value::Bool(false));
        let mut map = Map::new();
        for field in fields {
            let Some(inner) = schema.get("properties").and_then(|known| known.get(&field.key)).or(others) else {
                self.unknown_field(field, known);
                continue;
            };
            self.path.push(field.key.clone());
            if let Some(value) = self.value(&field.node, inner, field.key_mark) {
                map.insert(field.key.clone(), value);
            }
            self.path.pop();
        }
        self.missing_fields(node, schema, at);
        Some(Value::Object(map))
    }

    fn unknown_field(&mut self, field: &Field, known: &Map<String, Value>) {
        if field.key == "<<" {
            return;
        }
        let names = || known.keys().map(String::as_str);
        let shown: String = field.key.chars().take(60).collect();
        let message = format!("{} has no field `{shown}`", self.here());
        let help = did_you_mean(&field.key, names())
            .unwrap_or_else(|| format!("The fields are {}.", names().collect::<Vec<_>>().join(", ")));
        self.problems.push(Problem::new(Code::UnknownField, field.key_mark, message).with_help(help));
    }

    fn missing_fields(&mut self, node: &Node, schema: &Value, at: Mark) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let reported = self.path.is_empty() && matches!(name, "apiVersion" | "kind" | "metadata");
            if node.field(name).is_none() && !reported {
                let message = format!("{} needs the field `{name}`", self.here());
                self.problems.push(Problem::new(Code::MissingField, at, message).with_help("Add it."));
            }
        }
    }

    fn list(&mut self, node: &Node, schema: &'a Value, at: Mark) -> Option<Value> {
        let Shape::List(items) = &node.shape else {
            self.mistyped(node, "a list", at);
            return None;
        };
        let inner = schema.get("items").unwrap_or(schema);
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.path.push(index.to_string());
            values.extend(self.value(item, inner, item.mark));
            self.path.pop();
        }
        Some(Value::Array(values))
    }

    fn text(&mut self, node: &Node, schema: &Value, at: Mark) -> Option<Value> {
        let text = self.scalar(node, "a text", at)?;
        let pattern = schema.get("pattern").and_then(Value::as_str);
        let format = schema.get("format").and_then(Value::as_str);
        let problem = if pattern == Some(Name::PATTERN) {
            text.parse::<Name>().err().map(|error| (Code::BadName, error.to_string()))
        } else if format == Some("duration-hms") || (format == Some("duration-hms-or-never") && text != "Never") {
            text.parse::<Duration>().err().map(|error| match error {
                ParseDurationError::Form(_) => (Code::BadDuration, error.to_string()),
                ParseDurationError::TooLong(_) => (Code::OutOfRange, error.to_string()),
            })
        } else if format == Some("time-hm") {
            text.parse::<TimeOfDay>().err().map(|error| (Code::OutOfRange, error.to_string()))
        } else {
            None
        };
        if let Some((code, cause)) = problem {
            let message = format!("{}: {cause}", self.here());
            self.problems.push(Problem::new(code, node.mark, message));
            return None;
        }
        Some(Value::String(text.to_owned()))
    }

    fn integer(&mut self, node: &Node, schema: &Value, at: Mark) -> Option<Value> {
        let Some(number) = plain(node).and_then(scalar::integer) else {
            self.mistyped(node, "a whole number", at);
            return None;
        };
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let most = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
        if number < least || number > most {
            let message = format!("{} is {number}; it may be {least} to {most}", self.here());
            self.problems.push(Problem::new(Code::OutOfRange, node.mark, message));
            return None;
        }
        Some(number.into())
    }

    fn number(&mut self, node: &Node, at: Mark) -> Option<Value> {
        let number = plain(node).and_then(scalar::number);
        if number.is_none() {
            self.mistyped(node, "a number", at);
        }
        number.map(Value::Number)
    }

    fn boolean(&mut self, node: &Node, at: Mark) -> Option<Value> {
        let truth = plain(node).and_then(scalar::boolean);
        if truth.is_none() {
            self.mistyped(node, "`true` or `false`", at);
        }
        truth.map(Value::Bool)
    }

    /// The text of a scalar, as written. Numbers and words such as `no` are texts too; nothing at all is not.
    fn scalar<'n>(&mut self, node: &'n Node, expected: &str, at: Mark) -> Option<&'n str> {
        match &node.shape {
            Shape::Scalar { text, plain } if !(*plain && scalar::is_null(text)) => Some(text),
            Shape::Scalar { .. } | Shape::List(_) | Shape::Map(_) => {
                self.mistyped(node, expected, at);
                None
            }
        }
    }

    fn mistyped(&mut self, node: &Node, expected: &str, at: Mark) {
        let problem = if plain(node).is_some_and(scalar::is_null) {
            let message = format!("{} has no value; {expected} is expected", self.here());
            Problem::new(Code::EmptyValue, at, message).with_help("Give a value, or remove the key to get the default.")
        } else {
            let message = format!("{} is {}; {expected} is expected", self.here(), described(node));
            Problem::new(Code::WrongType, place(node, at), message)
        };
        self.problems.push(problem);
    }

    fn here(&self) -> String {
        if self.path.is_empty() { "the document".to_owned() } else { format!("`{}`", self.path.join(".")) }
    }
}

fn plain(node: &Node) -> Option<&str> {
    match &node.shape {
        Shape::Scalar { text, plain: true } => Some(text),
        Shape::Scalar { .. } | Shape::List(_) | Shape::Map(_) => None,
    }
}

fn place(node: &Node, key: Mark) -> Mark {
    match &node.shape {
        Shape::Scalar { .. } => node.mark,
        Shape::List(_) | Shape::Map(_) => key,
    }
}

fn described(node: &Node) -> String {
    match &node.shape {
        Shape::Scalar { text, plain } => {
            let shown: String = text.chars().take(40).collect();
            if *plain { format!("{shown:?}") } else { format!("the text {shown:?}") }
        }
        Shape::List(_) => "a list".to_owned(),
        Shape::Map(_) => "a mapping".to_owned(),
    }
}

/// A value as YAML reads it where any value is allowed.
fn raw(node: &Node) -> Value {
    match &node.shape {
        Shape::Scalar { text, plain: true } => scalar::any(text),
        Shape::Scalar { text, plain: false } => Value::String(text.clone()),
        Shape::List(items) => Value::Array(items.iter().map(raw).collect()),
        Shape::Map(fields) => Value::Object(fields.iter().map(|f| (f.key.clone(), raw(&f.node))).collect()),
    }
}
