//! The wire: what is refused before any rule of ECS, throttling, determinism, SSM and STS, the connector and the socket.
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

use std::sync::Arc;

use account::{Account, provider, service};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::body::SdkBody;
use axon_sim::{Aws, NOT_MODELLED, Options, PageMarks, Quirks, Shared, Throttling, connector::InProcess, serve};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn an_unknown_member_is_refused_by_name() {
    let mut account = Account::new();
    let (code, message) = account.try_call("CreateCluster", json!({"clusterName": "a", "colour": "red"})).unwrap_err();
    assert_eq!(code, "SerializationException");
    assert!(message.contains("'colour'"), "{message}");
    let deep = json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "i", "gpu": 1}]});
    let (_, message) = account.try_call("RegisterTaskDefinition", deep).unwrap_err();
    assert!(message.contains("'containerDefinitions[0].gpu'"), "{message}");
}

#[test]
fn wrong_types_missing_members_and_unknown_words_are_refused() {
    let mut account = Account::new();
    assert_eq!(account.refused("CreateCluster", json!({"clusterName": 7})), "SerializationException");
    assert_eq!(account.refused("DeleteCluster", json!({})), "InvalidParameterException");
    let odd = json!({"clusters": [], "include": ["EVERYTHING"]});
    assert_eq!(account.refused("DescribeClusters", odd), "InvalidParameterException");
    assert_eq!(account.raw("AmazonEC2ContainerServiceV20141113.ListClusters", "{").0, 400);
}

#[test]
fn what_is_not_modelled_is_refused_loudly() {
    let mut account = Account::new();
    account.cluster();
    assert_eq!(account.refused("DiscoverPollEndpoint", json!({})), NOT_MODELLED);
    assert_eq!(account.refused("StartTask", json!({})), NOT_MODELLED);
    assert_eq!(account.refused("MakeCoffee", json!({})), "UnknownOperationException");
    let daemon = json!({"cluster": "ml", "serviceName": "d", "taskDefinition": "d", "schedulingStrategy": "DAEMON"});
    assert_eq!(account.refused("CreateService", daemon), NOT_MODELLED);
    let (status, text) = account.raw("DynamoDB_20120810.ListTables", "{}");
    assert_eq!(status, 400);
    assert!(text.contains(NOT_MODELLED));
}

#[test]
fn calls_beyond_the_published_rate_are_throttled_until_the_bucket_fills() {
    let mut account = Account::new();
    let create = |account: &mut Account| account.try_call("CreateCluster", json!({"clusterName": "a"}));
    for _ in 0..20 {
        create(&mut account).unwrap();
    }
    let (code, message) = create(&mut account).unwrap_err();
    assert_eq!((code.as_str(), message.as_str()), ("ThrottlingException", "Rate exceeded"));
    account.pass(1);
    create(&mut account).unwrap();
    create(&mut account).unwrap_err();
    account.call("ListClusters", json!({}));
    let errors = account.aws.take_calls().iter().filter(|c| c.error.is_some()).count();
    assert_eq!(errors, 2);
    let mut free = Account::with(Options { throttling: Throttling::Off, ..Options::default() });
    (0..200).for_each(|_| drop(create(&mut free).unwrap()));
}

fn story(seed: u64) -> Vec<String> {
    let mut account = Account::with(Options { seed, ..Options::default() });
    account.ready();
    account.definition("llm", "vllm:1");
    account.call("CreateService", service("web", "llm", 3));
    let mut answers = Vec::new();
    for _ in 0..40 {
        account.pass(13);
        answers.push(account.service("web").to_string());
        answers.push(format!("{:?}", account.tasks("RUNNING")));
    }
    answers
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}

#[test]
fn reads_can_trail_writes() {
    let quirks = Quirks { read_lag_seconds: 30, ..Quirks::default() };
    let mut account = Account::with(Options { quirks, ..Options::default() });
    account.cluster();
    let describe = json!({"clusters": ["ml"]});
    assert_eq!(account.call("DescribeClusters", describe.clone())["failures"][0]["reason"], "MISSING");
    account.call("CreateCapacityProvider", provider("inf2", &["inf2*"]));
    account.pass(31);
    assert_eq!(account.call("DescribeClusters", describe)["clusters"][0]["status"], "ACTIVE");
}

#[test]
fn someone_else_can_change_the_world() {
    let mut account = Account::new();
    account.aws.act("CreateCluster", &json!({"clusterName": "theirs"})).unwrap();
    assert!(account.aws.calls().is_empty());
    let listed = account.call("ListClusters", json!({}));
    assert!(listed["clusterArns"][0].as_str().unwrap().ends_with("cluster/theirs"));
}

