//! Groups in virtual time: they launch, replace, shrink, balance, and say what they did.
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

use std::collections::BTreeSet;

use account::Account;
use axon_sim::{Loss, Shortage};
use forms::{activities, ec2, group, groups, in_service, members, template, workers};

fn resize(account: &mut Account, desired: &str) {
    let pairs = [("AutoScalingGroupName", "workers"), ("DesiredCapacity", desired)];
    groups(account, "SetDesiredCapacity", &pairs);
}

fn short(zone: Option<&str>) -> Shortage {
    Shortage { instance_type: "inf2*".to_owned(), zone: zone.map(str::to_owned) }
}

#[test]
fn instances_are_pending_and_then_in_service_over_both_zones() {
    let mut account = Account::new();
    group(&mut account, ["0", "4", "6"], &[]);
    assert_eq!(members(&mut account, "Pending").len(), 4);
    assert!(account.aws.world().machines().iter().all(|m| m.state == "pending"));
    account.pass(30);
    let found = members(&mut account, "InService");
    assert_eq!(found.len(), 4);
    for zone in ["us-east-1a", "us-east-1c"] {
        assert_eq!(found.iter().filter(|m| m["AvailabilityZone"] == zone).count(), 2, "{found:?}");
    }
    let activity = &activities(&mut account)[0];
    assert_eq!(activity["StatusCode"], "Successful");
    let cause = activity["Cause"].as_str().unwrap();
    assert!(
        cause.contains("a user request created an AutoScalingGroup changing the desired capacity from 0 to 4"),
        "{cause}"
    );
}

#[test]
fn a_terminated_member_is_noticed_and_replaced() {
    let mut account = Account::new();
    group(&mut account, ["0", "2", "2"], &[]);
    account.pass(30);
    let before = in_service(&mut account);
    ec2(&mut account, "TerminateInstances", &[("InstanceId.1", &before[0])]);
    assert_eq!(in_service(&mut account).len(), 2, "the health check has not noticed yet");
    account.pass(120);
    let after = in_service(&mut account);
    assert_eq!(after.len(), 2);
    assert!(!after.contains(&before[0]) && after.contains(&before[1]));
    let told = activities(&mut account);
    assert!(told.iter().any(|a| a["Cause"].as_str().unwrap().contains("EC2 health check")), "{told:?}");
}

#[test]
fn lost_hardware_is_replaced_and_only_spot_capacity_is_interrupted() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "1"], &[]);
    account.pass(30);
    let id = in_service(&mut account)[0].clone();
    assert!(!account.aws.world_mut().lose_machine(&id, Loss::SpotInterruption));
    assert!(account.aws.world_mut().lose_machine(&id, Loss::Hardware));
    assert!(!account.aws.world_mut().lose_machine(&id, Loss::Hardware), "it is gone already");
    account.pass(120);
    let after = in_service(&mut account);
    assert_eq!(after.len(), 1);
    assert_ne!(after[0], id);
}

#[test]
fn a_spot_interruption_ends_the_instance_two_minutes_later() {
    let mut account = Account::new();
    let id = template(&mut account, "spot", "trn1.2xlarge");
    let policy = "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId";
    let percent = "MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity";
    let pairs = [
        ("AutoScalingGroupName", "workers"),
        ("MinSize", "4"),
        ("MaxSize", "4"),
        ("VPCZoneIdentifier", forms::SUBNETS),
        (policy, &id),
        ("MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity", "1"),
        (percent, "50"),
    ];
    groups(&mut account, "CreateAutoScalingGroup", &pairs);
    account.pass(30);
    let machines = account.aws.world().machines();
    assert_eq!(machines.iter().filter(|m| m.spot).count(), 1, "one on demand, and half of the other three rounded up");
    let spot = machines.iter().find(|m| m.spot).unwrap().id.clone();
    assert!(account.aws.world_mut().lose_machine(&spot, Loss::SpotInterruption));
    account.pass(119);
    assert!(account.aws.world().machines().iter().any(|m| m.id == spot && m.state == "running"));
    account.pass(200);
    let after = account.aws.world().machines();
    assert!(after.len() == 4 && after.iter().filter(|m| m.spot).count() == 1 && after.iter().all(|m| m.id != spot));
}

