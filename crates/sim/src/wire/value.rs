//! Reading members of a JSON value without panicking. Neighbours: every operation. No meaning of any member belongs here.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

const NOTHING: &[Value] = &[];

/// Members of an object, absent when the value is not an object or has no such member.
pub(crate) trait Read {
    fn text(&self, key: &str) -> Option<&str>;
    fn number(&self, key: &str) -> Option<i64>;
    fn flag(&self, key: &str) -> Option<bool>;
    fn list(&self, key: &str) -> &[Value];
    fn at(&self, key: &str) -> Option<&Value>;
    fn strings(&self, key: &str) -> Vec<String>;
    fn has(&self, key: &str) -> bool;
}

impl Read for Value {
    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Value::as_i64)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Value::as_bool)
    }

    fn list(&self, key: &str) -> &[Value] {
        self.get(key).and_then(Value::as_array).map_or(NOTHING, Vec::as_slice)
    }

    fn at(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|v| !v.is_null())
    }

    fn strings(&self, key: &str) -> Vec<String> {
        self.list(key).iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    fn has(&self, key: &str) -> bool {
        self.at(key).is_some()
    }
}

/// Sets a member; does nothing on a value that is not an object.
pub(crate) fn put(target: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(map) = target.as_object_mut() {
        map.insert(key.to_owned(), value.into());
    }
}

/// Sets a member when there is something to set.
pub(crate) fn put_some(target: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(target, key, value);
    }
}

/// Sets a member only when it is absent.
pub(crate) fn fill(target: &mut Value, key: &str, value: impl Into<Value>) {
    if !target.has(key) {
        put(target, key, value);
    }
}

/// The named members of `from` that are present.
pub(crate) fn pick(from: &Value, keys: &[&str]) -> Value {
    let mut out = Map::new();
    for key in keys {
        if let Some(value) = from.at(key) {
            out.insert((*key).to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

/// Takes nulls out of objects: on the wire a null member is an absent one.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// A timestamp as AWS JSON writes it: seconds since the epoch, with milliseconds.
pub(crate) fn stamp(at: Timestamp) -> Value {
    Value::from(SignedDuration::from_millis(at.as_millisecond()).as_secs_f64())
}

/// A moment some seconds later.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// `Value::Array` of things that become values.
pub(crate) fn array<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Array(items.into_iter().map(Into::into).collect())
}
