//! What a reconciler shows of itself: one immutable value that is published whenever it changes.
//!
//! Built by `controller`, published by `reconciler`, read by the command line and the web pages. Plain data; how it looks
//! is theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axon_core::cloud::{CloudError, ErrorClass};
use axon_core::diagnostic::Diagnostic;
use axon_core::parse::SourceFile;
use axon_core::plan::Waiting;
use axon_core::spec::ObjectKey;
use axon_core::status::Status;
use axon_core::step::{Cause, Resource, Step};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::events::Event;
use crate::source::SourceStatus;

/// Everything about one target at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Source revision in force; empty before the first.
    pub revision: String,
    /// Status of every object. Serialized as a list.
    #[serde(serialize_with = "as_list")]
    pub statuses: BTreeMap<ObjectKey, Status>,
    /// Findings about the source.
    #[serde(serialize_with = "as_findings")]
    pub diagnostics: Vec<Diagnostic>,
    /// The files that the findings speak about. Not serialized.
    #[serde(skip)]
    pub files: Arc<Vec<SourceFile>>,
    /// What is not done now, and why.
    pub waiting: Vec<Waiting>,
    /// Calls under way. Serialized without what they ask for, which may hold secrets.
    #[serde(serialize_with = "as_outlines")]
    pub in_flight: Vec<Step>,
    /// Steps that are due and wait for AWS's limits on calls, by bucket.
    pub paced: Vec<Paced>,
    /// How far it is.
    pub phase: Phase,
    /// Why the loop does not run at all now. What else is shown here was true before that.
    pub trouble: Option<Trouble>,
    /// How often the loop has failed in a panic and begun anew.
    pub panics: u64,
    /// Why the source could not be read the last time. The last good snapshot is in force.
    pub source_error: Option<String>,
    /// How each source is doing; empty where there is only a folder without a name.
    pub sources: Vec<SourceStatus>,
    /// What could not be read of AWS the last time.
    pub sweep_errors: Vec<CloudError>,
    /// What the independent check has against the plan. Nothing is executed while there is anything.
    pub violations: Vec<String>,
    /// When the last sweep began that is taken into account.
    pub last_sweep: Option<Timestamp>,
    /// AWS calls so far.
    pub calls: u64,
    /// Number of the last plan pass.
    pub pass: u64,
    /// The latest steps that ended, oldest first.
    pub steps_done: Vec<DoneStep>,
    /// The latest events, oldest first.
    pub events: Vec<Event>,
}

/// How far a reconciler is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// Source and AWS have not both been read yet.
    #[default]
    Starting,
    /// Something is being done or moves by itself.
    Working,
    /// Nothing moves: all is as declared, or waits for a person.
    Steady,
}

/// Why nothing can be done in a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What it means for another try.
    pub class: ErrorClass,
    /// In words: cause, evidence, next step.
    pub message: String,
    /// Panics of the loop so far, this one included. Not serialized: the view has it.
    #[serde(skip)]
    pub panics: u64,
}

/// A bucket of AWS's that has fewer tokens than there are steps for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paced {
    /// Name of the bucket, as in [`axon_core::quota::QUOTAS`].
    pub bucket: &'static str,
    /// Steps that wait for it.
    pub steps: usize,
    /// Percent of its usual rate that it gives: less than 100 after AWS has refused a call as too fast.
    pub speed_percent: u8,
}

/// A step that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneStep {
    /// Counts all steps of this process from 1, so that a reader of the bounded log sees what it has seen already.
    pub number: u64,
    /// When it ended.
    pub at: Timestamp,
    /// The step. Serialized without what it asks for, which may hold secrets.
    #[serde(flatten, serialize_with = "as_outline")]
    pub step: Step,
    /// How it ended. Serialized as `error`, which is null after success.
    #[serde(rename = "error", serialize_with = "as_error")]
    pub result: Result<(), CloudError>,
}

/// What a step does and why, without a value out of its request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outline<'a> {
    object: &'a ObjectKey,
    resource: &'a Resource,
    operation: &'static str,
    because: Vec<Because<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Because<'a> {
    Field { cause: &'static str, path: &'a str },
    Other(&'a Cause),
}

impl<'a> Outline<'a> {
    fn of(step: &'a Step) -> Self {
        let Step { object, resource, action, because } = step;
        let because = because.iter().map(|cause| match cause {
            Cause::Field(change) => Because::Field { cause: "field", path: &change.path },
            other => Because::Other(other),
        });
        Self { object, resource, operation: action.operation(), because: because.collect() }
    }
}

fn as_outline<S: Serializer>(step: &Step, serializer: S) -> Result<S::Ok, S::Error> {
    Outline::of(step).serialize(serializer)
}

fn as_outlines<S: Serializer>(steps: &[Step], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(steps.iter().map(Outline::of))
}

fn as_list<S: Serializer>(statuses: &BTreeMap<ObjectKey, Status>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(statuses.values())
}

fn as_error<S: Serializer>(result: &Result<(), CloudError>, serializer: S) -> Result<S::Ok, S::Error> {
    result.as_ref().err().serialize(serializer)
}

/// A finding without the bytes' places, which mean nothing without the file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    code: &'a str,
    severity: String,
    object: Option<String>,
    file: &'a str,
    line: usize,
    column: usize,
    message: &'a str,
    help: &'a str,
}

fn as_findings<S: Serializer>(diagnostics: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(diagnostics.iter().map(|found| Finding {
        code: found.code.as_str(),
        severity: found.severity.to_string(),
        object: found.object.as_ref().map(ToString::to_string),
        file: &found.at.file,
        line: found.at.line,
        column: found.at.column,
        message: &found.message,
        help: &found.help,
    }))
}

#[cfg(test)]
mod tests {
    use axon_core::step::{Action, FieldChange};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_is_shown_without_what_it_asks_for() {
        let change = FieldChange {
            path: "tags.token".to_owned(),
            from: Some(json!("old-secret")),
            to: Some(json!("new-secret")),
        };
        let step = Step {
            object: ObjectKey::cluster("ml".parse().unwrap()),
            resource: Resource::Cluster("ml".to_owned()),
            action: Action::CreateTags {
                id: "c-1".to_owned(),
                tags: [("token".to_owned(), "new-secret".to_owned())].into(),
            },
            because: vec![Cause::Missing, Cause::Field(change)],
        };
        let done = DoneStep { number: 1, at: Timestamp::UNIX_EPOCH, step: step.clone(), result: Ok(()) };
        let view = View { in_flight: vec![step], steps_done: vec![done], ..View::default() };
        let json = json!(view);
        assert!(!json.to_string().contains("secret"), "{json:#}");
        assert_eq!(json["inFlight"][0]["operation"], "CreateTags");
        let because = json!([{"cause": "missing"}, {"cause": "field", "path": "tags.token"}]);
        assert_eq!((&json["inFlight"][0]["because"], &json["stepsDone"][0]["because"]), (&because, &because));
    }
}
