//! Services on managed instances: from nothing to steady state, rolling updates, rollback, deletion.
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

use account::{Account, managed, service};
use axon_sim::{Acts, Behaviour, CrashAfterRunning, Options, Quirks, Shortage, StrategyAlone};
use serde_json::{Value, json};

fn ready() -> Account {
    let mut account = Account::new();
    account.ready();
    account
}

fn steady(account: &mut Account, name: &str) -> Value {
    for _ in 0..200 {
        account.pass(15);
        let service = account.service(name);
        let rolled = service["deployments"][0]["rolloutState"] == "COMPLETED";
        if rolled && service["deployments"].as_array().unwrap().len() == 1 {
            return service;
        }
    }
    panic!("never steady: {}", account.service(name));
}

#[test]
fn a_service_reaches_steady_state_with_one_instance_for_each_neuron_task() {
    let mut account = ready();
    let arn = account.definition("llm", "vllm:1");
    let created = account.call("CreateService", service("web", "llm", 2))["service"].clone();
    assert_eq!(created["status"], "ACTIVE");
    assert_eq!(created["taskDefinition"], arn);
    assert_eq!(created["capacityProviderStrategy"], json!([{"capacityProvider": "inf2", "weight": 1, "base": 0}]));
    assert!(created.get("launchType").is_none());
    let service = steady(&mut account, "web");
    assert_eq!((&service["runningCount"], &service["pendingCount"]), (&json!(2), &json!(0)));
    let tasks = account.tasks("RUNNING");
    assert_ne!(tasks[0]["containerInstanceArn"], tasks[1]["containerInstanceArn"]);
    assert_ne!(tasks[0]["availabilityZone"], Value::Null);
    for task in &tasks {
        assert_eq!(task["containers"][0]["neuronDeviceIds"], json!(["0"]));
        assert_eq!(task["launchType"], "MANAGED_INSTANCES");
        assert_eq!(task["capacityProviderName"], "inf2");
        assert_eq!(task["attachments"][0]["status"], "ATTACHED");
    }
    assert!(account.events("web")[0].contains("has reached a steady state"));
    let types: Vec<&str> = account.aws.world().running_instances().into_values().collect();
    assert_eq!(types, ["inf2.xlarge", "inf2.xlarge"]);
}

#[test]
fn twelve_chips_are_listed_when_only_the_largest_type_fits() {
    let mut account = Account::new();
    account.cluster();
    account.provider("inf2", &["inf2.48xlarge"]);
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    let ids = account.tasks("RUNNING")[0]["containers"][0]["neuronDeviceIds"].clone();
    assert_eq!(ids.as_array().unwrap().len(), 12);
    let instances = account.call("ListContainerInstances", json!({"cluster": "ml"}))["containerInstanceArns"].clone();
    let input = json!({"cluster": "ml", "containerInstances": instances, "include": ["CONTAINER_INSTANCE_HEALTH"]});
    let instance = account.call("DescribeContainerInstances", input)["containerInstances"][0].clone();
    let of = |key: &str| {
        let all = instance[key].as_array().unwrap().clone();
        all.into_iter().find(|r| r["name"] == "NEURON_DEVICES").unwrap()["stringSetValue"].as_array().unwrap().len()
    };
    assert_eq!((of("registeredResources"), of("remainingResources")), (12, 0));
    assert_eq!(instance["healthStatus"]["overallStatus"], "OK");
}

#[test]
fn a_rolling_update_with_surge_never_goes_below_the_desired_count() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 2));
    steady(&mut account, "web");
    let second = account.definition("llm", "vllm:2");
    let updated = account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
    assert_eq!(updated["service"]["deployments"].as_array().unwrap().len(), 2);
    for _ in 0..60 {
        account.pass(10);
        let service = account.service("web");
        assert!(service["runningCount"].as_i64().unwrap() >= 2, "{service}");
    }
    let service = steady(&mut account, "web");
    assert_eq!(service["taskDefinition"], second);
    assert!(account.tasks("RUNNING").iter().all(|t| t["taskDefinitionArn"] == second.as_str()));
}

