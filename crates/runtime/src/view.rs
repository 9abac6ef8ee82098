//! What a reconciler shows of itself: one immutable value that is published whenever it changes.
//!
//! Built by `controller`, published by `reconciler`, read by the command line and the web pages. Plain data; how it looks
//! is theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axon_core::cloud::CloudError;
use axon_core::diagnostic::Diagnostic;
use axon_core::parse::SourceFile;
use axon_core::plan::Waiting;
use axon_core::spec::ObjectKey;
use axon_core::status::Status;
use axon_core::step::Step;
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
    /// Calls under way.
    pub in_flight: Vec<Step>,
    /// How far it is.
    pub phase: Phase,
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

/// A step that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneStep {
    /// Counts all steps of this process from 1, so that a reader of the bounded log sees what it has seen already.
    pub number: u64,
    /// When it ended.
    pub at: Timestamp,
    /// The step.
    #[serde(flatten)]
    pub step: Step,
    /// How it ended. Serialized as `error`, which is null after success.
    #[serde(rename = "error", serialize_with = "as_error")]
    pub result: Result<(), CloudError>,
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
