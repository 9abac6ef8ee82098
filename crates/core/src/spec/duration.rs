//! A length of time as users write it: `90s`, `10m`, `1h30m`.
//!
//! Neighbours: fields of `spec` types; `render` turns it into the seconds or minutes AWS wants.
//! Not here: points in time, and ranges that a particular field allows (`validate`).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in whole seconds, written with the units `h`, `m` and `s` in this order: `90s`, `10m`, `1h30m`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u32);

/// Why a text is not a [`Duration`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Not numbers with the units `h`, `m`, `s`, each at most once and in this order.
    #[error("{0:?} is not a duration; write hours, minutes and seconds such as `90s`, `10m` or `1h30m`")]
    Form(String),
    /// More seconds than AWS's 32-bit fields can hold.
    #[error("{0:?} is longer than 2147483647 seconds, the most that ECS stores")]
    TooLong(String),
}

impl Duration {
    /// The pattern of the JSON Schema.
    pub const PATTERN: &'static str =
        "^(?:[0-9]{1,6}h(?:[0-9]{1,8}m)?(?:[0-9]{1,10}s)?|[0-9]{1,8}m(?:[0-9]{1,10}s)?|[0-9]{1,10}s)$";

    /// A duration of whole seconds.
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// A duration of whole minutes; stays at the maximum if the product does not fit.
    pub const fn from_minutes(minutes: u32) -> Self {
        Self(minutes.saturating_mul(60))
    }

    /// The length in seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// The length in whole minutes, or nothing if seconds are left over.
    pub const fn whole_minutes(self) -> Option<u32> {
        if self.0.is_multiple_of(60) { Some(self.0 / 60) } else { None }
    }
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || ParseDurationError::Form(text.to_owned());
        let mut seconds: u64 = 0;
        let mut rest = text;
        let mut units = [('h', 3600_u64, 6), ('m', 60, 8), ('s', 1, 10)].into_iter();
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(form)?;
            let (digits, tail) = rest.split_at(end);
            let mut tail = tail.chars();
            let unit = tail.next().ok_or_else(form)?;
            let (_, scale, width) = units.find(|(u, _, _)| *u == unit).ok_or_else(form)?;
            if digits.len() > width {
                return Err(form());
            }
            let number: u64 = digits.parse().map_err(|_| form())?;
            seconds = seconds.saturating_add(number.saturating_mul(scale));
            rest = tail.as_str();
        }
        if text.is_empty() {
            return Err(form());
        }
        let seconds = u32::try_from(seconds).ok().filter(|s| *s <= 2_147_483_647);
        seconds.map(Self).ok_or_else(|| ParseDurationError::TooLong(text.to_owned()))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if seconds > 0 || self.0 == 0 {
            write!(f, "{seconds}s")?;
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "duration-hms",
            "pattern": Self::PATTERN,
            "description": "Hours, minutes and seconds, such as `90s`, `10m` or `1h30m`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_add_up() {
        assert_eq!("1h30m5s".parse(), Ok(Duration::from_seconds(5405)));
        assert_eq!("90s".parse::<Duration>().map(|d| d.to_string()), Ok("1m30s".to_owned()));
        assert_eq!("0s".parse(), Ok(Duration::from_seconds(0)));
    }

    #[test]
    fn units_out_of_order_or_missing_are_refused() {
        for text in ["", "10", "5s1m", "1m1m", "-5s", "1.5h", "1d", "s", " 5s"] {
            assert!(text.parse::<Duration>().is_err(), "{text:?} was accepted");
        }
        assert_eq!("999999h".parse::<Duration>(), Err(ParseDurationError::TooLong("999999h".to_owned())));
    }
}
