//! The table of shapes: which members a request or response may hold, read from the compact files in `shapes/`.
//! Neighbours: `json` checks every request with it before an operation sees it; tests check every response.
//! No AWS behaviour beyond shape, enum, range and pattern belongs here.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value};

use super::fault::Fault;

/// What one service's API looks like.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) operations: BTreeMap<&'static str, Operation>,
    pub(crate) refused: Vec<&'static str>,
    shapes: BTreeMap<&'static str, Shape>,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) input: &'static str,
    pub(crate) output: &'static str,
    pub(crate) errors: Vec<&'static str>,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    shape: &'static str,
    required: Need,
}

#[derive(Debug, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

#[derive(Debug, Default)]
struct Bounds {
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<regex_lite::Regex>,
}

#[derive(Debug)]
enum Shape {
    Structure(Vec<Member>),
    List(&'static str, Bounds),
    Map(&'static str),
    Enum(Vec<&'static str>),
    Text(Bounds),
    Whole(Bounds),
    Fraction,
    Flag,
    Moment,
    /// Any JSON value (the model's document types).
    Anything,
}

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    Unknown(String),
    Type(String, &'static str),
    Missing(String),
    Enum(String, String, String),
    Range(String, String),
}

pub(crate) static ECS: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/ecs.txt")));
pub(crate) static SSM: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/ssm.txt")));

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self { operations: BTreeMap::new(), refused: Vec::new(), shapes: BTreeMap::new() };
        for line in text.lines() {
            let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let shape = match kind {
                "op" => {
                    let mut words = rest.split(' ');
                    let (input, output) = (words.next().unwrap_or("-"), words.next().unwrap_or("-"));
                    let errors = words.next().unwrap_or("").split(',').collect();
                    table.operations.insert(name, Operation { input, output, errors });
                    continue;
                }
                "refused" => {
                    table.refused.push(name);
                    continue;
                }
                "structure" => Shape::Structure(rest.split(' ').filter_map(member).collect()),
                "list" => {
                    let (of, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                    Shape::List(of, bounds(rest))
                }
                "map" => Shape::Map(rest),
                "enum" => Shape::Enum(rest.split('|').collect()),
                "string" => Shape::Text(bounds(rest)),
                "integer" | "long" => Shape::Whole(bounds(rest)),
                "double" | "float" => Shape::Fraction,
                "boolean" => Shape::Flag,
                "timestamp" => Shape::Moment,
                "document" => Shape::Anything,
                _ => continue,
            };
            table.shapes.insert(name, shape);
        }
        table
    }

    /// Every misfit of a document, in document order.
    pub(crate) fn check(&self, shape: &str, value: &Value) -> Vec<Misfit> {
        let mut found = Vec::new();
        self.visit(shape, value, "", &mut found);
        found
    }

    fn visit(&self, shape: &str, value: &Value, path: &str, found: &mut Vec<Misfit>) {
        let wrong = |name| Misfit::Type(path.to_owned(), name);
        match (self.shapes.get(shape), value) {
            (Some(Shape::Structure(members)), Value::Object(map)) => self.visit_members(members, map, path, found),
            (Some(Shape::Structure(_)), _) => found.push(wrong("structure")),
            (Some(Shape::List(of, bounds)), Value::Array(items)) => {
                found.extend(bounds.length(items.len(), path));
                for (index, item) in items.iter().enumerate() {
                    self.visit(of, item, &format!("{path}[{index}]"), found);
                }
            }
            (Some(Shape::List(..)), _) => found.push(wrong("list")),
            (Some(Shape::Map(of)), Value::Object(map)) => {
                for (key, item) in map {
                    self.visit(of, item, &join(path, key), found);
                }
            }
            (Some(Shape::Map(_)), _) => found.push(wrong("map")),
            (Some(Shape::Enum(words)), Value::String(text)) => {
                if !words.contains(&text.as_str()) {
                    found.push(Misfit::Enum(path.to_owned(), text.clone(), words.join(", ")));
                }
            }
            (Some(Shape::Text(bounds)), Value::String(text)) => {
                found.extend(bounds.length(text.chars().count(), path));
                found.extend(bounds.matches(text, path));
            }
            (Some(Shape::Enum(_) | Shape::Text(_)), _) => found.push(wrong("string")),
            (Some(Shape::Whole(bounds)), Value::Number(number)) => match number.as_i64() {
                Some(whole) => found.extend(bounds.within(whole, path)),
                None => found.push(wrong("integer")),
            },
            (Some(Shape::Whole(_)), _) => found.push(wrong("integer")),
            (Some(Shape::Fraction | Shape::Moment), Value::Number(_))
            | (Some(Shape::Flag), Value::Bool(_))
            | (Some(Shape::Anything), _) => {}
            (Some(Shape::Fraction | Shape::Moment), _) => found.push(wrong("number")),
            (Some(Shape::Flag), _) => found.push(wrong("boolean")),
            (None, _) => found.push(Misfit::Unknown(path.to_owned())),
        }
    }

    fn visit_members(&self, members: &[Member], map: &Map<String, Value>, path: &str, found: &mut Vec<Misfit>) {
        for (key, item) in map {
            match members.iter().find(|m| m.name == key) {
                Some(_) if item.is_null() => {}
                Some(member) => self.visit(member.shape, item, &join(path, key), found),
                None => found.push(Misfit::Unknown(join(path, key))),
            }
        }
        for member in members {
            if member.required == Need::Required && map.get(member.name).is_none_or(Value::is_null) {
                found.push(Misfit::Missing(join(path, member.name)));
            }
        }
    }
}

impl Bounds {
    fn length(&self, length: usize, path: &str) -> Option<Misfit> {
        self.within(i64::try_from(length).unwrap_or(i64::MAX), path)
    }

    fn within(&self, number: i64, path: &str) -> Option<Misfit> {
        if self.min.is_some_and(|min| number < min) {
            return Some(Misfit::Range(path.to_owned(), format!("must be at least {}", self.min.unwrap_or_default())));
        }
        if self.max.is_some_and(|max| number > max) {
            return Some(Misfit::Range(path.to_owned(), format!("must be at most {}", self.max.unwrap_or_default())));
        }
        None
    }

    fn matches(&self, text: &str, path: &str) -> Option<Misfit> {
        let pattern = self.pattern.as_ref()?;
        (!pattern.is_match(text)).then(|| Misfit::Range(path.to_owned(), format!("must match {}", pattern.as_str())))
    }
}

impl Misfit {
    /// As ECS would say it. ECS publishes no rule for which of its two client errors a malformed body raises:
    /// SerializationException for what cannot be read and InvalidParameterException for the rest is a guess.
    pub(crate) fn ecs(&self) -> Fault {
        match self {
            Self::Unknown(_) | Self::Type(..) => Fault::new("SerializationException", self.to_string()),
            _ => Fault::invalid(self.to_string()),
        }
    }

    pub(crate) fn ssm(&self) -> Fault {
        match self {
            Self::Unknown(_) | Self::Type(..) => Fault::new("SerializationException", self.to_string()),
            _ => Fault::new("ValidationException", self.to_string()),
        }
    }
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "Unknown member '{path}' in the request."),
            Self::Type(path, name) => write!(f, "The value of '{path}' is not a {name}."),
            Self::Missing(path) => write!(f, "The required member '{path}' is missing."),
            Self::Enum(path, text, words) => write!(f, "'{text}' at '{path}' is not one of [{words}]."),
            Self::Range(path, rule) => write!(f, "The value at '{path}' {rule}."),
        }
    }
}

