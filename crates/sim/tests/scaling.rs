//! Managed scaling of Auto Scaling groups: growing from zero and by demand, shrinking, protecting, draining.
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
mod fleet;
mod forms;

use account::Account;
use axon_sim::{Image, ImageActs, Loss, Options, Quirks, RunningGroup};
use fleet::{on_ec2, provided, shape, with_port};
use serde_json::{Value, json};

fn scaled(more: Value) -> Value {
    let mut scaling = more;
    scaling["status"] = json!("ENABLED");
    json!({"managedScaling": scaling})
}

/// A group of inf2.xlarge at zero with a provider `inf2`.
fn pool(settings: Value, max: i64) -> Account {
    let mut account = fleet::empty();
    let mut pool = shape("pool", "inf2.xlarge", 0);
    pool.max = max;
    pool.protected = settings["managedTerminationProtection"] == "ENABLED";
    account.group(&pool);
    account.group_provider("inf2", "pool", settings);
    account
}

fn desired(account: &mut Account) -> i64 {
    account.group_now("pool").sizes.1
}

/// A definition of which one task fills an inf2.xlarge.
fn whole(family: &str) -> Value {
    let mut definition = on_ec2(family, &["/dev/neuron0"]);
    definition["containerDefinitions"][0]["memoryReservation"] = json!(12_000);
    definition
}

#[test]
fn from_zero_a_group_grows_to_two_first_and_then_by_demand_after_the_warm_up() {
    let mut account = pool(scaled(json!({})), 20);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 5, "inf2"));
    account.pass(1);
    assert_eq!(account.count("PROVISIONING"), 5);
    account.pass(120);
    assert_eq!(desired(&mut account), 2);
    // Two instances run, and five more would be needed for what waits.
    assert_eq!(account.aws.world().capacity_provider_reservation("inf2"), Some(350));
    account.pass(120);
    assert_eq!(account.count("RUNNING") + account.count("PENDING"), 2);
    assert_eq!(desired(&mut account), 2);
    account.pass(240);
    assert_eq!(desired(&mut account), 5);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 5);
    assert_eq!(account.aws.world().capacity_provider_reservation("inf2"), Some(100));
    assert!(account.aws.world().violations().is_empty());
}

#[test]
fn the_maximum_of_the_group_and_the_step_sizes_bound_its_growth() {
    let mut account = pool(scaled(json!({})), 1);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 3, "inf2"));
    account.pass(1800);
    assert_eq!(desired(&mut account), 1);
    assert_eq!(account.service("web")["runningCount"], 1);
    let mut account = pool(scaled(json!({"maximumScalingStepSize": 1, "instanceWarmupPeriod": 60})), 20);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 6, "inf2"));
    account.pass(61);
    assert_eq!(desired(&mut account), 2);
    account.pass(60);
    assert_eq!(desired(&mut account), 3);
    account.pass(60);
    assert_eq!(desired(&mut account), 4);
    let mut account = pool(scaled(json!({"minimumScalingStepSize": 5})), 20);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 3, "inf2"));
    account.pass(600);
    assert_eq!(desired(&mut account), 7);
}

#[test]
fn ports_and_distinct_instance_are_counted_and_device_paths_are_not() {
    let mut account = pool(scaled(json!({})), 20);
    account.register(with_port("a", 8080));
    account.call("CreateService", provided("web", "a", 4, "inf2"));
    account.pass(900);
    assert_eq!(account.service("web")["runningCount"], 4);
    assert_eq!(account.instances().len(), 4);
    let mut account = pool(scaled(json!({})), 20);
    account.register(on_ec2("a", &["/dev/neuron0"]));
    account.call("CreateService", provided("web", "a", 4, "inf2"));
    account.pass(900);
    // Four tasks of 1000 MiB fit beside each other as far as ECS counts, so they share the one chip.
    assert_eq!(account.service("web")["runningCount"], 4);
    assert_eq!(account.instances().len(), 2);
    assert!(!account.aws.world().violations().is_empty());
}

