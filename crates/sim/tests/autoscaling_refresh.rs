//! Instance refreshes in virtual time: what is replaced, in which bounds, what they wait for, how they end.
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
use axon_sim::Shortage;
use forms::{Pairs, activities, ec2, group, groups, groups_error, in_service, members};
use serde_json::Value;

const NAME: (&str, &str) = ("AutoScalingGroupName", "workers");

/// Starts a refresh of `workers` with these preferences and other members.
fn start(account: &mut Account, more: Pairs<'_>) -> String {
    let pairs = [&[NAME], more].concat();
    groups(account, "StartInstanceRefresh", &pairs)["InstanceRefreshId"].as_str().unwrap().to_owned()
}

/// The newest refresh of `workers`.
fn newest(account: &mut Account) -> Value {
    groups(account, "DescribeInstanceRefreshes", &[NAME])["InstanceRefreshes"][0].clone()
}

/// Lets time pass until a refresh is over; the fewest and the most members that were in service, and its end.
fn watch(account: &mut Account) -> (usize, usize, Value) {
    let (mut fewest, mut most) = (usize::MAX, 0);
    for _ in 0..2000 {
        account.pass(10);
        let now = in_service(account).len();
        (fewest, most) = (fewest.min(now), most.max(now));
        let found = newest(account);
        if found["EndTime"].is_string() {
            return (fewest, most, found);
        }
    }
    panic!("it does not end: {:#}", newest(account))
}

/// A group of so many in service.
fn of(desired: &str, more: Pairs<'_>) -> (Account, Vec<String>) {
    let mut account = Account::new();
    group(&mut account, ["0", desired, "8"], more);
    account.pass(60);
    let before = in_service(&mut account);
    (account, before)
}

fn version_two(account: &mut Account) {
    let pairs = [
        ("LaunchTemplateName", "workers"),
        ("SourceVersion", "1"),
        ("LaunchTemplateData.InstanceType", "inf2.8xlarge"),
    ];
    ec2(account, "CreateLaunchTemplateVersion", &pairs);
}

const TO_TWO: [(&str, &str); 2] = [
    ("DesiredConfiguration.LaunchTemplate.LaunchTemplateName", "workers"),
    ("DesiredConfiguration.LaunchTemplate.Version", "2"),
];

