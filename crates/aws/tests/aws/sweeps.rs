//! What a sweep reads of clusters, providers and revisions, and what it refuses to conclude.

use std::sync::atomic::{AtomicBool, Ordering};

use axon_core::cloud::{Cloud, ErrorClass, JobScope, Scope, Seen};
use axon_core::observe::ProviderStatus;
use axon_core::step::Action;
use serde_json::json;

use crate::fake::{Call, Fake, Reply, cluster, cluster_arn, names, revision, scope, service, service_arn, step};

/// Clusters `main` (named by the scope), `tagged` (ours by its tag) and `foreign`.
fn three_clusters(call: &Call) -> Reply {
    Reply::Ok(match call.operation.as_str() {
        "ListClusters" => json!({"clusterArns": [cluster_arn("main"), cluster_arn("tagged"), cluster_arn("foreign")]}),
        "DescribeClusters" => {
            let mut tagged = cluster("tagged");
            tagged["tags"] = json!([{"key": "neuron.ecs/managed-by", "value": "axon"}]);
            let mut foreign = cluster("foreign");
            foreign["tags"] = json!([{"key": "neuron.ecs/managed-by", "value": "other"}]);
            json!({"clusters": [cluster("main"), tagged, foreign]})
        }
        _ => json!({}),
    })
}

#[tokio::test]
async fn clusters_named_or_tagged_are_read_and_others_only_told() {
    let fake = Fake::new(three_clusters);
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.clusters.expect("read").len(), 3);
    assert_eq!(sweep.services.keys().collect::<Vec<_>>(), ["main", "tagged"]);
    assert_eq!(sweep.providers.keys().collect::<Vec<_>>(), ["main", "tagged"]);
    assert!(sweep.task_definitions.is_none(), "not asked for");
    assert_eq!(usize::try_from(sweep.calls), Ok(fake.calls().len()));
}

#[tokio::test]
async fn settings_configuration_attachments_and_tags_of_clusters_are_asked_for() {
    let fake = Fake::new(three_clusters);
    fake.aws().await.observe(scope("main")).await;
    let call = fake.calls().into_iter().find(|call| call.operation == "DescribeClusters").expect("called");
    assert_eq!(names(&call, "include"), ["SETTINGS", "CONFIGURATIONS", "ATTACHMENTS", "TAGS"]);
}

#[tokio::test]
async fn a_cluster_tells_what_is_associated_with_it_and_whether_that_is_changing() {
    let fake = Fake::new(|call| {
        Reply::Ok(match call.operation.as_str() {
            "DescribeClusters" => {
                let mut main = cluster("main");
                main["capacityProviders"] = json!(["axon-trn", "FARGATE"]);
                main["defaultCapacityProviderStrategy"] = json!([{"capacityProvider": "axon-trn", "weight": 1}]);
                main["attachmentsStatus"] = json!("UPDATE_IN_PROGRESS");
                json!({"clusters": [main, cluster("bare")]})
            }
            _ => json!({}),
        })
    });
    let clusters = fake.aws().await.observe(scope("main")).await.clusters.expect("read");
    assert_eq!(clusters[0].capacity_providers, ["axon-trn", "FARGATE"]);
    assert_eq!(clusters[0].default_strategy[0].capacity_provider, "axon-trn");
    assert_eq!((clusters[0].default_strategy[0].weight, clusters[0].default_strategy[0].base), (1, 0));
    assert_eq!(clusters[0].attachments_status.as_deref(), Some("UPDATE_IN_PROGRESS"));
    assert!(clusters[1].capacity_providers.is_empty() && clusters[1].attachments_status.is_none());
}

#[tokio::test]
async fn a_cluster_that_does_not_exist_has_no_readings() {
    let fake = Fake::new(|call| {
        Reply::Ok(match call.operation.as_str() {
            "DescribeClusters" => json!({"failures": [{"arn": cluster_arn("main"), "reason": "MISSING"}]}),
            _ => json!({}),
        })
    });
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.clusters, Ok(vec![]));
    assert!(sweep.services.is_empty() && sweep.providers.is_empty());
}

