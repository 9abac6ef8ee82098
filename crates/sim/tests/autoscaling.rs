//! Requests to Auto Scaling: what they answer, what they refuse, and with which code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on should panic, and JSON literals read best handed over by value"
)]

mod account;
mod forms;

use account::Account;
use axon_sim::{GroupTemplate, NOT_MODELLED, Options, Quirks, Throttling};
use forms::{Pairs, SUBNETS, ec2, group, groups, groups_error, in_service, members, template, try_groups, workers};
use serde_json::json;

const NAME: (&str, &str) = ("AutoScalingGroupName", "workers");

/// A creating request for the group of these tests where some members are other than usual; an empty value leaves one out.
fn create(account: &mut Account, changes: Pairs<'_>) -> Result<(), (String, String)> {
    let mut pairs = vec![
        NAME,
        ("MinSize", "0"),
        ("MaxSize", "2"),
        ("VPCZoneIdentifier", SUBNETS),
        ("LaunchTemplate.LaunchTemplateName", "workers"),
    ];
    pairs.retain(|(key, _)| !changes.iter().any(|(k, _)| k == key));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    try_groups(account, "CreateAutoScalingGroup", &pairs).map(drop)
}

#[test]
fn a_group_is_described_with_its_defaults() {
    let mut account = Account::new();
    let more = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "ml"),
        ("Tags.member.1.PropagateAtLaunch", "true"),
        ("PlacementGroup", "pg"),
    ];
    group(&mut account, ["0", "1", "3"], &more);
    let found = workers(&mut account);
    for (key, value) in [
        ("MinSize", "0"),
        ("DesiredCapacity", "1"),
        ("MaxSize", "3"),
        ("DefaultCooldown", "300"),
        ("HealthCheckType", "EC2"),
        ("HealthCheckGracePeriod", "0"),
        ("VPCZoneIdentifier", SUBNETS),
        ("NewInstancesProtectedFromScaleIn", "false"),
        ("PlacementGroup", "pg"),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    assert_eq!(found["TerminationPolicies"], json!(["Default"]));
    assert_eq!(found["AvailabilityZones"], json!(["us-east-1a", "us-east-1c"]));
    let template = &found["LaunchTemplate"];
    assert!(template["LaunchTemplateId"].as_str().unwrap().starts_with("lt-"), "id and name are both told: {template}");
    assert_eq!((&template["LaunchTemplateName"], &template["Version"]), (&json!("workers"), &json!("$Default")));
    let tag = json!({"ResourceId": "workers", "ResourceType": "auto-scaling-group", "Key": "team", "Value": "ml",
                     "PropagateAtLaunch": "true"});
    assert_eq!(found["Tags"], json!([tag]));
    assert_eq!(account.aws.world().machines()[0].tags["team"], "ml");
    assert!(found["AutoScalingGroupARN"].as_str().unwrap().ends_with(":autoScalingGroupName/workers"));
}

#[test]
fn what_a_group_cannot_be_is_a_validation_error() {
    let mut account = Account::new();
    template(&mut account, "workers", "inf2.xlarge");
    for changes in [
        &[("MinSize", "3")][..],
        &[("DesiredCapacity", "3")],
        &[("MinSize", "-1")],
        &[("VPCZoneIdentifier", "")],
        &[("VPCZoneIdentifier", "subnet-xyz")],
        &[("AutoScalingGroupName", "a:b")],
        &[("LaunchTemplate.LaunchTemplateName", "")],
        &[("LaunchTemplate.LaunchTemplateName", "nobody")],
        &[("LaunchTemplate.Version", "7")],
        &[("LaunchTemplate.LaunchTemplateId", "lt-0123456789abcdef0")],
        &[("TerminationPolicies.member.1", "Youngest")],
        &[("HealthCheckType", "MOOD")],
        &[("MaxInstanceLifetime", "60")],
        &[("Tags.member.1.Key", "aws:x")],
        &[("MaxSize", "many")],
        &[("Colour", "red")],
    ] {
        let (code, message) = create(&mut account, changes).unwrap_err();
        assert_eq!(code, "ValidationError", "{changes:?}: {message}");
    }
    for changes in [
        &[("TargetGroupARNs.member.1", "arn:aws:elasticloadbalancing:x")][..],
        &[("LaunchConfigurationName", "old")],
        &[("HealthCheckType", "ELB")],
    ] {
        assert_eq!(create(&mut account, changes).unwrap_err().0, NOT_MODELLED, "{changes:?}");
    }
    create(&mut account, &[]).unwrap();
    assert_eq!(create(&mut account, &[]).unwrap_err().0, "AlreadyExists");
}

