//! What becomes of errors: real bodies, broken connections, passed deadlines.

use std::time::Duration;

use axon_aws::{Aws, Connection, Deadlines};
use axon_core::cloud::{Cloud, CloudError, ErrorClass};
use axon_core::step::Action;

use crate::fake::{Fake, Reply, scope, step};

fn write() -> Action {
    Action::CreateService(axon_core::shape::service::CreateService {
        service_name: Some("llama".to_owned()),
        ..Default::default()
    })
}

async fn write_error(reply: Reply) -> (CloudError, usize) {
    let fake = Fake::new(move |_| reply.clone());
    let error = fake.aws().await.execute(&step(write())).await.expect_err("the fake says no");
    (error, fake.calls().len())
}

async fn read_error(reply: Reply) -> CloudError {
    let fake = Fake::new(move |_| reply.clone());
    fake.aws().await.observe(scope("main")).await.clusters.expect_err("the fake says no")
}

#[tokio::test]
async fn a_server_error_is_called_once_and_leaves_the_outcome_open() {
    let (error, calls) = write_error(Reply::Refused(500, "ServerException", "Something broke.")).await;
    assert_eq!((error.class, calls), (ErrorClass::Ambiguous, 1));
    assert_eq!(error.operation, "CreateService");
    assert_eq!(error.code, "ServerException");
    assert_eq!(error.message, "Something broke.");
    assert_eq!(error.request_id.as_deref(), Some("request-1"));
    assert_eq!(read_error(Reply::Refused(500, "ServerException", "")).await.class, ErrorClass::Transient);
}

#[tokio::test]
async fn throttling_is_called_once_too() {
    let (error, calls) = write_error(Reply::Refused(400, "ThrottlingException", "Rate exceeded")).await;
    assert_eq!((error.class, calls), (ErrorClass::Throttled, 1));
}

#[tokio::test]
async fn errors_of_aws_get_their_meaning_from_code_and_message() {
    let cases = [
        (400, "LimitExceededException", "Too many", ErrorClass::Quota),
        (400, "com.amazonaws.ecs#ClusterNotFoundException", "Cluster not found.", ErrorClass::NotFound),
        (400, "AccessDeniedException", "User is not authorized", ErrorClass::Denied),
        (400, "InvalidParameterException", "The provider is not in an ACTIVE state", ErrorClass::Conflict),
        (400, "InvalidParameterException", "Unable to Start a service that is still Draining.", ErrorClass::Conflict),
        (400, "InvalidParameterException", "Invalid subnets", ErrorClass::Invalid),
        (403, "ExpiredTokenException", "The security token is expired", ErrorClass::Transient),
        (403, "UnrecognizedClientException", "The security token is invalid.", ErrorClass::Denied),
        (503, "ServiceUnavailable", "Try later", ErrorClass::Ambiguous),
    ];
    for (status, code, message, class) in cases {
        let (error, _) = write_error(Reply::Refused(status, code, message)).await;
        assert_eq!(error.class, class, "{code}: {message}");
    }
}

#[tokio::test]
async fn an_error_that_is_none_of_awss_is_judged_by_its_status() {
    let (error, _) = write_error(Reply::Raw(502, "<html>Bad gateway</html>")).await;
    assert_eq!(error.class, ErrorClass::Ambiguous, "{error}");
    let (error, _) = write_error(Reply::Raw(200, "<html>Welcome to the hotel</html>")).await;
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Ambiguous, "Unparsable"), "{error}");
}

#[tokio::test]
async fn a_broken_connection_leaves_the_outcome_of_a_write_open() {
    let (error, calls) = write_error(Reply::Broken).await;
    assert_eq!((error.class, error.code.as_str(), calls), (ErrorClass::Ambiguous, "Connection", 1));
    assert_eq!(read_error(Reply::Broken).await.class, ErrorClass::Transient);
}

#[tokio::test]
async fn a_connection_that_never_came_about_had_no_effect() {
    let (error, calls) = write_error(Reply::NobodyListens).await;
    assert_eq!((error.class, error.code.as_str(), calls), (ErrorClass::Transient, "Connect", 1));
}

#[tokio::test]
async fn a_passed_deadline_leaves_the_outcome_of_a_write_open() {
    let fake = Fake::new(|_| Reply::Silence);
    let short = Duration::from_millis(50);
    let deadlines = Deadlines { connect: short, attempt: short, operation: short * 2 };
    let aws = Aws::connect(Connection { deadlines, ..fake.connection() }).await.expect("the fake can be reached");
    let error = aws.execute(&step(write())).await.expect_err("nobody answers");
    assert_eq!((error.class, error.code.as_str(), fake.calls().len()), (ErrorClass::Ambiguous, "Timeout", 1));
    let error = aws.observe(scope("main")).await.clusters.expect_err("nobody answers");
    assert_eq!(error.class, ErrorClass::Transient);
}

#[tokio::test]
async fn a_real_port_where_nobody_listens_is_a_missing_connection() {
    let fake = Fake::new(|_| Reply::Silence);
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let connection =
        Connection { http_client: None, endpoint_url: Some(format!("http://{port}")), ..fake.connection() };
    let aws = Aws::connect(connection).await.expect("connecting makes no ECS call");
    let error = aws.execute(&step(write())).await.expect_err("nobody listens");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Transient, "Connect"), "{error}");
}

#[tokio::test]
async fn a_real_connection_that_closes_after_the_request_leaves_the_outcome_open() {
    let fake = Fake::new(|_| Reply::Silence);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut request = [0_u8; 64];
        let read = stream.read(&mut request).await;
        drop((stream, read));
    });
    let connection =
        Connection { http_client: None, endpoint_url: Some(format!("http://{port}")), ..fake.connection() };
    let aws = Aws::connect(connection).await.expect("connecting makes no ECS call");
    let error = aws.execute(&step(write())).await.expect_err("the line goes dead");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Ambiguous, "Connection"), "{error}");
    server.await.expect("the server ends");
}
