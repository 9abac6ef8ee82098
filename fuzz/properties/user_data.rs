//! User data of launch templates: what a pool asks for → the script that instances boot with.
//!
//! The input: fields of a pool of an Auto Scaling group, cut at zero bytes: the user's script, then names and values of
//! attributes by turns; the first byte is the reserved memory. What `validate` takes must render to a script whose last
//! lines, read as bash reads them, give the ECS agent exactly the cluster, the attributes and the memory of the pool,
//! wherever the user's own lines end.

use std::collections::BTreeMap;

use axon_core::cloud::Facts;
use axon_core::desired::DesiredCapacity;
use axon_core::neuron::Catalog;
use axon_core::observe::Identity;
use axon_core::ownership::Installation;
use axon_core::parse::{SourceFile, parse};
use axon_core::resolve::{Context, resolve};
use axon_core::revision::Revisions;
use axon_core::spec::Fleet;
use axon_core::validate::validate;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// EC2's limit of decoded user data.
const MOST_BYTES: usize = 16 * 1024;

thread_local! {
    static CATALOG: Catalog = Catalog::builtin();
}

/// Fails by panic.
pub(crate) fn check(data: &[u8]) {
    let [memory, rest @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut parts = text.split('\0');
    let script = parts.next().unwrap_or_default();
    let mut attributes = BTreeMap::new();
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        attributes.insert(name.to_owned(), value.to_owned());
    }
    let reserved = u32::from(*memory);
    let Some(fleet) = accepted(script, &attributes, reserved) else { return };
    let identity = Identity { account: "111122223333".into(), region: "us-east-1".into(), partition: "aws".into() };
    let facts = Facts { identity, instance_types: Vec::new() };
    let installation: Installation = "axon".parse().expect("an installation id");
    let revisions = Revisions::new("main@sha1:1");
    let resolved = resolve(&fleet, Context { installation: &installation, facts: &facts, revisions: &revisions });
    let pool = resolved.desired.pools.values().next().expect("a valid pool is rendered");
    let DesiredCapacity::Groups(groups) = &pool.capacity else { panic!("the pool is one of groups") };
    for group in groups {
        let data = group.template.user_data.as_deref().expect("every template has user data");
        let bytes = BASE64_STANDARD.decode(data).expect("user data is base64");
        assert!(bytes.len() <= MOST_BYTES, "{} bytes of user data", bytes.len());
        let rendered = String::from_utf8(bytes).expect("user data is text");
        agent_gets(&rendered, script, &attributes, reserved);
    }
}

/// The fleet, if the pool is valid. As YAML, since JSON is YAML and every text can be written in it.
fn accepted(script: &str, attributes: &BTreeMap<String, String>, reserved: u32) -> Option<Fleet> {
    let pool = json!({
        "apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronPool", "metadata": {"name": "chips"},
        "spec": {"cluster": "ml", "autoScalingGroup": {
            "instanceTypes": ["inf2.48xlarge"], "subnets": ["subnet-0a1b2c3d"], "maxSize": 4,
            "instanceProfileArn": "arn:aws:iam::111122223333:instance-profile/ecsInstanceRole",
            "attributes": attributes, "userData": script, "reservedMemoryMib": reserved}}
    });
    let cluster =
        r#"{"apiVersion": "neuron.ecs/v1alpha1", "kind": "NeuronCluster", "metadata": {"name": "ml"}, "spec": {}}"#;
    let file = SourceFile { path: "a.yaml".to_owned(), text: format!("{cluster}\n---\n{pool}\n") };
    let parsed = parse(&[file]);
    let fleet = CATALOG.with(|catalog| validate(parsed, catalog)).fleet;
    (!fleet.pools.is_empty()).then_some(fleet)
}

fn agent_gets(rendered: &str, script: &str, attributes: &BTreeMap<String, String>, reserved: u32) {
    assert!(rendered.starts_with("#!/bin/bash\n"), "bash runs it");
    let end = rendered.strip_suffix("\nAXON\n").expect("the settings end the script");
    let start = end.rfind("\ncat >> /etc/ecs/ecs.config <<'AXON'\n").expect("the settings are written");
    let settings: Vec<&str> = end[start..].lines().skip(2).collect();
    let [cluster, given, memory] = settings.as_slice() else { panic!("three settings, not {settings:?}") };
    assert_eq!(*cluster, "ECS_CLUSTER=ml");
    assert_eq!(*memory, format!("ECS_RESERVED_MEMORY={reserved}"));
    let given = given.strip_prefix("ECS_INSTANCE_ATTRIBUTES=").expect("the attributes");
    let given: BTreeMap<String, String> =
        serde_json::from_str::<Value>(given).and_then(serde_json::from_value).expect("JSON of texts");
    let mut expected = attributes.clone();
    expected.insert("neuron.ecs.pool".to_owned(), "chips".to_owned());
    assert_eq!(given, expected);
    assert!(rendered.contains(script.trim_end()), "the user's lines are all there");
}
