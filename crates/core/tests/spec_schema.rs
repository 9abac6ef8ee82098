//! The JSON Schema and the reader agree, and generated fleets are what they promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]
#![cfg(feature = "generate")]

use std::sync::LazyLock;

use axon_core::neuron::Catalog;
use axon_core::parse::{Parsed, SourceFile, parse};
use axon_core::spec::generate::{Size, fleet, fleet_on_groups, fleet_with_jobs};
use axon_core::spec::{Fleet, Kind, Object, field_doc, schema, schema_text};
use axon_core::validate::validate;
use proptest::prelude::*;
use serde_json::{Value, json};

static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| jsonschema::validator_for(&schema()).unwrap());

fn objects(fleet: &Fleet) -> Vec<Object> {
    let clusters = fleet.clusters.values().map(|a| Object::Cluster(Box::new(a.object.clone())));
    let pools = fleet.pools.values().map(|a| Object::Pool(Box::new(a.object.clone())));
    let services = fleet.services.values().map(|a| Object::Service(Box::new(a.object.clone())));
    let jobs = fleet.jobs.values().map(|a| Object::Job(Box::new(a.object.clone())));
    clusters.chain(pools).chain(services).chain(jobs).collect()
}

fn read(value: &Value) -> Parsed {
    parse(&[SourceFile { path: "a.yaml".to_owned(), text: value.to_string() }])
}

fn accepted(value: &Value) -> bool {
    let parsed = read(value);
    parsed.diagnostics.is_empty() && parsed.objects.iter().all(|declared| declared.object.is_some())
}

/// Every pointer to a value inside a document, except inside free-form parts.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| pointers(inner, &format!("{at}/{key}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, inner)| pointers(inner, &format!("{at}/{i}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes a document at one place.
fn mutate(document: &Value, place: prop::sample::Index, how: u8) -> Value {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    let pointer = &all[place.index(all.len())];
    let mut changed = document.clone();
    let target = changed.pointer_mut(pointer).unwrap();
    match (how % 6, target) {
        (0, target) => *target = Value::Null,
        (1, Value::Object(map)) => {
            map.insert("surprise".to_owned(), json!({"a": 1}));
        }
        (2, Value::Object(map)) => {
            if let Some(key) = map.keys().next().cloned() {
                map.shift_remove(&key);
            }
        }
        (3, target) => *target = json!([{"b": true}]),
        (4, Value::Number(number)) => *number = 4_294_967_296_u64.into(),
        (4 | 1, Value::String(text)) => text.push('!'),
        (5, Value::Number(_) | Value::Bool(_)) => *changed.pointer_mut(pointer).unwrap() = json!("text"),
        (_, target) => *target = json!({}),
    }
    changed
}

fn reads_back(fleet: &Fleet) -> Result<(), TestCaseError> {
    let files: Vec<SourceFile> = objects(fleet)
        .iter()
        .enumerate()
        .map(|(i, object)| SourceFile { path: format!("{i}.yaml"), text: serde_json::to_string(object).unwrap() })
        .collect();
    let validated = validate(parse(&files), &Catalog::builtin());
    let errors: Vec<String> = validated.diagnostics.iter().filter(|d| d.is_error()).map(ToString::to_string).collect();
    prop_assert!(errors.is_empty(), "{}", errors.join("\n"));
    prop_assert_eq!(objects(&validated.fleet), objects(fleet));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_generated_fleet_is_valid_and_reads_back_as_it_was(fleet in fleet(Size::default())) {
        reads_back(&fleet)?;
    }

    #[test]
    fn a_generated_fleet_on_groups_is_valid_and_reads_back_as_it_was(fleet in fleet_on_groups(Size::default())) {
        reads_back(&fleet)?;
    }

    #[test]
    fn a_generated_fleet_with_jobs_is_valid_and_reads_back_as_it_was(fleet in fleet_with_jobs(Size::default())) {
        prop_assert!(!fleet.jobs.is_empty());
        reads_back(&fleet)?;
    }

    #[test]
    fn a_document_is_read_exactly_if_the_schema_accepts_it(
        fleet in prop_oneof![
            fleet(Size { clusters: 1, pools: 1, services: 1 }),
            fleet_on_groups(Size { clusters: 1, pools: 1, services: 1 }),
            fleet_with_jobs(Size { clusters: 1, pools: 1, services: 1 }),
        ],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 12),
    ) {
        let validator = &*VALIDATOR;
        for object in objects(&fleet) {
            let document = serde_json::to_value(&object).unwrap();
            prop_assert!(validator.is_valid(&document) && accepted(&document), "{document}");
            for (place, how) in &changes {
                let changed = mutate(&document, *place, *how);
                prop_assert_eq!(validator.is_valid(&changed), accepted(&changed), "{}", changed);
            }
        }
    }
}

#[test]
fn the_schema_is_a_valid_schema_without_null() {
    assert!(jsonschema::meta::is_valid(&schema()));
    assert!(!schema_text().contains("\"null\""));
    assert!(schema_text().ends_with("}\n"));
}

#[test]
fn every_kind_is_a_choice_of_the_schema() {
    let root = schema();
    let choices: Vec<&str> =
        root["oneOf"].as_array().unwrap().iter().map(|kind| kind["$ref"].as_str().unwrap()).collect();
    let kinds = Kind::ALL.map(|kind| format!("#/$defs/{kind}"));
    assert_eq!(choices, kinds);
    assert!(Kind::ALL.iter().all(|kind| field_doc(kind.as_str()).is_some_and(|doc| doc.contains("`spec`"))));
}

#[test]
fn every_field_has_a_description_that_can_be_looked_up() {
    let root = schema();
    let definitions = root["$defs"].as_object().unwrap();
    for (name, definition) in definitions {
        for (field, inner) in definition.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let described = inner.get("description").or_else(|| {
                let target = inner.get("$ref")?.as_str()?.strip_prefix('#')?;
                root.pointer(target)?.get("description")
            });
            assert!(described.is_some(), "{name}.{field}");
        }
    }
    let page = field_doc("NeuronPool.spec.managedInstances.subnets").unwrap();
    assert!(page.contains("Subnets of one VPC"), "{page}");
    assert!(field_doc("NeuronService.spec.template.containers.image").is_some());
    assert!(field_doc("NeuronService").unwrap().contains("`spec`"));
    assert_eq!(field_doc("NeuronService.spec.nothing"), None);
    assert!(field_doc("NeuronJob.spec.retryPolicy.rules.onExitCodes").unwrap().contains("1 to 255"));
}
