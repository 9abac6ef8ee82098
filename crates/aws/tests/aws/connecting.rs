//! Reaching an account: what is needed, and what is said when it is missing.

use axon_aws::{AssumeRole, Aws, ConnectError, Connection};
use axon_core::cloud::Cloud;
use serde_json::json;

use crate::fake::{Fake, Reply};

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws-cn:sts::123456789012:assumed-role/axon/axon</Arn>\
    <UserId>AROATEST:axon</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
    <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>";

const ROLE: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <Credentials><AccessKeyId>ASIATEST</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
    <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
    <AssumedRoleUser><AssumedRoleId>AROATEST:axon</AssumedRoleId>\
    <Arn>arn:aws:sts::123456789012:assumed-role/axon/axon</Arn></AssumedRoleUser></AssumeRoleResult>\
    <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></AssumeRoleResponse>";

fn role() -> AssumeRole {
    AssumeRole {
        arn: "arn:aws:iam::123456789012:role/axon".to_owned(),
        external_id: Some("x-1".to_owned()),
        session_name: None,
    }
}

#[tokio::test]
async fn lookup_tells_account_region_and_partition_and_asks_once() {
    let fake = Fake::new(|_| Reply::Ok(json!(IDENTITY)));
    let aws = fake.aws().await;
    let first = aws.lookup().await.expect("an identity").identity;
    assert_eq!(aws.lookup().await.expect("an identity").identity, first);
    assert_eq!((first.account.as_str(), first.region.as_str()), ("123456789012", "us-east-1"));
    assert_eq!(first.partition, "aws-cn");
    assert_eq!(fake.count("GetCallerIdentity"), 1);
}

#[tokio::test]
async fn connecting_with_fixed_credentials_makes_no_call() {
    let fake = Fake::new(|_| Reply::Silence);
    assert_eq!(fake.aws().await.region(), "us-east-1");
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn calls_go_to_the_endpoint_that_was_given() {
    let fake = Fake::new(|_| Reply::Ok(json!(IDENTITY)));
    let url = Some("http://127.0.0.1:4599".to_owned());
    let aws = Aws::connect(Connection { endpoint_url: url, ..fake.connection() }).await.expect("reachable");
    aws.lookup().await.expect("an identity");
    assert!(fake.calls().iter().all(|call| call.uri.starts_with("http://127.0.0.1:4599/")));
}

#[tokio::test]
async fn a_missing_region_is_said_with_what_to_do() {
    let fake = Fake::new(|_| Reply::Silence);
    let error = Aws::connect(Connection { region: None, ..fake.connection() }).await.expect_err("no region");
    assert_eq!(error, ConnectError::NoRegion { profile: None });
    assert!(error.to_string().contains("--region"));
}

#[tokio::test]
async fn a_role_is_taken_on_before_the_first_call() {
    let fake = Fake::new(|call| match call.operation.as_str() {
        "AssumeRole" => Reply::Ok(json!(ROLE)),
        _ => Reply::Ok(json!(IDENTITY)),
    });
    let connection = Connection { assume_role: Some(role()), ..fake.connection() };
    let aws = Aws::connect(connection).await.expect("the role is given");
    assert_eq!(fake.operations(), ["AssumeRole"]);
    aws.lookup().await.expect("an identity");
}

#[tokio::test]
async fn a_refused_role_is_said_with_its_name_and_cause() {
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
        <Message>not authorized to perform sts:AssumeRole</Message></Error></ErrorResponse>";
    let fake = Fake::new(move |_| Reply::Raw(403, refusal));
    let connection = Connection { assume_role: Some(role()), ..fake.connection() };
    let error = Aws::connect(connection).await.expect_err("the role is refused").to_string();
    assert!(error.contains("role/axon") && error.contains("not authorized"), "{error}");
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let fake = Fake::new(|_| Reply::Silence);
    assert!(!format!("{:?}", fake.connection().credentials).contains("secret\""));
}
