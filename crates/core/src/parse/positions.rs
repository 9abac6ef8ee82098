//! Where each field of a document is, found by JSON pointer.
//!
//! Neighbours: made from the tree by `parse`, asked by `validate` for every finding. Not here: the values.

use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Location;

use super::tree::{Mark, Node, Shape};

/// Where each field of a document is.
#[derive(Clone)]
pub struct Positions {
    file: Arc<str>,
    root: Arc<Node>,
}

impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Positions({})", self.file)
    }
}

impl Positions {
    pub(crate) fn new(file: Arc<str>, root: Node) -> Self {
        Self { file, root: Arc::new(root) }
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The place of the value at a JSON pointer such as `/spec/managedInstances/subnets/1`. A mapping or list is shown
    /// by its key. If the field is not written, the place of the nearest thing around it.
    pub fn of(&self, pointer: &str) -> Location {
        self.mark(pointer, Wanted::Value).in_file(&self.file)
    }

    /// The place of the key at a JSON pointer; for an item of a list, of the item.
    pub fn key(&self, pointer: &str) -> Location {
        self.mark(pointer, Wanted::Key).in_file(&self.file)
    }

    /// True if the field at a JSON pointer is written in the document.
    pub fn has(&self, pointer: &str) -> bool {
        let mut node: &Node = &self.root;
        for part in pointer.split('/').skip(1) {
            match step(node, part) {
                Some((_, next)) => node = next,
                None => return false,
            }
        }
        true
    }

    fn mark(&self, pointer: &str, wanted: Wanted) -> Mark {
        let mut node: &Node = &self.root;
        let mut best = first_of(node);
        for part in pointer.split('/').skip(1) {
            let Some((key, next)) = step(node, part) else { return best };
            best = match (&next.shape, key, wanted) {
                (Shape::Scalar { .. }, Some(key), Wanted::Key) => key,
                (Shape::Scalar { .. }, _, _) => next.mark,
                (_, Some(key), _) => key,
                (_, None, _) => first_of(next),
            };
            node = next;
        }
        best
    }
}

#[derive(Clone, Copy)]
enum Wanted {
    Value,
    Key,
}

/// The beginning of a mapping or list is its first key or item, since its own range ends who knows where.
fn first_of(node: &Node) -> Mark {
    match &node.shape {
        Shape::Map(fields) => fields.first().map_or(node.mark, |field| field.key_mark),
        Shape::List(items) => items.first().map_or(node.mark, first_of),
        Shape::Scalar { .. } => node.mark,
    }
}

fn step<'a>(node: &'a Node, part: &str) -> Option<(Option<Mark>, &'a Node)> {
    match &node.shape {
        Shape::Map(fields) => {
            let name = part.replace("~1", "/").replace("~0", "~");
            let field = fields.iter().find(|field| field.key == name)?;
            Some((Some(field.key_mark), &field.node))
        }
        Shape::List(items) => Some((None, items.get(part.parse::<usize>().ok()?)?)),
        Shape::Scalar { .. } => None,
    }
}

/// A name as a part of a JSON pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
