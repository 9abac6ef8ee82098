//! Merges a user's `overrides` into a rendered document, member by member.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::spec::Raw;

/// Merges `raw` last. Objects merge, a list of named items (containers, volumes) merges by name, anything else replaces;
/// `null` removes a member. An unknown member or a wrong type is an error in AWS's member names.
pub(super) fn merge<T: Serialize + DeserializeOwned>(document: T, raw: &Raw) -> Result<T, String> {
    if raw.is_empty() {
        return Ok(document);
    }
    let mut value = serde_json::to_value(&document).map_err(|error| error.to_string())?;
    if let Value::Object(members) = &mut value {
        merge_members(members, &raw.0);
    }
    serde_json::from_value(value).map_err(|error| format!("overrides do not fit AWS's request: {error}"))
}

fn merge_members(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        if value.is_null() {
            into.remove(name);
            continue;
        }
        match into.get_mut(name) {
            Some(known) => merge_value(known, value),
            None => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

fn merge_value(known: &mut Value, given: &Value) {
    match (known, given) {
        (Value::Object(into), Value::Object(from)) => merge_members(into, from),
        (Value::Array(into), Value::Array(from)) if is_named(into) && is_named(from) => merge_named(into, from),
        (known, given) => *known = given.clone(),
    }
}

fn is_named(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.get("name").is_some_and(Value::is_string))
}

fn merge_named(into: &mut Vec<Value>, from: &[Value]) {
    for item in from {
        match into.iter_mut().find(|known| known.get("name") == item.get("name")) {
            Some(known) => merge_value(known, item),
            None => into.push(item.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::shape::task_definition::RegisterTaskDefinition;

    fn raw(value: Value) -> Raw {
        serde_json::from_value(value).unwrap()
    }

    fn task(value: Value) -> RegisterTaskDefinition {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn members_merge_and_containers_merge_by_name() {
        let base = task(json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "i"}, {"name": "b"}]}));
        let merged =
            merge(base, &raw(json!({"ipcMode": "task", "containerDefinitions": [{"name": "b", "hostname": "h"}]})));
        let wanted = json!({"family": "f", "ipcMode": "task", "containerDefinitions": [
            {"name": "a", "image": "i"}, {"name": "b", "hostname": "h"}]});
        assert_eq!(merged, Ok(task(wanted)));
    }

    #[test]
    fn null_removes_a_member() {
        let merged =
            merge(task(json!({"family": "f", "cpu": "1", "containerDefinitions": []})), &raw(json!({"cpu": null})));
        assert_eq!(merged.unwrap().cpu, None);
    }

    #[test]
    fn an_unknown_member_is_refused_by_name() {
        let refused = merge(task(json!({"family": "f", "containerDefinitions": []})), &raw(json!({"famly": "g"})));
        assert!(refused.unwrap_err().contains("famly"));
    }
}