#[test]
fn tasks_that_no_instance_of_the_group_could_run_do_not_make_it_grow() {
    let mut account = pool(scaled(json!({})), 20);
    let mut large = on_ec2("large", &[]);
    large["containerDefinitions"][0]["memoryReservation"] = json!(16_000);
    account.register(large);
    account.call("CreateService", provided("large", "large", 1, "inf2"));
    let mut elsewhere = on_ec2("elsewhere", &[]);
    elsewhere["placementConstraints"] =
        json!([{"type": "memberOf", "expression": "attribute:ecs.instance-type == trn1.2xlarge"}]);
    account.register(elsewhere);
    account.call("CreateService", provided("elsewhere", "elsewhere", 1, "inf2"));
    account.pass(3600);
    assert_eq!(desired(&mut account), 0);
    assert_eq!(account.count("PROVISIONING"), 2);
}

#[test]
fn custom_attributes_of_the_template_count_when_a_group_is_imagined_larger() {
    let mut account = fleet::empty();
    let mut pool = shape("pool", "inf2.xlarge", 0);
    pool.config = "ECS_CLUSTER=ml\nECS_INSTANCE_ATTRIBUTES={\"pool\":\"llm\"}\n".to_owned();
    account.group(&pool);
    account.group_provider("inf2", "pool", scaled(json!({})));
    let mut definition = whole("a");
    definition["placementConstraints"] = json!([{"type": "memberOf", "expression": "attribute:pool == llm"}]);
    account.register(definition);
    account.call("CreateService", provided("web", "a", 1, "inf2"));
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
}

#[test]
fn empty_instances_go_after_fifteen_minutes_and_never_below_what_is_busy() {
    let mut account = pool(scaled(json!({})), 20);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 4, "inf2"));
    account.pass(1500);
    assert_eq!(account.instances().len(), 4);
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "desiredCount": 1}));
    account.pass(14 * 60);
    assert_eq!(desired(&mut account), 4);
    account.pass(5 * 60);
    assert_eq!(desired(&mut account), 1);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
    assert_eq!(account.instances().len(), 1);
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "desiredCount": 0}));
    account.pass(40 * 60);
    assert_eq!(desired(&mut account), 0);
    assert!(account.instances().is_empty());
}

#[test]
fn a_target_below_a_hundred_keeps_spare_instances() {
    let mut account = pool(scaled(json!({"targetCapacity": 50})), 20);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 3, "inf2"));
    account.pass(3600);
    assert_eq!(account.service("web")["runningCount"], 3);
    assert_eq!(desired(&mut account), 6);
}

#[test]
fn termination_protection_spares_instances_with_tasks_whatever_the_group_would_choose() {
    let mut settings = scaled(json!({}));
    settings["managedTerminationProtection"] = json!("ENABLED");
    settings["managedDraining"] = json!("DISABLED");
    let mut account = pool(settings, 20);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 3, "inf2"));
    account.pass(1800);
    assert_eq!(account.instances().len(), 3);
    let oldest = account.tasks("RUNNING")[0]["taskArn"].clone();
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "desiredCount": 2}));
    account.pass(60);
    let running: Vec<Value> = account.tasks("RUNNING").iter().map(|t| t["taskArn"].clone()).collect();
    assert_eq!(running.len(), 2);
    account.pass(40 * 60);
    let now: Vec<Value> = account.tasks("RUNNING").iter().map(|t| t["taskArn"].clone()).collect();
    assert_eq!(now, running, "no task was moved; the oldest was {oldest}");
    assert_eq!(account.instances().len(), 2);
    let group = account.group_now("pool");
    assert_eq!((group.members.len(), group.protected.len()), (2, 2));
}

#[test]
fn managed_draining_holds_a_terminating_instance_until_its_tasks_are_replaced() {
    let mut account = fleet::empty();
    account.group(&shape("pool", "inf2.xlarge", 2));
    account.pass(300);
    account.group_provider("inf2", "pool", json!({}));
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 1, "inf2"));
    account.pass(200);
    let busy = account.tasks("RUNNING")[0]["containerInstanceArn"].clone();
    account.resize("pool", 1);
    account.resize("pool", 0);
    account.pass(5);
    let states: Vec<Value> = account.instances().iter().map(|i| i["status"].clone()).collect();
    assert_eq!(states, ["DRAINING", "DRAINING"]);
    let held = account.group_now("pool");
    let waiting = |g: &RunningGroup| g.members.values().filter(|m| **m == "Terminating:Wait").count();
    assert_eq!(waiting(&held), 2);
    account.pass(60);
    // The empty one is let go; the other waits for a replacement that has nowhere to run.
    assert_eq!(waiting(&account.group_now("pool")), 1);
    assert_eq!(account.service("web")["runningCount"], 1);
    account.resize("pool", 1);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
    assert_ne!(account.tasks("RUNNING")[0]["containerInstanceArn"], busy);
    assert_eq!(account.instances().len(), 1);
    assert_eq!(waiting(&account.group_now("pool")), 0);
}

