//! How deployments end: alarms, lifecycle hooks, bake times, early success.
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

use account::{Account, service};
use axon_sim::{AlarmState, HookActs};
use serde_json::{Value, json};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:check";
const ROLE: &str = "arn:aws:iam::111122223333:role/hooks";

/// The service `web` with a deployment configuration, completed, and a second definition that is not deployed yet.
fn completed(configuration: Value) -> (Account, Value) {
    let mut account = Account::new();
    account.ready();
    let first = account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input["deploymentConfiguration"] = configuration;
    account.call("CreateService", input);
    account.pass(3600);
    assert_eq!(account.service("web")["deployments"][0]["rolloutState"], "COMPLETED");
    account.definition("llm", "vllm:2");
    (account, json!(first))
}

fn deploy(account: &mut Account) {
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
}

fn newest(account: &mut Account) -> Value {
    let list = account.call("ListServiceDeployments", json!({"cluster": "ml", "service": "web"}));
    let arn = list["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    let input = json!({"serviceDeploymentArns": [arn]});
    account.call("DescribeServiceDeployments", input)["serviceDeployments"][0].clone()
}

fn alarms(rollback: &str) -> Value {
    json!({"alarms": {"alarmNames": ["errors", "latency"], "enable": true, "rollback": rollback == "rollback"}})
}

#[test]
fn an_alarm_during_a_deployment_rolls_it_back() {
    let (mut account, first) = completed(alarms("rollback"));
    deploy(&mut account);
    account.pass(150);
    assert_eq!(newest(&mut account)["alarms"]["status"], "MONITORING");
    account.aws.world_mut().alarm("errors", AlarmState::Alarm);
    account.pass(1200);
    let service = account.service("web");
    assert_eq!(service["taskDefinition"], first);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    let deployment = newest(&mut account);
    assert_eq!(deployment["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(deployment["alarms"]["status"], "TRIGGERED");
    assert_eq!(deployment["alarms"]["triggeredAlarmNames"], json!(["errors"]));
    assert!(account.events("web").iter().any(|e| e.contains("deployment failed: alarm detected")));
}

#[test]
fn an_alarm_without_rollback_leaves_the_deployment_failed_and_the_old_task_running() {
    let (mut account, _) = completed(alarms("stay"));
    deploy(&mut account);
    account.pass(20);
    account.aws.world_mut().alarm("latency", AlarmState::Alarm);
    account.pass(1200);
    let service = account.service("web");
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(service["deployments"][1]["runningCount"], 1);
    assert_eq!(newest(&mut account)["status"], "STOPPED");
}

#[test]
fn an_alarm_in_the_bake_time_still_rolls_back_and_one_after_it_does_nothing() {
    let mut configuration = alarms("rollback");
    configuration["bakeTimeInMinutes"] = json!(30);
    let (mut account, first) = completed(configuration);
    deploy(&mut account);
    account.pass(1200);
    let service = account.service("web");
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "the old task is gone, the bake time is not over");
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    account.aws.world_mut().alarm("errors", AlarmState::Alarm);
    account.pass(1200);
    assert_eq!(account.service("web")["taskDefinition"], first);
    account.aws.world_mut().alarm("errors", AlarmState::Ok);
    deploy(&mut account);
    account.pass(3600);
    account.aws.world_mut().alarm("errors", AlarmState::Alarm);
    account.pass(600);
    assert_eq!(newest(&mut account)["status"], "SUCCESSFUL");
    assert_eq!(newest(&mut account)["alarms"]["status"], "MONITORING_COMPLETE");
}

#[test]
fn alarms_are_ignored_for_a_deployment_that_begins_while_one_is_in_alarm() {
    let (mut account, first) = completed(alarms("rollback"));
    account.aws.world_mut().alarm("errors", AlarmState::Alarm);
    deploy(&mut account);
    account.pass(1200);
    assert_eq!(newest(&mut account)["alarms"]["status"], "DISABLED");
    assert_eq!(newest(&mut account)["status"], "SUCCESSFUL");
    assert_ne!(account.service("web")["taskDefinition"], first);
}

fn hooked(hook: Value) -> Value {
    json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]})
}