/// Errors that any operation may raise although its model does not list them.
const ANYWHERE: [&str; 5] = [
    "ThrottlingException",
    "SerializationException",
    "ValidationException",
    "UnknownOperationException",
    super::fault::NOT_MODELLED,
];

/// How an ECS answer differs from what the service model says the operation may answer. For tests.
pub fn breaches(operation: &str, status: u16, body: &Value) -> Vec<String> {
    let Some(found) = ECS.operations.get(operation) else { return Vec::new() };
    if status == 200 {
        return ECS.check(found.output, body).iter().map(|m| format!("{operation}: {m}")).collect();
    }
    let code = body.get("__type").and_then(Value::as_str).unwrap_or_default();
    if found.errors.contains(&code) || ANYWHERE.contains(&code) {
        return Vec::new();
    }
    vec![format!("{operation}: the model has no error {code}")]
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn member(word: &'static str) -> Option<Member> {
    let (name, shape) = word.split_once(':')?;
    Some(match name.strip_suffix('*') {
        Some(name) => Member { name, shape, required: Need::Required },
        None => Member { name, shape, required: Need::Optional },
    })
}

fn bounds(text: &str) -> Bounds {
    let mut out = Bounds::default();
    let (numbers, pattern) = text.split_once("pattern=").map_or((text, None), |(a, b)| (a, Some(b)));
    for word in numbers.split(' ') {
        if let Some(min) = word.strip_prefix("min=") {
            out.min = min.parse().ok();
        } else if let Some(max) = word.strip_prefix("max=") {
            out.max = max.parse().ok();
        }
    }
    // The model's only Unicode classes are letters, separators and numbers; this engine has no such tables.
    out.pattern = pattern.and_then(|p| {
        let ascii = p.replace(r"\p{L}\p{Z}\p{N}", r"\w \x{80}-\x{10FFFF}");
        regex_lite::Regex::new(&format!("^(?:{ascii})$")).ok()
    });
    out
}