#[test]
fn with_zero_and_one_hundred_per_cent_the_old_task_stops_before_the_new_one_starts() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input["deploymentConfiguration"] = json!({"minimumHealthyPercent": 0, "maximumPercent": 100});
    account.call("CreateService", input);
    steady(&mut account, "web");
    account.definition("llm", "vllm:2");
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
    for _ in 0..60 {
        account.pass(5);
        assert!(account.tasks("RUNNING").len() <= 1);
    }
    steady(&mut account, "web");
    assert_eq!(account.aws.world().running_instances().len(), 1, "the freed instance is used again");
}

#[test]
fn the_circuit_breaker_rolls_back_to_the_last_completed_deployment() {
    let mut account = ready();
    let first = account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input["deploymentConfiguration"] = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    account.call("CreateService", input);
    steady(&mut account, "web");
    account.aws.world_mut().behave(Behaviour::of("broken:*").acting(Acts::PullFails { reason: "not found".into() }));
    account.definition("llm", "broken:1");
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
    account.pass(1200);
    let service = steady(&mut account, "web");
    assert_eq!(service["taskDefinition"], first);
    let list = account.call("ListServiceDeployments", json!({"cluster": "ml", "service": "web"}));
    let newest = list["serviceDeployments"][0].clone();
    assert_eq!(newest["status"], "ROLLBACK_SUCCESSFUL");
    let input = json!({"serviceDeploymentArns": [newest["serviceDeploymentArn"]]});
    let described = account.call("DescribeServiceDeployments", input)["serviceDeployments"][0].clone();
    assert_eq!(described["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert_eq!(described["deploymentCircuitBreaker"]["failureCount"], 3);
    let target = described["targetServiceRevision"]["arn"].clone();
    let revisions = account.call("DescribeServiceRevisions", json!({"serviceRevisionArns": [target]}));
    assert_eq!(revisions["serviceRevisions"][0]["containerImages"][0]["image"], "broken:1");
    assert!(account.events("web").iter().any(|e| e.contains("rolling back to deployment")));
    let stopped = account.tasks("STOPPED");
    let failed = stopped.iter().find(|t| t["stopCode"] == "TaskFailedToStart").unwrap();
    assert!(failed["stoppedReason"].as_str().unwrap().starts_with("CannotPullContainerError"));
}

#[test]
fn without_a_breaker_a_broken_deployment_stays_in_progress_and_starts_are_throttled() {
    let mut account = ready();
    account.aws.world_mut().behave(Behaviour::of("*").acting(Acts::PullFails { reason: "no".into() }));
    account.definition("llm", "broken:1");
    account.call("CreateService", service("web", "llm", 1));
    account.pass(4 * 3600);
    let service = account.service("web");
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let failed = service["deployments"][0]["failedTasks"].as_i64().unwrap();
    assert!((5..40).contains(&failed), "{failed}");
    assert!(account.events("web").iter().any(|e| e.contains("unable to consistently start tasks")));
}

#[test]
fn a_task_that_crashes_after_running_is_replaced_and_counts_only_when_the_quirk_says_so() {
    for (crash, counted) in [(CrashAfterRunning::NotAFailure, false), (CrashAfterRunning::AFailure, true)] {
        let quirks = Quirks { crash_after_running: crash, ..Quirks::default() };
        let mut account = Account::with(Options { quirks, ..Options::default() });
        account.ready();
        let crashes = Acts::Ends { after_seconds: 5, exit_code: 1 };
        account.aws.world_mut().behave(Behaviour::of("*").acting(crashes));
        account.definition("llm", "vllm:1");
        account.call("CreateService", service("web", "llm", 1));
        account.pass(600);
        let failed = account.service("web")["deployments"][0]["failedTasks"].as_i64().unwrap();
        assert_eq!(failed > 0, counted);
        let stopped = account.tasks("STOPPED");
        assert!(stopped.len() > 3);
        assert_eq!(stopped[0]["containers"][0]["exitCode"], 1);
        assert_eq!(stopped[0]["stopCode"], "EssentialContainerExited");
    }
}

#[test]
fn a_task_that_never_gets_healthy_is_stopped_and_counts() {
    let mut account = ready();
    account.aws.world_mut().behave(Behaviour::of("*").acting(Acts::NeverHealthy));
    let mut definition = managed("llm", "vllm:1");
    definition["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"], "startPeriod": 60});
    account.call("RegisterTaskDefinition", definition);
    account.call("CreateService", service("web", "llm", 1));
    account.pass(600);
    let service = account.service("web");
    assert_ne!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert!(service["deployments"][0]["failedTasks"].as_i64().unwrap() >= 1);
    assert!(account.events("web").iter().any(|e| e.contains("failed container health checks")));
}

