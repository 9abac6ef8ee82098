//! Statuses for people: one row per object, or everything about one object.
//!
//! Neighbours: `axon_core::status` holds the values; `report` brings them from this process or from a running operator.
//! Not here: what the conditions mean.

use std::fmt::Write as _;

use axon_core::status::{Condition, ConditionType, Replicas, Status, TaskStatus};
use jiff::Timestamp;

use super::groups::{groups, held};
use super::jobs;
use super::time::age;
use super::words::{NOTHING, one_line, reason, truth, word};
use crate::output::paint::{STRONG, paint};
use crate::output::table::table;
use crate::report::EventLine;

const HEADING: [&str; 9] = ["KIND", "NAME", "READY", "REASON", "REPLICAS", "DONE", "DEVICES", "AGE", "MESSAGE"];
/// The column that only jobs have: indexes that have succeeded, of all.
const DONE: usize = 5;
/// One row per object.
pub(crate) fn overview<'a>(
    statuses: impl IntoIterator<Item = &'a Status>,
    now: Timestamp,
    columns: Option<u16>,
) -> String {
    let statuses: Vec<&Status> = statuses.into_iter().collect();
    if statuses.is_empty() {
        return "No objects are declared.\n".to_owned();
    }
    let has_jobs = statuses.iter().any(|status| status.job.is_some());
    let (mut heading, mut rows) =
        (HEADING.to_vec(), statuses.iter().map(|status| row(status, now)).collect::<Vec<_>>());
    if !has_jobs {
        heading.remove(DONE);
        for row in &mut rows {
            row.remove(DONE);
        }
    }
    table(&heading, rows, columns)
}

/// One row per object, and below it the instances of every pool that has some of its own.
pub(crate) fn everything(statuses: &[Status], now: Timestamp, columns: Option<u16>) -> String {
    let mut text = overview(statuses, now, columns);
    for pool in statuses.iter().filter(|status| !status.groups.is_empty()) {
        section(&mut text, &pool.object.to_string(), &groups(pool, now));
    }
    text
}

fn row(status: &Status, now: Timestamp) -> Vec<String> {
    let ready = status.condition(ConditionType::Ready);
    let replicas = status.replicas.as_ref();
    vec![
        status.object.kind.to_string(),
        status.object.name.to_string(),
        ready.map_or(NOTHING.to_owned(), |ready| truth(ready.status).to_owned()),
        ready.map_or(NOTHING.to_owned(), |ready| reason(ready.reason)),
        replicas.map_or(NOTHING.to_owned(), |replicas| format!("{}/{}", replicas.running, replicas.desired)),
        status.job.as_ref().map_or(NOTHING.to_owned(), jobs::done),
        devices(status),
        ready.map_or(NOTHING.to_owned(), |ready| age(now, ready.last_transition_time)),
        ready.map(|ready| one_line(&ready.message)).unwrap_or_default(),
    ]
}

/// How many Neuron devices the tasks of a service or job hold, as far as they were looked into; for a pool, how many of its
/// devices are held.
fn devices(status: &Status) -> String {
    let tasks = status.replicas.iter().flat_map(|replicas| &replicas.tasks);
    let of_job = status.job.as_ref().map_or(0, jobs::devices);
    match (tasks.map(|task| task.neuron_devices.len()).sum::<usize>() + of_job, held(&status.groups)) {
        (0, (_, 0)) => NOTHING.to_owned(),
        (0, (held, all)) => format!("{held}/{all}"),
        (devices, _) => devices.to_string(),
    }
}

