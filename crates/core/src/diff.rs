//! Field-level comparison of what is wanted with what AWS reports.
//!
//! `plan` calls it with two documents in AWS's member names. Only what the wanted document mentions is compared: a
//! member that AWS adds by itself never counts. Lists whose order means nothing are compared as sets. What AWS makes of
//! an omitted member is data ([`Rules`]), not code.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::ignored::Ignored;
use crate::step::FieldChange;

/// How the members of one kind of document compare.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Lists without order: their path, and the member that identifies an item (empty for lists of scalars).
    pub unordered: &'static [(&'static str, &'static str)],
    /// What AWS reports where a member was not given. Applied to both sides before comparing, parents before members.
    pub defaults: &'static [(&'static str, Default)],
    /// Objects that are ours as a whole: a member that AWS has and the wanted document lacks is a difference there,
    /// unless it says nothing (empty, false, zero).
    pub complete: &'static [&'static str],
}

/// A value that AWS fills in.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// A number.
    Number(i64),
    /// A truth value.
    Bool(bool),
    /// A word.
    Text(&'static str),
    /// A list of words.
    Words(&'static [&'static str]),
    /// An empty list.
    EmptyList,
    /// An object without members, so that its members' defaults have a place.
    EmptyObject,
}

impl Default {
    fn value(self) -> Value {
        match self {
            Self::Number(number) => number.into(),
            Self::Bool(truth) => truth.into(),
            Self::Text(text) => text.into(),
            Self::Words(words) => words.iter().copied().collect(),
            Self::EmptyList => Value::Array(Vec::new()),
            Self::EmptyObject => Value::Object(Map::new()),
        }
    }
}

/// Members of a service that AWS fills in or reorders.
///
/// Source: ECS API reference (CreateService, DeploymentConfiguration, CapacityProviderStrategyItem) and the shapes that
/// DescribeServices is known to return.
pub const SERVICE: Rules = Rules {
    unordered: &[
        ("capacityProviderStrategy", "capacityProvider"),
        ("networkConfiguration.awsvpcConfiguration.subnets", ""),
        ("networkConfiguration.awsvpcConfiguration.securityGroups", ""),
        ("loadBalancers", "targetGroupArn"),
        ("serviceRegistries", "registryArn"),
        ("deploymentConfiguration.alarms.alarmNames", ""),
        ("volumeConfigurations", "name"),
        ("vpcLatticeConfigurations", "targetGroupArn"),
    ],
    defaults: &[
        ("healthCheckGracePeriodSeconds", Default::Number(0)),
        ("availabilityZoneRebalancing", Default::Text("DISABLED")),
        ("enableECSManagedTags", Default::Bool(false)),
        ("enableExecuteCommand", Default::Bool(false)),
        ("propagateTags", Default::Text("NONE")),
        ("loadBalancers", Default::EmptyList),
        ("serviceRegistries", Default::EmptyList),
        ("placementConstraints", Default::EmptyList),
        ("placementStrategy", Default::EmptyList),
        ("volumeConfigurations", Default::EmptyList),
        ("vpcLatticeConfigurations", Default::EmptyList),
        ("networkConfiguration.awsvpcConfiguration.assignPublicIp", Default::Text("DISABLED")),
        ("networkConfiguration.awsvpcConfiguration.securityGroups", Default::EmptyList),
        ("deploymentConfiguration", Default::EmptyObject),
        ("deploymentConfiguration.strategy", Default::Text("ROLLING")),
        ("deploymentConfiguration.maximumPercent", Default::Number(200)),
        ("deploymentConfiguration.minimumHealthyPercent", Default::Number(100)),
        ("deploymentConfiguration.deploymentCircuitBreaker", Default::EmptyObject),
        ("deploymentConfiguration.deploymentCircuitBreaker.enable", Default::Bool(false)),
        ("deploymentConfiguration.deploymentCircuitBreaker.rollback", Default::Bool(false)),
        ("deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask", Default::Bool(true)),
        ("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration", Default::EmptyObject),
        (
            "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.type",
            Default::Text("BOUNDED_PERCENT"),
        ),
        ("deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration.value", Default::Number(50)),
        ("deploymentConfiguration.bakeTimeInMinutes", Default::Number(0)),
        ("serviceConnectConfiguration", Default::EmptyObject),
        ("serviceConnectConfiguration.enabled", Default::Bool(false)),
    ],
    complete: &["deploymentConfiguration"],
};

