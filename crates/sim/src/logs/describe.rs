//! DescribeLogGroups and DescribeLogStreams. Neighbours: `group` has what is described. Both show what is true at once; on AWS
//! `lastEventTimestamp` may trail by an hour.

use serde_json::{Value, json};

use super::{
    group::{Group, Stream},
    page,
};
use crate::{
    wire::{
        fault::{Answer, Fault},
        page::{Bad, Page, Sizes, page as cut},
        value::{Read, array, put_some},
    },
    world::World,
};

/// "If you don't specify a value, the default is up to 50 items."
const SIZES: Sizes = Sizes { usual: 50, most: 50 };

pub(super) fn groups(world: &World, input: &Value) -> Answer {
    let (prefix, pattern) = (input.text("logGroupNamePrefix"), input.text("logGroupNamePattern"));
    if prefix.is_some() && pattern.is_some() {
        return Err(Fault::invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive."));
    }
    let class = input.text("logGroupClass");
    let fits = |name: &str, group: &Group| {
        name.starts_with(prefix.unwrap_or_default())
            && name.contains(pattern.unwrap_or_default())
            && class.is_none_or(|class| group.class == class)
    };
    let names = world.logs.iter().filter(|(name, group)| fits(name, group)).map(|(name, _)| name.clone());
    let found = paged(world, names.collect(), input)?;
    let shown = found.items.iter().filter_map(|name| Some(group(world, name, world.logs.get(name)?, pattern)));
    let mut answer = json!({"logGroups": array(shown)});
    put_some(&mut answer, "nextToken", found.next);
    Ok(answer)
}

/// "If you specify logGroupNamePattern in your request, then only arn, creationTime, and logGroupName are included in the
/// response."
fn group(world: &World, name: &str, group: &Group, pattern: Option<&str>) -> Value {
    let arn = page::arn(world, name);
    let mut shown = json!({
        "logGroupName": name,
        "creationTime": group.created.as_millisecond(),
        "arn": format!("{arn}:*"),
    });
    if pattern.is_none() {
        let events = group.streams.values().flat_map(|stream| stream.events.values());
        put_some(&mut shown, "metricFilterCount", Some(0));
        put_some(&mut shown, "storedBytes", Some(events.map(|entry| entry.message.len()).sum::<usize>()));
        put_some(&mut shown, "logGroupClass", Some(group.class.as_str()));
        put_some(&mut shown, "logGroupArn", Some(arn));
        put_some(&mut shown, "deletionProtectionEnabled", Some(false));
    }
    shown
}

pub(super) fn streams(world: &World, input: &Value) -> Answer {
    let (group, name) = page::named(world, input)?;
    let prefix = input.text("logStreamNamePrefix");
    let by_time = input.text("orderBy") == Some("LastEventTime");
    if by_time && prefix.is_some() {
        return Err(Fault::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let mut all: Vec<(&String, &Stream)> =
        group.streams.iter().filter(|(name, _)| name.starts_with(prefix.unwrap_or_default())).collect();
    if by_time {
        all.sort_by_key(|(name, stream)| (last(world, stream), *name));
    }
    if input.flag("descending") == Some(true) {
        all.reverse();
    }
    let found = paged(world, all.into_iter().map(|(name, _)| name.clone()).collect(), input)?;
    let shown = found.items.iter().filter_map(|item| Some(stream(world, &name, item, group.streams.get(item)?)));
    let mut answer = json!({"logStreams": array(shown)});
    put_some(&mut answer, "nextToken", found.next);
    Ok(answer)
}

/// The timestamp of the last event that can be read.
fn last(world: &World, stream: &Stream) -> Option<i64> {
    let now = world.now.as_millisecond();
    stream.events.iter().rev().find(|(_, entry)| entry.ingested <= now).map(|(id, _)| id.at)
}

fn stream(world: &World, group: &str, name: &str, stream: &Stream) -> Value {
    let now = world.now.as_millisecond();
    let read = || stream.events.iter().filter(|(_, entry)| entry.ingested <= now);
    let mut shown = json!({
        "logStreamName": name,
        "creationTime": stream.created.as_millisecond(),
        "arn": format!("{}:log-stream:{name}", page::arn(world, group)),
        // "As of June 17, 2019, this parameter is no longer supported for log streams, and is always reported as zero."
        "storedBytes": 0,
    });
    put_some(&mut shown, "firstEventTimestamp", read().next().map(|(id, _)| id.at));
    put_some(&mut shown, "lastEventTimestamp", last(world, stream));
    put_some(&mut shown, "lastIngestionTime", read().map(|(_, entry)| entry.ingested).max());
    shown
}

fn paged(world: &World, names: Vec<String>, input: &Value) -> Result<Page, Fault> {
    cut(world.paging(), names, input.number("limit"), input.text("nextToken"), SIZES).map_err(|bad| match bad {
        Bad::Size => Fault::invalid("limit must be between 1 and 50."),
        Bad::Token => Fault::invalid("The specified nextToken is invalid."),
    })
}
