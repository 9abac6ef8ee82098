//! Tasks of RunTask, which nothing restarts: how they end, what is said of them afterwards and for how long, tokens, lost and
//! draining instances, waiting for capacity.
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

use account::{Account, managed};
use axon_sim::{
    Acts, Behaviour, LaggingLists, Loss, LostTaskCode, Options, Quirks, Shortage, StartedByWithStatus, StoppedTaskTags,
    Turn,
};
use fleet::{on_ec2, shape};
use serde_json::{Value, json};

/// RunTask of the family `job` on managed instances, with a variable in the environment for each pair.
fn run(environment: &[(&str, &str)]) -> Value {
    let set: Vec<Value> = environment.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "cluster": "ml",
        "taskDefinition": "job",
        "startedBy": "axon/job",
        "capacityProviderStrategy": [{"capacityProvider": "inf2", "weight": 1}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
        "overrides": {"containerOverrides": [{"name": "server", "environment": set}]},
    })
}

fn with(quirks: Quirks) -> Account {
    let mut account = Account::with(Options { quirks, ..Options::default() });
    account.ready();
    account.definition("job", "job:1");
    account
}

fn ready() -> Account {
    with(Quirks::default())
}

fn started(account: &mut Account, input: Value) -> String {
    let answer = account.call("RunTask", input);
    answer["tasks"][0]["taskArn"].as_str().unwrap().to_owned()
}

fn described(account: &mut Account, task: &str) -> Value {
    let input = json!({"cluster": "ml", "tasks": [task], "include": ["TAGS"]});
    account.call("DescribeTasks", input)["tasks"][0].clone()
}

fn listed(account: &mut Account, more: Value) -> Vec<Value> {
    let mut input = more;
    input["cluster"] = json!("ml");
    account.call("ListTasks", input)["taskArns"].as_array().unwrap().clone()
}

fn ends(exit_code: i64) -> Acts {
    Acts::Ends { after_seconds: 30, exit_code }
}

#[test]
fn how_a_task_ends_can_depend_on_its_environment() {
    let mut account = with(Quirks::default());
    let mut definition = managed("job", "job:1");
    definition["containerDefinitions"][0]["environment"] = json!([{"name": "ATTEMPT", "value": "0"}]);
    account.call("RegisterTaskDefinition", definition);
    let world = account.aws.world_mut();
    world.behave(Behaviour::of("job:*").acting(ends(0)));
    world.behave(Behaviour::of("job:*").when("INDEX", "3").when("ATTEMPT", "0").acting(ends(7)));
    let first = started(&mut account, run(&[("INDEX", "3")]));
    let second = started(&mut account, run(&[("INDEX", "3"), ("ATTEMPT", "1")]));
    let other = started(&mut account, run(&[("INDEX", "2")]));
    account.pass(600);
    let codes = [first, second, other].map(|task| described(&mut account, &task)["containers"][0]["exitCode"].clone());
    assert_eq!(codes, [7, 0, 0]);
}

#[test]
fn a_task_that_ends_is_not_started_again_and_its_end_is_told_for_an_hour() {
    let mut account = ready();
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(ends(7)));
    let task = started(&mut account, run(&[]));
    while described(&mut account, &task)["lastStatus"] != "STOPPED" {
        account.pass(1);
    }
    let ended = described(&mut account, &task);
    assert_eq!((&ended["lastStatus"], &ended["desiredStatus"]), (&json!("STOPPED"), &json!("STOPPED")));
    assert_eq!(ended["stopCode"], "EssentialContainerExited");
    assert_eq!(ended["stoppedReason"], "Essential container in task exited");
    assert_eq!((&ended["startedBy"], &ended["group"]), (&json!("axon/job"), &json!("family:job")));
    assert_eq!((&ended["containers"][0]["exitCode"], &ended["containers"][0]["reason"]), (&json!(7), &Value::Null));
    assert!(account.aws.world().live_tasks().is_empty());
    assert_eq!(listed(&mut account, json!({})), Vec::<Value>::new());
    account.pass(3599);
    assert_eq!(listed(&mut account, json!({"desiredStatus": "STOPPED"})), [json!(task)]);
    account.pass(1);
    assert_eq!(listed(&mut account, json!({"desiredStatus": "STOPPED"})), Vec::<Value>::new());
    assert!(described(&mut account, &task).is_null());
}