#[test]
fn the_neuron_image_is_a_json_parameter_with_a_leaf_for_each_key() {
    let mut account = Account::new();
    let path = "/aws/service/ecs/optimized-ami/amazon-linux-2023/neuron/recommended";
    let names = [path.to_owned(), format!("{path}/image_id"), "/aws/service/none".to_owned()];
    let (_, answer) = account.ssm("GetParameters", json!({"Names": names}));
    let document: Value = serde_json::from_str(answer["Parameters"][0]["Value"].as_str().unwrap()).unwrap();
    assert_eq!(document["image_id"], answer["Parameters"][1]["Value"]);
    assert_eq!(answer["InvalidParameters"], json!(["/aws/service/none"]));
    let image = document["image_name"].as_str().unwrap();
    let (status, _) = account.ssm("GetParameter", json!({"Name": path.replace("recommended", image)}));
    assert_eq!(status, 200);
    let (status, answer) = account.ssm("GetParameter", json!({"Name": "/nope"}));
    assert_eq!((status, &answer["__type"]), (400, &json!("ParameterNotFound")));
    let names: Vec<String> = (0..11).map(|n| format!("/p{n}")).collect();
    assert_eq!(account.ssm("GetParameters", json!({"Names": names})).1["__type"], "ValidationException");
    let (_, answer) = account.ssm("GetParametersByPath", json!({"Path": path}));
    assert_eq!(answer["Parameters"].as_array().unwrap().len(), 8);
}

#[test]
fn sts_says_who_the_caller_is_and_hands_out_made_up_credentials() {
    let mut account = Account::new();
    let mut post = |body: &'static str| {
        let response = account.aws.answer(&http::Request::post("/").body(Bytes::from(body)).unwrap());
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    };
    let (status, text) = post("Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(status, 200);
    assert!(text.contains("<Account>111122223333</Account>"));
    let (_, text) = post("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2Fr&RoleSessionName=s");
    assert!(
        text.contains("arn:aws:sts::999988887777:assumed-role/r/s") && text.contains("2026-01-01T01:00:00Z"),
        "{text}"
    );
    assert_eq!(post("Action=GetSessionToken").0, 400);
}

fn shared() -> Shared {
    let options = Options::default();
    let now = options.start;
    Shared::new(Aws::new(options), Arc::new(move || now))
}

#[tokio::test]
async fn the_connector_answers_without_a_socket() {
    let mut request = HttpRequest::new(SdkBody::from("{\"clusterName\":\"ml\"}"));
    request.set_method("POST").unwrap();
    request.set_uri("https://ecs.us-east-1.amazonaws.com/").unwrap();
    request.headers_mut().insert("x-amz-target", "AmazonEC2ContainerServiceV20141113.CreateCluster");
    let response = InProcess::new(shared()).call(request).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["cluster"]["status"], "ACTIVE");
}

/// The names on the two first pages of two, when clusters go between them.
fn pages_around(marks: PageMarks, gone: &[&str]) -> Vec<String> {
    let quirks = Quirks { page_marks: marks, short_pages: Some(2), ..Quirks::default() };
    let mut account = Account::with(Options { quirks, ..Options::default() });
    for name in ["a", "b", "c", "d", "e", "f"] {
        account.call("CreateCluster", json!({"clusterName": name}));
    }
    let first = account.call("ListClusters", json!({"maxResults": 100}));
    for name in gone {
        account.call("DeleteCluster", json!({"cluster": name}));
    }
    let second = account.call("ListClusters", json!({"nextToken": first["nextToken"]}));
    let names = [first, second].map(|page| page["clusterArns"].as_array().unwrap().clone()).concat();
    names.iter().map(|arn| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn what_goes_between_two_pages_can_hide_what_stays() {
    assert_eq!(pages_around(PageMarks::Item, &[]), ["a", "b", "c", "d"]);
    assert_eq!(pages_around(PageMarks::Item, &["a"]), ["a", "b", "c", "d"]);
    assert_eq!(pages_around(PageMarks::Item, &["a", "c"]), ["a", "b", "e", "f"], "d is hidden with the mark gone");
    assert_eq!(pages_around(PageMarks::Position, &[]), ["a", "b", "c", "d"]);
    assert_eq!(pages_around(PageMarks::Position, &["a"]), ["a", "b", "d", "e"], "c is hidden");
}

#[tokio::test]
async fn the_socket_answers_any_http_client() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, shared(), async { drop(stopped.await) }));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\
                   X-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\n\r\n{}";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"clusterArns\":[]}"), "{answer}");
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
