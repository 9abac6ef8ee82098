//! Log groups, their streams and the events in them, as plain values. Neighbours: `driver` writes, the operations read. What an
//! operation shows of them is not here.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

/// So many streams the simulator keeps; AWS keeps them for ever. The oldest go.
const MOST_STREAMS: usize = 20_000;

/// All log groups of the account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    all: BTreeMap<String, Group>,
    /// Streams by group and name, oldest first.
    made: VecDeque<(String, String)>,
    serial: u64,
}

/// A log group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) created: Timestamp,
    pub(crate) class: String,
    pub(crate) streams: BTreeMap<String, Stream>,
}

/// A log stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) created: Timestamp,
    /// In the order in which they are read.
    pub(crate) events: BTreeMap<EventId, Entry>,
}

/// Identifies an event of the account: its timestamp in milliseconds, then a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventId {
    pub(crate) at: i64,
    pub(crate) serial: u64,
}

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) message: String,
    /// In milliseconds; it cannot be read before.
    pub(crate) ingested: i64,
}

impl EventId {
    /// Before every event.
    pub(crate) const FIRST: Self = Self { at: 0, serial: 0 };

    /// 56 digits, as in the examples of AWS.
    pub(crate) fn text(self) -> String {
        format!("{:036}{:020}", self.at, self.serial)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let (at, serial) = text.split_at_checked(36).filter(|_| text.len() == 56)?;
        Some(Self { at: at.parse().ok()?, serial: serial.parse().ok()? })
    }
}

impl Groups {
    pub(crate) fn get(&self, name: &str) -> Option<&Group> {
        self.all.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Group)> {
        self.all.iter()
    }

    /// Makes a group; false when there is one of the name.
    pub(crate) fn create(&mut self, name: &str, class: &str, now: Timestamp) -> bool {
        let free = !self.all.contains_key(name);
        if free {
            let group = Group { created: now, class: class.to_owned(), streams: BTreeMap::new() };
            self.all.insert(name.to_owned(), group);
        }
        free
    }

    pub(crate) fn delete(&mut self, name: &str) -> bool {
        self.made.retain(|(group, _)| group != name);
        self.all.remove(name).is_some()
    }

    /// Makes a stream, if its group exists and has none of the name.
    pub(crate) fn open(&mut self, group: &str, stream: &str, now: Timestamp) {
        let Some(found) = self.all.get_mut(group).filter(|g| !g.streams.contains_key(stream)) else { return };
        found.streams.insert(stream.to_owned(), Stream { created: now, events: BTreeMap::new() });
        self.made.push_back((group.to_owned(), stream.to_owned()));
        if self.made.len() > MOST_STREAMS
            && let Some((group, stream)) = self.made.pop_front()
            && let Some(found) = self.all.get_mut(&group)
        {
            found.streams.remove(&stream);
        }
    }

    /// Writes an event into a stream that exists. It can be read from `ingested` on, both in milliseconds.
    pub(crate) fn write(&mut self, group: &str, stream: &str, (at, ingested): (i64, i64), message: &str) {
        self.serial += 1;
        let id = EventId { at, serial: self.serial };
        let found = self.all.get_mut(group).and_then(|g| g.streams.get_mut(stream));
        // An event without text is none for the driver.
        if let Some(found) = found.filter(|_| !message.is_empty()) {
            found.events.insert(id, Entry { message: message.to_owned(), ingested });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written_and_their_texts_are_in_the_order_of_events() {
        let ids = [EventId::FIRST, EventId { at: 999, serial: 12 }, EventId { at: 1_000, serial: 2 }];
        assert_eq!(ids.map(|id| EventId::read(&id.text())), ids.map(Some));
        assert!(ids.map(EventId::text).is_sorted());
        assert_eq!([EventId::read("12"), EventId::read(&"x".repeat(56))], [None, None]);
    }

    #[test]
    fn the_oldest_streams_go_when_there_are_too_many() {
        let mut groups = Groups::default();
        groups.create("g", "STANDARD", Timestamp::UNIX_EPOCH);
        for number in 0..=MOST_STREAMS {
            groups.open("g", &number.to_string(), Timestamp::UNIX_EPOCH);
        }
        let streams = &groups.get("g").unwrap().streams;
        assert_eq!((streams.len(), streams.contains_key("0"), streams.contains_key("1")), (MOST_STREAMS, false, true));
    }
}
