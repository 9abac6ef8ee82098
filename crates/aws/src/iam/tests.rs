//! What the policies allow and what they do not.

use std::collections::BTreeSet;

use super::*;
use crate::operations::Access;

/// AWS's limit on a managed policy; white space does not count.
const LARGEST: usize = 6144;

fn read(policy: Policy) -> Vec<Value> {
    let document: Value = serde_json::from_str(&iam_policy(policy)).expect("a policy is JSON");
    document["Statement"].as_array().expect("a policy has statements").clone()
}

const ALL_POLICIES: [Policy; 6] =
    [Policy::Operator, Policy::Groups, Policy::Jobs, Policy::Adoption, Policy::ReadOnly, Policy::Logs];

/// What the operator has with pools of both kinds.
fn operator() -> Vec<Value> {
    [read(Policy::Operator), read(Policy::Groups), read(Policy::Jobs)].concat()
}

fn words(value: &Value) -> BTreeSet<String> {
    let many = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn allowed(statements: &[Value]) -> BTreeSet<String> {
    statements.iter().flat_map(|statement| words(&statement["Action"])).collect()
}

fn named(access: Access) -> BTreeSet<String> {
    ALL.iter().filter(|operation| operation.access() == access).map(|operation| action(*operation)).collect()
}

#[test]
fn the_operator_may_make_every_call_that_axon_makes_but_reads_no_logs() {
    let allowed = allowed(&operator());
    let missing: Vec<String> =
        ALL.iter().map(|operation| action(*operation)).filter(|a| !allowed.contains(a)).collect();
    assert_eq!(missing, ["logs:GetLogEvents"]);
}

#[test]
fn beyond_its_calls_the_operator_may_do_what_aws_checks_on_its_behalf_and_no_more() {
    let calls: BTreeSet<String> = ALL.iter().map(|operation| action(*operation)).collect();
    let more: Vec<String> = allowed(&operator()).difference(&calls).cloned().collect();
    assert_eq!(more, ["ec2:RunInstances", "iam:CreateServiceLinkedRole", "iam:PassRole"]);
}

#[test]
fn without_pools_of_groups_nothing_is_changed_in_ec2() {
    let allowed = allowed(&read(Policy::Operator));
    let writes = named(Access::Write);
    let beyond_ecs: Vec<&String> = allowed.intersection(&writes).filter(|action| !action.starts_with("ecs:")).collect();
    assert_eq!(beyond_ecs, Vec::<&String>::new());
}

#[test]
fn a_plan_and_the_logs_may_make_every_call_that_reads_and_none_that_writes() {
    let (plan, logs) = (allowed(&read(Policy::ReadOnly)), allowed(&read(Policy::Logs)));
    assert_eq!(logs.iter().collect::<Vec<_>>(), ["logs:GetLogEvents"]);
    assert_eq!(plan.union(&logs).cloned().collect::<BTreeSet<_>>(), named(Access::Read));
    assert!(named(Access::Write).len() > 20, "the list of writes is not empty");
}

#[test]
fn nothing_is_changed_that_is_not_ours_or_born_ours() {
    // AWS offers no tag to hold on to in these; each has another bound.
    let others = [
        "RetireRevisions",
        "DrainInstances",
        "LaunchOnlyFromTemplates",
        "FirstUseOfEcs",
        "FirstUseOfAutoScaling",
        // By their path.
        "RecordJobs",
        // By RunTask, which takes only task definitions of ours.
        "TagTasks",
    ];
    for statement in operator().iter().chain(&read(Policy::Adoption)) {
        let sid = statement["Sid"].as_str().expect("a statement has a name");
        if sid.starts_with("Read") || sid.starts_with("PassRoles") || others.contains(&sid) {
            continue;
        }
        let equal = &statement["Condition"]["StringEquals"];
        let tag = |of: &str| equal[format!("aws:{of}/neuron.ecs/managed-by")] == json!("${Installation}");
        assert!(tag("ResourceTag") || tag("RequestTag"), "{sid} is bound to no tag");
    }
}

#[test]
fn roles_are_passed_by_name_and_to_the_services_that_use_them() {
    let statements = operator();
    let passing: Vec<&Value> =
        statements.iter().filter(|statement| words(&statement["Action"]).contains("iam:PassRole")).collect();
    assert_eq!(passing.len(), 3);
    for statement in passing {
        assert!(words(&statement["Resource"]).iter().all(|role| role.ends_with("RoleArns}")), "{statement}");
        assert!(!words(&statement["Condition"]["StringEquals"]["iam:PassedToService"]).is_empty(), "{statement}");
    }
}

#[test]
fn only_reads_and_what_cannot_be_named_reach_everything() {
    let statements = operator();
    let wide = statements.iter().filter(|statement| words(&statement["Resource"]).contains("*"));
    let sids: Vec<&str> = wide.filter_map(|statement| statement["Sid"].as_str()).collect();
    assert_eq!(sids, ["Read", "CreateInEcs", "RetireRevisions"]);
}

#[test]
fn every_statement_allows_something() {
    for policy in ALL_POLICIES {
        for statement in read(policy) {
            assert!(!words(&statement["Action"]).is_empty(), "{statement}");
        }
    }
}

#[test]
fn each_policy_fits_into_a_managed_policy() {
    for policy in ALL_POLICIES {
        // What CloudFormation puts in place of a placeholder may be longer.
        let text = iam_policy(policy).replace("${AWS::AccountId}", "111122223333");
        let size = text.chars().filter(|c| !c.is_whitespace()).count();
        assert!(size < LARGEST - 600, "{policy:?} has {size} of {LARGEST} characters");
    }
}
