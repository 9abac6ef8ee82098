//! Answers of AWS, or of whatever stands in its place → a reading, and a plan made from it.
//!
//! The input: a letter that chooses one operation of a sweep, a digit that chooses the status, the body. Every other operation
//! gets the answer of `../seeds/answers`. Whatever the body is: the sweep ends; a part is read only if the body is an answer
//! to that operation, whole to its end, as judged by this file; errors can be shown; and the reviewer has nothing against
//! what is planned from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use axon_aws::{Aws, Connection, FixedCredentials};
use axon_core::cloud::{Cloud as _, CloudError, Ec2Scope, Facts, JobScope, Scope, Seen, ServiceKey, Sweep};
use axon_core::desired::Desired;
use axon_core::neuron::Catalog;
use axon_core::observe::{Identity, ImageSource};
use axon_core::parse::{SourceFile, parse};
use axon_core::plan::{PruneLimits, Writes};
use axon_core::resolve::{Context, resolve};
use axon_core::revision::Revisions;
use axon_core::roles::RoleRules;
use axon_core::spec::Completeness;
use axon_core::state::{Event, Permissions, Pruning, Specified, State};
use axon_core::validate::validate;

/// An operation, the member that every answer to it has (nothing for XML, which has a name), and a good answer as a seed.
struct Asked {
    operation: &'static str,
    list: &'static str,
    seed: &'static str,
}

macro_rules! asked {
    ($($operation:ident $(has $list:literal)?),+ $(,)?) => {
        &[$(Asked {
            operation: stringify!($operation),
            list: concat!($($list)?),
            seed: include_str!(concat!("../seeds/answers/", stringify!($operation))),
        }),+]
    };
}

const ALL: &[Asked] = asked![
    ListClusters has "clusterArns",
    DescribeClusters has "clusters",
    DescribeCapacityProviders has "capacityProviders",
    ListServices has "serviceArns",
    DescribeServices has "services",
    ListTasks has "taskArns",
    DescribeTasks has "tasks",
    DescribeContainerInstances has "containerInstances",
    ListServiceDeployments has "serviceDeployments",
    ListContainerInstances has "containerInstanceArns",
    ListTaskDefinitions has "taskDefinitionArns",
    DescribeTaskDefinition has "taskDefinition",
    GetParameters has "Parameters",
    GetParametersByPath has "Parameters",
    DescribeLaunchTemplates,
    DescribeLaunchTemplateVersions,
    DescribeInstances,
    DescribeSubnets,
    DescribeImages,
    DescribeAutoScalingGroups,
    DescribeScalingActivities,
];

const STATUSES: [u16; 4] = [200, 400, 500, 503];
/// More calls than any of these sweeps takes, pages and second tries included.
const MOST_CALLS: u32 = 100;

/// All that is declared: whatever else is read may be removed.
const SPEC: &str = "apiVersion: neuron.ecs/v1alpha1\nkind: NeuronCluster\nmetadata: {name: main}\nspec: {}\n";

/// What an input says.
#[derive(Clone, Debug)]
struct Case {
    asked: usize,
    status: u16,
    body: Vec<u8>,
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    static DESIRED: Desired = desired();
}

/// Fails by panic.
pub(crate) fn check(data: &[u8]) {
    let [letter, digit, body @ ..] = data else { return };
    let asked = usize::from(letter.wrapping_sub(b'a')) % ALL.len();
    let status = STATUSES[usize::from(digit.wrapping_sub(b'0')) % STATUSES.len()];
    let case = Case { asked, status, body: body.to_vec() };
    let is_answer = is_answer(&case);
    let (sweep, reached) = sweep(case);
    assert!(reached, "{} is part of the sweep", ALL[asked].operation);
    assert!(sweep.calls < MOST_CALLS, "{} calls", sweep.calls);
    let outcome = outcome(ALL[asked].operation, &sweep);
    assert!(
        outcome.is_err() || is_answer,
        "{} is taken for an answer to {}",
        String::from_utf8_lossy(body),
        ALL[asked].operation
    );
    if let Err(error) = outcome {
        assert!(!error.to_string().chars().any(is_hidden), "{error:?}");
    }
    plan(sweep);
}

/// Without this, everything could be refused.
#[cfg(test)]
pub(crate) fn good_answers_are_read() {
    for (asked, Asked { operation, seed, .. }) in ALL.iter().enumerate() {
        let (letter, body) = (seed.as_bytes()[0], &seed.as_bytes()[2..]);
        assert_eq!(usize::from(letter - b'a'), asked, "the seed of {operation}");
        let (sweep, _) = sweep(Case { asked, status: 200, body: body.to_vec() });
        assert_eq!(outcome(operation, &sweep), Ok(()), "{operation}");
    }
}

