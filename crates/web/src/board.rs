//! The port to whoever knows the statuses. Neighbours: `routes` asks, `axon-cli` implements. Not here: what a status is.

use serde_json::Value;

/// What the pages show, as of the moment of asking.
pub trait Board: Send + Sync + 'static {
    /// Everything, for machines.
    fn page(&self) -> Value;

    /// One object by kind and name, for machines.
    fn object(&self, asked: &AskedObject) -> Result<Value, Refusal>;

    /// What happened, newest last, for machines.
    fn events(&self, asked: &AskedEvents) -> Result<Value, Refusal>;

    /// What is being done and what is waited for, for machines.
    fn plan(&self) -> Value;

    /// Everything, for people, as plain text.
    fn text(&self) -> String;

    /// Counts and gauges in Prometheus' text format 0.0.4.
    fn metrics(&self) -> String;

    /// Whether AWS and the source have been read, so that the statuses mean something.
    fn readiness(&self) -> Readiness;

    /// Whether every loop turns.
    fn health(&self) -> Health;
}

/// Which object is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedObject {
    /// Its kind, in any case.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its target; needed only where several targets declare it.
    pub target: Option<String>,
}

/// Which events are asked for. Nothing asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedEvents {
    /// `Kind/name`, in any case.
    pub object: Option<String>,
    /// Name of a target.
    pub target: Option<String>,
    /// A length of time before now (`90m`), or an instant in RFC 3339.
    pub since: Option<String>,
    /// How many at most, the newest.
    pub limit: Option<usize>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing, and what there is.
    Missing(String),
    /// The question is none, and what would be one.
    Unclear(String),
}

/// Whether the operator knows what it is talking about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// Not yet, and what is missing.
    NotYet(String),
}

/// Whether the process does its work at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Alive,
    /// A loop stands still, and which.
    Hung(String),
}