#[test]
fn the_other_containers_of_a_task_are_stopped_when_the_essential_one_ends() {
    let mut account = ready();
    let mut definition = managed("job", "job:1");
    let sidecar = json!({"name": "sidecar", "image": "logs:1", "essential": false});
    definition["containerDefinitions"].as_array_mut().unwrap().insert(0, sidecar);
    account.call("RegisterTaskDefinition", definition);
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(ends(0)));
    let task = started(&mut account, run(&[]));
    account.pass(600);
    let ended = described(&mut account, &task);
    let codes: Vec<&Value> = ended["containers"].as_array().unwrap().iter().map(|c| &c["exitCode"]).collect();
    assert_eq!(codes, [143, 0]);
}

#[test]
fn a_container_that_takes_too_much_memory_says_so() {
    let mut account = ready();
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(Acts::RunsOutOfMemory { after_seconds: 5 }));
    let task = started(&mut account, run(&[]));
    account.pass(600);
    let ended = described(&mut account, &task);
    assert_eq!(ended["stopCode"], "EssentialContainerExited");
    assert_eq!(ended["containers"][0]["exitCode"], 137);
    assert_eq!(ended["containers"][0]["reason"], "OutOfMemoryError: Container killed due to memory usage");
}

#[test]
fn stop_task_deletes_tags_and_whether_other_ends_do_is_a_quirk() {
    for (quirk, kept) in [(StoppedTaskTags::Gone, 0), (StoppedTaskTags::KeptUnlessStopped, 1)] {
        let mut account = with(Quirks { stopped_task_tags: quirk, ..Quirks::default() });
        account.aws.world_mut().behave(Behaviour::of("job:*").when("ENDS", "yes").acting(ends(0)));
        let tagged = |environment: &[(&str, &str)]| {
            let mut input = run(environment);
            input["tags"] = json!([{"key": "job", "value": "a"}]);
            input
        };
        let ending = started(&mut account, tagged(&[("ENDS", "yes")]));
        let going = started(&mut account, tagged(&[]));
        account.pass(600);
        account.call("StopTask", json!({"cluster": "ml", "task": going}));
        account.pass(60);
        assert_eq!(described(&mut account, &ending)["tags"].as_array().unwrap().len(), kept);
        assert_eq!(described(&mut account, &going)["tags"], json!([]));
    }
}

#[test]
fn a_token_lives_for_a_day_and_no_longer_than_an_hour_after_its_tasks_stopped() {
    let mut account = ready();
    let token = |environment: &[(&str, &str)], token: &str| {
        let mut input = run(environment);
        input["clientToken"] = json!(token);
        input
    };
    account.aws.world_mut().behave(Behaviour::of("job:*").when("ENDS", "yes").acting(ends(0)));
    let long = started(&mut account, token(&[], "long"));
    let short = started(&mut account, token(&[("ENDS", "yes")], "short"));
    account.pass(3600);
    assert_eq!(started(&mut account, token(&[("ENDS", "yes")], "short")), short, "it has not stopped for an hour yet");
    assert_eq!(account.refused("RunTask", token(&[("ENDS", "no")], "short")), "ConflictException");
    account.pass(1200);
    assert_ne!(started(&mut account, token(&[("ENDS", "yes")], "short")), short);
    account.pass(86_400 - 3600 - 1200 - 1);
    assert_eq!(started(&mut account, token(&[], "long")), long);
    account.pass(1);
    assert_ne!(started(&mut account, token(&[], "long")), long, "it still runs, and the day is over");
}