#[test]
fn a_standalone_task_holds_a_draining_instance_for_two_days_at_most() {
    let mut account = fleet::fleet("inf2.xlarge", 1);
    account.group_provider("inf2", "pool", json!({}));
    account.register(whole("a"));
    account.call(
        "RunTask",
        json!({"cluster": "ml", "taskDefinition": "a", "capacityProviderStrategy":
        [{"capacityProvider": "inf2", "weight": 1}]}),
    );
    account.pass(200);
    account.resize("pool", 0);
    account.pass(47 * 3600);
    assert_eq!(account.count("RUNNING"), 1);
    account.pass(2 * 3600);
    assert_eq!(account.count("RUNNING"), 0);
}

#[test]
fn waiting_tasks_can_be_made_to_fail_with_the_documented_reasons() {
    let quirks = Quirks { provisioning_limit_seconds: Some(600), ..Quirks::default() };
    let mut account = fleet::with(Options { quirks, ..fleet::options() });
    let mut pool = shape("pool", "inf2.xlarge", 0);
    pool.max = 1;
    account.group(&pool);
    account.group_provider("inf2", "pool", json!({}));
    account.register(whole("a"));
    let run = json!({"cluster": "ml", "taskDefinition": "a", "capacityProviderStrategy":
        [{"capacityProvider": "inf2", "weight": 1}]});
    account.call("RunTask", run.clone());
    account.pass(800);
    let stopped = account.tasks("STOPPED")[0].clone();
    assert_eq!(stopped["stopCode"], "TaskFailedToStart");
    assert_eq!(stopped["stoppedReason"], "TaskFailedToStart: EMPTY CAPACITY PROVIDER");
    account.resize("pool", 1);
    account.pass(300);
    account.call("RunTask", run.clone());
    account.call("RunTask", run);
    account.pass(800);
    let reasons: Vec<Value> = account.tasks("STOPPED").iter().map(|t| t["stoppedReason"].clone()).collect();
    assert!(reasons.contains(&json!("TaskFailedToStart: RESOURCE:MEMORY")), "{reasons:?}");
}

#[test]
fn at_most_five_hundred_tasks_of_a_cluster_wait() {
    let mut account = pool(json!({}), 1);
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 495, "inf2"));
    account.pass(5);
    let run = |count: i64| {
        json!({"cluster": "ml", "taskDefinition": "a", "count": count, "capacityProviderStrategy":
        [{"capacityProvider": "inf2", "weight": 1}]})
    };
    assert_eq!(account.refused("RunTask", run(6)), "ClientException");
    account.call("RunTask", run(5));
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "desiredCount": 600}));
    account.pass(60);
    assert_eq!(account.count("PROVISIONING"), 500);
}

#[test]
fn a_spot_interruption_drains_the_instance_for_its_last_two_minutes_where_draining_is_managed() {
    for (draining, status) in [("ENABLED", "DRAINING"), ("DISABLED", "ACTIVE")] {
        let mut account = fleet::empty();
        let mut pool = shape("pool", "inf2.xlarge", 2);
        pool.spot = true;
        account.group(&pool);
        account.pass(300);
        account.group_provider("inf2", "pool", json!({"managedDraining": draining}));
        account.register(on_ec2("a", &[]));
        account.call("CreateService", provided("web", "a", 1, "inf2"));
        account.pass(200);
        let on = account.tasks("RUNNING")[0]["containerInstanceArn"].clone();
        let found = account.instances().iter().find(|i| i["containerInstanceArn"] == on).unwrap().clone();
        assert!(account.aws.world_mut().lose_machine(found["ec2InstanceId"].as_str().unwrap(), Loss::SpotInterruption));
        account.pass(1);
        let now = account.instances().iter().find(|i| i["containerInstanceArn"] == on).unwrap().clone();
        assert_eq!(now["status"], status);
        let mut lowest = 1;
        for _ in 0..600 {
            account.pass(1);
            lowest = lowest.min(account.count("RUNNING"));
        }
        // A drained task is replaced before its instance goes; otherwise there is a gap.
        assert_eq!(lowest, usize::from(draining == "ENABLED"));
        assert_eq!(account.service("web")["runningCount"], 1);
    }
}