/// Everything about one object.
pub(crate) fn object(status: &Status, events: &[EventLine], now: Timestamp, columns: Option<u16>) -> String {
    let mut text = format!("{}\n", paint(STRONG, &status.object));
    let _ = writeln!(text, "Revision  {}", status.observed_revision);
    if let Some(replicas) = &status.replicas {
        let Replicas { desired, running, pending, .. } = replicas;
        let _ = writeln!(text, "Replicas  {desired} desired, {running} running, {pending} pending");
    }
    if let Some(next) = status.job.as_ref().and_then(|job| job.next_run) {
        let _ = writeln!(text, "Next run  {next:.0}");
    }
    let conditions = status.conditions.iter().map(|condition| condition_row(condition, now)).collect();
    section(&mut text, "Conditions", &table(&["TYPE", "STATUS", "REASON", "AGE", "MESSAGE"], conditions, columns));
    if !status.resources.is_empty() {
        let row = |resource: &axon_core::status::ResourceStatus| {
            vec![resource.kind.clone(), resource.state.clone(), resource.id.clone()]
        };
        let resources = status.resources.iter().map(row).collect();
        section(&mut text, "Resources", &table(&["KIND", "STATE", "ID"], resources, None));
    }
    if !status.groups.is_empty() {
        section(&mut text, "Instances", &groups(status, now));
    }
    let tasks: Vec<_> = status.replicas.iter().flat_map(|replicas| &replicas.tasks).map(task_row).collect();
    if !tasks.is_empty() {
        let heading = ["TASK", "STATE", "HEALTH", "INSTANCE", "TYPE", "NEURON DEVICES"];
        section(&mut text, "Tasks", &table(&heading, tasks, None));
    }
    if let Some(job) = status.job.as_ref().filter(|job| !job.runs.is_empty()) {
        section(&mut text, "Runs", &jobs::runs(job, now, columns));
        for run in job.runs.iter().filter(|run| !run.attempts.is_empty()) {
            section(&mut text, &format!("Attempts of run {}", run.run), &jobs::attempts(&run.attempts, now, columns));
        }
    }
    if !events.is_empty() {
        let events = events.iter().map(|event| event_row(event, now)).collect();
        section(&mut text, "Events", &table(&["AGE", "REASON", "COUNT", "MESSAGE"], events, columns));
    }
    text
}

/// A heading with its lines below it.
pub(crate) fn section(text: &mut String, title: &str, body: &str) {
    let _ = write!(text, "\n{}\n", paint(STRONG, title));
    for line in body.lines() {
        let _ = writeln!(text, "  {line}");
    }
}

fn condition_row(condition: &Condition, now: Timestamp) -> Vec<String> {
    vec![
        word(&condition.kind),
        truth(condition.status).to_owned(),
        reason(condition.reason),
        age(now, condition.last_transition_time),
        one_line(&condition.message),
    ]
}

fn task_row(task: &TaskStatus) -> Vec<String> {
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| NOTHING.to_owned());
    let devices = match task.neuron_devices.as_slice() {
        [] => NOTHING.to_owned(),
        devices => devices.join(", "),
    };
    vec![
        task.id.clone(),
        task.state.clone(),
        or_nothing(&task.health),
        or_nothing(&task.instance),
        or_nothing(&task.instance_type),
        devices,
    ]
}

fn event_row(event: &EventLine, now: Timestamp) -> Vec<String> {
    vec![age(now, event.at), event.reason.clone(), event.count.to_string(), one_line(&event.message)]
}

#[cfg(test)]
pub(crate) mod tests {
    use axon_core::spec::ObjectKey;
    use axon_core::status::{Reason, ResourceStatus, Truth};
    use jiff::SignedDuration;

    use super::super::groups::tests::pool;
    use super::*;

    pub(crate) const START: Timestamp = Timestamp::UNIX_EPOCH;