#[test]
fn a_template_that_could_not_launch_is_refused_or_fails_at_launch() {
    let unusable = [
        ("LaunchTemplateName", "workers"),
        ("LaunchTemplateData.ImageId", "ami-0123456789abcdef0"),
        ("LaunchTemplateData.InstanceType", "inf2.xlarge"),
    ];
    let mut account = Account::new();
    ec2(&mut account, "CreateLaunchTemplate", &unusable);
    let (code, message) = create(&mut account, &[]).unwrap_err();
    assert_eq!(code, "ValidationError");
    let expected =
        "You must use a valid fully-formed launch template. The image id '[ami-0123456789abcdef0]' does not exist.";
    assert_eq!(message, expected);
    let quirks = Quirks { group_template: GroupTemplate::CheckedAtLaunch, ..Quirks::default() };
    let mut account = Account::with(Options { quirks, ..Options::default() });
    ec2(&mut account, "CreateLaunchTemplate", &unusable);
    create(&mut account, &[("MinSize", "1")]).unwrap();
    account.pass(10);
    assert_eq!(forms::activities(&mut account)[0]["StatusCode"], "Failed");
}

#[test]
fn efa_interfaces_must_fit_the_type() {
    let mut account = Account::new();
    let mut check = |kind: &str, card: &str, interface: &str| {
        let name = format!("{}-{card}-{interface}", kind.replace('.', "-"));
        let pairs = [
            ("LaunchTemplateName", name.as_str()),
            ("LaunchTemplateData.ImageId", forms::IMAGE),
            ("LaunchTemplateData.InstanceType", kind),
            ("LaunchTemplateData.NetworkInterface.1.NetworkCardIndex", card),
            ("LaunchTemplateData.NetworkInterface.1.InterfaceType", interface),
        ];
        ec2(&mut account, "CreateLaunchTemplate", &pairs);
        let group = [("AutoScalingGroupName", name.as_str()), ("LaunchTemplate.LaunchTemplateName", name.as_str())];
        create(&mut account, &group).is_ok()
    };
    assert!(check("trn1.32xlarge", "7", "efa"));
    assert!(!check("trn1.32xlarge", "8", "efa"), "eight cards have the indices 0 to 7");
    assert!(!check("inf2.xlarge", "0", "efa"), "no EFA");
    assert!(!check("trn1.32xlarge", "0", "efa-only"), "the primary interface");
}

#[test]
fn the_desired_capacity_stays_between_minimum_and_maximum() {
    let mut account = Account::new();
    group(&mut account, ["1", "2", "3"], &[]);
    let set = |desired| [NAME, ("DesiredCapacity", desired)];
    let (code, message) = groups_error(&mut account, "SetDesiredCapacity", &set("4"));
    assert_eq!(code, "ValidationError");
    assert_eq!(message, "New SetDesiredCapacity value 4 is above max value 3 for the AutoScalingGroup.");
    let (_, message) = groups_error(&mut account, "SetDesiredCapacity", &set("0"));
    assert_eq!(message, "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup.");
    groups(&mut account, "SetDesiredCapacity", &set("3"));
    assert_eq!(workers(&mut account)["DesiredCapacity"], "3");
    let cooling = [NAME, ("DesiredCapacity", "2"), ("HonorCooldown", "true")];
    assert_eq!(groups_error(&mut account, "SetDesiredCapacity", &cooling).0, "ScalingActivityInProgress");
    account.pass(400);
    groups(&mut account, "SetDesiredCapacity", &cooling);
    let missing = [("AutoScalingGroupName", "nobody"), ("DesiredCapacity", "1")];
    let (_, message) = groups_error(&mut account, "SetDesiredCapacity", &missing);
    assert!(message.contains("AutoScalingGroup 'nobody' not found"), "{message}");
}