/// Members of a Managed Instances provider that AWS fills in or reorders.
///
/// Source: ECS developer guide, "Create a capacity provider for Amazon ECS Managed Instances".
pub const PROVIDER: Rules = Rules {
    unordered: &[
        ("instanceLaunchTemplate.networkConfiguration.subnets", ""),
        ("instanceLaunchTemplate.networkConfiguration.securityGroups", ""),
        ("instanceLaunchTemplate.instanceRequirements.allowedInstanceTypes", ""),
        ("instanceLaunchTemplate.instanceRequirements.excludedInstanceTypes", ""),
        ("instanceLaunchTemplate.instanceRequirements.cpuManufacturers", ""),
        ("instanceLaunchTemplate.instanceRequirements.instanceGenerations", ""),
        ("instanceLaunchTemplate.instanceRequirements.localStorageTypes", ""),
        ("instanceLaunchTemplate.instanceRequirements.acceleratorTypes", ""),
        ("instanceLaunchTemplate.instanceRequirements.acceleratorNames", ""),
        ("instanceLaunchTemplate.instanceRequirements.acceleratorManufacturers", ""),
    ],
    defaults: &[
        ("propagateTags", Default::Text("NONE")),
        ("instanceLaunchTemplate.capacityOptionType", Default::Text("ON_DEMAND")),
        ("instanceLaunchTemplate.monitoring", Default::Text("BASIC")),
        ("instanceLaunchTemplate.storageConfiguration", Default::EmptyObject),
        ("instanceLaunchTemplate.storageConfiguration.storageSizeGiB", Default::Number(80)),
        ("instanceLaunchTemplate.localStorageConfiguration", Default::EmptyObject),
        ("instanceLaunchTemplate.localStorageConfiguration.useLocalStorage", Default::Bool(false)),
        ("instanceLaunchTemplate.instanceRequirements.requireHibernateSupport", Default::Bool(false)),
    ],
    complete: &["instanceLaunchTemplate.instanceRequirements"],
};

/// Settings of an Auto Scaling group.
///
/// Source: Auto Scaling API reference, `CreateAutoScalingGroup`, and `UpdateAutoScalingGroup` for how each member is taken
/// back: an empty text for the placement group and the highest Spot price, -1 for the warmup, 0 for the lifetime.
pub const GROUP: Rules = Rules {
    unordered: &[],
    defaults: &[
        ("CapacityRebalance", Default::Bool(false)),
        ("HealthCheckType", Default::Text("EC2")),
        ("NewInstancesProtectedFromScaleIn", Default::Bool(false)),
        ("PlacementGroup", Default::Text("")),
        ("DefaultInstanceWarmup", Default::Number(-1)),
        ("MaxInstanceLifetime", Default::Number(0)),
        ("TerminationPolicies", Default::Words(&["Default"])),
        ("MixedInstancesPolicy.InstancesDistribution.SpotMaxPrice", Default::Text("")),
        ("MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity", Default::Number(0)),
    ],
    complete: &[],
};

/// Members of a cluster. AWS reports what was set.
pub const CLUSTER: Rules = Rules { unordered: &[], defaults: &[], complete: &[] };

/// The differing fields, in order of their paths. Empty means: nothing to do.
pub fn diff(wanted: &impl Serialize, found: &impl Serialize, rules: &Rules) -> Vec<FieldChange> {
    diff_without(wanted, found, rules, &Ignored::default())
}

