//! What is set and then taken out of a pool of Auto Scaling groups leaves what a fresh installation has.

use axon_core::observed::Observed;
use axon_core::ownership;
use axon_core::plan::{Prune, version_of};
use serde_json::{Value, json};

use super::fixture::{Specs, converge, empty_ec2_account, grouped, plan_once, text};

/// Optional fields of the pool's group, template, capacity provider and tags, each with a value that is not its default.
fn fields() -> Vec<(&'static str, Value)> {
    vec![
        ("autoScalingGroup/securityGroups", json!(["sg-0a1b2c3d"])),
        ("autoScalingGroup/minSize", json!(1)),
        ("autoScalingGroup/capacityOption", json!("Spot")),
        ("autoScalingGroup/placementGroup", json!("near")),
        ("autoScalingGroup/monitoring", json!("Detailed")),
        ("autoScalingGroup/metadataHopLimit", json!(1)),
        ("autoScalingGroup/attributes", json!({"stage": "test"})),
        ("autoScalingGroup/reservedMemoryMib", json!(2048)),
        ("autoScalingGroup/userData", json!("true")),
        ("autoScalingGroup/rootVolume", json!({"sizeGib": 300, "iops": 4000, "throughput": 250, "kmsKeyId": "k"})),
        ("autoScalingGroup/scaling", json!({"targetCapacity": 90, "minimumStep": 2, "maximumStep": 3, "warmup": "1m"})),
        ("tags", json!({"cost": "42"})),
        ("overrides/launchTemplate", json!({"KeyName": "mine"})),
        ("overrides/autoScalingGroup", json!({"PlacementGroup": "near"})),
        ("overrides/autoScalingGroup", json!({"DefaultInstanceWarmup": 60})),
        ("overrides/autoScalingGroup", json!({"MaxInstanceLifetime": 864_000})),
        ("overrides/autoScalingGroup", json!({"TerminationPolicies": ["OldestInstance"]})),
        ("overrides/autoScalingGroup", json!({"HealthCheckType": "ELB", "HealthCheckGracePeriod": 10})),
        ("overrides/capacityProvider", json!({"managedDraining": "DISABLED"})),
        ("overrides/capacityProvider", json!({"managedScaling": {"instanceWarmupPeriod": 1}})),
    ]
}

/// What AWS has of the pool, by what it means: an empty text, the default policy, -1 and 0 stand for nothing.
fn summary(observed: &Observed) -> Value {
    let group = observed.groups.iter().next().unwrap();
    let template = observed.templates.get(&group.name).unwrap();
    let mut settings = serde_json::to_value(&group.settings).unwrap();
    let nothing = [json!(""), json!(["Default"]), json!(-1), json!(0)];
    let optional = ["PlacementGroup", "TerminationPolicies", "DefaultInstanceWarmup", "MaxInstanceLifetime"];
    let members = settings.as_object_mut().unwrap();
    members.retain(|name, value| !(optional.contains(&name.as_str()) && nothing.contains(value)));
    members.remove("LaunchTemplate");
    let version = template.versions.iter().find(|version| Some(version.number) == version_of(group)).unwrap();
    let provider = observed.group_providers.iter().next().unwrap();
    let tags = |tags: &ownership::Tags| {
        let mut tags = tags.clone();
        tags.remove(ownership::REVISION);
        tags
    };
    json!({
        "settings": settings,
        "contents": version.description,
        "provider": provider.auto_scaling_group,
        "tags": [tags(&template.tags), tags(&provider.tags)],
    })
}

#[test]
fn an_optional_field_that_is_taken_out_leaves_what_a_fresh_installation_has() {
    let plain = grouped();
    let fresh = converge(&plain.desired(), empty_ec2_account(), Prune::Enabled);
    for (field, value) in fields() {
        let with: Specs = grouped().edit_pool(&format!("/spec/{field}"), value.clone());
        let set = converge(&with.desired(), fresh.clone(), Prune::Enabled);
        assert_ne!(summary(&set), summary(&fresh), "{field}: {value} changes something");
        let back = converge(&plain.desired(), set, Prune::Enabled);
        assert_eq!(summary(&back), summary(&fresh), "{field}: {value}");
        assert_eq!(text(&plan_once(&plain.desired(), &back, Prune::Enabled).steps), "", "{field}: {value}");
    }
}
