//! FilterLogEvents: the events of many streams of a group, by time. Neighbours: `page` has what GetLogEvents does alike. Patterns
//! are not modelled.

use serde_json::{Value, json};

use super::{
    group::{Entry, EventId, Group, Stream},
    no_stream,
    page::{self, Span, Token, Way},
};
use crate::{
    quirks::EmptyLogPages,
    wire::{
        fault::{Answer, Fault},
        value::{Read, array, put_some},
    },
    world::World,
};

/// 2024-01-01T00:00:00Z in milliseconds: "Setting startFromHead to false is supported only when startTime is on or after" it.
const BACKWARD_FROM: i64 = 1_704_067_200_000;

pub(super) fn filter(world: &World, input: &Value) -> Answer {
    if input.text("filterPattern").is_some_and(|pattern| !pattern.is_empty()) {
        return Err(Fault::not_modelled("filterPattern of FilterLogEvents"));
    }
    let (group, _) = page::named(world, input)?;
    let streams = streams(group, input)?;
    let given = input.text("nextToken").map(|text| Token::read(text, world.now)).transpose()?;
    let way = way(input, given)?;
    // "Events with a timestamp later than this time are not returned."
    let span =
        Span { first: input.number("startTime").unwrap_or(0), last: input.number("endTime").unwrap_or(i64::MAX) };
    let mut shown: Vec<(EventId, &str, &Entry)> = Vec::new();
    for (name, stream) in streams {
        let events = stream.events.iter().filter(|(id, entry)| span.shows(**id, entry, world.now));
        shown.extend(events.map(|(id, entry)| (*id, name, entry)));
    }
    shown.sort_by_key(|(id, ..)| *id);
    if way == Way::Backward {
        shown.reverse();
    }
    let beyond = |id: EventId| match given {
        None => true,
        Some(Token { way: Way::Forward, at }) => id > at,
        Some(Token { way: Way::Backward, at }) => id < at,
    };
    shown.retain(|(id, ..)| beyond(*id));
    let count = page::fitting(shown.iter().map(|(.., entry)| *entry), input).min(shown.len());
    if given.is_none() && world.options.quirks.empty_log_pages == EmptyLogPages::First {
        // "A returned page might only be partially full, or even empty."
        let last = EventId { at: i64::MAX, serial: u64::MAX };
        let at = if way == Way::Forward { EventId::FIRST } else { last };
        return Ok(answer(&[], Some(Token { way, at }.text(world.now))));
    }
    let found = shown.get(..count).unwrap_or_default();
    let more = (count < shown.len()).then(|| found.last()).flatten();
    Ok(answer(found, more.map(|(at, ..)| Token { way, at: *at }.text(world.now))))
}

fn answer(found: &[(EventId, &str, &Entry)], next: Option<String>) -> Value {
    let event = |(id, stream, entry): &(EventId, &str, &Entry)| {
        json!({
            "logStreamName": stream,
            "timestamp": id.at,
            "message": entry.message,
            "ingestionTime": entry.ingested,
            "eventId": id.text(),
        })
    };
    // "As of May 15, 2020, this parameter is no longer supported. This parameter returns an empty list."
    let mut answer = json!({"events": array(found.iter().map(event)), "searchedLogStreams": []});
    put_some(&mut answer, "nextToken", next);
    answer
}

/// A name of which there is no stream is an error, as moto has it; that a prefix of which there is none is no error is a guess.
fn streams<'g>(group: &'g Group, input: &'g Value) -> Result<Vec<(&'g str, &'g Stream)>, Fault> {
    let (names, prefix) = (input.list("logStreamNames"), input.text("logStreamNamePrefix"));
    if !names.is_empty() && prefix.is_some() {
        return Err(Fault::invalid("logStreamNames and logStreamNamePrefix cannot be specified together."));
    }
    if names.is_empty() {
        let all = group.streams.iter().filter(|(name, _)| name.starts_with(prefix.unwrap_or_default()));
        return Ok(all.map(|(name, stream)| (name.as_str(), stream)).collect());
    }
    let wanted = names.iter().filter_map(Value::as_str);
    wanted.map(|name| Ok((name, group.streams.get(name).ok_or_else(no_stream)?))).collect()
}

/// "If you provide both nextToken and startFromHead, the direction of the nextToken is used."
fn way(input: &Value, given: Option<Token>) -> Result<Way, Fault> {
    match (given, input.flag("startFromHead")) {
        (Some(token), _) => Ok(token.way),
        (None, Some(false)) if input.number("startTime").is_none_or(|start| start < BACKWARD_FROM) => {
            Err(Fault::invalid("startFromHead can be false only if startTime is on or after January 1, 2024."))
        }
        (None, Some(false)) => Ok(Way::Backward),
        (None, _) => Ok(Way::Forward),
    }
}