#[test]
fn an_update_keeps_what_it_does_not_say() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "3"], &[("DefaultCooldown", "60"), ("PlacementGroup", "pg")]);
    let update = |account: &mut Account, pairs: Pairs<'_>| {
        let mut all = vec![NAME];
        all.extend_from_slice(pairs);
        try_groups(account, "UpdateAutoScalingGroup", &all)
    };
    update(&mut account, &[("NewInstancesProtectedFromScaleIn", "true"), ("PlacementGroup", "")]).unwrap();
    let found = workers(&mut account);
    assert_eq!((&found["DefaultCooldown"], &found["MaxSize"]), (&json!("60"), &json!("3")));
    assert!(found["PlacementGroup"].is_null());
    assert_eq!(found["Instances"][0]["ProtectedFromScaleIn"], "false", "only new instances");
    update(&mut account, &[("MinSize", "2")]).unwrap();
    assert_eq!(workers(&mut account)["DesiredCapacity"], "2", "raised to the minimum");
    update(&mut account, &[("MinSize", "0"), ("MaxSize", "1")]).unwrap();
    assert_eq!(workers(&mut account)["DesiredCapacity"], "1", "lowered to the maximum");
    assert_eq!(update(&mut account, &[("MinSize", "5")]).unwrap_err().0, "ValidationError");
    assert_eq!(update(&mut account, &[("DesiredCapacity", "9")]).unwrap_err().0, "ValidationError");
    template(&mut account, "base", "trn1.2xlarge");
    let policy = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName";
    update(&mut account, &[(policy, "base")]).unwrap();
    let found = workers(&mut account);
    assert!(found["LaunchTemplate"].is_null());
    let distribution = json!({
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": "0",
        "OnDemandPercentageAboveBaseCapacity": "100",
        "SpotAllocationStrategy": "lowest-price",
        "SpotInstancePools": "2",
    });
    assert_eq!(found["MixedInstancesPolicy"]["InstancesDistribution"], distribution);
    let both = [(policy, "base"), ("LaunchTemplate.LaunchTemplateName", "workers")];
    assert_eq!(update(&mut account, &both).unwrap_err().0, "ValidationError");
}

#[test]
fn a_spot_template_cannot_be_in_a_mixed_policy() {
    let mut account = Account::new();
    let pairs = [
        ("LaunchTemplateName", "spot"),
        ("LaunchTemplateData.ImageId", forms::IMAGE),
        ("LaunchTemplateData.InstanceType", "inf2.xlarge"),
        ("LaunchTemplateData.InstanceMarketOptions.MarketType", "spot"),
    ];
    ec2(&mut account, "CreateLaunchTemplate", &pairs);
    let policy = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName";
    let (_, message) =
        create(&mut account, &[("LaunchTemplate.LaunchTemplateName", ""), (policy, "spot")]).unwrap_err();
    assert!(message.starts_with("Incompatible launch template"), "{message}");
    create(&mut account, &[("LaunchTemplate.LaunchTemplateName", "spot"), ("MinSize", "1")]).unwrap();
    account.pass(30);
    assert!(account.aws.world().machines()[0].spot);
}

#[test]
fn only_an_empty_group_is_deleted_without_force() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "1"], &[("DeletionProtection", "prevent-force-deletion")]);
    assert_eq!(groups_error(&mut account, "DeleteAutoScalingGroup", &[NAME]).0, "ResourceInUse");
    let force = [NAME, ("ForceDelete", "true")];
    assert_eq!(groups_error(&mut account, "DeleteAutoScalingGroup", &force).0, "ValidationError");
    account.pass(30);
    groups(&mut account, "SetDesiredCapacity", &[NAME, ("DesiredCapacity", "0")]);
    assert_eq!(groups_error(&mut account, "DeleteAutoScalingGroup", &[NAME]).0, "ScalingActivityInProgress");
    account.pass(60);
    groups(&mut account, "DeleteAutoScalingGroup", &[NAME]);
    assert!(workers(&mut account).is_null(), "unknown names are left out");
    assert_eq!(groups_error(&mut account, "DeleteAutoScalingGroup", &[NAME]).0, "ValidationError");
}

#[test]
fn protection_is_for_members_in_service() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "1"], &[]);
    let pending = members(&mut account, "Pending")[0]["InstanceId"].as_str().unwrap().to_owned();
    let protect = |id| [NAME, ("InstanceIds.member.1", id), ("ProtectedFromScaleIn", "true")];
    assert_eq!(groups_error(&mut account, "SetInstanceProtection", &protect(&pending)).0, "ValidationError");
    account.pass(30);
    groups(&mut account, "SetInstanceProtection", &protect(&pending));
    assert_eq!(account.aws.world().groups()["workers"].protected, [pending.as_str()]);
    let (_, message) = groups_error(&mut account, "SetInstanceProtection", &protect("i-0123456789abcdef0"));
    assert!(message.contains("is not part of Auto Scaling group workers"), "{message}");
}