fn function(stage: &str) -> Value {
    json!({"hookTargetArn": FUNCTION, "roleArn": ROLE, "lifecycleStages": [stage], "hookDetails": {"any": ["thing", 1]}})
}

fn pause(action: &str) -> Value {
    json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
           "timeoutConfiguration": {"timeoutInMinutes": 30, "action": action}})
}

/// Like `completed`, for configurations whose own hooks would hold the first deployment up.
fn completed_then(configuration: Value) -> (Account, Value) {
    let (mut account, first) = completed(json!({"strategy": "BLUE_GREEN"}));
    let input = json!({"cluster": "ml", "service": "web", "deploymentConfiguration": configuration});
    let answer = account.call("UpdateService", input);
    assert_eq!(answer["service"]["deployments"].as_array().unwrap().len(), 1);
    (account, first)
}

#[test]
fn a_function_succeeds_by_default_and_its_run_is_shown() {
    let (mut account, first) = completed(hooked(function("POST_TEST_TRAFFIC_SHIFT")));
    deploy(&mut account);
    account.pass(1200);
    assert_ne!(account.service("web")["taskDefinition"], first);
    let deployment = newest(&mut account);
    assert_eq!(deployment["status"], "SUCCESSFUL");
    assert_eq!(deployment["lifecycleStage"], "CLEAN_UP");
    let run = &deployment["lifecycleHookDetails"][0];
    assert_eq!((&run["status"], &run["targetArn"]), (&json!("SUCCEEDED"), &json!(FUNCTION)));
}