#[test]
fn a_group_whose_instances_never_register_grows_to_its_maximum_and_protected_ones_stay_for_ever() {
    for (protection, left) in [("DISABLED", 0), ("ENABLED", 4)] {
        let mut account = fleet::empty();
        account.aws.world_mut().add_image(Image::new("ami-mute", "mute", "1.0.0").acting(ImageActs::NeverRegisters));
        let mut pool = shape("pool", "inf2.xlarge", 0);
        pool.max = 4;
        pool.image = "ami-mute".to_owned();
        pool.protected = protection == "ENABLED";
        account.group(&pool);
        let mut settings = scaled(json!({}));
        settings["managedTerminationProtection"] = json!(protection);
        account.group_provider("inf2", "pool", settings);
        account.register(whole("a"));
        account.call("CreateService", provided("web", "a", 1, "inf2"));
        account.pass(3600);
        assert_eq!(account.service("web")["pendingCount"], 1);
        assert_eq!(account.group_now("pool").members.len(), 4);
        account.call("DeleteService", json!({"cluster": "ml", "service": "web", "force": true}));
        account.pass(3 * 3600);
        assert_eq!(account.group_now("pool").members.len(), left, "{protection}");
        assert_eq!(desired(&mut account), if left > 0 { 2 } else { 0 });
    }
}

/// The provider of the group `pool` as it is now.
fn provider_of_pool(account: &mut Account, name: &str) -> Value {
    let found = forms::groups(account, "DescribeAutoScalingGroups", &[("AutoScalingGroupNames.member.1", "pool")]);
    let arn = found["AutoScalingGroups"][0]["AutoScalingGroupARN"].as_str().unwrap().to_owned();
    fleet::group_provider(name, &arn, scaled(json!({})))
}

#[test]
fn a_group_that_was_made_again_belongs_to_the_provider_of_its_new_arn() {
    let mut account = fleet::empty();
    account.group(&shape("pool", "inf2.xlarge", 0));
    let old = provider_of_pool(&mut account, "old");
    account.call("CreateCapacityProvider", old);
    forms::groups(&mut account, "DeleteAutoScalingGroup", &[("AutoScalingGroupName", "pool"), ("ForceDelete", "true")]);
    let template = [("LaunchTemplate.LaunchTemplateName", "pool-template"), ("LaunchTemplate.Version", "$Latest")];
    let sizes = [("MinSize", "0"), ("MaxSize", "5"), ("DesiredCapacity", "1"), ("VPCZoneIdentifier", fleet::SUBNET_A)];
    let members = [&[("AutoScalingGroupName", "pool")][..], &template, &sizes].concat();
    forms::groups(&mut account, "CreateAutoScalingGroup", &members);
    let new = provider_of_pool(&mut account, "new");
    account.call("CreateCapacityProvider", new);
    account.pass(30);
    let both = json!({"cluster": "ml", "capacityProviders": ["old", "new"], "defaultCapacityProviderStrategy": []});
    account.call("PutClusterCapacityProviders", both);
    account.pass(300);
    let listed = account.call("ListContainerInstances", json!({"cluster": "ml"}));
    let asked = json!({"cluster": "ml", "containerInstances": listed["containerInstanceArns"]});
    let found = account.call("DescribeContainerInstances", asked);
    assert_eq!(found["containerInstances"][0]["capacityProviderName"], "new");
    account.register(whole("a"));
    account.call("CreateService", provided("web", "a", 3, "new"));
    account.pass(700);
    assert_eq!(account.count("RUNNING"), 3);
}
