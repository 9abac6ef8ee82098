//! An AWS that answers what a closure says, and remembers what it was asked.
//!
//! It stands where the SDK's HTTP client stands, so requests are serialised and signed and answers parsed for real.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axon_aws::{Aws, Connection, Deadlines, FixedCredentials};
use axon_core::cloud::{Scope, Seen};
use axon_core::shape::scaling_group::GroupTag;
use axon_core::step::{Action, Place, Resource, Step};
use serde_json::{Value, json};

/// One call as it went over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) body: Value,
    /// Members of a form, for the services that are asked by form.
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) uri: String,
}

/// What the fake does with a call.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Ok(Value),
    /// Status, code, message.
    Refused(u16, &'static str, &'static str),
    /// Status and body as they are.
    Raw(u16, &'static str),
    /// No answer, ever.
    Silence,
    /// The connection breaks after sending.
    Broken,
    /// Nobody listens.
    NobodyListens,
}

type Script = dyn Fn(&Call) -> Reply + Send + Sync;

#[derive(Clone)]
pub(crate) struct Fake {
    script: Arc<Script>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    pub(crate) fn new(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), calls: Arc::default() }
    }

    pub(crate) fn http_client(&self) -> SharedHttpClient {
        let fake = self.clone();
        http_client_fn(move |_, _| SharedHttpConnector::new(fake.clone()))
    }

    pub(crate) fn connection(&self) -> Connection {
        let key = FixedCredentials { access_key_id: "AKIATEST".to_owned(), secret_access_key: "secret".to_owned() };
        Connection {
            region: Some("us-east-1".to_owned()),
            credentials: Some(key),
            http_client: Some(self.http_client()),
            deadlines: Deadlines::default(),
            ..Connection::default()
        }
    }

    pub(crate) async fn aws(&self) -> Aws {
        Box::pin(Aws::connect(self.connection())).await.expect("the fake can be reached")
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no test panics while it holds the lock").clone()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.operations().iter().filter(|name| *name == operation).count()
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let uri = request.uri().to_owned();
        let call = if let Some(target) = request.headers().get("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            Call { operation, body: serde_json::from_str(&body).unwrap_or(Value::Null), form: BTreeMap::new(), uri }
        } else {
            let mut form = form(&body);
            let operation = form.remove("Action").unwrap_or_default();
            Call { operation, body: Value::Null, form, uri }
        };
        self.calls.lock().expect("no test panics while it holds the lock").push(call.clone());
        match (self.script)(&call) {
            Reply::Ok(Value::String(xml)) => answer(200, xml),
            Reply::Ok(value) => answer(200, whole(&call, value).to_string()),
            Reply::Refused(status, code, message) => answer(status, refusal(&call, code, message)),
            Reply::Raw(status, body) => answer(status, body.to_owned()),
            Reply::Silence => HttpConnectorFuture::new(std::future::pending()),
            Reply::Broken => HttpConnectorFuture::ready(Err(ConnectorError::io("connection reset by peer".into()))),
            Reply::NobodyListens => {
                let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
                HttpConnectorFuture::ready(Err(ConnectorError::io(refused.into())))
            }
        }
    }
}

/// ECS and Systems Manager send their lists also when they are empty; tests may leave them out. An answer as it is: [`Reply::Raw`].
fn whole(call: &Call, mut answer: Value) -> Value {
    let list = match call.operation.as_str() {
        "ListClusters" => "clusterArns",
        "ListServices" => "serviceArns",
        "ListTasks" => "taskArns",
        "ListTaskDefinitions" => "taskDefinitionArns",
        "ListContainerInstances" => "containerInstanceArns",
        "ListServiceDeployments" => "serviceDeployments",
        "DescribeCapacityProviders" => "capacityProviders",
        "GetParametersByPath" => "Parameters",
        _ => return answer,
    };
    if let Some(members) = answer.as_object_mut() {
        members.entry(list).or_insert_with(|| json!([]));
    }
    answer
}