#[test]
fn a_member_is_terminated_by_request_even_when_protected() {
    let mut account = Account::new();
    group(&mut account, ["1", "2", "2"], &[("NewInstancesProtectedFromScaleIn", "true")]);
    account.pass(30);
    let ids = in_service(&mut account);
    let end = |id, shrink| [("InstanceId", id), ("ShouldDecrementDesiredCapacity", shrink)];
    let pairs = end(ids[0].as_str(), "false");
    let activity = groups(&mut account, "TerminateInstanceInAutoScalingGroup", &pairs)["Activity"].clone();
    assert_eq!(activity["StatusCode"], "InProgress");
    assert_eq!(activity["Description"], format!("Terminating EC2 instance: {}", ids[0]));
    assert_eq!(groups_error(&mut account, "TerminateInstanceInAutoScalingGroup", &pairs).0, "ValidationError");
    account.pass(60);
    assert_eq!(in_service(&mut account).len(), 2, "replaced");
    groups(&mut account, "TerminateInstanceInAutoScalingGroup", &end(ids[1].as_str(), "true"));
    account.pass(60);
    let left = in_service(&mut account);
    assert_eq!((left.len(), &workers(&mut account)["DesiredCapacity"]), (1, &json!("1")));
    let (_, message) = groups_error(&mut account, "TerminateInstanceInAutoScalingGroup", &end(&left[0], "true"));
    assert!(message.contains("violate group's min size constraint"), "{message}");
}

#[test]
fn tags_of_groups_are_put_filtered_and_removed() {
    let mut account = Account::new();
    group(&mut account, ["0", "0", "1"], &[]);
    let put = [
        ("Tags.member.1.ResourceId", "workers"),
        ("Tags.member.1.ResourceType", "auto-scaling-group"),
        ("Tags.member.1.Key", "AmazonECSManaged"),
        ("Tags.member.1.Value", ""),
        ("Tags.member.1.PropagateAtLaunch", "true"),
    ];
    groups(&mut account, "CreateOrUpdateTags", &put);
    let by_key = [("Filters.member.1.Name", "key"), ("Filters.member.1.Values.member.1", "AmazonECSManaged")];
    let found = groups(&mut account, "DescribeTags", &by_key)["Tags"].clone();
    assert_eq!((&found[0]["Value"], &found[0]["PropagateAtLaunch"]), (&json!(""), &json!("true")));
    let mut named = |key: &str| {
        let filter = [("Filters.member.1.Name", "tag-key"), ("Filters.member.1.Values.member.1", key)];
        groups(&mut account, "DescribeAutoScalingGroups", &filter)["AutoScalingGroups"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((named("AmazonECSManaged"), named("other")), (1, 0));
    groups(&mut account, "DeleteTags", &put[..3]);
    assert_eq!(groups(&mut account, "DescribeTags", &by_key)["Tags"], "");
    let nobody = [("Tags.member.1.ResourceId", "nobody"), put[1], put[2]];
    assert_eq!(groups_error(&mut account, "CreateOrUpdateTags", &nobody).0, "ValidationError");
}

#[test]
fn groups_members_and_activities_come_in_pages() {
    let mut account = Account::new();
    group(&mut account, ["0", "5", "5"], &[]);
    for name in ["a", "b", "c"] {
        create(&mut account, &[("AutoScalingGroupName", name)]).unwrap();
    }
    account.pass(30);
    for (action, list, all) in [
        ("DescribeAutoScalingGroups", "AutoScalingGroups", 4),
        ("DescribeAutoScalingInstances", "AutoScalingInstances", 5),
        ("DescribeScalingActivities", "Activities", 5),
    ] {
        let (mut found, mut token) = (0, String::new());
        loop {
            let page = groups(&mut account, action, &[("MaxRecords", "2"), ("NextToken", &token)]);
            found += page[list].as_array().unwrap().len();
            let Some(next) = page["NextToken"].as_str() else { break };
            next.clone_into(&mut token);
        }
        assert_eq!(found, all, "{action}");
        assert_eq!(groups_error(&mut account, action, &[("NextToken", "zz")]).0, "InvalidNextToken");
        assert_eq!(groups_error(&mut account, action, &[("MaxRecords", "101")]).0, "ValidationError");
    }
    let (_, message) = groups_error(&mut account, "DescribeScalingActivities", &[("AutoScalingGroupName", "nobody")]);
    assert!(message.contains("not found"), "{message}");
}

#[test]
fn all_calls_share_one_bucket_and_reads_can_trail_writes() {
    let mut account = Account::new();
    let refused = (0..200).filter(|_| try_groups(&mut account, "DescribeTags", &[]).is_err()).count();
    assert_eq!(refused, 100);
    assert_eq!(groups_error(&mut account, "DescribeAutoScalingGroups", &[]).0, "Throttling");
    let quirks = Quirks { read_lag_seconds: 20, ..Quirks::default() };
    let mut account = Account::with(Options { quirks, throttling: Throttling::Off, ..Options::default() });
    account.pass(1);
    group(&mut account, ["0", "1", "1"], &[]);
    assert!(workers(&mut account).is_null());
    account.pass(21);
    assert_eq!(workers(&mut account)["DesiredCapacity"], "1");
}