#[test]
fn scale_in_spares_protected_members_and_says_when_nobody_is_left() {
    let mut account = Account::new();
    group(&mut account, ["0", "3", "3"], &[("NewInstancesProtectedFromScaleIn", "true")]);
    account.pass(30);
    let ids = in_service(&mut account);
    let pairs = [
        ("AutoScalingGroupName", "workers"),
        ("InstanceIds.member.1", ids[1].as_str()),
        ("ProtectedFromScaleIn", "false"),
    ];
    groups(&mut account, "SetInstanceProtection", &pairs);
    resize(&mut account, "1");
    assert_eq!(members(&mut account, "Terminating:Proceed")[0]["InstanceId"], ids[1].as_str());
    account.pass(120);
    let left = in_service(&mut account);
    assert_eq!(left.len(), 2);
    assert!(!left.contains(&ids[1]));
    assert_eq!(workers(&mut account)["DesiredCapacity"], "1", "the desired capacity stays below");
    let told = activities(&mut account);
    let cancelled: Vec<_> = told.iter().filter(|a| a["StatusCode"] == "Cancelled").collect();
    assert_eq!(cancelled.len(), 1, "{told:?}");
    assert!(cancelled[0]["StatusMessage"].as_str().unwrap().contains("protected from scale-in"));
}

#[test]
fn the_termination_policy_chooses_within_the_fullest_zone() {
    let mut account = Account::new();
    group(&mut account, ["0", "3", "4"], &[("TerminationPolicies.member.1", "NewestInstance")]);
    account.pass(30);
    let machines = account.aws.world().machines();
    let zones: BTreeSet<&str> = machines.iter().map(|m| m.zone.as_str()).collect();
    let fullest = zones.iter().max_by_key(|z| machines.iter().filter(|m| m.zone == **z).count()).unwrap();
    let expected = machines.iter().rfind(|m| m.zone == **fullest).unwrap().id.clone();
    resize(&mut account, "2");
    assert_eq!(members(&mut account, "Terminating:Proceed")[0]["InstanceId"], expected.as_str());
}

#[test]
fn a_shortage_in_one_zone_sends_everything_to_the_other() {
    let mut account = Account::new();
    account.aws.world_mut().run_short(short(Some("us-east-1a")));
    group(&mut account, ["0", "2", "2"], &[]);
    account.pass(30);
    let found = members(&mut account, "InService");
    assert!(found.len() == 2 && found.iter().all(|m| m["AvailabilityZone"] == "us-east-1c"), "{found:?}");
}

#[test]
fn a_launch_that_fails_for_capacity_is_told_and_tried_again() {
    let mut account = Account::new();
    account.aws.world_mut().run_short(short(None));
    group(&mut account, ["0", "1", "1"], &[]);
    account.pass(300);
    let told = activities(&mut account);
    assert!((2..6).contains(&told.len()), "tried again, and not all the time: {told:?}");
    assert_eq!(told[0]["StatusCode"], "Failed");
    let message = told[0]["StatusMessage"].as_str().unwrap();
    assert!(
        message.starts_with("We currently do not have sufficient inf2.xlarge capacity in the Availability Zone"),
        "{message}"
    );
    account.aws.world_mut().end_shortages();
    account.pass(600);
    assert_eq!(in_service(&mut account).len(), 1);
}

#[test]
fn a_subnet_that_is_gone_is_not_launched_into() {
    let mut account = Account::new();
    group(&mut account, ["0", "0", "2"], &[]);
    account.aws.world_mut().remove_subnet("subnet-0123456789abcdef0");
    resize(&mut account, "2");
    account.pass(30);
    assert!(members(&mut account, "InService").iter().all(|m| m["AvailabilityZone"] == "us-east-1c"));
    account.aws.world_mut().remove_subnet("subnet-0123456789abcdef1");
    let id = in_service(&mut account)[0].clone();
    account.aws.world_mut().lose_machine(&id, Loss::Hardware);
    account.pass(120);
    let message = activities(&mut account)[0]["StatusMessage"].as_str().unwrap().to_owned();
    assert!(message.contains("does not exist"), "{message}");
}

#[test]
fn a_vcpu_quota_keeps_instances_from_launching_until_it_is_raised() {
    let mut account = Account::new();
    account.aws.world_mut().limit_vcpus("inf*", 4);
    group(&mut account, ["0", "2", "2"], &[]);
    account.pass(30);
    assert_eq!(in_service(&mut account).len(), 1, "an inf2.xlarge has four vCPUs");
    let message = activities(&mut account)[0]["StatusMessage"].as_str().unwrap().to_owned();
    assert!(message.contains("your current vCPU limit of 4"), "{message}");
    account.aws.world_mut().limit_vcpus("inf*", 8);
    account.pass(120);
    assert_eq!(in_service(&mut account).len(), 2);
}