#[test]
fn a_service_drains_becomes_inactive_and_can_be_created_again() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    let delete = json!({"cluster": "ml", "service": "web"});
    assert_eq!(account.refused("DeleteService", delete.clone()), "InvalidParameterException");
    let mut forced = delete.clone();
    forced["force"] = json!(true);
    assert_eq!(account.call("DeleteService", forced)["service"]["status"], "DRAINING");
    assert_eq!(account.refused("CreateService", service("web", "llm", 1)), "InvalidParameterException");
    let update = json!({"cluster": "ml", "service": "web", "desiredCount": 2});
    assert_eq!(account.refused("UpdateService", update), "ServiceNotActiveException");
    assert_eq!(account.call("ListServices", json!({"cluster": "ml"}))["serviceArns"], json!([]));
    account.pass(60);
    assert_eq!(account.service("web")["status"], "INACTIVE");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    account.pass(2 * 3600);
    assert_eq!(account.service("web")["status"], "ACTIVE", "the old one's end does not take the new one with it");
}

#[test]
fn an_inactive_service_is_missing_after_a_while() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 0));
    account.call("DeleteService", json!({"cluster": "ml", "service": "web"}));
    account.pass(2 * 3600);
    let answer = account.call("DescribeServices", json!({"cluster": "ml", "services": ["web"]}));
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
}

#[test]
fn without_capacity_tasks_wait_and_the_service_says_so() {
    let mut account = ready();
    account.aws.world_mut().run_short(Shortage { instance_type: "inf2*".into(), zone: None });
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    account.pass(3600);
    assert_eq!(account.tasks("RUNNING")[0]["lastStatus"], "PROVISIONING");
    let said = account.events("web").iter().filter(|e| e.contains("was unable to place a task")).count();
    assert!((2..10).contains(&said), "{said}");
    account.aws.world_mut().end_shortages();
    steady(&mut account, "web");
}

#[test]
fn a_shortage_in_one_zone_sends_tasks_to_another() {
    let mut account = ready();
    for zone in ["us-east-1a", "us-east-1b"] {
        let shortage = Shortage { instance_type: "*".into(), zone: Some(zone.into()) };
        account.aws.world_mut().run_short(shortage);
    }
    account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    let subnets: Vec<String> = (0..9).map(|n| format!("subnet-0123456789abcdef{n}")).collect();
    input["networkConfiguration"]["awsvpcConfiguration"]["subnets"] = json!(subnets);
    account.call("CreateService", input);
    account.pass(600);
    let zone = account.tasks("RUNNING")[0]["availabilityZone"].clone();
    assert!(zone.is_null() || zone == "us-east-1c");
}

#[test]
fn a_strategy_alone_starts_a_deployment_only_when_the_quirk_says_so() {
    for (quirk, deployments) in [(StrategyAlone::NoDeployment, 1), (StrategyAlone::Deployment, 2)] {
        let quirks = Quirks { strategy_alone: quirk, ..Quirks::default() };
        let mut account = Account::with(Options { quirks, ..Options::default() });
        account.ready();
        account.provider("trn1", &["trn1.*"]);
        account.definition("llm", "vllm:1");
        account.call("CreateService", service("web", "llm", 1));
        steady(&mut account, "web");
        let strategy = json!([{"capacityProvider": "trn1", "weight": 1}]);
        let input = json!({"cluster": "ml", "service": "web", "capacityProviderStrategy": strategy});
        let updated = account.call("UpdateService", input);
        assert_eq!(updated["service"]["deployments"].as_array().unwrap().len(), deployments);
    }
}

