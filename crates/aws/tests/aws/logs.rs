//! Logs of containers: what is asked of CloudWatch Logs and where, what is made of its answers, and what of its errors.

use axon_aws::{Aws, Connection};
use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::logs::{ContainerOutput, LogStream, Logs, PageFrom, WantedPage};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fake::{Call, Fake, Reply};

fn stream(region: Option<&str>) -> LogStream {
    LogStream {
        region: region.map(str::to_owned),
        group: "/axon/ml/train".to_owned(),
        name: "train/train/0a".to_owned(),
    }
}

fn page() -> Value {
    json!({"events": [], "nextForwardToken": "f/1", "nextBackwardToken": "b/1"})
}

async fn asked(aws: &Aws, from: PageFrom, region: Option<&str>) -> Result<axon_core::logs::LogPage, CloudError> {
    let stream = stream(region);
    aws.page(&WantedPage { stream: &stream, from, since: None, limit: None }).await
}

async fn endpoints(connection: Connection, fake: &Fake) -> Vec<String> {
    let aws = Box::pin(Aws::connect(connection)).await.expect("the fake can be reached");
    for region in [None, Some("eu-west-1"), Some("cn-north-1"), None] {
        asked(&aws, PageFrom::Head, region).await.expect("the fake answers");
    }
    fake.calls().into_iter().map(|call| call.uri).collect()
}

#[tokio::test]
async fn a_page_is_asked_for_as_the_api_reference_has_it() {
    let fake = Fake::new(|_: &Call| Reply::Ok(page()));
    let aws = fake.aws().await;
    let stream = stream(None);
    let since = Some(Timestamp::from_millisecond(1_700_000_000_123).expect("a time"));
    let tokens = [PageFrom::Tail, PageFrom::After("f/0".to_owned()), PageFrom::Before("b/0".to_owned())];
    for from in [PageFrom::Head].into_iter().chain(tokens) {
        let limit = (from == PageFrom::Tail).then_some(7);
        aws.page(&WantedPage { stream: &stream, from, since, limit }).await.expect("the fake answers");
    }
    let with = |more: Value| {
        let mut body =
            json!({"logGroupName": stream.group, "logStreamName": stream.name, "startTime": 1_700_000_000_123_i64});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    let bodies: Vec<Value> = fake.calls().into_iter().map(|call| call.body).collect();
    assert_eq!(
        bodies,
        [
            with(json!({"startFromHead": true})),
            with(json!({"startFromHead": false, "limit": 7})),
            with(json!({"startFromHead": true, "nextToken": "f/0"})),
            with(json!({"startFromHead": false, "nextToken": "b/0"})),
        ]
    );
}

#[tokio::test]
async fn lines_are_read_with_their_times_and_tokens_and_an_answer_that_lacks_them_is_none() {
    let fake = Fake::new(|call: &Call| {
        let mut answer = page();
        answer["events"] = json!([{"timestamp": 1_700_000_000_123_i64, "message": "step\t1", "ingestionTime": 1}]);
        match call.body["nextToken"].as_str() {
            Some("no tokens") => Reply::Ok(json!({"events": []})),
            Some("no JSON") => Reply::Raw(200, "<html>"),
            _ => Reply::Ok(answer),
        }
    });
    let aws = fake.aws().await;
    let found = asked(&aws, PageFrom::Head, None).await.expect("the fake answers");
    assert_eq!((found.after.as_str(), found.before.as_str()), ("f/1", "b/1"));
    let line = &found.lines[0];
    assert_eq!((line.at.as_millisecond(), line.message.as_str()), (1_700_000_000_123, "step\t1"));
    let error = asked(&aws, PageFrom::After("no tokens".to_owned()), None).await.expect_err("there are no tokens");
    assert_eq!((error.code.as_str(), error.class), ("Incomplete", ErrorClass::Transient));
    let error = asked(&aws, PageFrom::After("no JSON".to_owned()), None).await.expect_err("it is no JSON");
    assert_eq!(error.code, "Unparsable", "{error}");
}

#[tokio::test]
async fn the_service_is_found_in_the_region_of_the_group_in_every_partition() {
    let fake = Fake::new(|_: &Call| Reply::Ok(page()));
    let found = endpoints(fake.connection(), &fake).await;
    let expected = [
        "https://logs.us-east-1.amazonaws.com/",
        "https://logs.eu-west-1.amazonaws.com/",
        "https://logs.cn-north-1.amazonaws.com.cn/",
        "https://logs.us-east-1.amazonaws.com/",
    ];
    assert_eq!(found, expected);
    let fake = Fake::new(|_: &Call| Reply::Ok(page()));
    let own = Connection { endpoint_url: Some("http://127.0.0.1:4566".to_owned()), ..fake.connection() };
    assert!(endpoints(own, &fake).await.iter().all(|uri| uri == "http://127.0.0.1:4566/"), "one for all");
}

#[tokio::test]
async fn errors_have_code_message_request_and_class() {
    let missing = "The specified log stream does not exist.";
    let cases = [
        (400, "ResourceNotFoundException", missing, ErrorClass::NotFound),
        (400, "com.amazonaws.logs#ResourceNotFoundException", missing, ErrorClass::NotFound),
        (400, "InvalidParameterException", "The specified nextToken is invalid.", ErrorClass::Invalid),
        (400, "AccessDeniedException", "User is not authorized", ErrorClass::Denied),
    ];
    for (status, code, message, class) in cases {
        let fake = Fake::new(move |_: &Call| Reply::Refused(status, code, message));
        let error = asked(&fake.aws().await, PageFrom::Head, None).await.expect_err("the fake says no");
        assert_eq!((error.class, error.operation, error.message.as_str()), (class, "GetLogEvents", message));
        assert_eq!(error.code, code.rsplit('#').next().expect("a word"));
        assert_eq!(error.request_id.as_deref(), Some("request-1"));
        assert_eq!(fake.calls().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_asked_again_and_an_answer_that_never_comes_is_given_up() {
    let fake = Fake::new(|call: &Call| match call.body["nextToken"].as_str() {
        Some("silence") => Reply::Silence,
        _ => Reply::Refused(503, "ServiceUnavailableException", ""),
    });
    let aws = fake.aws().await;
    let error = asked(&aws, PageFrom::Head, None).await.expect_err("the fake says no");
    assert_eq!(error.class, ErrorClass::Transient);
    let tried = fake.calls().len();
    assert!((2..=4).contains(&tried), "{tried}");
    let error = asked(&aws, PageFrom::After("silence".to_owned()), None).await.expect_err("there is no answer");
    assert_eq!((error.code.as_str(), error.class), ("Timeout", ErrorClass::Transient));
}

#[tokio::test]
async fn where_containers_write_is_read_from_the_revision() {
    let fake = Fake::new(|_: &Call| {
        Reply::Ok(json!({"taskDefinition": {"containerDefinitions": [
            {"name": "train", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/axon/ml/train"}}},
            {"name": "silent"},
        ]}}))
    });
    let found = fake.aws().await.outputs("arn:revision:3").await.expect("the fake answers");
    let train = ContainerOutput {
        container: "train".to_owned(),
        driver: Some("awslogs".to_owned()),
        options: [("awslogs-group".to_owned(), "/axon/ml/train".to_owned())].into(),
    };
    assert_eq!(found, [train, ContainerOutput { container: "silent".to_owned(), ..ContainerOutput::default() }]);
    assert_eq!(fake.calls()[0].body["taskDefinition"], "arn:revision:3");
}
