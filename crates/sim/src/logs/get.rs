//! GetLogEvents: the events of one stream, in both directions. Neighbours: `page` has what FilterLogEvents does alike.

use serde_json::{Value, json};

use super::{
    group::{Entry, EventId},
    no_stream,
    page::{self, Span, Token, Way},
};
use crate::{
    quirks::EmptyLogPages,
    wire::{
        fault::{Answer, Fault},
        value::{Read, array},
    },
    world::World,
};

pub(super) fn get(world: &World, input: &Value) -> Answer {
    let (group, _) = page::named(world, input)?;
    let stream = group.streams.get(input.text("logStreamName").unwrap_or_default()).ok_or_else(no_stream)?;
    // "Events with a timestamp equal to or later than this time are not included."
    let last = input.number("endTime").map_or(i64::MAX, |end| end - 1);
    let span = Span { first: input.number("startTime").unwrap_or(0), last };
    let from_head = input.flag("startFromHead").unwrap_or(false);
    let given = input.text("nextToken");
    let token = given.map(|text| Token::read(text, world.now)).transpose()?;
    if token.is_some_and(|t| t.way == Way::Forward) && !from_head {
        // "If you are using a previous nextForwardToken value as the nextToken in this operation, you must specify true for
        // startFromHead." What happens otherwise is not documented.
        return Err(Fault::invalid("startFromHead must be true with a nextForwardToken."));
    }
    let shown = stream.events.iter().filter(|(id, entry)| span.shows(**id, entry, world.now));
    let shown: Vec<(&EventId, &Entry)> = shown.collect();
    let found: &[(&EventId, &Entry)] = match token {
        None if from_head && world.options.quirks.empty_log_pages == EmptyLogPages::First => &[],
        None if from_head => first(&shown, input),
        None => last_of(&shown, input),
        Some(Token { way: Way::Forward, at }) => {
            first(shown.get(shown.partition_point(|(id, _)| **id <= at)..).unwrap_or_default(), input)
        }
        Some(Token { way: Way::Backward, at }) => {
            last_of(shown.get(..shown.partition_point(|(id, _)| **id < at)).unwrap_or_default(), input)
        }
    };
    let event = |(id, entry): &(&EventId, &Entry)| json!({"timestamp": id.at, "message": entry.message, "ingestionTime": entry.ingested});
    Ok(json!({
        "events": array(found.iter().map(event)),
        "nextForwardToken": next(world, Way::Forward, found.last().map(|(id, _)| **id), (token, given)),
        "nextBackwardToken": next(world, Way::Backward, found.first().map(|(id, _)| **id), (token, given)),
    }))
}

/// "If you have reached the end of the stream, it returns the same token you passed in."
fn next(world: &World, way: Way, edge: Option<EventId>, (token, given): (Option<Token>, Option<&str>)) -> String {
    match (edge, token, given) {
        (Some(at), _, _) => Token { way, at }.text(world.now),
        (None, Some(token), Some(given)) if token.way == way => given.to_owned(),
        (None, token, _) => Token { way, at: token.map_or(EventId::FIRST, |t| t.at) }.text(world.now),
    }
}

fn first<'s, 'e>(shown: &'s [(&'e EventId, &'e Entry)], input: &Value) -> &'s [(&'e EventId, &'e Entry)] {
    let count = page::fitting(shown.iter().map(|(_, entry)| *entry), input);
    shown.get(..count.min(shown.len())).unwrap_or_default()
}

/// A page of the latest ones is in the order of time, too.
fn last_of<'s, 'e>(shown: &'s [(&'e EventId, &'e Entry)], input: &Value) -> &'s [(&'e EventId, &'e Entry)] {
    let count = page::fitting(shown.iter().rev().map(|(_, entry)| *entry), input);
    shown.get(shown.len().saturating_sub(count)..).unwrap_or_default()
}