fn form(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (decoded(key), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).expect("two digits follow a %");
        plain.push(match byte {
            b'%' => u8::try_from(digit() * 16 + digit()).expect("two digits are a byte"),
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(plain).expect("forms are UTF-8")
}

/// An error in the notation of the service that was asked.
fn refusal(call: &Call, code: &str, message: &str) -> String {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    match call.form.get("Version").map(String::as_str) {
        None => json!({"__type": code, "message": message}).to_string(),
        Some("2016-11-15") => format!("<Response><Errors>{error}</Errors><RequestID>request-1</RequestID></Response>"),
        Some(_) => format!("<ErrorResponse>{error}<RequestId>request-1</RequestId></ErrorResponse>"),
    }
}

/// A good answer in XML. `members` are what the operation answers.
pub(crate) fn xml(call: &Call, members: &str) -> Reply {
    let name = &call.operation;
    Reply::Ok(json!(match call.form.get("Version").map(String::as_str) {
        Some("2016-11-15") => format!("<{name}Response><requestId>request-1</requestId>{members}</{name}Response>"),
        _ => format!(
            "<{name}Response><{name}Result>{members}</{name}Result>\
             <ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></{name}Response>"
        ),
    }))
}

fn answer(status: u16, body: String) -> HttpConnectorFuture {
    let status = status.try_into().expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("x-amzn-requestid", "request-1");
    HttpConnectorFuture::ready(Ok(response))
}

pub(crate) fn cluster_arn(name: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:cluster/{name}")
}

pub(crate) fn cluster(name: &str) -> Value {
    json!({"clusterName": name, "clusterArn": cluster_arn(name), "status": "ACTIVE"})
}

pub(crate) fn service_arn(cluster: &str, name: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}")
}

pub(crate) fn service(cluster: &str, name: &str, status: &str) -> Value {
    json!({
        "serviceName": name,
        "serviceArn": service_arn(cluster, name),
        "clusterArn": cluster_arn(cluster),
        "status": status,
        "desiredCount": 1,
    })
}

/// Names under a list member of a request.
pub(crate) fn names(call: &Call, member: &str) -> Vec<String> {
    let list = call.body[member].as_array().cloned().unwrap_or_default();
    list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// A scope that names one cluster.
pub(crate) fn scope(cluster: &str) -> Scope {
    Scope {
        installation: "axon".parse().expect("an installation id"),
        clusters: BTreeSet::from([cluster.to_owned()]),
        services: BTreeSet::new(),
        family_prefixes: BTreeSet::new(),
        tasks_of: BTreeSet::new(),
        history_of: BTreeSet::new(),
        ec2: None,
        jobs: None,
        seen: Seen::default(),
    }
}

pub(crate) fn step(action: Action) -> Step {
    let name = "llama".to_owned().try_into().expect("a name");
    let object = axon_core::spec::ObjectKey { kind: axon_core::spec::Kind::NeuronService, name };
    let resource = Resource::Service { cluster: "main".to_owned(), name: "llama".to_owned() };
    Step { object, resource, action, because: vec![] }
}

/// One action of every kind, complete documents where there are documents.
pub(crate) fn actions() -> Vec<Action> {
    macro_rules! document {
        ($name:ident) => {
            Action::$name(
                serde_json::from_str(include_str!(concat!("../documents/", stringify!($name), ".json")))
                    .expect("the document fits the shape"),
            )
        };
    }
    let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/axon-llama:3".to_owned();
    vec![
        document!(CreateCluster),
        document!(UpdateCluster),
        Action::DeleteCluster { cluster: "main".to_owned() },
        document!(CreateCapacityProvider),
        document!(UpdateCapacityProvider),
        Action::DeleteCapacityProvider { name: "trn".to_owned(), cluster: Some("main".to_owned()) },
        document!(RegisterTaskDefinition),
        Action::DeregisterTaskDefinition { arn: arn.clone() },
        document!(CreateService),
        document!(UpdateService),
        Action::DeleteService { cluster: "main".to_owned(), service: "llama".to_owned() },
        Action::PutParameter { name: "/axon/test/jobs/a/r/0.0".to_owned(), value: "{}".to_owned() },
        Action::DeleteParameters { names: vec!["/axon/test/jobs/a/r/0.0".to_owned()] },
        document!(RunTask),
        Action::StopTask { cluster: "main".to_owned(), task: TASK.to_owned(), reason: "axon: done".to_owned() },
        Action::TagResource { arn: arn.clone(), tags: [("team".to_owned(), "ml".to_owned())].into() },
        Action::UntagResource { arn, keys: vec!["team".to_owned()] },
        document!(PutClusterCapacityProviders),
        document!(CreateLaunchTemplate),
        document!(CreateLaunchTemplateVersion),
        Action::DeleteLaunchTemplate { id: "lt-1".to_owned(), name: "axon-trn".to_owned() },
        Action::CreateTags { id: "lt-1".to_owned(), tags: [("team".to_owned(), "ml & more".to_owned())].into() },
        Action::DeleteTags { id: "lt-1".to_owned(), keys: vec!["team".to_owned(), "cost".to_owned()] },
        document!(CreateAutoScalingGroup),
        document!(UpdateAutoScalingGroup),
        Action::DeleteAutoScalingGroup { name: "axon-trn".to_owned() },
        Action::CreateOrUpdateTags {
            group: "axon-trn".to_owned(),
            tags: vec![GroupTag { key: "team".to_owned(), value: "ml".to_owned(), propagate_at_launch: false }],
        },
        Action::DeleteGroupTags { group: "axon-trn".to_owned(), keys: vec!["team".to_owned()] },
        Action::SetDesiredCapacity { group: "axon-trn".to_owned(), desired: 3 },
        Action::TerminateInstanceInAutoScalingGroup { instance: "i-1".to_owned(), place: Place::Refilled },
        Action::UpdateContainerInstancesState {
            cluster: "main".to_owned(),
            instance: INSTANCE.to_owned(),
            status: "DRAINING",
        },
    ]
}

/// ARN of a task.
pub(crate) const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/main/1";

/// ARN of a container instance.
pub(crate) const INSTANCE: &str = "arn:aws:ecs:us-east-1:123456789012:container-instance/main/1";

const TEMPLATE: &str = "<launchTemplate><launchTemplateId>lt-1</launchTemplateId>\
    <launchTemplateName>axon-trn</launchTemplateName><createTime>2026-01-02T03:04:05.000Z</createTime>\
    <defaultVersionNumber>1</defaultVersionNumber><latestVersionNumber>1</latestVersionNumber>\
    <tagSet><item><key>neuron.ecs/managed-by</key><value>axon</value></item></tagSet></launchTemplate>";

const VERSION: &str = "<launchTemplateVersion><launchTemplateId>lt-1</launchTemplateId>\
    <versionNumber>2</versionNumber><createTime>2026-01-02T03:04:05.000Z</createTime>\
    <launchTemplateData/></launchTemplateVersion>";

/// What AWS answers to every write that succeeds.
pub(crate) fn written(call: &Call) -> Reply {
    match call.operation.as_str() {
        "CreateLaunchTemplate" | "DeleteLaunchTemplate" => xml(call, TEMPLATE),
        "CreateLaunchTemplateVersion" => xml(call, VERSION),
        _ if !call.form.is_empty() => xml(call, ""),
        _ => Reply::Ok(written_to_ecs(call)),
    }
}

fn written_to_ecs(call: &Call) -> Value {
    let task = json!({
        "taskArn": TASK,
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/axon-llama:3",
        "lastStatus": "PROVISIONING",
        "desiredStatus": "RUNNING",
        "group": "axon:test/a/r/0.0",
    });
    json!({
        "tasks": [task],
        "task": task,
        "cluster": cluster("main"),
        "capacityProvider": {
            "name": "trn",
            "capacityProviderArn": "arn:aws:ecs:us-east-1:123456789012:capacity-provider/trn",
            "status": "ACTIVE",
            "cluster": "main",
        },
        "service": service("main", "llama", "ACTIVE"),
        "containerInstances": [{"containerInstanceArn": "arn:instance", "status": "DRAINING"}],
        "taskDefinition": revision(3, if call.operation.starts_with("Dereg") { "INACTIVE" } else { "ACTIVE" }),
    })
}

pub(crate) fn revision(number: i32, status: &str) -> Value {
    json!({
        "taskDefinitionArn": format!("arn:aws:ecs:us-east-1:123456789012:task-definition/axon-llama:{number}"),
        "family": "axon-llama",
        "revision": number,
        "status": status,
    })
}