#[tokio::test]
async fn a_failure_other_than_missing_makes_the_reading_an_error() {
    let fake = Fake::new(|call| {
        Reply::Ok(match call.operation.as_str() {
            "DescribeClusters" => json!({
                "clusters": [cluster("other")],
                "failures": [{"arn": cluster_arn("main"), "reason": "ACCESS_DENIED", "detail": "no"}],
            }),
            _ => json!({"clusterArns": [cluster_arn("main"), cluster_arn("other")]}),
        })
    });
    let sweep = fake.aws().await.observe(scope("main")).await;
    let error = sweep.clusters.expect_err("one cluster could not be read");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Denied, "ACCESS_DENIED"));
    assert_eq!(sweep.services.get("main"), Some(&Err(error)), "nothing is known of what is in it");
}

#[tokio::test]
async fn a_failing_second_page_makes_the_listing_an_error() {
    let fake = Fake::new(|call| match call.body["nextToken"].as_str() {
        None => Reply::Ok(json!({"clusterArns": [cluster_arn("main")], "nextToken": "2"})),
        Some(_) => Reply::Refused(400, "AccessDeniedException", "page lost"),
    });
    let sweep = fake.aws().await.observe(scope("main")).await;
    assert_eq!(sweep.clusters.expect_err("half a list").class, ErrorClass::Denied);
    assert_eq!(fake.operations(), ["ListClusters", "ListClusters"]);
}

#[tokio::test]
async fn providers_are_read_to_the_last_page_with_tags_and_configuration() {
    let fake = Fake::new(|call| {
        if call.operation != "DescribeCapacityProviders" {
            return three_clusters(call);
        }
        assert_eq!(names(call, "include"), ["TAGS"]);
        let provider = |name: &str| {
            json!({
                "name": name,
                "capacityProviderArn": format!("arn:aws:ecs:us-east-1:123456789012:capacity-provider/{name}"),
                "status": "PROVISIONING",
                "updateStatus": "CREATE_IN_PROGRESS",
                "managedInstancesProvider": {"infrastructureRoleArn": "arn:aws:iam::123456789012:role/infra"},
                "tags": [{"key": "neuron.ecs/managed-by", "value": "axon"}],
            })
        };
        Reply::Ok(match call.body["nextToken"].as_str() {
            None => json!({"capacityProviders": [provider("trn-1")], "nextToken": "2"}),
            Some(_) => json!({"capacityProviders": [provider("trn-2"), {
                "name": "FARGATE", "capacityProviderArn": "arn:aws:ecs::capacity-provider/FARGATE", "status": "ACTIVE",
            }]}),
        })
    });
    let sweep = fake.aws().await.observe(scope("main")).await;
    let providers = sweep.providers.get("main").expect("asked for").as_ref().expect("read");
    assert_eq!(
        providers.iter().map(|provider| provider.name.as_str()).collect::<Vec<_>>(),
        ["trn-1", "trn-2", "FARGATE"]
    );
    assert_eq!(providers[0].cluster, "main");
    assert_eq!(providers[0].status, ProviderStatus::Provisioning);
    assert_eq!(providers[0].update_status.as_deref(), Some("CREATE_IN_PROGRESS"));
    let role = providers[0].managed_instances.as_ref().and_then(|launches| launches.infrastructure_role_arn.as_deref());
    assert_eq!(role, Some("arn:aws:iam::123456789012:role/infra"));
    assert_eq!(providers[2].cluster, "", "belongs to no cluster");
}

fn arn(family: &str, revision: i32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{family}:{revision}")
}