#[test]
fn a_function_that_fails_rolls_the_deployment_back() {
    let (mut account, first) = completed(hooked(function("POST_SCALE_UP")));
    account.aws.world_mut().hook(FUNCTION, HookActs::Fails);
    deploy(&mut account);
    account.pass(1200);
    assert_eq!(account.service("web")["taskDefinition"], first);
    let deployment = newest(&mut account);
    assert_eq!(deployment["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(deployment["lifecycleHookDetails"][0]["status"], "FAILED");
    assert!(account.tasks("RUNNING").iter().all(|t| t["taskDefinitionArn"] == first));
}

#[test]
fn a_function_that_hangs_holds_the_stage_until_it_times_out_or_succeeds() {
    let (mut account, first) = completed(hooked(function("PRE_SCALE_UP")));
    account.aws.world_mut().hook(FUNCTION, HookActs::Hangs);
    deploy(&mut account);
    account.pass(3600);
    assert_eq!(account.tasks("RUNNING").len(), 1, "nothing new has started");
    assert_eq!(newest(&mut account)["lifecycleStage"], "PRE_SCALE_UP");
    account.pass(24 * 3600);
    assert_eq!(newest(&mut account)["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(account.service("web")["taskDefinition"], first);
    deploy(&mut account);
    account.pass(600);
    account.aws.world_mut().hook(FUNCTION, HookActs::Succeeds);
    account.pass(1200);
    assert_eq!(newest(&mut account)["status"], "SUCCESSFUL");
}

#[test]
fn a_pause_does_what_its_timeout_says() {
    for (action, status) in [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")] {
        let (mut account, _) = completed_then(hooked(pause(action)));
        deploy(&mut account);
        account.pass(900);
        let waiting = newest(&mut account);
        assert_eq!(waiting["lifecycleStage"], "POST_SCALE_UP");
        assert_eq!(waiting["lifecycleHookDetails"][0]["status"], "AWAITING_ACTION");
        assert_eq!(waiting["lifecycleHookDetails"][0]["timeoutAction"], action);
        assert_eq!(account.tasks("RUNNING").len(), 2);
        account.pass(3600);
        let over = newest(&mut account);
        assert_eq!(over["status"], status);
        assert_eq!(over["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
        assert_eq!(account.tasks("RUNNING").len(), 1);
    }
}

#[test]
fn a_paused_deployment_can_be_continued_or_rolled_back() {
    for (action, status) in [(json!(null), "SUCCESSFUL"), (json!("ROLLBACK"), "ROLLBACK_SUCCESSFUL")] {
        let (mut account, _) = completed_then(hooked(pause("ROLLBACK")));
        deploy(&mut account);
        account.pass(900);
        let waiting = newest(&mut account);
        let (arn, hook) = (&waiting["serviceDeploymentArn"], &waiting["lifecycleHookDetails"][0]["hookId"]);
        let unknown = json!({"serviceDeploymentArn": arn, "hookId": "ecs-pause-0"});
        assert_eq!(account.refused("ContinueServiceDeployment", unknown), "InvalidParameterException");
        let input = json!({"serviceDeploymentArn": arn, "hookId": hook, "action": action});
        assert_eq!(account.call("ContinueServiceDeployment", input.clone())["serviceDeploymentArn"], *arn);
        account.pass(600);
        assert_eq!(newest(&mut account)["status"], status);
        assert_eq!(account.refused("ContinueServiceDeployment", input), "InvalidParameterException");
    }
}

#[test]
fn a_rolling_deployment_has_no_stages_and_runs_no_hook() {
    let configuration = json!({"lifecycleHooks": [function("PRE_SCALE_UP")]});
    let (mut account, _) = completed(configuration);
    account.aws.world_mut().hook(FUNCTION, HookActs::Fails);
    deploy(&mut account);
    account.pass(1200);
    assert_eq!(newest(&mut account)["status"], "SUCCESSFUL");
    assert!(newest(&mut account).get("lifecycleHookDetails").is_none());
}

#[test]
fn hooks_and_criteria_that_make_no_sense_are_refused() {
    let (mut account, _) = completed(json!({}));
    let early =
        |percent: i64| json!({"enable": true, "healthyPercent": percent, "sourceServiceRevisionCleanup": "DEFERRED"});
    for configuration in [
        hooked(json!({"lifecycleStages": ["POST_SCALE_UP"]})),
        hooked(json!({"targetType": "PAUSE", "lifecycleStages": []})),
        hooked(json!({"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]})),
        hooked(json!({"hookTargetArn": FUNCTION, "lifecycleStages": ["POST_SCALE_UP"]})),
        json!({"alarms": {"alarmNames": [], "enable": true, "rollback": true}}),
        json!({"strategy": "BLUE_GREEN", "earlySuccessCriteria": early(100)}),
        json!({"earlySuccessCriteria": early(50)}),
        json!({"earlySuccessCriteria": {"enable": true}}),
    ] {
        let input = json!({"cluster": "ml", "service": "web", "deploymentConfiguration": configuration});
        assert_eq!(account.refused("UpdateService", input.clone()), "InvalidParameterException", "{input}");
    }
}

#[test]
fn early_success_completes_before_the_old_tasks_are_gone() {
    let early = json!({"enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED"});
    let configuration = json!({"minimumHealthyPercent": 50, "maximumPercent": 150, "earlySuccessCriteria": early});
    let mut account = Account::new();
    account.ready();
    account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 4);
    input["deploymentConfiguration"] = configuration;
    account.call("CreateService", input);
    account.pass(1800);
    account.definition("llm", "vllm:2");
    deploy(&mut account);
    let mut together = false;
    for _ in 0..200 {
        account.pass(10);
        let deployments = account.service("web")["deployments"].as_array().unwrap().clone();
        together |= deployments.len() == 2 && deployments[0]["rolloutState"] == "COMPLETED";
    }
    assert!(together, "it was complete while the old deployment still had tasks");
    assert_eq!(account.service("web")["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(account.service("web")["runningCount"], 4);
}