/// Whether a body is an answer to what was asked, as far as the names of its members say.
fn is_answer(case: &Case) -> bool {
    let Asked { operation, list, .. } = &ALL[case.asked];
    let text = String::from_utf8_lossy(&case.body);
    let is_json = || match serde_json::from_str::<serde_json::Value>(&strict(&text)) {
        // Those that are asked for by name may all be missing.
        Ok(answer) => [*list, "failures", "InvalidParameters"].iter().any(|list| !answer[*list].is_null()),
        Err(error) => error.to_string().contains("recursion limit"),
    };
    let is_xml = || {
        let end = format!("</{operation}Response>");
        text.contains(&format!("<{operation}Response")) && text.trim_end().ends_with(&end)
    };
    case.status == 200 && if list.is_empty() { is_xml() } else { is_json() }
}

/// The same JSON as the standard has it. The SDK lets control characters stand in texts, halves of surrogate pairs in texts that
/// it skips, and reads numbers as Rust does, so `01.` is one; a list is no shorter for them.
fn strict(text: &str) -> String {
    let mut strict = String::with_capacity(text.len());
    let mut is_text = false;
    let mut rest = text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }).peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if is_text => {
                let escaped = rest.next();
                strict.extend([c].into_iter().chain(escaped));
                // Only what begins with d can be half a pair.
                if escaped == Some('u') && rest.next_if(|c| matches!(c, 'd' | 'D')).is_some() {
                    strict.push('0');
                }
            }
            '0'..='9' | '-' if !is_text => {
                while rest.next_if(|c| matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).is_some() {}
                strict.push('0');
            }
            _ => {
                is_text ^= c == '"';
                strict.push(c);
            }
        }
    }
    strict
}

/// Controls, and what changes the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn key() -> ServiceKey {
    ("main".to_owned(), "llama".to_owned())
}

/// As much as is needed to reach the operation.
fn scope(operation: &str) -> Scope {
    let mut scope = Scope {
        installation: "axon".parse().expect("an installation id"),
        clusters: ["main".to_owned()].into(),
        services: [].into(),
        family_prefixes: [].into(),
        tasks_of: [].into(),
        history_of: [].into(),
        ec2: None,
        jobs: None,
        seen: Seen::default(),
    };
    let main = || ["main".to_owned()].into();
    match operation {
        "ListTasks" | "DescribeTasks" => {
            scope.jobs = Some(JobScope { started_by: "axon/axon".to_owned(), tasks_of: main(), ..JobScope::default() });
            scope.tasks_of.insert(key());
        }
        "ListServiceDeployments" => {
            scope.history_of.insert(key());
        }
        "ListTaskDefinitions" | "DescribeTaskDefinition" => {
            scope.family_prefixes.insert("axon-".to_owned());
        }
        "GetParametersByPath" => {
            scope.jobs = Some(JobScope { records: Some("/axon/axon/jobs".to_owned()), ..JobScope::default() });
        }
        "GetParameters" | "DescribeImages" => {
            scope.ec2 = Some(Ec2Scope { images: [image()].into(), ..Ec2Scope::default() });
        }
        "ListContainerInstances" | "DescribeContainerInstances" => {
            scope.ec2 = Some(Ec2Scope { instances_of: main(), ..Ec2Scope::default() });
        }
        "DescribeSubnets" => {
            scope.ec2 = Some(Ec2Scope { subnets: ["subnet-1".to_owned()].into(), ..Ec2Scope::default() });
        }
        _ if ALL.iter().any(|asked| asked.operation == operation && asked.list.is_empty()) => {
            scope.ec2 = Some(Ec2Scope { names: ["axon-inf2".to_owned()].into(), ..Ec2Scope::default() });
        }
        _ => {}
    }
    scope
}

fn image() -> ImageSource {
    ImageSource::Parameter("/ami".to_owned())
}

/// What the part of the sweep says that asks for the operation.
fn outcome(operation: &str, sweep: &Sweep) -> Result<(), CloudError> {
    fn of<T>(reading: Option<&Result<T, CloudError>>) -> Result<(), CloudError> {
        reading.expect("it was asked for").as_ref().map(|_| ()).map_err(Clone::clone)
    }
    let ec2 = || sweep.ec2.as_ref().expect("it was asked for");
    match operation {
        "ListClusters" | "DescribeClusters" => of(Some(&sweep.clusters)),
        "DescribeCapacityProviders" => of(sweep.providers.get("main")),
        "ListServices" | "DescribeServices" => of(sweep.services.get("main")),
        "ListTasks" | "DescribeTasks" => of(sweep.tasks.get(&key())),
        "ListServiceDeployments" => of(sweep.history.get(&key())),
        "ListContainerInstances" | "DescribeContainerInstances" => of(ec2().instances.get("main")),
        "ListTaskDefinitions" | "DescribeTaskDefinition" => of(sweep.task_definitions.as_ref()),
        "GetParameters" | "DescribeImages" => of(ec2().images.get(&image())),
        "GetParametersByPath" => of(sweep.jobs.as_ref().and_then(|jobs| jobs.records.as_ref())),
        "DescribeLaunchTemplates" | "DescribeLaunchTemplateVersions" => of(Some(&ec2().templates)),
        "DescribeInstances" => of(Some(&ec2().machines)),
        "DescribeSubnets" => of(Some(&ec2().subnets)),
        "DescribeAutoScalingGroups" | "DescribeScalingActivities" => of(Some(&ec2().groups)),
        other => panic!("no part of a sweep asks for {other}"),
    }
}