#[test]
fn a_type_is_launched_only_where_it_is_offered() {
    let mut account = Account::new();
    account.aws.world_mut().offer_only_in("inf2.*", &["us-east-1b"]);
    group(&mut account, ["0", "1", "1"], &[]);
    account.pass(30);
    let message = activities(&mut account)[0]["StatusMessage"].as_str().unwrap().to_owned();
    assert!(message.contains("is not supported in your requested Availability Zone"), "{message}");
    account.aws.world_mut().offer_only_in("inf2.*", &["us-east-1c"]);
    account.pass(300);
    assert_eq!(members(&mut account, "InService")[0]["AvailabilityZone"], "us-east-1c");
}

#[test]
fn new_instances_take_the_version_that_the_group_names_now() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "2"], &[("LaunchTemplate.Version", "$Latest")]);
    account.pass(30);
    let pairs = [
        ("LaunchTemplateName", "workers"),
        ("SourceVersion", "1"),
        ("LaunchTemplateData.InstanceType", "inf2.8xlarge"),
    ];
    ec2(&mut account, "CreateLaunchTemplateVersion", &pairs);
    resize(&mut account, "2");
    account.pass(30);
    let machines = account.aws.world().machines();
    let kinds: Vec<(&str, i64)> =
        machines.iter().map(|m| (m.instance_type.as_str(), m.template.as_ref().unwrap().1)).collect();
    assert_eq!(kinds, [("inf2.xlarge", 1), ("inf2.8xlarge", 2)]);
}

#[test]
fn overrides_are_taken_in_order_until_one_has_capacity() {
    let mut account = Account::new();
    template(&mut account, "base", "inf2.xlarge");
    account.aws.world_mut().run_short(Shortage { instance_type: "trn1.32xlarge".to_owned(), zone: None });
    let policy = "MixedInstancesPolicy.LaunchTemplate";
    let name = format!("{policy}.LaunchTemplateSpecification.LaunchTemplateName");
    let (first, second) =
        (format!("{policy}.Overrides.member.1.InstanceType"), format!("{policy}.Overrides.member.2.InstanceType"));
    let pairs = [
        ("AutoScalingGroupName", "workers"),
        ("MinSize", "1"),
        ("MaxSize", "1"),
        ("VPCZoneIdentifier", forms::SUBNETS),
        (name.as_str(), "base"),
        (first.as_str(), "trn1.32xlarge"),
        (second.as_str(), "trn1n.32xlarge"),
    ];
    groups(&mut account, "CreateAutoScalingGroup", &pairs);
    account.pass(30);
    assert_eq!(account.aws.world().machines()[0].instance_type, "trn1n.32xlarge");
}

#[test]
fn an_image_that_was_deregistered_keeps_new_instances_from_launching() {
    let mut account = Account::new();
    group(&mut account, ["0", "1", "2"], &[]);
    account.pass(30);
    assert!(account.aws.world_mut().deregister_image(forms::IMAGE));
    resize(&mut account, "2");
    account.pass(30);
    assert_eq!(in_service(&mut account).len(), 1, "what runs stays");
    let message = activities(&mut account)[0]["StatusMessage"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("The image id '[{}]' does not exist.", forms::IMAGE)), "{message}");
}

#[test]
fn members_older_than_the_maximum_lifetime_are_replaced_unless_protected() {
    for protected in ["false", "true"] {
        let mut account = Account::new();
        let more = [("MaxInstanceLifetime", "86400"), ("NewInstancesProtectedFromScaleIn", protected)];
        group(&mut account, ["0", "1", "1"], &more);
        account.pass(30);
        let before = in_service(&mut account);
        account.pass(86_000);
        assert_eq!(in_service(&mut account), before);
        account.pass(1000);
        assert_eq!(in_service(&mut account) == before, protected == "true");
    }
}

#[test]
fn a_forced_deletion_ends_the_members_first() {
    let mut account = Account::new();
    group(&mut account, ["1", "2", "2"], &[("NewInstancesProtectedFromScaleIn", "true")]);
    account.pass(30);
    groups(&mut account, "DeleteAutoScalingGroup", &[("AutoScalingGroupName", "workers"), ("ForceDelete", "true")]);
    assert_eq!(workers(&mut account)["Status"], "Delete in progress");
    account.pass(120);
    assert!(workers(&mut account).is_null());
    assert!(account.aws.world().machines().is_empty());
}

#[test]
fn the_same_seed_launches_the_same_instances() {
    let run = || {
        let mut account = Account::new();
        group(&mut account, ["0", "3", "3"], &[]);
        account.pass(100);
        account.aws.world().machines()
    };
    assert_eq!(run(), run());
}
