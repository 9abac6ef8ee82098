//! What a sweep reads of services: how many calls it takes, draining ones, missing ones, deployments and history.

use std::sync::atomic::{AtomicU32, Ordering};

use axon_core::cloud::{Cloud, ErrorClass};
use axon_core::observe::{DeploymentResult, Rollout, ServiceStatus};
use serde_json::{Value, json};

use crate::fake::{Call, Fake, Reply, cluster, cluster_arn, names, scope, service, service_arn};

/// A cluster `main` whose services are listed by `list` and described by `describe`.
fn main_cluster(
    list: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    describe: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> Fake {
    Fake::new(move |call| match call.operation.as_str() {
        "ListClusters" => Reply::Ok(json!({"clusterArns": [cluster_arn("main")]})),
        "DescribeClusters" => Reply::Ok(json!({"clusters": [cluster("main")]})),
        "ListServices" => list(call),
        "DescribeServices" => describe(call),
        _ => Reply::Ok(json!({})),
    })
}

fn listed(names: &[&str]) -> Reply {
    let arns: Vec<String> = names.iter().map(|name| service_arn("main", name)).collect();
    Reply::Ok(json!({"serviceArns": arns}))
}

fn described(call: &Call) -> Reply {
    let services: Vec<Value> = names(call, "services").iter().map(|name| service("main", name, "ACTIVE")).collect();
    Reply::Ok(json!({"services": services}))
}

#[tokio::test]
async fn a_hundred_services_are_read_with_eleven_calls() {
    let fake = main_cluster(
        |call| {
            assert_eq!(call.body["maxResults"], 100);
            let arns: Vec<String> = (0..100).map(|number| service_arn("main", &format!("s-{number:03}"))).collect();
            Reply::Ok(json!({"serviceArns": arns}))
        },
        described,
    );
    let sweep = fake.aws().await.observe(scope("main")).await;
    let services = sweep.services.get("main").expect("asked for").as_ref().expect("read");
    assert_eq!(services.len(), 100);
    assert_eq!(fake.count("ListServices") + fake.count("DescribeServices"), 11);
    // Besides: ListClusters, DescribeClusters, DescribeCapacityProviders.
    assert_eq!(sweep.calls, 14);
}

#[tokio::test]
async fn a_draining_service_that_ecs_does_not_list_is_described_because_it_is_known() {
    let fake = main_cluster(
        |_| listed(&["new"]),
        |_| {
            let services = [service("main", "new", "ACTIVE"), service("main", "old", "DRAINING")];
            Reply::Ok(json!({
                "services": services,
                "failures": [{"arn": service_arn("main", "older"), "reason": "MISSING"}],
            }))
        },
    );
    let mut scope = scope("main");
    scope.services.insert(("main".to_owned(), "old".to_owned()));
    scope.services.insert(("main".to_owned(), "older".to_owned()));
    let sweep = fake.aws().await.observe(scope).await;
    let services = sweep.services.get("main").expect("asked for").as_ref().expect("read");
    let found: Vec<_> = services.iter().map(|service| (service.name.as_str(), &service.status)).collect();
    assert_eq!(found, [("new", &ServiceStatus::Active), ("old", &ServiceStatus::Draining)]);
    let call = fake.calls().into_iter().find(|call| call.operation == "DescribeServices").expect("called");
    assert_eq!(names(&call, "services"), ["new", "old", "older"]);
    assert_eq!(names(&call, "include"), ["TAGS"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_other_than_missing_makes_the_services_an_error() {
    let fake = main_cluster(
        |_| listed(&["llama"]),
        |_| Reply::Ok(json!({"failures": [{"arn": service_arn("main", "llama"), "reason": "LIMBO"}]})),
    );
    let sweep = fake.aws().await.observe(scope("main")).await;
    let error = sweep.services.get("main").expect("asked for").as_ref().expect_err("one is in limbo");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Transient, "LIMBO"));
    assert!(sweep.clusters.is_ok() && sweep.providers.get("main").is_some_and(Result::is_ok));
}

#[tokio::test]
async fn a_batch_that_fails_makes_the_services_an_error() {
    let fake = main_cluster(
        |_| {
            let arns: Vec<String> = (0..20).map(|number| service_arn("main", &format!("s-{number:03}"))).collect();
            Reply::Ok(json!({"serviceArns": arns}))
        },
        |call| {
            let second = names(call, "services").contains(&"s-015".to_owned());
            if second { Reply::Refused(400, "AccessDeniedException", "no") } else { described(call) }
        },
    );
    let sweep = fake.aws().await.observe(scope("main")).await;
    let error = sweep.services.get("main").expect("asked for").as_ref().expect_err("half of them");
    assert_eq!(error.class, ErrorClass::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_refused_as_too_fast_is_asked_again() {
    let refused = AtomicU32::new(0);
    let fake = main_cluster(
        |_| listed(&["llama"]),
        move |call| {
            let too_fast = refused.fetch_add(1, Ordering::SeqCst) < 3;
            if too_fast { Reply::Refused(400, "ThrottlingException", "Rate exceeded") } else { described(call) }
        },
    );
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.services.get("main").expect("asked for").as_ref().expect("read").len(), 1);
    assert_eq!(fake.count("DescribeServices"), 4);
    assert_eq!(usize::try_from(sweep.calls), Ok(fake.calls().len()), "each of them counts");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_once_does_not_spoil_its_listing() {
    let failed = AtomicU32::new(0);
    let fake = main_cluster(
        |_| listed(&["llama"]),
        move |call| {
            let fails = failed.fetch_add(1, Ordering::SeqCst) < 2;
            if fails { Reply::Refused(500, "ServerException", "Service Unavailable") } else { described(call) }
        },
    );
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.services.get("main").expect("asked for").as_ref().expect("read").len(), 1);
    assert_eq!(fake.count("DescribeServices"), 3);
}

#[tokio::test(start_paused = true)]
async fn aws_that_is_down_is_asked_twice() {
    let fake = Fake::new(|_| Reply::Refused(500, "ServerException", "Service Unavailable"));
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.clusters.expect_err("down").class, ErrorClass::Transient);
    assert_eq!(fake.operations(), ["ListClusters"; 2]);
}

#[tokio::test(start_paused = true)]
async fn aws_that_refuses_everything_is_not_asked_again_and_again() {
    let fake = Fake::new(|_| Reply::Refused(400, "ThrottlingException", "Rate exceeded"));
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.clusters.expect_err("refused").class, ErrorClass::Throttled);
    assert_eq!(fake.operations(), ["ListClusters"; 6]);
}

#[tokio::test]
async fn a_service_purged_long_ago_does_not_hide_the_others() {
    let fake = main_cluster(
        |_| listed(&["llama"]),
        |call| {
            let purged = names(call, "services").contains(&"purged".to_owned());
            if purged { Reply::Refused(400, "ServiceNotFoundException", "Service not found.") } else { described(call) }
        },
    );
    let mut scope = scope("main");
    scope.services.insert(("main".to_owned(), "purged".to_owned()));
    let sweep = fake.aws().await.observe(scope).await;
    let services = sweep.services.get("main").expect("asked for").as_ref().expect("read");
    assert_eq!(services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["llama"]);
}

#[tokio::test]
async fn settings_deployments_and_events_are_told_as_they_stand() {
    let fake = main_cluster(
        |_| listed(&["llama"]),
        |_| {
            let mut llama = service("main", "llama", "ACTIVE");
            llama["runningCount"] = json!(2);
            llama["taskDefinition"] = json!("arn:aws:ecs:us-east-1:123456789012:task-definition/axon-llama:3");
            llama["placementStrategy"] = json!([]);
            llama["deploymentConfiguration"] = json!({"maximumPercent": 100, "minimumHealthyPercent": 0});
            llama["deployments"] = json!([
                {
                    "id": "ecs-svc/2", "status": "PRIMARY", "rolloutState": "IN_PROGRESS", "failedTasks": 1,
                    "taskDefinition": "td:3", "createdAt": 1_700_000_000.5,
                    "serviceConnectConfiguration": {"enabled": true, "namespace": "ml"},
                },
                {"id": "ecs-svc/1", "status": "ACTIVE", "rolloutState": "COMPLETED", "taskDefinition": "td:2"},
            ]);
            llama["events"] =
                json!([{"id": "e-1", "createdAt": 1_700_000_000, "message": "(service llama) is ready."}]);
            Reply::Ok(json!({"services": [llama]}))
        },
    );
    let sweep = fake.aws().await.observe(scope("main")).await;
    let services = sweep.services.get("main").expect("asked for").as_ref().expect("read");
    let llama = &services[0];
    assert_eq!((llama.running, llama.scheduling_strategy.as_str()), (2, "REPLICA"));
    assert_eq!(llama.settings.placement_strategy, Some(vec![]), "empty is not the same as unknown");
    assert_eq!(llama.settings.load_balancers, None);
    let deployment = llama.settings.deployment_configuration.as_ref().expect("told");
    assert_eq!((deployment.maximum_percent, deployment.minimum_healthy_percent), (Some(100), Some(0)));
    let connect = llama.settings.service_connect_configuration.as_ref().expect("told by the primary deployment");
    assert_eq!(connect.namespace.as_deref(), Some("ml"));
    let rollouts: Vec<_> = llama.deployments.iter().map(|d| (d.primary, d.rollout, d.failed)).collect();
    assert_eq!(rollouts, [(true, Rollout::InProgress, 1), (false, Rollout::Completed, 0)]);
    assert_eq!(llama.deployments[0].created.map(jiff::Timestamp::as_millisecond), Some(1_700_000_000_500));
    assert_eq!(llama.events[0].message, "(service llama) is ready.");
}

#[tokio::test]
async fn history_tells_how_the_newest_deployments_ended() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "ListServiceDeployments" => {
            assert_eq!(call.body["maxResults"], 20);
            Reply::Ok(json!({"nextToken": "more", "serviceDeployments": [
                {"serviceDeploymentArn": "arn:1", "status": "SUCCESSFUL", "createdAt": 1_700_000_000},
                {"serviceDeploymentArn": "arn:2", "status": "ROLLBACK_SUCCESSFUL", "createdAt": 1_700_000_100},
                {"serviceDeploymentArn": "arn:3", "status": "IN_PROGRESS", "createdAt": 1_700_000_200},
            ]}))
        }
        _ => Reply::Ok(json!({})),
    });
    let key = ("main".to_owned(), "llama".to_owned());
    let mut scope = scope("main");
    scope.history_of.insert(key.clone());
    let sweep = fake.aws().await.observe(scope).await;
    let history = sweep.history.get(&key).expect("asked for").as_ref().expect("read");
    let results: Vec<_> = history.iter().map(|past| past.result).collect();
    assert_eq!(
        results,
        [DeploymentResult::Running, DeploymentResult::RolledBack, DeploymentResult::Successful],
        "newest first"
    );
    assert_eq!(fake.count("ListServiceDeployments"), 1, "the first page is enough");
}
