//! The direction of dependencies: who may name whom, and what the pure crates must never reach.
//!
//! Neighbours: `deps/graph` reads `cargo metadata`; `deps/rules` holds the rules as data and applies them.
//! Must not hold: the name of a crate.

mod graph;
mod rules;

use crate::finding::Failure;
use crate::process::{capture, command};

use self::graph::Graph;

pub(crate) fn run() -> Result<(), Failure> {
    let json = capture(&mut command("cargo", &["metadata", "--format-version", "1", "--locked"]))?;
    let graph = Graph::parse(&json).map_err(|error| Failure::new(format!("cannot read `cargo metadata`: {error}")))?;
    Failure::unless_empty(rules::check(&graph))
}
