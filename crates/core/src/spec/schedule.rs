//! When a NeuronJob runs, again and again: cron with a time zone.
//!
//! Neighbours: part of `job`; `plan` asks which run is due. Names and meanings follow Kubernetes' CronJob. Not here: what has run.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, rollout_window::zone};

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of month, month and day of week: `0 2 * * *`, or one of `@hourly @daily @weekly @monthly @yearly`.
    pub cron: String,
    /// The time zone of `cron`, by its name in the IANA database. Default: `UTC`.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// What to do when a run is due while another one is not over. Default: `Forbid`.
    #[serde(default)]
    pub concurrency_policy: ConcurrencyPolicy,
    /// How late a run may start; one that is later is left out. Default: until the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_deadline: Option<Duration>,
    /// How many complete runs are remembered, 1 to 100. Default: 3.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub successful_history_limit: u32,
    /// How many failed runs are remembered, 1 to 100. Default: 3.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub failed_history_limit: u32,
}

/// What to do when a run is due while another one is not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ConcurrencyPolicy {
    /// Both run.
    Allow,
    /// The new one is left out.
    #[default]
    Forbid,
    /// The old one is cancelled.
    Replace,
}

fn utc() -> String {
    "UTC".to_owned()
}

const fn three() -> u32 {
    3
}

/// Why a schedule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The pattern.
    #[error("{0:?} is no cron pattern: {1}")]
    Pattern(String, String),
    /// The time zone.
    #[error("{0:?} is not in the time zone database")]
    Zone(String),
}

/// A schedule that can be asked.
#[derive(Debug, Clone)]
pub struct Calendar {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Reads pattern and time zone.
    ///
    /// # Errors
    ///
    /// Says which of the two cannot be read.
    pub fn calendar(&self) -> Result<Calendar, ScheduleError> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let pattern = |error: croner::errors::CronError| ScheduleError::Pattern(self.cron.clone(), error.to_string());
        let cron = parser.parse(&self.cron).map_err(pattern)?;
        let zone = zone(&self.time_zone).ok_or_else(|| ScheduleError::Zone(self.time_zone.clone()))?;
        Ok(Calendar { cron, zone })
    }
}

impl Calendar {
    /// The last instant up to `now` at which a run was due; none if there was none within croner's search limit.
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_previous_occurrence(&now.to_zoned(self.zone.clone()), true).ok()?;
        Some(found.timestamp())
    }

    /// The first instant after `now` at which a run is due.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let found = self.cron.find_next_occurrence(&now.to_zoned(self.zone.clone()), false).ok()?;
        Some(found.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, time_zone: &str) -> Schedule {
        serde_json::from_value(serde_json::json!({"cron": cron, "timeZone": time_zone})).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_is_due_by_the_clock_of_its_time_zone() {
        let nightly = schedule("0 2 * * *", "Europe/Berlin").calendar().unwrap();
        assert_eq!(nightly.last(at("2026-01-15T12:00:00Z")), Some(at("2026-01-15T01:00:00Z")));
        assert_eq!(nightly.last(at("2026-07-15T00:00:00Z")), Some(at("2026-07-15T00:00:00Z")));
        assert_eq!(nightly.next(at("2026-07-15T00:00:00Z")), Some(at("2026-07-16T00:00:00Z")));
    }

    #[test]
    fn a_pattern_with_seconds_and_an_unknown_zone_are_errors() {
        assert!(matches!(schedule("0 0 2 * * *", "UTC").calendar(), Err(ScheduleError::Pattern(..))));
        assert!(matches!(schedule("0 2 * * *", "Mars/Base").calendar(), Err(ScheduleError::Zone(..))));
        assert!(schedule("@daily", "UTC").calendar().is_ok());
    }

    #[test]
    fn an_hour_that_does_not_exist_or_exists_twice_has_one_run() {
        let nightly = schedule("30 2 * * *", "Europe/Berlin").calendar().unwrap();
        let runs = |from: &str, to: &str| {
            let (mut now, mut count) = (at(from), 0);
            while let Some(next) = nightly.next(now).filter(|next| *next < at(to)) {
                (now, count) = (next, count + 1);
            }
            count
        };
        assert_eq!(runs("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"), 2);
        assert_eq!(runs("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"), 2);
    }
}