/// The differing fields but for those that are left to others.
pub fn diff_without(
    wanted: &impl Serialize,
    found: &impl Serialize,
    rules: &Rules,
    ignored: &Ignored,
) -> Vec<FieldChange> {
    let mut wanted = serde_json::to_value(wanted).unwrap_or(Value::Null);
    let mut found = serde_json::to_value(found).unwrap_or(Value::Null);
    for (path, default) in rules.defaults {
        fill(&mut wanted, path, *default);
        fill(&mut found, path, *default);
    }
    ignored.remove_from(&mut wanted);
    ignored.remove_from(&mut found);
    let mut changes = Vec::new();
    compare(&Place { path: String::new(), rules }, &wanted, Some(&found), &mut changes);
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// The document with everything said that must go back to AWS's default: what an update leaves out stays as it is.
pub fn spell_out<T: Serialize + DeserializeOwned>(document: T, changes: &[FieldChange], rules: &Rules) -> T {
    let Ok(mut members) = serde_json::to_value(&document) else { return document };
    for (path, default) in rules.defaults {
        let is_of = |change: &FieldChange| {
            change.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        if changes.iter().any(is_of) {
            fill(&mut members, path, *default);
        }
    }
    serde_json::from_value(members).unwrap_or(document)
}

/// Sets `path` to the default if its parent exists and the member is missing.
fn fill(document: &mut Value, path: &str, default: Default) {
    let (parents, member) = path.rsplit_once('.').map_or(("", path), |(parents, member)| (parents, member));
    let mut place = document;
    for parent in parents.split('.').filter(|part| !part.is_empty()) {
        let Some(next) = place.get_mut(parent) else { return };
        place = next;
    }
    if let Value::Object(members) = place {
        let absent = members.get(member).is_none_or(Value::is_null);
        if absent {
            members.insert(member.to_owned(), default.value());
        }
    }
}

struct Place<'a> {
    path: String,
    rules: &'a Rules,
}

impl Place<'_> {
    fn member(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, rules: self.rules }
    }

    fn item(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), rules: self.rules }
    }

    fn is_complete(&self) -> bool {
        self.rules.complete.iter().any(|path| {
            self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    fn identity(&self) -> Option<&'static str> {
        self.rules.unordered.iter().find(|(path, _)| *path == self.path).map(|(_, member)| *member)
    }
}

fn compare(place: &Place<'_>, wanted: &Value, found: Option<&Value>, changes: &mut Vec<FieldChange>) {
    match (wanted, found) {
        // Most of a document is as wanted, and to see that needs no paths.
        (wanted, Some(found)) if wanted == found => {}
        (Value::Object(wanted), Some(Value::Object(found))) => compare_members(place, wanted, found, changes),
        (Value::Array(wanted), Some(Value::Array(found))) => compare_items(place, wanted, found, changes),
        (Value::Null, _) => {}
        (wanted, found) if is_empty(wanted) && found.is_none_or(is_empty) => {}
        (wanted, Some(found)) if same_scalar(wanted, found) => {}
        (wanted, found) => changes.push(FieldChange {
            path: place.path.clone(),
            from: found.filter(|value| !value.is_null()).cloned(),
            to: Some(wanted.clone()),
        }),
    }
}

fn compare_members(
    place: &Place<'_>,
    wanted: &Map<String, Value>,
    found: &Map<String, Value>,
    changes: &mut Vec<FieldChange>,
) {
    for (name, value) in wanted {
        compare(&place.member(name), value, found.get(name), changes);
    }
    let extra = found.iter().filter(|(name, value)| !wanted.contains_key(*name) && !says_nothing(value));
    if place.is_complete() {
        changes.extend(extra.map(|(name, value)| FieldChange {
            path: place.member(name).path,
            from: Some(value.clone()),
            to: None,
        }));
    }
}

fn compare_items(place: &Place<'_>, wanted: &[Value], found: &[Value], changes: &mut Vec<FieldChange>) {
    let mut wanted = wanted.to_vec();
    let mut found = found.to_vec();
    if let Some(identity) = place.identity() {
        let key = |value: &Value| value.get(identity).unwrap_or(value).to_string();
        wanted.sort_by_key(key);
        found.sort_by_key(key);
    }
    if wanted.len() != found.len() {
        changes.push(FieldChange {
            path: place.path.clone(),
            from: Some(Value::Array(found)),
            to: Some(Value::Array(wanted)),
        });
        return;
    }
    for (index, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        compare(&place.item(index), wanted, Some(found), changes);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Empty, false or zero, all the way down.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number.total_cmp(&0.0).is_eq()),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(says_nothing),
        Value::Object(members) => members.values().all(says_nothing),
    }
}

