//! The port to whoever knows the statuses. Neighbours: `routes` asks, `axon-cli` implements. Not here: what a status is.

use serde_json::Value;

/// What the pages show, as of the moment of asking.
pub trait Board: Send + Sync + 'static {
    /// Everything, for machines.
    fn page(&self) -> Value;

    /// One object by kind and name, for machines; `None` if there is none.
    fn object(&self, kind: &str, name: &str) -> Option<Value>;

    /// What happened lately, newest last, for machines.
    fn events(&self) -> Value;

    /// Everything, for people, as plain text.
    fn text(&self) -> String;

    /// Whether AWS and the source have been read, so that the statuses mean something.
    fn readiness(&self) -> Readiness;
}

/// Whether the operator knows what it is talking about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// Not yet, and what is missing.
    NotYet(String),
}
