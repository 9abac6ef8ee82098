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
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: &'static str,
    /// Its key in a form.
    pub(super) sent_as: &'static str,
    /// Its element in a document.
    pub(super) shown_as: &'static str,
    need: Need,
}

#[derive(Debug, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
    /// The API has it, the simulator does not.
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct Bounds {
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<regex_lite::Regex>,
}

#[derive(Debug)]
pub(super) enum Shape {
    Structure(Vec<Member>),
    List(Items, Bounds),
    Map(&'static str),
    Enum(Vec<&'static str>),
    Text(Bounds),
    Whole(Bounds),
    Fraction,
    Flag,
    /// A number of seconds.
    Moment,
    /// A moment as text.
    Instant,
    /// Any JSON value (the model's document types).
    Anything,
}

impl Member {
    /// The API has it, the simulator does not.
    pub(super) fn refused(&self) -> bool {
        self.need == Need::Refused
    }
}

/// What a list holds.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) shape: &'static str,
    /// The name of an item in a form or a document, where it is not the protocol's usual one.
    pub(super) named: Option<&'static str>,
}

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    Unknown(String),
    Refused(String),
    Type(String, &'static str),
    Missing(String),
    Enum(String, String, String),
    Range(String, String),
}

pub(crate) static ECS: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/ecs.txt")));
pub(crate) static SSM: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/ssm.txt")));
pub(crate) static LOGS: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/logs.txt")));
pub(crate) static EC2: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/ec2.txt")));
pub(crate) static AUTOSCALING: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("shapes/autoscaling.txt")));

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
                    table.refused.extend(rest.split_ascii_whitespace());
                    continue;
                }
                "structure" => Shape::Structure(rest.split_ascii_whitespace().filter_map(member).collect()),
                "list" => {
                    let (of, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                    let (shape, named) = of.split_once('@').map_or((of, None), |(shape, named)| (shape, Some(named)));
                    Shape::List(Items { shape, named }, bounds(rest))
                }
                "map" => Shape::Map(rest),
                "enum" => Shape::Enum(rest.split('|').collect()),
                "string" => Shape::Text(bounds(rest)),
                "integer" | "long" => Shape::Whole(bounds(rest)),
                "double" | "float" => Shape::Fraction,
                "boolean" => Shape::Flag,
                "timestamp" => Shape::Moment,
                "instant" => Shape::Instant,
                "document" => Shape::Anything,
                _ => continue,
            };
            table.shapes.insert(name, shape);
        }
        table
    }

    pub(super) fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
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
                    self.visit(of.shape, item, &format!("{path}[{index}]"), found);
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
            (Some(Shape::Whole(bounds)), Value::Number(number)) => match number.as_i64() {
                Some(whole) => found.extend(bounds.within(whole, path)),
                None => found.push(wrong("integer")),
            },
            (Some(Shape::Whole(_)), _) => found.push(wrong("integer")),
            (Some(Shape::Instant), Value::String(_))
            | (Some(Shape::Fraction | Shape::Moment), Value::Number(_))
            | (Some(Shape::Flag), Value::Bool(_))
            | (Some(Shape::Anything), _) => {}
            (Some(Shape::Enum(_) | Shape::Text(_) | Shape::Instant), _) => found.push(wrong("string")),
            (Some(Shape::Fraction | Shape::Moment), _) => found.push(wrong("number")),
            (Some(Shape::Flag), _) => found.push(wrong("boolean")),
            (None, _) => found.push(Misfit::Unknown(path.to_owned())),
        }
    }

    fn visit_members(&self, members: &[Member], map: &Map<String, Value>, path: &str, found: &mut Vec<Misfit>) {
        for (key, item) in map {
            match members.iter().find(|m| m.name == key) {
                Some(_) if item.is_null() => {}
                Some(member) if member.refused() => found.push(Misfit::Refused(join(path, key))),
                Some(member) => self.visit(member.shape, item, &join(path, key), found),
                None => found.push(Misfit::Unknown(join(path, key))),
            }
        }
        for member in members {
            if member.need == Need::Required && map.get(member.name).is_none_or(Value::is_null) {
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
            Self::Refused(path) => Fault::not_modelled(format!("the member {path}")),
            _ => Fault::invalid(self.to_string()),
        }
    }

    pub(crate) fn ssm(&self) -> Fault {
        match self {
            Self::Unknown(_) | Self::Type(..) => Fault::new("SerializationException", self.to_string()),
            Self::Refused(path) => Fault::not_modelled(format!("the member {path}")),
            _ => Fault::new("ValidationException", self.to_string()),
        }
    }

    /// As EC2 would say it, with the codes of its page "Error codes for the Amazon EC2 API".
    pub(crate) fn ec2(&self) -> Fault {
        let code = match self {
            Self::Unknown(_) => "UnknownParameter",
            Self::Missing(_) => "MissingParameter",
            Self::Refused(path) => return Fault::not_modelled(format!("the parameter {path}")),
            Self::Type(..) | Self::Enum(..) | Self::Range(..) => "InvalidParameterValue",
        };
        Fault::new(code, self.to_string())
    }

    /// As Auto Scaling would say it: one code for everything. AWS itself takes members that it does not know.
    pub(crate) fn autoscaling(&self) -> Fault {
        match self {
            Self::Refused(path) => Fault::not_modelled(format!("the member {path}")),
            _ => Fault::new("ValidationError", self.to_string()),
        }
    }
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "Unknown member '{path}' in the request."),
            Self::Refused(path) => write!(f, "The member '{path}' is not modelled."),
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

/// `name*:shape@sent>shown`, where `*` marks a required member and `!` one that the simulator refuses.
fn member(word: &'static str) -> Option<Member> {
    let (name, rest) = word.split_once(':')?;
    let (rest, shown) = rest.split_once('>').map_or((rest, None), |(rest, shown)| (rest, Some(shown)));
    let (shape, sent) = rest.split_once('@').map_or((rest, None), |(shape, sent)| (shape, Some(sent)));
    let (name, need) = match (name.strip_suffix('*'), name.strip_suffix('!')) {
        (Some(name), _) => (name, Need::Required),
        (_, Some(name)) => (name, Need::Refused),
        _ => (name, Need::Optional),
    };
    Some(Member { name, shape, sent_as: sent.unwrap_or(name), shown_as: shown.unwrap_or(name), need })
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