    pub(crate) fn later(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    /// A service with one of two tasks running.
    pub(crate) fn starting() -> Status {
        let condition = |kind, status, reason, message: &str| Condition {
            kind,
            status,
            reason,
            message: message.to_owned(),
            last_transition_time: START,
        };
        let message = "1 of 2 tasks run the newest revision";
        let task = TaskStatus {
            id: "0f3c".to_owned(),
            state: "RUNNING".to_owned(),
            health: None,
            instance_type: Some("inf2.8xlarge".to_owned()),
            instance: Some("i-0a".to_owned()),
            neuron_devices: vec!["0".to_owned()],
        };
        Status {
            object: ObjectKey::service("llama".parse().unwrap()),
            observed_revision: "dir@sha256:0a1b2c3d4e5f".to_owned(),
            conditions: vec![
                condition(ConditionType::Ready, Truth::False, Reason::TasksStarting, message),
                condition(ConditionType::Reconciling, Truth::True, Reason::TasksStarting, message),
            ],
            resources: vec![ResourceStatus {
                kind: "service".to_owned(),
                id: "arn:aws:ecs:us-east-1:111122223333:service/ml/llama".to_owned(),
                state: "ACTIVE".to_owned(),
            }],
            replicas: Some(Replicas { desired: 2, running: 1, pending: 1, tasks: vec![task] }),
            groups: Vec::new(),
            job: None,
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn the_overview_has_a_row_per_object() {
        let expected = "\
KIND           NAME   READY  REASON         REPLICAS  DEVICES  AGE    MESSAGE
NeuronService  llama  False  TasksStarting  1/2       1        1m35s  1 of 2 tasks run the newest revision
";
        assert_eq!(plain(&overview([&starting()], later(95), None)), expected);
    }

    #[test]
    fn nothing_declared_is_said() {
        assert_eq!(overview([], START, None), "No objects are declared.\n");
    }

    #[test]
    fn one_object_is_shown_down_to_its_devices_and_events() {
        let event = EventLine {
            target: None,
            kind: "Normal".to_owned(),
            at: later(60),
            object: "NeuronService/llama".to_owned(),
            reason: "Created".to_owned(),
            message: "created service ml/llama (CreateService)".to_owned(),
            count: 1,
        };
        let expected = "\
NeuronService/llama
Revision  dir@sha256:0a1b2c3d4e5f
Replicas  2 desired, 1 running, 1 pending

Conditions
  TYPE         STATUS  REASON         AGE    MESSAGE
  Ready        False   TasksStarting  1m35s  1 of 2 tasks run the newest revision
  Reconciling  True    TasksStarting  1m35s  1 of 2 tasks run the newest revision

Resources
  KIND     STATE   ID
  service  ACTIVE  arn:aws:ecs:us-east-1:111122223333:service/ml/llama

Tasks
  TASK  STATE    HEALTH  INSTANCE  TYPE          NEURON DEVICES
  0f3c  RUNNING  -       i-0a      inf2.8xlarge  0

Events
  AGE  REASON   COUNT  MESSAGE
  35s  Created  1      created service ml/llama (CreateService)
";
        assert_eq!(plain(&object(&starting(), &[event], later(95), None)), expected);
    }

    #[test]
    fn drift_that_is_only_reported_is_shown_field_by_field_beside_ready() {
        use axon_core::plan::{Deviation, Wait};
        use axon_core::step::Resource;

        let field = |field: &str, declared: &str, found: &str| Deviation {
            field: field.to_owned(),
            declared: Some(declared.to_owned()),
            found: Some(found.to_owned()),
        };
        let resource = Resource::Service { cluster: "ml".to_owned(), name: "llama".to_owned() };
        let fields = vec![field("/desiredCount", "2", "7"), field("/tags/team", "nlp", "sales")];
        let message = Wait::Drift { resource, fields }.to_string();
        let condition = |kind, reason, message: &str| Condition {
            kind,
            status: Truth::True,
            reason,
            message: message.to_owned(),
            last_transition_time: START,
        };
        let conditions = vec![
            condition(ConditionType::Ready, Reason::Succeeded, "works"),
            condition(ConditionType::Drifted, Reason::DriftDetected, &message),
        ];
        let status = Status { conditions, ..starting() };
        let shown = plain(&object(&status, &[], later(95), None));
        let expected = "
  TYPE     STATUS  REASON         AGE    MESSAGE
  Ready    True    Succeeded      1m35s  works
  Drifted  True    DriftDetected  1m35s  somebody changed service ml/llama: /desiredCount is 7, declared is 2; \
                        /tags/team is sales, declared is nlp; drift.policy is Report, so it stays until the specification changes
";
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn a_pool_shows_its_instances_alone_and_below_the_overview() {
        let status = pool();
        let expected = "\
NeuronPool/shared
Revision  dir@sha256:0a1b2c3d4e5f

Conditions
  TYPE  STATUS  REASON  AGE  MESSAGE

Instances
  inf2.48xlarge  2 of 2 instances wanted, at most 4 · 13 of 24 devices held · 1 out of date
    group  axon-shared-inf2-48xlarge-0a1b2c3d, launch template version 3
    image  ami-0123456789abcdef0, 1m35s old, ECS agent 1.98.0
           al2023-ami-ecs-neuron-hvm-2023.0.20260922-kernel-6.1-x86_64
    INSTANCE             ZONE        STATE     DEVICES 0-11
    i-00000000000000001  us-east-1a  ACTIVE    [llll llll b···]
    i-0123456789abcdef0  us-east-1b  DRAINING  [llll ···· ····]  out of date
  b bert  l llama  · free
";
        assert_eq!(plain(&object(&status, &[], later(95), None)), expected);
        let all = plain(&everything(&[starting(), status], later(95), None));
        let (rows, instances) = all.split_once("\n\n").unwrap();
        assert!(rows.contains("NeuronPool     shared  -      -              -         13/24 "), "{all}");
        assert!(instances.starts_with("NeuronPool/shared\n  inf2.48xlarge  2 of 2"), "{all}");
        assert!(instances.ends_with("  b bert  l llama  · free\n"), "{all}");
    }

    #[test]
    fn a_message_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\nb\u{1b}[2J"), "a b [2J");
    }
}