/// The account, in which one operation has the answer of a case.
#[derive(Clone, Debug)]
struct Account {
    case: Arc<Case>,
    reached: Arc<AtomicBool>,
}

impl HttpConnector for Account {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = if let Some(target) = request.headers().get("x-amz-target") {
            target.rsplit('.').next().unwrap_or_default().to_owned()
        } else {
            let form = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
            form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned()
        };
        let at = ALL.iter().position(|known| known.operation == asked);
        let at = at.unwrap_or_else(|| panic!("{asked} has no answer"));
        let (status, body) = if at == self.case.asked {
            self.reached.store(true, Ordering::Relaxed);
            (self.case.status, self.case.body.clone())
        } else if let Some(names) = records(&asked, &request) {
            (200, serde_json::json!({ "InvalidParameters": names }).to_string().into_bytes())
        } else {
            (200, ALL[at].seed.as_bytes()[2..].to_vec())
        };
        let status = status.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

/// What decides on runs of which the list of records has something is asked for by name; none of it is there.
fn records(asked: &str, request: &HttpRequest) -> Option<serde_json::Value> {
    let body: serde_json::Value = serde_json::from_slice(request.body().bytes()?).ok()?;
    let names = body.get("Names").filter(|names| asked == "GetParameters" && names[0] != "/ami")?;
    Some(names.clone())
}

/// The clock of the paused runtime.
#[derive(Clone, Copy, Debug)]
struct Paused(tokio::time::Instant);

impl TimeSource for Paused {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + self.0.elapsed()
    }
}

/// Reads the account. Also says whether the operation was asked.
fn sweep(case: Case) -> (Sweep, bool) {
    let scope = scope(ALL[case.asked].operation);
    let account = Account { case: Arc::new(case), reached: Arc::default() };
    let connector = account.clone();
    let sweep = RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let aws = Aws::connect(Connection {
                region: Some("us-east-1".to_owned()),
                credentials: Some(FixedCredentials {
                    access_key_id: "AKIATEST".to_owned(),
                    secret_access_key: "secret".to_owned(),
                }),
                http_client: Some(http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone()))),
                time_source: Some(SharedTimeSource::new(Paused(tokio::time::Instant::now()))),
                ..Connection::default()
            });
            Box::pin(aws).await.expect("it can be reached").observe(scope).await
        })
    });
    (sweep, account.reached.load(Ordering::Relaxed))
}

fn desired() -> Desired {
    let parsed = parse(&[SourceFile { path: "spec.yaml".to_owned(), text: SPEC.to_owned() }]);
    let fleet = validate(parsed, &Catalog::builtin()).fleet;
    assert_eq!(fleet.complete, Completeness::Complete);
    let identity = Identity { account: "123456789012".into(), region: "us-east-1".into(), partition: "aws".into() };
    let facts = Facts { identity, instance_types: Vec::new() };
    let installation = "axon".parse().expect("an installation id");
    let revisions = Revisions::new("main@sha1:1");
    resolve(&fleet, Context { installation: &installation, facts: &facts, revisions: &revisions }).desired
}

/// Plans with pruning: nothing is declared but the cluster.
fn plan(sweep: Sweep) {
    let now = sweep.started;
    let permissions = Permissions {
        writes: Writes::Allowed,
        prune: Pruning::On,
        prune_limits: PruneLimits::NONE,
        roles: RoleRules::ANY,
    };
    let mut state = State::new("axon".parse().expect("an installation id"), permissions);
    let desired = DESIRED.with(Clone::clone);
    let specified = Specified { revision: "main@sha1:1".to_owned(), desired, completeness: Completeness::Complete };
    state.fold(Event::Specified(Box::new(specified)));
    state.fold(Event::Swept(Box::new(sweep)));
    let (_plan, violations) = state.plan(now);
    assert_eq!(violations, [], "the reviewer has nothing against the plan");
}
