//! What the two reading operations share: which group is meant, which events a request covers, how much a page holds, and tokens.
//! Neighbours: `get` and `filter`. What an event looks like in an answer is theirs.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    group::{Entry, EventId, Group},
    no_group,
};
use crate::{
    wire::{fault::Fault, value::Read},
    world::World,
};

/// "Each page returned can contain up to 1 MB of log events or up to 10,000 log events."
const MOST_EVENTS: i64 = 10_000;
const MOST_BYTES: usize = 1_048_576;
/// How much an event counts beside its text: as PutLogEvents counts it.
const OVERHEAD: usize = 26;
/// "The token expires after 24 hours."
const LASTS: i64 = 86_400;

/// The group that a request names. "You must include one of these two parameters, but you can't include both."
pub(super) fn named<'w>(world: &'w World, input: &Value) -> Result<(&'w Group, String), Fault> {
    let name = match (input.text("logGroupName"), input.text("logGroupIdentifier")) {
        (Some(name), None) => name,
        (None, Some(identifier)) => by_identifier(world, identifier)?,
        _ => return Err(Fault::invalid("Specify either logGroupName or logGroupIdentifier, and not both.")),
    };
    Ok((world.logs.get(name).ok_or_else(no_group)?, name.to_owned()))
}

/// "Specify either the name or ARN of the log group."
fn by_identifier<'i>(world: &World, identifier: &'i str) -> Result<&'i str, Fault> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier);
    }
    let here = arn(world, "");
    identifier.strip_prefix(&here).ok_or_else(|| Fault::not_modelled("log groups of other accounts and Regions"))
}

/// The ARN of a group, without the `:*` that IAM wants.
pub(super) fn arn(world: &World, name: &str) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{name}", world.options.region, world.options.account)
}

/// The events that a request covers, by their timestamps in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) first: i64,
    /// The last that is covered.
    pub(super) last: i64,
}

impl Span {
    /// Whether an event is covered and can be read by now.
    pub(super) fn shows(self, id: EventId, entry: &Entry, now: Timestamp) -> bool {
        (self.first..=self.last).contains(&id.at) && entry.ingested <= now.as_millisecond()
    }
}

/// In which direction a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Later events than the position.
    Forward,
    /// Earlier events.
    Backward,
}

/// Where the last page ended: the next one begins beyond `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) way: Way,
    pub(super) at: EventId,
}

impl Token {
    /// As it is handed out now.
    pub(super) fn text(self, now: Timestamp) -> String {
        let way = if self.way == Way::Forward { 'f' } else { 'b' };
        format!("{way}/{}/{:x}", self.at.text(), now.as_second())
    }

    /// Which exception and which words AWS has for a token that is wrong or too old is not documented.
    pub(super) fn read(text: &str, now: Timestamp) -> Result<Self, Fault> {
        let wrong = || Fault::invalid("The specified nextToken is invalid.");
        let mut parts = text.split('/');
        let way = match parts.next() {
            Some("f") => Way::Forward,
            Some("b") => Way::Backward,
            _ => return Err(wrong()),
        };
        let at = parts.next().and_then(EventId::read).ok_or_else(wrong)?;
        let issued = parts.next().and_then(|t| i64::from_str_radix(t, 16).ok()).ok_or_else(wrong)?;
        if issued + LASTS < now.as_second() || parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self { way, at })
    }
}

/// How many of these events, in the order in which a page takes them up, go into it.
pub(super) fn fitting<'e>(entries: impl Iterator<Item = &'e Entry>, input: &Value) -> usize {
    let most = usize::try_from(input.number("limit").unwrap_or(MOST_EVENTS)).unwrap_or(1);
    let mut bytes = 0;
    let fits = entries.take(most).take_while(|entry| {
        bytes += entry.message.len() + OVERHEAD;
        bytes <= MOST_BYTES
    });
    // An event may have 1 MB by itself.
    fits.count().max(1)
}
