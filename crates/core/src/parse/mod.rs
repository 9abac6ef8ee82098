//! Files to documents: every document of every file read into its strict type, with the place of every field.
//!
//! Neighbours: `source` (outside this crate) hands in the files, `validate` judges what comes out. All problems of all
//! documents are reported at once. Not here: rules that need more than the shape of one document, and any I/O.

mod keying;
mod positions;
mod scalar;
mod split;
mod structure;
mod tree;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, Location, sort};
use crate::spec::{Kind, Object, ObjectKey, shared_schema};

pub use positions::Positions;
pub(crate) use positions::escape;
pub use tree::{MAX_DEPTH, MAX_NODES};

/// The most bytes a file may have.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// A file of the source, by its path from the source's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path, with `/` between folders.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// A document that could be told apart by kind and name.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its kind and name.
    pub key: ObjectKey,
    /// The object, or nothing if it has problems; the diagnostics say which.
    pub object: Option<Object>,
    /// Where the document begins.
    pub location: Location,
    /// Where each of its fields is.
    pub positions: Positions,
}

/// What was found in the files.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// Every document with a readable kind and name, in the order of files and lines.
    pub objects: Vec<Declared>,
    /// Every problem, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
    /// Where documents are whose kind or name cannot be read. If there is one, it may be any object: nothing may be
    /// concluded from an object's absence, and nothing pruned.
    pub unkeyed: Vec<Location>,
}

/// Reads all documents of all files.
pub fn parse(files: &[SourceFile]) -> Parsed {
    let schema = shared_schema();
    let mut parsed = Parsed::default();
    for file in files {
        read_file(schema, file, &mut parsed);
    }
    sort(&mut parsed.diagnostics);
    parsed
}

fn read_file(schema: &Value, file: &SourceFile, parsed: &mut Parsed) {
    let path: Arc<str> = file.path.as_str().into();
    if file.text.len() > MAX_FILE_BYTES {
        let at = Location::start_of(path);
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", file.text.len());
        let found = Diagnostic::new(Code::TooLarge, at.clone(), message);
        parsed.diagnostics.push(found.with_help("Split it into several files."));
        parsed.unkeyed.push(at);
        return;
    }
    for chunk in split::documents(&file.text) {
        let start =
            Location { file: Arc::clone(&path), line: chunk.first_line, column: 1, offset: chunk.offset, length: 0 };
        match tree::read(&chunk) {
            Ok(None) => {}
            Ok(Some(tree)) => read_document(schema, &path, tree, parsed),
            Err(problem) => {
                parsed.diagnostics.push(problem.into_diagnostic(&path));
                parsed.unkeyed.push(start);
            }
        }
    }
}

fn read_document(schema: &Value, path: &Arc<str>, tree: tree::Tree, parsed: &mut Parsed) {
    let mut problems = tree.problems;
    let positions = Positions::new(Arc::clone(path), tree.root);
    let location = positions.of("");
    let keyed = keying::key_of(positions.root(), &mut problems);
    let mut object = None;
    if let Some(key) = &keyed {
        let value = structure::read(schema, key.kind, positions.root(), &mut problems);
        if problems.is_empty() {
            object = value.and_then(|value| typed(key.kind, value, &location, &mut parsed.diagnostics));
        }
    } else {
        parsed.unkeyed.push(location.clone());
    }
    let found = problems.into_iter().map(|problem| {
        let found = problem.into_diagnostic(path);
        match &keyed {
            Some(key) => found.about(key.clone()),
            None => found,
        }
    });
    parsed.diagnostics.extend(found);
    if let Some(key) = keyed {
        parsed.objects.push(Declared { key, object, location, positions });
    }
}

/// Reads a value that fits the schema into its type. The two agree; should they ever not, it is a finding.
fn typed(kind: Kind, value: Value, at: &Location, diagnostics: &mut Vec<Diagnostic>) -> Option<Object> {
    let read = match kind {
        Kind::NeuronCluster => serde_json::from_value(value).map(Object::Cluster),
        Kind::NeuronPool => serde_json::from_value(value).map(Object::Pool),
        Kind::NeuronService => serde_json::from_value(value).map(Object::Service),
        Kind::NeuronJob => serde_json::from_value(value).map(Object::Job),
    };
    match read {
        Ok(object) => Some(object),
        Err(error) => {
            diagnostics.push(Diagnostic::new(Code::WrongType, at.clone(), error.to_string()));
            None
        }
    }
}
