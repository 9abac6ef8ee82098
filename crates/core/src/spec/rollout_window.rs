//! A time of the week in which instances may be replaced.
//!
//! Neighbours: part of `pool_rollout`. Time zones come from the database that is compiled in, so that a spec is valid, and
//! a window open, on every machine alike. Not here: what happens in the window.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Duration;
use crate::diagnostic::nearest;

/// A time in which instances may be replaced, every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutWindow {
    /// When it opens, on the clock of `timeZone`: `"02:00"`.
    pub start: TimeOfDay,
    /// How long it is open, up to `24h`; it may last past midnight. A replacement that has begun is finished.
    pub duration: Duration,
    /// The days on which it opens. Default: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// A name of the IANA time zone database, such as `Europe/Berlin`. Default: `UTC`.
    #[serde(default = "utc")]
    pub time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl RolloutWindow {
    /// True from an opening on until its duration has passed.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let length = SignedDuration::from_secs(i64::from(self.duration.seconds()));
        self.openings(now, -1..=0).any(|opening| opening <= now && now.duration_since(opening) < length)
    }

    /// When it opens next, after now.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        self.openings(now, 0..=8).find(|opening| *opening > now)
    }

    /// Openings on days around today, in order. A time that a change of clocks skips is taken an hour later; one that it
    /// repeats, the first time.
    fn openings(&self, now: Timestamp, days: std::ops::RangeInclusive<i64>) -> impl Iterator<Item = Timestamp> {
        let zone = zone(&self.time_zone);
        days.filter_map(move |offset| {
            let zone = zone.clone()?;
            let date = now.to_zoned(zone.clone()).date().checked_add(offset.days()).ok()?;
            let opens = self.days.is_empty() || self.days.contains(&Weekday::of(date));
            let (hour, minute) = (i8::try_from(self.start.hour).ok()?, i8::try_from(self.start.minute).ok()?);
            let opening = date.at(hour, minute, 0, 0).to_zoned(zone).ok()?;
            opens.then(|| opening.timestamp())
        })
    }
}

/// The time zone with this name in the IANA database.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    ZONES.get(name).ok()
}

/// A name of the database that is like this one.
pub(crate) fn zone_like(name: &str) -> Option<String> {
    let known: Vec<String> = TimeZoneDatabase::bundled().available().map(|zone| zone.as_str().to_owned()).collect();
    nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    fn of(date: Date) -> Self {
        match date.weekday() {
            jiff::civil::Weekday::Monday => Self::Mon,
            jiff::civil::Weekday::Tuesday => Self::Tue,
            jiff::civil::Weekday::Wednesday => Self::Wed,
            jiff::civil::Weekday::Thursday => Self::Thu,
            jiff::civil::Weekday::Friday => Self::Fri,
            jiff::civil::Weekday::Saturday => Self::Sat,
            jiff::civil::Weekday::Sunday => Self::Sun,
        }
    }
}

/// An hour and a minute of a day, written `02:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

/// The text is not an hour and a minute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time of day; write hours and minutes from \"00:00\" to \"23:59\"")]
pub struct ParseTimeOfDayError(String);

impl TimeOfDay {
    /// The pattern of the JSON Schema.
    pub const PATTERN: &'static str = "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$";

    /// The hour, 0 to 23.
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub const fn minute(self) -> u8 {
        self.minute
    }
}

impl FromStr for TimeOfDay {
    type Err = ParseTimeOfDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseTimeOfDayError(text.to_owned());
        let two = |digits: &str, end: u8| {
            let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|number| plain && *number < end).ok_or_else(refused)
        };
        let (hour, minute) = text.split_once(':').ok_or_else(refused)?;
        Ok(Self { hour: two(hour, 24)?, minute: two(minute, 60)? })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "time-hm",
            "pattern": Self::PATTERN,
            "description": "Hours and minutes from `00:00` to `23:59`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_two_digits_each() {
        assert_eq!("02:05".parse::<TimeOfDay>().map(|time| (time.hour(), time.minute())), Ok((2, 5)));
        for text in ["", "2:05", "02:5", "24:00", "12:60", "+1:00", "02:00:00", "0200"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text:?} was accepted");
        }
    }
    fn window(start: &str, hours: u32, days: &[Weekday], zone: &str) -> RolloutWindow {
        let start = start.parse().unwrap();
        RolloutWindow {
            start,
            duration: Duration::from_minutes(hours * 60),
            days: days.to_vec(),
            time_zone: zone.into(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_open_on_the_clock_of_its_zone() {
        let night = window("02:00", 4, &[], "Europe/Berlin");
        assert!(!night.is_open(at("2026-01-10T00:59:59Z")) && night.is_open(at("2026-01-10T01:00:00Z")));
        assert!(night.is_open(at("2026-01-10T04:59:59Z")) && !night.is_open(at("2026-01-10T05:00:00Z")));
        assert!(night.is_open(at("2026-07-10T00:00:00Z")), "summer time");
    }

    #[test]
    fn a_window_that_opens_on_saturday_lasts_into_sunday() {
        let late = window("22:00", 6, &[Weekday::Sat], "UTC");
        assert!(late.is_open(at("2026-01-11T03:00:00Z")));
        assert!(!late.is_open(at("2026-01-10T03:00:00Z")), "Friday's evening");
        assert_eq!(late.next_opening(at("2026-01-10T22:00:00Z")), Some(at("2026-01-17T22:00:00Z")));
    }

    #[test]
    fn a_zone_nobody_knows_never_opens_and_has_a_neighbour() {
        let lost = window("02:00", 4, &[], "Europe/Berlim");
        assert!(!lost.is_open(at("2026-01-10T01:00:00Z")));
        assert_eq!(lost.next_opening(at("2026-01-10T01:00:00Z")), None);
        assert_eq!(zone_like("Europe/Berlim").as_deref(), Some("Europe/Berlin"));
    }

    #[test]
    fn a_start_that_the_clocks_skip_is_an_hour_later() {
        let night = window("02:30", 1, &[], "Europe/Berlin");
        assert_eq!(night.next_opening(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T01:30:00Z")));
    }
}
