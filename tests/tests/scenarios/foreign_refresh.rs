//! Somebody else starts an instance refresh on a group of Axon's.
//!
//! Axon starts none. That no two tasks ever hold one device is checked by the simulated AWS in every scenario.

use std::collections::BTreeSet;
use std::time::Duration;

use axon_sim::{Image, ImageActs};
use axon_tests::World;
use axon_tests::fleets::{ROLLING, SHARED, edit};
use axon_tests::operator::is_quiet;
use serde_json::{Value, json};

/// The fleet, ready. A look every half minute is enough for hours of waiting.
async fn ready(yaml: &str) -> World {
    let mut world = World::new(yaml);
    world.settings.busy_interval = Duration::from_secs(30);
    world.converge().await;
    world
}

/// Starts a refresh of the one group there is.
fn refresh(world: &World, preferences: &Value, desired: Option<Value>) {
    let mut input =
        json!({"AutoScalingGroupName": world.scaling_group()["AutoScalingGroupName"], "Preferences": preferences});
    if let Some(desired) = desired {
        input["DesiredConfiguration"] = desired;
    }
    world.act_on("autoscaling", "StartInstanceRefresh", &input);
}

/// The newest refresh.
fn newest(world: &World) -> Value {
    let named = json!({"AutoScalingGroupName": world.scaling_group()["AutoScalingGroupName"]});
    world.act_on("autoscaling", "DescribeInstanceRefreshes", &named)["InstanceRefreshes"][0].clone()
}

fn machines(world: &World) -> BTreeSet<String> {
    let machines = world.aws.with(|aws| aws.world().machines());
    machines.into_iter().filter(|machine| machine.state == "running").map(|machine| machine.id).collect()
}

fn running(world: &World) -> usize {
    let tasks = world.aws.with(|aws| aws.world().live_tasks());
    tasks.iter().filter(|task| task.status == "RUNNING" && task.desired == "RUNNING").count()
}

/// Lets time pass until the refresh is over, and says how.
async fn ended(world: &World) -> String {
    for _ in 0..2880 {
        world.pass(Duration::from_secs(15)).await;
        let found = newest(world);
        if found["EndTime"].is_string() {
            return found["Status"].as_str().unwrap().to_owned();
        }
    }
    unreachable!("not within twelve hours: {:#}", newest(world))
}

#[tokio::test(start_paused = true)]
async fn a_refresh_replaces_shared_instances_and_every_replica_comes_back() {
    let world = ready(SHARED).await;
    let before = machines(&world);
    let mut operator = world.start().await;
    operator.ready().await;
    let preferences =
        json!({"MinHealthyPercentage": 50, "ScaleInProtectedInstances": "Refresh", "InstanceWarmup": 120});
    refresh(&world, &preferences, None);
    assert_eq!(ended(&world).await, "Successful", "{:#}", newest(&world));
    world.pass(Duration::from_mins(20)).await;
    operator.ready().await;
    assert_eq!(running(&world), 4, "large, medium and two small ones");
    assert!(machines(&world).is_disjoint(&before), "all of {before:?} are replaced");
    assert_eq!(world.plan().await.steps().count(), 0, "nothing is left to do");
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_waits_for_protected_instances_fails_and_disturbs_nobody() {
    let world = ready(SHARED).await;
    let before = machines(&world);
    let mut operator = world.start().await;
    operator.ready().await;
    // AWS's default: managed termination protection protects instances with tasks.
    refresh(&world, &json!({"MinHealthyPercentage": 0}), None);
    world.quiet(Duration::from_mins(50)).await;
    assert_eq!(newest(&world)["Status"], "InProgress");
    assert_eq!(ended(&world).await, "Failed");
    assert_eq!((running(&world), machines(&world)), (4, before));
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_a_refresh_brings_is_set_back_and_the_instances_after_it() {
    let world = ready(ROLLING).await;
    let ours = world.scaling_group()["LaunchTemplate"].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    let theirs = json!({
        "LaunchTemplateId": ours["LaunchTemplateId"], "SourceVersion": ours["Version"], "VersionDescription": "theirs",
        "LaunchTemplateData": {"KeyName": "somebody"},
    });
    let made = world.act_on("ec2", "CreateLaunchTemplateVersion", &theirs);
    let number = made["LaunchTemplateVersion"]["VersionNumber"].to_string();
    let template = json!({"LaunchTemplateId": ours["LaunchTemplateId"], "Version": number});
    let preferences =
        json!({"MinHealthyPercentage": 100, "ScaleInProtectedInstances": "Refresh", "InstanceWarmup": 60});
    refresh(&world, &preferences, Some(json!({"LaunchTemplate": template})));
    assert_eq!(ended(&world).await, "Successful", "{:#}", newest(&world));
    for _ in 0..1200 {
        world.pass(Duration::from_secs(15)).await;
        let group = world.scaling_group();
        let members = group["Instances"].as_array().unwrap();
        let back = members.iter().all(|member| member["LaunchTemplate"]["Version"] == ours["Version"]);
        if back && members.len() == 3 && is_quiet(&operator.view()) {
            break;
        }
    }
    operator.ready().await;
    assert_eq!(world.scaling_group()["LaunchTemplate"]["Version"], ours["Version"]);
    let versions = world.scaling_group()["Instances"].clone();
    assert!(
        versions.as_array().unwrap().iter().all(|member| member["LaunchTemplate"]["Version"] == ours["Version"]),
        "{versions:#}"
    );
    assert_eq!(world.running("server"), 3);
    operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_image_waits_until_a_refresh_lets_the_group_be_changed() {
    let world = ready(&edit(ROLLING, "policy: Roll", "policy: Report")).await;
    let ours = world.scaling_group()["LaunchTemplate"].clone();
    let mut operator = world.start().await;
    operator.ready().await;
    let same = json!({"LaunchTemplateId": ours["LaunchTemplateId"], "Version": ours["Version"]});
    let preferences = json!({
        "MinHealthyPercentage": 0, "ScaleInProtectedInstances": "Refresh", "InstanceWarmup": 0, "BakeTime": 7200,
    });
    refresh(&world, &preferences, Some(json!({"LaunchTemplate": same})));
    world.pass(Duration::from_mins(30)).await;
    assert_eq!(newest(&world)["Status"], "Baking", "{:#}", newest(&world));
    let path = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron";
    let name = "al2023-ami-ecs-neuron-hvm-2023.0.20270101-kernel-6.1-x86_64";
    let image = Image::new("ami-0000000000000new1", name, "1.200.0").acting(ImageActs::Good);
    world.aws.with(|aws| aws.world_mut().publish_image(path, image));
    world.calls();
    world.pass(Duration::from_hours(1)).await;
    let refused = world.writes().into_iter().filter(|call| call.operation == "UpdateAutoScalingGroup");
    let errors: BTreeSet<Option<String>> = refused.map(|call| call.error).collect();
    assert_eq!(errors, BTreeSet::from([Some("ValidationError".to_owned())]), "the refresh forbids the new version");
    assert_eq!(ended(&world).await, "Successful");
    world.pass(Duration::from_mins(5)).await;
    operator.ready().await;
    assert_ne!(world.scaling_group()["LaunchTemplate"]["Version"], ours["Version"], "no person was needed");
    operator.stop().await;
}