fn versions(account: &mut Account) -> Vec<String> {
    let found = members(account, "InService");
    found.iter().map(|m| m["LaunchTemplate"]["Version"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn by_default_one_after_the_other_is_terminated_and_replaced() {
    let (mut account, before) = of("3", &[]);
    let id = start(&mut account, &[("Preferences.InstanceWarmup", "60")]);
    let found = newest(&mut account);
    assert_eq!((&found["Status"], &found["InstanceRefreshId"]), (&"Pending".into(), &id.as_str().into()));
    let (fewest, most, found) = watch(&mut account);
    assert_eq!((fewest, most), (2, 3));
    assert_eq!((&found["Status"], &found["PercentageComplete"]), (&"Successful".into(), &"100".into()));
    assert_eq!(found["InstancesToUpdate"], "0");
    let preferences = &found["Preferences"];
    assert_eq!(
        (&preferences["MinHealthyPercentage"], &preferences["ScaleInProtectedInstances"], &preferences["SkipMatching"]),
        (&"90".into(), &"Wait".into(), &"false".into())
    );
    let after = in_service(&mut account);
    assert!(after.len() == 3 && after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    let told = activities(&mut account);
    let refreshed = told.iter().filter(|a| a["Cause"].as_str().unwrap().contains("instance refresh")).count();
    assert_eq!(refreshed, 3, "{told:?}");
}

#[test]
fn a_minimum_of_a_hundred_launches_before_it_terminates() {
    let (mut account, before) = of("2", &[]);
    start(&mut account, &[("Preferences.MinHealthyPercentage", "100"), ("Preferences.InstanceWarmup", "30")]);
    let (fewest, most, found) = watch(&mut account);
    assert_eq!((fewest, most), (2, 3), "one more at a time");
    assert_eq!(found["Status"], "Successful");
    assert!(in_service(&mut account).iter().all(|id| !before.contains(id)));
}

#[test]
fn a_maximum_bounds_what_is_launched_beyond_the_desired_capacity() {
    let (mut account, _) = of("4", &[]);
    let preferences = [
        ("Preferences.MinHealthyPercentage", "100"),
        ("Preferences.MaxHealthyPercentage", "150"),
        ("Preferences.InstanceWarmup", "60"),
    ];
    start(&mut account, &preferences);
    let (fewest, most, _) = watch(&mut account);
    assert!(fewest >= 4 && (5..=6).contains(&most), "{fewest} {most}");
    assert_eq!(in_service(&mut account).len(), 4, "the surplus has gone");
}

#[test]
fn a_minimum_of_zero_replaces_all_at_once() {
    let (mut account, before) = of("4", &[]);
    start(&mut account, &[("Preferences.MinHealthyPercentage", "0")]);
    account.pass(10);
    assert_eq!(in_service(&mut account), Vec::<String>::new(), "{before:?}");
    let (_, _, found) = watch(&mut account);
    assert_eq!(found["Status"], "Successful");
}

#[test]
fn a_replacement_counts_when_it_has_warmed_up() {
    let (mut account, _) = of("2", &[]);
    start(&mut account, &[("Preferences.InstanceWarmup", "600")]);
    account.pass(300);
    let found = newest(&mut account);
    assert_eq!((&found["PercentageComplete"], &found["InstancesToUpdate"]), (&"0".into(), &"2".into()));
    assert!(found["StatusReason"].as_str().unwrap().contains("warm"), "{found}");
    account.pass(400);
    assert_eq!(newest(&mut account)["PercentageComplete"], "50");
}

#[test]
fn protected_instances_are_waited_for_ignored_or_replaced() {
    let protected = [("NewInstancesProtectedFromScaleIn", "true")];
    for (choice, end, replaced) in [("Wait", "Failed", 0), ("Ignore", "Successful", 0), ("Refresh", "Successful", 2)] {
        let (mut account, before) = of("2", &protected);
        let started = account.aws.now();
        start(&mut account, &[("Preferences.ScaleInProtectedInstances", choice)]);
        let (_, _, found) = watch(&mut account);
        assert_eq!(found["Status"], end, "{choice}");
        let now = in_service(&mut account);
        assert_eq!(now.iter().filter(|id| !before.contains(id)).count(), replaced, "{choice}");
        if choice == "Wait" {
            assert!(found["StatusReason"].as_str().unwrap().contains("protected from scale in"), "{found}");
            let waited = account.aws.now().as_second() - started.as_second();
            assert!((3600..3700).contains(&waited), "an hour, {waited} s");
        }
    }
}

#[test]
fn protection_that_is_taken_away_lets_a_refresh_go_on() {
    let (mut account, before) = of("1", &[("NewInstancesProtectedFromScaleIn", "true")]);
    start(&mut account, &[]);
    account.pass(1800);
    let pairs = [NAME, ("InstanceIds.member.1", &before[0]), ("ProtectedFromScaleIn", "false")];
    groups(&mut account, "SetInstanceProtection", &pairs);
    assert_eq!(watch(&mut account).2["Status"], "Successful");
}

#[test]
fn a_desired_configuration_is_launched_at_once_and_the_groups_own_when_it_succeeds() {
    let (mut account, _) = of("2", &[]);
    version_two(&mut account);
    start(&mut account, &[&TO_TWO[..], &[("Preferences.InstanceWarmup", "300")]].concat());
    account.pass(60);
    let shown = forms::workers(&mut account);
    assert_eq!(shown["LaunchTemplate"]["Version"], "$Default", "not before it has succeeded");
    let change = [NAME, ("LaunchTemplate.LaunchTemplateName", "workers"), ("LaunchTemplate.Version", "1")];
    let (code, message) = groups_error(&mut account, "UpdateAutoScalingGroup", &change);
    assert!(code == "ValidationError" && message.starts_with("An active instance refresh"), "{code} {message}");
    groups(&mut account, "UpdateAutoScalingGroup", &[NAME, ("MaxSize", "9")]);
    assert_eq!(watch(&mut account).2["Status"], "Successful");
    assert_eq!(forms::workers(&mut account)["LaunchTemplate"]["Version"], "2");
    assert_eq!(versions(&mut account), ["2", "2"]);
    let kinds: BTreeSet<String> = account.aws.world().machines().into_iter().map(|m| m.instance_type).collect();
    assert_eq!(kinds, BTreeSet::from(["inf2.8xlarge".to_owned()]));
    groups(&mut account, "UpdateAutoScalingGroup", &change);
}

#[test]
fn skip_matching_leaves_what_is_as_desired() {
    let (mut account, before) = of("2", &[]);
    version_two(&mut account);
    let skip = ("Preferences.SkipMatching", "true");
    start(&mut account, &[skip]);
    let (_, _, found) = watch(&mut account);
    assert_eq!(found["Status"], "Successful");
    assert_eq!(in_service(&mut account), before, "they have the group's own template");
    start(&mut account, &[&TO_TWO[..], &[skip]].concat());
    assert_eq!(watch(&mut account).2["Status"], "Successful");
    let after = in_service(&mut account);
    assert!(after.iter().all(|id| !before.contains(id)));
    start(&mut account, &[&TO_TWO[..], &[skip]].concat());
    watch(&mut account);
    assert_eq!(in_service(&mut account), after);
}

#[test]
fn a_checkpoint_waits_and_the_last_one_is_the_end() {
    let (mut account, before) = of("4", &[]);
    let preferences = [
        ("Preferences.CheckpointPercentages.member.1", "25"),
        ("Preferences.CheckpointPercentages.member.2", "50"),
        ("Preferences.CheckpointDelay", "1800"),
        ("Preferences.InstanceWarmup", "0"),
    ];
    start(&mut account, &preferences);
    account.pass(900);
    let old = |account: &mut Account| in_service(account).iter().filter(|id| before.contains(id)).count();
    assert_eq!(old(&mut account), 3, "it waits at a quarter: {:#}", newest(&mut account));
    let (_, _, found) = watch(&mut account);
    assert_eq!((&found["Status"], &found["PercentageComplete"]), (&"Successful".into(), &"50".into()));
    assert_eq!(old(&mut account), 2, "half is never replaced");
}

#[test]
fn a_cancelled_refresh_keeps_what_it_has_replaced() {
    let (mut account, before) = of("3", &[]);
    let id = start(&mut account, &[("Preferences.InstanceWarmup", "60")]);
    account.pass(10);
    let cancelled = groups(&mut account, "CancelInstanceRefresh", &[NAME]);
    assert_eq!(cancelled["InstanceRefreshId"], id.as_str());
    assert_eq!(newest(&mut account)["Status"], "Cancelling");
    let (_, _, found) = watch(&mut account);
    assert_eq!(found["Status"], "Cancelled");
    account.pass(1800);
    let after = in_service(&mut account);
    assert_eq!((after.len(), after.iter().filter(|id| before.contains(id)).count()), (3, 2));
    assert_eq!(groups_error(&mut account, "CancelInstanceRefresh", &[NAME]).0, "ActiveInstanceRefreshNotFound");
}

#[test]
fn a_rollback_brings_the_old_configuration_back() {
    let (mut account, _) = of("2", &[("LaunchTemplate.Version", "1")]);
    version_two(&mut account);
    start(&mut account, &[&TO_TWO[..], &[("Preferences.InstanceWarmup", "0")]].concat());
    while versions(&mut account).iter().all(|version| version == "1") {
        account.pass(10);
    }
    groups(&mut account, "RollbackInstanceRefresh", &[NAME]);
    assert_eq!(newest(&mut account)["Status"], "RollbackInProgress");
    let (_, _, found) = watch(&mut account);
    assert_eq!(found["Status"], "RollbackSuccessful");
    assert!(found["RollbackDetails"]["RollbackReason"].is_string(), "{found}");
    assert_eq!(versions(&mut account), ["1", "1"]);
}

#[test]
fn a_refresh_that_cannot_launch_fails_after_an_hour_or_rolls_back() {
    for (auto, end) in [("false", "Failed"), ("true", "RollbackFailed")] {
        let (mut account, _) = of("2", &[("LaunchTemplate.Version", "1")]);
        version_two(&mut account);
        let shortage = Shortage { instance_type: "inf2*".to_owned(), zone: None };
        account.aws.world_mut().run_short(shortage);
        let rollback = [("Preferences.AutoRollback", auto), ("Preferences.MinHealthyPercentage", "50")];
        start(&mut account, &[&TO_TWO[..], &rollback].concat());
        let (fewest, _, found) = watch(&mut account);
        assert!(found["Status"] == end || auto == "true" && found["Status"] == "RollbackSuccessful", "{found}");
        assert_eq!(fewest, 1, "the other one is kept");
    }
}

#[test]
fn baking_is_the_last_wait() {
    let (mut account, _) = of("1", &[]);
    start(&mut account, &[("Preferences.BakeTime", "900")]);
    account.pass(600);
    assert_eq!(newest(&mut account)["Status"], "Baking");
    assert_eq!(watch(&mut account).2["Status"], "Successful");
}

#[test]
fn a_group_has_one_active_refresh_and_what_is_wrong_is_refused() {
    let (mut account, _) = of("1", &[]);
    let mut refused = |more: Pairs<'_>| groups_error(&mut account, "StartInstanceRefresh", &[&[NAME], more].concat()).0;
    let invalid: [Pairs<'_>; 6] = [
        &[("Preferences.MaxHealthyPercentage", "150")],
        &[("Preferences.MinHealthyPercentage", "40"), ("Preferences.MaxHealthyPercentage", "150")],
        &[("Preferences.CheckpointDelay", "60")],
        &[("Preferences.AutoRollback", "true")],
        &[("DesiredConfiguration.LaunchTemplate.LaunchTemplateName", "nobody")],
        &[("Preferences.ScaleInProtectedInstances", "Perhaps")],
    ];
    for more in invalid {
        assert_eq!(refused(more), "ValidationError", "{more:?}");
    }
    for more in [("Strategy", "ReplaceRootVolume"), ("Preferences.AlarmSpecification.Alarms.member.1", "cpu")] {
        assert_eq!(refused(&[more]), "NotModelledBySimulator", "{more:?}");
    }
    assert_eq!(groups_error(&mut account, "RollbackInstanceRefresh", &[NAME]).0, "ActiveInstanceRefreshNotFound");
    start(&mut account, &[]);
    assert_eq!(groups_error(&mut account, "StartInstanceRefresh", &[NAME]).0, "InstanceRefreshInProgress");
    assert_eq!(groups_error(&mut account, "RollbackInstanceRefresh", &[NAME]).0, "IrreversibleInstanceRefresh");
    let nobody = [("AutoScalingGroupName", "nobody")];
    assert_eq!(groups_error(&mut account, "DescribeInstanceRefreshes", &nobody).0, "ValidationError");
}