#[test]
fn a_new_provider_takes_the_tasks_over_with_a_forced_deployment() {
    let mut account = ready();
    account.provider("trn1", &["trn1.2xlarge"]);
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    let strategy = json!([{"capacityProvider": "trn1", "weight": 1}]);
    let input =
        json!({"cluster": "ml", "service": "web", "forceNewDeployment": true, "capacityProviderStrategy": strategy});
    account.call("UpdateService", input);
    steady(&mut account, "web");
    assert_eq!(account.tasks("RUNNING")[0]["capacityProviderName"], "trn1");
    account.pass(900);
    let types: Vec<&str> = account.aws.world().running_instances().into_values().collect();
    assert_eq!(types, ["trn1.2xlarge"], "the idle instance is scaled in");
    account.call("DeleteCapacityProvider", json!({"capacityProvider": "inf2", "cluster": "ml"}));
}

#[test]
fn creating_a_service_again_with_its_token_returns_it() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input["clientToken"] = json!("token-1");
    let first = account.call("CreateService", input.clone());
    let again = account.call("CreateService", input.clone());
    assert_eq!(first["service"]["createdAt"], again["service"]["createdAt"]);
    input["clientToken"] = json!("token-2");
    assert_eq!(account.refused("CreateService", input), "InvalidParameterException");
}

#[test]
fn a_blue_green_deployment_keeps_the_old_tasks_for_the_bake_time() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    let mut input = service("web", "llm", 1);
    input["deploymentConfiguration"] = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10});
    account.call("CreateService", input);
    steady(&mut account, "web");
    account.definition("llm", "vllm:2");
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
    account.pass(500);
    assert_eq!(account.service("web")["runningCount"], 2);
    account.pass(600);
    assert_eq!(account.service("web")["runningCount"], 1);
    steady(&mut account, "web");
}

#[test]
fn stopping_a_service_deployment_goes_back_to_the_completed_one() {
    let mut account = ready();
    let first = account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    account.definition("llm", "vllm:2");
    account.call("UpdateService", json!({"cluster": "ml", "service": "web", "taskDefinition": "llm"}));
    account.pass(20);
    let list = account.call("ListServiceDeployments", json!({"cluster": "ml", "service": "web"}));
    let arn = list["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    account.call("StopServiceDeployment", json!({"serviceDeploymentArn": arn}));
    let service = steady(&mut account, "web");
    assert_eq!(service["taskDefinition"], first);
    assert_eq!(account.refused("StopServiceDeployment", json!({"serviceDeploymentArn": arn})), "ConflictException");
}

#[test]
fn draining_an_instance_moves_its_service_task() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    let old = account.tasks("RUNNING")[0]["containerInstanceArn"].clone();
    let input = json!({"cluster": "ml", "containerInstances": [old], "status": "DRAINING"});
    let drained = account.call("UpdateContainerInstancesState", input);
    assert_eq!(drained["containerInstances"][0]["status"], "DRAINING");
    account.pass(600);
    let tasks = account.tasks("RUNNING");
    assert_eq!(tasks.len(), 1);
    assert_ne!(tasks[0]["containerInstanceArn"], old);
}

#[test]
fn a_lost_instance_is_replaced() {
    let mut account = ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 1));
    steady(&mut account, "web");
    let old = account.tasks("RUNNING")[0].clone();
    assert!(account.aws.world_mut().lose_instance(old["containerInstanceArn"].as_str().unwrap()));
    account.pass(600);
    assert_eq!(account.tasks("STOPPED")[0]["stopCode"], "TerminationNotice");
    assert_eq!(account.service("web")["runningCount"], 1);
}