#[test]
fn a_token_counts_in_its_cluster_and_a_conflict_names_the_tasks() {
    let mut account = fleet::fleet("inf2.8xlarge", 1);
    account.call("CreateCluster", json!({"clusterName": "other"}));
    account.register(on_ec2("job", &[]));
    let mut input = json!({"cluster": "ml", "taskDefinition": "job", "launchType": "EC2", "clientToken": "once"});
    let task = started(&mut account, input.clone());
    input["cluster"] = json!("other");
    // There the token is new, and so is the failure.
    assert_eq!(account.refused("RunTask", input.clone()), "InvalidParameterException");
    input["cluster"] = json!("ml");
    input["startedBy"] = json!("another");
    let (status, text) = account.raw("AmazonEC2ContainerServiceV20141113.RunTask", &input.to_string());
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &body["__type"], &body["resourceIds"]), (400, &json!("ConflictException"), &json!([task])));
}

#[test]
fn a_failure_to_place_does_not_use_a_token_up() {
    let mut account = fleet::fleet("inf2.xlarge", 1);
    let mut definition = on_ec2("job", &[]);
    definition["containerDefinitions"][0]["memoryReservation"] = json!(12_000);
    account.register(definition);
    let input =
        |token: &str| json!({"cluster": "ml", "taskDefinition": "job", "launchType": "EC2", "clientToken": token});
    let first = started(&mut account, input("a"));
    let refused = account.call("RunTask", input("b"));
    assert_eq!((&refused["tasks"], &refused["failures"][0]["reason"]), (&json!([]), &json!("RESOURCE:MEMORY")));
    account.pass(60);
    account.call("StopTask", json!({"cluster": "ml", "task": first}));
    account.pass(60);
    assert_eq!(account.call("RunTask", input("b"))["tasks"].as_array().unwrap().len(), 1);
}

#[test]
fn tasks_are_found_by_who_started_them_and_stopped_ones_if_the_status_may_stand_beside_it() {
    for (quirk, accepted) in [(StartedByWithStatus::Accepted, true), (StartedByWithStatus::Rejected, false)] {
        let mut account = with(Quirks { started_by_with_status: quirk, ..Quirks::default() });
        account.aws.world_mut().behave(Behaviour::of("job:*").when("ENDS", "yes").acting(ends(0)));
        let going = started(&mut account, run(&[]));
        let ending = started(&mut account, run(&[("ENDS", "yes")]));
        account.pass(600);
        assert_eq!(listed(&mut account, json!({"startedBy": "axon/job"})), [json!(going)]);
        assert_eq!(listed(&mut account, json!({"startedBy": "axon"})), Vec::<Value>::new());
        assert_eq!(listed(&mut account, json!({"family": "job", "desiredStatus": "STOPPED"})), [json!(ending)]);
        assert_eq!(listed(&mut account, json!({"family": "job", "desiredStatus": "PENDING"})), Vec::<Value>::new());
        let both = json!({"cluster": "ml", "startedBy": "axon/job", "desiredStatus": "STOPPED"});
        match account.try_call("ListTasks", both) {
            Ok(answer) => assert!(accepted && answer["taskArns"] == json!([ending])),
            Err((code, _)) => assert!(!accepted && code == "InvalidParameterException"),
        }
        let more = json!({"cluster": "ml", "startedBy": "axon/job", "family": "job"});
        assert_eq!(account.refused("ListTasks", more), "InvalidParameterException");
    }
}

#[test]
fn lists_may_trail_writes_too() {
    for (quirk, seen) in [(LaggingLists::Never, 1), (LaggingLists::LikeDescribe, 0)] {
        let mut account = with(Quirks { read_lag_seconds: 20, lagging_lists: quirk, ..Quirks::default() });
        account.pass(60);
        let task = started(&mut account, run(&[]));
        let by = json!({"startedBy": "axon/job"});
        assert_eq!(listed(&mut account, by.clone()).len(), seen);
        let missing = account.call("DescribeTasks", json!({"cluster": "ml", "tasks": [task]}));
        assert_eq!(missing["failures"][0]["reason"], "MISSING");
        account.pass(21);
        assert_eq!(listed(&mut account, by), [json!(task)]);
    }
}