fn revisions(call: &Call) -> Reply {
    Reply::Ok(match call.operation.as_str() {
        "ListTaskDefinitions" => {
            json!({"taskDefinitionArns": [arn("axon-llama", 1), arn("axon-llama", 2), arn("foreign", 7)]})
        }
        "DescribeTaskDefinition" => {
            let number = if call.body["taskDefinition"] == arn("axon-llama", 1) { 1 } else { 2 };
            json!({
                "taskDefinition": revision(number, "ACTIVE"),
                "tags": [{"key": "neuron.ecs/fingerprint", "value": "v1-abc"}],
            })
        }
        _ => json!({}),
    })
}

#[tokio::test]
async fn a_revision_is_described_once_until_its_tags_are_written() {
    let fake = Fake::new(revisions);
    let aws = fake.aws().await;
    let mut scope = scope("main");
    scope.family_prefixes.insert("axon-".to_owned());
    for _ in 0..3 {
        let sweep = aws.observe(scope.clone()).await;
        let found = sweep.task_definitions.expect("asked for").expect("read");
        assert_eq!(found.iter().map(|revision| revision.revision).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(found[0].tags.get("neuron.ecs/fingerprint").map(String::as_str), Some("v1-abc"));
    }
    assert_eq!(fake.count("DescribeTaskDefinition"), 2, "the foreign family is not read at all");
    let tag = Action::TagResource { arn: arn("axon-llama", 1), tags: [("a".to_owned(), "b".to_owned())].into() };
    aws.execute(&step(tag)).await.expect("the fake says yes");
    aws.observe(scope).await;
    assert_eq!(fake.count("DescribeTaskDefinition"), 3);
}

#[tokio::test]
async fn a_revision_that_cannot_be_described_makes_the_reading_an_error() {
    let failing = AtomicBool::new(true);
    let fake = Fake::new(move |call| {
        let first = call.body["taskDefinition"] == arn("axon-llama", 1);
        if first && failing.swap(false, Ordering::Relaxed) {
            return Reply::Refused(400, "AccessDeniedException", "");
        }
        revisions(call)
    });
    let aws = fake.aws().await;
    let mut scope = scope("main");
    scope.family_prefixes.insert("axon-".to_owned());
    assert!(matches!(aws.observe(scope.clone()).await.task_definitions, Some(Err(_))));
    assert!(matches!(aws.observe(scope).await.task_definitions, Some(Ok(found)) if found.len() == 2));
}

/// The account of a sweep in which everything is there, but for one operation that is answered with `body`.
fn instead(operation: &'static str, body: &'static str) -> Fake {
    Fake::new(move |call| match call.operation.as_str() {
        asked if asked == operation => Reply::Raw(200, body),
        "ListClusters" => Reply::Ok(json!({"clusterArns": [cluster_arn("main")]})),
        "DescribeClusters" => Reply::Ok(json!({"clusters": [cluster("main")]})),
        "ListServices" => Reply::Ok(json!({"serviceArns": [service_arn("main", "llama")]})),
        "DescribeServices" => Reply::Ok(json!({"services": [service("main", "llama", "ACTIVE")]})),
        _ => Reply::Ok(json!({})),
    })
}

#[tokio::test]
async fn a_success_without_the_list_that_ecs_always_sends_proves_nothing_gone() {
    for body in ["", "{}", "{\"message\":\"maintenance\"}"] {
        for operation in ["ListClusters", "DescribeClusters"] {
            let sweep = instead(operation, body).aws().await.observe(scope("main")).await;
            let error = sweep.clusters.expect_err("nobody said that there is no cluster");
            assert_eq!((error.code.as_str(), error.operation), ("Incomplete", operation), "{body:?}");
            assert!(sweep.services["main"].is_err() && sweep.providers["main"].is_err());
        }
        for operation in ["ListServices", "DescribeServices"] {
            let sweep = instead(operation, body).aws().await.observe(scope("main")).await;
            let error = sweep.services["main"].as_ref().expect_err("nobody said that there is no service");
            assert_eq!((error.code.as_str(), error.operation), ("Incomplete", operation), "{body:?}");
        }
        let sweep = instead("DescribeCapacityProviders", body).aws().await.observe(scope("main")).await;
        assert_eq!(sweep.providers["main"].as_ref().expect_err("no list").code, "Incomplete", "{body:?}");
    }
}

#[tokio::test]
async fn a_success_without_the_list_of_parameters_proves_no_record_gone() {
    let jobs = || JobScope { records: Some("/axon/test/jobs".to_owned()), ..JobScope::default() };
    for (body, found) in
        [("", false), ("{}", false), (r#"{"message":"maintenance"}"#, false), (r#"{"Parameters":[]}"#, true)]
    {
        let fake = instead("GetParametersByPath", body);
        let sweep = fake.aws().await.observe(Scope { jobs: Some(jobs()), ..scope("main") }).await;
        let records = sweep.jobs.expect("asked for").records.expect("asked for");
        assert_eq!(records.as_ref().is_ok_and(Vec::is_empty), found, "{body:?}: {records:?}");
        assert_eq!(records.is_err_and(|error| error.code == "Incomplete"), !found, "{body:?}");
    }
}

#[tokio::test]
async fn what_decides_on_a_run_and_is_not_in_the_list_of_records_is_asked_for_by_name() {
    let record = |name: &str| json!({"Name": name, "Value": "{}", "Type": "String", "LastModifiedDate": 1.0});
    let [wanted, begun] = ["/axon/test/jobs/train/3f2a00000000/end", "/axon/test/jobs/tune/m20260101T000000Z/end"];
    let cancelled = "/axon/test/jobs/tune/m20260101T000000Z/cancel";
    let fake = Fake::new(move |call| match call.operation.as_str() {
        "GetParametersByPath" => {
            let listed = ["tune/m20260101T000000Z/begin", "old/111100000000/0.0", "old/111100000000/end"];
            let listed = listed.map(|name| record(&format!("/axon/test/jobs/{name}")));
            Reply::Ok(json!({"Parameters": listed}))
        }
        "GetParameters" => Reply::Ok(json!({"Parameters": [record(wanted)], "InvalidParameters": [begun, cancelled]})),
        _ => Reply::Ok(json!({"clusterArns": [], "clusters": []})),
    });
    let ends = [wanted, "/axon/test/jobs/old/111100000000/end"].map(str::to_owned).into();
    let jobs = JobScope { records: Some("/axon/test/jobs".to_owned()), ends, ..JobScope::default() };
    let sweep = fake.aws().await.observe(Scope { jobs: Some(jobs), ..scope("main") }).await;
    let records = sweep.jobs.expect("asked for").records.expect("asked for").expect("read");
    assert_eq!((records.len(), records.last().map(|last| last.name.as_str())), (4, Some(wanted)));
    let asked: Vec<_> = fake.calls().into_iter().filter(|call| call.operation == "GetParameters").collect();
    assert_eq!(asked.iter().map(|call| &call.body["Names"]).collect::<Vec<_>>(), [&json!([wanted, cancelled, begun])]);
}

#[tokio::test]
async fn a_task_of_a_job_that_was_there_and_is_not_in_the_list_is_asked_for_by_name() {
    let [listed, skipped, gone] =
        ["a", "b", "c"].map(|id| format!("arn:aws:ecs:us-east-1:123456789012:task/main/{id}"));
    let described = [&listed, &skipped].map(|arn| json!({"taskArn": arn, "group": "axon:test/train/3f2a00000000/0.0",
        "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "taskDefinitionArn": "task-definition/train:1", "containers": []}));
    let (first, missing) = (listed.clone(), json!([{"arn": gone, "reason": "MISSING"}]));
    let fake = Fake::new(move |call| match call.operation.as_str() {
        "ListClusters" => Reply::Ok(json!({"clusterArns": ["arn:aws:ecs:us-east-1:123456789012:cluster/main"]})),
        "DescribeClusters" => Reply::Ok(json!({"clusters": [{"clusterName": "main", "status": "ACTIVE",
            "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/main"}]})),
        "ListTasks" if call.body["startedBy"] == "axon/test" => Reply::Ok(json!({"taskArns": [first]})),
        "ListTasks" => Reply::Ok(json!({"taskArns": []})),
        "DescribeTasks" => Reply::Ok(json!({"tasks": described, "failures": missing})),
        "ListServices" => Reply::Ok(json!({"serviceArns": []})),
        _ => Reply::Ok(json!({"capacityProviders": []})),
    });
    let main = || "main".to_owned();
    let jobs = JobScope { started_by: "axon/test".to_owned(), tasks_of: [main()].into(), ..JobScope::default() };
    let standalone = [(main(), [skipped.clone(), gone.clone()].into())].into();
    let seen = Seen { standalone, ..Seen::default() };
    let sweep = fake.aws().await.observe(Scope { jobs: Some(jobs), seen, ..scope("main") }).await;
    let tasks = sweep.jobs.expect("asked for").tasks["main"].clone().expect("read");
    assert_eq!(tasks.iter().map(|found| &found.task.arn).collect::<Vec<_>>(), [&listed, &skipped]);
    let asked: Vec<_> = fake.calls().into_iter().filter(|call| call.operation == "DescribeTasks").collect();
    assert_eq!(asked.iter().map(|call| &call.body["tasks"]).collect::<Vec<_>>(), [&json!([listed, skipped, gone])]);
}

#[tokio::test]
async fn a_task_of_a_service_that_was_there_and_is_not_in_the_list_is_asked_for_by_name() {
    let [listed, skipped, gone] =
        ["a", "b", "c"].map(|id| format!("arn:aws:ecs:us-east-1:123456789012:task/main/{id}"));
    let described = [&listed, &skipped].map(|arn| {
        json!({"taskArn": arn, "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING", "taskDefinitionArn": "task-definition/llama:1", "containers": []})
    });
    let (first, missing) = (listed.clone(), json!([{"arn": gone, "reason": "MISSING"}]));
    let fake = Fake::new(move |call| match call.operation.as_str() {
        "ListTasks" if call.body["desiredStatus"] == "RUNNING" => Reply::Ok(json!({"taskArns": [first]})),
        "DescribeTasks" => Reply::Ok(json!({"tasks": described, "failures": missing})),
        _ => Reply::Ok(json!({"clusterArns": [], "taskArns": []})),
    });
    let llama = || ("main".to_owned(), "llama".to_owned());
    let seen = Seen { tasks: [(llama(), [skipped.clone(), gone.clone()].into())].into(), ..Seen::default() };
    let sweep = fake.aws().await.observe(Scope { tasks_of: [llama()].into(), seen, ..scope("main") }).await;
    let found = sweep.tasks[&llama()].as_ref().expect("read");
    assert_eq!(found.tasks.iter().map(|task| &task.arn).collect::<Vec<_>>(), [&listed, &skipped]);
    let asked: Vec<_> = fake.calls().into_iter().filter(|call| call.operation == "DescribeTasks").collect();
    assert_eq!(asked.iter().map(|call| &call.body["tasks"]).collect::<Vec<_>>(), [&json!([listed, skipped, gone])]);
}

#[tokio::test]
async fn pages_that_go_round_in_a_circle_are_an_error_and_not_read_for_ever() {
    let fake = instead("ListClusters", r#"{"clusterArns": [], "nextToken": "again"}"#);
    let error = fake.aws().await.observe(scope("main")).await.clusters.expect_err("no end");
    assert!(error.message.contains("circle"), "{error}");
    assert_eq!(fake.count("ListClusters"), 2);
}

#[tokio::test]
async fn what_an_answer_says_does_not_move_the_cursor_of_whoever_reads_it() {
    let fake = Fake::new(|_| Reply::Refused(400, "AccessDenied\u{1b}[2J", "no\u{202e}\nreally"));
    let error = fake.aws().await.observe(scope("main")).await.clusters.expect_err("denied");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("AccessDenied [2J", "no  really"));
}