fn same_scalar(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
        // AWS answers with an ARN where a name was given (roles, namespaces, key aliases).
        (Value::String(wanted), Value::String(found)) if found.starts_with("arn:") && !wanted.starts_with("arn:") => {
            found.rsplit('/').next() == Some(wanted)
        }
        (wanted, found) => wanted == found,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn paths(wanted: &Value, found: &Value) -> Vec<String> {
        diff(wanted, found, &SERVICE).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn members_that_only_aws_mentions_do_not_count() {
        assert!(paths(&json!({"desiredCount": 2}), &json!({"desiredCount": 2, "roleArn": "x"})).is_empty());
    }

    #[test]
    fn a_default_equals_its_absence_on_either_side() {
        assert!(paths(&json!({}), &json!({"propagateTags": "NONE"})).is_empty());
        assert!(paths(&json!({"propagateTags": "NONE"}), &json!({})).is_empty());
    }

    #[test]
    fn a_member_set_by_hand_is_drift_back_to_its_default() {
        let changes = diff(&json!({}), &json!({"healthCheckGracePeriodSeconds": 300}), &SERVICE);
        assert_eq!(changes.len(), 1);
        assert_eq!((&changes[0].from, &changes[0].to), (&Some(json!(300)), &Some(json!(0))));
    }

    #[test]
    fn the_order_of_sets_does_not_count_but_their_content_does() {
        let vpc = |subnets: Value| json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}}});
        assert!(paths(&vpc(json!(["a", "b"])), &vpc(json!(["b", "a"]))).is_empty());
        assert_eq!(
            paths(&vpc(json!(["a", "b"])), &vpc(json!(["a", "c"]))),
            ["networkConfiguration.awsvpcConfiguration.subnets[1]"]
        );
        assert_eq!(
            paths(&vpc(json!(["a"])), &vpc(json!(["a", "b"]))),
            ["networkConfiguration.awsvpcConfiguration.subnets"]
        );
    }

    #[test]
    fn a_hook_added_by_hand_is_drift_but_an_empty_alarm_block_is_not() {
        let wanted = json!({"deploymentConfiguration": {"strategy": "ROLLING"}});
        let quiet = json!({"deploymentConfiguration": {"alarms": {"alarmNames": [], "enable": false}}});
        assert!(paths(&wanted, &quiet).is_empty());
        let edited = json!({"deploymentConfiguration": {"lifecycleHooks": [{"roleArn": "r"}]}});
        assert_eq!(paths(&wanted, &edited), ["deploymentConfiguration.lifecycleHooks"]);
    }

    #[test]
    fn an_arn_equals_the_name_that_was_given_for_it() {
        let wanted = json!({"serviceConnectConfiguration": {"enabled": true, "namespace": "ml"}});
        let arn = "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ml";
        assert!(
            paths(&wanted, &json!({"serviceConnectConfiguration": {"enabled": true, "namespace": arn}})).is_empty()
        );
    }

    #[test]
    fn an_emptied_list_is_compared() {
        assert_eq!(
            paths(&json!({"loadBalancers": []}), &json!({"loadBalancers": [{"containerPort": 1}]})),
            ["loadBalancers"]
        );
    }

    /// A part of a service, with the members in any order and the sets in any order.
    fn part() -> impl Strategy<Value = Value> {
        let subnets = proptest::sample::subsequence(vec!["a", "b", "c"], 1..=3).prop_shuffle();
        let words = proptest::option::of(proptest::sample::select(vec!["NONE", "SERVICE", "TASK_DEFINITION"]));
        let grace = proptest::option::of(0_i64..3);
        (0_i64..4, grace, words, subnets, proptest::option::of(any::<bool>())).prop_map(|(count, grace, tags, subnets, exec)| {
            let mut document = json!({"desiredCount": count, "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}}});
            let given = [
                ("healthCheckGracePeriodSeconds", grace.map(Value::from)),
                ("propagateTags", tags.map(Value::from)),
                ("enableExecuteCommand", exec.map(Value::from)),
            ];
            for (member, value) in given {
                if let (Some(value), Some(members)) = (value, document.as_object_mut()) {
                    members.insert(member.to_owned(), value);
                }
            }
            document
        })
    }

    /// What is compared of it: defaults spelt out, sets sorted.
    fn meaning(document: &Value) -> BTreeMap<&'static str, Value> {
        let mut subnets =
            document["networkConfiguration"]["awsvpcConfiguration"]["subnets"].as_array().unwrap().clone();
        subnets.sort_by_key(ToString::to_string);
        let or = |member: &str, default: Value| document.get(member).cloned().unwrap_or(default);
        BTreeMap::from([
            ("desiredCount", document["desiredCount"].clone()),
            ("networkConfiguration.awsvpcConfiguration.subnets", Value::Array(subnets)),
            ("healthCheckGracePeriodSeconds", or("healthCheckGracePeriodSeconds", 0.into())),
            ("propagateTags", or("propagateTags", "NONE".into())),
            ("enableExecuteCommand", or("enableExecuteCommand", false.into())),
        ])
    }

    proptest! {
        #[test]
        fn what_differs_in_meaning_is_found_and_nothing_else(wanted in part(), found in part(), more in "[a-z]{9}") {
            let mut reported = found.clone();
            reported.as_object_mut().unwrap().insert(more, json!({"by": "AWS"}));
            let (wanted_means, found_means) = (meaning(&wanted), meaning(&found));
            let mut expected: Vec<&str> =
                wanted_means.iter().filter(|(path, value)| found_means[*path] != **value).map(|(path, _)| *path).collect();
            let mut told: Vec<String> = paths(&wanted, &reported);
            // Of a set, each item that differs is told.
            for path in &mut told {
                path.truncate(path.find('[').unwrap_or(path.len()));
            }
            told.sort_unstable();
            told.dedup();
            expected.sort_unstable();
            prop_assert_eq!(told, expected);
            prop_assert!(paths(&wanted, &wanted).is_empty());
        }
    }
}
