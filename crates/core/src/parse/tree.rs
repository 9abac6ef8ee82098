//! One document's text to a tree of plain nodes, each with its place, under strict limits.
//!
//! Neighbours: the scanner is the one inside serde-saphyr; `structure` reads the tree against the schema, `Positions`
//! keeps it. Not here: what the words mean. Refused are anchors, aliases, tags, merge keys, keys that repeat, and
//! anything deeper or larger than a real object.

#![allow(clippy::wildcard_enum_match_arm, reason = "the scanner's events are not ours and may grow")]

use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::diagnostic::{Code, Diagnostic, Location};
use crate::text::is_hidden;

use super::split::Chunk;

/// How deep mappings and lists may be nested.
pub const MAX_DEPTH: usize = 32;
/// How many values a document may have.
pub const MAX_NODES: usize = 50_000;

/// A place in a file whose name is known elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    line: usize,
    column: usize,
    offset: usize,
    length: usize,
}

impl Mark {
    pub(crate) fn in_file(self, file: &Arc<str>) -> Location {
        let Self { line, column, offset, length } = self;
        Location { file: Arc::clone(file), line, column, offset, length }
    }
}

/// A problem with its place.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) at: Mark,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Problem {
    pub(crate) fn new(code: Code, at: Mark, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into(), help: String::new() }
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }

    pub(crate) fn into_diagnostic(self, file: &Arc<str>) -> Diagnostic {
        Diagnostic::new(self.code, self.at.in_file(file), self.message).with_help(self.help)
    }
}

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) shape: Shape,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A word or text; `plain` if it has no quotes and is no block.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<Field>),
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) key_mark: Mark,
    /// True if the key is written again further down.
    pub(crate) repeated: bool,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        match &self.shape {
            Shape::Map(fields) => fields.iter().find(|field| field.key == name),
            Shape::Scalar { .. } | Shape::List(_) => None,
        }
    }
}

/// A document that is YAML, with what is wrong in it all the same.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    pub(crate) problems: Vec<Problem>,
}

/// Reads a document; nothing if there is only white space and comments.
pub(crate) fn read(chunk: &Chunk<'_>) -> Result<Option<Tree>, Problem> {
    let mut reader = Reader {
        parser: Parser::new_from_str(&chunk.text),
        first_line: chunk.first_line,
        offset: chunk.offset,
        nodes: 0,
        depth: 0,
        problems: Vec::new(),
    };
    let (event, span) = loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(None),
            other => break (other, span),
        }
    };
    let empty = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty());
    if empty {
        return Ok(None);
    }
    let root = reader.node(event, span)?;
    Ok(Some(Tree { root, problems: reader.problems }))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    first_line: usize,
    offset: usize,
    nodes: usize,
    depth: usize,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = *error.marker();
                let at = self.mark(Span::empty(marker));
                Err(Problem::new(Code::YamlSyntax, at, format!("not YAML: {}", error.info())))
            }
            None => Err(Problem::new(Code::YamlSyntax, self.start(), "not YAML: the document ends too early")),
        }
    }

    fn start(&self) -> Mark {
        Mark { line: self.first_line, column: 1, offset: self.offset, length: 0 }
    }

    fn mark(&self, span: Span) -> Mark {
        let start = span.start.byte_offset().unwrap_or_default();
        let end = span.end.byte_offset().unwrap_or(start);
        Mark {
            line: self.first_line + span.start.line().saturating_sub(1),
            column: span.start.col() + 1,
            offset: self.offset + start,
            length: end.saturating_sub(start),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Problem> {
        let mark = self.mark(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the document has more than {MAX_NODES} values");
            return Err(Problem::new(Code::TooLarge, mark, message));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_sharing(mark, anchor, tag.as_deref());
                self.look_for_controls(mark, &text);
                let plain = matches!(style, ScalarStyle::Plain);
                Ok(Node { mark, shape: Shape::Scalar { text: text.into_owned(), plain } })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_sharing(mark, anchor, tag.as_deref());
                self.descend(mark)?;
                let items = self.items()?;
                self.depth -= 1;
                Ok(Node { mark, shape: Shape::List(items) })
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_sharing(mark, anchor, tag.as_deref());
                self.descend(mark)?;
                let fields = self.fields()?;
                self.depth -= 1;
                Ok(Node { mark, shape: Shape::Map(fields) })
            }
            _ => Err(sharing(mark, "an alias")),
        }
    }

    fn descend(&mut self, at: Mark) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = format!("values are nested more than {MAX_DEPTH} deep");
            return Err(Problem::new(Code::TooLarge, at, message));
        }
        Ok(())
    }

    fn items(&mut self) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (Event::Comment(..), _) => {}
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn fields(&mut self) -> Result<Vec<Field>, Problem> {
        let mut fields: Vec<Field> = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(fields),
                (Event::Comment(..), _) => continue,
                other => other,
            };
            let key = self.node(event, span)?;
            let (event, span) = loop {
                match self.next()? {
                    (Event::Comment(..), _) => {}
                    other => break other,
                }
            };
            let node = self.node(event, span)?;
            self.add_field(&mut fields, key, node);
        }
    }

    fn add_field(&mut self, fields: &mut Vec<Field>, key: Node, node: Node) {
        let Shape::Scalar { text, plain } = key.shape else {
            let message = "a key is a list or mapping; keys are texts";
            self.problems.push(Problem::new(Code::WrongType, key.mark, message));
            return;
        };
        if plain && text == "<<" {
            self.problems.push(sharing(key.mark, "a merge key (`<<`)"));
        }
        if let Some(first) = fields.iter_mut().find(|field| field.key == text) {
            first.repeated = true;
            let message = format!("`{text}` is written twice; the first time in line {}", first.key_mark.line);
            self.problems.push(Problem::new(Code::DuplicateKey, key.mark, message).with_help("Keep one of them."));
            return;
        }
        fields.push(Field { key: text, key_mark: key.mark, repeated: false, node });
    }

    fn refuse_sharing(&mut self, at: Mark, anchor: usize, tag: Option<&Tag>) {
        if anchor > 0 {
            self.problems.push(sharing(at, "an anchor"));
        }
        if tag.is_some() {
            self.problems.push(sharing(at, "a tag"));
        }
    }

    fn look_for_controls(&mut self, at: Mark, text: &str) {
        if let Some(bad) = text.chars().find(|c| is_hidden(*c) && !matches!(c, '\n' | '\t' | '\r')) {
            let message = format!("the text contains the invisible character U+{:04X}", u32::from(bad));
            self.problems.push(Problem::new(Code::ControlCharacter, at, message).with_help("Remove it."));
        }
    }
}

fn sharing(at: Mark, what: &str) -> Problem {
    let message = format!("{what} is used; every object stands for itself");
    Problem::new(Code::AnchorOrAlias, at, message).with_help("Write the value where it is used.")
}