/// A task on a Spot instance of a group; its ARN and the instance's id.
fn on_spot(quirk: LostTaskCode) -> (Account, String, String) {
    let quirks = Quirks { lost_task_code: quirk, ..Quirks::default() };
    let mut account = fleet::with(Options { quirks, ..fleet::options() });
    let mut pool = shape("pool", "inf2.xlarge", 1);
    pool.spot = true;
    account.group(&pool);
    account.pass(300);
    account.group_provider("inf2", "pool", json!({"managedDraining": "ENABLED"}));
    account.register(on_ec2("job", &[]));
    let strategy = json!([{"capacityProvider": "inf2", "weight": 1}]);
    let input = json!({"cluster": "ml", "taskDefinition": "job", "capacityProviderStrategy": strategy});
    let task = started(&mut account, input);
    account.pass(200);
    let machine = account.aws.world().machines()[0].id.clone();
    (account, task, machine)
}

#[test]
fn an_interruption_lets_a_task_run_for_two_minutes_and_a_lost_instance_takes_it_at_once() {
    let cases = [
        (LostTaskCode::TerminationNotice, Loss::SpotInterruption, "TerminationNotice"),
        (LostTaskCode::TerminationNotice, Loss::Hardware, "TerminationNotice"),
        (LostTaskCode::ByCause, Loss::SpotInterruption, "SpotInterruption"),
        (LostTaskCode::ByCause, Loss::Hardware, "InfrastructureHealth"),
    ];
    for (quirk, loss, code) in cases {
        let (mut account, task, machine) = on_spot(quirk);
        assert!(account.aws.world_mut().lose_machine(&machine, loss));
        account.pass(119);
        let status = if loss == Loss::Hardware { "STOPPED" } else { "RUNNING" };
        assert_eq!(described(&mut account, &task)["lastStatus"], status);
        account.pass(300);
        let ended = described(&mut account, &task);
        assert_eq!((&ended["lastStatus"], &ended["stopCode"]), (&json!("STOPPED"), &json!(code)));
        assert_eq!(ended["stoppedReason"], format!("Host EC2 (instance {machine}) terminated."));
        assert_eq!(ended["containers"][0]["exitCode"], Value::Null);
        assert!(account.aws.world().live_tasks().is_empty(), "nobody starts it again");
    }
}

#[test]
fn a_lost_managed_instance_takes_its_task_with_it() {
    let mut account = ready();
    let task = started(&mut account, run(&[]));
    account.pass(400);
    let on = described(&mut account, &task)["containerInstanceArn"].as_str().unwrap().to_owned();
    assert!(account.aws.world_mut().lose_instance(&on));
    account.pass(1);
    let ended = described(&mut account, &task);
    assert_eq!((&ended["lastStatus"], &ended["stopCode"]), (&json!("STOPPED"), &json!("TerminationNotice")));
    assert!(ended["stoppedReason"].as_str().unwrap().starts_with("Host EC2 (instance i-"));
}

fn drain(account: &mut Account, task: &str) -> Value {
    let on = described(account, task)["containerInstanceArn"].clone();
    let input = json!({"cluster": "ml", "containerInstances": [on], "status": "DRAINING"});
    assert_eq!(account.call("UpdateContainerInstancesState", input)["failures"], json!([]));
    on
}

#[test]
fn draining_leaves_standalone_tasks_alone_and_lets_no_new_one_in() {
    let mut account = ready();
    let task = started(&mut account, run(&[]));
    account.pass(400);
    let on = drain(&mut account, &task);
    account.pass(6 * 3600);
    assert_eq!(described(&mut account, &task)["lastStatus"], "RUNNING");
    account.call("StopTask", json!({"cluster": "ml", "task": task}));
    let next = started(&mut account, run(&[]));
    // One that has not started yet goes on, too.
    while described(&mut account, &next)["lastStatus"] != "PENDING" {
        account.pass(1);
    }
    assert_ne!(drain(&mut account, &next), on);
    account.pass(600);
    assert_eq!(described(&mut account, &next)["lastStatus"], "RUNNING");
}

#[test]
fn a_task_without_capacity_waits_in_provisioning_until_it_is_there_or_the_task_is_stopped() {
    let mut account = ready();
    account.aws.world_mut().run_short(Shortage { instance_type: "*".to_owned(), zone: None });
    let waits = started(&mut account, run(&[]));
    let stopped = started(&mut account, run(&[]));
    account.pass(7200);
    assert_eq!(described(&mut account, &waits)["lastStatus"], "PROVISIONING");
    account.call("StopTask", json!({"cluster": "ml", "task": stopped, "reason": "too long"}));
    account.aws.world_mut().end_shortages();
    account.pass(400);
    assert_eq!(described(&mut account, &waits)["lastStatus"], "RUNNING");
    let ended = described(&mut account, &stopped);
    assert_eq!((&ended["stopCode"], &ended["stoppedReason"]), (&json!("UserInitiated"), &json!("too long")));
    assert_eq!((&ended["containers"][0]["exitCode"], &ended["startedAt"]), (&Value::Null, &Value::Null));
    assert_eq!(account.aws.world().running_instances().len(), 1, "nothing is launched for what is stopped");
}

#[test]
fn a_group_grows_for_standalone_tasks_and_shrinks_when_they_have_ended() {
    let mut account = fleet::empty();
    account.group(&shape("pool", "inf2.xlarge", 0));
    account.group_provider("inf2", "pool", json!({"managedScaling": {"status": "ENABLED"}}));
    let mut definition = on_ec2("job", &["/dev/neuron0"]);
    definition["containerDefinitions"][0]["memoryReservation"] = json!(12_000);
    account.register(definition);
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(Acts::Ends { after_seconds: 1800, exit_code: 0 }));
    let strategy = json!([{"capacityProvider": "inf2", "weight": 1}]);
    let input = json!({"cluster": "ml", "taskDefinition": "job", "count": 4, "capacityProviderStrategy": strategy});
    account.call("RunTask", input);
    account.pass(1500);
    assert_eq!((account.count("RUNNING"), account.group_now("pool").sizes.1), (4, 4));
    account.pass(3 * 3600);
    assert_eq!((account.count("RUNNING"), account.group_now("pool").sizes.1), (0, 0));
}

#[test]
fn whoever_watches_is_told_of_every_start_and_end_even_of_tasks_that_ecs_has_forgotten() {
    let mut account = ready();
    account.aws.world_mut().behave(Behaviour::of("job:*").acting(Acts::Ends { after_seconds: 60, exit_code: 3 }));
    let ends = started(&mut account, run(&[]));
    let stopped = started(&mut account, run(&[]));
    account.call("StopTask", json!({"cluster": "ml", "task": stopped}));
    account.pass(3 * 3600);
    let told = account.aws.world_mut().take_lone_turns();
    let of = |task: &str| -> Vec<Turn> {
        told.iter().filter(|turn| turn.task == task).map(|turn| turn.turn.clone()).collect()
    };
    let end = |code: &str, exit_code| Turn::Stopped { code: code.to_owned(), exit_code };
    assert_eq!(of(&ends), [Turn::Started, end("EssentialContainerExited", Some(3))]);
    assert_eq!(of(&stopped), [Turn::Started, end("UserInitiated", None)]);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.iter().all(|turn| turn.group == "family:job"));
    assert_eq!(account.aws.world_mut().take_lone_turns(), []);
}
